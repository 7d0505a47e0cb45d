//! Asking before something is done.

use std::io::{IsTerminal as _, stdin};

use anyhow::{Context as _, Result, bail};

use crate::say;

/// Goes on after a yes.
pub fn yes(question: &str) -> Result<()> {
    ask(question, "? [y/N] ", "pass --yes", |answer| answer.eq_ignore_ascii_case("y"))
}

/// Goes on after a word that is typed.
pub fn typed(question: &str, word: &str) -> Result<()> {
    let how = format!(": type {word} to go on: ");
    ask(question, &how, "give the answer as an option (see --help)", |answer| answer == word)
}

fn ask(question: &str, how: &str, option: &str, is_it: impl Fn(&str) -> bool) -> Result<()> {
    if !stdin().is_terminal() {
        bail!("{question}: nobody is here to ask; {option}");
    }
    say::prompt(format_args!("{question}{how}"));
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("read the answer")?;
    if is_it(answer.trim()) { Ok(()) } else { bail!("nothing was done") }
}
