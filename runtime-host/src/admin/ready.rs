//! Whether this process should get requests.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::Admin;
use crate::database::migrate;

/// How long an answer about the database holds, so that probes cannot pile up.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Time for one look at the database.
const TIMEOUT: Duration = Duration::from_secs(5);
const OK: &str = "ok";

/// What a request for `/readyz` leaves out, as of Kubernetes's own: a pod that
/// answers reads without its database may stay in its Service.
#[derive(Clone, Copy, Default)]
pub struct Excluded {
    database: bool,
}

impl Excluded {
    pub fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut excluded = Self::default();
        for pair in query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            match pair {
                "exclude=database" => excluded.database = true,
                _ => return Err("the only query is exclude=database\n".into()),
            }
        }
        Ok(excluded)
    }
}

/// Every condition by name, and whether all of them hold.
pub async fn look(admin: &Admin, excluded: Excluded) -> (bool, Value) {
    let server = &admin.server;
    let mut checks = Map::new();
    let component = if server.live.load().is_some() { OK } else { "no component is live yet" };
    checks.insert("component".into(), component.into());
    if let Some(database) = &admin.database
        && !excluded.database
    {
        checks.insert("database".into(), database.look().await.into());
    }
    let stopping = server.stopping.load(Ordering::Relaxed);
    let shutdown = if stopping { "the process is about to stop" } else { OK };
    checks.insert("shutdown".into(), shutdown.into());
    let ready = checks.values().all(|value| value == OK);
    checks.insert("ready".into(), ready.into());
    (ready, checks.into())
}

/// The database that a manifest names, as the host itself reaches it.
pub struct Database {
    database: migrate::Database,
    /// Locked while somebody looks: the others wait for what comes of it.
    last: Mutex<Option<(Instant, String)>>,
}

impl Database {
    pub fn new(database: migrate::Database) -> Self {
        Self { database, last: Mutex::new(None) }
    }

    /// [`OK`], or what is wrong.
    async fn look(&self) -> String {
        let mut last = self.last.lock().await;
        if let Some((when, found)) = &*last
            && when.elapsed() < REMEMBERED
        {
            return found.clone();
        }
        let connect = spin_postgres::connect(&self.database.address, self.database.ca.as_deref());
        let found = match tokio::time::timeout(TIMEOUT, connect).await {
            Ok(Ok(_)) => OK.to_owned(),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("no connection within {TIMEOUT:?}"),
        };
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_can_be_left_out() {
        assert!(!Excluded::parse(None).unwrap().database);
        assert!(!Excluded::parse(Some("")).unwrap().database);
        assert!(Excluded::parse(Some("exclude=database")).unwrap().database);
        assert!(Excluded::parse(Some("exclude=component")).is_err());
        assert!(Excluded::parse(Some("verbose")).is_err());
    }
}
