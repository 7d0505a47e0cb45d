//! What Kubernetes says of a pod.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

use crate::objects::CONTAINER;

/// How Kubernetes calls a kill by the kernel for want of memory.
const OUT_OF_MEMORY: &str = "OOMKilled";
/// The exit code of what was killed (-9).
const KILLED: i32 = 137;
/// For so long a kill is still news.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

pub fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten())
}

/// What keeps it from its work, in Kubernetes' words. Of a member only PostgreSQL's container counts,
/// without which it is none; a job has no other.
pub fn blocked(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    if status.phase.as_deref() == Some("Failed") && status.reason.is_some() {
        return Some(both(status.reason.as_deref(), status.message.as_deref()));
    }
    let mut conditions = status.conditions.iter().flatten();
    let unscheduled = conditions.find(|c| c.type_ == "PodScheduled" && c.status == "False");
    if let Some(message) = unscheduled.and_then(|condition| condition.message.as_deref()) {
        // What follows is why it is of no use to evict others.
        return Some(message.split(". ").next().unwrap_or(message).to_owned());
    }
    let mut own = containers(pod).filter(|it| it.name == CONTAINER || !is_member(pod));
    let own = own.find_map(|container| stands_still(pod, container))?;
    // It waits for those before it, which have either ended well or go on beside it.
    let failed =
        |it: &&ContainerStatus| terminated(it.state.as_ref()).is_none_or(|it| it.exit_code != 0);
    let mut initial = status.init_container_statuses.iter().flatten().filter(failed);
    Some(initial.find_map(|container| stands_still(pod, container)).unwrap_or(own))
}

/// Whether nothing has gone wrong yet.
pub fn is_being_made(words: &str) -> bool {
    ["ContainerCreating", "PodInitializing"].contains(&words)
}

/// What the containers beside PostgreSQL's do not do, and which one was killed lately for its memory. The member
/// is there all the same.
pub fn beside(pod: &Pod, now: Timestamp) -> Vec<(String, String)> {
    let of = |container: &ContainerStatus| {
        let name = &container.name;
        let stands_still = || stands_still(pod, container).filter(|words| !is_being_made(words));
        let why = if name == CONTAINER { None } else { stands_still() };
        let killed = || {
            let last = terminated(container.last_state.as_ref())?;
            let at = last.finished_at.as_ref()?.0;
            let lately = last.reason.as_deref() == Some(OUT_OF_MEMORY) && now - LATELY < at;
            lately.then(|| format!("{}, at {at:.0}", ended(pod, name, last)))
        };
        let restarts = container.restart_count;
        Some((format!("container {name}, restarted {restarts} times"), why.or_else(killed)?))
    };
    if blocked(pod).is_some() {
        return Vec::new();
    }
    containers(pod).filter_map(of).collect()
}

fn is_member(pod: &Pod) -> bool {
    containers(pod).any(|container| container.name == CONTAINER)
}

/// Why a container waits, with the word of the one before, or why it ended although it should go on.
fn stands_still(pod: &Pod, container: &ContainerStatus) -> Option<String> {
    let goes_on = || {
        pod.metadata.deletion_timestamp.is_none()
            && pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) != Some("Never")
    };
    if let Some(last) = terminated(container.state.as_ref()) {
        return goes_on().then(|| ended(pod, &container.name, last));
    }
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    // How long a pause is and which pod it is of, everybody sees.
    let message = waiting.message.as_deref().filter(|it| !it.starts_with("back-off "));
    let words = both(waiting.reason.as_deref(), message);
    let last = terminated(container.last_state.as_ref());
    let last = last.map(|last| ended(pod, &container.name, last));
    Some(match last.filter(|last| !words.contains(last)) {
        Some(last) => format!("{words}: {last}"),
        None => words,
    })
}

fn terminated(state: Option<&ContainerState>) -> Option<&ContainerStateTerminated> {
    state?.terminated.as_ref()
}

/// What the containers of a pod that is over left for whoever asks, and that one took too much memory.
pub fn last_words(pod: &Pod) -> String {
    let word = |container: &ContainerStatus| {
        let last = terminated(container.state.as_ref())?;
        let speaks = last.message.is_some() || last.reason.as_deref() == Some(OUT_OF_MEMORY);
        speaks.then(|| ended(pod, &container.name, last))
    };
    containers(pod).filter_map(word).collect::<Vec<_>>().join(" ")
}

/// Why a container ended: its own word, else what Kubernetes knows.
fn ended(pod: &Pod, name: &str, last: &ContainerStateTerminated) -> String {
    let word = last.message.as_deref().map(str::trim).filter(|word| !word.is_empty());
    match (last.reason.as_deref(), word) {
        (Some(OUT_OF_MEMORY), _) => match memory_limit(pod, name) {
            Some(limit) if name == CONTAINER => {
                format!("{OUT_OF_MEMORY}, since it took more than its limit of {limit}")
            }
            Some(limit) => {
                format!("{OUT_OF_MEMORY}, since it took more than the {limit} that it may have")
            }
            None => format!("{OUT_OF_MEMORY}, since its node had no memory left"),
        },
        (_, Some(word)) => word.to_owned(),
        (_, None) if last.exit_code == KILLED => {
            format!("exit code {KILLED}: killed by its probe or its node")
        }
        (_, None) => format!("exit code {}", last.exit_code),
    }
}

fn memory_limit<'a>(pod: &'a Pod, container: &str) -> Option<&'a str> {
    let mut all = pod.spec.iter().flat_map(|spec| &spec.containers);
    let limits = all.find(|it| it.name == container)?.resources.as_ref()?.limits.as_ref()?;
    limits.get("memory").map(|limit| limit.0.as_str())
}

fn both(reason: Option<&str>, message: Option<&str>) -> String {
    let words = [reason, message].map(Option::unwrap_or_default).join(" ");
    words.trim().to_owned()
}

/// Whether what runs in it was there before a moment, by the node's clock.
pub fn started_before(pod: &Pod, moment: Option<Timestamp>) -> bool {
    let started = |container: &ContainerStatus| {
        let running = container.state.as_ref()?.running.as_ref()?;
        Some(running.started_at.as_ref()?.0)
    };
    moment.is_some_and(|moment| containers(pod).filter_map(started).any(|started| started < moment))
}

/// Whether it takes requests.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}

#[cfg(test)]
mod tests;
