//! Where the containers keep things.

use crate::env::Env;

pub const DATA_VOLUME: &str = "data";
pub const DATA_MOUNT: &str = "/var/lib/postgresql";
/// Below the mount, because PostgreSQL wants 0700 and `fsGroup` makes the mount's root 2770.
pub const DATA_DIR: &str = "/var/lib/postgresql/data";
pub const SOCKET_DIR: &str = "/run/postgresql";
pub const CA_FILE: &str = "/etc/tls/ca.crt";
pub const CERTIFICATE_FILE: &str = "/etc/tls/tls.crt";
pub const KEY_FILE: &str = "/etc/tls/tls.key";

/// Where Debian keeps PostgreSQL's programs.
pub fn programs(env: &Env) -> String {
    format!("{ALL_PROGRAMS}{}{BIN}", env.major.get())
}

/// Of which major version a member's configuration is.
pub fn major(patroni_yml: &str) -> Option<i32> {
    let line = patroni_yml.lines().find_map(|line| line.trim().strip_prefix("bin_dir:"))?;
    let place = line.trim().trim_matches(['"', '\'']);
    place.strip_prefix(ALL_PROGRAMS)?.strip_suffix(BIN)?.parse().ok()
}

const ALL_PROGRAMS: &str = "/usr/lib/postgresql/";
const BIN: &str = "/bin";
