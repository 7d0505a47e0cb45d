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
mod restart;
mod restore;
mod rotate_ca;
mod rotate_passwords;
mod scale;
mod status;
mod switchover;
mod upgrade;

use std::io::{IsTerminal, stdin};

use anyhow::{Context, Result, bail};
use kit::say;

use crate::{
    cli::{Cli, Command, Global, Output},
    cluster::Cluster,
    env::Env,
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
    renamed(&command).or_wrong_usage()?;
    let cluster = Cluster::connect(env).await?;
    match command {
        Command::Init { .. } if global.dry_run => diff::run(&cluster, &global).await?,
        Command::Init { timeout } => init::run(&cluster, &global, timeout).await?,
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
        Command::Backup { action: Some(action), .. } => {
            backup::run(&cluster, &global, &action).await?;
        }
        Command::Clone { from, at, mask, database, timeout } => {
            let plan = clone::Plan { from, at, mask, database, timeout };
            Box::pin(clone::run(&cluster, &global, &plan)).await?;
        }
        Command::Restore { at: Some(at), discard, timeout, .. } => {
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
        Command::RotateCa { timeout } => rotate_ca::run(&cluster, &global, timeout).await?,
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
        // These need no cluster, and have run or were refused by now.
        Command::Render
        | Command::Completions { .. }
        | Command::Backup { action: None, .. }
        | Command::Restore { at: None, .. } => {}
    }
    Ok(DONE)
}

const DONE: u8 = 0;

/// Says what a command is called now.
fn renamed(command: &Command) -> Result<()> {
    match command {
        Command::Backup { action: None, .. } => bail!(
            "`backup --to FILE` is `export --to FILE` now; `backup` has now, list, verify and drill"
        ),
        Command::Restore { at: None, .. } => bail!(
            "`restore --from FILE` is `import --from FILE` now; `restore --at` brings the cluster back to a moment"
        ),
        _ => Ok(()),
    }
}

/// Asks for a word that confirms, unless it was given or nobody can be asked.
fn confirm(question: &str, word: &str) -> Result<()> {
    if !stdin().is_terminal() {
        bail!("{question}: nobody is here to ask; give the answer as an option (see --help)");
    }
    say::prompt(format_args!("{question}: type {word} to go on: "));
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("read the answer")?;
    if answer.trim() == word { Ok(()) } else { bail!("nothing was done") }
}

/// A result on standard output, as text or as JSON.
fn print(output: Output, text: &str, json: &serde_json::Value) -> Result<()> {
    match output {
        Output::Text => say::line(text)?,
        Output::Json => say::line(format_args!("{json:#}"))?,
    };
    Ok(())
}
