//! The members' volumes: which are there, and how they grow.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::json;

use crate::{
    cluster::{Cluster, twice},
    env::Quantity,
    health::objects::doomed_volumes,
    names,
    objects::HomeSet,
    progress::{self, Wait, until},
};

/// What there is to do until a set's volumes are as large as the configuration says.
#[derive(Debug, Default)]
pub struct Growth {
    /// Volumes that are smaller.
    pub claims: Vec<String>,
    /// Volumes that never came about, of a class that the configuration has no longer.
    pub unmade: Vec<String>,
    /// The set's own template says another size or class, and it cannot be changed in place.
    pub set_anew: bool,
}

impl Cluster {
    /// The names of the members' volumes, also of members that are gone: main's, and the replicas'.
    /// One that is being deleted keeps nothing.
    pub async fn volumes(&self) -> Result<[Vec<String>; 2]> {
        let claims = self.claims().await?;
        Ok([HomeSet::Main, HomeSet::Replica].map(|home| {
            let ours =
                claims.iter().filter(|claim| is_of(&home.name(&self.env), &claim.name_any()));
            ours.map(ResourceExt::name_any).collect()
        }))
    }

    /// Members' volumes that may hold something, main's first.
    pub async fn kept_volumes(&self) -> Result<Vec<String>> {
        let [main, replica] = self.volumes().await?;
        let claims = self.claims().await?;
        let unmade = |name: &String| {
            claims.iter().any(|claim| claim.name_any() == *name && is_unmade(claim))
        };
        Ok(main.into_iter().chain(replica).filter(|name| !unmade(name)).collect())
    }

    /// Members' volumes that somebody has deleted and that last as long as their pods.
    pub async fn doomed(&self) -> Result<Vec<String>> {
        let sets = [HomeSet::Main, HomeSet::Replica].map(|home| home.name(&self.env));
        let mut all = self.every_claim().await?;
        all.retain(|claim| claim.metadata.deletion_timestamp.is_some());
        let names = all.iter().map(ResourceExt::name_any);
        Ok(names.filter(|name| sets.iter().any(|set| is_of(set, name))).collect())
    }

    /// Refuses to stop pods with which volumes would go that are to be kept.
    pub async fn refuse_without_volumes(&self) -> Result<()> {
        let doomed = self.doomed().await?;
        ensure!(doomed.is_empty(), doomed_volumes(&doomed));
        Ok(())
    }

    /// Whether the volume of the archive's own server is there.
    pub async fn keeps_an_archive(&self) -> Result<bool> {
        let (claims, set) = (self.claims().await?, names::repository(&self.env));
        Ok(claims.iter().any(|claim| is_of(&set, &claim.name_any())))
    }

    async fn every_claim(&self) -> Result<Vec<PersistentVolumeClaim>> {
        let (api, params) = (self.api::<PersistentVolumeClaim>(), ListParams::default());
        Ok(twice(|| api.list(&params)).await.context("list the volumes")?.items)
    }

    async fn claims(&self) -> Result<Vec<PersistentVolumeClaim>> {
        let mut all = self.every_claim().await?;
        all.retain(|claim| claim.metadata.deletion_timestamp.is_none());
        Ok(all)
    }

    /// Refuses what volumes cannot do.
    pub async fn growth(&self, home: HomeSet) -> Result<Growth> {
        let name = home.name(&self.env);
        let settings = home.settings(&self.env);
        let wanted = &settings.storage;
        let mut growth = Growth::default();
        let mut claims = self.claims().await?;
        claims.retain(|claim| is_of(&name, &claim.name_any()));
        for claim in &claims {
            let Some(size) = size_of(claim) else { continue };
            ensure!(
                size.bytes() <= wanted.bytes(),
                "{}.storage is {wanted}, and the volume {} has {size}: volumes do not shrink; write {size} or more",
                home.label(),
                claim.name_any()
            );
            if size.bytes() < wanted.bytes() {
                growth.claims.push(claim.name_any());
            }
        }
        let set = self.find::<StatefulSet>(&name).await?;
        let template = set.and_then(|set| set.spec?.volume_claim_templates?.into_iter().next());
        let size = template.as_ref().and_then(size_of);
        let of_another_class = template
            .is_some_and(|template| class_of(&template) != settings.storage_class.as_deref());
        growth.set_anew =
            of_another_class || size.is_some_and(|size| size.bytes() != wanted.bytes());
        if of_another_class {
            let unmade = claims.iter().filter(|claim| is_unmade(claim));
            growth.unmade = unmade.map(ResourceExt::name_any).collect();
            growth.claims.retain(|name| !growth.unmade.contains(name));
        }
        Ok(growth)
    }

    /// Lets the volumes grow. A set whose template has another size is deleted without its pods: the
    /// one that is applied next takes them on.
    pub async fn grow(&self, home: HomeSet, timeout: std::time::Duration) -> Result<()> {
        let growth = self.growth(home).await?;
        let wanted = &home.settings(&self.env).storage;
        for name in growth.claims {
            let patch = json!({ "spec": { "resources": { "requests": { "storage": wanted } } } });
            let api = self.api::<PersistentVolumeClaim>();
            let grown = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
            grown.with_context(|| {
                format!("let the volume {name} grow to {wanted}: its StorageClass needs allowVolumeExpansion")
            })?;
            progress::done(&format!("PersistentVolumeClaim {name}"), &format!("grows to {wanted}"));
        }
        if growth.set_anew {
            let (name, api) = (home.name(&self.env), self.api::<StatefulSet>());
            let deleted = api.delete(&name, &DeleteParams::orphan()).await;
            deleted.with_context(|| format!("make the StatefulSet {name} anew"))?;
            until(&format!("a new {name} around its pods"), timeout, async || {
                let gone = api.get_opt(&name).await.context("look for the set")?.is_none();
                Ok(Wait::unless(gone, "the old one"))
            })
            .await?;
        }
        for name in growth.unmade {
            let claims = self.api::<PersistentVolumeClaim>();
            let deleted = claims.delete(&name, &DeleteParams::default()).await;
            deleted.with_context(|| format!("delete the volume {name}, which never came about"))?;
            // It waits for nothing else, and its claim goes with it.
            let pod = name.strip_prefix("data-").unwrap_or_default();
            if let Some(pod) = self.pods().await?.iter().find(|it| it.name_any() == pod) {
                self.delete_pod(pod).await?;
            }
            progress::done(
                &format!("PersistentVolumeClaim {name}"),
                "is made anew, of another class",
            );
        }
        Ok(())
    }
}

fn class_of(claim: &PersistentVolumeClaim) -> Option<&str> {
    claim.spec.as_ref()?.storage_class_name.as_deref()
}

/// Whether it holds nothing, since no volume is bound to it.
fn is_unmade(claim: &PersistentVolumeClaim) -> bool {
    claim.spec.as_ref().is_none_or(|spec| spec.volume_name.is_none())
        && claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Pending")
}

/// Whether a volume belongs to a set, by its name.
fn is_of(set: &str, name: &str) -> bool {
    let number = name.strip_prefix(&format!("data-{set}-"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn size_of(claim: &PersistentVolumeClaim) -> Option<Quantity> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    requests.get("storage")?.0.clone().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_without_a_volume_holds_nothing() {
        let claim = |volume: Option<&str>, phase: &str| -> PersistentVolumeClaim {
            let claim = json!({ "spec": { "volumeName": volume, "storageClassName": "fast" }, "status": { "phase": phase } });
            serde_json::from_value(claim).unwrap()
        };
        assert_eq!(class_of(&claim(None, "Pending")), Some("fast"));
        assert!(is_unmade(&claim(None, "Pending")));
        assert!(!is_unmade(&claim(Some("pv"), "Pending")) && !is_unmade(&claim(None, "Lost")));
    }

    #[test]
    fn a_volume_is_known_by_its_set_and_number() {
        assert!(is_of("a-main", "data-a-main-0") && is_of("a-main", "data-a-main-12"));
        for name in ["data-a-main-", "data-a-main-x", "data-a-main-replica-0", "data-a-replica-0"] {
            assert!(!is_of("a-main", name), "{name}");
        }
    }
}
