//! The settings of a small database, which fits beside others on one machine.

/// What a `postgres.toml` says of it, with one database whose owner is the one role.
pub struct Settings<'a> {
    pub name: &'a str,
    pub context: &'a str,
    pub namespace: &'a str,
    /// That of [`database_image`].
    pub image: &'a str,
    pub database: &'a str,
    pub owner: &'a str,
    /// How many connections the owner may have.
    pub connections: u32,
}

impl Settings<'_> {
    /// The `postgres.toml`; more can be written after it.
    pub fn toml(&self) -> String {
        let Self { name, context, namespace, image, database, owner, connections } = self;
        format!(
            r#"
name = "{name}"
context = "{context}"
namespace = "{namespace}"
image = "{image}"
main.storage = "1Gi"
main.resources.requests = {{ cpu = "20m", memory = "128Mi" }}
replica.storage = "1Gi"
replica.resources.requests = {{ cpu = "20m", memory = "128Mi" }}
replication.max_slot_wal_keep_size = "512MB"
parameters.shared_buffers = "32MB"
roles.{owner}.connection_limit = {connections}
databases.{database}.owner = "{owner}"
"#
        )
    }
}

/// The image of the database under test.
pub fn database_image() -> Option<String> {
    crate::image("TODOOZLE_TEST_IMAGE", "postgres")
}
