//! Patroni's own state (annotations of its `ConfigMap`s) and what it is asked to do.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{ResourceExt, api::ListParams};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, twice},
    objects::{self, FOR_MEMBERS, FOR_OLD_MEMBERS, PATRONI_ANNOTATION},
    progress,
    rest::ANSWER_LIMIT,
    upgrade::{SYSTEM_ANNOTATION, UPGRADE_ANNOTATION, Upgrade},
};

/// What Patroni agreed on, as far as it is there yet.
#[derive(Debug, Default)]
pub struct Agreed {
    /// Who holds the leader's lock, and since when.
    pub leader: Option<String>,
    /// Who led last, as the key of synchronous standbys has it.
    pub last_leader: Option<String>,
    pub since: Option<Timestamp>,
    /// When he last said that he holds it.
    pub renewed: Option<Timestamp>,
    /// Standbys that hold every acknowledged write.
    pub synchronous: Vec<String>,
    /// The configuration for all members.
    pub dynamic: Option<Value>,
    /// The database's system identifier, once a member has made it.
    pub system: Option<String>,
    /// An upgrade that is not over.
    pub upgrade: Option<Upgrade>,
}

impl Agreed {
    pub fn is_initialized(&self) -> bool {
        self.system.is_some()
    }

    pub fn is_paused(&self) -> bool {
        self.dynamic.as_ref().is_some_and(|dynamic| dynamic["pause"] == true)
    }

    /// Whether members were told to archive.
    pub fn archives(&self) -> bool {
        let mode = |dynamic: &Value| dynamic["postgresql"]["parameters"]["archive_mode"] == "on";
        self.dynamic.as_ref().is_some_and(mode)
    }
}

/// What the configuration should be, beside what it is: a pause that somebody asked for stays, and so
/// does the way in of members that show no certificate.
pub fn wanted_beside(live: &Value, mut wanted: Value) -> Value {
    if let Some(pause) = live.get("pause") {
        wanted["pause"] = pause.clone();
    }
    if !lines(live).contains(&json!(FOR_MEMBERS)) {
        let mut open = lines(&wanted);
        for line in open.iter_mut().filter(|line| *line == FOR_MEMBERS) {
            *line = json!(FOR_OLD_MEMBERS);
        }
        wanted["postgresql"]["pg_hba"] = json!(open);
    }
    wanted
}

fn lines(config: &Value) -> Vec<Value> {
    config["postgresql"]["pg_hba"].as_array().cloned().unwrap_or_default()
}

/// The lines with members alone let in as such, unless they say so already.
fn for_members(mut lines: Vec<Value>) -> Option<Vec<Value>> {
    if lines.contains(&json!(FOR_MEMBERS)) {
        return None;
    }
    // One before it is somebody's own, for a replica elsewhere.
    let ours = lines.iter().rposition(|line| *line == FOR_OLD_MEMBERS)?;
    lines[ours] = json!(FOR_MEMBERS);
    Some(lines)
}

impl Cluster {
    pub async fn agreed(&self) -> Result<Agreed> {
        let maps = self.patroni_config_maps().await?;
        let annotations = |suffix: &str| {
            let name = format!("{}-{suffix}", self.env.name);
            maps.iter()
                .find(|map| map.name_any() == name)
                .map(|map| map.annotations().clone())
                .unwrap_or_default()
        };
        let [leader, config, sync] = ["leader", "config", "sync"].map(annotations);
        let text = |map: &BTreeMap<String, String>, key: &str| {
            map.get(key).filter(|value| !value.is_empty()).cloned()
        };
        Ok(Agreed {
            leader: text(&leader, "leader"),
            since: text(&leader, "acquireTime").and_then(|time| time.parse().ok()),
            renewed: text(&leader, "renewTime").and_then(|time| time.parse().ok()),
            last_leader: text(&sync, "leader"),
            synchronous: text(&sync, "sync_standby")
                .map(|all| all.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            dynamic: text(&config, "config").and_then(|value| serde_json::from_str(&value).ok()),
            system: text(&config, SYSTEM_ANNOTATION),
            upgrade: text(&config, UPGRADE_ANNOTATION)
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .with_context(|| format!("read the annotation {UPGRADE_ANNOTATION}"))?,
        })
    }

    /// The lines of `pg_hba.conf` that let members alone log in as such, if they are not there yet
    /// and lock none out.
    pub async fn lines_for_members(&self, dynamic: &Value) -> Result<Option<Vec<Value>>> {
        let Some(lines) = for_members(lines(dynamic)) else { return Ok(None) };
        let digest = objects::fixed_digest(&self.env);
        let shows = |pod: &Pod| pod.annotations().get(PATRONI_ANNOTATION) == Some(&digest);
        let all = self.pods().await?.iter().all(shows);
        Ok(all.then_some(lines))
    }

    /// Lets members alone log in as such, as soon as each of them can show that it is one.
    pub async fn close_to_clients(&self, leader: &str) -> Result<()> {
        let dynamic = self.agreed().await?.dynamic.unwrap_or_default();
        if let Some(lines) = self.lines_for_members(&dynamic).await? {
            self.patch_dynamic(leader, &json!({ "postgresql": { "pg_hba": lines } })).await?;
            progress::done("replication", "is for those that show the members' certificate");
        }
        Ok(())
    }

    /// The `ConfigMap`s that Patroni made for itself.
    pub async fn patroni_config_maps(&self) -> Result<Vec<ConfigMap>> {
        let selector = format!("{}={}", objects::SCOPE_LABEL, self.env.name);
        let (api, params) = (self.api::<ConfigMap>(), ListParams::default().labels(&selector));
        Ok(twice(|| api.list(&params)).await.context("list Patroni's ConfigMaps")?.items)
    }

    /// Whether Patroni in a member takes requests.
    pub async fn answers(&self, pod: &str) -> bool {
        let nothing = json!({});
        let asked = self.rest(pod, Method::GET, "/liveness", &nothing);
        tokio::time::timeout(ANSWER_LIMIT, asked).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Replaces the configuration for all members.
    pub async fn put_dynamic(&self, pod: &str, config: &Value) -> Result<()> {
        let (status, answer) = self.rest(pod, Method::PUT, "/config", config).await?;
        ensure!(status == StatusCode::OK, "give Patroni its configuration: {status} {answer}");
        Ok(())
    }

    /// Changes some of it.
    pub async fn patch_dynamic(&self, pod: &str, change: &Value) -> Result<()> {
        let (status, answer) = self.rest(pod, Method::PATCH, "/config", change).await?;
        ensure!(status == StatusCode::OK, "change Patroni's configuration: {status} {answer}");
        Ok(())
    }

    /// Asks for a switchover; Patroni answers when it is over, or why it is not possible. Where the
    /// primary takes long to stop it answers before that, so the end is for the caller to see.
    pub async fn post_switchover(&self, leader: &str, candidate: &str) -> Result<()> {
        let body = json!({ "leader": leader, "candidate": candidate });
        let (status, answer) = self.rest(leader, Method::POST, "/switchover", &body).await?;
        ensure!(is_under_way(status, &answer), "switch over to {candidate}: {answer}");
        Ok(())
    }

    /// Has a replica copied anew from the primary; Patroni answers when it begins.
    pub async fn post_reinitialize(&self, pod: &str) -> Result<()> {
        // Whoever asks for it has a copy of the primary in mind, and not of a backup.
        let body = json!({ "force": true, "from_leader": true });
        let (status, answer) = self.rest(pod, Method::POST, "/reinitialize", &body).await?;
        ensure!(status.is_success(), "copy the primary to {pod}: {answer}");
        Ok(())
    }

    /// Promotes a member while nobody leads; the end is for the caller to see.
    pub async fn post_failover(&self, candidate: &str) -> Result<()> {
        let body = json!({ "candidate": candidate });
        let (status, answer) = self.rest(candidate, Method::POST, "/failover", &body).await?;
        ensure!(is_under_way(status, &answer), "promote {candidate}: {answer}");
        Ok(())
    }

    /// Restarts PostgreSQL in place; Patroni answers when it is over.
    pub async fn post_restart(&self, pod: &str) -> Result<()> {
        let (status, answer) = self.rest(pod, Method::POST, "/restart", &json!({})).await?;
        ensure!(status.is_success(), "restart PostgreSQL in {pod}: {answer}");
        Ok(())
    }
}

/// Whether what was asked for is done, or still going on after Patroni's 20 seconds of patience.
fn is_under_way(status: StatusCode, answer: &str) -> bool {
    status.is_success()
        || status == StatusCode::SERVICE_UNAVAILABLE && answer.contains("status unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_show_no_certificate_are_let_in_until_somebody_knows_better() {
        let config =
            |line: &str| json!({ "postgresql": { "pg_hba": ["local all all peer", line] } });
        let wanted = |live: &str| wanted_beside(&config(live), config(FOR_MEMBERS));
        assert_eq!(wanted(FOR_OLD_MEMBERS), config(FOR_OLD_MEMBERS));
        assert_eq!(wanted(FOR_MEMBERS), config(FOR_MEMBERS));
        // The same line of somebody's own stays, and is no reason to begin again.
        let own = vec![json!(FOR_OLD_MEMBERS), json!(FOR_OLD_MEMBERS)];
        let closed = for_members(own).unwrap();
        assert_eq!(closed, [FOR_OLD_MEMBERS, FOR_MEMBERS]);
        assert_eq!(for_members(closed), None);
    }

    #[test]
    fn members_archive_when_their_configuration_says_so() {
        let told = |mode: &str| Agreed {
            dynamic: Some(json!({ "postgresql": { "parameters": { "archive_mode": mode } } })),
            ..Agreed::default()
        };
        assert!(told("on").archives() && !told("off").archives());
        assert!(!Agreed::default().archives());
    }

    #[test]
    fn a_switchover_that_takes_long_is_no_failure_and_a_refused_one_is() {
        let unknown = "Switchover status unknown";
        assert!(is_under_way(StatusCode::OK, "Successfully switched over"));
        assert!(is_under_way(StatusCode::SERVICE_UNAVAILABLE, unknown));
        assert!(!is_under_way(StatusCode::PRECONDITION_FAILED, unknown));
        assert!(!is_under_way(StatusCode::SERVICE_UNAVAILABLE, "Switchover failed"));
    }
}
