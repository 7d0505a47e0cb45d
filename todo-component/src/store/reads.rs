//! Who answers a read. Without replicas: the primary. With them:
//!
//! 1. A read that shows the position of a write goes to a replica, which
//!    answers if it has replayed that write.
//! 2. Any other goes to the primary, and so does what the replica refused.
//! 3. While the primary does not answer, the synchronous standby does.

use super::Store;
use super::address::{Addresses, Connection};
use super::error::Error;
use super::listing::Statement;
use super::members::Members;
use super::row::{Row, json};
use super::source::Source;
use super::sql;
use crate::clock::{first, within};
use crate::position::Position;
use serde::de::DeserializeOwned;
use spin_sdk::pg::ParameterValue;
use spin_sdk::time::sleep;
use std::time::Duration;

/// How long a replica may take; the primary is asked after that.
const REPLICA: Duration = Duration::from_secs(1);
/// How long the primary may take while there is somebody else to ask. A frozen
/// one accepts connections and says nothing.
const PRIMARY: Duration = Duration::from_secs(2);
/// How long one that has not answered is waited for, beside asking others. Then another connection
/// may lead to another server.
const SLOW_PRIMARY: Duration = Duration::from_secs(4);
/// How long a read looks for somebody who may answer it: a standby has to
/// replay what it received, or is being promoted.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The JSON that a read found, if there was any. It is parsed at the very end:
/// what is generic is compiled once for each type.
pub type Found = Option<String>;

/// A statement that only reads. It gives one row at most, of one JSON value.
pub struct Read {
    sql: String,
    params: Vec<ParameterValue>,
}

impl Read {
    pub fn new((sql, params): Statement) -> Self {
        Self { sql, params }
    }

    pub async fn on(&self, connection: &Connection) -> Result<Found, Error> {
        let row = Row::first(connection, &self.sql, self.params.clone()).await;
        row.map_err(Error::changing_nothing)?.map_or(Ok(None), |row| row.into_text(0))
    }

    async fn on_primary(&self, addresses: &Addresses) -> Result<Found, Error> {
        self.on(&addresses.primary().await?).await
    }

    /// `None` if the replica is behind `position`.
    async fn on_replica(
        &self,
        replica: &Connection,
        position: Position,
    ) -> Result<Option<Found>, Error> {
        let mut params = self.params.clone();
        params.push(position.to_string().into());
        let sql = sql::on_replica(&self.sql, self.params.len());
        let row = Row::only(replica, &sql, params).await?;
        if !row.is_true(0) {
            // Promoted since the connection was made. The next one leads elsewhere;
            // this statement ends by losing its connection.
            let _ = Row::first(replica, sql::HANG_UP, vec![]).await;
            return Ok(None);
        }
        if row.is_true(1) { row.into_text(2).map(Some) } else { Ok(None) }
    }
}

impl Store {
    pub(super) async fn read<T: DeserializeOwned>(&self, read: Read) -> Result<Option<T>, Error> {
        self.find(&read).await?.map(|text| json(&text)).transpose()
    }

    async fn find(&self, read: &Read) -> Result<Found, Error> {
        let addresses = Addresses::read().await?;
        let Some(replica) = &addresses.replica else { return read.on_primary(&addresses).await };
        if let Some(position) = self.shown.latest {
            let replayed = within(REPLICA, async {
                read.on_replica(&addresses.open(replica).await?, position).await
            });
            // Whatever is wrong with a replica, the primary can answer.
            if let Some(Ok(Some(found))) = replayed.await {
                self.source.set(Some(Source::Replica));
                return Ok(found);
            }
        }
        let found = within(PATIENCE, self.search(read, &addresses)).await;
        let (source, found) = found.unwrap_or_else(|| {
            Err(Error::Unavailable("no primary, and no standby that has every write".to_owned()))
        })?;
        self.source.set(Some(source));
        Ok(found)
    }

    /// Asks the primary, and when it does not answer, it and the standbys
    /// until somebody does.
    async fn search(&self, read: &Read, addresses: &Addresses) -> Result<(Source, Found), Error> {
        let primary = async || settled(Source::Primary, read.on_primary(addresses).await);
        let standby = async || {
            let members = Members::ask(addresses, self.shown.latest).await;
            let (source, connection) = members.complete()?;
            settled(source, within(PRIMARY, read.on(&connection)).await?)
        };
        let mut asked = Box::pin(primary());
        let answered = within(PRIMARY, asked.as_mut()).await;
        if let Some(Some(answer)) = answered {
            return answer;
        }
        // A primary that is only slow may still answer: to ask it again would make it slower.
        let at_last = async move {
            if answered.is_none()
                && let Some(Some(answer)) = within(SLOW_PRIMARY, asked).await
            {
                return answer;
            }
            again(async || within(SLOW_PRIMARY, primary()).await.flatten()).await
        };
        first(again(standby), at_last).await
    }
}

fn settled(source: Source, found: Result<Found, Error>) -> Option<Result<(Source, Found), Error>> {
    match found {
        Err(error) if error.passes() => None,
        found => Some(found.map(|found| (source, found))),
    }
}

/// Repeats a step, ever more slowly, until it gives something.
async fn again<T>(step: impl AsyncFn() -> Option<T>) -> T {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = step().await {
            return found;
        }
        sleep(pause).await;
        pause *= 2;
    }
}
