//! One verb at a time: the Lease that a verb holds while it changes a cluster. Nobody's clock is compared with
//! another's: who holds it renews it, and who stops doing so for long enough is gone.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Error, Result, anyhow, bail};
use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
    core::Status,
};

use crate::{
    cluster::{Cluster, twice},
    names,
    objects::selector,
    progress,
    why::is_forbidden,
};

const LASTS: Duration = Duration::from_secs(15);
const RENEWED: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(1);
/// The process that holds it: a machine since its start, the process's number, and when it began.
const PROCESS: &str = "todoozle.dev/process";

/// A verb that changes a cluster.
pub struct Holder {
    api: Api<Lease>,
    /// As it is to be.
    wanted: Lease,
    cluster: String,
    /// As it is, unless there is no namespace for it yet.
    held: Option<Lease>,
}

impl Holder {
    pub fn new(cluster: &Cluster, verb: &str) -> Self {
        let env = &cluster.env;
        let now = || MicroTime(Timestamp::now());
        let process = own_process().unwrap_or_default();
        let wanted = Lease {
            metadata: ObjectMeta {
                name: Some(names::lease(env)),
                namespace: Some(env.namespace().to_owned()),
                labels: Some(selector(env)),
                annotations: Some([(PROCESS.to_owned(), process)].into()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(format!(
                    "{verb} on {}, process {}",
                    host(),
                    std::process::id()
                )),
                acquire_time: Some(now()),
                renew_time: Some(now()),
                lease_duration_seconds: i32::try_from(LASTS.as_secs()).ok(),
                ..LeaseSpec::default()
            }),
        };
        Self { api: cluster.api(), wanted, cluster: env.name.to_string(), held: None }
    }

    /// Does what changes the cluster, and nobody else does meanwhile.
    pub async fn alone<T>(mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.take().await {
            Err(error) if is_forbidden(&error) => {
                progress::warn(
                    "you may not write Leases, so nothing keeps another verb from changing the cluster at the same time",
                );
                return work.await;
            }
            taken => taken?,
        }
        let done = tokio::select! {
            done = work => done,
            lost = self.keep() => Err(lost),
        };
        self.release().await;
        done
    }

    fn name(&self) -> String {
        self.wanted.name_any()
    }

    /// Takes it, or says who holds it. Without a namespace there is nothing to hold yet.
    async fn take(&mut self) -> Result<()> {
        let mut seen: Option<(Instant, Lease)> = None;
        loop {
            let name = self.name();
            let live = twice(|| self.api.get_opt(&name)).await;
            let live = live.with_context(|| format!("look at the Lease {name}"))?;
            let may_take = match (&live, &seen) {
                (None, _) => true,
                (Some(live), _) if has_ended(live) => true,
                (Some(live), Some((since, before))) => {
                    if live.resource_version() != before.resource_version() {
                        bail!(self.works(live));
                    }
                    since.elapsed() > LASTS
                }
                (Some(live), None) => {
                    progress::warn(&format!(
                        "{}; whether it still does is known in {} s at most",
                        self.works(live),
                        LASTS.as_secs()
                    ));
                    false
                }
            };
            if may_take && self.write(live.as_ref()).await? {
                return Ok(());
            }
            if seen.is_none()
                && let Some(live) = live
            {
                seen = Some((Instant::now(), live));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Writes it in the place of what was seen there. False if somebody else was quicker.
    async fn write(&mut self, before: Option<&Lease>) -> Result<bool> {
        let params = PostParams::default();
        let written = match before {
            None => self.api.create(&params, &self.wanted).await,
            Some(before) => {
                let mut wanted = self.wanted.clone();
                wanted.meta_mut().resource_version = before.resource_version();
                self.api.replace(&self.name(), &params, &wanted).await
            }
        };
        match written {
            Ok(lease) => self.held = Some(lease),
            Err(kube::Error::Api(status)) if status.code == 409 => return Ok(false),
            // init makes the namespace.
            Err(kube::Error::Api(status)) if status.code == 404 && before.is_none() => {}
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
            Err(kube::Error::Api(status)) if is_ending(&status) => {
                let space = self.wanted.namespace().unwrap_or_default();
                bail!(
                    "the namespace {space} is being deleted, and nothing more is made in it: when it is gone (`kubectl get namespace {space}`), run this again"
                );
            }
            Err(error) => {
                return Err(error).with_context(|| format!("write the Lease {}", self.name()));
            }
        }
        Ok(true)
    }

    /// Renews it again and again. What comes back is that it is somebody else's.
    async fn keep(&mut self) -> Error {
        loop {
            tokio::time::sleep(if self.held.is_some() { RENEWED } else { LOOK }).await;
            if let Some(spec) = &mut self.wanted.spec {
                spec.renew_time = Some(MicroTime(Timestamp::now()));
            }
            let before = self.held.clone();
            if !matches!(self.write(before.as_ref()).await, Ok(false)) {
                continue;
            }
            let Ok(live) = self.api.get_opt(&self.name()).await else { continue };
            match live {
                Some(live) if holder(&live) != holder(&self.wanted) => {
                    return anyhow!(
                        "{}, and this verb has ended before it was done, for it had not renewed its Lease in time",
                        self.works(&live)
                    );
                }
                // An answer that never arrived, or somebody who has deleted it.
                live => self.held = live,
            }
        }
    }

    /// Whoever wants it next need not wait. That it could not be deleted harms nobody.
    async fn release(&self) {
        let Some(held) = &self.held else { return };
        let only = Preconditions { uid: held.uid(), ..Preconditions::default() };
        let params = DeleteParams { preconditions: Some(only), ..DeleteParams::default() };
        let _ = self.api.delete(&self.name(), &params).await;
    }

    fn works(&self, live: &Lease) -> String {
        let since = live.spec.as_ref().and_then(|spec| spec.acquire_time.as_ref());
        let since = since.map(|time| format!(" since {:.0}", time.0)).unwrap_or_default();
        let who = holder(live).unwrap_or("somebody");
        format!(
            "another verb changes {}{since}: {who}; wait for its end, or end it, since two would be in each other's way",
            self.cluster
        )
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}

/// Whether its holder was a process of this machine that is no more.
fn has_ended(lease: &Lease) -> bool {
    let process = lease.annotations().get(PROCESS);
    process.zip(machine()).is_some_and(|(process, machine)| is_over(process, &machine, began))
}

fn is_over(process: &str, machine: &str, began: impl Fn(&str) -> Option<String>) -> bool {
    let Some((place, rest)) = process.split_once(' ') else { return false };
    let Some((number, beginning)) = rest.split_once(' ') else { return false };
    place == machine && began(number).as_deref() != Some(beginning)
}

fn own_process() -> Option<String> {
    let number = std::process::id().to_string();
    let beginning = began(&number)?;
    Some(format!("{} {number} {beginning}", machine()?))
}

/// This machine since its start, and which processes are seen from here; nothing where the system doesn't say.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), processes.display()))
}

/// When a process began, in the kernel's count.
fn began(number: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name before it may have any character.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // One that has ended, and whose parent has not looked yet, works no more.
    let state = fields.next()?;
    (state != "Z").then(|| fields.nth(18).map(str::to_owned))?
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    name.map_or_else(|| "a machine without a name".to_owned(), |name| name.trim().to_owned())
}

/// Whether a namespace that is being deleted is why something could not be made.
fn is_ending(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_namespace_that_is_being_deleted_is_told_from_want_of_rights() {
        let refused = |causes: Value| -> Status {
            serde_json::from_value(json!({ "code": 403, "details": { "causes": causes } })).unwrap()
        };
        assert!(is_ending(&refused(json!([{ "reason": "NamespaceTerminating" }]))));
        assert!(!is_ending(&refused(json!([{ "reason": "FieldValueInvalid" }]))));
        assert!(!is_ending(&refused(json!([]))));
    }

    #[test]
    fn who_has_ended_on_this_machine_holds_nothing() {
        let lives = |number: &str| (number == "7").then(|| "100".to_owned());
        let over = |process: &str| is_over(process, "boot/pid:[1]", lives);
        assert!(!over("boot/pid:[1] 7 100"));
        assert!(over("boot/pid:[1] 8 100"), "it is gone");
        assert!(over("boot/pid:[1] 7 99"), "another has its number");
        for elsewhere in ["other/pid:[1] 8 100", "boot/pid:[2] 8 100", "", "boot/pid:[1]"] {
            assert!(!over(elsewhere), "{elsewhere}: nobody here can know");
        }
    }

    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "only Linux says when a process began")]
    fn a_process_that_runs_is_known_as_such() {
        let own = own_process().unwrap();
        assert!(!is_over(&own, &machine().unwrap(), began), "{own}");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let number = child.id().to_string();
        child.wait().unwrap();
        assert_eq!(began(&number), None);
    }
}
