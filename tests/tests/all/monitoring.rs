//! Alerts and dashboards: they are well formed, ask for what is there, and tell what to do.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use tests::host::Up;
use tests::{Database, Project, promtool, root};

/// The expressions of a dashboard, by the titles of its panels.
fn queries(dashboard: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("monitoring").join(dashboard)).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let of = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().clone();
        targets.into_iter().map(move |t| (title.clone(), t["expr"].as_str().unwrap().to_owned()))
    };
    panels.iter().flat_map(of).collect()
}

/// All names in a text that begin with a prefix.
fn names(text: &str, prefix: &str) -> BTreeSet<String> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !name(c));
    words.filter(|word| word.starts_with(prefix)).map(str::to_owned).collect()
}

fn alerts() -> String {
    fs::read_to_string(root().join("monitoring/alerts.yaml")).unwrap()
}

#[tokio::test]
async fn alerts_are_raised_by_what_they_are_for_and_by_nothing_else() {
    promtool(&["check", "rules", "monitoring/alerts.yaml"]).await.succeeded();
    promtool(&["test", "rules", "monitoring/alerts_test.yaml"]).await.succeeded();
    // Each is tried both ways.
    let tried = fs::read_to_string(root().join("monitoring/alerts_test.yaml")).unwrap();
    for alert in alerts().lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let quiet = format!("alertname: {alert} }}");
        let raised = format!("alertname: {alert}\n");
        assert!(tried.contains(&quiet) && tried.contains(&raised), "{alert}");
    }
}

#[tokio::test]
async fn dashboards_ask_in_the_language_of_prometheus() {
    let rules = tempfile::NamedTempFile::new().unwrap();
    let record = |(at, (_, expr)): (usize, (String, String))| {
        format!("  - record: query_{at}\n    expr: {}\n", Value::from(expr))
    };
    let all = ["edge.json", "database.json"].into_iter().flat_map(queries).enumerate();
    let rules_text = all.map(record).collect::<String>();
    fs::write(rules.path(), format!("groups:\n- name: queries\n  rules:\n{rules_text}")).unwrap();
    promtool(&["check", "rules", rules.path().to_str().unwrap()]).await.succeeded();
}

#[test]
fn each_alert_has_its_runbook_and_each_runbook_its_alert() {
    let runbooks = fs::read_to_string(root().join("docs/runbooks.md")).unwrap();
    let told: Vec<_> = runbooks.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let alerts = alerts();
    let raised: Vec<_> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(told, raised);
    for alert in raised {
        let link = format!("runbook_url: docs/runbooks.md#{}", alert.to_lowercase());
        assert!(alerts.contains(&link), "{link}");
    }
}

#[tokio::test]
async fn what_they_ask_of_the_host_is_among_its_metrics() {
    let database = Database::new().await;
    let host = Up::on(database.url().as_str(), Project::new()).with_admin().start().await;
    host.get("/todos").await.is(200);
    let metrics = host.admin("/metrics").await.is(200);
    let kinds: BTreeMap<_, _> = metrics
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    let there: BTreeSet<_> = kinds
        .iter()
        .flat_map(|(name, kind)| match *kind {
            "counter" => vec![format!("{name}_total")],
            "histogram" => ["bucket", "sum", "count"].map(|end| format!("{name}_{end}")).to_vec(),
            _ => vec![(*name).to_owned()],
        })
        .collect();
    let asked = queries("edge.json").into_iter().map(|(_, expr)| expr).collect::<String>();
    let asked = names(&format!("{asked}{}", alerts()), "runtime_host_");
    assert!(asked.len() > 10, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&there).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not among {there:?}");
}
