# Copies a database of a server elsewhere into an empty one of ours, and prints what each table had there.
# Standard input, line by line: where from, its password, the role and its password, where to, extensions that
# are there already, how long the CA's certificates are, and those.
set -euo pipefail
for name in from PGPASSWORD role OWN_PASSWORD into extensions length; do
    IFS= read -r "$name"
done
export PGPASSWORD OWN_PASSWORD
unset PGOPTIONS
if ((length > 0)); then
    PGSSLROOTCERT=$(mktemp)
    export PGSSLROOTCERT
    trap 'rm -f "$PGSSLROOTCERT"' EXIT
    head -c "$length" > "$PGSSLROOTCERT"
fi
if [[ ! $into ]]; then
    psql -XAtqwd "$from" -c 'show server_version_num'
    exit
fi
# What the superuser has made is not the owner's to make again.
leave=()
for extension in $extensions; do
    leave+=("--exclude-extension=\"$extension\"")
done
dump() {
    pg_dump -Fc -w -d "$from" --snapshot="$SNAPSHOT" --no-owner --no-acl --no-publications --no-subscriptions "${leave[@]}" < /dev/null |
        PGPASSWORD=$OWN_PASSWORD PGSSLROOTCERT='' pg_restore --single-transaction --exit-on-error --no-owner -w -U "$role" -d "$into"
}
# psql runs it by a shell that hands on no functions.
DUMP=$(declare -f dump; declare -p leave; echo dump)
export from role into DUMP
# One snapshot for what is copied and what is counted.
said=$(psql -XAtqw -v ON_ERROR_STOP=1 -d "$from" << SQL
set search_path = pg_catalog;
select count(set_config(name, '0', false)) as unbound from pg_settings
    where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout') \gset
begin isolation level repeatable read, read only;
select pg_export_snapshot() as snapshot \gset
\setenv SNAPSHOT :snapshot
$COUNT
\! bash -euo pipefail -c "\$DUMP"
\if :SHELL_ERROR
\else
\echo copied
\endif
SQL
)
[[ $said = *copied ]]
printf '%s\n' "${said%copied}"
