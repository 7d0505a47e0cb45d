//! The roles that Patroni itself logs in with, as Patroni makes them, whatever somebody did to them since.

use anyhow::Result;

use super::Live;
use crate::{
    passwords::{Passwords, system_roles},
    role_passwords, scram,
};

/// What `pg_rewind` reads of a primary.
pub const READS_OF_REWIND: [&str; 4] = [
    "pg_ls_dir(text, boolean, boolean)",
    "pg_stat_file(text, boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text, bigint, bigint, boolean)",
];

/// None of them waits for a standby: it may be one that cannot log in.
pub fn statements(passwords: &Passwords, live: &Live) -> Result<Vec<(String, String)>> {
    let mut wanted = Vec::new();
    let mut want = |what: String, statement: &str| {
        wanted.push((what, role_passwords::together(statement)));
    };
    for (name, password) in system_roles(&passwords.system) {
        let replicates = name == "replicator";
        let may = if replicates { " replication" } else { "" };
        let Some(found) = live.roles.iter().find(|live| live.name == name) else {
            let verifier = scram::verifier(password.expose())?;
            let create = format!("create role \"{name}\" with login{may} password '{verifier}';");
            want(format!("role {name}"), &create);
            continue;
        };
        let may_log_in = found.can_login && found.connection_limit == -1 && !found.ends;
        if !may_log_in || (replicates && !found.replicates) {
            let alter = format!(
                "alter role \"{name}\" with login{may} connection limit -1 valid until 'infinity';"
            );
            want(format!("role {name}"), &alter);
        }
        if let Some(change) = role_passwords::change(name, password, Some(&found.verifier))? {
            want(format!("password of {name}"), &change);
        }
    }
    if !live.rewind_reads {
        let all = READS_OF_REWIND.join(", ");
        want(
            "reads of pg_rewind".to_owned(),
            &format!("grant execute on function {all} to rewind;"),
        );
    }
    if !live.rewind_is_reserved {
        want(
            "connections for pg_rewind".to_owned(),
            "grant pg_use_reserved_connections to rewind;",
        );
    }
    Ok(wanted)
}
