//! `make test`: its steps, several at a time, and a table of what ran.
//!
//! It depends on nothing, so that it is there within seconds on a new machine.

use std::process::ExitCode;

#[cfg(test)]
mod circles;
#[cfg(test)]
mod map;
mod run;
#[cfg(test)]
mod sources;
mod tally;

use run::Step;

/// Everything. Two chains that wait for each other only at the end: Cargo's, and what the node of
/// `tests/cluster` is made of. Both compute, but neither keeps two cores busy all the time.
fn test(profile: &str) -> Vec<Step> {
    // Two that install packages would get in each other's way.
    let node = Step::new("node", &["tests/cluster/prepare"]).after(&["setup"]);
    vec![
        Step::new("setup", &["scripts/setup-tests.sh"]),
        node.gives_way(),
        // With what it has built, the round trips of secrets are tried as well.
        Step::new("lint", &["scripts/lint.sh"]).after(&["node"]),
        Step::new("format", &["cargo", "fmt", "--all", "--check"]),
        Step::new("clippy", &["make", "clippy"]).after(&["format"]),
        Step::new("up", &["make", "try-up"]).after(&["clippy"]),
        Step::new("build", &["make", "build", "pg-cluster", "test-component"]).after(&["up"]),
        Step::new("units", &["make", "units"]).after(&["build"]),
        cargo_test(
            "tests",
            profile,
            &[
                "-p",
                "xtask",
                "-p",
                "todo-component",
                "-p",
                "tests",
                "--bin",
                "xtask",
                "--lib",
                "--test",
                "all",
            ],
        )
        .after(&["units", "setup"]),
        Step::new("cluster", &["tests/cluster/with", "make", "on-cluster"])
            .after(&["tests", "node"])
            .with_steps(),
    ]
}

/// What needs a cluster; `tests/cluster/with` says which.
fn on_cluster(profile: &str) -> Vec<Step> {
    vec![
        cargo_test("database", profile, &["-p", "pg-cluster", "--test", "cluster"]),
        cargo_test("edge", profile, &["-p", "todo-component", "-p", "tests", "--test", "edge"]),
    ]
}

fn cargo_test(name: &'static str, profile: &str, packages: &[&str]) -> Step {
    let command = ["cargo", "test", "--profile", profile];
    Step::new(name, &[&command, packages].concat())
}

fn main() -> ExitCode {
    let profile = std::env::var("PROFILE").unwrap_or_else(|_| "dev".to_owned());
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let steps = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test(&profile),
        ["on-cluster"] => on_cluster(&profile),
        _ => {
            eprintln!("usage: xtask test, or xtask on-cluster");
            return ExitCode::from(2);
        }
    };
    let rows = run::run(steps);
    tally::hand_on(&rows);
    print!("{}", tally::table(&rows));
    if rows.iter().all(tally::Row::succeeded) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
