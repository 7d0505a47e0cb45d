//! Steps: each a command that may wait for others.

#[path = "../../tests/harness/src/node_lock.rs"]
mod node_lock;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::tally::{self, Outcome, Row};

/// A command with a name.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: &'static str,
    command: Vec<String>,
    after: Vec<&'static str>,
    gives_way: bool,
    beside_the_node: bool,
    has_steps: bool,
}

impl Step {
    pub fn new(name: &'static str, command: &[&str]) -> Self {
        let command = command.iter().map(ToString::to_string).collect();
        Self {
            name,
            command,
            after: Vec::new(),
            gives_way: false,
            beside_the_node: false,
            has_steps: false,
        }
    }

    /// Begins when these have succeeded.
    pub fn after(self, names: &[&'static str]) -> Self {
        Self { after: names.to_vec(), ..self }
    }

    /// Lets other processes go first where the processor is short.
    pub fn gives_way(self) -> Self {
        Self { gives_way: true, ..self }
    }

    /// Keeps the tests that need the node alone (`harness::Need::Quiet`) waiting while it runs.
    pub fn beside_the_node(self) -> Self {
        Self { beside_the_node: true, ..self }
    }

    /// Runs this program again, which hands the rows of its steps on.
    pub fn with_steps(self) -> Self {
        Self { has_steps: true, ..self }
    }
}

/// What a running step tells.
enum Told {
    Line(&'static str, String),
    Ended(&'static str, bool),
}

struct Running {
    since: Instant,
    row: Row,
    /// Where a step with steps leaves their rows.
    rows: Option<std::path::PathBuf>,
}

/// Runs all steps, each as soon as it may, and passes on what they print, line by line with their
/// names. A step whose forerunner failed doesn't run.
pub fn run(steps: Vec<Step>) -> Vec<Row> {
    let (tell, told) = mpsc::channel();
    let order: Vec<_> = steps.iter().map(|step| step.name).collect();
    let mut waiting = steps;
    let mut running: BTreeMap<&str, Running> = BTreeMap::new();
    let mut ended: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    loop {
        for step in std::mem::take(&mut waiting) {
            let outcomes: Vec<_> = step.after.iter().map(|name| ended.get(name)).collect();
            if outcomes.iter().flatten().any(|rows| rows.iter().any(|row| !row.succeeded())) {
                ended.insert(step.name, vec![Row::not_run(step.name)]);
            } else if outcomes.iter().all(Option::is_some) {
                running.insert(step.name, start(&step, &tell));
            } else {
                waiting.push(step);
            }
        }
        if running.is_empty() {
            if waiting.is_empty() {
                break;
            }
            continue; // one that failed just now decides over others
        }
        match told.recv() {
            Ok(Told::Line(name, line)) => {
                println!("{name} | {line}");
                if let Some(running) = running.get_mut(name) {
                    running.row.read(&line);
                }
            }
            Ok(Told::Ended(name, success)) => {
                if let Some(running) = running.remove(name) {
                    ended.insert(name, finish(running, success));
                }
            }
            Err(_) => break,
        }
    }
    order.iter().flat_map(|name| ended.remove(name).unwrap_or_default()).collect()
}

fn start(step: &Step, tell: &mpsc::Sender<Told>) -> Running {
    println!("{} | $ {}", step.name, step.command.join(" "));
    let rows = step
        .has_steps
        .then(|| std::env::temp_dir().join(format!("rows-{}-{}", std::process::id(), step.name)));
    let mut command = if step.gives_way {
        let mut command = Command::new("nice");
        command.arg("-n").arg("19").args(&step.command);
        command
    } else {
        let mut command = Command::new(&step.command[0]);
        command.args(&step.command[1..]);
        command
    };
    if let Some(rows) = &rows {
        command.env(tally::ROWS, rows);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (name, tell) = (step.name, tell.clone());
    let beside_the_node = step.beside_the_node;
    thread::spawn(move || {
        let _turn = match beside_the_node.then(share_the_node).transpose() {
            Ok(turn) => turn,
            Err(error) => {
                let line = format!("cannot lock the node: {error}");
                let _ = tell.send(Told::Line(name, line));
                let _ = tell.send(Told::Ended(name, false));
                return;
            }
        };
        let success = match command.spawn() {
            Ok(mut child) => {
                let out = child.stdout.take().map(|stream| follow(name, stream, tell.clone()));
                let err = child.stderr.take().map(|stream| follow(name, stream, tell.clone()));
                let ended = child.wait();
                for reader in [out, err].into_iter().flatten() {
                    let _ = reader.join();
                }
                ended.is_ok_and(|status| status.success())
            }
            Err(error) => {
                let line = format!("cannot run {command:?}: {error}");
                let _ = tell.send(Told::Line(name, line));
                false
            }
        };
        let _ = tell.send(Told::Ended(name, success));
    });
    Running { since: Instant::now(), row: Row::new(step.name), rows }
}

fn share_the_node() -> io::Result<File> {
    let lock = node_lock::open(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
    lock.lock_shared()?;
    Ok(lock)
}

fn follow(
    name: &'static str,
    stream: impl Read + Send + 'static,
    tell: mpsc::Sender<Told>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let _ = tell.send(Told::Line(name, line));
        }
    })
}

/// The rows of a step: those of its own steps where it handed some on.
fn finish(running: Running, success: bool) -> Vec<Row> {
    let handed_on = running.rows.as_deref().map(tally::take_over).unwrap_or_default();
    let mut row = running.row;
    row.seconds = running.since.elapsed().as_secs();
    row.outcome = if success { Outcome::Succeeded } else { Outcome::Failed };
    if handed_on.is_empty() {
        return vec![row];
    }
    // What its steps took apart from each other is in their rows.
    (row.passed, row.failed, row.skipped) = (0, 0, 0);
    row.reasons.clear();
    [vec![row], handed_on].concat()
}
