//! What there has to be beside the members: objects of init's, and volumes that last.

use super::{Report, Verdict};

impl Report {
    /// Without an object that init makes, something works no more, or not much longer.
    pub fn judge_missing(&mut self, missing: &[String]) {
        if missing.is_empty() {
            return;
        }
        self.verdict = self.verdict.max(Verdict::Degraded);
        let is = if missing.len() == 1 { "is" } else { "are" };
        self.advice.push(format!(
            "{} {is} missing: run `pg-cluster init`, which makes what can be made anew",
            missing.join(" and ")
        ));
    }

    /// Whose volume goes with its pod has no copy that lasts.
    pub fn judge_doomed(&mut self, volumes: &[String]) {
        if !volumes.is_empty() {
            self.verdict = self.verdict.max(Verdict::Degraded);
            self.advice.push(doomed_volumes(volumes));
        }
    }
}

/// What becomes of volumes that somebody has deleted, and what to do.
pub fn doomed_volumes(names: &[String]) -> String {
    format!(
        "somebody has deleted {}, which goes with its pod: if that is the primary's, run `pg-cluster switchover` to another member first; then delete \
         the pod, which comes back with a volume and a copy of its own",
        names.join(" and ")
    )
}
