#!/usr/bin/env bash
# terraform.sh state|plan|apply|access ENV: the cloud of an environment, from config/ENV/terraform.tfvars.
#   state   makes the bucket for Terraform's state: once, before anything else
#   plan    shows what would change, and keeps it for apply
#   apply   does what plan showed
#   access  lets the deployer into the cluster; needs an operator's right to it
# terraform.sh check: format, and every test that can run on this machine. It needs no project.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

root=$PWD
config=${TODOOZLE_CONFIG:-$root/config}
command -v terraform > /dev/null || {
    [[ ${1-} = check && -z ${REQUIRE_ALL-} ]] || fail "terraform isn't on PATH: install 1.9 or later (https://developer.hashicorp.com/terraform/install)"
    say "skipped: terraform isn't on PATH; install 1.9 or later to check terraform/"
    exit 0
}

# read_settings has Terraform read the environment's file, beside the variables alone: for that it needs neither a provider
# nor a state. What nothing takes, it would only warn of.
read_settings() {
    mkdir -p "$work/settings"
    cp terraform/variables.tf "$work/settings"
    cat > "$work/settings/outputs.tf" << HCL
output "project" {
  value = var.project
  precondition {
    condition     = var.environment == "$env"
    error_message = "environment has to be $env."
  }
}
output "region" { value = var.region }
HCL
    terraform -chdir="$work/settings" apply -auto-approve -input=false -no-color -var-file="$values" > "$work/log" 2>&1 &&
        [[ $(< "$work/log") != *"undeclared variable"* ]] || { cat "$work/log" >&2; fail "$values is refused"; }
}
setting() { terraform -chdir="$work/settings" output -raw "$1"; }

ready() {
    terraform -chdir=terraform init -input=false -reconfigure -backend-config="bucket=$(setting project)-todoozle-state" > /dev/null ||
        fail "can't begin, see above; without a bucket for the state yet: make state ENV=$env"
}

state() {
    terraform -chdir=terraform/state init -input=false > /dev/null
    terraform -chdir=terraform/state apply -state="$config/$env/state.tfstate" \
        -var "project=$(setting project)" -var "region=$(setting region)"
}

plan() {
    ready
    terraform -chdir=terraform plan -input=false -var-file="$values" -out="$env.tfplan"
    say "make cloud ENV=$env does this"
}

apply() {
    [[ -e terraform/$env.tfplan ]] || fail "there is no plan: make plan ENV=$env, and read it"
    ready
    terraform -chdir=terraform apply -input=false "$env.tfplan"
    rm "terraform/$env.tfplan"
}

access() {
    local kubectl target
    kubectl=$(scripts/tools.sh kubectl)
    target=$(where_is "$env")
    ready
    terraform -chdir=terraform output -raw access |
        "$kubectl" --context "${target%% *}" apply --server-side --field-manager=terraform --filename -
}

# --- Check

# tests FOLDER runs a module's tests in a copy, so that no lock file of this machine comes about.
# Whoever has neither the registry nor a mirror of it can't have the provider; that is said, and no failure.
tests() {
    local name=${1#terraform} module=$copy/$1
    name=${name#/}
    if ! terraform -chdir="$module" init -backend=false -input=false -no-color > "$copy/log" 2>&1; then
        grep -q 'Failed to query available provider packages' "$copy/log" || { cat "$copy/log" >&2; fail "${name:-root}: can't begin"; }
        [[ -z ${REQUIRE_ALL-} ]] || { cat "$copy/log" >&2; fail "${name:-root}: the google provider can't be had"; }
        skipped+=("${name:-root}")
        return
    fi
    terraform -chdir="$module" validate -no-color > "$copy/log" 2>&1 || { cat "$copy/log" >&2; fail "${name:-root}: not valid"; }
    if grep -q override_during "$module"/tests/*.hcl && ! newer 1.11; then
        skipped+=("${name:-root} (Terraform 1.11 or later)")
        return
    fi
    terraform -chdir="$module" test -no-color > "$copy/log" 2>&1 || { grep -v 'pass$' "$copy/log" >&2 || true; fail "${name:-root}: a test failed"; }
    say "${name:-root}: $(tail -n 1 "$copy/log")"
}

newer() { printf '%s\n' "$1" "$(terraform version | sed -n '1s/^Terraform v//p')" | sort -CV; }

check() {
    local folder
    skipped=()
    scratch
    copy=$work
    terraform fmt -check -recursive -diff terraform config > "$copy/log" || { cat "$copy/log" >&2; fail "format it: terraform fmt -recursive terraform config"; }
    tar -c --exclude=.terraform terraform | tar -x -C "$copy"
    for folder in terraform/modules/* terraform/state terraform; do tests "$folder"; done
    for folder in "$config"/*/; do settings "${folder%/}"; done
    ((${#skipped[@]} == 0)) || say "skipped, because the google provider can't be had here: ${skipped[*]}"
}

# settings FOLDER: whether all of an environment's file is taken, by everything where the provider can be
# had, else by the module that decides.
settings() {
    local env values=$1/terraform.tfvars
    env=$(basename "$1")
    read_settings
    if [[ -d $copy/terraform/.terraform/providers ]]; then
        terraform -chdir="$copy/terraform" test -no-color -test-directory=tests/environment -var-file="$values"
    else
        terraform -chdir="$copy/terraform/modules/plan" plan -input=false -no-color -compact-warnings -var-file="$values"
    fi > "$copy/log" 2>&1 || { cat "$copy/log" >&2; fail "$values is refused"; }
    say "$env: what is configured can be made"
}

case ${1-} in
    check) check ;;
    state | plan | apply | access)
        env=${2-} values=$config/${2-}/terraform.tfvars
        [[ $env && -r $values ]] || no_environment "$env"
        scratch
        read_settings
        "$1"
        ;;
    *) fail "usage: terraform.sh state|plan|apply|access ENV, or terraform.sh check" ;;
esac
