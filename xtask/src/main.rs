//! `make test`: its steps, several at a time, and a table of what ran.
//!
//! It depends on nothing, so that it is there within seconds on a new machine.

use std::process::ExitCode;

#[cfg(test)]
mod circles;
#[cfg(test)]
mod map;
#[cfg(test)]
mod pins;
mod run;
#[cfg(test)]
mod sources;
mod tally;

use run::Step;

/// Everything. Two chains: Cargo's, and what the node of `tests/cluster` is made of. Both compute,
/// but neither keeps two cores busy all the time, and tests wait more than they compute.
fn test(profile: &str) -> Vec<Step> {
    // Two that install packages would get in each other's way.
    vec![
        Step::new("setup", &["scripts/setup-tests.sh"]),
        // The longest way to the end leads through it and the cluster's tests.
        Step::new("node", &["tests/cluster/prepare"]).after(&["setup"]),
        // With what it has built, the round trips of secrets are tried as well.
        Step::new("lint", &["scripts/lint.sh"]).after(&["node"]),
        Step::new("format", &["cargo", "fmt", "--all", "--check"]),
        Step::new("up", &["make", "try-up"]).after(&["format"]),
        Step::new("build", &["make", "programs", "component", "test-component"]).after(&["up"]),
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
        .after(&["units", "setup"])
        .beside_the_node(),
        // It computes while the tests wait, and the node's programs are wanted sooner.
        Step::new("clippy", &["make", "clippy"])
            .after(&["units", "node"])
            .gives_way()
            .beside_the_node(),
        // Beside the browsers, both would run into their time limits now and then.
        Step::new("cluster", &["tests/cluster/with", "make", "on-cluster"])
            .after(&["tests", "node"])
            .with_steps(),
    ]
}

/// What needs a cluster; `tests/cluster/with` says which.
fn on_cluster(profile: &str) -> Vec<Step> {
    vec![
        Step::new("database", &["make", "database-tests"]),
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
