# Says which database the volume in $PGDATA holds and how far its WAL reaches, as JSON: nothing where it holds none, and
# `failed` where nobody can tell. It changes nothing.
set -euo pipefail
tell() { printf %s "$1" > "${WORD:-/dev/termination-log}"; }
failed() {
    word=${1//[\"\\]/\'}
    tell "{\"failed\":\"${word//$'\n'/ }\"}"
    exit 0
}
[[ -s $PGDATA/global/pg_control ]] || { tell '{}'; exit 0; }
major=$(cat "$PGDATA/PG_VERSION") || failed "there is no PG_VERSION beside its pg_control"
PATH=/usr/lib/postgresql/$major/bin:$PATH
[[ -x /usr/lib/postgresql/$major/bin/pg_waldump ]] || failed "it holds PostgreSQL $major, and the image has none"
control=$(LC_ALL=C pg_controldata "$PGDATA" 2>&1) || failed "$control"
read_off() { awk -F ': *' -v name="$1" '$1 == name { print $2 }' <<< "$control"; }

timeline=$(read_off "Latest checkpoint's TimeLineID")
reached="$(read_off 'Latest checkpoint location') $(read_off 'Minimum recovery ending location')"
# Whoever led or followed on a timeline has WAL of it, also before a checkpoint says so.
segments=$(find "$PGDATA/pg_wal" -maxdepth 1 -type f -printf '%f\n' | grep -E '^[0-9A-F]{24}$' | sort || true)
newest=$(tail -n 1 <<< "$segments")
if [[ $newest ]] && ((16#${newest:0:8} >= timeline)); then
    size=$(read_off 'Bytes per WAL segment')
    start=$(read_off "Latest checkpoint's REDO location")
    if ((16#${newest:0:8} > timeline)); then
        timeline=$((16#${newest:0:8}))
        first=$(grep -m 1 "^${newest:0:8}" <<< "$segments")
        start=$((16#${first:8:8}))
        start=$(printf %X/%X "$start" $((16#${first:16:8} * size)))
    fi
    end=$(((16#${newest:8:8} << 32) + (16#${newest:16:8} + 1) * size))
    # After a crash only the WAL says where it ends: with a complaint about the record that is not there, in a file
    # that waits to be used again.
    reached+=" $(pg_waldump -p "$PGDATA/pg_wal" -t "$timeline" -s "$start" -e "$(printf %X/%X $((end >> 32)) $((end & 0xFFFFFFFF)))" --stats 2> /dev/null |
        sed -nE 's|^WAL statistics between .* and ([0-9A-F]+/[0-9A-F]+):$|\1|p' || true)"
fi
reach=0
for position in $reached; do
    bytes=$(((16#${position%/*} << 32) + 16#${position#*/}))
    ((bytes <= reach)) || reach=$bytes
done
tell "{\"system\":\"$(read_off 'Database system identifier')\",\"timeline\":$timeline,\"reach\":$reach}"
