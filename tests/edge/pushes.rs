//! Many versions in a row, while requests come in and somebody looks at the page.

use crate::edge::Edge;
use crate::load::Load;
use std::time::Instant;
use tests::{Browser, wasm};

const PODS: u32 = 3;
/// In CI; `make bench-swap` makes a hundred.
const PUSHES: usize = 10;
/// How much more memory the pods may hold in the end.
const MEMORY: f64 = 1.10;

fn pushes() -> usize {
    std::env::var("TODOOZLE_PUSHES").map_or(PUSHES, |pushes| pushes.parse().expect("a number"))
}

fn version(number: usize) -> Vec<u8> {
    wasm::version_called(&format!("ver{number:04}"))
}

pub async fn pushes_in_a_row_fail_no_request_and_restart_no_pod() {
    let edge = Edge::kept().await;
    let origin = edge.origin().await;
    let browser = Browser::open().await;
    browser.goto(&origin).await;
    browser.find(".new-todo").await.send_keys("Look at it all the while\u{e007}").await.unwrap();
    browser.comes_to("document.querySelector('.todo-list .toggle')").await;
    browser.run("window.stayed = true").await;

    // What any pod holds after its first swaps under load.
    let mut load = Load::start(&origin);
    for number in 0..2 {
        edge.push(&version(number)).await;
    }
    load.goes_on_for(5).await;
    let (lives, memory) = (edge.lives().await, edge.memory().await);
    assert_eq!(lives.len(), PODS as usize);

    let at_rest = Instant::now();
    load.goes_on_for(20).await;
    let first = Instant::now();
    let mut times = vec![];
    for number in 0..pushes() {
        let pushed = Instant::now();
        edge.push(&version(2 + number)).await;
        times.push(pushed.elapsed().as_secs_f64());
    }
    let last = Instant::now();
    load.goes_on_for(5).await;

    // Somebody who has had the page open all the while goes on with it.
    browser.click(".todo-list li:first-child .toggle").await;
    browser.comes_to("document.querySelector('.todo-list li:first-child.completed')").await;
    assert_eq!(browser.run("return window.stayed").await, true, "the page was loaded again");
    assert_eq!(browser.console_errors().await, Vec::<String>::new());

    let samples = load.end().await;
    let digest = format!("sha256:{}", wasm::whole_digest(&version(1 + pushes())));
    for (pod, _) in &lives {
        let status = edge.status(pod).await;
        assert_eq!(status["live"]["digest"], digest, "{pod} serves another: {status:#}");
    }
    edge.all_succeeded(&samples).await;
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");

    times.sort_by(f64::total_cmp);
    let (rest, swaps) = (samples.times(at_rest, first), samples.times(first, last));
    eprintln!(
        "{} pushes, from the push to all {PODS} pods: median {:.1} s, worst {:.1} s",
        times.len(),
        times[times.len() / 2],
        times[times.len() - 1]
    );
    eprintln!("at rest:      {rest}");
    eprintln!("during swaps: {swaps}; p99 over p99 at rest: {:.2}", swaps.at(0.99) / rest.at(0.99));
    for ((pod, before), (_, after)) in memory.into_iter().zip(edge.memory().await) {
        eprintln!("{pod}: {:.0} MB before, {:.0} MB after", before / 1e6, after / 1e6);
        assert!(after <= before * MEMORY, "{pod} holds more memory than before the pushes");
    }
    edge.keep();
}
