//! What there has to be beside the members: objects of init's, and volumes that last.

use super::{Account, Report, Verdict};

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

    /// What holds for the members is what Patroni was told, whatever the file says.
    pub fn judge_settings(&mut self, differing: &[String]) {
        if !differing.is_empty() {
            self.verdict = self.verdict.max(Verdict::Degraded);
            self.advice.push(format!(
                "Patroni was told another {} than postgres.toml has: run `pg-cluster init`",
                differing.join(" and ")
            ));
        }
    }

    /// With a token that is good for nothing a member keeps no lock and takes none.
    pub fn judge_tokens(&mut self) {
        let refused = self.members.iter().filter(|member| member.account == Account::Deleted);
        let refused: Vec<_> = refused.map(|member| member.name.as_str()).collect();
        if refused.is_empty() {
            return;
        }
        self.verdict = self.verdict.max(Verdict::Degraded);
        self.advice.push(format!(
            "the API server answers 401 (Unauthorized) to {}, whose token is of a ServiceAccount that was deleted: run `pg-cluster init`, which \
             makes such pods anew, before the leader's lock ends",
            refused.join(" and ")
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
