//! `runtime-host push`.

use std::time::Instant;

use anyhow::Result;

use crate::deploy::args::{Options, Output, Push, Until, Wait};
use crate::deploy::push::bundle::Bundle;
use crate::deploy::push::target::Target;
use crate::deploy::push::{Plan, Standing, wait};
use crate::project::manifest::Manifest;
use kit::{confirm, say};

/// Makes the manifest's component live in an environment.
pub async fn run(args: &Push) -> Result<()> {
    let manifest = Manifest::load(&args.project.from)?;
    let bundle = Bundle::from_files(&manifest, args.release.as_deref()).await?;
    let target = Target::connect(&args.environment.env, &args.environment.options).await?;
    let standing = Standing::read(&target).await?;
    push(&target, &standing, bundle, &args.environment.options, &args.wait).await
}

/// Pushes a bundle, after asking.
pub async fn push(
    target: &Target,
    standing: &Standing,
    bundle: Bundle,
    options: &Options,
    wait: &Wait,
) -> Result<()> {
    let digest = bundle.digest;
    if let Some(plan) = Plan::push(target, standing, bundle).await? {
        return Box::pin(carry_out(target, standing, plan, options, wait)).await;
    }
    say::note(format!("{digest} is live in {} already", target.env));
    if let (Some(until), Some(pointer), false) = (wait.wait, &standing.pointer, options.dry_run) {
        wait::wait(target, &pointer.live, until, wait.timeout).await?;
    }
    Ok(())
}

/// Shows a plan, asks, and does it.
pub async fn carry_out(
    target: &Target,
    standing: &Standing,
    plan: Plan,
    options: &Options,
    wait: &Wait,
) -> Result<()> {
    for line in plan.describe(target, standing) {
        say::note(line);
    }
    if options.dry_run {
        return Ok(());
    }
    if !options.yes {
        confirm::yes(&format!("Change what {} serves", target.env))?;
    }
    let began = Instant::now();
    let pointer = plan.execute(target, standing).await?;
    let live = &pointer.live;
    let pods = match wait.wait {
        Some(until) => Some(wait::wait(target, live, until, wait.timeout).await?),
        None => None,
    };
    match options.output {
        Output::Json => {
            let told = serde_json::json!({
                "digest": live.digest,
                "generation": live.generation,
                "previous": pointer.previous,
                "pods": pods,
                "passed": wait.wait == Some(Until::Passed),
                "seconds": began.elapsed().as_secs_f64(),
            });
            say::line(format!("{told:#}"))?;
        }
        Output::Text => {
            say::line(format!("{} is live in generation {}", live.digest, live.generation))?;
            if wait.wait.is_none() {
                say::note(format!("next: runtime-host status --env {}", target.env));
            }
        }
    }
    Ok(())
}
