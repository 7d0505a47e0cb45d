#!/usr/bin/env bash
# secrets.sh edit ENV: opens config/ENV/secrets.yaml decrypted in $EDITOR, and encrypts what comes back.
# secrets.sh ready ENV: whether this machine can read config/ENV/secrets.yaml, if there is one.
# secrets.sh check: refuses secrets in clear text, wherever a commit could take them along.
# `make secrets`, `make deploy` and `make lint` call it. .sops.yaml says who can read which file; where that is by age
# and this machine has no key, one is made. For this nothing of ours has to be built.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

# --- Edit

# Where sops itself looks, so that pg-cluster finds it without being told.
key_file() {
    [[ ${SOPS_AGE_KEY_FILE-}${HOME-} ]] || fail "HOME isn't set, where keys are kept: set it, or SOPS_AGE_KEY_FILE to the key's place"
    if [[ ${SOPS_AGE_KEY_FILE-} ]]; then
        echo "$SOPS_AGE_KEY_FILE"
    elif [[ ${XDG_CONFIG_HOME-} || $(uname -s) != Darwin ]]; then
        echo "${XDG_CONFIG_HOME:-$HOME/.config}/sops/age/keys.txt"
    else
        echo "$HOME/Library/Application Support/sops/age/keys.txt"
    fi
}

# readers RULES prints what sops says when it encrypts nothing by them for $file: who can read that, or what is wrong.
readers() { "$sops" --disable-version-check --config "$1" encrypt --filename-override "$file" --input-type json --output-type json <<< '{}' 2>&1 || true; }

# age_key ENV makes this machine's key if there is none, and adds its public part to the rule.
age_key() {
    local keys keygen public
    keys=$(key_file)
    keygen=$(scripts/tools.sh age-keygen)
    if [[ ! -e $keys ]]; then
        (umask 077 && mkdir -p "${keys%/*}" && "$keygen" -o "$keys" 2> /dev/null) ||
            fail "can't make a key in $keys: set SOPS_AGE_KEY_FILE to a place that can be written to"
        say "made a key in $keys: it is yours alone, so keep a copy where you keep passwords"
    fi
    public=$("$keygen" -y "$keys") || fail "$keys has no age key: take it away, or put yours there"
    if ! readers .sops.yaml | grep -qF -e "$public"; then # one of several is enough
        public=$(head -n 1 <<< "$public")
        # Into the line, because a program that writes YAML would drop the comments. sops says whether it is read as meant.
        sed "\\|path_regex:.*config/$1/|,/path_regex:/ { /^ *age:/ { s/: *\"*\([^\"]*\).*/: \"\1,$public\"/; s/\",/\"/; }; }" .sops.yaml > .sops.yaml.new
        readers .sops.yaml.new | grep -qF -e "$public" ||
            { rm .sops.yaml.new; fail "can't add your key to .sops.yaml: write $public under age of the rule for $file"; }
        mv .sops.yaml.new .sops.yaml
        say "added your key to .sops.yaml: commit it"
    fi
}

edit() {
    local env=$1 file=$config/$1/secrets.yaml sops code=0
    [[ -d $config/$env ]] || no_environment "$env"
    sops=$(scripts/tools.sh sops)
    case $(readers .sops.yaml) in
        *" creation rules"*) fail ".sops.yaml has no rule for $file: add one" ;;
        *projects/acme-*) fail "the key of $env in .sops.yaml is an example: write the one that make cloud ENV=$env printed as sops_key" ;;
        *'"age":'* | *"empty key group"*) age_key "$env" ;;
    esac
    if [[ -e $file ]]; then
        encrypted "$file" || fail "$file is in clear text: encrypt it (sops encrypt --in-place $file) and change every password in it"
        # Those who were added since read it from now on, too.
        "$sops" --disable-version-check updatekeys --yes "$file" > /dev/null 2>&1 ||
            fail "can't read $file: $(why "$sops" "$file"). Commit .sops.yaml, and ask someone who can to run make secrets ENV=$env"
    else
        say "$file is new: it has a generated password for each role of postgres.toml; change them as you like"
        template "$config/$env/postgres.toml" |
            "$sops" --disable-version-check encrypt --filename-override "$file" --input-type yaml --output-type yaml > "$file.new" ||
            { rm -f "$file.new"; fail "can't encrypt for $env, see above"; }
        mv "$file.new" "$file"
    fi
    # The editor's copy is a file. Where there is memory to keep it in, it never reaches a disk.
    if [[ -w /dev/shm ]]; then export TMPDIR=/dev/shm; fi
    "$sops" --disable-version-check "$file" || code=$?
    ((code == 0 || code == 200)) || fail "$file was not changed" # 200: nothing was edited
    say "$file is encrypted: commit it, then make deploy ENV=$env"
}

# template SETTINGS prints a file with a password for every role. A role that is written in another form than config/dev has
# is missed; pg-cluster says so before it changes anything.
template() {
    local role roles password
    roles=$(sed -n 's/^\[roles\.\([^].]*\)\].*/\1/p' "$1")
    echo '# Passwords by the names in postgres.toml; 12 or more of A-Z, a-z, 0-9, - and _.'
    echo '# Those under system (superuser, replication, rewind, restapi) are generated where they are missing.'
    if [[ $roles ]]; then echo 'roles:'; else echo 'roles: {}'; fi
    for role in $roles; do
        password=$(head -c 512 /dev/urandom | LC_ALL=C tr -dc A-Za-z0-9_- | head -c 24)
        ((${#password} == 24)) || fail "can't make a password from /dev/urandom"
        echo "  $role: $password"
    done
    echo 'system: {}'
}

# why SOPS FILE prints what sops says, in a line.
why() { { "$1" --disable-version-check decrypt "$2" 2>&1 > /dev/null || true; } | awk 'NF && NR < 8 { $1 = $1; printf "%s%s", separator, $0; separator = " " }'; }

# --- Ready

ready() {
    local file=$config/$1/secrets.yaml sops
    [[ -e $file ]] || return 0
    encrypted "$file" || fail "make secrets ENV=$1 writes it encrypted; once it was pushed, change it"
    sops=$(scripts/tools.sh sops)
    "$sops" --disable-version-check decrypt "$file" > /dev/null 2>&1 ||
        fail "can't decrypt $file: $(why "$sops" "$file"). Without a key: make secrets ENV=$1 says how to get one. If the file was changed by anything but sops: git checkout $file"
}

# --- Check

# encrypted FILE: whether sops wrote it: every value and comment is cipher text, and there is a MAC. `sops filestatus`
# looks for the MAC alone. It prints the lines where that isn't so, without their values.
encrypted() {
    local cipher='ENC\[AES256_GCM,[^]]*\]' key='("[^"]*"|[^:{[#[:space:]][^:{[]*):([[:space:]]+|$)' clear
    clear=$(sed -nE "/^sops:/,\$d; /^[[:space:]]*(---|#$cipher|(- +)*($key)?($cipher|\{\}|\[\]|\"\"|null|~)?)[[:space:]]*\$/!=" "$1")
    [[ ! $clear ]] || { echo "$1: clear text in line ${clear//$'\n'/ }" >&2; return 1; }
    [[ $(sed -nE "/^sops:/,\$ s/^ +mac: $cipher/&/p" "$1") ]] || { echo "$1: not encrypted by sops" >&2; return 1; }
}

check() {
    local file bad=0 keys code=0
    for file in "$config"/*/secrets*; do
        [[ -e $file ]] || continue
        encrypted "$file" || bad=1
    done
    ((bad == 0)) || fail "a secret is in clear text: make secrets ENV=… writes it encrypted; once it was pushed, change it"
    # A key would open every file it was ever used for, whatever is encrypted anew.
    keys=$(git grep -lI --untracked -e 'AGE-SECRET-KEY-1[0-9A-Z]' 2>&1) || code=$?
    ((code)) || fail "there is a private key in: $keys"
    ((code == 1)) || [[ -z ${REQUIRE_ALL-} ]] || fail "can't look for private keys: $keys"
    ((code == 1)) || say "skipped the search for private keys, which needs a clone of the repository and git: $keys"
}

case ${1-} in
    edit) [[ ${2-} ]] || fail "which environment: make secrets ENV=…"; edit "$2" ;;
    ready) ready "${2-}" ;;
    check) check ;;
    *) fail "usage: secrets.sh edit ENV, secrets.sh ready ENV, or secrets.sh check" ;;
esac
