//! The writing end of the ConfigMaps: parts first, then migrations, then the
//! pointer, and at last what nobody needs any more goes. Interrupted anywhere,
//! it can be run again.

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;

use crate::deploy::release::migrations::{self, Files};
use crate::deploy::release::{self, Pointer, Release, part_names, parts};
use crate::digest::Digest;
use crate::terminal::progress;
use bundle::{Bundle, Migrations};
use config_maps::{create, immutable, metadata, prune};
use kit::say;
use pods::{Member, Pods};
use target::Target;

pub mod bundle;
mod config_maps;
mod job;
pub mod pods;
pub mod target;
pub mod wait;

/// Where an environment stands.
pub struct Standing {
    pub pointer: Option<Pointer>,
    /// Of the pointer, so that two pushes at once do not overwrite each other.
    resource_version: Option<String>,
    pub pods: Vec<Member>,
}

impl Standing {
    pub async fn read(target: &Target) -> Result<Self> {
        let name = release::pointer_name(&target.app);
        let found = target
            .api::<ConfigMap>()
            .get_opt(&name)
            .await
            .with_context(|| format!("read the ConfigMap {name}"))?;
        let resource_version = found.as_ref().and_then(|f| f.metadata.resource_version.clone());
        let pointer = found
            .map(|found| Pointer::parse(&found.data.unwrap_or_default()))
            .transpose()
            .map_err(|error| anyhow::anyhow!("the ConfigMap {name} cannot be used: {error}"))?;
        Ok(Self { pointer, resource_version, pods: Pods::of(target).look().await? })
    }

    /// Higher than anything a pod has seen, also when the pointer was deleted.
    fn next_generation(&self) -> u64 {
        let seen = self.pods.iter().filter_map(|pod| Some(pod.status.as_ref().ok()?.generation));
        let pointer = self.pointer.as_ref().map(|pointer| pointer.live.generation);
        seen.chain(pointer).max().unwrap_or(0) + 1
    }

    /// Whether the live version has passed somewhere.
    fn live_has_passed(&self) -> bool {
        let Some(pointer) = &self.pointer else { return false };
        self.pods.iter().any(|pod| {
            pod.live().is_some_and(|live| live.digest == pointer.live.digest && !live.on_probation)
        })
    }

    /// Why a version is refused, if a pod refuses it.
    fn refusal(&self, digest: Digest) -> Option<&str> {
        self.pods.iter().find_map(|pod| Some(pod.refusal(digest)?.reason.as_str()))
    }

    fn is_live(&self, digest: Digest) -> bool {
        self.pointer.as_ref().is_some_and(|pointer| pointer.live.digest == digest)
            && self.refusal(digest).is_none()
    }
}

/// What a push would do.
pub struct Plan {
    pub pointer: Pointer,
    parts: Vec<Vec<u8>>,
    /// Those of each of the version's ConfigMaps.
    migrations: Vec<Files>,
    /// They were run for an earlier version already.
    migrated: bool,
}

impl Plan {
    /// A push of a bundle; `None` when it is live already.
    pub async fn push(
        target: &Target,
        standing: &Standing,
        bundle: Bundle,
    ) -> Result<Option<Self>> {
        if standing.is_live(bundle.digest) {
            return Ok(None);
        }
        let parts = parts::split(&bundle.package).context("compress the components")?;
        let config_maps = part_names(&target.app, "component", bundle.digest, parts.len());
        if config_maps.len() > parts::MAX_PARTS {
            bail!(
                "the components and their files need {} ConfigMaps of {} at most: make them smaller",
                config_maps.len(),
                parts::MAX_PARTS
            );
        }
        let (mut migrations, mut names) = (Vec::new(), None);
        let schema = bundle.migrations.as_ref().map(|migrations| migrations.schema);
        if let Some(Migrations { files, digest, .. }) = bundle.migrations {
            migrations = migrations::split(files).map_err(anyhow::Error::msg)?;
            let all = part_names(&target.app, "migrations", digest, migrations.len());
            names = Some(all.join(" "));
        }
        let next = Release {
            generation: standing.next_generation(),
            digest: bundle.digest,
            config_maps,
            version: bundle.version,
            by: target.user().await,
            at: Some(now()),
            schema,
            migrations: names.clone(),
            passed: false,
        };
        let live = standing.pointer.as_ref().map(|pointer| &pointer.live);
        let migrated = names.is_none() || live.is_some_and(|live| live.migrations == names);
        let pointer = Pointer::succeed(standing.pointer.as_ref(), next, standing.live_has_passed());
        Ok(Some(Self { pointer, parts, migrations, migrated }))
    }

    /// A rollback: a new generation that names an old version.
    pub async fn rollback(target: &Target, standing: &Standing, to: Option<&str>) -> Result<Self> {
        let before = standing
            .pointer
            .as_ref()
            .with_context(|| format!("{} has no version yet: push one", target.env))?;
        let old = match to {
            Some(text) => {
                before.releases().into_iter().find(|release| matches(release, text)).with_context(
                    || format!("no version in the history is called {text}: see status"),
                )?
            }
            None => before.previous.and_then(|digest| before.release(digest)).context(
                "no earlier version has passed its probation: name one of the history with --to",
            )?,
        };
        if standing.is_live(old.digest) {
            bail!("{} is live already", old.digest);
        }
        let next = Release {
            generation: standing.next_generation(),
            by: target.user().await,
            at: Some(now()),
            ..old
        };
        let pointer = Pointer::succeed(Some(before), next, standing.live_has_passed());
        Ok(Self { pointer, parts: Vec::new(), migrations: Vec::new(), migrated: true })
    }

    /// What changes, a line each.
    pub fn describe(&self, target: &Target, standing: &Standing) -> Vec<String> {
        let live = &self.pointer.live;
        let name = |release: &Release| match &release.version {
            Some(version) => format!("{} ({version})", release.digest),
            None => release.digest.to_string(),
        };
        let before = standing.pointer.as_ref().map_or("none".into(), |p| name(&p.live));
        let mut lines = vec![
            format!(
                "environment  {}: {} in namespace {}",
                target.env, target.app, target.namespace
            ),
            format!("component    {before} -> {}", name(live)),
            format!("generation   {}", live.generation),
        ];
        if !self.parts.is_empty() {
            let bytes: usize = self.parts.iter().map(Vec::len).sum();
            lines.push(format!("ConfigMaps   {} ({bytes} bytes)", live.config_maps.join(", ")));
        }
        if let (Some(schema), false) = (live.schema, self.migrations.is_empty()) {
            let what = if self.migrated { "as they are" } else { "to run" };
            lines.push(format!("migrations   up to {schema}, {what}"));
        }
        if let Some(reason) = standing.refusal(live.digest) {
            lines.push(format!("attention    it was refused before: {reason}"));
        }
        lines
    }

    /// Does it.
    pub async fn execute(self, target: &Target, standing: &Standing) -> Result<Pointer> {
        let api = target.api::<ConfigMap>();
        if !self.parts.is_empty() {
            let step = progress::step("Writing the component");
            for (name, part) in self.pointer.live.config_maps.iter().zip(self.parts) {
                let part = ConfigMap {
                    binary_data: Some([parts::binary_data(part)].into()),
                    ..immutable(target, name, "component")
                };
                create(target, &part).await?;
            }
            step.done(&format!("Wrote {}", self.pointer.live.config_maps.join(", ")));
        }
        if !self.migrated {
            let step = progress::step("Applying migrations");
            for (name, files) in self.pointer.live.migrations().zip(self.migrations) {
                let files =
                    ConfigMap { data: Some(files), ..immutable(target, name, "migrations") };
                create(target, &files).await?;
            }
            job::run(target, self.pointer.live.migrations()).await?;
            step.done("The migrations are applied");
        }
        let name = release::pointer_name(&target.app);
        let mut pointer = ConfigMap {
            metadata: metadata(target, &name, "pointer"),
            data: Some(self.pointer.data()),
            ..ConfigMap::default()
        };
        let written = match &standing.resource_version {
            None => api.create(&PostParams::default(), &pointer).await,
            Some(version) => {
                pointer.metadata.resource_version = Some(version.clone());
                api.replace(&name, &PostParams::default(), &pointer).await
            }
        };
        match written {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {
                bail!("somebody else pushed at the same time: look at status, and push again")
            }
            Err(error) => return Err(error).context("move the pointer"),
        }
        // The version is live: what is left over is not worth an error.
        if let Err(error) = prune(target, &self.pointer).await {
            say::note(format!("warning: {error:#}; the next push tries again"));
        }
        Ok(self.pointer)
    }
}

/// Whether somebody means this version: by digest, a beginning of it, or name.
fn matches(release: &Release, text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    release.version.as_deref() == Some(text)
        || (digits.len() >= 6 && release.digest.full()["sha256:".len()..].starts_with(digits))
}

fn now() -> String {
    // Whole seconds are what people read.
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_meant_by_digest_or_name() {
        let release = Release { version: Some("1.2.0".into()), ..release::tests::release(1, "a") };
        let digest = release.digest;
        for text in ["1.2.0", &digest.to_string(), &digest.full(), &digest.to_string()[..6]] {
            assert!(matches(&release, text), "{text}");
        }
        for text in ["1.2", "", "sha256:", &digest.to_string()[..5], "ffffffffffff"] {
            assert!(!matches(&release, text), "{text}");
        }
    }
}
