# shellcheck shell=bash
# What every script reads first, so that none ends without a word: a failure that nobody handles is told with its file,
# its line and the command as it is written, never with its values, which may be secrets.
set -Eeuo pipefail
shopt -s inherit_errexit 2> /dev/null || true # bash 4.4; an older one goes on after a failure in $(...)

me=${0##*/} me=${me%.sh}
# shellcheck disable=SC2034 # for those who read this
caches=${TODOOZLE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/todoozle} # what is kept between runs
programs=${PROGRAMS:-target/debug} # where make builds them
config=${TODOOZLE_CONFIG:-config} # where the environments are
told=97 # how a script ends that has said why, so that what called it needs not say it again

say() { echo "$me: $*" >&2; }
fail() { say "$*"; exit $told; }

# tell CODES CODE LINE: of a pipe there are several codes, and only its last command is known.
tell() {
    [[ $- = *e* ]] || return 0 # what fails here ends nothing
    (($2 == told)) || say "${BASH_SOURCE[1]}, line $3: ended with $1: ${BASH_COMMAND%%$'\n'*}"
    exit $told
}
trap 'tell "${PIPESTATUS[*]}" $? $LINENO' ERR

# has_built PROGRAM TARGET: what make TARGET builds has to be there.
has_built() { [[ -x $programs/$1 ]] || fail "$programs/$1 isn't there: make $2"; }

# no_environment ENV [MORE] fails, and says which there are.
no_environment() { fail "there is no environment '$1': write ENV=$(cd "$config" && echo */ | sed 's|/ |, |g; s|/$||')${2-}"; }

# where_is ENV prints its context, namespace and release, as runtime-host reads them where make built it.
where_is() {
    has_built runtime-host host
    "$programs/runtime-host" chart target "$1" --config "$config" || fail "can't say where $1 is, see above"
}

# package TOOL prints the name that Debian has for what contains it.
package() {
    case $1 in
        apt-get | apt-cache) echo apt ;;
        awk) echo mawk ;;
        chromedriver) echo chromium-driver ;;
        cmp | diff) echo diffutils ;;
        dpkg-deb) echo dpkg ;;
        find) echo findutils ;;
        flock | nsenter | unshare) echo util-linux ;;
        ip) echo iproute2 ;;
        nft) echo nftables ;;
        pgrep | ps | sysctl) echo procps ;;
        basename | cat | chmod | comm | cp | cut | env | head | id | ln | ls | mkdir | mkfifo | mktemp | mv | rm | sha256sum | sleep | \
            sort | stat | tail | timeout | touch | tr | uname | wc) echo coreutils ;;
        *) echo "$1" ;;
    esac
}

absent() { echo "$1 isn't on PATH: install it (Debian has it in $(package "$1"))"; }
# Bash calls this for a command that isn't there.
command_not_found_handle() { say "$(absent "$1")"; return 127; }
# need TOOL...: before anything is begun.
need() {
    local tool
    for tool; do command -v "$tool" > /dev/null || fail "$(absent "$tool")"; done
}

# scratch makes a folder that goes with the script: $work.
scratch() {
    work=$(mktemp -d) || fail "can't make a folder in ${TMPDIR:-/tmp}: set TMPDIR to one that can be written to"
    trap 'rm -rf "$work" || true' EXIT # the code that it ends with stays
}
