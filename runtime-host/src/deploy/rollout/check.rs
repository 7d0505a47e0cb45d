//! What a version has to pass before it takes over, from the cheapest check to
//! the dearest.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use super::probe::probe;
use super::refusal::{Check, Refusal};
use crate::database::migrate::{self, Database};
use crate::deploy::release::Release;
use crate::deploy::release::parts::{self, MAX_PARTS, Unreadable};
use crate::digest::Digest;
use crate::guest::loaded::{Loaded, Loader};
use crate::guest::unfit::Unfit;

/// How long the API server has for one ConfigMap.
pub const API_TIMEOUT: Duration = Duration::from_secs(10);

/// The checks, with what they need.
pub struct Checks {
    pub config_maps: Api<ConfigMap>,
    pub loader: Arc<Loader>,
    /// Where the component's schema is, if it has a database.
    pub database: Option<Database>,
    /// Path of each component's probe request.
    pub probes: Vec<String>,
    /// Bytes of a component, before and after decompression.
    pub max_component: usize,
}

impl Checks {
    /// Puts a version through all checks.
    pub async fn pass(&self, release: &Release, bytes: Vec<u8>) -> Result<Loaded, Refusal> {
        let found = Digest::of(&bytes);
        if found != release.digest {
            // Whoever wrote the ConfigMap by hand may put it right.
            return Err(Refusal::NotNow(format!(
                "the ConfigMaps hold a component of the digest {}, not {}: push it again, or put \
                 them right",
                found.full(),
                release.digest.full()
            )));
        }
        let parts = self.loader.inspect(bytes).map_err(|error| refuse(&error))?;
        self.check_schema(release).await?;
        let loaded = self.loader.load(found, parts).await.map_err(|error| refuse(&error))?;
        for (component, path) in loaded.components.iter().zip(&self.probes) {
            probe(component, path).await?;
        }
        Ok(loaded)
    }

    /// What the ConfigMaps hold. What is wrong with them is no fault of the version.
    pub async fn fetch(&self, release: &Release) -> Result<Vec<u8>, Refusal> {
        if release.config_maps.len() > MAX_PARTS {
            return Err(Refusal::NotNow(format!("it has more than {MAX_PARTS} parts")));
        }
        let mut found = Vec::new();
        for name in &release.config_maps {
            let answer = tokio::time::timeout(API_TIMEOUT, self.config_maps.get_opt(name)).await;
            let part = answer
                .map_err(|_| Refusal::NotNow("the API server does not answer".into()))?
                .map_err(|error| {
                    Refusal::NotNow(format!("cannot read the ConfigMap {name}: {error}"))
                })?
                .ok_or_else(|| Refusal::NotNow(format!("there is no ConfigMap {name}")))?;
            found.push(part);
        }
        parts::join(&found, self.max_component).map_err(|error| match error {
            Unreadable::TooLarge(_) => unfit(Check::Size, error.to_string()),
            Unreadable::Empty(_) | Unreadable::Mixed | Unreadable::Damaged(_) => {
                Refusal::NotNow(error.to_string())
            }
        })
    }

    async fn check_schema(&self, release: &Release) -> Result<(), Refusal> {
        let (Some(needed), Some(database)) = (release.schema, &self.database) else {
            return Ok(());
        };
        let found = migrate::version(database).await.map_err(|error| {
            Refusal::NotNow(format!("cannot read the schema's version: {error:#}"))
        })?;
        if found < needed {
            return Err(Refusal::NotNow(format!(
                "it needs migration {needed}, and the database is at {found}: run the migrations, \
                 which `push` does"
            )));
        }
        Ok(())
    }
}

fn unfit(check: Check, reason: String) -> Refusal {
    Refusal::Unfit { check, reason }
}

fn refuse(error: &Unfit) -> Refusal {
    let check = match error {
        Unfit::Kind(_) => Check::Kind,
        Unfit::Imports(_) => Check::Imports,
        Unfit::Compile(_) => Check::Compile,
        Unfit::Surroundings(_) => return Refusal::NotNow(error.to_string()),
    };
    unfit(check, error.to_string())
}
