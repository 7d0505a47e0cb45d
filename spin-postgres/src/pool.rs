//! Pools of connections, one per address and CA.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Object, PoolError, TimeoutType, WeakPool};
use parking_lot::Mutex;

use crate::Allowed;
use crate::address;
use crate::bindings::Error;
use crate::connect::Target;
use crate::lend::{PoolManager, WAIT_TIMEOUT, lend};
use crate::manager::{Manager, Tally};
use crate::session::Session;

/// Longer than a few hosts take that do not answer.
const CREATE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may wait for its next borrower.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);
const RECYCLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Different addresses kept at the same time; the one unused for longest goes.
const MAX_POOLS: usize = 16;

/// A borrowed connection; back in its pool when the last clone is dropped.
pub type Lease = Arc<Borrowed>;

/// The one owner of a borrowed connection.
pub struct Borrowed(Option<Object<PoolManager>>);

impl Deref for Borrowed {
    type Target = Session;

    fn deref(&self) -> &Session {
        // Only `drop` takes it.
        self.0.as_ref().unwrap_or_else(|| unreachable!("it is borrowed"))
    }
}

impl Drop for Borrowed {
    /// What a borrower left is cleaned away now, and not when somebody wants the connection: an
    /// open transaction holds locks that others wait for.
    fn drop(&mut self) {
        let Some(object) = self.0.take() else { return };
        let manager = object.manager.clone();
        if !object.is_unclean() {
            drop(object);
            manager.given_back.notify_one();
            return;
        }
        // Without a runtime the process is ending, and the connection with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let mut object = object;
            let cleaned = tokio::time::timeout(RECYCLE_TIMEOUT, object.recycle()).await;
            if matches!(cleaned, Ok(Ok(()))) {
                drop(object);
            } else {
                drop(Object::take(object));
            }
            manager.given_back.notify_one();
        });
    }
}

/// What a host decides about its pools.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections to one address.
    pub connections: usize,
    /// How long a server may say nothing during a statement.
    pub silence: Duration,
}

/// All pools of the process. What is allowed is what it was when a pool was made: one host has one
/// answer for all of its components.
pub struct Pools {
    settings: Settings,
    by_key: Mutex<HashMap<Key, Entry>>,
    /// By the pools' numbers.
    tallies: [Arc<Tally>; MAX_POOLS],
}

/// One pool, for metrics. Its number, below [`MAX_POOLS`], stands for the address.
#[derive(Debug)]
pub struct PoolState {
    pub index: usize,
    pub max: usize,
    pub open: usize,
    pub idle: usize,
    pub waiting: usize,
    pub created: u64,
    /// Connections that had to be cleaned before they were lent again: something may have been left in them.
    pub cleaned: u64,
}

/// Address and CA.
type Key = (String, Option<String>);

struct Entry {
    index: usize,
    config: tokio_postgres::Config,
    pool: managed::Pool<PoolManager>,
    used: Instant,
}

impl Pools {
    pub fn new(settings: Settings) -> Self {
        Self { settings, by_key: Mutex::default(), tallies: Default::default() }
    }

    /// Every pool as it is now.
    pub fn states(&self) -> Vec<PoolState> {
        let pools = self.by_key.lock();
        let state = |entry: &Entry| {
            let status = entry.pool.status();
            PoolState {
                index: entry.index,
                max: status.max_size,
                open: status.size,
                idle: status.available,
                waiting: status.waiting,
                created: self.tallies[entry.index].created.load(Ordering::Relaxed),
                cleaned: self.tallies[entry.index].cleaned.load(Ordering::Relaxed),
            }
        };
        pools.values().map(state).collect()
    }

    /// Borrows a connection, waiting for a while when all are in use.
    pub async fn get(
        &self,
        address: String,
        ca_root: Option<String>,
        allowed: &Arc<dyn Allowed>,
    ) -> Result<Lease, Error> {
        let pool = self.pool((address, ca_root), allowed)?;
        match lend(pool).await {
            Ok(object) => Ok(Arc::new(Borrowed(Some(object)))),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(Error::ConnectionFailed(format!(
                "none of at most {} connections to the database was free or made within {} s",
                self.settings.connections,
                WAIT_TIMEOUT.as_secs()
            ))),
            Err(PoolError::Timeout(_)) => {
                Err(Error::ConnectionFailed("the database did not answer in time".into()))
            }
            Err(PoolError::Backend(error)) => Err(Error::ConnectionFailed(error.to_string())),
            Err(error) => Err(Error::ConnectionFailed(error.to_string())),
        }
    }

    fn pool(
        &self,
        key: Key,
        allowed: &Arc<dyn Allowed>,
    ) -> Result<managed::Pool<PoolManager>, Error> {
        let mut pools = self.by_key.lock();
        let now = Instant::now();
        if let Some(entry) = pools.get_mut(&key) {
            // Another component may not be allowed what the first one was.
            address::check(&entry.config, &**allowed)?;
            entry.used = now;
            return Ok(entry.pool.clone());
        }
        let config = address::parse(&key.0).map_err(|why| Error::ConnectionFailed(why.into()))?;
        address::check(&config, &**allowed)?;
        if pools.len() >= MAX_POOLS {
            let oldest =
                pools.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            // Not closed: who waits in it gets its connection, and then it goes.
            oldest.and_then(|key| pools.remove(&key));
        }
        let taken: Vec<usize> = pools.values().map(|entry| entry.index).collect();
        let index = (0..MAX_POOLS - 1).find(|index| !taken.contains(index));
        let index = index.unwrap_or(MAX_POOLS - 1);
        let target = Target::new(config.clone(), key.1.as_deref(), Some(allowed.clone()));
        let pool = self.new_pool(target.map_err(Error::Other)?, index)?;
        pools.insert(key, Entry { index, config, pool: pool.clone(), used: now });
        Ok(pool)
    }

    fn new_pool(&self, target: Target, index: usize) -> Result<managed::Pool<PoolManager>, Error> {
        let manager =
            Arc::new(Manager::new(target, self.settings.silence, self.tallies[index].clone()));
        let pool = managed::Pool::builder(PoolManager(manager))
            .max_size(self.settings.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(CREATE_TIMEOUT))
            .recycle_timeout(Some(RECYCLE_TIMEOUT))
            .build()
            .map_err(|error| Error::Other(error.to_string()))?;
        tokio::spawn(let_idle_ones_go(pool.weak()));
        Ok(pool)
    }
}

/// Closes connections that nobody has used for a while, so that a failover or a busy hour leaves
/// none behind that another pod may want.
async fn let_idle_ones_go(pool: WeakPool<PoolManager>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.retain(|_, metrics| metrics.last_used() < IDLE_TIMEOUT);
    }
}
