# The front door: what a laptop runs and what CI runs are these targets.

# dev is quick to build, release is what ships: `make test PROFILE=release` tests that (ADR 6).
PROFILE ?= dev
export PROFILE
export PROGRAMS = target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# Without OpenSSL's headers, it is built from source (macOS brings its own TLS).
ifneq ($(shell uname -s),Darwin)
ifneq ($(shell pkg-config --exists openssl 2>/dev/null && echo found),found)
HOST_FEATURES := --features runtime-host/vendored-openssl
endif
endif

WASM := target/wasm32-wasip2/component/todo_component.wasm
HOST = $(PROGRAMS)/runtime-host

.DEFAULT_GOAL := help
.PHONY: help setup up watch db build component test-component laptop try-up host programs deploy undeploy state plan cloud access secrets images pin promote verify lint clippy units test test-cluster on-cluster database-tests test-database check bench bench-builds bench-backup bench-failover bench-swap size clean

# The environment of deploy and undeploy: a folder of config/.
ENV ?= dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the Rust toolchain that rust-toolchain.toml names
	@rustup target list --installed 2>/dev/null | grep -qx wasm32-wasip2 || rustup toolchain install --no-self-update

up: laptop ## Serve the app on http://127.0.0.1:3000 with a PostgreSQL of its own
	$(HOST) up

watch: laptop ## The same, and rebuild and swap the component on every change
	$(HOST) up --build --watch

db: laptop ## Run that PostgreSQL alone, for `spin up`
	$(HOST) db

build: host component ## Build the host and the component

component: setup
	cargo build --profile component --target wasm32-wasip2 -p todo-component

test-component: setup
	cargo build --profile component --target wasm32-wasip2 -p test-component

host: setup
	cargo build --profile $(PROFILE) -p runtime-host $(HOST_FEATURES)

# The host without what only a cluster needs, beside the component: they share nothing that
# Cargo locks, and either leaves a core idle now and then.
laptop: setup
	@echo "Building the host and the component: minutes the first time, seconds after that" >&2
	@cargo build --profile component --target wasm32-wasip2 -p todo-component & component=$$!; \
	cargo build --profile $(PROFILE) -p runtime-host --no-default-features $(HOST_FEATURES); host=$$?; \
	wait $$component && exit $$host

# What `make up` does, on a free port and in a folder of its own.
try-up: laptop
	scripts/test-up.sh

# Both in one run of Cargo: alone, each would have what they share compiled for itself.
programs: setup
	cargo build --profile $(PROFILE) -p runtime-host -p pg-cluster $(HOST_FEATURES)

# BUILT=1: what is in target/ is to be taken as it is.
ifndef BUILT
BUILDS := programs component
endif

deploy: $(BUILDS) ## Bring ENV (dev) to what config/ENV says; PART=database, component or edge alone
	@scripts/deploy.sh up $(ENV) $(PART)

undeploy: $(BUILDS) ## Take ENV (dev) away again, and keep the database's volumes and passwords
	@scripts/deploy.sh down $(ENV) $(PART)

state: ## Make the bucket for the state of ENV's cloud, once
	@scripts/terraform.sh state $(ENV)

plan: ## Show what would change of ENV's cloud
	@scripts/terraform.sh plan $(ENV)

cloud: ## Do what the plan showed
	@scripts/terraform.sh apply $(ENV)

access: $(if $(BUILT),,host) ## Let ENV's deployer into its cluster
	@scripts/terraform.sh access $(ENV)

secrets: ## Edit ENV's secrets, which are encrypted again when the editor closes
	@scripts/secrets.sh edit $(ENV)

images: ## Build the images, push them to REGISTRY, and name them by digest in target/images.txt, their packages in packages.txt
	@mkdir -p target && scripts/images.sh build $(REGISTRY) > target/images.txt && cat target/images.txt

pin: $(if $(BUILT),,host) ## Have ENV run the images that the file IMAGES names
	@$(HOST) images pin $(ENV) $(IMAGES)

promote: $(if $(BUILT),,programs) ## Bring the images and the component that run in FROM to TO
	@scripts/promote.sh $(FROM) $(TO)

verify: $(if $(BUILT),,host) ## Write, read and delete todos in ENV, also while the command DURING runs
	@scripts/verify.sh $(ENV) $(DURING)

lint: ## Check secrets, Terraform, workflows, YAML and shell, as far as the tools are there
	@scripts/lint.sh

test: setup ## Run every check and every test, on real parts
	@cargo run --quiet -p xtask -- test

test-cluster: setup ## Run the tests on Kubernetes: TODOOZLE_TEST_CONTEXT, or a node of their own (root on Linux)
	tests/cluster/with $(MAKE) on-cluster

# Nothing but tests/cluster/with calls this: it says which cluster.
on-cluster: programs component test-component
	@cargo run --quiet -p xtask -- on-cluster

test-edge: programs component test-component ## Run the edge tier's tests there with those that take minutes: pushes, failures and deploys under load
	TODOOZLE_LONG=1 tests/cluster/with cargo test --profile $(PROFILE) -p todo-component -p tests --test edge -- --nocapture

# One list, so that what they share is compiled once, with the same features.
TEST_PROGRAMS = cargo test --profile $(PROFILE) -p runtime-host -p spin-postgres -p pg-cluster -p kit $(HOST_FEATURES)

units: setup
	$(TEST_PROGRAMS) --bins --lib --test instructions

database-tests:
	$(TEST_PROGRAMS) --test cluster

test-database: programs ## Run the database tier's tests there with those that take minutes: what bench-failover does, once
	TODOOZLE_LONG=1 tests/cluster/with $(MAKE) database-tests

# It shares next to nothing with a build, and in a folder of its own neither waits for the other.
clippy: setup
	cargo clippy --target-dir target/clippy --workspace --all-targets $(HOST_FEATURES) -- -D warnings
	cargo clippy --target-dir target/clippy -p runtime-host --no-default-features $(HOST_FEATURES) -- -D warnings

bench-backup: setup ## Print what archiving costs, its lag, and how fast a database comes back (TODOOZLE_BENCH_MEGABYTES)
	tests/cluster/with cargo bench -p pg-cluster --bench backup

bench-failover: setup ## Print what each of twelve faults costs: the longest time without a write, and what was lost
	tests/cluster/with cargo bench -p pg-cluster --bench failover

bench-swap: PROFILE := release
bench-swap: programs component ## Push 100 components under load, and print what it costs
	TODOOZLE_PUSHES=100 tests/cluster/with cargo test --profile $(PROFILE) -p todo-component -p tests --test edge pushes -- --nocapture

check: setup ## Format and lint, without running anything
	cargo fmt --all
	cargo clippy --target-dir target/clippy --workspace --all-targets $(HOST_FEATURES)

bench: PROFILE := release
bench: build ## Compare with a native server (ROUTE, CONNECTIONS, ROUNDS, SECONDS), and 1,000,000 rows with 100
	cargo build --profile component --target wasm32-wasip2 -p hello
	cargo build --release -p native
	cargo run --release -p tests --bin bench -- speed
	cargo run --release -p tests --bin bench -- rows

bench-builds: PROFILE := release
bench-builds: build ## Compare two programs of the host: OLD=path NEW=path
	cargo build --profile component --target wasm32-wasip2 -p hello
	cargo run --release -p tests --bin bench -- builds $(OLD) $(NEW)

size: component ## Print the component's size
	@wc -c < $(WASM) | awk '{ printf "%s: %d bytes (%.0f KB)\n", "$(WASM)", $$1, $$1 / 1000 }'

clean: ## Remove what was built; the data in .todoozle stays
	cargo clean
