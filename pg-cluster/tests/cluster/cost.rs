//! How many writes archiving costs: rounds with it and without, by turns.

use tokio::time::interval;
use tokio_postgres::Client;

use crate::{
    figures::{load, median},
    fixture::Database,
    pgbench::{self, ONE_ROW, PACE, TABLE, drained},
    writer::{leader, superuser},
};

const SECONDS: u32 = 20;
const CONNECTIONS: u32 = 8;
/// What is done instead of archiving. `archive_mode` stays on, because it takes a restart, and costs a
/// process that does nothing 16 MB long.
const NOTHING: &str = "true";

struct Round {
    writes_per_second: f64,
    /// Of the primary's container, in microseconds.
    cpu_per_write: f64,
    megabytes_per_second: f64,
}

pub async fn print(database: &Database, pairs: usize) {
    let (primary, client) = (leader(database).await.unwrap(), superuser(database).await);
    client.batch_execute(TABLE).await.unwrap();
    pgbench::run(database, &primary, "", "-i -q -s 10").await;
    println!(
        "cost: {CONNECTIONS} connections, {pairs} pairs of rounds of {SECONDS} s by turns; load {}",
        load()
    );
    println!("{:<22} {:>9} {:>9} {:>6}  {:<28} CPU/write", "", "archived", "not", "ratio", "all");
    for (name, script) in [("one row", ONE_ROW), ("TPC-B of pgbench", "")] {
        let mut rounds = Vec::new();
        for pair in 0..pairs {
            let mut both = [None, None];
            for archived in [pair % 2 == 0, pair % 2 != 0] {
                let round = round(database, &primary, &client, script, archived).await;
                both[usize::from(!archived)] = Some(round);
            }
            rounds.push(both.map(Option::unwrap));
        }
        let of = |value: fn(&Round) -> f64| {
            [0, 1].map(|which| median(rounds.iter().map(|both| value(&both[which]))))
        };
        let ratio =
            |[with, without]: &[Round; 2]| with.writes_per_second / without.writes_per_second;
        let all: Vec<_> = rounds.iter().map(|both| format!("{:.2}", ratio(both))).collect();
        let [with, without] = of(|round| round.writes_per_second);
        let [cpu, less] = of(|round| round.cpu_per_write);
        let [wal, _] = of(|round| round.megabytes_per_second);
        println!(
            "{name:<22} {with:>7.0}/s {without:>7.0}/s {:>6.2}  {:<28} {cpu:.0} and {less:.0} µs; WAL {wal:.1} MB/s; load {}",
            median(rounds.iter().map(ratio)),
            all.join(" "),
            load()
        );
    }
    archive(&client, true).await;
    client.batch_execute("drop table writes, pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers").await.unwrap();
}

async fn round(
    database: &Database,
    primary: &str,
    client: &Client,
    script: &str,
    archived: bool,
) -> Round {
    drained(client).await; // what is of the round before
    archive(client, archived).await;
    client.batch_execute("checkpoint").await.unwrap();
    let before = (cpu(database, primary).await, written(client).await);
    let arguments = format!("-c {CONNECTIONS} -j 2 -T {SECONDS}");
    let said = pgbench::run(database, primary, script, &arguments).await;
    let after = (cpu(database, primary).await, written(client).await);
    let value = |name: &str| -> f64 {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        let number =
            line.and_then(|line| line.split_whitespace().next()?.split('/').next()?.parse().ok());
        number.unwrap_or_else(|| panic!("{name}? {said}"))
    };
    let writes = value("number of transactions actually processed:");
    Round {
        writes_per_second: value("tps ="),
        cpu_per_write: (after.0 - before.0) / 1000.0 / writes,
        megabytes_per_second: (after.1 - before.1) / 1e6 / f64::from(SECONDS),
    }
}

/// Has the archiver do its work, or only say so. What `alter system` writes goes before what Patroni does.
async fn archive(client: &Client, really: bool) {
    let change = if really {
        "alter system reset archive_command".to_owned()
    } else {
        format!("alter system set archive_command = '{NOTHING}'")
    };
    client.batch_execute(&change).await.unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    let mut pace = interval(PACE);
    let is = "select current_setting('archive_command') <> $1";
    while client.query_one(is, &[&NOTHING]).await.unwrap().get::<_, bool>(0) != really {
        pace.tick().await;
    }
}

/// Nanoseconds of the container's, by either version of control groups.
async fn cpu(database: &Database, pod: &str) -> f64 {
    let script = "cd /sys/fs/cgroup; cat cpuacct/cpuacct.usage 2> /dev/null || awk '$1 == \"usage_usec\" { print $2 * 1000 }' cpu.stat";
    database.shell(pod, script).await.trim().parse().unwrap_or(f64::NAN)
}

/// Bytes of WAL until now.
async fn written(client: &Client) -> f64 {
    let bytes = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8";
    client.query_one(bytes, &[]).await.unwrap().get(0)
}
