//! A loaded component: checked, compiled and ready for requests. The server
//! holds the live one; an old one lives until its last answer has ended.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::digest::Digest;
use crate::guest::compile::{Compiler, Uncompiled};
use crate::guest::health::Health;
use crate::guest::imports;
use crate::guest::instances::Instances;
use crate::guest::store::{Guest, Shared, linker};

/// Turns bytes into loaded components.
pub struct Loader {
    engine: Engine,
    linker: Linker<Guest>,
    compiler: Compiler,
    shared: Arc<Shared>,
}

/// One version of the component.
pub struct Loaded {
    pub digest: Digest,
    pub instances: Arc<Instances>,
    pub health: Arc<Health>,
    /// When it was loaded.
    pub since: jiff::Timestamp,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        tracing::debug!(digest = %self.digest, "component dropped");
    }
}

/// Why a component is not served. All but the last are faults of the component's own.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error("{0:#}")]
    Kind(anyhow::Error),
    #[error("{0}")]
    Imports(String),
    #[error("{0:#}")]
    Compile(anyhow::Error),
    #[error("{0:#}")]
    Surroundings(anyhow::Error),
}

impl From<Uncompiled> for Unfit {
    fn from(error: Uncompiled) -> Self {
        match error {
            Uncompiled::Component(_) => Self::Compile(error.into()),
            Uncompiled::Surroundings(_) => Self::Surroundings(error.into()),
        }
    }
}

impl Loader {
    pub fn new(engine: Engine, compiler: Compiler, shared: Arc<Shared>) -> Result<Self> {
        let linker = linker(&engine)?;
        Ok(Self { engine, linker, compiler, shared })
    }

    /// Loads a component from a file, off the request path.
    pub async fn load_file(&self, path: &Path) -> Result<Loaded> {
        check_exists(path)?;
        let bytes = tokio::fs::read(path)
            .await
            .with_context(|| format!("read the component {}", path.display()))?;
        let served = async {
            Self::inspect(&bytes)?;
            self.load(Digest::of(&bytes), bytes).await
        };
        served.await.with_context(|| format!("cannot serve {}", path.display()))
    }

    /// Checks what can be seen without compiling.
    pub fn inspect(bytes: &[u8]) -> Result<(), Unfit> {
        check_kind(bytes).map_err(Unfit::Kind)?;
        imports::check(bytes).map_err(Unfit::Imports)
    }

    /// Loads a component that was inspected, off the request path. `digest` is
    /// that of the bytes.
    pub async fn load(&self, digest: Digest, bytes: Vec<u8>) -> Result<Loaded, Unfit> {
        self.compiler.compile(&bytes).await?;
        let (engine, linker) = (self.engine.clone(), self.linker.clone());
        let pre = tokio::task::spawn_blocking(move || prepare(&engine, &linker, &bytes))
            .await
            .map_err(|error| Unfit::Compile(error.into()))??;
        let health = Arc::new(Health::default());
        let (engine, shared) = (self.engine.clone(), self.shared.clone());
        let instances = Arc::new(Instances::new(pre, engine, shared, digest, health.clone()));
        let since = jiff::Timestamp::now();
        Ok(Loaded { digest, instances, health, since })
    }
}

/// Loads the compiled code and links it.
fn prepare(
    engine: &Engine,
    linker: &Linker<Guest>,
    bytes: &[u8],
) -> Result<ProxyPre<Guest>, Unfit> {
    let component = Component::new(engine, bytes).map_err(|error| Unfit::Compile(error.into()))?;
    let pre = linker.instantiate_pre(&component).map_err(|error| {
        // Every interface is there, so one has another shape.
        Unfit::Imports(format!("its imports do not fit this host: {error:#}"))
    })?;
    match p3::bindings::ServicePre::new(pre.clone()) {
        Ok(pre) => Ok(ProxyPre::P3(pre)),
        Err(_) => Ok(ProxyPre::P2(p2::bindings::ProxyPre::new(pre).map_err(|_| {
            Unfit::Imports(
                "it exports neither wasi:http/handler@0.3 nor wasi:http/incoming-handler@0.2, so \
                 it answers no HTTP requests: build it as an HTTP component"
                    .into(),
            )
        })?)),
    }
}

/// Says how to make a component that is not there.
pub fn check_exists(path: &Path) -> Result<()> {
    if !path.exists() {
        bail!("the component {} does not exist: build it with --build", path.display());
    }
    Ok(())
}

/// Tells a component from everything else by its first eight bytes.
fn check_kind(bytes: &[u8]) -> Result<()> {
    const MAGIC: &[u8] = b"\0asm";
    const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

    if bytes.is_empty() {
        bail!("the file is empty: build it again");
    }
    if !bytes.starts_with(MAGIC) {
        bail!("it is not WebAssembly: name a component's .wasm file as the source");
    }
    if bytes.get(4..8) == Some(CORE_MODULE) {
        bail!(
            "it is a core WebAssembly module, not a component: build it for wasm32-wasip2, or \
             make a component of it with `wasm-tools component new`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told_apart() {
        let error = |bytes: &[u8]| check_kind(bytes).unwrap_err().to_string();
        assert!(error(b"").contains("empty"));
        assert!(error(b"hello, world").contains("not WebAssembly"));
        assert!(error(b"\0asm\x01\0\0\0").contains("core WebAssembly module"));
        assert!(check_kind(b"\0asm\x0d\0\x01\0").is_ok());
    }
}
