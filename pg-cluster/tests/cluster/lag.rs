//! How long a write waits for the archive.

use tokio::time::interval;

use crate::{
    figures::load,
    fixture::Database,
    pgbench::{self, ONE_ROW, PACE, TABLE, drained},
    writer::{leader, superuser},
};

const WRITES: u32 = 200;
/// As many segments end by `archive_timeout` meanwhile, which is sooner than they are full.
const SEGMENTS: i32 = 3;

/// When a segment was archived, by the clock that its writes have; asked often enough to miss none.
const NOTE: &str =
    "insert into archived select last_archived_wal, last_archived_time from pg_stat_archiver
    where last_archived_wal is not null on conflict do nothing";
const LAG: &str = "with each as (select extract(epoch from a.at - w.at)::float8 as lag, segment, w.at as written, a.at as arrived
        from writes w join archived a using (segment)),
    way as (select extract(epoch from arrived - max(written))::float8 as seconds from each group by segment, arrived)
    select count(*), (percentile_cont(0.5) within group (order by lag)), max(lag),
    (select percentile_cont(0.5) within group (order by seconds) from way), (select max(seconds) from way), (select count(*) from way) from each";

pub async fn print(database: &Database) {
    let (primary, client) = (leader(database).await.unwrap(), superuser(database).await);
    client.batch_execute(TABLE).await.unwrap();
    let archived = "create table archived (segment text primary key, at timestamptz not null)";
    client.batch_execute(archived).await.unwrap();
    client.batch_execute("select pg_switch_wal()").await.unwrap();
    drained(&client).await;

    let asked = "select setting::int from pg_settings where name = 'archive_timeout'";
    let limit: i32 = client.query_one(asked, &[]).await.unwrap().get(0);
    let arguments = format!("-R {WRITES} -c 4 -T {}", SEGMENTS * limit + limit / 4);
    let mut writes = Box::pin(pgbench::run(database, &primary, ONE_ROW, &arguments));
    let mut pace = interval(PACE);
    let said = loop {
        tokio::select! {
            said = &mut writes => break said,
            _ = pace.tick() => {
                client.execute(NOTE, &[]).await.unwrap();
            }
        }
    };
    let row = client.query_one(LAG, &[]).await.unwrap();
    let [median, most, way, longest] = [1, 2, 3, 4].map(|column| row.get::<_, f64>(column));
    let (writes, segments): (i64, i64) = (row.get(0), row.get(5));
    assert!(segments > 0, "nothing was archived: {said}");
    println!(
        "lag: from a write to its WAL in the archive at {WRITES} writes/s, archive_timeout = {limit}: median {median:.1} s, longest {most:.1} s \
         ({writes} writes in {segments} segments); of that from a segment's last write median {way:.1} s, longest {longest:.1} s; load {}",
        load()
    );
    client.batch_execute("drop table writes, archived").await.unwrap();
}
