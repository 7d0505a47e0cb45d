# Restores the newest backup, or what TARGET names, into $PGDATA and recovers it with WAL from the
# archive. With MODE=drill the copy is looked through, and what came out is the pod's last word;
# with MODE=restore it stays, for Patroni to start; with MODE=clone as well, as another cluster's.
set -euo pipefail
umask 077
parent=${PGDATA%/*} kept="" step="begin" began=$SECONDS
say() { echo "$(date -u +%H:%M:%S) $*"; }

# tell PASSED WORD: leaves the verdict of a drill in the one ConfigMap that this pod may write to.
tell() {
    python3 - "$1" "$2" << 'PYTHON'
import datetime, json, os, ssl, sys, urllib.request
own = "/var/run/secrets/kubernetes.io/serviceaccount/"
read = lambda name: open(own + name).read()
host = os.environ["KUBERNETES_SERVICE_HOST"]
host = f"[{host}]" if ":" in host else host
url = f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}/api/v1/namespaces/{read('namespace')}/configmaps/{os.environ['VERDICT']}"
ended = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
body = json.dumps({"data": {"ended": ended, "passed": sys.argv[1], "word": sys.argv[2]}}).encode()
headers = {"Authorization": "Bearer " + read("token"), "Content-Type": "application/merge-patch+json"}
request = urllib.request.Request(url, body, headers, method="PATCH")
urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=own + "ca.crt")).read()
PYTHON
}

failed() {
    trap - ERR
    say "failed: $step"
    if [[ $kept ]]; then
        pg_ctl -D "$PGDATA" -m immediate stop > /dev/null 2>&1 || true
        rm -rf "$PGDATA"
        mv "$kept" "$PGDATA"
        say "what was there before is back"
    fi
    tail -c 1500 /tmp/log 2> /dev/null || true
    word=$(printf '%s: %s' "$step" "$(tail -n 3 /tmp/log 2> /dev/null | cut -c1-600 || true)")
    printf %s "$word" > /dev/termination-log
    [[ $MODE != drill ]] || tell false "$word" || true
    exit 1
}
trap failed ERR
: > /tmp/log

if [[ $MODE = restore && -d $PGDATA && ! ${DISCARD-} ]]; then
    step="keep what is there"
    used=$(du -s --block-size=1 "$PGDATA" | cut -f 1)
    free=$(df -PB1 "$parent" | awk 'NR == 2 { print $4 }')
    if ((free < used + used / 10)); then
        echo "the volume has $free bytes left, and what is there has $used: with --discard it is not kept" >> /tmp/log
        failed
    fi
    kept=$parent/data-before-$(date -u +%Y%m%dT%H%M%SZ)
    mv "$PGDATA" "$kept"
elif [[ $MODE != drill ]]; then
    rm -rf "$PGDATA" # of a copy that was begun before
fi

step="restore the files"
say "$step"
eval "target=(${TARGET:---type=default})"
# Two copies of a database must not write to one archive.
mode=(); [[ $MODE = restore ]] || mode=(--archive-mode=off)
mkdir -p "$PGDATA"
pgbackrest --stanza="$STANZA" --pg1-path="$PGDATA" --log-level-console=info "${mode[@]}" "${target[@]}" restore 2>&1 | tee -a /tmp/log

step="take PostgreSQL's programs for it"
major=$(cat "$PGDATA/PG_VERSION")
[[ ${MAJOR:-$major} = "$major" ]] || { echo "the backup is of PostgreSQL $major: write major = $major in postgres.toml" >> /tmp/log; failed; }
[[ -d /usr/lib/postgresql/$major ]] || { echo "the image has no PostgreSQL $major, of which the backup is" >> /tmp/log; failed; }
PATH=/usr/lib/postgresql/$major/bin:$PATH

step="recover with WAL from the archive"
say "$step"
# Recovery wants no less of these than the primary had.
least=$(pg_controldata "$PGDATA" | awk -F ': *' '
    $1 == "max_connections setting" { print "-c max_connections=" $2 }
    $1 == "max_worker_processes setting" { print "-c max_worker_processes=" $2 }
    $1 == "max_wal_senders setting" { print "-c max_wal_senders=" $2 }
    $1 == "max_prepared_xacts setting" { print "-c max_prepared_transactions=" $2 }
    $1 == "max_locks_per_xact setting" { print "-c max_locks_per_transaction=" $2 }')
echo 'local all all trust' > /tmp/hba
own="-c hba_file=/tmp/hba -c listen_addresses='' -c unix_socket_directories=/tmp -c ssl=off -c synchronous_standby_names='' -c logging_collector=off"
[[ $MODE = restore ]] || own+=" -c archive_mode=off"
pg_ctl -D "$PGDATA" -l /tmp/log -o "$own ${least//$'\n'/ }" -t 864000 -w start > /dev/null
export PGHOST=/tmp PGUSER=postgres PGDATABASE=postgres
until [[ $(psql -XAtqc 'select pg_is_in_recovery()') = f ]]; do
    pg_ctl -D "$PGDATA" status > /dev/null # or the recovery has ended it
    sleep 0.5
done
until=$(psql -XAtqc "select coalesce(to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')")
timeline=$(psql -XAtqc 'select timeline_id from pg_control_checkpoint()')

if [[ $MODE = drill ]]; then
    step="look through every table and index"
    say "$step"
    pg_amcheck --all --install-missing --heapallindexed >> /tmp/log 2>&1
    step="read every row"
    rows=0
    while read -r database; do
        while read -r table; do
            count=$(psql -XAtqd "$database" -c "select count(*) from (select t.*::text from $table t) all_rows")
            rows=$((rows + count))
        done < <(psql -XAtqd "$database" -c "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')")
    done < <(psql -XAtqc 'select datname from pg_database where datallowconn and not datistemplate')
    bytes=$(psql -XAtqc 'select sum(pg_database_size(oid))::bigint from pg_database')
    pg_ctl -D "$PGDATA" -m immediate stop > /dev/null
    word=$(printf '{"until":"%s","rows":%d,"bytes":%d,"seconds":%d}' "$until" "$rows" "$bytes" $((SECONDS - began)))
    printf %s "$word" > /dev/termination-log
    step="tell the verdict"
    tell true "$word"
else
    if [[ $MODE = clone ]]; then
        step="give it passwords of its own"
        psql -XAtq -v ON_ERROR_STOP=1 << 'SQL'
do $$ declare name text; begin
    for name in select rolname from pg_roles where rolcanlogin and rolname not in ('postgres', 'replicator', 'rewind') loop
        execute format('alter role %I password null', name);
    end loop;
end $$;
\getenv superuser PATRONI_SUPERUSER_PASSWORD
\getenv replication PATRONI_REPLICATION_PASSWORD
\getenv rewind PATRONI_REWIND_PASSWORD
alter role postgres password :'superuser';
alter role replicator password :'replication';
alter role rewind password :'rewind';
SQL
        if [[ -e /etc/pgbackrest/mask.sql ]]; then
            step="mask what it holds"
            psql -XAtq -v ON_ERROR_STOP=1 -d "$MASKED" -f /etc/pgbackrest/mask.sql >> /tmp/log 2>&1
        fi
    fi
    step="forget the target of the recovery" # else it would hold for the next one as well, as a standby
    psql -XAtqc "select format('alter system reset %I;', name) from pg_file_settings
        where sourcefile like '%/postgresql.auto.conf' and (name = 'restore_command' or name = 'archive_mode' or name like 'recovery\_target%')" |
        sort -u | psql -XAtq -v ON_ERROR_STOP=1
    step="stop the recovered copy"
    pg_ctl -D "$PGDATA" -m fast -t 864000 -w stop > /dev/null
    # What an upgrade has left is of the data that is gone.
    [[ $MODE != restore ]] || rm -rf "$parent/upgrade" "$parent/upgrade.lock"
    system=$(od -An -N8 -tu8 "$PGDATA/global/pg_control" | tr -d ' ')
    printf '{"until":"%s","timeline":%d,"kept":"%s","system":"%s","seconds":%d}' "$until" "$timeline" "$kept" "$system" $((SECONDS - began)) > /dev/termination-log
fi
say "done after $((SECONDS - began)) s"
