//! What may happen to a primary, while writes go on.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    fixture::{Database, Program},
    writer::{Writer, leader},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    Delete,
    Kill,
    Freeze,
    Switchover,
}

/// A finalizer that keeps a deleted pod visible.
const HOLD: &str = "todoozle.dev/test";
/// Enough to see that writes go on.
const SOME: usize = 50;

/// Does it to whoever is primary, and returns the longest time without a write.
/// On the way it checks that no acknowledged write is lost or doubled, that the
/// old primary rejoins by itself, and that the status is true.
pub async fn endure(database: &Arc<Database>, act: Act) -> Duration {
    database.until_healthy();
    let old = leader(database).await.expect("a primary");
    let mut writer = Writer::start(database).await;
    writer.goes_on_for(SOME).await;
    match act {
        Act::Delete => {
            // What is deleted stays to be looked at until it is let go.
            set_finalizers(database, &old, &[HOLD]).await;
            database.api::<Pod>().delete(&old, &DeleteParams::default()).await.unwrap();
            another_primary(database, &old);
            writer.goes_on_for(SOME).await;
            let status = tokio::task::block_in_place(|| database.status());
            assert_eq!(status["verdict"], "unprotected", "{status:#}");
            assert_eq!(member(&status, &old)["state"], "stopping", "{status:#}");
            set_finalizers(database, &old, &[]).await;
        }
        Act::Kill => {
            database.shell(&old, "kill -9 $(head -n 1 $PGDATA/postmaster.pid)").await;
        }
        Act::Freeze => {
            database.signal(&old, "STOP", Program::All).await;
            // While it stands still, and before another takes over, nobody can call this healthy.
            let status = tokio::task::block_in_place(|| database.status());
            assert_ne!(status["verdict"], "healthy", "{status:#}");
            another_primary(database, &old);
            let status = tokio::task::block_in_place(|| database.status());
            assert_eq!(status["verdict"], "unprotected", "{status:#}");
            writer.goes_on_for(SOME).await;
            database.signal(&old, "CONT", Program::All).await;
        }
        Act::Switchover => {
            tokio::task::block_in_place(|| database.must(&["switchover"]));
            assert_ne!(tokio::task::block_in_place(|| database.status())["primary"], *old);
            writer.goes_on_for(SOME).await;
            tokio::task::block_in_place(|| database.must(&["switchover", "--to", &old]));
        }
    }
    writer.goes_on_for(SOME).await;
    database.until_healthy();
    let status =
        database.until("the old primary, streaming", |status| member_is_well(status, &old));
    assert_eq!(status["verdict"], "healthy", "{status:#}");
    writer.finish(database).await
}

/// What a status says about a member; null if it is not there.
pub fn member<'a>(status: &'a Value, name: &str) -> &'a Value {
    let members = status["members"].as_array().into_iter().flatten();
    members.into_iter().find(|member| member["name"] == name).unwrap_or(&Value::Null)
}

fn member_is_well(status: &Value, name: &str) -> bool {
    let member = member(status, name);
    member["role"] == "primary" || member["state"] == "streaming"
}

fn another_primary(database: &Database, old: &str) {
    database.until("another primary", |status| {
        status["primary"].as_str().is_some_and(|primary| primary != old)
    });
}

async fn set_finalizers(database: &Database, pod: &str, finalizers: &[&str]) {
    let patch = Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    database.api::<Pod>().patch(pod, &PatchParams::default(), &patch).await.unwrap();
}
