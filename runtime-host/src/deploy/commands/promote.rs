//! `runtime-host promote`.

use anyhow::{Context as _, Result, bail};

use crate::deploy::args::Promote;
use crate::deploy::commands::push::push;
use crate::deploy::push::Standing;
use crate::deploy::push::bundle::Bundle;
use crate::deploy::push::target::Target;

/// Takes exactly what is live in one environment to another.
pub async fn run(args: &Promote) -> Result<()> {
    if args.from == args.to {
        bail!("--from and --to name the same environment");
    }
    // --context and --namespace are those of the environment that changes.
    let source = Target::connect_as_configured(&args.from, &args.options.config).await?;
    let standing = Standing::read(&source).await?;
    let pointer = standing
        .pointer
        .as_ref()
        .with_context(|| format!("{} has no version yet: push one there first", args.from))?;
    let live = &pointer.live;
    if !standing.pods.iter().any(|pod| pod.serves(live.digest)) {
        bail!("no pod of {} serves {}: only what ran there is promoted", args.from, live.digest);
    }
    let bundle = Bundle::from_cluster(&source, live).await?;
    let target = Target::connect(&args.to, &args.options).await?;
    let standing = Standing::read(&target).await?;
    push(&target, &standing, bundle, &args.options, &args.wait).await
}
