//! Which member's volume holds the newest data, where Patroni's own memory is gone: that member leads.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde::Deserialize;

use crate::{
    cluster::Cluster,
    names,
    objects::survey,
    progress::{self, Wait, until},
};

/// The last word of the job.
#[derive(Debug, Default, Deserialize)]
struct Word {
    system: Option<String>,
    #[serde(default)]
    timeline: u32,
    #[serde(default)]
    reach: u64,
    failed: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Copy {
    member: String,
    /// The system identifier of the database.
    system: String,
    timeline: u32,
    /// Where its WAL ends.
    reach: u64,
}

impl Cluster {
    /// Tells Patroni whose data is the newest, where its own memory is gone and more than one volume is
    /// there: left to themselves, main would lead with whatever it has, or with an empty database. What
    /// comes back is that member.
    pub async fn remember(&self, timeout: Duration) -> Result<Option<String>> {
        let kept = self.kept_volumes().await?;
        // Members that run have their volumes in use, and each other to ask.
        let alone =
            kept.len() < 2 && kept.iter().all(|name| name.contains(&names::main(&self.env)));
        if alone {
            return Ok(None);
        }
        // What those that stop still write is the newest.
        let have_stopped = async || {
            let pods = self.pods().await?;
            let stops = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
            let left: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
            let wait = !pods.is_empty() && pods.iter().all(stops);
            Ok(if wait { Wait::For(left.join(", ")) } else { Wait::Over(pods.is_empty()) })
        };
        let have_stopped = match have_stopped().await? {
            Wait::Over(all) => all,
            Wait::For(_) => until("the end of members that stop", timeout, have_stopped).await?,
        };
        if !have_stopped {
            return Ok(None);
        }
        let mut jobs = Vec::new();
        for volume in kept {
            let member = volume.strip_prefix("data-").unwrap_or(&volume).to_owned();
            let short = member.strip_prefix(&format!("{}-", &*self.env.name)).unwrap_or(&member);
            let name = names::task(&self.env, &format!("survey-{short}"));
            let job = survey::job(&self.env, name, volume.clone());
            jobs.push((member, self.start(job).await?));
        }
        let mut copies = Vec::new();
        for (member, job) in jobs {
            let word =
                self.finish(&format!("what the volume of {member} holds"), &job, timeout).await??;
            self.forget(&job).await?;
            let word: Word = serde_json::from_str(&word)
                .with_context(|| format!("read what the volume of {member} holds"))?;
            if let Some(why) = word.failed {
                bail!(
                    "what data-{member} holds is not known, and it may be the newest: {why}; put that right, or delete the volume if its data may go"
                );
            }
            let Word { timeline, reach, .. } = word;
            copies.extend(word.system.map(|system| Copy { member, system, timeline, reach }));
        }
        let Some(newest) = newest(&names::pods(&self.env), copies)? else { return Ok(None) };
        for object in survey::memory(&self.env, &newest.system, &newest.member)? {
            self.apply(&object).await?;
        }
        let Copy { member, timeline, .. } = newest;
        progress::done(&member, &format!("has the newest data, of timeline {timeline}, and leads"));
        Ok(Some(member))
    }
}

/// The newest copy, main's if others are as new. Of a database with no member that is configured, or of
/// more than one database, nobody can say what is wanted.
fn newest(configured: &[String], copies: Vec<Copy>) -> Result<Option<Copy>> {
    let rank = |copy: &&Copy| (copy.timeline, copy.reach);
    let (ours, others): (Vec<_>, Vec<_>) =
        copies.into_iter().partition(|copy| configured.contains(&copy.member));
    // Main's is the first, and of several that are equal the last would be taken.
    let newest = ours.iter().rev().max_by_key(rank);
    let system = newest.map(|newest| &newest.system);
    if let Some((newest, other)) = newest
        .and_then(|newest| Some((newest, ours.iter().find(|copy| Some(&copy.system) != system)?)))
    {
        bail!(
            "data-{} and data-{} hold different databases (system identifiers {} and {}): delete the one that may go",
            newest.member,
            other.member,
            newest.system,
            other.system
        );
    }
    let beyond = others.iter().filter(|copy| system.is_none_or(|system| copy.system == *system));
    let newer = beyond
        .max_by_key(rank)
        .filter(|other| newest.is_none_or(|newest| rank(&newest) < rank(other)));
    if let Some(Copy { member, .. }) = newer {
        bail!(
            "data-{member} has the newest data, and postgres.toml has no such member: write a larger count under [replica], or delete that volume \
             if what it holds may go"
        );
    }
    Ok(newest.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(member: &str, system: &str, timeline: u32, reach: u64) -> Copy {
        let (member, system) = (format!("a-{member}"), system.to_owned());
        Copy { member, system, timeline, reach }
    }

    fn leads(copies: &[Copy]) -> Result<Option<String>, String> {
        let configured = ["a-main-0", "a-replica-0"].map(str::to_owned);
        let newest = newest(&configured, copies.to_vec());
        newest.map(|copy| copy.map(|copy| copy.member)).map_err(|error| error.to_string())
    }

    #[test]
    fn whoever_has_the_newest_data_leads() {
        let main = copy("main-0", "7", 1, 900);
        let is = |other: Copy| leads(&[main.clone(), other]).unwrap().unwrap();
        assert_eq!(is(copy("replica-0", "7", 1, 899)), "a-main-0");
        assert_eq!(is(copy("replica-0", "7", 1, 900)), "a-main-0");
        assert_eq!(is(copy("replica-0", "7", 1, 901)), "a-replica-0");
        // Promoted later, however far the other wrote on.
        assert_eq!(is(copy("replica-0", "7", 2, 100)), "a-replica-0");
        assert_eq!(leads(&[copy("replica-0", "7", 1, 1)]).unwrap().unwrap(), "a-replica-0");
        assert_eq!(leads(&[]).unwrap(), None);
    }

    #[test]
    fn where_nobody_can_say_what_is_wanted_nobody_leads() {
        let main = copy("main-0", "7", 1, 900);
        let refused = |other: Copy| leads(&[main.clone(), other]).unwrap_err();
        let said = refused(copy("replica-0", "8", 1, 1));
        assert!(said.contains("different databases") && said.contains("data-a-main-0"), "{said}");
        let said = refused(copy("replica-1", "7", 1, 901));
        assert!(said.contains("data-a-replica-1") && said.contains("larger count"), "{said}");
        let alone = leads(&[copy("replica-1", "8", 1, 1)]).unwrap_err();
        assert!(alone.contains("data-a-replica-1"), "{alone}");
        // What is left of another time is no reason.
        for old in [copy("replica-1", "7", 1, 900), copy("replica-1", "8", 9, 901)] {
            assert_eq!(leads(&[main.clone(), old]).unwrap().unwrap(), "a-main-0");
        }
    }
}
