//! What to do about what Kubernetes says of a pod.

use crate::pods::is_being_made;

/// What stands in its words, and what to do about that. Several may stand in one: nodes differ.
const CURES: [(&[&str], &str); 17] = [
    (&["Insufficient ", "enough resource"], "add a node, or write smaller resources.requests"),
    (
        &["volume node affinity conflict", "PersistentVolume's node affinity"],
        "bring back the node or the zone that has its volume; when that is gone for good and another member is primary, delete its claim and then \
         the pod, which comes back with a copy",
    ),
    (
        &["untolerated taint"],
        "`kubectl describe nodes` says what the taint is for: end that, or write pods.tolerations",
    ),
    (&["were unschedulable"], "`kubectl uncordon` the node when its drain is over"),
    (&["node affinity/selector"], "no such node has the labels of node_affinity: correct it"),
    (&["topology spread constraints"], "add a node elsewhere, or write spread_required = false"),
    (
        &["PersistentVolumeClaim", "persistentvolumeclaim", "persistent volumes to bind"],
        "look at `kubectl get storageclass,pvc`: correct storage_class, or see what its provisioner lacks",
    ),
    (
        &["Multi-Attach error"],
        "wait until the node that has its volume lets it go (`kubectl get volumeattachment`)",
    ),
    (&["exceeded quota"], "raise the quota, or write smaller resources"),
    (
        &["must specify "],
        "write these resources, and have a LimitRange with defaults for containers that have none",
    ),
    (&["PriorityClass"], "correct pods.priority_class"),
    (
        &["ErrImage", "ImagePullBackOff", "InvalidImageName"],
        "correct image or pods.image_pull_secrets, and run `pg-cluster init`",
    ),
    (
        &["secret \"", "configmap \"", "couldn't find key"],
        "run `pg-cluster init`, which makes what can be made anew",
    ),
    (
        &["more than its limit", "EmptyDir volume \"shm\""],
        "write a larger resources.limits.memory, or less shared_buffers, work_mem or max_connections, and run `pg-cluster init` and `restart`",
    ),
    (
        &["that it may have"],
        "it starts anew by itself; where a LimitRange gives the limit (`kubectl get limitrange`), raise that",
    ),
    (
        &["no memory left", "low on resource: memory"],
        "write a larger resources.requests.memory, since whoever takes more than he asked for goes first, or take other pods off that node",
    ),
    (
        &["low on resource: ephemeral-storage", "ephemeral local storage"],
        "free room on that node's disk, which logs, images and other pods share",
    ),
];

/// What Kubernetes says about something, and what to do.
pub fn told(namespace: &str, what: &str, words: &str) -> String {
    if is_being_made(words) {
        return format!("{what}: {words}");
    }
    let stands = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    let all = CURES.iter().filter(|(needles, _)| stands(needles)).map(|(_, cure)| *cure);
    let mut cure = all.collect::<Vec<_>>().join("; or ");
    if cure.is_empty() {
        cure = format!(
            "see its events and its log (`kubectl -n {namespace} describe pod`, `logs --previous`)"
        );
    }
    format!("{what} ({words}): {cure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cure(words: &str) -> String {
        told("n", "a-main-0 does not start", words)
    }

    #[test]
    fn each_thing_that_is_said_is_told_with_what_to_do() {
        for (words, what) in [
            (
                "CrashLoopBackOff: OOMKilled, since it took more than its limit of 20Mi",
                "a larger resources.limits.memory",
            ),
            ("OOMKilled, since its node had no memory left", "resources.requests.memory"),
            (
                "Evicted Pod ephemeral local storage usage exceeds the total limit of containers 10Mi.",
                "node's disk",
            ),
            (
                "ErrImageNeverPull Container image \"localhost/none:1\" is not present",
                "correct image",
            ),
            ("CreateContainerConfigError secret \"x-credentials\" not found", "`pg-cluster init`"),
            (
                "MountVolume.SetUp failed for volume \"tls\" : secret \"x-tls\" not found",
                "`pg-cluster init`",
            ),
            ("0/1 nodes are available: persistentvolumeclaim \"nix\" not found", "storage_class"),
            (
                "pods \"a-main-0\" is forbidden: exceeded quota: none, requested: pods=1",
                "raise the quota",
            ),
            ("CrashLoopBackOff: exit code 1", "`kubectl -n n describe pod`"),
        ] {
            let told = cure(words);
            let (said, cure) = told.split_once("): ").unwrap();
            assert_eq!(said, format!("a-main-0 does not start ({words}"));
            assert!(cure.contains(what) && !cure.contains("; or "), "{told}");
        }
        assert_eq!(cure("ContainerCreating"), "a-main-0 does not start: ContainerCreating");
    }

    #[test]
    fn where_nodes_differ_each_is_told() {
        let words = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {disk: full}";
        assert!(cure(words).contains(
            "add a node, or write smaller resources.requests; or `kubectl describe nodes`"
        ));
    }
}
