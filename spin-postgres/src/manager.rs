//! How connections to one address are made, and what is known of its servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::by_statement::ByStatement;
use crate::connect::{NoConnection, Target};
use crate::effects::Effects;
use crate::pooler::Described;

/// What became of the connections to one address, for good.
#[derive(Debug, Default)]
pub struct Tally {
    pub created: AtomicU64,
    /// Those that had to be cleaned between two borrowers, each time.
    pub cleaned: AtomicU64,
}

/// Logins at the same time. One costs a server and a client more than most statements do: where
/// sixteen share a busy processor, those who wait for them could have had a connection that others gave
/// back long ago.
const LOGINS: usize = 2;

/// Turns to log in.
pub struct Logins(Arc<Semaphore>);

impl Default for Logins {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOGINS)))
    }
}

impl Logins {
    /// It lasts until what is returned is dropped.
    pub async fn turn(&self) -> OwnedSemaphorePermit {
        let turn = self.0.clone().acquire_owned().await;
        turn.unwrap_or_else(|_| unreachable!("it is never closed"))
    }

    pub fn under_way(&self) -> usize {
        LOGINS.saturating_sub(self.0.available_permits())
    }
}

/// Makes connections to one address.
pub struct Manager {
    pub target: Target,
    pub tally: Arc<Tally>,
    pub silence: Duration,
    pub logins: Logins,
    /// Tells one of those who wait that a connection is free again.
    pub given_back: Notify,
    /// How often a server turned out to be gone, frozen or no primary any more.
    doubts: AtomicU64,
    /// Why the latest attempt to connect failed, until one succeeds.
    down: Mutex<Option<NoConnection>>,
    /// `None` for a statement that cannot be run.
    pub effects: ByStatement<Option<Effects>>,
    /// For connections through a pooler.
    pub described: Described,
    /// Held by whoever looks whether that is still so.
    looking: tokio::sync::Mutex<()>,
}

impl Manager {
    pub fn new(target: Target, silence: Duration, tally: Arc<Tally>) -> Self {
        Self {
            target,
            tally,
            silence,
            logins: Logins::default(),
            given_back: Notify::new(),
            doubts: AtomicU64::new(0),
            down: Mutex::default(),
            effects: ByStatement::default(),
            described: Described::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    pub fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Relaxed)
    }

    /// The server of one connection has failed it. The others, made before now,
    /// are most likely to the same: they are replaced instead of failing too.
    pub fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::Relaxed);
    }

    /// Connects. While nothing answers, one at a time tries, and the others are
    /// told at once what the last one found: hosts that are frozen take seconds
    /// each, in which a read could be answered from elsewhere.
    pub async fn connect(&self) -> Result<(Client, JoinHandle<()>), NoConnection> {
        let known = self.down.lock().clone();
        let _looking = match (known, self.looking.try_lock()) {
            (None, _) => None,
            (Some(_), Ok(looking)) => Some(looking),
            (Some(reason), Err(_)) => return Err(reason),
        };
        let result = self.target.connect().await;
        *self.down.lock() = result.as_ref().err().cloned();
        result
    }
}
