//! What `init` would change, as the API server and Patroni see it.

use anyhow::Result;
use serde_json::json;

use super::{given, print};
use crate::{cli::Global, cluster::Cluster, diff, diff::Change, objects, secrets::Secrets};

pub async fn run(cluster: &Cluster, global: &Global) -> Result<()> {
    let env = &cluster.env;
    let given = given(global, env)?;
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
    lines.extend(Secrets::wanted(cluster, &given).await?.changes()?);
    if !fresh && let Some(live) = cluster.agreed().await?.dynamic {
        let changes = diff::changes(&live, &objects::dynamic(env));
        lines.extend(changes.iter().map(|change| format!("Patroni {change}")));
    }
    let text = if lines.is_empty() { "nothing would change".to_owned() } else { lines.join("\n") };
    print(global.output, &text, &json!({ "changes": lines }));
    Ok(())
}

fn spaced(name: &str, change: &Change) -> String {
    if *change == Change::New { format!("{name} ") } else { name.to_owned() }
}
