//! What may happen to a primary, while writes go on.

use std::{process::Command, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::api::DeleteParams;

use crate::{
    fixture::Database,
    writer::{Writer, leader},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    Delete,
    Kill,
    Freeze,
    Switchover,
}

/// Enough to see that writes go on.
const SOME: usize = 50;

/// Does it to whoever is primary, and returns the longest time without a write.
/// On the way it checks that no acknowledged write is lost or doubled, that the
/// old primary rejoins by itself, and that the status is true. None where the
/// node's processes are out of reach.
pub async fn endure(database: &Arc<Database>, act: Act) -> Option<Duration> {
    database.until_healthy();
    let old = leader(database).await.expect("a primary");
    let mut writer = Writer::start(database).await;
    writer.goes_on_for(SOME).await;
    match act {
        Act::Delete => {
            database.api::<Pod>().delete(&old, &DeleteParams::default()).await.unwrap();
        }
        Act::Kill => {
            database.shell(&old, "kill -9 $(head -n 1 $PGDATA/postmaster.pid)").await;
        }
        Act::Freeze => {
            let processes = processes(database, &old).await;
            if processes.is_empty() {
                eprintln!("*** SKIPPED: the processes of {old} are not on this machine ***");
                return None;
            }
            signal("-STOP", &processes);
            // While it stands still, and before another takes over, nobody can call this healthy.
            let status = tokio::task::block_in_place(|| database.status());
            assert_ne!(status["verdict"], "healthy", "{status:#}");
            database.until("another primary", |status| {
                status["primary"].as_str().is_some_and(|primary| primary != old)
            });
            let status = database.status();
            assert_eq!(status["verdict"], "unprotected", "{status:#}");
            writer.goes_on_for(SOME).await;
            signal("-CONT", &processes);
        }
        Act::Switchover => {
            tokio::task::block_in_place(|| database.must(&["switchover"]));
            writer.goes_on_for(SOME).await;
            tokio::task::block_in_place(|| database.must(&["switchover", "--to", &old]));
        }
    }
    writer.goes_on_for(SOME).await;
    database.until_healthy();
    let status =
        database.until("the old primary, streaming", |status| member_is_well(status, &old));
    assert_eq!(status["verdict"], "healthy", "{status:#}");
    Some(writer.finish(database).await)
}

fn member_is_well(status: &serde_json::Value, name: &str) -> bool {
    let member =
        status["members"].as_array().into_iter().flatten().find(|member| member["name"] == name);
    member.is_some_and(|member| member["role"] == "primary" || member["state"] == "streaming")
}

/// The pod's processes on this machine, found by the pod's id in their control groups.
async fn processes(database: &Database, pod: &str) -> Vec<String> {
    let id = database.api::<Pod>().get(pod).await.unwrap().metadata.uid.unwrap();
    let spellings = [id.clone(), id.replace('-', "_")];
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    pids.filter(|pid| {
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        spellings.iter().any(|id| groups.contains(id))
    })
    .collect()
}

fn signal(name: &str, processes: &[String]) {
    Command::new("kill").arg(name).args(processes).status().unwrap();
}
