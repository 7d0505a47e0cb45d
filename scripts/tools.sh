#!/usr/bin/env bash
# tools.sh NAME: prints the path of helm, sops, age-keygen, actionlint or kubectl. What isn't on PATH is built
# from the Go module proxy into the cache, once. kubectl can't be got that way.
set -euo pipefail

readonly HELM=4.3.1
readonly SOPS=3.13.3
readonly AGE=1.3.2
readonly ACTIONLINT=1.7.12
cache=${TODOOZLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/todoozle}/bin
node=$(cd "$(dirname "$0")/.." && pwd)/target/cluster/bin # of tests/cluster

fail() { echo "tools: $*" >&2; exit 1; }

# built NAME VERSION PACKAGE
built() {
    local program=$cache/$1-$2 go work
    if command -v "$1"; then return; fi
    if [[ ! -x $program ]]; then
        go=$("$(dirname "$0")/go.sh") || fail "$1 isn't on PATH: install it, or Go, so that it can be built"
        echo "tools: building $1 $2: 1 to 5 minutes, once" >&2
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/.$1.XXXX")
        (cd "$work" && CGO_ENABLED=0 GOTOOLCHAIN=auto GOBIN=$work "$go" install -trimpath -ldflags '-s -w' "$3@v$2") >&2 ||
            { rm -rf "$work"; fail "can't build $1: install it"; }
        mv "$work/$1" "$program" # at once: another run may be at it, too
        rm -rf "$work"
    fi
    echo "$program"
}

case ${1-} in
    helm) built helm $HELM helm.sh/helm/v4/cmd/helm ;;
    sops) built sops $SOPS github.com/getsops/sops/v3/cmd/sops ;;
    age-keygen) built age-keygen $AGE filippo.io/age/cmd/age-keygen ;;
    actionlint) built actionlint $ACTIONLINT github.com/rhysd/actionlint/cmd/actionlint ;;
    kubectl)
        command -v kubectl || { [[ -x $node/kubectl ]] && echo "$node/kubectl"; } ||
            fail "kubectl isn't on PATH: install it (https://kubernetes.io/docs/tasks/tools)"
        ;;
    *) fail "which one: helm, sops, age-keygen, actionlint or kubectl?" ;;
esac
