//! What `init` would change, as the API server, Patroni and PostgreSQL see it.

use anyhow::Result;
use serde_json::json;

use super::{given, init::refuse_another_major, print};
use crate::{
    cli::Global,
    cluster::Cluster,
    diff,
    diff::Change,
    objects::{self, HomeSet, Object},
    observe,
    patroni::wanted_beside,
    roles,
    secrets::Secrets,
};

pub async fn run(cluster: &Cluster, global: &Global) -> Result<()> {
    let env = &cluster.env;
    refuse_another_major(cluster, &cluster.agreed().await?).await?;
    let secrets = Secrets::wanted(cluster, &given(global, env)?).await?;
    let mut lines = Vec::new();
    let mut fresh = false;
    let mut anew = Vec::new();
    for home in [HomeSet::Main, HomeSet::Replica] {
        if cluster.growth(home).await?.set_anew {
            anew.push(home);
        }
    }
    for object in objects::without_secrets(env)?
        .into_iter()
        .chain(secrets.for_members)
        .chain(secrets.for_roles)
    {
        // A set whose volumes grow is made anew, so the API server would refuse the change.
        if let Some(home) = anew.iter().find(|home| home.name(env) == object.name) {
            let size = &home.settings(env).storage;
            lines.push(format!(
                "StatefulSet {} is made anew around its pods, with volumes of {size}",
                object.name
            ));
            continue;
        }
        // Without its namespace nothing else can be tried.
        let changes = if fresh { vec![Change::New] } else { cluster.difference(&object).await? };
        fresh |= object.namespace.is_none() && changes == [Change::New];
        lines.extend(changes.iter().map(|change| line(&object, change)));
    }
    if !fresh {
        lines.extend(cluster.former_roles().await?.into_iter().map(|role| {
            format!(
                "Role {} loses its login, and the Secret {} goes: postgres.toml no longer names it",
                role.name, role.secret
            )
        }));
    }
    if !fresh && let Some(live) = cluster.agreed().await?.dynamic {
        let changes = diff::changes(&live, &wanted_beside(&live, objects::dynamic(env)));
        lines.extend(changes.iter().map(|change| format!("Patroni {change}")));
        if cluster.lines_for_members(&live).await?.is_some() {
            lines.push("Patroni lets nobody replicate without the members' certificate".to_owned());
        }
    }
    if !fresh && let Some(primary) = observe::members(cluster).await?.primary {
        let lacking = roles::lacking(cluster, &primary, &secrets.passwords).await?;
        lines.extend(lacking.iter().map(|what| format!("PostgreSQL {what}: would be put right")));
    }
    let text = if lines.is_empty() { "nothing would change".to_owned() } else { lines.join("\n") };
    print(global.output, &text, &json!({ "changes": lines }))?;
    Ok(())
}

fn line(object: &Object, change: &Change) -> String {
    let (kind, name) = (&object.resource.kind, &object.name);
    match change {
        Change::New => format!("{kind} {name} {change}"),
        Change::Field { path, .. } if kind == "Secret" => {
            format!("{kind} {name}{path}: changes (not shown)")
        }
        Change::Field { .. } => format!("{kind} {name}{change}"),
    }
}
