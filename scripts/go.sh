#!/usr/bin/env bash
# go.sh: prints a Go that can build the programs of scripts/tools. Any Go can fetch a newer one as a
# module, and those since 1.21 do it by themselves; one before does not know that it is more than a library.
# go.sh build FILE PACKAGE [LDFLAGS]: builds a program of that module, unless FILE is there.
. "${0%/*}/common.sh" || exit

readonly GO=1.26.8 # what is fetched
readonly MEMORY=1500MiB # of one run of the compiler; most take a tenth of it

find_go() {
    local version toolchain
    command -v go > /dev/null || fail "Go isn't on PATH: install Go 1.26 or later"
    version=$(cd / && go env GOVERSION)
    if [[ $(printf '%s\n' go1.21 "$version" | sort -V | head -n 1) = go1.21 ]]; then echo go; return; fi
    say "fetching Go $GO, because this one is $version"
    toolchain=$(cd / && go mod download -json "golang.org/toolchain@v0.0.1-go$GO.$(go env GOOS)-$(go env GOARCH)" |
        sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
    [[ -d $toolchain ]] || fail "can't fetch Go $GO: install Go 1.26 or later"
    chmod -R +x "$toolchain/bin" "$toolchain/pkg/tool"
    echo "$toolchain/bin/go"
}

# build makes the file at once, so that nobody sees half of it. One build at a time: two would
# compile the same libraries twice.
build() {
    local file=$1 package=$2 ldflags=${3-} go lock started
    go=$(find_go)
    mkdir -p "$caches" "${file%/*}"
    if command -v flock > /dev/null; then # macOS has none
        exec {lock}> "$caches/build.lock"
        flock -n "$lock" || { say "waiting for another build to end, before $package"; flock "$lock"; }
    fi
    [[ ! -x $file ]] || return 0
    new=$file.new.$$ started=$SECONDS
    trap 'rm -f "$new"' EXIT # $new is no local one for it
    # What runs for minutes need not be compiled as if it ran for years: without inlining, debugging
    # information and the compiler's garbage collection it takes half of the time. The flags are the same
    # for all programs: what one of them has compiled is then not compiled again for the next.
    (cd "${0%/*}/tools" && GOGC=off GOMEMLIMIT=$MEMORY GOMAXPROCS=1 GOTOOLCHAIN=auto GOWORK=off CGO_ENABLED=0 \
        "$go" build -p "$(getconf _NPROCESSORS_ONLN)" -trimpath -buildvcs=false -gcflags 'all=-l -dwarf=false' \
        -ldflags "-s -w $ldflags" -o "$new" "$package") >&2
    mv "$new" "$file"
    say "built $package in $((SECONDS - started)) s"
}

case ${1-} in
    '') find_go ;;
    build) build "${@:2}" ;;
    *) fail "go.sh prints a Go; go.sh build FILE PACKAGE [LDFLAGS] builds a program of scripts/tools" ;;
esac
