//! Versions that must not be served, and the one before them that goes on.

use crate::edge::{APP, Edge};
use crate::load::Load;
use crate::node::{must, run, until};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use tests::{misbehaving, wasm};

const PODS: u32 = 3;

impl Edge {
    async fn patch_pointer(&self, data: Value) {
        let patch = Patch::Merge(json!({ "data": data }));
        let maps = self.namespace.api::<ConfigMap>();
        let pointer = format!("{APP}-live");
        maps.patch(&pointer, &PatchParams::default(), &patch).await.unwrap();
    }

    /// The plain way: a ConfigMap as `kubectl create configmap --from-file=component.wasm` makes
    /// it, and a patch of the pointer.
    async fn name_by_hand(&self, name: &str, component: &[u8], more: Value) {
        let content = ByteString(component.to_vec());
        let map = ConfigMap {
            metadata: kube::api::ObjectMeta {
                name: Some(name.to_owned()),
                ..kube::api::ObjectMeta::default()
            },
            binary_data: Some(BTreeMap::from([("component.wasm".to_owned(), content)])),
            ..ConfigMap::default()
        };
        self.namespace.api().create(&PostParams::default(), &map).await.unwrap();
        let mut data =
            json!({ "configMaps": name, "digest": wasm::whole_digest(component), "schema": null });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.patch_pointer(data).await;
    }

    /// The Events of this reason, which pods write a moment after they did what they tell of.
    async fn events(&self, reason: &str) -> Vec<Event> {
        let all = self.namespace.api::<Event>().list(&ListParams::default()).await.unwrap();
        let ours = |event: &Event| event.reason.as_deref() == Some(reason);
        all.items.into_iter().filter(ours).collect()
    }

    /// Waits until every pod says why it does not serve what it should, and checks that it
    /// serves what it did.
    async fn all_refuse(&self, live: &str, why: &str) {
        for (pod, _) in self.lives().await {
            let status = until(&format!("{pod} to refuse: {why}"), async || {
                let status = self.status(&pod).await;
                let problem = status["problem"].as_str().unwrap_or_default().to_owned();
                problem.contains(why).then_some(status)
            })
            .await;
            assert!(serves(&status, live), "{pod} serves another: {status:#}");
        }
    }
}

fn serves(status: &Value, digest: &str) -> bool {
    status["live"]["digest"] == format!("sha256:{digest}")
}

pub async fn what_misbehaves_is_well_formed() {
    for component in [
        misbehaving::traps(),
        misbehaving::traps_later(),
        misbehaving::loops(),
        misbehaving::eats_memory(),
        misbehaving::compiles_slowly(),
        misbehaving::heavier_by(100),
    ] {
        assert_ne!(component, wasm::todo_component());
        let features = wasmparser::WasmFeatures::all();
        wasmparser::Validator::new_with_features(features).validate_all(&component).unwrap();
    }
}

/// So that the checks of size and of compile time have something to find.
const ARGUMENTS: &str = "arguments: [--max-component=16MiB, --compile-timeout=20s]";

pub async fn a_bad_version_is_refused_while_the_good_one_serves() {
    let edge = Edge::configured(PODS).await;
    edge.configure(PODS, ARGUMENTS);
    edge.deploy("up", "all").await;
    let good = wasm::version_called("goodone");
    edge.push(&good).await;
    let live = wasm::whole_digest(&good);
    let lives = edge.lives().await;
    let load = Load::start(&edge.origin().await);

    // What `push` can't know before the pods have tried it.
    for (component, why) in [
        (misbehaving::traps(), "trapped"),
        (misbehaving::loops(), "CPU time"),
        (misbehaving::eats_memory(), "trapped"),
        (misbehaving::heavier_by(16 << 20), "more than 16777216 bytes"),
        (misbehaving::compiles_slowly(), "compil"),
    ] {
        let output = edge.try_push(&component).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{why}: {said}");
        assert!(said.contains("the version before goes on serving"), "{said}");
        edge.all_refuse(&live, why).await;
    }

    // What `push` itself would refuse, by hand.
    let maps = edge.namespace.api::<ConfigMap>();
    let pointer = maps.get(&format!("{APP}-live")).await.unwrap().data.unwrap();
    let generation: u64 = pointer["generation"].parse().unwrap();
    let half = wasm::half_a_component();
    for (name, component, more, why) in [
        ("half", half.clone(), json!({}), "truncated"),
        ("module", wasm::core_module(), json!({}), "kind"),
        ("teapot", wasm::component_that_wants_a_teapot(), json!({}), "acme:kitchen/teapot@1.0.0"),
        ("mute", wasm::component_without_a_handler(), json!({}), "wasi:http"),
        ("other", good.clone(), json!({ "digest": wasm::whole_digest(b"neither") }), "digest"),
        ("ahead", wasm::version_called("another"), json!({ "schema": "999" }), "migration 999"),
        (
            "late",
            wasm::version_called("laterrr"),
            json!({ "generation": (generation - 1).to_string() }),
            "is lower than",
        ),
    ] {
        edge.name_by_hand(name, &component, more).await;
        edge.all_refuse(&live, why).await;
    }

    // And yet the next good one is taken, by hand and by push.
    let next = wasm::version_called("nextone");
    let higher = json!({ "generation": (generation + 1).to_string() });
    edge.name_by_hand("next", &next, higher).await;
    for (pod, _) in edge.lives().await {
        until(&format!("{pod} to serve what was named by hand"), async || {
            serves(&edge.status(&pod).await, &wasm::whole_digest(&next)).then_some(())
        })
        .await;
    }
    edge.push(&wasm::version_called("lastone")).await;

    edge.all_succeeded(&load.end().await).await;
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    until("Events to tell of the refusals", async || {
        (edge.events("ComponentRefused").await.len() >= 10 * PODS as usize).then_some(())
    })
    .await;
    edge.end().await;
}

pub async fn a_version_that_traps_after_its_probe_goes_back_by_itself() {
    let edge = Edge::kept().await;
    let good = wasm::version_called("goodone");
    let mut push = edge.push_command(&good);
    push.arg("--wait");
    must(push).await;
    let live = wasm::whole_digest(&good);
    for (pod, _) in edge.lives().await {
        let status = edge.status(&pod).await;
        assert_eq!(status["live"]["onProbation"], false, "{pod} has not passed: {status}");
    }
    let lives = edge.lives().await;
    let mut load = Load::start(&edge.origin().await);
    load.goes_on_for(5).await;
    let bad = misbehaving::traps_later();
    let pushed = Instant::now();
    let mut push = edge.push_command(&bad);
    push.arg("--wait");
    let pushed_badly = run(push).await;
    let said = String::from_utf8_lossy(&pushed_badly.stderr);
    assert_eq!(pushed_badly.status.code(), Some(3), "{said}");
    assert!(said.contains(" took back "), "{said}");
    for (pod, _) in &lives {
        until(&format!("{pod} to take the bad version back"), async || {
            let status = edge.status(pod).await;
            let quarantined = status["quarantine"]
                .as_array()?
                .iter()
                .any(|entry| entry["digest"] == format!("sha256:{}", wasm::whole_digest(&bad)));
            (quarantined && serves(&status, &live)).then_some(())
        })
        .await;
    }
    let back = Instant::now();
    load.goes_on_for(5).await;
    let samples = load.end().await;

    let failed = samples.failures();
    let outside = |due| due < pushed || due > back;
    assert!(failed.iter().all(|sample| !outside(sample.due)), "failures outside: {failed:#?}");
    assert!(!failed.is_empty(), "it never served, so nothing was taken back");
    let meanwhile = samples.0.iter().filter(|sample| !outside(sample.due)).count();
    let (first, last) = (failed[0].due - pushed, failed[failed.len() - 1].due - pushed);
    eprintln!(
        "{} of {meanwhile} requests failed, between {:.1} and {:.1} s after the push; all pods told of it after {:.1} s",
        failed.len(),
        first.as_secs_f32(),
        last.as_secs_f32(),
        (back - pushed).as_secs_f32()
    );
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    until("each pod's Event to tell of it", async || {
        let told = edge.events("ComponentTakenBack").await.into_iter();
        let pods: BTreeSet<_> = told
            .map(|event| event.involved_object.name.clone().unwrap_or_else(|| event.name_any()))
            .collect();
        (pods.len() == PODS as usize).then_some(())
    })
    .await;
    edge.keep();
}
