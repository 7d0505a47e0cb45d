#!/usr/bin/env bash
# Tests `images.sh pin` on copies of every environment.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "test-images: $*" >&2; exit 1; }

one=$(printf '1%.0s' {1..64}) two=$(printf '2%.0s' {1..64})
printf 'runtime-host registry.example/a/runtime-host@sha256:%s\npostgres registry.example:5000/postgres@sha256:%s\n' "$one" "$two" > "$work/images"
cp -r config "$work/config"
export TODOOZLE_CONFIG=$work/config

for folder in config/*/; do
    env=$(basename "$folder")
    for _ in once again; do scripts/images.sh pin "$env" "$work/images" 2> /dev/null || fail "$env isn't pinned"; done
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
echo "test-images: passed" >&2
