#!/usr/bin/env bash
# Tests that no script ends without a word on a machine that lacks something. Each runs in a copy, without a folder that
# an earlier run made: with an empty HOME, with none, without a TMPDIR, and without each of the tools that it names.
# Its PATH has base tools, and stand-ins for all that could install, deploy or reach a network. They say nothing and
# either refuse or agree, so that whatever is said is the script's own.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

need git timeout
scratch
count=0
pristine=$work/pristine bin=$work/bin copy=$work/copy env=$(command -v env)
readonly JOBS=4
readonly BASE=(awk basename bash cat chmod cmp comm cp cut diff dirname env find git grep head id ln ls mkdir mkfifo mktemp mv
    rm sed sha256sum sleep sort stat tail tar touch tr uname wc)
readonly FEW=(awk find git mktemp sed) # for what takes long
readonly STAND_INS=(actionlint age-keygen apt-cache apt-get cargo checkov chromedriver chromium docker dpkg-deb firefox-esr go helm kubectl npm shellcheck
    sops sudo terraform yamllint)

# on_path TOOL...: PATH is these alone.
on_path() {
    local tool
    rm -rf "$bin" && mkdir "$bin"
    for tool; do ln -s "$(command -v "$tool")" "$bin/$tool"; done
}
# stand_ins CODE: all of them end with it.
stand_ins() {
    local tool
    # It reads what it is given: who writes to it would fail now and then, else.
    printf '#!/bin/sh\nwhile read -r line; do :; done\nexit %s\n' "$1" > "$work/stand-in"
    chmod +x "$work/stand-in"
    for tool in "${STAND_INS[@]}"; do ln -sf "$work/stand-in" "$bin/$tool"; done
}

# speaks SETTING... SCRIPT ARGUMENT...: runs it, as `env` does, in the copy. Whether it ends well or has said why not,
# by our own fail or tell, as only they end with $told; $said is what it said, or what is wrong with it.
speaks() {
    local code=0
    rm -rf "${work:?}/home" "$copy"/config/*/secrets.yaml # what an earlier run left
    mkdir -p "$work/home" "$work/tmp"
    (cd "$copy" && exec timeout 20 env -i PATH="$bin" HOME="$work/home" TMPDIR="$work/tmp" YES=1 \
        PROGRAMS=target/programs TODOOZLE_CACHE="$work/home/cache" "$env" "$@") \
        > /dev/null 2> "$work/error" < /dev/null || code=$?
    # The names of folders and the seconds differ each time.
    said=$(sed -E 's|/tmp\.[A-Za-z0-9]*||g; s/[0-9]+ s/… s/g' "$work/error") ended=$code
    count=$((count + 1))
    ((code)) || return 0
    if ((code == 124)); then said="it hung; $said"; return 1; fi
    if ((code == told)) && [[ $'\n'$said =~ $'\n'[a-z-]+:\ . ]]; then return; fi
    said="it ended with $code, and said: '$said'"
    return 1
}
# lacks TOOL COMMAND...: the same without the tool. If that makes a difference, it has to be named.
lacks() {
    local code=0
    mv "$bin/$1" "$work/aside"
    speaks "${@:2}" || code=$?
    mv "$work/aside" "$bin/$1"
    ((code == 0)) || fail "${*:2} without $1: $said"
    ((ended == 0)) || [[ $said = "$usual" || $said = *"$1"*install* || $said = *install*"$(package "$1")"* ]] || fail "${*:2} without $1 says: $said"
}
# try COMMAND...: in each way that asks for no tool's absence.
try() {
    speaks "$@" || fail "$*: $said"
    usual=$said
    speaks -u HOME "$@" || fail "$* without HOME: $said"
    speaks TMPDIR="$work/none" "$@" || fail "$* without TMPDIR: $said"
}

# --- A clone of what the scripts read, without what a build makes; what it makes are stand-ins, too.

mkdir "$pristine"
tar -c --exclude=.terraform .sops.yaml spin.toml config helm images scripts terraform tests/cluster tests/package*.json |
    tar -x -C "$pristine"
printf '#!/bin/sh\n' > "$pristine/scripts/test-scripts.sh" # lint calls it
git_here() { HOME=$work git -C "$pristine" -c user.name=a -c user.email=a@b "$@"; }
printf '/target\n' > "$pristine/.gitignore"
git_here init -q --template= && git_here add . && git_here commit -qm a && git_here repack -adq # few files: they are copied
mkdir -p "$pristine/target/programs"
for program in runtime-host pg-cluster; do
    ln -s ../../../stand-in "$pristine/target/programs/$program" # of the job that has the copy
done

# --- Every script

for script in scripts/*.sh tests/cluster/{check,cut,down,image,node,possible,prepare,up,with,*.sh}; do
    bash -n "$script"
    count=$((count + 1))
    case $script in
        scripts/common.sh | tests/cluster/credentials.sh | tests/cluster/parts.sh) ;; # read by others
        *) grep -qE '^\. ".*/common.sh"' "$script" || fail "$script doesn't read common.sh, so it can end without a word" ;;
    esac
done

# This test can fail: it notices a script that is mute, and one that has only bash speak.
cp -r "$pristine" "$copy"
on_path "${BASE[@]}"
stand_ins 1
printf '#!/bin/bash\nset -e\nfalse\n' > "$work/mute" && chmod +x "$work/mute"
! speaks "$work/mute" || fail "a mute script passed"
sed -i 's/false/nosuch/' "$work/mute"
! speaks "$work/mute" || fail "a script passed of which only bash spoke"

# job NUMBER: its share of the lines below, in a folder of its own.
job() {
    local work=$work/$1 command tool tools at=0
    local bin=$work/bin copy=$work/copy
    mkdir "$work"
    count=0
    on_path "${BASE[@]}"
    while read -r -a command; do
        ((at++ % JOBS == $1)) || continue
        rm -rf "$copy" && cp -r "$pristine" "$copy"
        stand_ins 1
        speaks "${command[@]}" || fail "${command[*]}, when all refuses: $said"
        stand_ins 0 # a script goes furthest with those that agree
        try "${command[@]}"
        tools=("${BASE[@]}")
        [[ ${command[0]} != scripts/test-* ]] || tools=("${FEW[@]}")
        for tool in "${tools[@]}" "${STAND_INS[@]}"; do
            [[ $tool = bash ]] || ! grep -qw -e "$tool" "${command[0]}" || lacks "$tool" "${command[@]}"
        done
    done <<'COMMANDS'
scripts/test-secrets.sh
scripts/test-images.sh
scripts/terraform.sh check
scripts/deploy.sh up dev
scripts/secrets.sh edit dev
scripts/deploy.sh down dev
scripts/setup-tests.sh
scripts/terraform.sh access dev
scripts/images.sh build registry.example
scripts/promote.sh dev staging
scripts/secrets.sh check
scripts/verify.sh dev true
COMMANDS
    echo "$count" > "$work/count"
}
jobs=()
for ((at = 0; at < JOBS; at++)); do
    job $at &
    jobs+=($!)
done
failed=0
for job in "${jobs[@]}"; do wait "$job" || failed=1; done
((failed == 0)) || exit $told
for ((at = 0; at < JOBS; at++)); do count=$((count + $(cat "$work/$at/count"))); done

stand_ins 0
for command in deploy images promote secrets terraform verify; do
    speaks "scripts/$command.sh" || fail "$command without arguments: $said"
done

# What lint calls was tried above.
printf '#!/bin/sh\n' | tee "$copy/scripts/test-images.sh" > "$copy/scripts/test-secrets.sh"
try scripts/lint.sh
for tool in terraform checkov yamllint shellcheck actionlint; do
    lacks $tool scripts/lint.sh
    lacks $tool REQUIRE_ALL=1 scripts/lint.sh
done

# --- The test node. These would start it, or end one that runs: without apt-get, go, flock and pgrep they can't, and stop
# there. `node` would do its work on this machine, so nothing more than the above is tried of it.

on_path bash cat cut dirname mkdir sha256sum uname
for command in check "cut 10.0.0.1" down "image pause" "with uname" prepare up; do
    read -r -a command <<< "tests/cluster/$command"
    try "${command[@]}"
done
for tool in cat cut mkdir sha256sum uname; do lacks $tool tests/cluster/up; done
say "$count checks passed"
