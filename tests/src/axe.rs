//! axe-core, the accessibility checker, run in the page.

use crate::{Browser, root};
use serde_json::Value;
use std::sync::LazyLock;

static AXE: LazyLock<String> = LazyLock::new(|| {
    let path = root().join("tests/node_modules/axe-core/axe.min.js");
    let source = std::fs::read_to_string(&path);
    source.unwrap_or_else(|error| {
        panic!("read {}: {error}; run scripts/setup-tests.sh first", path.display())
    })
});

/// Every violation that axe finds, one line each: rule, help and where.
pub async fn violations(browser: &Browser) -> Vec<String> {
    browser.run(&AXE).await;
    browser.run("window.axeResult = null; axe.run(document).then(r => window.axeResult = r)").await;
    browser.comes_to("window.axeResult").await;
    let result = browser.run("return window.axeResult.violations").await;
    result.as_array().expect("a list of violations").iter().map(describe).collect()
}

fn describe(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().expect("a list of nodes");
    let places: Vec<_> =
        nodes.iter().map(|node| format!("{} — {}", node["html"], node["failureSummary"])).collect();
    format!("{} ({}): {}", violation["id"], violation["help"], places.join("; "))
}
