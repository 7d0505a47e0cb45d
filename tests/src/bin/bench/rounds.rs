//! Rounds in which every server is asked in turn, and the table of what came out: what strikes the
//! machine strikes all of them, and only ratios are kept.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Database, program, target};

use crate::load::{self, Answers};
use crate::peers::{Peer, Route, first_answer};
use crate::picture;

/// Of the load before the load that counts.
const WARM_UP: Duration = Duration::from_millis(300);
const STARTS: usize = 10;

/// How much is measured.
pub struct Plan {
    connections: Vec<usize>,
    rounds: usize,
    time: Duration,
    route: Option<String>,
}

impl Plan {
    /// `CONNECTIONS` (`1,32,256`), `ROUNDS` (5), `SECONDS` of each load (2), and `ROUTE` for one alone.
    pub fn from_environment() -> Self {
        let read = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
        let list = read("CONNECTIONS", "1,32,256");
        Self {
            connections: list.split(',').map(|n| n.parse().expect("CONNECTIONS: a,b,c")).collect(),
            rounds: read("ROUNDS", "5").parse().expect("ROUNDS: a number"),
            time: Duration::from_secs_f64(read("SECONDS", "2").parse().expect("SECONDS: a number")),
            route: std::env::var("ROUTE").ok(),
        }
    }

    fn routes(&self) -> impl Iterator<Item = Route> {
        let wanted = |route: &Route| self.route.as_ref().is_none_or(|name| *name == route.name());
        Route::EACH.into_iter().filter(wanted)
    }
}

/// This host beside its peers; the first server is the unit.
pub async fn speed(plan: Plan) {
    let database = Database::new().await;
    let host = program("runtime-host");
    let mut peers =
        vec![Peer::native(&database).await, Peer::host("this host", &host, &database).await];
    match Peer::wasmtime().await {
        Some(peer) => peers.push(peer),
        None => eprintln!("wasmtime is not in the PATH: `wasmtime serve` is left out"),
    }
    let cells = measure(&plan, &database, &peers).await;
    let starts = starts(&[None, Some(host)], &database).await;
    print_starts(["native", "this host"], &starts);
    report(&plan, &peers, &cells, "speed");
}

/// Two programs of this host; the old one is the unit.
pub async fn builds(plan: Plan, [old, new]: [PathBuf; 2]) {
    let database = Database::new().await;
    let peers =
        [Peer::host("old", &old, &database).await, Peer::host("new", &new, &database).await];
    let cells = measure(&plan, &database, &peers).await;
    let starts = starts(&[Some(old), Some(new)], &database).await;
    print_starts(["old", "new"], &starts);
    report(&plan, &peers, &cells, "builds");
}

/// One route at one number of connections: for each server, its figures of every round.
struct Cell {
    route: Route,
    connections: usize,
    figures: Vec<Option<Vec<Figures>>>,
}

#[derive(Clone, Copy)]
struct Figures {
    per_second: f64,
    /// Microseconds of the server's CPU for one request.
    cpu: f64,
    p50: f64,
    p99: f64,
    /// At half of what the server can do, from when each request was due.
    p99_at_half: f64,
    memory: f64,
    bytes: usize,
}

async fn measure(plan: &Plan, database: &Database, peers: &[Peer]) -> Vec<Cell> {
    print_head(peers);
    let mut cells = vec![];
    for route in plan.routes() {
        for &connections in &plan.connections {
            database.execute("TRUNCATE todoitem RESTART IDENTITY").await;
            database.fill(route.rows()).await;
            database.execute("VACUUM ANALYZE todoitem").await;
            let mut figures: Vec<_> =
                peers.iter().map(|peer| peer.has(route).then(Vec::new)).collect();
            for round in 0..plan.rounds {
                for turn in 0..peers.len() {
                    let index = (turn + round) % peers.len();
                    let Some(own) = &mut figures[index] else { continue };
                    own.push(once(&peers[index], route, connections, plan.time).await);
                }
            }
            let cell = Cell { route, connections, figures };
            print_cell(&cell);
            cells.push(cell);
        }
    }
    cells
}

async fn once(peer: &Peer, route: Route, connections: usize, time: Duration) -> Figures {
    let ask = peer.ask(route);
    load::closed(&ask, connections, WARM_UP).await;
    let before = peer.cpu(route);
    let full = load::closed(&ask, connections, time).await;
    let cpu = peer.cpu(route).saturating_sub(before);
    let half = load::open(&ask, connections, full.per_second() / 2.0, time / 2).await;
    let at = |answers: &Answers, quantile| answers.latencies.value_at_quantile(quantile) as f64;
    Figures {
        per_second: full.per_second(),
        cpu: cpu.as_secs_f64() * 1e6 / full.count as f64,
        p50: at(&full, 0.5),
        p99: at(&full, 0.99),
        p99_at_half: at(&half, 0.99),
        memory: peer.memory(route),
        bytes: full.bytes,
    }
}

async fn starts(hosts: &[Option<PathBuf>; 2], database: &Database) -> [Vec<f64>; 2] {
    let mut times = [vec![], vec![]];
    for _ in 0..STARTS {
        for (host, times) in hosts.iter().zip(&mut times) {
            times.push(first_answer(host.as_deref(), database).await.as_secs_f64() * 1e3);
        }
    }
    times
}

fn print_starts(names: [&str; 2], times: &[Vec<f64>; 2]) {
    for (name, times) in names.iter().zip(times) {
        println!("start to first answer, warm, {name}: {} ms", Spread::of(times.iter().copied()));
    }
}

/// Median, least and most.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], least: values[0], most: values[values.len() - 1] }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = if self.median < 100.0 { 2 } else { 0 };
        write!(f, "{:.digits$} ({:.digits$} to {:.digits$})", self.median, self.least, self.most)
    }
}

type Pick = fn(&Figures) -> f64;

const COLUMNS: [(&str, Pick); 6] = [
    ("CPU µs", |f| f.cpu),
    ("requests/s", |f| f.per_second),
    ("p50 µs", |f| f.p50),
    ("p99 µs", |f| f.p99),
    ("p99 at half", |f| f.p99_at_half),
    ("MB", |f| f.memory),
];

fn print_head(peers: &[Peer]) {
    println!("{} as the unit; ratios of the same round: median (least to most)", peers[0].name);
    println!(
        "load on the machine before: {}",
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()
    );
    for (index, peer) in peers.iter().enumerate() {
        println!("  {index} = {}", peer.name);
    }
}

fn print_cell(cell: &Cell) {
    println!("\n{}, {} connections", cell.route.name(), cell.connections);
    let unit = cell.figures[0].as_ref();
    for (index, figures) in cell.figures.iter().enumerate() {
        let Some(figures) = figures else { continue };
        print!("  {index}  {:>7} bytes", figures[0].bytes);
        for (name, pick) in COLUMNS {
            print!("   {name} {:.1}", Spread::of(figures.iter().map(pick)).median);
            if let Some(unit) = unit.filter(|_| index > 0) {
                print!(" = {}×", ratio(figures, unit, pick));
            }
        }
        println!();
    }
}

fn ratio(figures: &[Figures], unit: &[Figures], pick: Pick) -> Spread {
    Spread::of(figures.iter().zip(unit).map(|(own, unit)| pick(own) / pick(unit)))
}

/// Writes `target/bench/NAME.json`, and the picture beside it.
fn report(plan: &Plan, peers: &[Peer], cells: &[Cell], name: &str) {
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder).expect("make target/bench");
    let rows: Vec<Value> = cells.iter().map(|cell| in_json(peers, cell)).collect();
    let file = folder.join(name).with_extension("json");
    let text = json!({ "rounds": plan.rounds, "seconds": plan.time.as_secs_f64(), "cells": rows });
    std::fs::write(&file, format!("{text:#}\n")).expect("write the figures");
    let at_32 = cells.iter().filter(|cell| cell.connections == 32);
    let bars = at_32.filter_map(|cell| {
        let (unit, own) = (cell.figures[0].as_ref()?, cell.figures[1].as_ref()?);
        Some((cell.route.name(), ratio(own, unit, |f| f.cpu).median))
    });
    let picture = file.with_extension("svg");
    std::fs::write(&picture, picture::bars(&bars.collect::<Vec<_>>())).expect("write the picture");
    println!("\n{} and {}", file.display(), picture.display());
}

fn in_json(peers: &[Peer], cell: &Cell) -> Value {
    let servers = peers.iter().zip(&cell.figures).filter_map(|(peer, figures)| {
        let columns = COLUMNS.map(|(name, pick)| {
            (
                name.to_owned(),
                json!(figures.as_ref().map(|f| f.iter().map(pick).collect::<Vec<_>>())),
            )
        });
        figures.as_ref()?;
        Some((peer.name.clone(), Value::Object(columns.into_iter().collect())))
    });
    json!({
        "route": cell.route.name(),
        "connections": cell.connections,
        "servers": Value::Object(servers.collect()),
    })
}
