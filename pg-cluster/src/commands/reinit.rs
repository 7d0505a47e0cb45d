//! A replica that cannot catch up is copied anew from the primary.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::confirm;
use crate::{
    cli::Global,
    cluster::Cluster,
    conditions,
    health::{slot_name, streams},
    observe,
    progress::{self, Wait, until},
};

const SQL_LIMIT: Duration = Duration::from_mins(1);

pub async fn run(cluster: &Cluster, global: &Global, name: &str, timeout: Duration) -> Result<()> {
    let report = observe::members(cluster).await?;
    let primary = report.leader("there is nothing to copy")?;
    ensure!(
        report.members.iter().any(|member| member.name == name),
        "{name} is no member: name one of {}",
        report.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
    );
    ensure!(name != primary, "{name} is primary: its data is what the others are copies of");
    if global.dry_run {
        progress::done("reinit", &format!("would copy {primary} over the data of {name}"));
        return Ok(());
    }
    if !global.yes {
        confirm(&format!("replace the data of {name} by a copy of {primary}"), name)?;
    }
    drop_lost_slot(cluster, primary, name).await?;
    cluster.post_reinitialize(name).await?;
    until(&format!("{name} with the primary's data"), timeout, async || {
        let report = observe::members(cluster).await?;
        let member = report.members.iter().find(|member| member.name == name);
        let Some(member) = member else { return Ok(Wait::For("no pod".to_owned())) };
        Ok(Wait::unless(streams(member), member.state.to_string()))
    })
    .await?;
    conditions::until_streaming(cluster, timeout).await
}

/// A slot that has lost WAL stays lost, and would hold none for the new copy either: Patroni makes
/// another one.
async fn drop_lost_slot(cluster: &Cluster, primary: &str, name: &str) -> Result<()> {
    // Patroni's names have nothing to quote.
    let drop = format!(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots
         where slot_name = '{}' and wal_status = 'lost' and not active;",
        slot_name(name)
    );
    cluster.sql(primary, "postgres", &drop, SQL_LIMIT).await?;
    Ok(())
}
