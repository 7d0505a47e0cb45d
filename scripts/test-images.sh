#!/usr/bin/env bash
# Tests images.sh: `pin` on copies of every environment, `live` and `build` with a kubectl and a docker that only talk.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

need git
scratch
export HOME=$work XDG_CONFIG_HOME=$work/.config # git's settings are not this user's

one=$(printf '1%.0s' {1..64}) two=$(printf '2%.0s' {1..64})
printf 'runtime-host registry.example/a/runtime-host@sha256:%s\npostgres registry.example:5000/postgres@sha256:%s\n' "$one" "$two" > "$work/images"
cp -r config "$work/config"
export TODOOZLE_CONFIG=$work/config

for folder in config/*/; do
    env=$(basename "$folder")
    for _ in once again; do scripts/images.sh pin "$env" "$work/images" 2> "$work/output" || fail "$env isn't pinned: $(cat "$work/output")"; done
    values=$work/config/$env/values.yaml
    [[ $(grep -c '^image:' "$values") = 1 && $(grep -c "^  digest: sha256:$one$" "$values") = 1 ]] || fail "$env: not one image in $(cat "$values")"
    ! grep -q '^  tag:' "$values" || fail "$env: the tag is still there"
    grep -qx "image = \"registry.example:5000/postgres@sha256:$two\"" "$work/config/$env/postgres.toml" || fail "$env: not the database's image"
    # Nothing else changed.
    diff <(grep -v -e '^image' -e '^  repository:' -e '^  tag:' "$folder/values.yaml") \
        <(grep -v -e '^image' -e '^  repository:' -e '^  digest:' "$values") > "$work/diff" || fail "$env: $(cat "$work/diff")"
    [[ $(diff "$folder/postgres.toml" "$work/config/$env/postgres.toml" | grep -c '^>') = 1 ]] || fail "$env: postgres.toml changed otherwise"
done

for line in "runtime-host registry.example/a:latest" "other registry.example/a@sha256:$one" "postgres registry.example/a@sha256:12"; do
    echo "$line" > "$work/bad"
    ! scripts/images.sh pin dev "$work/bad" 2> /dev/null || fail "took '$line'"
done
mkdir "$work/bin"
printf '#!/bin/sh\ncase "$*" in *component=edge*) sed -n "s/^runtime-host //p" %s ;; *) sed -n "s/^postgres //p" %s ;; esac\n' "$work/images" "$work/images" > "$work/bin/kubectl"
chmod +x "$work/bin/kubectl"
[[ $(PATH=$work/bin:$PATH scripts/images.sh live prod) = "$(cat "$work/images")" ]] || fail "live isn't what runs"
sed -i 's/@sha256.*/:latest/' "$work/images"
! PATH=$work/bin:$PATH scripts/images.sh live prod > "$work/output" 2>&1 || fail "a tag was taken for a digest"
grep -q "names no digest" "$work/output" || fail "said: $(cat "$work/output")"
# Half of the pods are another version's.
printf 'runtime-host other@sha256:%s\n' "$two" >> "$work/images"
! PATH=$work/bin:$PATH scripts/images.sh live prod > "$work/output" 2>&1 || fail "half a rollout was taken for a version"
grep -q "wait until all run one image" "$work/output" || fail "said: $(cat "$work/output")"

mkdir "$work/repo"
cp -r scripts images "$work/repo"
cd "$work/repo"
git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm a
# shellcheck disable=SC2016 # what is expanded is the script's own
printf '#!/bin/sh\necho "$@" >> %s/docker\n[ "$1" != inspect ] || printf "other/x@sha256:%s\nregistry.example/t/%%s@sha256:%s\n" "$(echo "$4" | sed "s|.*/\\(.*\\):.*|\\1|")"\n' "$work" "$two" "$one" > "$work/bin/docker"
chmod +x "$work/bin/docker"
DOCKER=$work/bin/docker scripts/images.sh build registry.example/t/ > "$work/images" 2> "$work/output" || fail "build: $(cat "$work/output")"
[[ $(cat "$work/images") = "runtime-host registry.example/t/runtime-host@sha256:$one
postgres registry.example/t/postgres@sha256:$one" ]] || fail "built $(cat "$work/images")"
[[ $(grep -c "^push registry.example/t/.*:$(git rev-parse --short=12 HEAD)$" "$work/docker") = 2 ]] || fail "pushed by another tag: $(cat "$work/docker")"
touch new
! DOCKER=$work/bin/docker scripts/images.sh build registry.example/t > /dev/null 2>&1 || fail "built what isn't committed"
say passed
