use super::*;
use crate::{
    password::Password,
    passwords::{Given, system_roles},
};

fn env() -> (Env, Passwords) {
    let text = "name = \"a\"\nimage = \"a:1\"\n[roles.app]\nconnection_limit = 5\n[databases.todo]\nowner = \"app\"";
    let env = Env::parse(text, "dev").unwrap();
    let passwords = Passwords::resolve(&env, &Given::default(), |_, _| None).unwrap();
    (env, passwords)
}

fn role(name: &str, password: &Password) -> LiveRole {
    LiveRole {
        name: name.into(),
        connection_limit: if name == "app" { 5 } else { -1 },
        can_login: true,
        ends: false,
        replicates: name == "replicator",
        verifier: Some(scram::verifier(password.expose()).unwrap()),
        reads_all: false,
        monitors: false,
    }
}

fn database() -> LiveDatabase {
    LiveDatabase {
        name: "todo".into(),
        owner: "app".into(),
        open: false,
        closed: false,
        shuts_owner_out: false,
        readers: vec![],
    }
}

/// A server that has what every one gets.
fn settled(passwords: &Passwords) -> Live {
    Live {
        roles: system_roles(&passwords.system).map(|(name, it)| role(name, it)).collect(),
        rewind_is_reserved: true,
        rewind_reads: true,
        has_statements: true,
        ..Live::default()
    }
}

fn made(env: &Env, passwords: &Passwords, live: &Live) -> Vec<String> {
    let made = statements(env, passwords, live).unwrap();
    made.into_iter().map(|(_, statement)| statement).collect()
}

#[test]
fn what_is_missing_is_made_and_no_password_is_sent() {
    let (env, passwords) = env();
    let made = made(&env, &passwords, &settled(&passwords));
    assert!(made[0].starts_with(
        "create role \"app\" with login connection limit 5 password 'SCRAM-SHA-256$4096:"
    ));
    assert!(!made[0].contains(passwords.roles["app"].expose()));
    assert_eq!(made[1], "create database \"todo\" owner \"app\";");
    assert_eq!(made[2], "revoke all on database \"todo\" from public;");
}

#[test]
fn patroni_s_roles_are_put_right_first_and_wait_for_no_standby() {
    let (_, passwords) = env();
    let least = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
    let changed = |change: &dyn Fn(&mut Live)| {
        let mut live = settled(&passwords);
        change(&mut live);
        made(&least, &passwords, &live)
    };
    assert!(changed(&|_| {}).is_empty());
    let replicator = |live: &mut Live| live.roles.iter().position(|it| it.replicates).unwrap();
    for spoil in [
        &(|role: &mut LiveRole| role.can_login = false) as &dyn Fn(&mut LiveRole),
        &|role| role.ends = true,
        &|role| role.connection_limit = 0,
        &|role| role.replicates = false,
    ] {
        let made = changed(&|live| {
            let at = replicator(live);
            spoil(&mut live.roles[at]);
        });
        assert_eq!(made.len(), 1, "{made:?}");
        assert!(made[0].starts_with("begin;\nset local synchronous_commit = local;\n"));
        let right = "alter role \"replicator\" with login replication connection limit -1 valid until 'infinity';";
        assert!(made[0].contains(right), "{made:?}");
    }
    let gone = changed(&|live| {
        live.roles.retain(|role| role.name != "rewind");
        (live.rewind_reads, live.rewind_is_reserved) = (false, false);
    });
    assert!(gone[0].contains("create role \"rewind\" with login password 'SCRAM-SHA-256$"));
    assert!(gone[1].contains("grant execute on function pg_ls_dir(text, boolean, boolean), "));
    assert!(gone[2].contains("grant pg_use_reserved_connections to rewind;"), "{gone:?}");
}

#[test]
fn a_reader_gets_into_its_databases_alone_and_an_order_is_given_at_birth() {
    let text = "name = \"a\"\nimage = \"a:1\"\nroles.app = {}\nroles.look.reads = [\"todo\"]\n\
                databases.todo = { owner = \"app\", icu_locale = \"de-DE\" }\ndatabases.other.owner = \"look\"";
    let env = Env::parse(text, "dev").unwrap();
    assert_eq!(env.database_of("look").map(|name| &**name), Some("other"));
    let passwords = Passwords::resolve(&env, &Given::default(), |_, _| None).unwrap();
    let made = made(&env, &passwords, &settled(&passwords));
    for statement in [
        "set icu_validation_level = error; create database \"todo\" owner \"app\" template template0 locale_provider icu icu_locale 'de-DE';",
        "grant pg_read_all_data to \"look\";",
        "grant connect on database \"todo\" to \"look\";",
    ] {
        assert!(made.iter().any(|it| it == statement), "{made:?}");
    }
    for wrong in ["roles.app.reads = [\"todo\"]", "roles.app.reads = [\"nothing\"]"] {
        let text = text.replace("roles.app = {}", wrong);
        assert!(Env::parse(&text, "dev").unwrap_err().to_string().contains("roles.app.reads"));
    }
    let text = text.replace("de-DE", "de'; drop");
    assert!(format!("{:#}", Env::parse(&text, "dev").unwrap_err()).contains("ICU"));
}

#[test]
fn a_database_is_closed_to_the_public_and_open_to_its_owner() {
    let (mut env, passwords) = env();
    env.roles.clear();
    for (spoil, right) in [
        (
            &(|it: &mut LiveDatabase| it.open = true) as &dyn Fn(&mut LiveDatabase),
            "revoke all on database \"todo\" from public;",
        ),
        (
            &|it| it.closed = true,
            "alter database \"todo\" with allow_connections true connection limit -1;",
        ),
        (&|it| it.shuts_owner_out = true, "grant all on database \"todo\" to \"app\";"),
    ] {
        let mut database = database();
        spoil(&mut database);
        let live = Live { databases: vec![database], ..settled(&passwords) };
        assert_eq!(made(&env, &passwords, &live), [right]);
        assert!(handed_over(&env, &live).is_empty());
    }
    let other = LiveDatabase { owner: "web".into(), ..database() };
    let live = Live { databases: vec![other], ..settled(&passwords) };
    assert_eq!(handed_over(&env, &live), [("todo", "web", "app")]);
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    let (env, passwords) = env();
    let with = |role: LiveRole| {
        let mut live = Live { databases: vec![database()], ..settled(&passwords) };
        live.roles.push(role);
        made(&env, &passwords, &live)
    };
    let app = || role("app", &passwords.roles["app"]);
    assert!(with(app()).is_empty());
    for wrong in [LiveRole { verifier: None, ..app() }, LiveRole { ends: true, ..app() }] {
        let made = with(wrong);
        assert!(made[0].starts_with("alter role \"app\""), "{made:?}");
        assert!(made[0].ends_with("' valid until 'infinity';"), "{made:?}");
    }
}
