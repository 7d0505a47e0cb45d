#!/usr/bin/env bash
# secrets.sh edit ENV: opens config/ENV/secrets.yaml decrypted in $EDITOR, and encrypts what comes back.
# secrets.sh ready ENV: whether this machine can read config/ENV/secrets.yaml, if there is one.
# secrets.sh check: refuses secrets in clear text, wherever a commit could take them along.
# `make secrets`, `make deploy` and `make lint` call it. .sops.yaml says who can read which file; where that is by age
# and this machine has no key, one is made.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

config=${TODOOZLE_CONFIG:-config}

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

# rule ENV KEY prints a line of the environment's rule in .sops.yaml.
rule() {
    awk -v folder="config/$1/" -v key="$2:" '
        /path_regex:/ { inside = index($0, folder) }
        inside && $1 == key { sub(/^[^:]*: */, ""); gsub(/"/, ""); print; exit }' .sops.yaml
}

# age_key ENV makes this machine's key if there is none, and adds its public part to the rule.
age_key() {
    local env=$1 file keygen public
    file=$(key_file)
    keygen=$(scripts/tools.sh age-keygen)
    if [[ ! -e $file ]]; then
        (umask 077 && mkdir -p "${file%/*}" && "$keygen" -o "$file" 2> /dev/null) ||
            fail "can't make a key in $file: set SOPS_AGE_KEY_FILE to a place that can be written to"
        say "made a key in $file: it is yours alone, so keep a copy where you keep passwords"
    fi
    public=$("$keygen" -y "$file") || fail "$file has no age key: take it away, or put yours there"
    if ! rule "$env" age | tr , '\n' | grep -qxF -e "$public"; then # one of several is enough
        public=$(head -n 1 <<< "$public")
        awk -v folder="config/$env/" -v public="$public" '
            /path_regex:/ { inside = index($0, folder) }
            inside && $1 == "age:" {
                old = $0; sub(/^[^:]*: */, "", old); gsub(/"/, "", old)
                sub(/age:.*/, "age: \"" old (old == "" ? "" : ",") public "\""); inside = 0
            }
            { print }' .sops.yaml > .sops.yaml.new
        mv .sops.yaml.new .sops.yaml
        say "added your key to .sops.yaml: commit it"
    fi
}

edit() {
    local env=$1 file=$config/$1/secrets.yaml sops code=0
    [[ -d $config/$env ]] || fail "there is no environment '$env': write ENV=$(cd "$config" && echo */ | sed 's|/ |, |g; s|/$||')"
    grep -q "config/$env/" .sops.yaml || fail ".sops.yaml has no rule for config/$env/secrets.yaml: add one"
    sops=$(scripts/tools.sh sops)
    if grep -A1 "config/$env/" .sops.yaml | grep -q ' age:'; then age_key "$env"; fi
    if [[ $(rule "$env" gcp_kms) = projects/acme-* ]]; then
        fail "the key of $env in .sops.yaml is an example: write the one that make cloud ENV=$env printed as sops_key"
    fi
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

# template SETTINGS prints a file with a password for every role.
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

# encrypted FILE: whether sops wrote it: every value is cipher text, and there is a MAC.
# It prints the lines where that isn't so, without their values.
encrypted() {
    awk -v file="$1" '
        function clear(value) { return value !~ /^ENC\[AES256_GCM,/ && value !~ /^(\{\}|\[\]|""|null|~)?$/ }
        /^sops:/ { sops = 1 }
        sops { if ($1 == "mac:" && $2 ~ /^ENC\[AES256_GCM,/) mac = 1; next }
        /^[[:space:]]*$/ || /^---/ { next }
        /^[[:space:]]*#/ { if ($0 !~ /^[[:space:]]*#ENC\[AES256_GCM,/) bad = bad " " FNR; next }
        {
            value = $0
            sub(/^[[:space:]]*(- +)*/, "", value)
            if (value ~ /^("[^"]*"|[^:{\[]+):([[:space:]]|$)/) sub(/^("[^"]*"|[^:]+):[[:space:]]*/, "", value)
            sub(/[[:space:]]+$/, "", value)
            if (clear(value)) bad = bad " " FNR
        }
        END {
            if (bad != "") print file ": clear text in line" bad > "/dev/stderr"
            else if (!mac) print file ": not encrypted by sops" > "/dev/stderr"
            exit bad != "" || !mac
        }' "$1"
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
