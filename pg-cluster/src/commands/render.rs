//! The objects for a Git repository. Secrets are not among them: `init` makes
//! those that are missing.

use anyhow::{Context, Result};

use crate::{cli::Output, env::Env, objects};

pub fn run(env: &Env, output: Output) -> Result<()> {
    let values: Vec<_> =
        objects::without_secrets(env)?.into_iter().map(|object| object.value).collect();
    if output == Output::Json {
        println!(
            "{:#}",
            serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": values })
        );
        return Ok(());
    }
    for value in values {
        print!("---\n{}", serde_saphyr::to_string(&value).context("write YAML")?);
    }
    Ok(())
}
