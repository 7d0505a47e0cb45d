//! The objects for a Git repository. Secrets are not among them: `init` makes
//! those that are missing.

use anyhow::{Context, Result};
use kit::say;

use crate::{cli::Output, env::Env, objects};

pub fn run(env: &Env, output: Output) -> Result<()> {
    let values: Vec<_> =
        objects::without_secrets(env)?.into_iter().map(|object| object.value).collect();
    if output == Output::Json {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": values });
        say::line(format_args!("{list:#}"))?;
        return Ok(());
    }
    let mut text = String::new();
    for value in values {
        text += "---\n";
        text += &serde_saphyr::to_string(&value).context("write YAML")?;
    }
    say::text(text)?;
    Ok(())
}
