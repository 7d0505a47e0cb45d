//! What may befall the archive: its server, its key, its room, its files, and all that it was made from.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    archive::{advises, numbers, own, said, write},
    archive_server::{empty, fill, serve, take_key},
    fixture::{Database, Program},
    repair::stop_receiver,
    writer,
};

/// The primary has no longer what a replica lacks. The archive has, and nobody needs to copy it anew.
async fn a_replica_catches_up_from_it(database: &Database) {
    let on_replica = |question| database.must(&["psql", "--replica", "--", "-XAtc", question]);
    let started = on_replica("select pg_postmaster_start_time()");
    let receiver = stop_receiver(database, "safe-replica-0").await;
    let primary = writer::superuser(database).await;
    let ask = async |question| primary.query_one(question, &[]).await.unwrap();
    let segment = "select pg_walfile_name(pg_current_wal_lsn())";
    let lacked: String = ask(segment).await.get(0);
    primary.batch_execute("set synchronous_commit = local").await.unwrap();
    // Until then what is written would fill its connection, which the primary could not end.
    while ask("select active from pg_replication_slots").await.get(0) {
        sleep(Duration::from_millis(100)).await;
    }
    let kept = format!("select exists (select from pg_ls_waldir() where name = '{lacked}')");
    for n in 200.. {
        let more = format!("insert into kept values ({n}); select pg_switch_wal(); checkpoint");
        primary.batch_execute(&more).await.unwrap();
        if !ask(&kept).await.get::<_, bool>(0) {
            break;
        }
        // More than may wait would be given up.
        database.until("no WAL that waits", |status| status["archive"]["archiver"]["waiting"] == 0);
    }
    let status = database.status();
    assert!(advises(&status, "catches up from the archive"), "{status:#}");
    database.shell("safe-replica-0", &format!("kill -CONT {receiver}")).await;
    database.until_healthy();
    assert_eq!(on_replica("select pg_postmaster_start_time()"), started);
    let all = "select count(*) from kept where n >= 200";
    assert_eq!(on_replica(all).trim(), ask(all).await.get::<_, i64>(0).to_string());
    primary.batch_execute("delete from kept where n >= 200").await.unwrap();
}

/// Begins a backup that waits for a checkpoint of the primary's.
async fn begin_backup(database: &Database, primary: &str) -> Child {
    database.signal(primary, "STOP", Program::Checkpointer).await;
    let backup = database.command(&["backup", "now"]).stderr(Stdio::piped()).spawn().unwrap();
    let client = writer::superuser(database).await;
    let begun = "select exists (select from pg_stat_activity where query ilike '%pg_backup_start%' and pid <> pg_backend_pid())";
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    while !client.query_one(begun, &[]).await.unwrap().get::<_, bool>(0) {
        pace.tick().await;
    }
    backup
}

fn must_end_well(backup: Child) {
    let output = tokio::task::block_in_place(|| backup.wait_with_output().unwrap());
    assert!(output.status.success(), "{}", said(&output));
}

/// Whoever is away or another in the middle of it: the run is tried again, and what is broken is no backup.
async fn a_backup_is_whole_or_none(database: &Database) {
    let primary = writer::leader(database).await.unwrap();
    let pods = database.pods().await.into_iter().map(|pod| pod.metadata.name.unwrap());
    let standby = pods.into_iter().find(|name| *name != primary).unwrap();
    let backup = begin_backup(database, &primary).await;
    database.api::<Pod>().delete(&standby, &DeleteParams::default()).await.unwrap();
    database.signal(&primary, "CONT", Program::Checkpointer).await;
    must_end_well(backup);
    database.until_healthy();

    let backup = begin_backup(database, &primary).await;
    let switchover = database.command(&["switchover"]).stderr(Stdio::piped()).spawn();
    let mut switchover = switchover.unwrap();
    let lines = BufReader::new(switchover.stderr.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let mut waits = || lines.any(|line| line.contains(" as primary"));
    assert!(tokio::task::block_in_place(&mut waits), "it did not begin");
    database.signal(&primary, "CONT", Program::Checkpointer).await;
    let rest: Vec<_> = tokio::task::block_in_place(|| lines.collect());
    assert!(switchover.wait().unwrap().success(), "{rest:#?}");
    must_end_well(backup);
    database.must(&["backup", "verify"]);
}

/// A file that all the rest is found by is gone from the bucket, and comes back.
async fn an_archive_without_its_list_is_told(database: &Database) {
    let primary = writer::leader(database).await.unwrap();
    let each = |what: &str| {
        format!(
            "for file in archive.info archive.info.copy; do at=archive/safe/$file; {what}; done && echo done"
        )
    };
    let own = "pgbackrest --stanza=safe --raw";
    let take = each(&format!(
        "{own} repo-get $at > /tmp/$file && pgbackrest --stanza=safe repo-rm $at || exit"
    ));
    assert!(database.shell(&primary, &take).await.contains("done"));
    database
        .until("a word about it", |status| advises(status, "archive.info or backup.info is gone"));
    let give = each(&format!("{own} repo-put $at < /tmp/$file || exit"));
    assert!(database.shell(&primary, &give).await.contains("done"));
}

/// Its bucket has no room, which is told, and what waited arrives when it has some.
async fn a_full_bucket_is_told(database: &Database) {
    fill(database).await;
    write(database, "insert into kept values (150); select pg_switch_wal()").await;
    database.until("a word about room", |status| advises(status, "the bucket has no room"));
    empty(database).await;
    // What is written next wakes an archiver that has tried in vain.
    write(database, "delete from kept where n = 150; select pg_switch_wal()").await;
    database.until_healthy();
    let status = database.status();
    assert_eq!(status["archive"]["gap"], Value::Null, "{status:#}");
}

pub async fn what_befalls_the_archive_is_told_and_loses_nothing() {
    let database = Database::new("safe").await;
    let little = "replication.max_slot_wal_keep_size = \"64MB\"";
    let keep = "replication.max_slot_wal_keep_size = \"512MB\"";
    let most = "parameters.wal_keep_size = \"16MB\"";
    database.rewrite(&[(keep, &format!("{little}\n{most}\n{}", own()))]);
    database.must(&["init"]);
    database.until_healthy();
    write(&database, "create table kept (n int primary key)").await;
    a_full_bucket_is_told(&database).await;

    // Its server is away: writes go on, and the status says so. What waited arrives afterwards.
    serve(&database, 0).await;
    database
        .until("the server's end", |status| advises(status, "what the archive has is not known"));
    write(&database, "insert into kept values (1); select pg_switch_wal()").await;
    let status = database
        .until("a word about WAL", |status| advises(status, "no WAL has reached the archive"));
    assert_eq!(status["verdict"], "degraded", "{status:#}");

    // More than may wait: it is given up, so that the disk does not fill, and that is said until a
    // full backup makes up for it.
    for n in 100..105 {
        write(&database, &format!("insert into kept values ({n}); select pg_switch_wal()")).await;
    }
    database.until("a word about the gap", |status| advises(status, "the archive has a gap"));
    // It is back, and takes the members' key no more.
    let from_secret = json!({ "secretKeyRef": { "name": "safe-backup", "key": "secret" } });
    take_key(&database, json!("another"), Value::Null).await;
    serve(&database, 1).await;
    database.until("a word about the key", |status| advises(status, "refuses the key (403)"));
    take_key(&database, Value::Null, from_secret).await;
    database.until("an archive again", |status| status["archive"]["backups"] == 1);
    database.until("the gap all the same", |status| advises(status, "the archive has a gap"));
    database.must(&["backup", "now"]);
    write(&database, "delete from kept where n >= 100").await;
    database.until_healthy();
    a_replica_catches_up_from_it(&database).await;

    // Whoever is primary, and with a run that was killed before.
    let killed = database.command(&["backup", "now"]).stderr(Stdio::null()).spawn();
    let jobs = database.api::<Job>();
    let running = async || {
        let jobs = jobs.list(&ListParams::default()).await.unwrap().items;
        jobs.into_iter()
            .find(|job| job.status.as_ref().is_some_and(|status| status.active == Some(1)))
    };
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    let job = loop {
        pace.tick().await;
        if let Some(job) = running().await {
            break job;
        }
    };
    jobs.delete(job.metadata.name.as_ref().unwrap(), &DeleteParams::background()).await.unwrap();
    let ended = killed.unwrap().wait().unwrap();
    assert!(!ended.success());
    a_backup_is_whole_or_none(&database).await;
    an_archive_without_its_list_is_told(&database).await;

    // A part of a backup is gone: named by whoever looks, and nothing wrong is restored.
    let primary = writer::leader(&database).await.unwrap();
    let newest = "newest=$(pgbackrest --stanza=safe repo-ls backup/safe | grep F$ | tail -n 1)";
    let remove = format!(
        "{newest}; at=backup/safe/$newest/bundle; pgbackrest --stanza=safe repo-rm $at/$(pgbackrest --stanza=safe repo-ls $at | tail -n 1) && echo gone"
    );
    let removed = database.shell(&primary, &remove).await;
    assert!(removed.contains("gone"), "{removed}");
    let verified = database.run(&["backup", "verify"]);
    assert!(
        !verified.status.success() && said(&verified).contains("not whole"),
        "{}",
        said(&verified)
    );
    let drilled = database.run(&["backup", "drill"]);
    assert!(
        !drilled.status.success() && said(&drilled).contains("restore the files"),
        "{}",
        said(&drilled)
    );
    database.until("the drill's verdict", |status| advises(status, "the restore drill of"));
    database.must(&["backup", "now"]);

    // Every volume is gone: all that was archived comes back.
    database.must(&["switchover"]);
    write(&database, "insert into kept values (2); select pg_switch_wal()").await;
    database.until("no WAL that waits", |status| status["archive"]["archiver"]["waiting"] == 0);
    for set in ["safe-replica", "safe-main"] {
        database.api::<StatefulSet>().delete(set, &DeleteParams::foreground()).await.unwrap();
    }
    for volume in ["data-safe-replica-0", "data-safe-main-0"] {
        database
            .api::<PersistentVolumeClaim>()
            .delete(volume, &DeleteParams::default())
            .await
            .unwrap();
    }
    let volumes = database.api::<PersistentVolumeClaim>();
    for volume in ["data-safe-replica-0", "data-safe-main-0"] {
        while volumes.get_opt(volume).await.unwrap().is_some() {
            pace.tick().await;
        }
    }
    database.must(&["restore", "--yes", "--at", "latest"]);
    assert_eq!(numbers(&database).await, [1, 2]);
    database.must(&["init"]);
    database.end().await;
}
