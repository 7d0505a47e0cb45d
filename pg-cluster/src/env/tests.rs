use std::path::Path;

use super::*;

const LEAST: &str = "name = \"a\"\nimage = \"a:1\"\n";

fn refused(text: &str) -> String {
    format!("{:#}", Env::parse(&format!("{LEAST}{text}"), "dev").unwrap_err())
}

#[test]
fn the_project_s_own_environments_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for name in ["dev", "staging", "prod"] {
        let env = Env::load(&root, name).unwrap();
        assert_eq!(env.context, name);
        assert!(env.replication.promises_durability());
    }
}

/// `config/dev/postgres.toml` is the reference, so it has every key, with the default where it says nothing else.
#[test]
fn dev_documents_every_key() {
    let text = include_str!("../../../config/dev/postgres.toml");
    let known = toml::to_string(&Env::parse(LEAST, "dev").unwrap()).unwrap();
    let mut keys: Vec<_> =
        known.lines().filter_map(|line| Some(line.split_once(" =")?.0.trim().to_owned())).collect();
    keys.extend(
        ["namespace", "storage_class", "connection_limit", "owner", "node_affinity"]
            .map(str::to_owned),
    );
    for key in keys {
        assert!(
            text.lines().any(|line| line.trim_start_matches("# ").contains(&key)),
            "{key} is not in config/dev/postgres.toml"
        );
    }
    assert_eq!(Env::parse(text, "dev").unwrap().replication, Replication::default());
}

#[test]
fn a_second_database_turns_no_application_to_another_one() {
    let env = |text: &str| Env::parse(&format!("{LEAST}{text}"), "dev").unwrap();
    let one = "[roles.app]\n[databases.todo]\nowner = \"app\"\n";
    assert_eq!(env(one).database_of("app").map(ToString::to_string).as_deref(), Some("todo"));
    let two = format!("{one}[databases.a-copy]\nowner = \"app\"\n");
    assert!(refused(&two).contains("app owns a-copy and todo"));
    let named = two.replace("[roles.app]", "[roles.app]\ndatabase = \"todo\"");
    assert_eq!(env(&named).database_of("app").map(ToString::to_string).as_deref(), Some("todo"));
    let unknown = one.replace("[roles.app]", "[roles.app]\ndatabase = \"nope\"");
    assert!(refused(&unknown).contains("add [databases.nope]"));
    assert_eq!(env("[roles.app]").database_of("app"), None);
}

#[test]
fn an_unknown_key_is_named() {
    assert!(
        refused("[replication]\nmax_wal_sender = 5")
            .contains("unknown field `max_wal_sender`, expected one of")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_said_to_be_missing() {
    let root = tempfile::tempdir().unwrap();
    let load = || format!("{:#}", Env::load(root.path(), "dev").unwrap_err());
    assert!(load().contains("make it from config/dev/postgres.toml"));
    fs::create_dir(root.path().join("dev")).unwrap();
    fs::write(root.path().join("dev/postgres.toml"), b"name = \"\xff\"").unwrap();
    assert!(!load().contains("make it from") && load().contains("UTF-8"), "{}", load());
}

#[test]
fn a_secret_in_the_wrong_file_is_not_shown() {
    for text in [
        "[roles.a]\npassword = \"hunter2\"",
        "backup.s3 = { bucket = \"b\", endpoint = \"e\", region = \"r\", key = \"hunter2\" }",
        "backup.s3 = { bucket = \"b\", secret = \"hunter2\" }",
    ] {
        let error = refused(text);
        assert!(error.contains("belong in secrets.yaml") && !error.contains("hunter2"), "{error}");
    }
    let cut = refused("[roles.a]\npassword = \"hunter2");
    assert!(cut.contains("line 4: ") && !cut.contains("hunter2"), "{cut}");
}

#[test]
fn what_patroni_would_replace_is_refused_with_what_to_write() {
    for (text, advice) in [
        ("[replication]\nmax_wal_senders = 2", "write 3 to 1000"),
        ("[replication]\nmax_replication_slots = 2", "write 4 to 1000"),
        ("[replication]\nttl = 10", "write 20 to 3600"),
        ("[replication]\nretry_timeout = 10", "write ttl = 22"),
        ("[replication]\nwal_sender_timeout = 20", "write 19 or less"),
        ("[replication]\nwal_level = \"minimal\"", "expected `replica` or `logical`"),
        ("[parameters]\nmax_connections = 10", "write 25 or more"),
        ("[parameters]\nwal_keep_size = \"1MB\"", "write \"16MB\" or more"),
        ("[parameters]\nwal_level = \"replica\"", "write it under [replication]"),
        ("[parameters]\nport = 15432", "it is 5432"),
        ("[parameters]\nlisten_addresses = \"*\"", "Services and the NetworkPolicy"),
        ("[parameters]\nfsync = false", "loses acknowledged writes"),
    ] {
        let error = refused(text);
        assert!(error.contains(advice), "{text}: {error}");
    }
}

#[test]
fn what_cannot_work_is_refused_with_what_to_write() {
    for (text, advice) in [
        ("main.count = 2", "add members under [replica]"),
        ("replica.count = 9", "write 0 to 8"),
        ("exporter = true", "the namespace of Prometheus into monitors"),
        ("replica.count = 3\nreplication.max_wal_senders = 4", "need 5 or more"),
        ("main.storage = \"1Gi\"", "write less, or more storage"),
        (
            "main.storage = \"2Gi\"\n[parameters]\nmax_wal_size = \"1GB\"",
            "twice max_wal_size are 3072 MB",
        ),
        ("parameters.max_wal_size = 100000", "are 201024 MB"),
        ("parameters.max_wal_size = \"100.5GB\"", "are 206848 MB"),
        ("parameters.max_wal_size = \"107374182400B\"", "are 205824 MB"),
        ("parameters.wal_keep_size = \"100GB\"", "are 104448 MB"),
        ("parameters.min_wal_size = \"100GB\"", "more than max_wal_size (1024 MB)"),
        ("replication.max_slot_wal_keep_size = \"0512MB\"", "without a leading 0"),
        ("main.storage = \"100Mi\"\nreplication.max_slot_wal_keep_size = \"40MB\"", "are 104 MB"),
        ("main.storage = \"lots\"", "such as 8Gi"),
        ("[parameters]\nmax_wal_size = \"16MB\"", "write \"32MB\" or more"),
        ("[parameters]\nwork_mem = \"much\"", "such as 512MB"),
        ("replication.max_slot_wal_keep_size = \"08GB\"", "such as 512MB"),
        ("parameters.max_wal_size = \"0.1TB\"", "more than three quarters"),
        ("parameters.log_line_prefix = \"a\\nb\"", "in one line"),
        ("parameters.log_line_prefix = \"a\\u0000b\"", "in one line"),
        ("parameters.\"a.b.c\" = 1", "is not a name of a PostgreSQL parameter"),
        ("clients = [\"a.b\"]", "1 to 63"),
        ("pods.image_pull_secrets = [\"a_b\"]", "the name of an object"),
        ("main.spread = \"a..b/x\"", "a key of labels"),
        ("main.node_affinity.\"A_b/x\" = [\"y\"]", "a key of labels"),
        ("main.resources.limits.memory = \"512m\"", "such as 8Gi"),
        ("main.resources.requests.memory = \"0.1\"", "such as 8Gi"),
        ("main.storage = \"2m\"", "such as 8Gi"),
        ("main.resources.requests.cpu = \"0.5m\"", "thousandths"),
        ("main.resources.requests.cpu = \"1Gi\"", "thousandths"),
        ("pods.labels.\"A.b/c\" = \"x\"", "such as team"),
        ("pods.annotations.\"todoozle.dev/other\" = \"x\"", "none that Kubernetes, Patroni"),
        ("main.resources.limits.memory = \"128Mi\"", "requests.memory is 256Mi, more than"),
        ("replica.resources.limits.cpu = \"50m\"", "replica.resources.requests.cpu is 100m"),
        ("main.resources.requests.memory = \"1Gi\"", "more than limits.memory (512Mi)"),
        ("databases.todo.owner = \"todo\"", "add [roles.todo]"),
        (
            "roles.a = {}\ndatabases.b = { owner = \"a\", icu_locale = \"de-u-co-phonebook\" }",
            "such as de, en-US or de-u-co-phonebk",
        ),
        ("[roles.postgres]", "none of the names PostgreSQL and Patroni use"),
        ("namespace = \"Dev\"", "first and last no -"),
        ("hba = [\"host all all 0.0.0.0/0 scram-sha-256\"]", "write hostssl instead of host"),
        ("hba = [\"hostssl all all 0.0.0.0/0 md5\"]", "write scram-sha-256"),
        ("[backup]\nkeep = 3", "needs one place to write to"),
        (
            "[backup]\nown = { image = \"s3:1\", storage = \"1Gi\" }\nfull = \"daily\"",
            "write five fields as cron does",
        ),
        (
            "backup.s3 = { bucket = \"b\", endpoint = \"e\", region = \"a\\nrepo1-path=/\" }",
            "write it without spaces",
        ),
        ("[slots.cdc]\ndatabase = \"todo\"", "write wal_level = \"logical\""),
        (
            "replication.wal_level = \"logical\"\n[slots.cdc]\ndatabase = \"other\"",
            "add [databases.other]",
        ),
        (
            "replication.wal_level = \"logical\"\n[slots.a-b]\ndatabase = \"todo\"",
            "with a-z, 0-9 and _",
        ),
        ("pods.labels.role = \"db\"", "none that Kubernetes, Patroni"),
        ("pods.labels.controller-revision-hash = \"a\"", "none that Kubernetes, Patroni"),
        ("pods.annotations.\"todoozle.dev/patroni\" = \"a\"", "none that Kubernetes, Patroni"),
        ("main.node_affinity.zone = []", "write one value or more"),
        ("main.node_affinity.zone = [\"a b\"]", "up to 63 letters"),
        ("main.storage_class = \"Fast_SSD\"", "the name of an object"),
        ("pods.labels.team = \"a b\"", "up to 63 letters"),
        ("pods.tolerations = [{ key = \"a\", seconds = 3 }]", "write effect = \"NoExecute\""),
        ("pods.tolerations = [{ key = \"a\", effect = \"NoRun\" }]", "unknown variant `NoRun`"),
        ("[roles.my_app]\n[roles.my-app]", "would share one Secret"),
        ("[roles.pg_app]", "none of the names"),
        ("[roles._app]", "first a letter"),
        ("parameters.archive_command = \"cp %p /x\"", "[backup] says where the archive is"),
        ("hba = [\"hostssl all\"]", "write hostssl DATABASE USER ADDRESS"),
        (
            "[replication]\nsynchronous_mode = \"off\"\nsynchronous_mode_strict = true",
            "write synchronous_mode = \"on\"",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(advice), "{text}: {error}");
    }
    let untagged =
        Env::parse("name = \"a\"\nimage = \"localhost:5000/postgres\"", "dev").unwrap_err();
    assert!(format!("{untagged:#}").contains("with a tag other than latest"));
}

#[test]
fn synchronous_commit_off_is_possible_and_known_to_break_the_promise() {
    let env =
        Env::parse(&format!("{LEAST}replication.synchronous_commit = \"off\""), "dev").unwrap();
    assert!(!env.replication.promises_durability());
}

#[test]
fn names_of_somebody_else_s_objects_are_those_that_kubernetes_takes() {
    let long = "a".repeat(63);
    for text in [
        "clients = [\"1team\"]".to_owned(),
        format!("namespace = \"{long}\""),
        "pods.image_pull_secrets = [\"registry.example.com\"]".to_owned(),
        "pods.priority_class = \"a.b\"".to_owned(),
        "main.resources.requests.cpu = \"0.5\"\nmain.resources.limits.cpu = \"1.5\"".to_owned(),
        "main.storage = \"8589934592\"".to_owned(),
    ] {
        assert!(Env::parse(&format!("{LEAST}{text}"), "dev").is_ok(), "{text}");
    }
}

#[test]
fn wal_is_as_large_as_postgresql_needs_it_and_as_the_volume_allows() {
    let wal = |text: &str| Env::parse(&format!("{LEAST}{text}"), "dev").unwrap().max_wal_size();
    assert_eq!(wal(""), 1 << 30);
    assert_eq!(wal("parameters.max_wal_size = 2048\nparameters.wal_keep_size = 128"), 2 << 30);
    let small = "main.storage = \"200Mi\"\nreplication.max_slot_wal_keep_size = \"50MB\"";
    assert_eq!(wal(small), 32 << 20);
}

#[test]
fn a_major_version_is_one_that_can_be_run() {
    assert!(refused("major = 16").contains("write 17 to 18"));
    assert_eq!(Env::parse(LEAST, "dev").unwrap().major.get(), 17);
}
