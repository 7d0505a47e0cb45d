#!/usr/bin/env bash
# Tests scripts/secrets.sh in a copy, with a home of its own. The round trips need sops and age-keygen, on PATH
# or already built by scripts/tools.sh; without them they are skipped, and that is said.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

need git
scratch
password=hunter2-hunter2-hunter2
count=0

# A new machine has no cache.
at_hand() { command -v "$1" || { [[ ! -d $cache ]] || find "$cache" -name "$1-*" | sort -V | tail -n 1; }; }
cache=$caches/bin
sops=$(at_hand sops)
keygen=$(at_hand age-keygen)
unset TODOOZLE_CONFIG
export HOME=$work XDG_CONFIG_HOME=$work/.config # git's settings are not this user's, either

mkdir -p "$work/repo/config/dev" "$work/repo/config/prod" "$work/bin"
cp -r scripts .sops.yaml "$work/repo/"
cp config/dev/postgres.toml "$work/repo/config/dev/"
cd "$work/repo"
git init -q .
dev=config/dev/secrets.yaml
: > "$work/output"

passed() { count=$((count + 1)); }
broken() { fail "$1; it said: $(cat "$work/output")"; }

# does WHAT COMMAND...; refuses WHAT WORDS COMMAND... wants a failure that says WORDS, and never the password.
does() {
    local what=$1
    shift
    "$@" > "$work/output" 2>&1 || broken "$what failed"
    passed
}
refuses() {
    local what=$1 words=$2
    shift 2
    ! "$@" > "$work/output" 2>&1 || broken "$what was let through"
    grep -qF -e "$words" "$work/output" || broken "$what was refused without '$words'"
    ! grep -qF "$password" "$work/output" || broken "$what showed the password"
    passed
}

# --- The check, which needs nothing

cipher='ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]'
encrypted() { printf '#%s\nroles:\n    todo: %s\nsystem: {}\nsops:\n    age: []\n    lastmodified: "2026-01-01T00:00:00Z"\n    mac: %s\n' "$cipher" "$cipher" "$cipher"; }

does "no file" scripts/secrets.sh check
encrypted > $dev
does "an encrypted file" scripts/secrets.sh check
printf 'roles:\n  todo: %s\n' $password > $dev
refuses "clear text" "clear text in line 2" scripts/secrets.sh check
{ encrypted; printf '    todo2: %s\n' $password; } | sed '/todo:/{h;s/todo:.*/more: '$password'/;H;x}' > $dev
refuses "a line added by hand" "clear text in line" scripts/secrets.sh check
encrypted | sed "s/^#.*/# the old one was $password/" > $dev
refuses "a comment in clear text" "clear text in line 1" scripts/secrets.sh check
encrypted | sed "s/^#.*/# $password: $cipher/" > $dev
refuses "a comment that looks like a value" "clear text in line 1" scripts/secrets.sh check
encrypted | sed '/mac:/d' > $dev
refuses "a file without a MAC" "not encrypted by sops" scripts/secrets.sh check
printf '{"roles": {"todo": "%s"}}\n' $password > $dev
refuses "clear text as JSON" "clear text in line 1" scripts/secrets.sh check
encrypted | sed "s/todo:.*/todo: |\n        $password/" > $dev
refuses "clear text over lines" "clear text in line" scripts/secrets.sh check
rm $dev
printf 'roles:\n  todo: %s\n' $password > config/prod/secrets.yaml.bak
refuses "a copy in clear text" "config/prod/secrets.yaml.bak" scripts/secrets.sh check
rm config/prod/secrets.yaml.bak
printf 'AGE-SECRET-KEY-%s\n' 1QQQQQQQQQQ > key.txt
refuses "a private key" "key.txt" scripts/secrets.sh check
rm key.txt

# --- Round trips

refuses "an environment that isn't there" "there is no environment 'test'" scripts/secrets.sh edit test
if [[ -z $sops || -z $keygen ]]; then
    say "skipped the round trips: no sops or age-keygen here (scripts/tools.sh sops and age-keygen build them)"
    say "$count checks passed"
    exit 0
fi
ln -s "$sops" "$work/bin/sops"
ln -s "$keygen" "$work/bin/age-keygen"
unset SOPS_AGE_KEY SOPS_AGE_KEY_FILE SOPS_AGE_RECIPIENTS
export PATH=$work/bin:$PATH
read_secrets() { sops --disable-version-check decrypt $dev; }
as() { export HOME=$work/$1 XDG_CONFIG_HOME=$work/$1/.config; mkdir -p "$HOME"; }

# writes OLD NEW makes an editor that replaces a line.
writes() {
    # shellcheck disable=SC2016 # $1 is the editor's
    printf '#!/bin/sh\nsed -i "s/^%s.*/%s/" "$1"\n' "$1" "$2" > "$work/editor"
    chmod +x "$work/editor"
    export EDITOR=$work/editor
}

refuses "the example of a cloud's key" "is an example" scripts/secrets.sh edit prod

as alice
writes ' *todo:' "    todo: $password"
does "the first edit" scripts/secrets.sh edit dev
[[ $(stat -c %a "$XDG_CONFIG_HOME/sops/age/keys.txt" 2> /dev/null || echo 600) = 600 ]] || broken "others can read the key"
! grep -rqF --exclude-dir=scripts $password . || broken "the password is in clear text somewhere"
does "what the edit wrote" scripts/secrets.sh check
read_secrets > "$work/output" 2>&1
grep -q "todo: $password" "$work/output" || broken "it isn't what was written"
[[ $(grep -c "age1" .sops.yaml) = 1 ]] || broken "alice isn't in .sops.yaml once"

writes 'nothing' 'nothing'
cp .sops.yaml "$work/before"
does "an edit that changes nothing" scripts/secrets.sh edit dev
cmp -s .sops.yaml "$work/before" || broken ".sops.yaml was changed again"

as bob
refuses "somebody whom the file isn't for" "ask someone who can" scripts/secrets.sh edit dev
[[ $(grep -o "age1[0-9a-z]*" .sops.yaml | sort -u | wc -l) = 2 ]] || broken "bob isn't in .sops.yaml beside alice"
refuses "bob" "" read_secrets
as alice
does "an edit by someone who can read it" scripts/secrets.sh edit dev
as bob
does "reading as bob, then," read_secrets
read_secrets | grep -q "todo: $password" || broken "bob reads something else"

as carol
# sops reads this form as well; only the other one is added to.
cp .sops.yaml "$work/kept"
sed 's/^    age: "\(.*\),\(.*\)"/    age:\n      - \1\n      - \2/' "$work/kept" > .sops.yaml && cp .sops.yaml "$work/list"
refuses "a rule in another form" "write age1" scripts/secrets.sh edit dev
cmp -s .sops.yaml "$work/list" || broken ".sops.yaml was changed"
as bob
does "an edit by such a rule" scripts/secrets.sh edit dev
cmp -s .sops.yaml "$work/list" || broken ".sops.yaml was changed"
cp "$work/kept" .sops.yaml
sed s/dev/other/ "$work/kept" > .sops.yaml
refuses "an environment without a rule" ".sops.yaml has no rule for config/dev/secrets.yaml" scripts/secrets.sh edit dev
cp "$work/kept" .sops.yaml

sed 's/\(todo: ENC\[AES256_GCM,data:\)\(.\)/\1\2\2/' $dev > "$work/changed" && cp $dev "$work/kept" && cp "$work/changed" $dev
refuses "changed cipher text" "" read_secrets
refuses "a deploy with it" "git checkout $dev" scripts/secrets.sh ready dev
cp "$work/kept" $dev
sed '/^system:/s/.*/system:\n    rewind: '$password'/' $dev > "$work/changed" && cp "$work/changed" $dev
refuses "an edit around sops" "clear text in line" scripts/secrets.sh check
refuses "an edit of such a file" "clear text" scripts/secrets.sh edit dev
refuses "a deploy of such a file" "clear text" scripts/secrets.sh ready dev
cp "$work/kept" $dev
sed 's/lastmodified: .*/lastmodified: "2020-01-01T00:00:00Z"/' $dev > "$work/changed" && cp "$work/changed" $dev
refuses "a date that was changed" "git checkout $dev" scripts/secrets.sh ready dev
cp "$work/kept" $dev
does "a deploy of what was kept" scripts/secrets.sh ready dev
does "a deploy without secrets" scripts/secrets.sh ready prod
mv "$XDG_CONFIG_HOME/sops/age/keys.txt" "$work/lost"
refuses "a lost key" "make secrets ENV=dev" scripts/secrets.sh ready dev

say "$count checks passed"
