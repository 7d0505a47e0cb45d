//! A list that must come through whatever is thrown at the app.

use crate::raw::{RawAnswer, exchange};
use crate::{Answer, App};
use serde_json::Value;
use std::ops::Deref;

/// An app with two todos, which stay as they are. It is an [`App`] as well.
pub struct Guarded {
    app: App,
    before: Vec<Value>,
}

impl Guarded {
    pub async fn start() -> Self {
        let app = App::start().await;
        app.add("first").await;
        app.add("second").await;
        let before = app.list().await;
        Self { app, before }
    }

    /// The first of the two todos.
    pub fn todo(&self) -> &Value {
        &self.before[0]
    }

    pub async fn is_unchanged(&self) {
        assert_eq!(self.app.list().await, self.before, "the list has changed");
    }

    /// That the answer is this problem, and that nothing has changed.
    pub async fn refused(&self, answer: Answer, status: u16) {
        answer.is_problem(status);
        self.is_unchanged().await;
    }

    /// Sends bytes, and expects one refusal and a closed connection: whatever
    /// follows the refused request is not taken for a request.
    pub async fn refuses(&self, bytes: impl AsRef<[u8]>, statuses: &[u16]) {
        let bytes = bytes.as_ref();
        let answers = exchange(&self.app, bytes).await;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
        assert_eq!(answers.len(), 1, "one answer to {text:?}, but: {answers:#?}");
        assert!(
            statuses.contains(&answers[0].status),
            "{statuses:?} to {text:?}, but: {}",
            shown(&answers[0])
        );
        self.is_unchanged().await;
    }
}

fn shown(answer: &RawAnswer) -> String {
    format!("{}\n\n{}", answer.head, String::from_utf8_lossy(&answer.body))
}

impl Deref for Guarded {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}
