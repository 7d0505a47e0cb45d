//! The wasmtime engine, and the clock that interrupts its guests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use wasmtime::{
    Cache, CacheConfig, CacheStore, Config, Engine, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

use crate::limits::Limits;

/// How often a running guest is made to give its thread back. Also the unit in
/// which a request's CPU time is counted.
pub const EPOCH: Duration = Duration::from_millis(10);

/// What one component may be composed of, as in Spin: the guests, and adapters and shims around them.
const MAX_CORE_INSTANCES_PER_COMPONENT: u32 = 200;
const MAX_MEMORIES_PER_COMPONENT: u32 = 32;
const MAX_TABLES_PER_COMPONENT: u32 = 64;
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// An engine with a cache of compiled code in `cache`.
pub fn new(limits: &Limits, cache: &Path) -> Result<Engine> {
    let mut config = config(cache)?;
    // Instances alive at the same time: one for each request at the limit when
    // none can be shared, twice over for the two components of a swap.
    let instances = 2 * limits.max_requests;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_memories(instances)
        .total_tables(2 * instances)
        .total_stacks(instances)
        .total_core_instances(4 * instances)
        .max_core_instances_per_component(MAX_CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MAX_MEMORIES_PER_COMPONENT)
        .max_tables_per_component(MAX_TABLES_PER_COMPONENT)
        .max_memory_size(limits.guest_memory())
        .table_elements(MAX_TABLE_ELEMENTS);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            // The pool reserves terabytes of addresses (not memory), which `ulimit -v` forbids.
            tracing::warn!("instances are allocated one by one, which is slower: {error:#}");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config).map_err(anyhow::Error::from).context("set up wasmtime")
        }
    }
}

/// An engine that compiles the very same code, and runs nothing.
/// `functions` are those that need no compiling.
pub fn compiler(cache: &Path, functions: Arc<dyn CacheStore>) -> Result<Engine> {
    let mut config = config(cache)?;
    config
        .enable_incremental_compilation(functions)
        .map_err(anyhow::Error::from)
        .context("keep compiled functions")?;
    Engine::new(&config).map_err(anyhow::Error::from).context("set up the compiler")
}

/// What decides about the code that comes out.
fn config(cache: &Path) -> Result<Config> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.epoch_interruption(true);
    config.cache(Some(compile_cache(cache)?));
    Ok(config)
}

/// Precompiled code is machine code: it is kept in a folder of the host's own.
fn compile_cache(dir: &Path) -> Result<Cache> {
    let mut config = CacheConfig::new();
    config.with_directory(dir);
    Cache::new(config)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("set up the compile cache in {}", dir.display()))
}

/// Moves the engine's epoch on until it is dropped.
pub struct EpochThread {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl EpochThread {
    pub fn spawn(engine: Engine) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("epoch".into())
            .spawn({
                let stop = stop.clone();
                move || {
                    while !stop.load(Ordering::Relaxed) {
                        std::thread::sleep(EPOCH);
                        engine.increment_epoch();
                    }
                }
            })
            .context("start the epoch thread")?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for EpochThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only sleeps and counts, so it cannot have panicked.
            let _ = thread.join();
        }
    }
}
