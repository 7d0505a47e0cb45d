#!/usr/bin/env bash
# Makes sure of what the tests need beside Rust: Chromium, its driver, Firefox, WebKit with its driver,
# PgBouncer, nginx, promtool and axe-core. Says what it installs; says nothing when all is there.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

missing=()
for tool in chromium chromedriver npm; do
    command -v $tool > /dev/null || missing+=("$(package $tool)")
done
# Mozilla's own package does as well. Ubuntu's is a snap, which may not read the tests' profiles.
firefox=$(command -v firefox-esr || command -v firefox || true)
if [[ -z $firefox || $firefox = /snap/* ]] || grep -qsI /snap/ "$firefox"; then missing+=(firefox-esr); fi
# What is nearest to Safari, and the X server that it needs.
webkit=()
[[ -x /usr/bin/WebKitWebDriver ]] || webkit+=(webkit2gtk-driver)
[[ -x /usr/bin/Xvfb ]] || webkit+=(xvfb)

# Without a password: nobody may be there to type one.
as_root() { if ((EUID)); then sudo -n "$@"; else "$@"; fi; }
get() {
    say "installing $*"
    # The lists that are here may do.
    as_root apt-get update -qq >&2 || say "apt-get can't update its lists: going on with the old ones"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

if ((${#missing[@]})); then
    by_hand="install ${missing[*]} (Debian's names; Mozilla's own firefox does as well, but no snap), then run this again"
    command -v apt-get > /dev/null || fail "the tests need more, and there is no apt-get to install it: $by_hand"
    as_root true 2> /dev/null || fail "the tests need more, and only root may install it: as root, $by_hand"
    get "${missing[@]}" "${webkit[@]}" || get "${missing[@]}" || fail "apt-get can't install: mend what it says above, or $by_hand"
elif ((${#webkit[@]})) && command -v apt-get > /dev/null && as_root true 2> /dev/null; then
    get "${webkit[@]}" || say "what is tried in WebKit is left out until ${webkit[*]} can be installed"
fi

# Debian's PgBouncer, nginx and promtool with the libraries that few have, but not installed: that would start them.
for file in sbin/pgbouncer sbin/nginx bin/promtool; do
    [[ -x tests/programs/usr/$file ]] && continue
    program=${file#*/}
    package=${program/promtool/prometheus}
    say "fetching $program"
    # Elsewhere a link to an installed one does as well.
    need apt-get apt-cache dpkg-deb sed mkdir cat rm
    mapfile -t packages < <(apt-cache depends $package | sed -nE 's/^ *Depends: (lib(c-?ares|event|pcre).*)/\1/p')
    mkdir -p tests/programs
    (
        cd tests/programs
        apt-get download -qq $package "${packages[@]}" 2> apt.log || fail "apt-get can't fetch $package: $(cat apt.log)"
        for package in ./*.deb; do dpkg-deb --extract "$package" .; done
        rm -f -- ./*.deb apt.log
    )
    [[ -x tests/programs/usr/$file ]] ||
        fail "Debian's package has no $program: install it, and link it to tests/programs/usr/$file"
done

if ! [[ tests/node_modules/.package-lock.json -nt tests/package-lock.json ]]; then
    say "installing axe-core"
    npm ci --prefix tests --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
        fail "npm can't install axe-core from $(npm config get registry || true): name a registry that can be reached (npm config set registry URL), then run this again"
    touch tests/node_modules/.package-lock.json
fi
