//! A loaded component: read, checked, compiled and ready for requests. The
//! server holds the live one; an old one lives until its last answer has ended.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::{ProxyHandler, ProxyPre};
use wasmtime_wasi_http::{p2, p3};

use crate::guest::{Guest, Shared, linker};
use crate::health::Health;
use crate::hex::hex;
use crate::imports;
use crate::worker::Workers;

/// Hexadecimal digits of a digest that are shown.
const SHORT_DIGEST: usize = 12;

/// Turns files into generations.
pub struct Loader {
    engine: Engine,
    linker: Linker<Guest>,
    shared: Arc<Shared>,
}

/// One version of the component.
pub struct Generation {
    /// The first 12 digits of the file's SHA-256.
    pub digest: String,
    pub handler: ProxyHandler<Workers>,
    pub health: Arc<Health>,
    /// When it was loaded.
    pub since: jiff::Timestamp,
}

impl Drop for Generation {
    fn drop(&mut self) {
        tracing::debug!(digest = self.digest, "generation dropped");
    }
}

impl Loader {
    pub fn new(engine: Engine, shared: Arc<Shared>) -> Result<Self> {
        let linker = linker(&engine)?;
        Ok(Self { engine, linker, shared })
    }

    /// Loads a component off the request path. The error names what is wrong
    /// with the file.
    pub async fn load(self: &Arc<Self>, path: &Path) -> Result<Generation> {
        check_exists(path)?;
        let bytes = tokio::fs::read(path)
            .await
            .with_context(|| format!("read the component {}", path.display()))?;
        let loader = self.clone();
        tokio::task::spawn_blocking(move || loader.compile(&bytes))
            .await
            .context("compile the component")?
            .with_context(|| format!("cannot serve {}", path.display()))
    }

    fn compile(&self, bytes: &[u8]) -> Result<Generation> {
        check_kind(bytes)?;
        let component = Component::new(&self.engine, bytes).map_err(|error| {
            anyhow::anyhow!(
                "it is truncated, damaged or of an unknown version: build it again ({})",
                error.root_cause()
            )
        })?;
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(|error| imports::explain(&self.engine, &component, &error))?;
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => ProxyPre::P2(p2::bindings::ProxyPre::new(pre).map_err(|_| {
                anyhow::anyhow!(
                    "it exports neither wasi:http/handler@0.3 nor wasi:http/incoming-handler@0.2, \
                     so it answers no HTTP requests: build it as an HTTP component"
                )
            })?),
        };
        let digest = short_digest(bytes);
        let health = Arc::new(Health::default());
        let workers = Workers {
            pre,
            engine: self.engine.clone(),
            shared: self.shared.clone(),
            digest: digest.as_str().into(),
            health: health.clone(),
        };
        let (handler, since) = (ProxyHandler::new(workers), jiff::Timestamp::now());
        Ok(Generation { digest, handler, health, since })
    }
}

/// Says how to make a component that is not there.
pub fn check_exists(path: &Path) -> Result<()> {
    if !path.exists() {
        bail!("the component {} does not exist: build it with --build", path.display());
    }
    Ok(())
}

fn short_digest(bytes: &[u8]) -> String {
    let mut digest = hex(&Sha256::digest(bytes));
    digest.truncate(SHORT_DIGEST);
    digest
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

    #[test]
    fn a_digest_is_twelve_hexadecimal_digits() {
        assert_eq!(short_digest(b""), "e3b0c44298fc");
    }
}
