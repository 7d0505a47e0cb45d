#!/usr/bin/env bash
# images.sh build REGISTRY: builds images/ and pushes them; prints `NAME REPOSITORY@DIGEST` for each, and writes what
# Debian's packages in them are into target/packages.txt: `NAME PACKAGE VERSION`. What else is in them stands in the commit of
# their tag: Cargo.lock and requirements.txt. `make images` calls it. It needs docker, or what DOCKER names; what becomes of such lines, runtime-host knows (`images`).
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

docker=${DOCKER:-docker}

# What each image is built from. Write postgres-18 before an upgrade to PostgreSQL 18: until then the members run 17 from it.
declare -rA FROM=([runtime-host]=runtime-host [postgres]=postgres)

build() {
    local registry=${1%/} name tag digest
    need git
    command -v "$docker" > /dev/null || fail "$docker isn't on PATH: install it, or name another with DOCKER=…"
    tag=$(git rev-parse --short=12 HEAD)
    [[ -z $(git status --porcelain) ]] || fail "commit first: an image says by its tag which commit it was built from"
    mkdir -p target
    : > target/packages.txt
    for name in runtime-host postgres; do
        "$docker" build --file "images/${FROM[$name]}/Containerfile" --tag "$registry/$name:$tag" . >&2
        # shellcheck disable=SC2016 # what is expanded is dpkg's own
        "$docker" run --rm --network none --entrypoint dpkg-query "$registry/$name:$tag" --show --showformat '${Package} ${Version}\n' |
            sed "s/^/$name /" >> target/packages.txt || fail "$name:$tag doesn't say what is in it"
        "$docker" push "$registry/$name:$tag" >&2
        # Known once the registry has it.
        digest=$("$docker" inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$registry/$name:$tag" |
            grep -m 1 "^$registry/$name@sha256:") || fail "$registry doesn't say the digest of $name:$tag"
        echo "$name $digest"
    done
}

case ${1-}:$# in
    build:2) build "$2" ;;
    *) fail "usage: images.sh build REGISTRY" ;;
esac
