#!/usr/bin/env bash
# Tries what `make up` has built (`make laptop`): from an empty folder to the page, and to the end by Ctrl-C.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."
need curl

has_built runtime-host laptop
host=$programs/runtime-host
scratch
chmod 755 "$work" # where root runs this, PostgreSQL's own user has to get in

"$host" up --listen 127.0.0.1:0 --data-dir "$work/data" > "$work/log" 2>&1 &
running=$!
until url=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/log"); do
    kill -0 $running 2> /dev/null || fail "it ended: $(cat "$work/log")"
    sleep 0.1
done

page=$(curl --silent --show-error --fail --noproxy '*' "$url/")
[[ $page = *'class="new-todo"'* ]] || fail "$url has no field for a new todo in it"
code=0 said=$("$host" push 2>&1) || code=$?
[[ $code = 2 && $said = *'make host'* ]] || fail "push ended with $code and said: $said"
kill -INT $running
wait $running || fail "it ended with $? at Ctrl-C"
say "3 checks passed"
