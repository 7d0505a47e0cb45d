//! The ConfigMaps of an environment, by the API.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams, PostParams};

use super::target::Target;
use crate::deploy::release::Pointer;

pub fn metadata(target: &Target, name: &str, part: &str) -> ObjectMeta {
    let labels = [
        ("app.kubernetes.io/name", target.app.as_str()),
        ("app.kubernetes.io/component", part),
        ("app.kubernetes.io/managed-by", "runtime-host"),
    ];
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        ..ObjectMeta::default()
    }
}

pub fn immutable(target: &Target, name: &str, part: &str) -> ConfigMap {
    ConfigMap {
        metadata: metadata(target, name, part),
        immutable: Some(true),
        ..ConfigMap::default()
    }
}

/// Creates what is named by its content. What is there already is that content,
/// unless another version of the compressor wrote it: then it is written anew.
pub async fn create(target: &Target, config_map: &ConfigMap) -> Result<()> {
    let (api, name) = (target.api::<ConfigMap>(), config_map.name_any());
    match api.create(&PostParams::default(), config_map).await {
        Ok(_) => return Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(error).with_context(|| format!("create the ConfigMap {name}")),
    }
    let found = api.get(&name).await.with_context(|| format!("read the ConfigMap {name}"))?;
    if found.data == config_map.data && found.binary_data == config_map.binary_data {
        return Ok(());
    }
    let replace = async {
        api.delete(&name, &DeleteParams::default()).await?;
        api.create(&PostParams::default(), config_map).await
    };
    replace.await.with_context(|| format!("write the ConfigMap {name} anew"))?;
    Ok(())
}

/// Removes the parts and migrations of versions that are in no history. Only
/// what a push has made; what others made is theirs.
pub async fn prune(target: &Target, pointer: &Pointer) -> Result<()> {
    let mut needed = BTreeSet::new();
    for release in pointer.releases() {
        needed.extend(release.migrations().map(str::to_owned));
        needed.extend(release.config_maps);
    }
    let selector = format!(
        "app.kubernetes.io/name={},app.kubernetes.io/managed-by=runtime-host,\
         app.kubernetes.io/component in (component,migrations)",
        target.app
    );
    let api = target.api::<ConfigMap>();
    let found = api
        .list_metadata(&ListParams::default().labels(&selector))
        .await
        .context("list the ConfigMaps of older versions")?;
    for name in found.items.into_iter().filter_map(|found| found.metadata.name) {
        if !needed.contains(&name) {
            api.delete(&name, &DeleteParams::default())
                .await
                .with_context(|| format!("remove the ConfigMap {name} of an older version"))?;
        }
    }
    Ok(())
}
