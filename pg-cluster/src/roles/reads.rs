//! Who reads a database without owning it.

use super::{Live, LiveDatabase};
use crate::env::{Env, Identifier, Role};

/// A reader reads whatever its owner makes later as well, and nowhere else than where it may connect.
pub fn statements(env: &Env, live: &Live) -> Vec<(String, String)> {
    env.roles.iter().flat_map(|(name, role)| of_role(env, live, name, role)).collect()
}

fn of_role(env: &Env, live: &Live, name: &Identifier, role: &Role) -> Vec<(String, String)> {
    let mut wanted = Vec::new();
    let may_connect = |database: &Identifier| {
        let may = |live: &LiveDatabase| live.readers.iter().any(|reader| *reader == **name);
        live.databases.iter().any(|live| live.name == **database && may(live))
    };
    let reads = live.roles.iter().any(|live| live.name == **name && live.reads_all);
    if !role.reads.is_empty() && !reads {
        let grant = format!("grant pg_read_all_data to \"{name}\";");
        wanted.push((format!("reads of {name}"), grant));
    }
    for database in role.reads.iter().filter(|database| !may_connect(database)) {
        let grant = format!("grant connect on database \"{database}\" to \"{name}\";");
        wanted.push((format!("{name}'s way into {database}"), grant));
    }
    // What somebody granted to a role that never was a reader is theirs.
    if !reads {
        return wanted;
    }
    for (database, settings) in &env.databases {
        if settings.owner != *name && !role.reads.contains(database) && may_connect(database) {
            let revoke = format!(
                "revoke connect on database \"{database}\" from \"{name}\"; \
                 select pg_terminate_backend(pid) from pg_stat_activity where usename = '{name}' and datname = '{database}';"
            );
            wanted.push((format!("end of {name}'s way into {database}"), revoke));
        }
    }
    // The last, since it says that there may be more to take back.
    if role.reads.is_empty() {
        let revoke = format!("revoke pg_read_all_data from \"{name}\";");
        wanted.push((format!("end of the reads of {name}"), revoke));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(reads: &str, reads_all: bool, readers: &[&str]) -> Vec<String> {
        let text = format!(
            "name = \"a\"\nimage = \"a:1\"\nroles.app = {{}}\nroles.look = {{ reads = [{reads}], database = \"own\" }}\n\
             databases.todo.owner = \"app\"\ndatabases.own.owner = \"look\""
        );
        let env = Env::parse(&text, "dev").unwrap();
        let database = |name: &str, owner: &str, readers: &[&str]| serde_json::json!({ "name": name, "owner": owner, "open": false, "readers": readers });
        let live = serde_json::json!({
            "roles": [{ "name": "look", "connection_limit": -1, "can_login": true, "verifier": null, "reads_all": reads_all }],
            "databases": [database("todo", "app", readers), database("own", "look", &["look"])],
        });
        let live = serde_json::from_value(live).unwrap();
        statements(&env, &live).into_iter().map(|(_, statement)| statement).collect()
    }

    #[test]
    fn a_reader_is_let_in_and_one_that_no_longer_is_one_is_not() {
        let grants = [
            "grant pg_read_all_data to \"look\";",
            "grant connect on database \"todo\" to \"look\";",
        ];
        assert_eq!(made("\"todo\"", false, &[]), grants);
        assert!(made("\"todo\"", true, &["look"]).is_empty());
        let taken = made("", true, &["look"]);
        assert!(taken[0].starts_with("revoke connect on database \"todo\" from \"look\";"));
        assert_eq!(taken[1..], ["revoke pg_read_all_data from \"look\";"]);
        assert_eq!(made("", true, &[]), ["revoke pg_read_all_data from \"look\";"]);
        assert!(made("", false, &["look"]).is_empty(), "what its owner granted stays");
    }
}
