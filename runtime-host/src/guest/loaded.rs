//! A loaded application: its components checked, compiled and ready for requests. The server
//! holds the live version; an old one lives until its last answer has ended.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::digest::Digest;
use crate::guest::absent;
use crate::guest::compile::Compiler;
use crate::guest::files::Folder;
use crate::guest::health::Health;
use crate::guest::imports::{self, Fit};
use crate::guest::instances::Instances;
use crate::guest::linker::linker;
use crate::guest::package::{self, Part};
use crate::guest::siblings::Siblings;
use crate::guest::store::{Guest, Shared};
use crate::guest::unfit::Unfit;
use crate::spin::routes::Routes;

/// Turns packages into what can be served.
pub struct Loader {
    engine: Engine,
    linker: Linker<Guest>,
    compiler: Compiler,
    /// Each component's own, in the order of the manifest.
    shared: Vec<Arc<Shared>>,
    routes: Arc<Routes>,
    /// For the components' files.
    folder: Folder,
}

/// One version of the application.
pub struct Loaded {
    pub digest: Digest,
    /// Those of each component, in the order of the manifest.
    pub components: Vec<Arc<Instances>>,
    pub health: Arc<Health>,
    /// When it was loaded.
    pub since: jiff::Timestamp,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        tracing::debug!(digest = %self.digest, "component dropped");
    }
}

impl Loader {
    /// `data_dir` is the host's own.
    pub fn new(
        engine: Engine,
        compiler: Compiler,
        shared: Vec<Arc<Shared>>,
        routes: Arc<Routes>,
        data_dir: &Path,
    ) -> Result<Self> {
        let linker = linker(&engine)?;
        Ok(Self { engine, linker, compiler, shared, routes, folder: Folder::new(data_dir) })
    }

    /// What a package has in it, as far as that can be seen without compiling.
    pub fn inspect(&self, bytes: Vec<u8>) -> Result<Vec<Part>, Unfit> {
        let ids: Vec<&str> = self.shared.iter().map(|shared| shared.id.as_str()).collect();
        let parts = package::unpack(bytes, &ids)?;
        inspect(&parts)?;
        Ok(parts)
    }

    /// Loads what was inspected, off the request path. `digest` is that of the package.
    pub async fn load(&self, digest: Digest, parts: Vec<Part>) -> Result<Loaded, Unfit> {
        let health = Arc::new(Health::default());
        let ids = self.shared.iter().map(|shared| shared.id.clone()).collect();
        let siblings = Siblings::new(self.routes.clone(), ids);
        let mut components = Vec::new();
        for (part, shared) in parts.into_iter().zip(&self.shared) {
            let name = |error: Unfit| error.of(&shared.id, self.shared.len());
            let files = self.folder.put(part.files).map_err(Unfit::Surroundings).map_err(name)?;
            self.compiler.compile(&part.component).await.map_err(|it| name(it.into()))?;
            let (engine, linker) = (self.engine.clone(), self.linker.clone());
            let pre =
                tokio::task::spawn_blocking(move || prepare(&engine, &linker, &part.component))
                    .await
                    .map_err(|error| Unfit::Compile(error.into()))?
                    .map_err(name)?;
            let (engine, shared, health) = (self.engine.clone(), shared.clone(), health.clone());
            let siblings = siblings.clone();
            let instances = Instances::new(pre, engine, shared, digest, health, files, siblings);
            components.push(Arc::new(instances));
        }
        siblings.set(&components);
        let since = jiff::Timestamp::now();
        Ok(Loaded { digest, components, health, since })
    }
}

/// Checks what can be seen without compiling.
pub fn inspect(parts: &[Part]) -> Result<(), Unfit> {
    for part in parts {
        let checked = check_kind(&part.component)
            .map_err(Unfit::Kind)
            .and_then(|()| imports::check(&part.component).map_err(Unfit::Imports));
        checked.map_err(|error| error.of(&part.id, parts.len()))?;
    }
    Ok(())
}

/// Loads the compiled code and links it.
fn prepare(
    engine: &Engine,
    linker: &Linker<Guest>,
    bytes: &[u8],
) -> Result<ProxyPre<Guest>, Unfit> {
    let component = Component::new(engine, bytes).map_err(|error| Unfit::Compile(error.into()))?;
    let with_traps = match imports::check(bytes).map_err(Unfit::Imports)? {
        Fit::Offered => None,
        Fit::Whole => {
            let mut linker = linker.clone();
            let defined = absent::define(&mut linker, &component);
            defined.map_err(|error| Unfit::Imports(format!("{error:#}")))?;
            Some(linker)
        }
    };
    let linker = with_traps.as_ref().unwrap_or(linker);
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
