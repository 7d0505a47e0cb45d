//! Compares a table of 1,000,000 rows with one of 100: pages of the list have
//! to come as fast. Prints the medians and their ratio, and fails above 1.5.
//!
//! Both apps run at the same time and are asked in turns, so that whatever
//! else the machine does strikes both.

use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::{App, Ask};

const MANY: u32 = 1_000_000;
const FEW: u32 = 100;
const ROUNDS: usize = 1000;
const WARM_UP: usize = 100;
/// The most that a page of the large table may take, in pages of the small one.
const LIMIT: f64 = 1.5;

pub async fn compare_sizes() -> ExitCode {
    let (many, few) = (app_with(MANY).await, app_with(FEW).await);
    println!("{:<24}{:>14}{:>14}{:>9}", "", format!("{MANY} rows"), format!("{FEW} rows"), "ratio");
    let mut worst: f64 = 0.0;
    let mut report = |name: &str, (large, small): (Duration, Duration)| {
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        worst = worst.max(ratio);
        println!("{name:<24}{:>14}{:>14}{ratio:>9.2}", millis(large), millis(small));
    };
    for (name, first, middle) in
        [("API", "/todos?limit=50", "/todos?limit=50&after="), ("page", "/", "/?after=")]
    {
        for (which, place_in) in [("first", None), ("middle", Some(middle))] {
            let place = |rows: u32| {
                place_in.map_or(first.to_owned(), |middle| format!("{middle}{}.0", rows / 2))
            };
            let times = compare((&many, &place(MANY)), (&few, &place(FEW))).await;
            report(&format!("{name}, {which}"), times);
        }
    }
    // A word that every title has, one that one has, and one that none has.
    for word in ["title", "needle", "zzzz"] {
        let place = format!("/todos?limit=50&q={word}");
        report(&format!("search, {word}"), compare((&many, &place), (&few, &place)).await);
    }
    let place = |rows: u32| format!("/todos/{}/move", rows / 2);
    report("move", compare((&many, &place(MANY)), (&few, &place(FEW))).await);
    // A list of one's own of all rows, and one of a few beside it.
    let (large, small) = (list_with(&many, MANY).await, list_with(&few, FEW).await);
    let beside = list_with(&many, FEW).await;
    for (name, own) in [("list", &large), ("list beside", &beside)] {
        for (what, query) in [
            ("API", "/todos?limit=50"),
            ("page", "/"),
            ("title", "/todos?limit=50&q=title"),
            ("zzzz", "/todos?limit=50&q=zzzz"),
        ] {
            let places = (format!("{own}{query}"), format!("{small}{query}"));
            let times = compare((&many, &places.0), (&few, &places.1)).await;
            report(&format!("{name}, {what}"), times);
        }
    }
    println!("worst ratio {worst:.2}, at most {LIMIT}");
    if worst > LIMIT { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

async fn app_with(rows: u32) -> App {
    eprintln!("Filling a table with {rows} rows …");
    let app = App::start().await;
    app.database.fill(rows).await;
    let needle = "INSERT INTO todoitem (task, position) VALUES ('a needle', 2147483647)";
    app.database.execute(needle).await;
    app.database.execute("VACUUM ANALYZE todoitem").await;
    app.database.execute("CHECKPOINT").await; // what filling left to write must not be written meanwhile
    app
}

/// The path of a new list with so many todos.
async fn list_with(app: &App, rows: u32) -> String {
    eprintln!("Filling a list with {rows} todos …");
    let made = app.post("/lists").json(&json!({ "name": "own" })).answer().await.is(201);
    let fill = format!(
        "INSERT INTO listitem (list, task, completed) SELECT (SELECT max(id) FROM todolist), \
         'title ' || n, n % 2 = 0 FROM generate_series(1, {rows}) AS n"
    );
    for sql in [&fill, "VACUUM ANALYZE listitem", "CHECKPOINT"] {
        app.database.execute(sql).await;
    }
    made.header("location").to_owned()
}

/// The median times of one page in each app, asked for in turns.
async fn compare(many: (&App, &str), few: (&App, &str)) -> (Duration, Duration) {
    let (mut large, mut small) = (vec![], vec![]);
    for round in 0..WARM_UP + ROUNDS {
        let times = if round % 2 == 0 {
            let large = time(many).await;
            (large, time(few).await)
        } else {
            let small = time(few).await;
            (time(many).await, small)
        };
        if round >= WARM_UP {
            large.push(times.0);
            small.push(times.1);
        }
    }
    (median(large), median(small))
}

async fn time((app, place): (&App, &str)) -> Duration {
    let start = Instant::now();
    if place.ends_with("/move") {
        app.post(place).json(&json!({ "before": 7 })).answer().await.is(200);
        return start.elapsed();
    }
    let answer = app.get(place).answer().await.is(200);
    let time = start.elapsed();
    assert_eq!(answer.body.len() > 1000, !place.contains("needle") && !place.contains("zzzz"));
    time
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
