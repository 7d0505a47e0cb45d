#!/usr/bin/env bash
# images.sh build REGISTRY: builds images/ and pushes them; prints `NAME REPOSITORY@DIGEST` for each.
# images.sh live ENV: prints the same of what runs in ENV.
# images.sh pin ENV FILE: writes such lines into config/ENV, so that a deploy takes these very images.
# `make images`, `make pin` and `make promote` call it. Builds need docker, or what DOCKER names.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

config=${TODOOZLE_CONFIG:-config}
docker=${DOCKER:-docker}
readonly LINE='^(runtime-host|postgres) [a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$'

# What each image is built from. Write postgres-18 before an upgrade to PostgreSQL 18: until then the members run 17 from it.
declare -rA FROM=([runtime-host]=runtime-host [postgres]=postgres)

build() {
    local registry=${1%/} name tag digest
    need git
    command -v "$docker" > /dev/null || fail "$docker isn't on PATH: install it, or name another with DOCKER=…"
    tag=$(git rev-parse --short=12 HEAD)
    [[ -z $(git status --porcelain) ]] || fail "commit first: an image says by its tag which commit it was built from"
    for name in runtime-host postgres; do
        "$docker" build --file "images/${FROM[$name]}/Containerfile" --tag "$registry/$name:$tag" . >&2
        "$docker" push "$registry/$name:$tag" >&2
        # Known once the registry has it.
        digest=$("$docker" inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$registry/$name:$tag" |
            grep -m 1 "^$registry/$name@sha256:") || fail "$registry doesn't say the digest of $name:$tag"
        echo "$name $digest"
    done
}

live() {
    local env=$1 values=$config/$1/values.yaml kubectl context namespace app name host database line
    [[ -r $values ]] || fail "there is no environment '$1'"
    kubectl=$(scripts/tools.sh kubectl)
    target() { awk -v key="$1:" -v value="$2" '/^[^ #]/ { inside = ($1 == "target:") } inside && $1 == key { value = $2 } END { print value }' "$values"; }
    context=$(target context "$1") namespace=$(target namespace todoozle) app=$(target app todoozle-edge)
    name=$(sed -n 's/^name *= *"\(.*\)".*/\1/p' "$config/$1/postgres.toml")
    # What the pods were made with, and not what the next ones would be.
    image() {
        local all
        all=$("$kubectl" --context "$context" --namespace "$namespace" get pods --selector "$2" \
            --output 'jsonpath={range .items[*]}{.spec.containers[0].image}{"\n"}{end}' | sort -u)
        [[ $all && $all != *$'\n'* ]] ||
            fail "in $env run ${all:-no} pods of $1: wait until all run one image, or make deploy ENV=$env"
        echo "$all"
    }
    host=$(image runtime-host "app.kubernetes.io/name=$app,app.kubernetes.io/component=edge")
    database=$(image postgres "app.kubernetes.io/name=postgres,app.kubernetes.io/instance=$name,todoozle.dev/set")
    for line in "runtime-host $host" "postgres $database"; do
        [[ $line =~ $LINE ]] || fail "in $1 runs $line, which names no digest: make pin ENV=$1, and deploy"
        echo "$line"
    done
}

pin() {
    local values=$config/$1/values.yaml database=$config/$1/postgres.toml name image
    [[ -w $values && -w $database ]] || fail "there is no environment '$1'"
    [[ -s $2 ]] || fail "$2 is empty: make images writes it"
    if grep -vqE "$LINE" "$2"; then fail "$2: write NAME REPOSITORY@sha256:… in each line, as make images does"; fi
    while read -r name image; do
        if [[ $name = postgres ]]; then
            sed "s|^image *=.*|image = \"$image\"|" "$database" > "$database.new"
            grep -qF "\"$image\"" "$database.new" || fail "$database has no line 'image = …'"
            mv "$database.new" "$database"
            continue
        fi
        # The block keeps its other keys.
        awk -v repository="${image%@*}" -v digest="${image#*@}" '
            function block() { print "image:"; print "  repository: " repository; print "  digest: " digest; done = 1 }
            /^image:/ { block(); inside = 1; next }
            /^[^ #]/ { inside = 0 }
            inside && $1 ~ /^(repository|tag|digest):$/ { next }
            { print }
            END { if (!done) block() }' "$values" > "$values.new"
        mv "$values.new" "$values"
    done < "$2"
    say "config/$1 names these images now"
}

case ${1-}:$# in
    build:2) build "$2" ;;
    live:2) live "$2" ;;
    pin:3) pin "$2" "$3" ;;
    *) fail "usage: images.sh build REGISTRY, images.sh live ENV, or images.sh pin ENV FILE" ;;
esac
