#!/usr/bin/env bash
# tools.sh NAME: prints the path of helm, sops, age-keygen, actionlint or kubectl. What isn't on PATH is built
# from the Go module proxy into the cache, once. kubectl can't be got that way.
set -euo pipefail

readonly HELM=4.3.1
readonly SOPS=3.13.3
readonly AGE=1.3.2
readonly ACTIONLINT=1.7.12
readonly GO=1.26.8 # fetched by a Go that is older than it needs
cache=${TODOOZLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/todoozle}/bin
node=$(cd "$(dirname "$0")/.." && pwd)/target/cluster/bin # of tests/cluster

fail() { echo "tools: $*" >&2; exit 1; }

# go_command NAME prints a Go that can build it. Any Go can fetch a newer one as a module,
# and those since 1.21 do it by themselves.
go_command() {
    command -v go > /dev/null || fail "$1 isn't on PATH: install it, or Go, so that it can be built"
    local version toolchain
    version=$(cd / && go env GOVERSION)
    if [[ $(printf '%s\n' go1.21 "$version" | sort -V | head -n 1) = go1.21 ]]; then echo go; return; fi
    toolchain=$(cd / && go mod download -json "golang.org/toolchain@v0.0.1-go$GO.$(go env GOOS)-$(go env GOARCH)" |
        sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
    [[ -d $toolchain ]] || fail "can't fetch Go $GO: install Go 1.26 or later, or $1"
    chmod -R +x "$toolchain/bin" "$toolchain/pkg/tool"
    echo "$toolchain/bin/go"
}

# built NAME VERSION PACKAGE
built() {
    local program=$cache/$1-$2 go work
    if command -v "$1"; then return; fi
    if [[ ! -x $program ]]; then
        go=$(go_command "$1")
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
