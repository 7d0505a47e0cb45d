# Brings the data in $PGDATA from PostgreSQL $FROM to $TO with `pg_upgrade --link`, or, with MODE=check, only says
# whether that would do, beside the server that runs. Its last word is JSON: the new database's `system`, or why it
# `failed`, and then everything is as it was. Killed anywhere, it goes on when it is run again: the old data is given
# up with the file `done` and no earlier, and no server of $TO starts on its files before that.
set -Eeuo pipefail
umask 077
parent=${PGDATA%/*} old=/usr/lib/postgresql/$FROM/bin new=/usr/lib/postgresql/$TO/bin
work=$parent/upgrade log=/tmp/upgrade.log step=begin began=$SECONDS
[[ $MODE != check ]] || work=$parent/upgrade-check
say() { echo "$(date -u +%H:%M:%S) $*" >&2; }

# tell KEY VALUE is the last word, for whoever waits.
tell() {
    word=$(python3 -c 'import json, sys; print(json.dumps({sys.argv[1]: sys.argv[2], "seconds": int(sys.argv[3])}))' "$1" "$2" $((SECONDS - began)))
    if [[ $MODE = check ]]; then echo "$word"; else printf %s "$word" > /dev/termination-log; fi
}
# In the same place of every version's file.
system() { od -An -N8 -tu8 "$PGDATA/global/pg_control" | tr -d ' '; }
setting() { "$old/pg_controldata" "$PGDATA" | awk -F ': *' -v name="$1" '$1 == name { print $2 }'; }

# serve PROGRAMS MORE runs a server on $PGDATA that nobody else reaches. What it leaves to archive waits for the cluster's.
serve() {
    "$1/pg_ctl" -D "$PGDATA" -l $log -t 864000 -w start -o "$quiet -c listen_addresses='' -c unix_socket_directories=/tmp -c archive_mode=on -c archive_command='' $2" > /dev/null
}
rest() { "$1/pg_ctl" -D "$PGDATA" -l $log -t 864000 -m fast -w stop > /dev/null; }
# preloaded CONFIGURATION: the libraries that some extensions want, in either version.
preloaded() { sed -n "s/^shared_preload_libraries = '\(.*\)'\$/-c shared_preload_libraries='\1'/p" "$1"; }
# In the member that is checked, a server runs where PGHOST says.
sql() { "$new/psql" -XAtq -v ON_ERROR_STOP=1 -h "$host" -U postgres -d "$@" 2>> $log; }
# Only PostgreSQL's own names are looked up: owners could have planted others.
export PGOPTIONS="-c search_path=pg_catalog ${PGOPTIONS-}"
databases() { sql postgres -c 'select datname from pg_database where datallowconn'; }
host=/tmp
[[ $MODE != check ]] || host=$PGHOST

# Since 17.12, PostgreSQL notes a version with each column, and with each row that is a value in a column. An older $TO takes
# the first for a setting that it does not know. Without the notes rows can be read as before; values that are rows cannot.
forget_notes() {
    local database held
    held=$(databases | while read -r database; do
        sql "$database" -c "with recursive holders as (
                select oid from pg_type where typtype = 'c' and typrelid >= 16384
                union select t.oid from pg_type t join holders h on h.oid in (t.typelem, t.typbasetype)
                    or exists (select from pg_range where rngsubtype = h.oid and t.oid in (rngtypid, rngmultitypid)))
            select format('%s: %s.%I', current_database(), attrelid::regclass, attname) from pg_attribute join pg_class c on c.oid = attrelid
                where relkind in ('r', 'm', 'i', 'p') and attnum > 0 and not attisdropped and atttypid in (select oid from holders)" < /dev/null
    done)
    [[ ! $held ]] || refuse "this PostgreSQL $TO is too old for columns whose values are rows ($(head -n 5 <<< "$held" | paste -sd,)): name an image with a newer one"
    [[ $MODE = check ]] || databases | while read -r database; do
        sql "$database" -c "update pg_attribute set attoptions = nullif(array(select o from unnest(attoptions) o where o not like 'pg\_attver=%'), '{}')
            where attrelid >= 16384 and attoptions::text like '%pg\_attver=%'" < /dev/null
    done
}

# With --link, pg_upgrade takes the old server's pg_control away before it links the first file, and changes none of
# them: until a new server has started, this is all that is to be undone.
put_back() {
    [[ $MODE = check || ! -e $PGDATA/global/pg_control.old ]] || mv "$PGDATA/global/pg_control.old" "$PGDATA/global/pg_control"
    cd "$parent"
    rm -rf "$work"
}
failed() {
    ((!BASH_SUBSHELL)) || exit 1 # then the shell that waits for it has failed, too
    trap - ERR
    set +e
    say "failed: $step"
    # What pg_upgrade complains of, and the lists and the log that it names: all of that goes.
    word=$(sed -n '/^Your installation/,$p' $log | head -n 20)
    lists=$(find "$work" -path '*pg_upgrade_output.d*' -name '*.txt' -exec cat {} + 2> /dev/null | head -n 10 || true)
    named=$(sed -n 's/.*"\([^"]*\.log\)".*/\1/p' $log | tail -n 1)
    [[ ! -e $named ]] || lists+=$(tail -n 5 "$named")
    word=$(printf '%s: %s\n%s' "$step" "${word:-$(tail -n 5 $log)}" "$lists" | grep -v '^ *$' | cut -c1-300 | head -c 2500)
    if [[ -e $work/done ]]; then # nothing to go back to: it is tried again
        printf %s "$word" > /dev/termination-log
        exit 1
    fi
    if [[ $MODE = upgrade ]]; then rest "$old" 2> /dev/null || true; fi
    put_back
    tell failed "$word"
    exit 0
}
refuse() { echo "$1" > $log; failed; }
trap failed ERR
: > $log
echo 'local all all trust' > /tmp/hba
quiet="-c hba_file=/tmp/hba -c ssl=off -c synchronous_standby_names='' -c logging_collector=off -c shared_buffers=32MB"

if [[ $MODE = check ]]; then
    exec 9> /tmp/upgrade.lock
    flock 9 # of one whose asker was interrupted
    rm -rf "$work"
    trap 'rm -rf "$work"' EXIT
else
    exec 9> "$parent/upgrade.lock"
    flock 9 # of a pod that was told to end
    rm -f "$PGDATA/postmaster.pid" # and of its server, whose number may be anybody's here
    [[ -e $work/done ]] || put_back
fi

if [[ ! -e $work/done ]]; then
    step="see what is there"
    [[ -x $new/pg_upgrade && -x $old/postgres ]] || refuse "what the members run lacks PostgreSQL $FROM or $TO: name an image that has both in postgres.toml, and with major = $FROM run init and restart"
    [[ $(cat "$PGDATA/PG_VERSION") = "$FROM" ]] || refuse "the volume holds PostgreSQL $(cat "$PGDATA/PG_VERSION")"
    mkdir "$work"
    cd "$work" # where pg_upgrade writes, and its servers have their sockets
    quiet+=" -c wal_level=$(setting 'wal_level setting') -c max_replication_slots=$SLOTS"
    noted=''
    ! grep -q pg_attver "$old/pg_dump" || grep -q pg_attver "$new/pg_dump" || noted=1
    if [[ $MODE = check ]]; then
        [[ ! $noted ]] || forget_notes
    else
        [[ ! -e $PGDATA/standby.signal ]] || refuse "the volume holds a standby"
        if [[ $noted || $(setting 'Database cluster state') != "shut down" ]]; then
            step="start and stop PostgreSQL $FROM in order"
            say "$step"
            serve "$old" ""
            [[ ! $noted ]] || forget_notes
            rest "$old"
        fi
    fi
    step="make a database of PostgreSQL $TO"
    say "$step"
    checksums=--data-checksums
    [[ $(setting 'Data page checksum version') != 0 ]] || checksums=--no-data-checksums
    "$new/initdb" -D "$work/new" -U postgres --encoding=UTF8 --locale=C.UTF-8 --auth=trust --no-sync --set huge_pages=off \
        --wal-segsize=$(($(setting 'Bytes per WAL segment') >> 20)) $checksums >> $log 2>&1
    more=()
    [[ $MODE = upgrade ]] || more=(--check)
    step="pg_upgrade"
    say "$step"
    : > $log
    "$new/pg_upgrade" --link -b "$old" -B "$new" -d "$PGDATA" -D "$work/new" -U postgres -o "$quiet -c archive_mode=on -c archive_command=''" \
        -O "$quiet $(preloaded "$PGDATA/postgresql.conf")" "${more[@]}" >> $log 2>&1
    if [[ $MODE = check ]]; then
        tell checked "$("$new/postgres" -V)"
        exit 0
    fi
    # What somebody set with ALTER SYSTEM.
    cp "$PGDATA/postgresql.auto.conf" "$work/new/"
    step="write all of it to the disk"
    "$new/initdb" -D "$work/new" --sync-only >> $log 2>&1
    touch "$work/done"
    sync "$work/done" "$work"
fi

step="take the old data's place"
[[ -d $work/old ]] || mv "$PGDATA" "$work/old"
[[ ! -d $work/new ]] || mv "$work/new" "$PGDATA"
sync "$parent" "$work"

# $TO may come with another ICU, which orders some texts otherwise than their indexes.
step="look at the order of texts"
say "$step"
serve "$new" "$(preloaded "$work/old/postgresql.conf")"
databases | while read -r database; do
    stale=$(sql "$database" -c "select format('alter database %I refresh collation version;', datname) from pg_database
            where datname = current_database() and datcollversion is distinct from pg_database_collation_actual_version(oid)
        union all select format('alter collation %s refresh version;', oid::regcollation) from pg_collation
            where collprovider <> 'd' and collversion is distinct from pg_collation_actual_version(oid)" < /dev/null)
    if [[ $stale ]]; then
        say "making the indexes of $database anew"
        "$new/reindexdb" -h /tmp -U postgres "$database" >> $log 2>&1 < /dev/null
        sql "$database" <<< "$stale"
    fi
done
step="update the extensions"
[[ ! -e $work/update_extensions.sql ]] || sql postgres -f "$work/update_extensions.sql"
rest "$new"
tell system "$(system)"
say "done after $((SECONDS - began)) s"
