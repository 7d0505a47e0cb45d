//! `runtime-host rollback`.

use anyhow::Result;

use crate::deploy::args::Rollback;
use crate::deploy::commands::push::carry_out;
use crate::deploy::push::target::Target;
use crate::deploy::push::{Plan, Standing};

/// Makes an earlier version live again, in a new generation.
pub async fn run(args: &Rollback) -> Result<()> {
    let target = Target::connect(&args.environment.env, &args.environment.options).await?;
    let standing = Standing::read(&target).await?;
    let plan = Plan::rollback(&target, &standing, args.to.as_deref()).await?;
    carry_out(&target, &standing, plan, &args.environment.options, &args.wait).await
}
