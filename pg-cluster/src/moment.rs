//! A moment of the archive, to which a cluster is brought back.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;

use crate::{
    archive::{Backup, position},
    cluster::Cluster,
    progress,
};

const LIMIT: Duration = Duration::from_secs(10);
const WRITTEN: &str = "select case when pg_is_in_recovery()
    then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_lsn() end;";

/// Where recovery ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    Latest,
    Time(Timestamp),
    Position(String),
}

/// Where recovery begins.
#[derive(Debug)]
pub struct Base {
    backup: String,
    timeline: Option<i64>,
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if position(text).is_some() {
            return Ok(Self::Position(text.to_owned()));
        }
        text.parse().map(Self::Time).map_err(|_| {
            format!("`{text}` is no moment: write a time with its zone such as 2026-11-26T12:00:00Z, an LSN such as 0/3000060, or latest")
        })
    }
}

impl Moment {
    /// Sees that the archive reaches it in a database of this major version, through a member that answers.
    pub async fn check(&self, cluster: &Cluster, asked: &str, major: i32) -> Result<Base> {
        let (backups, others): (Vec<_>, Vec<_>) =
            cluster.backups(asked).await?.into_iter().partition(|backup| backup.major == major);
        let Some(base) = self.base(&backups) else {
            let other = self.base(&others).map_or_else(String::new, |other| {
                format!(
                    "; then it was PostgreSQL {0}: write major = {0} in postgres.toml",
                    other.major
                )
            });
            bail!(
                "no backup of PostgreSQL {major} ended before {}: the oldest moment that can be reached is {}{other}",
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
                Some(cluster.timeline_at(asked, &base.folder(), time).await?)
            }
            Self::Position(ref lsn) => {
                let has = cluster.sql(asked, "postgres", WRITTEN, LIMIT).await?;
                ensure!(
                    position(lsn) <= position(has.trim()),
                    "{lsn} is after all that was written, which is up to {}: name a position that has been, or latest",
                    has.trim()
                );
                None
            }
            Self::Latest => None,
        };
        let along = match (self, timeline) {
            (_, Some(number)) => format!(", along timeline {number}"),
            (Self::Position(_), None) => ", along the newest timeline".to_owned(),
            _ => String::new(),
        };
        progress::done(
            "from the backup",
            &format!(
                "{} of {}, {} bytes to read{along}",
                base.name, base.ended, base.archived_bytes
            ),
        );
        Ok(Base { backup: base.name.clone(), timeline })
    }

    /// The newest backup that ended before it, which is where recovery begins.
    pub fn base<'a>(&self, backups: &'a [Backup]) -> Option<&'a Backup> {
        match self {
            Self::Time(time) => backups.iter().rfind(|backup| backup.ended <= *time),
            Self::Position(lsn) => backups.iter().rfind(|backup| backup.position <= position(lsn)),
            Self::Latest => backups.last(),
        }
    }

    /// Arguments of `pgbackrest restore`, for a shell.
    pub fn arguments(&self, base: Option<&Base>) -> String {
        let set = base.map_or_else(String::new, |base| format!("--set={} ", base.backup));
        let timeline = base
            .and_then(|base| base.timeline)
            .map_or_else(String::new, |number| format!(" --target-timeline={number}"));
        let target = match self {
            Self::Latest => "--type=default".to_owned(),
            Self::Time(time) => format!(
                "--type=time --target='{}' --target-action=promote{timeline}",
                time.strftime("%Y-%m-%d %H:%M:%S%.6f+00")
            ),
            Self::Position(lsn) => format!("--type=lsn --target={lsn} --target-action=promote"),
        };
        set + &target
    }

    pub fn words(&self) -> String {
        match self {
            Self::Latest => "the end of its archive".to_owned(),
            Self::Time(time) => time.to_string(),
            Self::Position(lsn) => lsn.clone(),
        }
    }
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
            position: position(if name == "one" { "0/3000000" } else { "1/0" }),
            damaged: false,
            major: 17,
            database: 1,
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
            "+1/0",
            "0/123456789",
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
        assert_eq!(base("0/3000000").as_deref(), Some("one"));
        assert_eq!(base("0/FFFFFFFF").as_deref(), Some("one"));
        assert_eq!(base("1/1").as_deref(), Some("two"));
        for before in ["0/0", "0/1", "0/2FFFFFF"] {
            assert_eq!(base(before), None, "{before}");
        }
    }
}
