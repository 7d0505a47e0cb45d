//! Where the containers keep things.

/// The major version of PostgreSQL that an image has to have.
pub const MAJOR: u8 = 17;
pub const DATA_VOLUME: &str = "data";
pub const DATA_MOUNT: &str = "/var/lib/postgresql";
/// Below the mount, because PostgreSQL wants 0700 and `fsGroup` makes the mount's root 2770.
pub const DATA_DIR: &str = "/var/lib/postgresql/data";
pub const SOCKET_DIR: &str = "/run/postgresql";
pub const CA_FILE: &str = "/etc/tls/ca.crt";
pub const CERTIFICATE_FILE: &str = "/etc/tls/tls.crt";
pub const KEY_FILE: &str = "/etc/tls/tls.key";

/// Where Debian keeps PostgreSQL's programs.
pub fn programs() -> String {
    format!("/usr/lib/postgresql/{MAJOR}/bin")
}
