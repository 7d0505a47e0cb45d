#!/usr/bin/env bash
# tools.sh NAME...: prints the paths of helm, sops, age-keygen, versitygw, actionlint or kubectl, a line each. What isn't on
# PATH is built from the Go module proxy into the cache, once, in the version that tools/go.mod names.
. "${0%/*}/common.sh" || exit

scripts=$(cd "${0%/*}" && pwd)

version() { awk -v module="$1" '$1 == module { print substr($2, 2); exit }' "$scripts/tools/go.mod"; }

# built NAME MODULE PACKAGE [VARIABLE]: the package is the module's, and VARIABLE is where it keeps its version.
built() {
    local version program
    if command -v "$1"; then return; fi
    version=$(version "$2")
    program=$caches/bin/$1-$version
    if [[ ! -x $program ]]; then
        command -v go > /dev/null || fail "$1 isn't on PATH: install it, or Go, so that it can be built"
        say "building $1 $version: 1 to 5 minutes, once"
        "$scripts/go.sh" build "$program" "$2/$3" "${4:+-X $4=$version}" || fail "can't build $1: install it"
    fi
    echo "$program"
}

# kubectl is a part of the test node's program: alone it would take as long as helm.
find_kubectl() {
    local found
    if command -v kubectl; then return; fi
    for found in "$scripts/../target/cluster/bin/kubectl" "$caches"/cluster/components-*/kubectl; do
        if [[ -x $found ]]; then echo "$found"; return; fi
    done
    fail "kubectl isn't on PATH: install it (https://kubernetes.io/docs/tasks/tools)"
}

(($#)) || fail "which one: helm, sops, age-keygen, versitygw, actionlint or kubectl?"
for name; do
    case $name in
        helm) built helm helm.sh/helm/v4 cmd/helm helm.sh/helm/v4/internal/version.version ;;
        sops) built sops github.com/getsops/sops/v3 cmd/sops ;;
        age-keygen) built age-keygen filippo.io/age cmd/age-keygen main.Version ;;
        versitygw) built versitygw github.com/versity/versitygw cmd/versitygw main.Version ;;
        actionlint) built actionlint github.com/rhysd/actionlint cmd/actionlint github.com/rhysd/actionlint.version ;;
        kubectl) find_kubectl ;;
        *) fail "there is no tool '$name': helm, sops, age-keygen, versitygw, actionlint or kubectl" ;;
    esac
done
