//! What every way of serving needs: the component's surroundings, worked out
//! from the manifest and its variables.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::allowed_hosts::AllowedHosts;
use crate::compile::Compiler;
use crate::engine::{self, EpochThread};
use crate::generation::Loader;
use crate::guest::Shared;
use crate::manifest::Manifest;
use crate::outbound_http::HttpClient;
use crate::postgres::Pools;
use crate::variables::{self, Sources};

/// A loader of generations, and the clock that interrupts them.
pub struct Host {
    pub loader: Arc<Loader>,
    _epochs: EpochThread,
}

impl Host {
    /// `given` are values that come before those of `sources`.
    pub fn new(
        manifest: &Manifest,
        sources: &Sources,
        given: &BTreeMap<String, String>,
        data_dir: &Path,
        compile_timeout: Duration,
    ) -> Result<Self> {
        let values = variables::resolve(manifest, sources, given)?;
        let shared = Shared {
            variables: component_variables(manifest, &values)?,
            environment: manifest.component.environment.clone(),
            allowed_hosts: Arc::new(allowed_hosts(manifest, &values)?),
            pools: Arc::new(Pools::default()),
            http: HttpClient::new()?,
        };
        let cache = data_dir.join("cache");
        let engine = engine::new(&cache)?;
        let epochs = EpochThread::spawn(engine.clone())?;
        let compiler = Compiler::new(cache, compile_timeout);
        let loader = Arc::new(Loader::new(engine, compiler, Arc::new(shared))?);
        Ok(Self { loader, _epochs: epochs })
    }
}

/// Finds mistakes in variables and hosts before anything is built or started.
pub fn check_configuration(
    manifest: &Manifest,
    sources: &Sources,
    given: &BTreeMap<String, String>,
) -> Result<()> {
    let values = variables::resolve(manifest, sources, given)?;
    component_variables(manifest, &values)?;
    allowed_hosts(manifest, &values)?;
    Ok(())
}

fn component_variables(
    manifest: &Manifest,
    values: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let component = &manifest.component;
    let place = |name: &str| format!("component.{}.variables.{name}", component.id);
    let render = |(name, text): (&String, &String)| {
        Ok((name.clone(), variables::render(&place(name), text, values)?))
    };
    component.variables.iter().map(render).collect()
}

fn allowed_hosts(manifest: &Manifest, values: &BTreeMap<String, String>) -> Result<AllowedHosts> {
    let component = &manifest.component;
    let place = format!("component.{}.allowed_outbound_hosts", component.id);
    let entries: Vec<String> = component
        .allowed_outbound_hosts
        .iter()
        .map(|text| variables::render(&place, text, values))
        .collect::<Result<_>>()?;
    AllowedHosts::parse(entries.iter().map(String::as_str))
}
