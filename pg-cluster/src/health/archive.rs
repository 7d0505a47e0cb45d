//! The verdict on the backups: the archive, the last backup, and the last restore drill.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Report, Verdict};
use crate::env::{Backup, Env, Schedule};

/// A job may begin late, and takes its time.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// What the primary says of its archiver.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Archiver {
    pub archived_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    /// Segments of WAL that wait.
    pub waiting: u64,
    /// When it said so, by its own clock.
    pub at: Timestamp,
}

impl Archiver {
    /// A server that is away may hold up the archiver for minutes before that counts as a failure.
    fn is_behind(&self, backup: &Backup) -> bool {
        let patience = 2 * SignedDuration::from_secs(backup.archive_timeout.get().into());
        let failed = self
            .failed_at
            .is_some_and(|failed| self.archived_at.is_none_or(|archived| archived < failed));
        let late =
            self.archived_at.is_some_and(|archived| self.at.duration_since(archived) > patience);
        failed || (late && self.waiting > 0)
    }
}

/// What is known of the archive.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Archive {
    pub archiver: Option<Archiver>,
    /// When the newest whole backup ended; None if there is none.
    pub last_backup: Option<Timestamp>,
    pub backups: usize,
    /// The first segment of WAL that the newest full backup needs.
    pub full_from: Option<String>,
    /// The one that no full backup has made up for.
    pub gap: Option<Gap>,
    /// Why no WAL gets there, where that is known.
    pub fault: Option<&'static str>,
    /// Why the archive could not be asked.
    pub unasked: Option<String>,
    pub drill: Option<Drill>,
    pub failed_job: Option<FailedJob>,
}

/// WAL that waited for the archive and was given up.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    pub at: Timestamp,
    pub segment: String,
}

impl Gap {
    /// Reads a second of the epoch and the name of a segment.
    pub fn parse(text: &str) -> Option<Self> {
        let (second, segment) = text.split_once(' ')?;
        let at = Timestamp::from_second(second.parse().ok()?).ok()?;
        Some(Self { at, segment: segment.to_owned() })
    }

    /// A full backup needs nothing that came before it. Times would not do: WAL may be given up while
    /// the backup runs, and be older than it. The names follow the timeline and the place in it.
    fn is_open(&self, full_from: Option<&str>) -> bool {
        full_from.is_none_or(|from| from <= self.segment.as_str())
    }
}

/// A restore that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Drill {
    pub ended: Timestamp,
    pub passed: bool,
    /// The moment that it reached, or what was wrong.
    pub word: String,
}

/// The newest run of a schedule, if it failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedJob {
    pub name: String,
    pub word: String,
}

impl Report {
    /// A cluster whose archive is amiss is not healthy.
    pub fn judge_archive(&mut self, env: &Env) {
        let primary =
            self.members.iter().find(|member| Some(&member.name) == self.primary.as_ref());
        let (Some(backup), Some(archive), Some(primary)) =
            (&env.backup, &mut self.archive, primary)
        else {
            return;
        };
        let gaps = self.members.iter().filter_map(|member| member.archive_gap.as_ref());
        let last = gaps.max_by_key(|gap| &gap.segment);
        archive.gap = last.filter(|gap| gap.is_open(archive.full_from.as_deref())).cloned();
        archive.archiver = primary.answer.as_ref().and_then(|answer| answer.archiver.clone());
        archive.fault = primary.archive_fault;
        let amiss = judge(backup, archive, &primary.name, self.at);
        if !amiss.is_empty() && self.verdict == Verdict::Healthy {
            self.verdict = Verdict::Degraded;
        }
        self.advice.extend(amiss);
    }
}

/// What is amiss, and what to do.
fn judge(backup: &Backup, seen: &Archive, primary: &str, now: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(archiver) = seen.archiver.as_ref().filter(|archiver| archiver.is_behind(backup)) {
        let since =
            archiver.archived_at.map_or_else(|| "ever".to_owned(), |at| format!("since {at:.0}"));
        let log = || format!("see `kubectl logs {primary} -c postgres`");
        reasons.push(format!(
            "no WAL has reached the archive {since}, and {} segments wait: {}",
            archiver.waiting,
            seen.fault.map_or_else(log, str::to_owned)
        ));
    }
    if let Some(gap) = &seen.gap {
        reasons.push(format!(
            "the archive has a gap, because WAL waited for it until there was no more room, at {:.0}: what was written after cannot be \
             restored from it before the next full backup; run `pg-cluster backup now`",
            gap.at
        ));
    }
    if let Some(why) = &seen.unasked {
        reasons.push(format!("what the archive has is not known: {why}"));
    } else if let Some(last) = seen.last_backup {
        let limit = 2 * backup.often() + GRACE;
        if now.duration_since(last) > limit {
            reasons.push(format!(
                "the newest backup is of {last:.0}, more than two schedules ago: run `pg-cluster backup now`"
            ));
        }
    } else {
        reasons.push("there is no backup yet: run `pg-cluster backup now`".to_owned());
    }
    if let Some(job) = &seen.failed_job {
        reasons.push(format!("{} failed: {}", job.name, job.word));
    }
    match &seen.drill {
        Some(drill) if !drill.passed => reasons.push(format!(
            "the restore drill of {:.0} failed: {}; see `pg-cluster backup verify`",
            drill.ended, drill.word
        )),
        Some(drill)
            if now.duration_since(drill.ended) > 2 * Schedule::period(&[&backup.drill]) + GRACE =>
        {
            reasons.push(format!(
                "the last restore drill is of {:.0}, more than two schedules ago: run `pg-cluster backup drill`",
                drill.ended
            ));
        }
        Some(_) | None => {}
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn backup() -> Backup {
        toml::from_str("own = { image = \"s3:1\", storage = \"1Gi\" }").unwrap()
    }

    fn good(now: Timestamp) -> Archive {
        Archive {
            archiver: Some(Archiver {
                archived_at: Some(now),
                failed_at: Some(now - DAY),
                waiting: 0,
                at: now,
            }),
            last_backup: Some(now - DAY),
            backups: 1,
            drill: Some(Drill { ended: now - 7 * DAY, passed: true, word: String::new() }),
            ..Archive::default()
        }
    }

    fn said(change: impl FnOnce(&mut Archive, Timestamp)) -> String {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let mut seen = good(now);
        change(&mut seen, now);
        judge(&backup(), &seen, "a-main-0", now).join("; ")
    }

    #[test]
    fn a_good_archive_gives_no_advice() {
        assert_eq!(said(|_, _| {}), "");
        assert_eq!(said(|seen, _| seen.drill = None), "", "the first drill is yet to come");
    }

    #[test]
    fn a_gap_is_open_until_a_full_backup_begins_after_it() {
        let gap = Gap::parse("1795654800 000000020000000000000007").unwrap();
        for (full_from, open) in [
            (None, true),
            (Some("000000010000000000000009"), true),
            (Some("000000020000000000000007"), true),
            (Some("000000020000000000000008"), false),
            (Some("000000030000000000000007"), false),
        ] {
            assert_eq!(gap.is_open(full_from), open, "{full_from:?}");
        }
        let history = Gap::parse("1795654800 00000002.history").unwrap();
        assert!(!history.is_open(Some("000000020000000000000007")));
        assert!(Gap::parse("").is_none());
    }

    #[test]
    fn what_is_amiss_is_named() {
        type Change = fn(&mut Archive, Timestamp);
        let cases: [(Change, &str); 10] = [
            (
                |seen, now| seen.gap = Some(Gap { at: now, segment: String::new() }),
                "the archive has a gap",
            ),
            (
                |seen, now| {
                    let archiver = seen.archiver.as_mut().unwrap();
                    (archiver.archived_at, archiver.waiting) =
                        (Some(now - SignedDuration::from_mins(5)), 2);
                },
                "and 2 segments wait",
            ),
            (
                |seen, now| seen.archiver.as_mut().unwrap().archived_at = Some(now - 8 * DAY),
                "no WAL has reached the archive since 2026-11-18",
            ),
            (
                |seen, _| {
                    seen.archiver.as_mut().unwrap().archived_at = None;
                    seen.fault = Some("the bucket has no room");
                },
                "segments wait: the bucket has no room",
            ),
            (
                |seen, _| seen.archiver.as_mut().unwrap().archived_at = None,
                "reached the archive ever",
            ),
            (|seen, _| seen.last_backup = None, "there is no backup yet"),
            (
                |seen, now| seen.last_backup = Some(now - 5 * DAY),
                "more than two schedules ago: run `pg-cluster backup now`",
            ),
            (|seen, _| seen.unasked = Some("no answer".into()), "not known: no answer"),
            (
                |seen, now| {
                    seen.drill =
                        Some(Drill { ended: now - 15 * DAY, passed: true, word: String::new() });
                },
                "run `pg-cluster backup drill`",
            ),
            (
                |seen, now| {
                    seen.drill =
                        Some(Drill { ended: now, passed: false, word: "wrong key".into() });
                },
                "failed: wrong key",
            ),
        ];
        for (change, advice) in cases {
            let text = said(change);
            assert!(text.contains(advice), "{advice}: {text}");
        }
    }
}
