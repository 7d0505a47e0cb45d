//! The statements that write, and those that ask the servers. Each gives one JSON value, which
//! costs the guest one host call instead of one a row.

/// A row as the JSON that [`crate::todo::Todo`] is read from.
macro_rules! todo_json {
    () => {
        "json_build_object('id', id, 'title', task, 'completed', completed, \
         'order', position, 'rank', coalesce(rank, id)::text, 'due', due, 'notes', notes, 'version', version, \
         'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
         'updated_at', to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))"
    };
}

/// The transaction that a statement wrote in, as the second column of every
/// write. The commit record has no place yet while its statement runs, so a
/// position in the WAL would take a second round trip.
macro_rules! transaction {
    () => {
        ", pg_current_xact_id_if_assigned()::text"
    };
}

/// How many rows a write touched. The transaction is known once they are counted.
macro_rules! count_done {
    () => {
        concat!("SELECT count(*)::text", transaction!(), " FROM done")
    };
}

/// The one row that a write touched.
macro_rules! show_done {
    () => {
        concat!("SELECT ", todo_json!(), "::text", transaction!(), " FROM done")
    };
}

/// A row of either table without what only one of them has.
macro_rules! columns {
    () => {
        "id, task, completed, position, rank, due, notes, version, created_at, updated_at, idempotency_key, request_digest"
    };
}

/// Moves rows to the deleted ones of the deletion in `$key`. On the way the oldest of those go for
/// good, a few at a time, so that no delete pays for another.
macro_rules! deleting {
    ($predicate:literal, $key:literal) => {
        concat!(
            "WITH done AS (DELETE FROM todoitem WHERE ",
            $predicate,
            " RETURNING *), kept AS (INSERT INTO todoitem_deleted (",
            columns!(),
            ", deletion) SELECT ",
            columns!(),
            ", ",
            $key,
            "::text FROM done), gone AS (DELETE FROM todoitem_deleted WHERE id IN (SELECT id FROM todoitem_deleted ",
            "WHERE deleted_at < now() - interval '30 days' ORDER BY deleted_at LIMIT 100)) "
        )
    };
}

/// Moves deleted rows back, each as a new version of itself.
macro_rules! restoring {
    ($predicate:literal) => {
        concat!(
            "WITH back AS (DELETE FROM todoitem_deleted WHERE ",
            $predicate,
            " RETURNING *), done AS (INSERT INTO todoitem (",
            columns!(),
            ") SELECT id, task, completed, position, rank, due, notes, version + 1, created_at, now(), ",
            // Its key may have made another todo since.
            "CASE WHEN NOT EXISTS (SELECT FROM todoitem t WHERE t.idempotency_key = back.idempotency_key) ",
            "THEN idempotency_key END, request_digest FROM back RETURNING *) "
        )
    };
}

pub const TODO: &str = todo_json!();

/// What follows the statement of a write that touches one row.
pub const TRANSACTION: &str = transaction!();

pub const GET: &str =
    concat!("SELECT ", todo_json!(), "::text FROM todoitem WHERE id = $1::bigint");

/// The row that a new todo is given as ($1, JSON by column), and what tells the request from
/// another with the same key. It is the same as of a version that knew no more than three columns.
macro_rules! given {
    ($row:literal) => {
        concat!(
            "SELECT task, completed, position, due, notes, ",
            "md5(row(task, coalesce(completed, false), position)::text || ",
            "coalesce(due::text, '') || coalesce(notes, '')) AS digest ",
            "FROM jsonb_populate_record(NULL::todoitem, ",
            $row,
            ")"
        )
    };
}

/// At the end of the list unless the row says otherwise.
macro_rules! inserting {
    ($key:literal, $from:literal) => {
        concat!(
            "INSERT INTO todoitem (task, completed, position, due, notes, idempotency_key, request_digest) ",
            "SELECT task, coalesce(completed, false), ",
            "coalesce(position, (SELECT max(position) FROM todoitem), 0), due, coalesce(notes, ''), ",
            $key,
            ", digest FROM ",
            $from
        )
    };
}

/// A key that is already there gives its row back, whatever else runs at the
/// same time; the update that does so changes nothing.
pub const CREATE: &str = concat!(
    "WITH given AS (",
    given!("$1::text::jsonb"),
    "), made AS (",
    inserting!("$2::text", "given"),
    " ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = excluded.idempotency_key ",
    "RETURNING *, xmax <> 0 AS replayed) ",
    "SELECT json_build_object('todo', (SELECT ",
    todo_json!(),
    " FROM made), 'replayed', replayed, 'same_request', request_digest = digest)::text",
    transaction!(),
    " FROM made, (SELECT digest FROM given) AS asked"
);

/// Adds the rows of $1 (a JSON array) in their order, once for the key $2: sent again with other rows,
/// it is another import.
pub const IMPORT: &str = concat!(
    "WITH done AS (",
    inserting!(
        "md5($2::text || $1::text) || ':' || number",
        "jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS rows (element, number), LATERAL ("
    ),
    given!("element"),
    ") AS given ORDER BY number ON CONFLICT (idempotency_key) DO NOTHING RETURNING 1) ",
    count_done!()
);

/// Sets the columns of $2 (JSON by column).
pub const UPDATE: &str = concat!(
    "UPDATE todoitem SET (task, completed, position, due, notes) = ",
    "(SELECT task, completed, position, due, notes FROM jsonb_populate_record(todoitem, $2::text::jsonb)), ",
    "version = version + 1, updated_at = now() ",
    "WHERE id = $1::bigint AND ($3::bigint[] IS NULL OR version = ANY ($3)) ",
    "RETURNING ",
    todo_json!(),
    "::text",
    transaction!()
);

pub const DELETE: &str = concat!(
    deleting!("id = $2::bigint AND ($3::bigint[] IS NULL OR version = ANY ($3))", "$1"),
    show_done!()
);

pub const DELETE_ALL: &str = concat!(deleting!("true", "$1"), count_done!());

pub const DELETE_COMPLETED: &str = concat!(deleting!("completed", "$1"), count_done!());

pub const RESTORE: &str = concat!(restoring!("id = $1::bigint"), show_done!());

pub const UNDO: &str = concat!(restoring!("deletion = $1::text"), count_done!());

/// All that it marks get its moment as `updated_at`, by which [`UNMARK`] finds them.
pub const COMPLETE_ALL: &str = concat!(
    "WITH done AS (UPDATE todoitem SET completed = $1::boolean, version = version + 1, updated_at = now() ",
    "WHERE completed <> $1::boolean RETURNING 1) ",
    "SELECT json_build_object('count', count(*), 'moment', (extract(epoch FROM now()) * 1000000)::bigint)::text",
    transaction!(),
    " FROM done"
);

/// Takes a marking back in those that nobody has changed since.
pub const UNMARK: &str = concat!(
    "WITH done AS (UPDATE todoitem SET completed = NOT $1::boolean, version = version + 1, updated_at = now() ",
    "WHERE completed = $1::boolean AND updated_at = 'epoch'::timestamptz + $2::bigint * interval '1 microsecond' ",
    "RETURNING 1) ",
    count_done!()
);

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
