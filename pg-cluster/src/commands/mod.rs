//! A file a verb.

mod backup;
mod clone;
pub mod completions;
mod destroy;
mod diff;
mod export;
mod failover;
mod import;
mod init;
mod pause;
mod psql;
mod reinit;
mod render;
mod renew;
mod restart;
mod restore;
mod rotate_ca;
mod rotate_passwords;
mod scale;
mod status;
mod switchover;
mod upgrade;

use anyhow::{Context, Result};
use kit::{confirm::typed as confirm, say};

use crate::{
    cli::{Cli, Command, Global, Output},
    cluster::Cluster,
    env::Env,
    lease::Holder,
    passwords::Given,
    wrong_usage::OrWrongUsage,
};

/// The environment that the command line names.
pub fn environment(global: &Global) -> Result<Env> {
    let mut env = Env::load(&global.config, &global.env)?;
    if let Some(context) = &global.context {
        env.context.clone_from(context);
    }
    if let Some(namespace) = &global.namespace {
        env.namespace = Some(
            namespace.clone().try_into().map_err(anyhow::Error::msg).context("read --namespace")?,
        );
    }
    Ok(env)
}

/// The passwords that somebody chose for the environment.
fn given(global: &Global, env: &Env) -> Result<Given> {
    Given::load(&global.config.join(&global.env).join("secrets.yaml"), env).or_wrong_usage()
}

/// Runs the command; what comes back is the exit code.
pub async fn run(cli: Cli, env: Env) -> Result<u8> {
    let Cli { global, command } = cli;
    if let Command::Render = command {
        render::run(&env, global.output)?;
        return Ok(DONE);
    }
    let cluster = Cluster::connect(env).await?;
    let verb = verb(&command).filter(|_| !global.dry_run);
    let holder = verb.map(|verb| Holder::new(&cluster, verb));
    let work = Box::pin(run_on(cluster, global, command));
    match holder {
        Some(holder) => holder.alone(work).await,
        None => work.await,
    }
}

/// The name of a verb beside which no other may change the cluster. Not of one that somebody needs while
/// another waits.
fn verb(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::Init { .. } => "init",
        Command::Switchover { .. } => "switchover",
        Command::Reinit { .. } => "reinit",
        Command::Clone { .. } => "clone",
        Command::Restore { .. } => "restore",
        Command::Restart { .. } => "restart",
        Command::Upgrade { check: false, .. } => "upgrade",
        Command::RotatePasswords { .. } => "rotate-passwords",
        Command::RotateCa { .. } => "rotate-ca",
        Command::Scale { .. } => "scale",
        Command::Destroy { .. } => "destroy",
        _ => return None,
    })
}

async fn run_on(cluster: Cluster, global: Global, command: Command) -> Result<u8> {
    match command {
        Command::Init { .. } if global.dry_run => diff::run(&cluster, &global).await?,
        Command::Init { timeout } => Box::pin(init::run(&cluster, &global, timeout)).await?,
        Command::Status { watch } => return status::run(&cluster, global.output, watch).await,
        Command::Diff => diff::run(&cluster, &global).await?,
        Command::Switchover { to } => switchover::run(&cluster, &global, to).await?,
        Command::Reinit { member, timeout } => {
            reinit::run(&cluster, &global, &member, timeout).await?;
        }
        Command::Failover { to, accept_data_loss, timeout } => {
            let plan = failover::Plan { to, accept_data_loss, timeout };
            failover::run(&cluster, &global, &plan).await?;
        }
        Command::Pause => pause::run(&cluster, &global, true).await?,
        Command::Resume => pause::run(&cluster, &global, false).await?,
        Command::Export { to, database, primary } => {
            export::run(&cluster, &global, &export::Plan { to, database, primary }).await?;
        }
        Command::Import { from, database } => {
            import::run(&cluster, &global, &import::Plan { from, database }).await?;
        }
        Command::Backup { action, .. } => {
            backup::run(&cluster, &global, &action).await?;
        }
        Command::Clone { from, at, mask, database, timeout } => {
            let plan = clone::Plan { from, at, mask, database, timeout };
            Box::pin(clone::run(&cluster, &global, &plan)).await?;
        }
        Command::Restore { at, discard, timeout, .. } => {
            let plan = restore::Plan { at, discard, timeout };
            Box::pin(restore::run(&cluster, &global, &plan)).await?;
        }
        Command::Restart { all, timeout } => {
            restart::run(&cluster, &global, &restart::Plan { all, timeout }).await?;
        }
        Command::Upgrade { to, check, timeout } => {
            let plan = upgrade::Plan { to, check, timeout };
            Box::pin(upgrade::run(&cluster, &global, &plan)).await?;
        }
        Command::RotatePasswords { role, system, timeout } => {
            let plan = rotate_passwords::Plan { role, system, timeout };
            Box::pin(rotate_passwords::run(&cluster, &global, &plan)).await?;
        }
        Command::RotateCa { timeout } => {
            Box::pin(rotate_ca::run(&cluster, &global, timeout)).await?;
        }
        Command::Scale { replicas, timeout } => {
            scale::run(cluster, &global, replicas, timeout).await?;
        }
        Command::Psql { replica, role, database, arguments } => {
            let target = psql::Target { replica, role, database };
            return psql::run(&cluster, &target, &arguments).await;
        }
        Command::Destroy { delete_volumes, name, timeout } => {
            let plan = destroy::Plan { delete_volumes, name, timeout };
            destroy::run(&cluster, &global, &plan).await?;
        }
        // These need no cluster, and have run by now.
        Command::Render | Command::Completions { .. } => {}
    }
    Ok(DONE)
}

const DONE: u8 = 0;

/// A result on standard output, as text or as JSON.
fn print(output: Output, text: &str, json: &serde_json::Value) -> Result<()> {
    match output {
        Output::Text => say::line(text)?,
        Output::Json => say::line(format_args!("{json:#}"))?,
    };
    Ok(())
}
