//! What `init` would change, as the API server and Patroni see it.

use anyhow::Result;
use serde_json::json;

use super::print;
use crate::{cli::Global, cluster::Cluster, diff, diff::Change, objects};

pub async fn run(cluster: &Cluster, global: &Global) -> Result<u8> {
    let env = &cluster.env;
    let mut lines = Vec::new();
    let mut fresh = false;
    for object in objects::without_secrets(env)? {
        // Without its namespace nothing else can be tried.
        let changes = if fresh { vec![Change::New] } else { cluster.difference(&object).await? };
        fresh |= object.namespace.is_none() && changes == [Change::New];
        lines.extend(changes.iter().map(|change| {
            format!("{} {}{change}", object.resource.kind, spaced(&object.name, change))
        }));
    }
    let mut secrets = Vec::new();
    if !fresh {
        for name in super::init::secret_names(env) {
            if cluster.secret(&name, objects::secrets::CA).await?.is_none()
                && cluster.secret(&name, "superuser").await?.is_none()
            {
                secrets.push(format!("Secret {name} new"));
            }
        }
        if let Some(live) = cluster.agreed().await?.dynamic {
            lines.extend(
                diff::changes(&live, &objects::dynamic(env))
                    .iter()
                    .map(|change| format!("Patroni {change}")),
            );
        }
    }
    lines.extend(secrets);
    let text = if lines.is_empty() { "nothing would change".to_owned() } else { lines.join("\n") };
    print(global.output, &text, &json!({ "changes": lines }));
    Ok(0)
}

fn spaced(name: &str, change: &Change) -> String {
    if *change == Change::New { format!("{name} ") } else { name.to_owned() }
}
