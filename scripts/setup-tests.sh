#!/usr/bin/env bash
# Makes sure of what the tests need beside Rust: Chromium, its driver, and
# axe-core. Says what it installs; says nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v chromedriver > /dev/null || missing+=(chromium-driver)
command -v npm > /dev/null || missing+=(npm)

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ]; then sudo=(); else sudo=(sudo -n); fi
    if ! command -v apt-get > /dev/null || ! "${sudo[@]}" true 2> /dev/null; then
        echo "The tests need ${missing[*]} (Debian's names): install them, then run this again." >&2
        exit 1
    fi
    echo "Installing ${missing[*]}" >&2
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

if ! [ tests/node_modules/.package-lock.json -nt tests/package-lock.json ]; then
    echo "Installing axe-core" >&2
    npm ci --prefix tests --ignore-scripts --no-audit --no-fund --silent
    touch tests/node_modules/.package-lock.json
fi
