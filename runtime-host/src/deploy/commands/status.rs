//! `runtime-host status`.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use crate::deploy::args::{Output, Status};
use crate::deploy::push::Standing;
use crate::deploy::push::pods::Member;
use crate::deploy::push::target::Target;
use crate::deploy::release::Pointer;
use kit::say;

/// Shows which version each pod serves, and the versions before.
pub async fn run(args: &Status) -> Result<()> {
    let target = Target::connect(&args.environment.env, &args.environment.options).await?;
    let standing = Standing::read(&target).await?;
    match args.environment.options.output {
        Output::Json => say::line(format!("{:#}", json(&standing)))?,
        Output::Text => say::text(text(&target, &standing))?,
    };
    Ok(())
}

fn json(standing: &Standing) -> serde_json::Value {
    let pod = |pod: &Member| match &pod.status {
        Ok(status) => json!({"name": pod.name, "status": status}),
        Err(error) => json!({"name": pod.name, "error": error}),
    };
    json!({
        "live": standing.pointer.as_ref().map(|pointer| &pointer.live),
        "previous": standing.pointer.as_ref().map(|pointer| pointer.previous),
        "history": standing.pointer.as_ref().map(Pointer::releases),
        "pods": standing.pods.iter().map(pod).collect::<Vec<_>>(),
        "verdict": verdict(standing),
    })
}

fn text(target: &Target, standing: &Standing) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} ({}, namespace {})", target.app, target.env, target.namespace);
    for pod in &standing.pods {
        let _ = writeln!(text, "  {:<40} {}", pod.name, describe(pod));
    }
    if let Some(pointer) = &standing.pointer {
        let _ = writeln!(text, "versions, newest first");
        for release in pointer.releases() {
            let mark = if release.digest == pointer.live.digest {
                "live"
            } else if pointer.previous == Some(release.digest) {
                "previous"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "  {}  {:<8}  generation {:<4} {:<10} {} {}",
                release.digest,
                mark,
                release.generation,
                release.version.as_deref().unwrap_or("-"),
                release.at.as_deref().unwrap_or("-"),
                release.by.as_deref().unwrap_or("-"),
            );
        }
    }
    let _ = writeln!(text, "{}", verdict(standing));
    text
}

fn describe(pod: &Member) -> String {
    let status = match &pod.status {
        Ok(status) => status,
        Err(error) => return format!("unknown: {error}"),
    };
    let mut text = match &status.live {
        Some(live) => format!(
            "{} generation {} for {}, {} requests, {} failed{}",
            live.digest,
            live.generation,
            age(live.age),
            live.requests,
            live.failures,
            if live.on_probation { ", on probation" } else { "" },
        ),
        None => "serves nothing yet".to_owned(),
    };
    for problem in status.problem.iter().chain(&status.source_problem) {
        text.push_str("; ");
        text.push_str(problem);
    }
    text
}

/// One line with what to do.
fn verdict(standing: &Standing) -> String {
    let Some(pointer) = &standing.pointer else {
        return "no version yet: push one".to_owned();
    };
    let wanted = pointer.live.digest;
    let behind: Vec<&Member> = standing.pods.iter().filter(|pod| !pod.serves(wanted)).collect();
    match (standing.pods.len(), behind.as_slice()) {
        (0, _) => "no pods run: deploy the edge tier".to_owned(),
        (count, []) => format!("all {count} pods serve {wanted}"),
        (count, behind) => {
            let refused = behind.iter().any(|pod| pod.refusal(wanted).is_some());
            let what = if refused {
                "it was refused: push a better one, or roll back"
            } else {
                "wait, or see above"
            };
            format!("{} of {count} pods do not serve {wanted}: {what}", behind.len())
        }
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
