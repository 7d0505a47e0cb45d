//! What the steps' own runners say of themselves, counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Names the file into which a run inside a run writes its rows.
pub const ROWS: &str = "TODOOZLE_ROWS";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    /// Because an earlier step failed.
    NotRun,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub outcome: Outcome,
    pub seconds: u64,
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Why something was skipped, and how often.
    pub reasons: BTreeMap<String, u64>,
}

impl Row {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            outcome: Outcome::Succeeded,
            seconds: 0,
            passed: 0,
            failed: 0,
            skipped: 0,
            reasons: BTreeMap::new(),
        }
    }

    pub fn not_run(name: &str) -> Self {
        Self { outcome: Outcome::NotRun, ..Self::new(name) }
    }

    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }

    /// Takes what a line says: the closing line of Rust's and of Terraform's runner, the count of
    /// a script, a skipped test or step with its reason.
    pub fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
            self.skipped += before(result, "ignored");
        } else if line.ends_with("checks passed") {
            self.passed += before(line, "checks");
        } else if line.contains("Success!") || line.contains("Failure!") {
            self.passed += before(line, "passed");
            self.failed += before(line, "failed");
        } else if let Some((_, reason)) = line.split_once(" ... ignored") {
            // Rust's runner writes `ignored, why`, libtest-mimic `ignored (why)`.
            let reason = reason.trim_start_matches([',', ' ', '(']);
            let reason = reason.strip_suffix(')').unwrap_or(reason);
            *self.reasons.entry(reason.to_owned()).or_default() += 1;
        } else if let Some((_, reason)) = line.split_once(": skipped") {
            self.skipped += 1;
            *self
                .reasons
                .entry(reason.trim_start_matches([':', ' ', ',']).to_owned())
                .or_default() += 1;
        }
    }
}

/// The number before a word: `98 passed; 0 failed`.
fn before(text: &str, word: &str) -> u64 {
    let words: Vec<_> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let number =
        words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok());
    number.unwrap_or(0)
}

/// The table, the reasons below it, and a last line with the sums.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "\n{:<12} {:>8} {:>8} {:>8} {:>8}\n",
        "step", "seconds", "passed", "failed", "skipped"
    );
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for row in rows {
        let end = match row.outcome {
            Outcome::Succeeded => "",
            Outcome::Failed => "  FAILED",
            Outcome::NotRun => "  not run, because an earlier step failed",
        };
        let _ = writeln!(
            text,
            "{:<12} {:>8} {:>8} {:>8} {:>8}{end}",
            row.name, row.seconds, row.passed, row.failed, row.skipped
        );
        passed += row.passed;
        // A step that failed without a word counts as one.
        let silent = row.outcome == Outcome::Failed && row.failed == 0;
        failed += row.failed + u64::from(silent);
        skipped += row.skipped;
    }
    for row in rows {
        for (reason, count) in &row.reasons {
            let _ = writeln!(text, "skipped in {}: {count} × {reason}", row.name);
        }
    }
    let _ = writeln!(text, "\n{passed} passed, {failed} failed, {skipped} skipped");
    text
}

/// Leaves the rows to the run that this one is a step of, if there is one.
pub fn hand_on(rows: &[Row]) {
    let Some(path) = std::env::var_os(ROWS) else { return };
    let lines: Vec<_> = rows.iter().map(to_line).collect();
    if let Err(error) = std::fs::write(&path, lines.concat()) {
        eprintln!("xtask: cannot write {}: {error}", path.display());
    }
}

/// Reads and removes what [`hand_on`] wrote.
pub fn take_over(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let _ = std::fs::remove_file(path);
    text.lines().filter_map(from_line).collect()
}

fn to_line(row: &Row) -> String {
    let outcome = match row.outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::NotRun => "not run",
    };
    let mut line = format!(
        "  {}\t{outcome}\t{}\t{}\t{}\t{}",
        row.name, row.seconds, row.passed, row.failed, row.skipped
    );
    for (reason, count) in &row.reasons {
        let _ = write!(line, "\t{count}\t{reason}");
    }
    line + "\n"
}

fn from_line(line: &str) -> Option<Row> {
    let mut fields = line.split('\t');
    let name = fields.next()?.to_owned();
    let outcome = match fields.next()? {
        "succeeded" => Outcome::Succeeded,
        "failed" => Outcome::Failed,
        _ => Outcome::NotRun,
    };
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (seconds, passed, failed, skipped) = (number()?, number()?, number()?, number()?);
    let mut reasons = BTreeMap::new();
    while let (Some(count), Some(reason)) = (fields.next(), fields.next()) {
        reasons.insert(reason.to_owned(), count.parse().ok()?);
    }
    Some(Row { name, outcome, seconds, passed, failed, skipped, reasons })
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Row, from_line, table, to_line};

    fn read(lines: &[&str]) -> Row {
        let mut row = Row::new("tests");
        for line in lines {
            row.read(line);
        }
        row
    }

    #[test]
    fn closing_lines_of_every_runner_are_counted() {
        let row = read(&[
            "test result: ok. 98 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.1s",
            "test-secrets: 28 checks passed",
            "terraform: plan: Success! 9 passed, 0 failed.",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        assert_eq!((row.passed, row.failed, row.skipped), (136, 2, 3));
    }

    #[test]
    fn a_skipped_test_keeps_its_reason_and_is_counted_once() {
        let row = read(&[
            "test day2::a      ... ignored (no Kubernetes cluster: the test node needs root)",
            "test day2::b ... ignored, no Kubernetes cluster: the test node needs root",
            "test result: ok. 0 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out",
            "lint: skipped shellcheck, which isn't on PATH",
        ]);
        assert_eq!((row.passed, row.skipped), (0, 3));
        let reasons: Vec<_> = row.reasons.values().collect();
        assert_eq!(reasons, [&2, &1]);
    }

    #[test]
    fn a_step_that_failed_without_a_word_is_a_failure_in_the_last_line() {
        let failed = Row { outcome: Outcome::Failed, ..Row::new("lint") };
        let text = table(&[failed, Row::not_run("build")]);
        assert!(text.ends_with("\n0 passed, 1 failed, 0 skipped\n"), "{text}");
        assert!(text.contains("FAILED") && text.contains("not run"), "{text}");
    }

    #[test]
    fn rows_survive_being_handed_on() {
        let mut row = read(&["test a ... ignored, why"]);
        row.outcome = Outcome::NotRun;
        let line = to_line(&row);
        let back = from_line(line.trim_end_matches('\n'));
        assert_eq!(back, Some(Row { name: "  tests".to_owned(), ..row }));
    }
}
