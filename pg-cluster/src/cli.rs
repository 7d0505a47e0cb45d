//! The command line.

use std::{convert::Infallible, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::moment::Moment;

mod global;

pub use global::{Global, Output};

/// Makes and looks after a PostgreSQL primary and its streaming replicas on Kubernetes.
///
/// Exit codes: 0 done, or healthy; 1 failed; 2 wrong usage or configuration;
/// and of `status`: 3 degraded, 4 unprotected, 5 no primary, 6 unknown.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the cluster, or bring it to what the configuration says
    Init {
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Show who is primary, how far behind the others are, and what to do
    Status {
        /// Show it again every second, until interrupted
        #[arg(long, short)]
        watch: bool,
    },
    /// Show what `init` would change
    Diff,
    /// Print the objects as YAML, without Secrets
    Render,
    /// Make another member primary
    Switchover {
        /// The member to promote [default: the one at home in main, else the synchronous standby]
        #[arg(long)]
        to: Option<String>,
    },
    /// Copy the primary over a replica that cannot catch up
    Reinit {
        /// The replica
        member: String,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "3600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Promote a replica while nobody is primary, though it may lack acknowledged writes
    Failover {
        /// The replica to promote
        #[arg(long)]
        to: String,
        /// What is said to be lost may be lost
        #[arg(long)]
        accept_data_loss: bool,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Have Patroni do nothing by itself: no failover, no restart
    Pause,
    /// End a pause
    Resume,
    /// Restart the members that wait for it, one at a time and the primary last
    Restart {
        /// Every member, whether it waits for one or not
        #[arg(long)]
        all: bool,
        /// Give up waiting for one member after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Bring the cluster to the major version of PostgreSQL that postgres.toml says
    Upgrade {
        /// The major version, as postgres.toml has it
        #[arg(long, value_name = "MAJOR", value_parser = number)]
        to: i32,
        /// Only say whether it would do; nobody is disturbed
        #[arg(long)]
        check: bool,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "86400", value_parser = seconds)]
        timeout: Duration,
    },
    /// Make new passwords: for every role and for Patroni's own users, or for some of them
    RotatePasswords {
        /// This role's alone
        #[arg(long, conflicts_with = "system")]
        role: Option<String>,
        /// Those of Patroni's users alone: superuser, replication, rewind and its API
        #[arg(long)]
        system: bool,
        /// Give up waiting for one member after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Replace the CA, one step at a time: run it again when every client has read ca.crt
    RotateCa {
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Change how many members the set of replicas has
    Scale {
        /// Members of the set
        #[arg(value_parser = number)]
        replicas: i32,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Open psql through a port-forward; what follows -- goes to psql
    Psql {
        /// Connect to a replica
        #[arg(long)]
        replica: bool,
        /// Role to connect as [default: the superuser]
        #[arg(long)]
        role: Option<String>,
        /// Database [default: the role's own]
        #[arg(long)]
        database: Option<String>,
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Back up into the archive that [backup] names, and look at what is there
    Backup {
        #[command(subcommand)]
        action: BackupAction,
        /// What `export --to` was called once
        #[arg(long, hide = true, value_parser = |_: &str| Err::<Infallible, _>("`backup --to FILE` is `export --to FILE` now"))]
        to: Option<Infallible>,
    },
    /// Bring the whole cluster back to a moment of its archive
    Restore {
        /// A time with its zone, an LSN, or latest
        #[arg(long)]
        at: Moment,
        /// Don't keep what is there now, which takes as much room again
        #[arg(long)]
        discard: bool,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "86400", value_parser = seconds)]
        timeout: Duration,
        /// What `import --from` was called once
        #[arg(long, hide = true, value_parser = |_: &str| Err::<Infallible, _>("`restore --from FILE` is `import --from FILE` now"))]
        from: Option<Infallible>,
    },
    /// Make this environment's cluster as a copy of another's, at a moment of its archive
    Clone {
        /// The environment to copy, which is only read
        #[arg(long, value_name = "ENV")]
        from: String,
        /// A time with its zone, an LSN, or latest
        #[arg(long)]
        at: Moment,
        /// SQL to run in the database before anybody can connect
        #[arg(long, value_name = "FILE")]
        mask: Option<PathBuf>,
        /// The database of --mask [default: the only one]
        #[arg(long, requires = "mask")]
        database: Option<String>,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "86400", value_parser = seconds)]
        timeout: Duration,
    },
    /// Dump a database into a file on this machine, and read it back to check it
    Export {
        /// A new file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Database [default: the only one]
        #[arg(long)]
        database: Option<String>,
        /// Dump from the primary instead of a replica
        #[arg(long)]
        primary: bool,
    },
    /// Read a dump, or what a server elsewhere has, into an empty database
    Import {
        /// A file that `export` made, or `postgres://USER@HOST/DATABASE`, whose password is in PGPASSWORD
        #[arg(long, value_name = "FILE|URI")]
        from: String,
        /// Database [default: the only one]
        #[arg(long)]
        database: Option<String>,
    },
    /// Take the cluster away; volumes and passwords stay unless told otherwise
    Destroy {
        /// Delete the volumes and passwords, too
        #[arg(long)]
        delete_volumes: bool,
        /// The cluster's name, instead of typing it when asked
        #[arg(long)]
        name: Option<String>,
        /// Give up waiting after this many seconds
        #[arg(long, default_value = "600", value_parser = seconds)]
        timeout: Duration,
    },
    /// Print a completion script
    Completions { shell: Shell },
}

#[derive(Clone, Debug, Subcommand)]
pub enum BackupAction {
    /// Take a backup now, from a replica if one streams
    Now {
        /// All of it, or what differs from the last full one
        #[arg(long = "type", value_enum, default_value_t)]
        kind: Kind,
        /// Give up waiting after this many seconds; the backup goes on
        #[arg(long, default_value = "86400", value_parser = seconds)]
        timeout: Duration,
    },
    /// List the backups that are whole
    List,
    /// Read every file of the archive and compare it with its checksum
    Verify {
        /// Give up after this many seconds
        #[arg(long, default_value = "86400", value_parser = seconds)]
        timeout: Duration,
    },
    /// Restore the newest backup into a throw-away pod, and look through all of it
    Drill {
        /// Give up waiting after this many seconds; the drill goes on
        #[arg(long, default_value = "86400", value_parser = seconds)]
        timeout: Duration,
    },
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Kind {
    #[default]
    Full,
    Diff,
}

fn number(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| "write a whole number".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "write a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_old_spelling_does_nothing_but_say_the_new_one() {
        let old = [
            ("backup --to a.dump", "`export --to FILE`"),
            ("backup --to a.dump now", "`export --to FILE`"),
            ("restore --from a.dump", "`import --from FILE`"),
            ("restore --at latest --from a.dump", "`import --from FILE`"),
        ];
        for (old, new) in old {
            let words = format!("pg-cluster {old}");
            let told = Cli::try_parse_from(words.split(' ')).unwrap_err();
            assert!(told.to_string().contains(new), "{old}: {told}");
        }
    }
}
