//! The servers of the cluster, each asked by itself: for when the primary's
//! address leads nowhere.

use super::address::{Addresses, Connection};
use super::row::Row;
use super::source::Source;
use super::sql;
use crate::clock::{together, within};
use crate::position::Position;
use spin_sdk::pg::ParameterValue;
use std::time::Duration;

/// How long one server has to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a server says of itself.
#[derive(Debug, Clone, Copy)]
struct State {
    standby: bool,
    /// WAL that it got from a primary and has on disk; unknown after a restart.
    received: Option<i64>,
    replayed: Option<i64>,
    /// Whether the position that the reader shows has been replayed.
    position_replayed: bool,
}

/// Where a read or a write may go instead.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// The index of the only server that is no standby.
    Primary(usize),
    /// The index of a standby that has every acknowledged write.
    Standby(usize),
    None,
}

/// The servers that answered.
pub struct Members {
    connections: Vec<Connection>,
    choice: Choice,
}

impl Members {
    /// Asks all of them at once, and waits for no more than it takes to find a
    /// standby. `shown` is what that has to have.
    pub async fn ask(addresses: &Addresses, shown: Option<Position>) -> Self {
        let asked = addresses.members.iter().map(|address| async move {
            within(PATIENCE, async {
                let connection = addresses.open(address).await.ok()?;
                let state = State::of(&connection, shown).await?;
                Some((state, connection))
            })
            .await
            .flatten()
        });
        let members = addresses.members.len();
        let choose = |answers: &[Option<(State, Connection)>]| {
            let states: Vec<_> = answers.iter().flatten().map(|(state, _)| *state).collect();
            choose(members, &states)
        };
        let answers =
            together(asked, |answers| matches!(choose(answers), Choice::Standby(_))).await;
        let choice = choose(&answers);
        Self { choice, connections: answers.into_iter().flatten().map(|(_, c)| c).collect() }
    }

    pub fn primary(mut self) -> Option<Connection> {
        match self.choice {
            Choice::Primary(index) => Some(self.connections.swap_remove(index)),
            Choice::Standby(_) | Choice::None => None,
        }
    }

    /// A server that has every acknowledged write.
    pub fn complete(mut self) -> Option<(Source, Connection)> {
        let (source, index) = match self.choice {
            Choice::Primary(index) => (Source::Primary, index),
            Choice::Standby(index) => (Source::Standby, index),
            Choice::None => return None,
        };
        Some((source, self.connections.swap_remove(index)))
    }
}

impl State {
    async fn of(connection: &Connection, shown: Option<Position>) -> Option<Self> {
        let shown = shown.map_or(ParameterValue::DbNull, |shown| shown.to_string().into());
        let row = Row::only(connection, sql::MEMBER, vec![shown]).await.ok()?;
        Some(Self {
            standby: row.is_true(0),
            received: row.number(1),
            replayed: row.number(2),
            position_replayed: row.is_true(3),
        })
    }
}

/// Which standby is synchronous, only the primary knows. But a synchronous one
/// has every acknowledged write on its disk before the acknowledgement, so when
/// all servers but one are standbys that have streamed, and that one is the
/// lost primary, then whoever has received most has everything; and can show it
/// once it has replayed what it has received.
fn choose(members: usize, states: &[State]) -> Choice {
    let primaries: Vec<_> = (0..states.len()).filter(|&index| !states[index].standby).collect();
    match primaries[..] {
        [] => {}
        [only] => return Choice::Primary(only),
        _ => return Choice::None,
    }
    let streamed = || states.iter().enumerate().filter(|(_, state)| state.received.is_some());
    let needed = members.saturating_sub(1).max(1);
    if streamed().count() < needed {
        return Choice::None;
    }
    let furthest = streamed().max_by_key(|(_, state)| (state.received, state.replayed));
    match furthest {
        Some((index, state)) if state.replayed >= state.received && state.position_replayed => {
            Choice::Standby(index)
        }
        _ => Choice::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMARY: State =
        State { standby: false, received: None, replayed: None, position_replayed: true };

    fn standby(received: i64, replayed: i64) -> State {
        State {
            standby: true,
            received: Some(received),
            replayed: Some(replayed),
            position_replayed: true,
        }
    }

    #[test]
    fn the_standby_that_is_left_of_two_servers_is_read() {
        assert_eq!(choose(2, &[standby(9, 9)]), Choice::Standby(0));
        assert_eq!(choose(1, &[standby(9, 9)]), Choice::Standby(0));
        assert_eq!(choose(2, &[]), Choice::None);
        assert_eq!(choose(0, &[]), Choice::None);
    }

    #[test]
    fn a_standby_that_replays_still_is_waited_for() {
        assert_eq!(choose(2, &[standby(9, 8)]), Choice::None);
        let other = State { position_replayed: false, ..standby(9, 9) };
        assert_eq!(choose(2, &[other]), Choice::None);
    }

    #[test]
    fn of_several_standbys_the_one_with_most_is_read() {
        assert_eq!(choose(3, &[standby(7, 7), standby(9, 9)]), Choice::Standby(1));
        assert_eq!(choose(3, &[standby(9, 8), standby(9, 9)]), Choice::Standby(1));
        assert_eq!(choose(3, &[standby(7, 7), standby(9, 8)]), Choice::None);
    }

    #[test]
    fn a_server_too_many_that_is_silent_or_has_not_streamed_may_be_the_synchronous_one() {
        let restarted = State { received: None, ..standby(0, 9) };
        assert_eq!(choose(3, &[standby(9, 9)]), Choice::None);
        assert_eq!(choose(3, &[standby(9, 9), restarted]), Choice::None);
        assert_eq!(choose(2, &[restarted]), Choice::None);
        assert_eq!(choose(2, &[standby(9, 9), restarted]), Choice::Standby(0));
    }

    #[test]
    fn a_server_that_was_promoted_is_the_primary_unless_there_are_two() {
        assert_eq!(choose(3, &[standby(9, 9), PRIMARY]), Choice::Primary(1));
        assert_eq!(choose(3, &[PRIMARY, PRIMARY]), Choice::None);
    }
}
