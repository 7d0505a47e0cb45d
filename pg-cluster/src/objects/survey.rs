//! The job that says what a kept volume holds, and what Patroni is told of it.

use anyhow::Result;
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::ConfigMap},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::json;

use super::{Object, SCOPE_LABEL, dynamic, names, selector, upgrade::on_volume};
use crate::{
    env::{Env, SynchronousMode},
    upgrade::SYSTEM_ANNOTATION,
};

/// Reads a member's volume, which nobody else uses.
pub fn job(env: &Env, name: String, volume: String) -> Job {
    on_volume(env, name, volume, include_str!("survey.sh"), Vec::new())
}

/// What Patroni would remember itself: which database the cluster is, and who led last, beside whom
/// nobody may lead. It heeds that in a synchronous mode alone, which ends with the start if it was off.
/// The identifier is the last, since with it the cluster counts as made.
pub fn memory(env: &Env, system: &str, leader: &str) -> Result<[Object; 2]> {
    let map = |suffix: &str, annotations: &[(&str, &str)]| {
        let mut labels = selector(env);
        labels.insert(SCOPE_LABEL.to_owned(), env.name.to_string());
        let own = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Object::of(&ConfigMap {
            metadata: ObjectMeta {
                name: Some(format!("{}{suffix}", env.name)),
                namespace: Some(env.namespace().to_owned()),
                labels: Some(labels),
                annotations: Some(own.collect()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        })
    };
    let mut config = dynamic(env);
    if env.replication.synchronous_mode == SynchronousMode::Off {
        config["synchronous_mode"] = json!(SynchronousMode::On);
    }
    Ok([
        map("-sync", &[("leader", leader), ("sync_standby", "")])?,
        map(names::AGREED, &[("config", &config.to_string()), (SYSTEM_ANNOTATION, system)])?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patroni_is_told_who_led_last_and_heeds_it() {
        let text = "name = \"a\"\nimage = \"a:1\"\nreplication.synchronous_mode = ";
        for (mode, told) in [("off", "on"), ("quorum", "quorum")] {
            let env = Env::parse(&format!("{text}\"{mode}\""), "dev").unwrap();
            let [sync, config] = memory(&env, "7", "a-replica-0").unwrap();
            assert_eq!((&*sync.name, &*config.name), ("a-sync", "a-config"));
            assert_eq!(sync.value["metadata"]["annotations"]["leader"], "a-replica-0");
            assert_eq!(sync.value["metadata"]["labels"]["cluster-name"], "a");
            let told_all = &config.value["metadata"]["annotations"];
            assert_eq!(told_all["initialize"], "7");
            let dynamic: serde_json::Value =
                serde_json::from_str(told_all["config"].as_str().unwrap()).unwrap();
            assert_eq!(dynamic["synchronous_mode"], told);
        }
    }
}
