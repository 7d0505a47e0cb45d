//! The database changes its primary, while requests come in.

use crate::edge::Edge;
use crate::load::{Kind, Load, Samples};
use crate::node::{must, until};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use std::collections::BTreeMap;

impl Edge {
    /// Who holds the leader's lock.
    async fn primary(&self) -> Option<String> {
        let map = self.namespace.api::<ConfigMap>().get_opt("todoozle-leader").await.ok()??;
        map.annotations().get("leader").filter(|leader| !leader.is_empty()).cloned()
    }

    async fn database_is_healthy(&self) {
        until("a healthy database", async || {
            let mut status = self.command("pg-cluster", &["status", "--output", "json"]);
            let output =
                tokio::task::spawn_blocking(move || status.output()).await.unwrap().unwrap();
            let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
            (status["verdict"] == "healthy").then_some(())
        })
        .await;
    }
}

/// That every read was answered, and that a write that failed was told to come again.
#[track_caller]
pub fn only_writes_were_put_off(what: &str, samples: &Samples) {
    let failures = samples.failures();
    let wrong: Vec<_> = failures
        .iter()
        .filter(|sample| sample.kind == Kind::Read || sample.outcome != Ok(503))
        .take(5)
        .collect();
    eprintln!("{what}: {} of {} requests were writes put off", failures.len(), samples.0.len());
    let kinds = failures.iter().fold(BTreeMap::<String, usize>::new(), |mut kinds, sample| {
        *kinds.entry(format!("{:?} {:?}", sample.kind, sample.outcome)).or_default() += 1;
        kinds
    });
    assert!(wrong.is_empty(), "{what}: {kinds:#?} {wrong:#?}");
}

pub async fn reads_go_on_and_no_write_is_lost_when_the_primary_changes() {
    let edge = Edge::deployed(3).await;
    let origin = edge.origin().await;
    let lives = edge.lives().await;
    let mut all = vec![];
    for act in ["a switchover", "a switchover back", "the primary's pod deleted"] {
        edge.database_is_healthy().await;
        let mut load = Load::start(&origin);
        load.goes_on_for(3).await;
        let old = edge.primary().await.expect("a primary");
        if act.starts_with("a switchover") {
            must(edge.command("pg-cluster", &["switchover"])).await;
        } else {
            edge.delete_pod(&old).await;
            until("another primary", async || {
                edge.primary().await.filter(|primary| *primary != old)
            })
            .await;
        }
        load.goes_on_for(10).await;
        let samples = load.end().await;
        only_writes_were_put_off(act, &samples);
        all.extend(samples.0);

        // With a primary again, nothing is put off.
        edge.database_is_healthy().await;
        let mut load = Load::start(&origin);
        load.goes_on_for(3).await;
        let samples = load.end().await;
        edge.all_succeeded(&samples).await;
        all.extend(samples.0);
    }
    Samples(all).are_there_once(&origin).await;
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    // Home again: main's volume has to hold the newest data before it is taken away.
    must(edge.command("pg-cluster", &["switchover"])).await;
    edge.end().await;
}
