#!/usr/bin/env bash
# go.sh: prints a Go that can build what tools.sh and tests/cluster need. Any Go can fetch a newer one as a
# module, and those since 1.21 do it by themselves; one before does not know that it is more than a library.
set -euo pipefail

readonly GO=1.26.8 # what is fetched

fail() { echo "go: $*" >&2; exit 1; }

command -v go > /dev/null || fail "Go isn't on PATH: install Go 1.26 or later"
version=$(cd / && go env GOVERSION)
if [[ $(printf '%s\n' go1.21 "$version" | sort -V | head -n 1) = go1.21 ]]; then echo go; exit; fi
echo "go: fetching Go $GO, because this one is $version" >&2
toolchain=$(cd / && go mod download -json "golang.org/toolchain@v0.0.1-go$GO.$(go env GOOS)-$(go env GOARCH)" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
[[ -d $toolchain ]] || fail "can't fetch Go $GO: install Go 1.26 or later"
chmod -R +x "$toolchain/bin" "$toolchain/pkg/tool"
echo "$toolchain/bin/go"
