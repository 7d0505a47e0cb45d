#!/usr/bin/env bash
# verify.sh ENV [COMMAND...]: writes a todo, reads it back and deletes it, over and over while COMMAND runs
# and ten more times after it; fails if COMMAND does, or if one of them failed. Requests go through the API
# server to the app's Service, so it works wherever kubectl does. Without COMMAND: ten times.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

env=${1-}
[[ $env && -r $config/$env/values.yaml ]] || fail "usage: verify.sh ENV [COMMAND...]"
shift
target=$(where_is "$env")
read -r context namespace app <<< "$target"
kubectl=$(scripts/tools.sh kubectl)
kube() { "$kubectl" --context "$context" --namespace "$namespace" "$@"; }
path=/api/v1/namespaces/$namespace/services/$app:http/proxy/todos

scratch
running=''
trap '[[ -z $running ]] || kill "$running" 2> /dev/null || true; rm -rf "$work" || true' EXIT
rounds=0 failed=0

# round writes, reads and deletes; what went wrong is in $work/error.
round() {
    local title answer id
    title="verify $$ $rounds"
    printf '{"title":"%s"}' "$title" > "$work/todo"
    answer=$(kube create --raw "$path" --filename "$work/todo" 2> "$work/error") || return 1
    id=$(sed -n 's|.*"id": *"\{0,1\}\([^",}]*\).*|\1|p' <<< "$answer")
    [[ $id ]] || { echo "no id in the answer to a new todo" > "$work/error"; return 1; }
    answer=$(kube get --raw "$path/$id" 2> "$work/error") || return 1
    [[ $answer = *"$title"* ]] || { echo "todo $id isn't what was written" > "$work/error"; return 1; }
    kube delete --raw "$path/$id" > /dev/null 2> "$work/error" || return 1
}

try() {
    rounds=$((rounds + 1))
    round && return
    failed=$((failed + 1))
    say "round $rounds: $(tail -n 1 "$work/error")"
}

code=0
if (($# > 0)); then
    "$@" &
    running=$!
    # Before the first deploy there is nothing to ask.
    if kube get service "$app" > /dev/null 2>&1 && round; then
        while kill -0 "$running" 2> /dev/null; do try; done
    else
        say "nothing answers before this deploy, so it is asked after it only"
    fi
    wait "$running" || code=$?
    running=''
    ((code == 0)) || fail "the command failed ($code)"
    say "during: $rounds rounds, $failed failed"
fi
for _ in {1..10}; do try; done
say "$rounds rounds, $failed failed"
((failed == 0)) || fail "not every request was answered"
