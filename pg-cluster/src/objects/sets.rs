//! The two `StatefulSet`s of one Patroni scope.

use k8s_openapi::{
    api::{
        apps::v1::{
            StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
            StatefulSetUpdateStrategy,
        },
        core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements},
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};

use super::{SET_LABEL, home::HomeSet, labels, meta, names, paths, pod, select, selector};
use crate::env::{Env, Quantity as Storage, Set};

pub fn stateful_set(env: &Env, home: HomeSet) -> StatefulSet {
    let mut pods = selector(env);
    pods.extend(labels([(SET_LABEL, home.label())]));
    StatefulSet {
        metadata: meta(env, home.name(env)),
        spec: Some(StatefulSetSpec {
            replicas: Some(home.settings(env).count.get()),
            service_name: Some(names::members_service(env)),
            pod_management_policy: Some("Parallel".to_owned()),
            // Which member restarts when is pg-cluster's to say: replicas first.
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".to_owned()),
                ..Default::default()
            }),
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    when_deleted: Some("Retain".to_owned()),
                    when_scaled: Some("Retain".to_owned()),
                },
            ),
            selector: select(pods),
            template: pod::template(env, home),
            volume_claim_templates: Some(vec![claim(env, home.settings(env))]),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn claim(env: &Env, set: &Set) -> PersistentVolumeClaim {
    claim_of(env, &set.storage, set.storage_class.as_deref())
}

/// The volume that `main`'s first member will take for its own.
pub fn main_claim(env: &Env) -> PersistentVolumeClaim {
    let mut claim = claim(env, &env.main);
    claim.metadata.name = Some(format!("{}-{}-0", paths::DATA_VOLUME, names::main(env)));
    claim.metadata.namespace = Some(env.namespace().to_owned());
    claim
}

/// A volume of the cluster's default class, unless another is named.
pub fn claim_of(env: &Env, storage: &Storage, class: Option<&str>) -> PersistentVolumeClaim {
    let requests = [("storage".to_owned(), Quantity(storage.to_string()))].into();
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(paths::DATA_VOLUME.to_owned()),
            labels: Some(selector(env)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: class.map(str::to_owned),
            resources: Some(VolumeResourceRequirements {
                requests: Some(requests),
                ..Default::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}
