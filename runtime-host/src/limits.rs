//! The limits of a host, each with its flag, its default and its bounds.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::Result;
use clap::{Command, FromArgMatches as _, value_parser};
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

pub mod units;

use units::{Size, size, time};

use crate::address;
use crate::error::misconfigured;

/// Open files beside those of clients and of outgoing requests: databases, the host's own.
const OPEN_FILES: rlim_t = 128;

/// What clients and components may take. Read once, then shared by value.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Requests with the component at the same time; one too many waits for a second, then gets 503
    #[arg(long, value_name = "NUMBER", default_value_t = 256, hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(1..=4096))]
    pub max_requests: u32,

    /// Requests among them whose body is still coming; one too many waits for a second, then gets
    /// 503 [default: half of --max-requests]
    // Clients that send slowly, or mean harm, leave the other half to everybody else.
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(1..=4096))]
    pub max_uploads: Option<u32>,

    /// Connections at the same time; the next ones get 503. Each takes one open file (`ulimit -n`)
    // Below the usual limit of 1,024 open files, with room for the database.
    #[arg(long, value_name = "NUMBER", default_value_t = 768, hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(1..=65_536))]
    pub max_connections: u32,

    /// Time until a response begins; then 504
    // Longer than a page may take, shorter than what browsers and load balancers wait.
    #[arg(long, value_name = "TIME", default_value = "30s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(1)))]
    pub request_timeout: Duration,

    /// Time for the rest of a response, however slowly it is read, and for what the component
    /// does after it
    #[arg(long, value_name = "TIME", default_value = "5m", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(24)))]
    pub response_timeout: Duration,

    /// CPU time of the component for one request; then 504
    // Well over what a page needs, and well under the time after which clients give up.
    #[arg(long, value_name = "TIME", default_value = "5s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(1)))]
    pub cpu_timeout: Duration,

    /// Memory of one instance of the component; then it traps
    // A component of this kind takes a few MiB; the bound keeps a leaking one
    // from taking its neighbours along.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", hide_short_help = true)]
    #[arg(value_parser = size(1 << 20, 4 << 30))]
    pub guest_memory: u64,

    /// Memory of all instances together; one more request then gets 503
    // Leaves room in a container for the host, for results of the database, and for compiling.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", hide_short_help = true)]
    #[arg(value_parser = size(1 << 20, 1 << 40))]
    pub all_guests_memory: u64,

    /// Largest body of a request; beyond it 413
    #[arg(long, value_name = "SIZE", default_value = "10MiB", hide_short_help = true)]
    #[arg(value_parser = size(1, 1 << 40))]
    pub max_body: u64,

    /// Largest head of a request (request line and headers, at most 100 of them); beyond it 431
    // Many clients' cookies fit, and nobody's novel. hyper's own minimum is 8 KiB.
    #[arg(long, value_name = "SIZE", default_value = "64KiB", hide_short_help = true)]
    #[arg(value_parser = size(8 << 10, 16 << 20))]
    pub max_head: u64,

    /// Time for a request's head; then its connection is closed
    #[arg(long, value_name = "TIME", default_value = "30s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(1)))]
    pub header_timeout: Duration,

    /// Time for a kept connection to begin its next request: longer than the load balancer keeps it
    // AWS and nginx keep theirs for 60 s: whoever closes first must not be the one that is asked.
    #[arg(long, value_name = "TIME", default_value = "75s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(24)))]
    pub idle_timeout: Duration,

    /// Proxies whose `X-Forwarded-For` or `Forwarded` tells the client's address, as networks or
    /// addresses
    #[arg(long, value_name = "CIDR,…", value_delimiter = ',', hide_short_help = true)]
    #[arg(value_parser = address::network)]
    pub trusted_proxies: Vec<ipnet::IpNet>,

    /// Longest pause of a client that sends a body (then 408) or reads one (then it is cut). One that
    /// sends fewer than 500 bytes a second gets no further pause
    #[arg(long, value_name = "TIME", default_value = "20s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(1)))]
    pub body_timeout: Duration,

    /// Requests that one instance takes, one after the other, which bounds what a leak can gather
    #[arg(long, value_name = "NUMBER", default_value_t = 128, hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub instance_reuse: u32,

    /// Requests of the component under way at the same time; one too many waits as long as its
    /// connection may take, then it fails. Each takes one open file
    #[arg(long, value_name = "NUMBER", default_value_t = 128, hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(1..=65_536))]
    pub max_outbound_requests: u32,

    /// Connections to one database address. All pods together must stay under its `max_connections`
    // PostgreSQL serves few busy connections faster than many, and takes 100
    // in all by default, from every client together.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,

    /// Longest silence of the database during a statement; then its connection is given up
    // A frozen server keeps its connections open: nothing else would tell.
    #[arg(long, value_name = "TIME", default_value = "10s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(10), Duration::from_hours(1)))]
    pub database_timeout: Duration,

    /// Time that requests under way get to end at a stop
    #[arg(long, value_name = "TIME", default_value = "30s", hide_short_help = true)]
    #[arg(value_parser = time(Duration::ZERO, Duration::from_hours(1)))]
    pub drain_timeout: Duration,

    /// Time to go on serving at a stop, until load balancers have noticed it [default: 0]
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    #[arg(value_parser = time(Duration::ZERO, Duration::from_hours(1)))]
    pub shutdown_delay: Option<Duration>,
}

impl Limits {
    /// Refuses limits that contradict each other.
    pub fn check(&self) -> Result<()> {
        if self.all_guests_memory < self.guest_memory {
            return Err(misconfigured!(
                "--all-guests-memory is {}, and --guest-memory {}: an instance alone may take no \
                 more than all together, so lower the one or raise the other",
                Size(self.all_guests_memory),
                Size(self.guest_memory)
            ));
        }
        Ok(())
    }

    /// Raises the limit of open files as far as the system lets it, and says
    /// when that is too little for the limit of connections.
    pub fn raise_open_files(&self) {
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
        let needed = rlim_t::from(self.max_connections)
            + rlim_t::from(self.max_outbound_requests)
            + OPEN_FILES;
        let wanted = needed.clamp(soft, hard.max(soft));
        if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err()
            || wanted < needed
        {
            tracing::warn!(
                "{} connections may need {needed} open files, and {hard} are allowed: raise the \
                 limit (`ulimit -n`) or lower --max-connections",
                self.max_connections
            );
        }
    }

    /// How many of the requests may wait for their bodies.
    pub fn max_uploads(&self) -> usize {
        self.max_uploads.unwrap_or(self.max_requests / 2).max(1) as usize
    }

    /// The memory of an instance, as wasmtime counts it.
    pub fn guest_memory(&self) -> usize {
        usize::try_from(self.guest_memory).unwrap_or(usize::MAX)
    }
}

impl Default for Limits {
    /// What the flags say when none is given.
    fn default() -> Self {
        let command = <Self as clap::Args>::augment_args(Command::new("limits"));
        let matches = command.no_binary_name(true).get_matches_from(Vec::<OsString>::new());
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_within_its_bounds() {
        let limits = Limits::default();
        assert_eq!(limits.max_requests, 256);
        assert_eq!(limits.request_timeout, Duration::from_secs(30));
        assert_eq!(limits.guest_memory, 256 << 20);
        assert_eq!(limits.shutdown_delay, None);
    }
}
