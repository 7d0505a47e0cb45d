//! Where the members are, and whether one node takes every copy with it.

use std::collections::BTreeSet;

use super::{Member, Report, Verdict};
use crate::env::Env;

/// A node of the Kubernetes cluster.
#[derive(Clone, Debug)]
pub struct Node {
    pub name: String,
    /// Its value of the label by which members keep apart.
    pub place: Option<String>,
    /// Its kubelet answers.
    pub ready: bool,
}

impl Report {
    /// Judges by the nodes that could be read: those of the members, and others that are free.
    pub fn judge_nodes(&mut self, env: &Env, nodes: &[Node]) {
        let (verdict, reasons) = judge(env, &self.members, nodes);
        self.verdict = self.verdict.max(verdict);
        self.advice.extend(reasons);
    }
}

fn judge(env: &Env, members: &[Member], nodes: &[Node]) -> (Verdict, Vec<String>) {
    let mut verdict = Verdict::Healthy;
    let mut reasons = Vec::new();
    let mut places = BTreeSet::new();
    for member in members {
        let node = nodes.iter().find(|node| Some(&node.name) == member.node.as_ref());
        // Where one is unknown, nothing is said of all.
        places.insert(node.and_then(|node| node.place.as_deref()));
        let Some(node) = node.filter(|node| !node.ready) else { continue };
        verdict = Verdict::Degraded;
        reasons.push(format!(
            "{}, the node of {}, does not answer, and Kubernetes starts the member nowhere else while it may still run: when the node is off \
             for good, `kubectl taint nodes {} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`",
            node.name, member.name, node.name
        ));
    }
    if members.len() > 1
        && let [Some(place)] = places.into_iter().collect::<Vec<_>>()[..]
    {
        let label = &env.main.spread;
        let elsewhere =
            |node: &Node| node.ready && node.place.as_deref().is_some_and(|other| other != place);
        if nodes.iter().any(elsewhere) {
            verdict = Verdict::Degraded;
            reasons.push(format!(
                "every copy is in {label} {place} and goes with it, although there are others: write spread_required = true, run \
                 `pg-cluster init`, and `pg-cluster restart`, where a volume can follow its member"
            ));
        } else {
            reasons.push(format!(
                "every copy is in {label} {place} and goes with it: there is no other"
            ));
        }
    }
    (verdict, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of members on these nodes; a node is `name place`, with `!` if it does not answer.
    fn said(members: &[&str], nodes: &[&str]) -> (Verdict, String) {
        let member = |(n, node): (usize, &&str)| Member {
            name: format!("a-{n}"),
            node: Some((*node).to_owned()),
            ..Member::default()
        };
        let members: Vec<_> = members.iter().enumerate().map(member).collect();
        let node = |text: &&str| {
            let (name, place) = text.trim_end_matches('!').split_once(' ').unwrap();
            Node {
                name: name.to_owned(),
                place: Some(place.to_owned()),
                ready: !text.ends_with('!'),
            }
        };
        let nodes: Vec<_> = nodes.iter().map(node).collect();
        let env = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
        let (verdict, reasons) = judge(&env, &members, &nodes);
        (verdict, reasons.join("; "))
    }

    #[test]
    fn copies_that_share_a_place_are_named_and_it_is_a_fault_where_there_is_another() {
        assert_eq!(said(&["x", "y"], &["x 1", "y 2"]), (Verdict::Healthy, String::new()));
        let (verdict, why) = said(&["x", "y"], &["x 1", "y 1", "z 2"]);
        assert_eq!(verdict, Verdict::Degraded);
        assert!(why.contains("every copy is in kubernetes.io/hostname 1"), "{why}");
        let (verdict, why) = said(&["x", "x"], &["x 1", "z 2!"]);
        assert_eq!(verdict, Verdict::Healthy);
        assert!(why.contains("there is no other"), "{why}");
        assert_eq!(said(&["x"], &["x 1", "z 2"]).1, "", "one member has no other to be apart from");
    }

    #[test]
    fn nothing_is_said_of_nodes_that_could_not_be_read() {
        assert_eq!(said(&["x", "y"], &["x 1"]), (Verdict::Healthy, String::new()));
        assert_eq!(said(&["x", "x"], &[]), (Verdict::Healthy, String::new()));
    }

    #[test]
    fn a_node_that_does_not_answer_is_named_with_what_to_do() {
        let (verdict, why) = said(&["x", "y"], &["x 1", "y 2!"]);
        assert_eq!(verdict, Verdict::Degraded);
        assert!(why.starts_with("y, the node of a-1,") && why.contains("out-of-service"), "{why}");
    }
}
