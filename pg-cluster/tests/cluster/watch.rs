//! A pair while something befalls it: its writes, and what `status` says of it meanwhile.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    fixture::Database,
    writer::{Writer, Written, leader},
};

/// Enough to see that writes go on.
const SOME: usize = 50;

pub struct Watch {
    pub database: Arc<Database>,
    /// Who was primary when it began.
    pub old: String,
    pub writer: Writer,
    /// What a status said that was not so.
    wrong: Vec<String>,
}

/// What it came to.
pub struct Outcome {
    pub written: Written,
    pub wrong: Vec<String>,
}

impl Watch {
    pub async fn start(database: &Arc<Database>) -> Self {
        database.until_healthy();
        let old = leader(database).await.expect("a primary");
        let writer = Writer::start(database).await;
        let mut watch = Self { database: database.clone(), old, writer, wrong: Vec::new() };
        watch.writes_go_on().await;
        watch
    }

    pub async fn writes_go_on(&mut self) {
        self.writer.goes_on_for(SOME).await;
    }

    /// Asks once, and notes an answer of which this does not hold.
    pub fn see(&mut self, is_true: impl Fn(&Value) -> bool) -> Value {
        let status = tokio::task::block_in_place(|| self.database.status());
        if !is_true(&status) {
            self.wrong.push(brief(&status));
        }
        status
    }

    /// Asks until it holds. So long nobody may call the pair healthy.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.database.until(what, |status| {
            let over = holds(status);
            if !over && !amiss(status) {
                self.wrong.push(brief(status));
            }
            over
        })
    }

    /// A primary that has just been told to end may be well for a moment yet, and be called so.
    pub fn until_another_leads(&self) {
        self.database.until("another primary", |status| {
            status["primary"].as_str().is_some_and(|primary| primary != self.old)
        });
    }

    /// What befell it is over: it becomes whole, and says so.
    pub async fn end(mut self) -> Outcome {
        self.writes_go_on().await;
        self.database.until_healthy();
        let all = self.database.until("the old primary, streaming", |status| {
            let old = member(status, &self.old);
            old["role"] == "primary" || old["state"] == "streaming"
        });
        if amiss(&all) {
            self.wrong.push(brief(&all));
        }
        Outcome { written: self.writer.result(&self.database).await, wrong: self.wrong }
    }
}

pub fn amiss(status: &Value) -> bool {
    status["verdict"] != "healthy"
}

pub fn unprotected(status: &Value) -> bool {
    status["verdict"] == "unprotected"
}

/// Whether a line of its advice has these words.
pub fn says(status: &Value, words: &str) -> bool {
    let lines = status["advice"].as_array().into_iter().flatten();
    lines.filter_map(Value::as_str).any(|line| line.contains(words))
}

/// What a status says about a member; null if it is not there.
pub fn member<'a>(status: &'a Value, name: &str) -> &'a Value {
    let members = status["members"].as_array().into_iter().flatten();
    members.into_iter().find(|member| member["name"] == name).unwrap_or(&Value::Null)
}

fn brief(status: &Value) -> String {
    format!("{}: {} ({})", status["verdict"], status["advice"], status["primary"])
}
