#!/usr/bin/env bash
# Tests images.sh with a docker that only talks.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

need git
scratch
export HOME=$work XDG_CONFIG_HOME=$work/.config # git's settings are not this user's

one=$(printf '1%.0s' {1..64}) two=$(printf '2%.0s' {1..64})
mkdir "$work/bin" "$work/repo"
cp -r scripts images .gitignore "$work/repo"
cd "$work/repo"
git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm a
# shellcheck disable=SC2016 # what is expanded is the script's own
printf '#!/bin/sh\necho "$@" >> %s/docker\n[ "$1" != inspect ] || { name=${4##*/} && printf "other/x@sha256:%s\nregistry.example/t/%%s@sha256:%s\n" "${name%%:*}"; }\n[ "$1" != run ] || echo "libc6 2.41-12"\n' "$work" "$two" "$one" > "$work/bin/docker"
chmod +x "$work/bin/docker"
DOCKER=$work/bin/docker scripts/images.sh build registry.example/t/ > "$work/images" 2> "$work/output" || fail "build: $(cat "$work/output")"
[[ $(cat "$work/images") = "runtime-host registry.example/t/runtime-host@sha256:$one
postgres registry.example/t/postgres@sha256:$one" ]] || fail "built $(cat "$work/images")"
[[ $(grep -c "^push registry.example/t/.*:$(git rev-parse --short=12 HEAD)$" "$work/docker") = 2 ]] || fail "pushed by another tag: $(cat "$work/docker")"
[[ $(cat target/packages.txt) = "runtime-host libc6 2.41-12
postgres libc6 2.41-12" ]] || fail "packages: $(cat target/packages.txt)"
touch new
! DOCKER=$work/bin/docker scripts/images.sh build registry.example/t > /dev/null 2>&1 || fail "built what isn't committed"
say passed
