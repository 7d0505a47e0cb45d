//! The whole cluster as it was at a moment of its archive.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{ResourceExt, api::DeleteParams};

use super::{confirm, destroy, init, status};
use crate::{
    archive::Backup,
    cli::Global,
    cluster::Cluster,
    objects::{
        self, HomeSet,
        schedule::{self, Recovery},
    },
    patroni::OUTLIVES_A_RESTORE,
    progress::{self, until},
};

pub struct Plan {
    pub at: Moment,
    /// Don't keep what is there now.
    pub discard: bool,
    pub timeout: Duration,
}

/// Where recovery ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    Latest,
    Time(Timestamp),
    Position(String),
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = |part: &str| {
            !part.is_empty() && part.len() <= 8 && part.bytes().all(|b| b.is_ascii_hexdigit())
        };
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if text.split_once('/').is_some_and(|(high, low)| is_hex(high) && is_hex(low)) {
            return Ok(Self::Position(text.to_owned()));
        }
        text.parse().map(Self::Time).map_err(|_| {
            format!("`{text}` is no moment: write a time with its zone such as 2026-11-26T12:00:00Z, an LSN such as 0/3000060, or latest")
        })
    }
}

impl Moment {
    /// Sees that the archive reaches it, through a member that answers. What comes back is its timeline.
    pub async fn check(&self, cluster: &Cluster, asked: &str) -> Result<Option<i64>> {
        let backups = cluster.backups(asked).await?;
        let Some(base) = self.base(&backups) else {
            bail!(
                "no backup ended before {}: the oldest moment that can be reached is {}",
                self.words(),
                backups.first().map_or_else(
                    || "none, there is no backup".to_owned(),
                    |first| first.ended.to_string()
                )
            );
        };
        let timeline = match *self {
            Self::Time(time) => {
                ensure!(
                    time <= Timestamp::now(),
                    "{time} is in the future: name a moment that has been, or latest"
                );
                Some(cluster.timeline_at(asked, time).await?)
            }
            Self::Latest | Self::Position(_) => None,
        };
        let along =
            timeline.map_or_else(String::new, |number| format!(", along timeline {number}"));
        progress::done(
            "from the backup",
            &format!(
                "{} of {}, {} bytes to read{along}",
                base.name, base.ended, base.archived_bytes
            ),
        );
        Ok(timeline)
    }

    /// The newest backup that ended before it, which is where recovery begins.
    pub fn base<'a>(&self, backups: &'a [Backup]) -> Option<&'a Backup> {
        match self {
            Self::Time(time) => backups.iter().rfind(|backup| backup.ended <= *time),
            Self::Latest | Self::Position(_) => backups.last(),
        }
    }

    /// Arguments of `pgbackrest restore`, for a shell.
    pub fn arguments(&self, timeline: Option<i64>) -> String {
        let timeline =
            timeline.map_or_else(String::new, |number| format!(" --target-timeline={number}"));
        match self {
            Self::Latest => "--type=default".to_owned(),
            Self::Time(time) => format!(
                "--type=time --target='{}' --target-action=promote{timeline}",
                time.strftime("%Y-%m-%d %H:%M:%S%.6f+00")
            ),
            Self::Position(lsn) => format!("--type=lsn --target={lsn} --target-action=promote"),
        }
    }

    pub fn words(&self) -> String {
        match self {
            Self::Latest => "the end of its archive".to_owned(),
            Self::Time(time) => time.to_string(),
            Self::Position(lsn) => lsn.clone(),
        }
    }
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let env = &cluster.env;
    ensure!(env.backup.is_some(), "{} has no archive: add [backup] to postgres.toml", env.name);
    let report = status::members(cluster).await?;
    destroy::primary_is_home(cluster).await?;
    // With no member left, pgBackRest finds out when it restores.
    let timeline = if let Some(member) = report.answering() {
        plan.at.check(cluster, &member.name).await?
    } else {
        progress::warn("no member answers, so what the archive has is seen when it is read");
        None
    };
    let loss = format!(
        "what was written after {} is gone from {}{}",
        plan.at.words(),
        env.name,
        if plan.discard { "" } else { ", and kept beside the restored data until it is deleted" }
    );
    if global.dry_run {
        progress::done(&env.name, &format!("would be restored: {loss}"));
        return Ok(());
    }
    if !global.yes {
        confirm(&format!("restore {}: {loss}", env.name), &env.name)?;
    }
    // What is acknowledged and not archived yet would be lost in `latest`.
    if let (Moment::Latest, Some(primary)) = (&plan.at, &report.primary) {
        cluster.archive_now(primary, plan.timeout).await?;
    }
    destroy::stop(cluster, plan.timeout).await?;
    cluster.apply(&objects::main_volume(env)?).await?;
    let name = objects::names::task(env, "restore");
    let job = schedule::recovery(
        env,
        name,
        &plan.at.arguments(timeline),
        &Recovery::InPlace { discard: plan.discard },
    );
    let job = cluster.start(job).await?;
    let recovered = cluster.finish("the restore", &job, plan.timeout).await?;
    let word = recovered.with_context(|| {
        format!("restore {}; `pg-cluster init` starts it again as it was", env.name)
    })?;
    cluster.forget(&job).await?;
    forget_the_past(cluster).await?;
    start(cluster, plan.timeout).await?;
    let found: serde_json::Value = serde_json::from_str(&word).unwrap_or_default();
    progress::done(
        &env.name,
        &format!(
            "is as it was at {}, on timeline {}",
            found["until"].as_str().unwrap_or("that moment"),
            found["timeline"]
        ),
    );
    if let Some(kept) = found["kept"].as_str().filter(|kept| !kept.is_empty()) {
        progress::done(
            "kept",
            &format!(
                "what was there before, as {kept} in the volume of {}",
                objects::names::main(env)
            ),
        );
    }
    Ok(())
}

/// Who led and who was synchronous was true of the data that is gone.
async fn forget_the_past(cluster: &Cluster) -> Result<()> {
    for map in cluster.patroni_config_maps().await? {
        let name = map.name_any();
        if !name.ends_with(OUTLIVES_A_RESTORE) {
            let deleted = cluster.api::<ConfigMap>().delete(&name, &DeleteParams::default()).await;
            deleted.with_context(|| format!("delete the ConfigMap {name}"))?;
        }
    }
    Ok(())
}

/// Main leads before a replica, with its newer data, is there.
async fn start(cluster: &Cluster, timeout: Duration) -> Result<()> {
    cluster.apply(&objects::set(&cluster.env, HomeSet::Main)?).await?;
    until("a primary", timeout, || init::primary(cluster)).await?;
    cluster.apply(&objects::set(&cluster.env, HomeSet::Replica)?).await?;
    until("every replica streaming through its slot", timeout, || init::streaming(cluster)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(name: &str, ended: &str) -> Backup {
        let ended: Timestamp = ended.parse().unwrap();
        Backup {
            name: name.to_owned(),
            kind: "full".to_owned(),
            began: ended,
            ended,
            bytes: 0,
            archived_bytes: 0,
            wal_from: None,
            wal_to: None,
            damaged: false,
        }
    }

    #[test]
    fn a_moment_is_a_time_a_position_or_the_latest() {
        assert_eq!("latest".parse(), Ok(Moment::Latest));
        assert_eq!("0/3000060".parse(), Ok(Moment::Position("0/3000060".to_owned())));
        for time in ["2026-11-26T12:00:00Z", "2026-11-26 13:00:00+01"] {
            assert_eq!(time.parse(), Ok(Moment::Time("2026-11-26T12:00:00Z".parse().unwrap())));
        }
        for wrong in [
            "",
            "yesterday",
            "2026-11-26",
            "2026-11-26T12:00:00",
            "0/",
            "0/3'; x",
            "1/2/3",
            "latest; x",
        ] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn recovery_begins_at_the_newest_backup_before_its_target() {
        let all = [backup("one", "2026-11-26T01:00:00Z"), backup("two", "2026-11-26T02:00:00Z")];
        let base =
            |at: &str| at.parse::<Moment>().unwrap().base(&all).map(|found| found.name.clone());
        assert_eq!(base("2026-11-26T01:30:00Z").as_deref(), Some("one"));
        assert_eq!(base("2026-11-26T02:00:00Z").as_deref(), Some("two"));
        assert_eq!(base("2026-11-26T00:59:59Z"), None);
        assert_eq!(base("latest").as_deref(), Some("two"));
    }
}
