//! A component on Kubernetes: what `push` writes, `serve` reads and rolls out. Nothing of it is
//! in a build without the feature `kubernetes`, which is all that a page on a laptop takes.

use anyhow::Result;

mod args;
mod commands;
mod push;
mod release;
mod rollout;

pub use args::Command;

pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(args) => Box::pin(commands::serve::run(&args)).await,
        Command::Push(args) => commands::push::run(&args).await,
        Command::Status(args) => commands::status::run(&args).await,
        Command::Rollback(args) => Box::pin(commands::rollback::run(&args)).await,
        Command::Promote(args) => commands::promote::run(&args).await,
        Command::Images(args) => commands::images::run(&args).await,
        Command::Chart(args) => commands::chart::run(&args),
    }
}
