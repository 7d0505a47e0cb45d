//! The statements that write, and those that ask the servers. Each gives one JSON value, which
//! costs the guest one host call instead of one a row.

use super::scope::Scope;
use crate::transfer::MAX_TODOS;

/// A row as the JSON that [`crate::todo::Todo`] is read from: its fields in their order. To name
/// them in each row takes a third more text and time on both sides.
pub const TODO: &str = "json_build_array(id, task, completed, position, coalesce(rank, id)::text, due, notes, steps, \
     version, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
     to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))";

/// The transaction that a statement wrote in, as the second column of every
/// write. The commit record has no place yet while its statement runs, so a
/// position in the WAL would take a second round trip.
pub const TRANSACTION: &str = ", pg_current_xact_id_if_assigned()::text";

/// A row of either table without what only one of them has.
const COLUMNS: &str = "id, task, completed, position, rank, due, notes, steps, version, created_at, updated_at, idempotency_key, request_digest";

/// Which versions of a todo a write may find.
const EXPECTED: &str = "($3::bigint[] IS NULL OR version = ANY ($3))";

/// How many rows a write touched, if there is such a list. The transaction is known once they are
/// counted.
fn count_done(scope: &Scope) -> String {
    format!("SELECT count(*)::text{TRANSACTION} FROM done HAVING {}", scope.is_there())
}

/// The one row that a write touched.
fn show_done() -> String {
    format!("SELECT {TODO}::text{TRANSACTION} FROM done")
}

/// Moves rows to the deleted ones of the deletion `$1`. On the way the oldest of those go for
/// good, a few at a time, so that no delete pays for another.
fn deleting(scope: &Scope, predicate: &str) -> String {
    let (list, deleted) = (scope.column(), scope.deleted());
    format!(
        "WITH done AS (DELETE FROM {target} WHERE {bound} AND {predicate} RETURNING *), \
         kept AS (INSERT INTO {deleted} ({list}{COLUMNS}, deletion) SELECT {list}{COLUMNS}, $1::text FROM done), \
         gone AS (DELETE FROM {deleted} WHERE id IN (SELECT id FROM {deleted} \
         WHERE deleted_at < now() - interval '30 days' ORDER BY deleted_at LIMIT 100)) ",
        target = scope.target(),
        bound = scope.bound(),
    )
}

/// Moves deleted rows back, each as a new version of itself.
fn restoring(scope: &Scope, predicate: &str) -> String {
    let (list, table) = (scope.column(), scope.table());
    format!(
        "WITH back AS (DELETE FROM {deleted} WHERE {bound} AND {predicate} RETURNING *), \
         done AS (INSERT INTO {table} ({list}{COLUMNS}) \
         SELECT {list}id, task, completed, position, rank, due, notes, steps, version + 1, created_at, now(), \
         CASE WHEN NOT EXISTS (SELECT FROM {items} WHERE todoitem.idempotency_key = back.idempotency_key) \
         THEN idempotency_key END, request_digest FROM back RETURNING *) ",
        deleted = scope.deleted(),
        bound = scope.bound(),
        // Its key may have made another todo since.
        items = scope.items(),
    )
}

pub fn get(scope: &Scope) -> String {
    format!("SELECT {TODO}::text FROM {} WHERE id = $1::bigint", scope.items())
}

/// The row that a new todo is given as (`row`, JSON by column), and what tells the request from
/// another with the same key. It is the same as of a version that knew no more than three columns.
fn given(row: &str) -> String {
    format!(
        "SELECT task, completed, position, due, notes, steps, \
         md5(row(task, coalesce(completed, false), position)::text || \
         coalesce(due::text || chr(2), '') || coalesce(notes, '') || coalesce(chr(1) || nullif(steps, '[]')::text, '')) AS digest \
         FROM jsonb_populate_record(NULL::todoitem, {row})"
    )
}

/// At the end of the list unless the row says otherwise.
fn inserting(scope: &Scope, key: &str, from: &str) -> String {
    format!(
        "INSERT INTO {table} ({list}task, completed, position, due, notes, steps, idempotency_key, request_digest) \
         SELECT {value}task, coalesce(completed, false), \
         coalesce(position, (SELECT max(position) FROM {items}), 0), due, coalesce(notes, ''), coalesce(steps, '[]'), \
         {key}, digest FROM {from} WHERE {is_there}",
        table = scope.table(),
        list = scope.column(),
        value = scope.value(),
        items = scope.items(),
        is_there = scope.is_there(),
    )
}

/// A key that is already there gives its row back, whatever else runs at the
/// same time; the update that does so changes nothing.
pub fn create(scope: &Scope) -> String {
    format!(
        "WITH given AS ({given}), made AS ({inserting} \
         ON CONFLICT ({list}idempotency_key) DO UPDATE SET idempotency_key = excluded.idempotency_key \
         RETURNING *, xmax <> 0 AS replayed) \
         SELECT json_build_object('todo', (SELECT {TODO} FROM made), \
         'replayed', replayed, 'same_request', request_digest = digest)::text{TRANSACTION} \
         FROM made, (SELECT digest FROM given) AS asked",
        given = given("$1::text::jsonb"),
        inserting = inserting(scope, "$2::text", "given"),
        list = scope.column(),
    )
}

/// What the keys of an import begin with: sent again with other rows, it is another import.
const IMPORT: &str = "md5($2::text || $1::text)";

/// Adds the rows of $1 (a JSON array) in their order, once for the key $2.
pub fn import(scope: &Scope) -> String {
    let rows = format!(
        "jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS rows (element, number), \
         LATERAL ({}) AS given",
        given("element")
    );
    format!(
        "WITH done AS ({inserting} ORDER BY number \
         ON CONFLICT ({list}idempotency_key) DO NOTHING RETURNING 1) \
         SELECT json_build_object('count', count(*), 'import', {IMPORT})::text{TRANSACTION} FROM done HAVING {is_there}",
        inserting = inserting(scope, &format!("{IMPORT} || ':' || number"), &rows),
        list = scope.column(),
        is_there = scope.is_there(),
    )
}

/// The columns that an edit sets and its undo sets again.
const EDITED: &str = "task, due, notes, steps";

/// Sets the columns of $2 (JSON by column), and keeps what an edit found with the version that it made.
pub fn update(scope: &Scope) -> String {
    format!(
        "UPDATE {} SET ({EDITED}, completed, position) = \
         (SELECT {EDITED}, completed, position FROM jsonb_populate_record(todoitem, $2::text::jsonb)), \
         before_edit = CASE WHEN $2::text::jsonb ?| '{{{EDITED}}}' THEN {before} END, \
         version = version + 1, updated_at = now() \
         WHERE {} AND id = $1::bigint AND {EXPECTED} RETURNING {TODO}::text{TRANSACTION}",
        scope.target(),
        scope.bound(),
        before = "jsonb_build_object('version', version + 1, 'task', task, 'due', due, 'notes', notes, 'steps', steps)",
    )
}

/// Completes the step $2 if its title is $4, or opens it again.
pub fn tick(scope: &Scope) -> String {
    format!(
        "UPDATE {} SET steps = jsonb_set(steps, ARRAY[$2::bigint::text, 'completed'], to_jsonb($5::boolean)), \
         version = version + 1, updated_at = now() \
         WHERE {} AND id = $1::bigint AND {EXPECTED} AND steps->($2::bigint::integer)->>'title' = $4::text \
         RETURNING {TODO}::text{TRANSACTION}",
        scope.target(),
        scope.bound(),
    )
}

/// Takes the edit back that made the version $2.
pub fn unedit(scope: &Scope) -> String {
    format!(
        "WITH done AS (UPDATE {} SET ({EDITED}) = (SELECT {EDITED} FROM jsonb_populate_record(todoitem, before_edit)), \
         before_edit = NULL, version = version + 1, updated_at = now() \
         WHERE {} AND id = $1::bigint AND version = $2::bigint AND before_edit->'version' = to_jsonb(version) RETURNING 1) {}",
        scope.target(),
        scope.bound(),
        count_done(scope),
    )
}

pub fn delete(scope: &Scope) -> String {
    deleting(scope, &format!("id = $2::bigint AND {EXPECTED}")) + &show_done()
}

/// As what the todo $1 went, if nothing went with it.
pub fn deletion(scope: &Scope) -> String {
    let (deleted, bound) = (scope.deleted(), scope.bound());
    format!(
        "SELECT min(deletion){TRANSACTION} FROM {deleted} WHERE {bound} AND deletion = \
         (SELECT deletion FROM {deleted} WHERE {bound} AND id = $1::bigint) HAVING count(*) = 1"
    )
}

/// Deletes all that `predicate` is true of.
pub fn delete_all(scope: &Scope, predicate: &str) -> String {
    deleting(scope, predicate) + &count_done(scope)
}

/// Deletes what the import $2 has added, but for what was changed since.
pub fn unimport(scope: &Scope) -> String {
    let keys =
        format!("SELECT $2::text || ':' || number FROM generate_series(1, {MAX_TODOS}) AS number");
    delete_all(scope, &format!("version = 1 AND idempotency_key IN ({keys})"))
}

pub fn restore(scope: &Scope) -> String {
    restoring(scope, "id = $1::bigint") + &show_done()
}

pub fn undo(scope: &Scope) -> String {
    restoring(scope, "deletion = $1::text") + &count_done(scope)
}

/// All that it marks get its moment as `updated_at`, by which [`unmark`] finds them.
pub fn complete_all(scope: &Scope) -> String {
    format!(
        "WITH done AS (UPDATE {} SET completed = $1::boolean, version = version + 1, updated_at = now() \
         WHERE {} AND completed <> $1::boolean RETURNING 1) \
         SELECT json_build_object('count', count(*), 'moment', (extract(epoch FROM now()) * 1000000)::bigint)::text{TRANSACTION} \
         FROM done HAVING {}",
        scope.target(),
        scope.bound(),
        scope.is_there(),
    )
}

/// Takes a marking back in those that nobody has changed since.
pub fn unmark(scope: &Scope) -> String {
    format!(
        "WITH done AS (UPDATE {} SET completed = NOT $1::boolean, version = version + 1, updated_at = now() \
         WHERE {} AND completed = $1::boolean AND updated_at = 'epoch'::timestamptz + $2::bigint * interval '1 microsecond' \
         RETURNING 1) {}",
        scope.target(),
        scope.bound(),
        count_done(scope),
    )
}

/// What a server of the cluster says of itself: whether it is a standby, the
/// WAL that it has on disk and has replayed, and whether the transaction $1
/// has ended there. `pg_xact_status` raises for a transaction of the future.
pub const MEMBER: &str = "SELECT pg_is_in_recovery(), \
     (pg_last_wal_receive_lsn() - '0/0')::bigint, (pg_last_wal_replay_lsn() - '0/0')::bigint, \
     $1::text IS NULL OR CASE WHEN $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot()) \
     THEN pg_xact_status($1::text::xid8) IS DISTINCT FROM 'in progress' ELSE false END";

/// Has a pooled connection closed that leads to the wrong server.
pub const HANG_UP: &str = "SELECT pg_terminate_backend(pg_backend_pid())";

/// `read`, whose last parameter is `$params`, for a replica: it answers only
/// when every transaction up to the one in the parameter after that has ended
/// in the very snapshot that is read. Gives whether the server is a standby,
/// whether the snapshot is new enough, and what was read.
///
/// On a standby the list of running transactions in `pg_current_snapshot` is
/// empty, but its `xmin` is right. It is stricter than asking for the one
/// transaction: writes of one client that ran side by side are all covered by
/// the latest of them.
pub fn on_replica(read: &str, params: usize) -> String {
    let position = params + 1;
    format!(
        "SELECT standby, replayed, CASE WHEN standby AND replayed THEN ({read}) END \
         FROM (SELECT pg_is_in_recovery() AS standby, \
         ${position}::text::xid8 < pg_snapshot_xmin(pg_current_snapshot()) AS replayed \
         OFFSET 0) AS server"
    )
}
