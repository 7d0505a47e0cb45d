//! Writes by pgbench in the primary's pod, so that no way to it counts.

use std::time::Duration;

use tokio::time::interval;
use tokio_postgres::Client;

use crate::fixture::Database;

/// Between two looks.
pub const PACE: Duration = Duration::from_millis(100);

/// As an application writes them, with the time, and with where their WAL went, for the lag's sake.
pub const TABLE: &str = "create table writes (at timestamptz not null default clock_timestamp(),
    segment text not null default pg_walfile_name(pg_current_wal_insert_lsn()), body text not null)";
pub const ONE_ROW: &str = "\\set n random(1, 1000000000)
insert into writes (body) values (md5(:n::text) || md5((:n + 1)::text) || md5((:n + 2)::text));";

/// What it prints. Without a script its own transaction is run.
pub async fn run(database: &Database, pod: &str, script: &str, arguments: &str) -> String {
    let (file, named) = if script.is_empty() {
        (String::new(), "")
    } else {
        (format!("cat > /tmp/script.sql << 'SQL'\n{script}\nSQL\n"), "-f /tmp/script.sql")
    };
    let run = format!(
        "{file}PATH=$(echo /usr/lib/postgresql/*/bin):$PATH pgbench -n {arguments} {named} postgres 2>&1"
    );
    database.shell(pod, &run).await
}

/// Waits until no WAL waits for the archive, but for the segment that is written to.
pub async fn drained(client: &Client) {
    let waits = "select exists (select from pg_ls_archive_statusdir() where name like '%.ready')";
    let mut pace = interval(PACE);
    while client.query_one(waits, &[]).await.unwrap().get(0) {
        pace.tick().await;
    }
}
