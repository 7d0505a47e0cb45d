//! How fast a database goes into the archive and comes back, beside a plain copy of its volume.

use std::time::Instant;

use serde_json::Value;

use crate::{
    backups::client,
    figures::{load, median},
    fixture::Database,
    pgbench::drained,
    writer::{leader, superuser},
};

/// Each file is flushed, as pgBackRest does.
const COPY: &str = "copy=${PGDATA%/*}/plain began=$(date +%s%N); cp -a --reflink=never \"$PGDATA\" \"$copy\"
    find \"$copy\" -type f -exec sync {} +; ended=$(date +%s%N); rm -rf \"$copy\"; echo $((ended - began))";

/// Rows of 1 KB, seven a page, of which half is random and the rest as repetitive as people are.
fn fill(megabytes: usize) -> String {
    let rows = megabytes * 128 * 7;
    format!(
        "insert into notes select n, (select string_agg(encode(sha512((n || '-' || part)::bytea), 'hex'), '')
            from generate_series(1, 4) part) || repeat('todo list ', 51) from generate_series(1, {rows}) n"
    )
}

pub async fn print(database: &Database, copy: Database, megabytes: usize) {
    let todo = client(database, "todo").await;
    todo.batch_execute("create table notes (id int primary key, body text not null)")
        .await
        .unwrap();
    todo.batch_execute(&fill(megabytes)).await.unwrap();
    todo.batch_execute("vacuum analyze notes").await.unwrap();
    let primary = superuser(database).await;
    primary.batch_execute("checkpoint").await.unwrap();
    drained(&primary).await;

    println!(
        "{:<10} {:>7} {:>9} {:>9} {:>7} {:>6}",
        "copies", "MB", "command", "copying", "MB/s", "ratio"
    );
    let (backed_up, _, _) = timed(database, &["backup", "now"]);
    let list = database.must(&["backup", "list", "--output", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let backup = list["backups"].as_array().unwrap().last().unwrap().clone();
    let size = backup["bytes"].as_f64().unwrap() / 1e6;

    let mut plain = vec![copied(database).await];
    let (drilled, found, _) = timed(database, &["backup", "drill", "--output", "json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    plain.push(copied(database).await);

    copy.write_environment("origin", database);
    let (cloned, _, said) = timed(&copy, &["clone", "--from", "origin", "--at", "latest"]);
    let cloning = seconds(&said, "the copy");
    copy.end().await;
    plain.push(copied(database).await);
    let (restored, _, said) = timed(database, &["restore", "--yes", "--discard", "--at", "latest"]);
    let restoring = seconds(&said, "the restore");

    let rate = |(megabytes, seconds): &(f64, f64)| megabytes / seconds;
    let speed = median(plain.iter().map(rate));
    let line = |name: &str, megabytes: f64, command: f64, copying: f64| {
        let own = megabytes / copying;
        let ratio = own / speed;
        println!(
            "{name:<10} {megabytes:>7.0} {command:>7.1} s {copying:>7.1} s {own:>7.0} {ratio:>6.2}"
        );
    };
    for (megabytes, seconds) in &plain {
        line("cp -a", *megabytes, *seconds, *seconds);
    }
    let time = |key: &str| backup[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    line("backup", size, backed_up, time("ended").duration_since(time("began")).as_secs_f64());
    line("clone", size, cloned, cloning);
    line("restore", size, restored, restoring);
    line("drill", size, drilled, found["seconds"].as_f64().unwrap());
    println!(
        "in the archive {:.0} MB; the drill read {} rows and every index; load {}",
        backup["archived_bytes"].as_f64().unwrap() / 1e6,
        found["rows"],
        load()
    );
}

/// Runs a command that has to go well; how many seconds it took, and what it printed.
fn timed(database: &Database, arguments: &[&str]) -> (f64, String, String) {
    let began = Instant::now();
    let output = database.run(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "pg-cluster {arguments:?}: {err}");
    (began.elapsed().as_secs_f64(), out, err)
}

/// How long it says that a step took, which is the job with its pod's start.
fn seconds(said: &str, step: &str) -> f64 {
    let line = said.lines().find_map(|line| line.strip_prefix(&format!("✓ {step}: ")));
    let number = line.and_then(|line| line.strip_suffix(" s")?.parse().ok());
    number.unwrap_or_else(|| panic!("how long did {step} take? {said}"))
}

/// Megabytes and seconds of a plain copy of the primary's volume within it.
async fn copied(database: &Database) -> (f64, f64) {
    let primary = leader(database).await.unwrap();
    let bytes = database.shell(&primary, "du -sb \"$PGDATA\" | cut -f 1").await;
    let nanoseconds = database.shell(&primary, COPY).await;
    let number = |text: &str| text.trim().parse::<f64>().unwrap();
    (number(&bytes) / 1e6, number(&nanoseconds) / 1e9)
}
