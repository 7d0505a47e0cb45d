#!/usr/bin/env bash
# promote.sh FROM TO: brings the images and the component that run in FROM to TO, by their digests.
# `make promote` calls it. Nothing is built, so what runs in TO is what was tried in FROM. YES=1 doesn't ask.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

from=${1-} to=${2-}
[[ $from && $to && $from != "$to" ]] || fail "usage: promote.sh FROM TO"
has_built runtime-host host
scratch

"$programs/runtime-host" images live "$from" --config "$config" > "$work/images"
"$programs/runtime-host" images pin "$to" "$work/images" --config "$config"
scripts/deploy.sh up "$to" database
scripts/deploy.sh up "$to" edge
"$programs/runtime-host" promote --from "$from" --to "$to" --config "$config" --wait ${YES:+--yes}
