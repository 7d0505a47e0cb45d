//! The role of the exporter: it reads statistics, has no password, and goes when nobody wants the exporter any more.

use super::Live;
use crate::{env::Env, objects::exporter::ROLE};

/// One that it keeps, and one for each Prometheus that asks at once.
const CONNECTIONS: i32 = 5;

pub fn statements(env: &Env, live: &Live) -> Vec<(String, String)> {
    let mut wanted = Vec::new();
    let mut want = |what: String, statement| wanted.push((what, statement));
    let found = live.roles.iter().find(|role| role.name == ROLE);
    if !env.exporter {
        // Ours has no password; somebody else's of that name is theirs.
        if found.is_some_and(|it| it.can_login && it.monitors && it.verifier.is_none()) {
            let close = format!(
                "alter role \"{ROLE}\" nologin; select pg_terminate_backend(pid) from pg_stat_activity where usename = '{ROLE}';"
            );
            want(format!("end of the role {ROLE}"), close);
        }
        return wanted;
    }
    let is_right = found.is_some_and(|it| {
        it.can_login && !it.ends && it.connection_limit == CONNECTIONS && it.verifier.is_none()
    });
    if !is_right {
        let verb = if found.is_some() { "alter" } else { "create" };
        let statement = format!(
            "{verb} role \"{ROLE}\" with login connection limit {CONNECTIONS} password null valid until 'infinity';"
        );
        want(format!("role {ROLE}"), statement);
    }
    if !found.is_some_and(|it| it.monitors) {
        want(format!("reads of {ROLE}"), format!("grant pg_monitor to \"{ROLE}\";"));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::LiveRole;

    fn made(exporter: bool, role: Option<LiveRole>) -> Vec<String> {
        let text =
            format!("name = \"a\"\nimage = \"a:1\"\nmonitors = [\"m\"]\nexporter = {exporter}");
        let env = Env::parse(&text, "dev").unwrap();
        let live = Live { roles: role.into_iter().collect(), ..Live::default() };
        statements(&env, &live).into_iter().map(|(_, statement)| statement).collect()
    }

    fn role() -> LiveRole {
        LiveRole {
            name: ROLE.to_owned(),
            connection_limit: CONNECTIONS,
            can_login: true,
            ends: false,
            replicates: false,
            verifier: None,
            reads_all: false,
            monitors: true,
        }
    }

    #[test]
    fn it_is_made_put_right_and_left_alone() {
        let (right, grant) = (
            "role \"pg-exporter\" with login connection limit 5 password null valid until 'infinity';",
            "grant pg_monitor to \"pg-exporter\";",
        );
        let (create, alter) = (format!("create {right}"), format!("alter {right}"));
        assert_eq!(made(true, None), [&*create, grant]);
        assert_eq!(made(true, Some(role())), [""; 0]);
        assert_eq!(made(true, Some(LiveRole { monitors: false, ..role() })), [grant]);
        for wrong in [
            LiveRole { can_login: false, ..role() },
            LiveRole { connection_limit: -1, ..role() },
            LiveRole { ends: true, ..role() },
            LiveRole { verifier: Some("SCRAM-SHA-256$".to_owned()), ..role() },
        ] {
            assert_eq!(made(true, Some(wrong)), [&*alter]);
        }
    }

    #[test]
    fn it_loses_its_login_with_the_exporter_and_nobody_else_s_does() {
        assert_eq!(made(false, None), [""; 0]);
        let closed = made(false, Some(role()));
        assert!(closed[0].starts_with("alter role \"pg-exporter\" nologin;"), "{closed:?}");
        for other in [
            LiveRole { can_login: false, ..role() },
            LiveRole { verifier: Some("SCRAM-SHA-256$".to_owned()), ..role() },
            LiveRole { monitors: false, ..role() },
        ] {
            assert_eq!(made(false, Some(other)), [""; 0]);
        }
    }
}
