//! Requests that go on and on while something else happens.

use crate::http::client;
use crate::{App, Ask, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// Clients that read and write without a pause, each on its own connection.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<Vec<String>>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    answered: AtomicUsize,
}

impl Load {
    pub fn start(app: &App, clients: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let url = app.url("/todos");
        let clients = (0..clients).map(|_| one_client(url.clone(), shared.clone())).collect();
        Self { shared, clients }
    }

    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until this many more requests have been answered.
    pub async fn goes_on_for(&self, more: usize) {
        let goal = self.answered() + more;
        until("the load goes on", async || (self.answered() >= goal).then_some(())).await;
    }

    /// Ends it after the requests in flight; returns every failure.
    pub async fn end(self) -> Vec<String> {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.clients.join_all().await.concat()
    }
}

async fn one_client(url: String, shared: Arc<Shared>) -> Vec<String> {
    let client = client();
    let mut failures = vec![];
    while !shared.ended.load(Ordering::Relaxed) {
        let write = client.post(&url).json(&serde_json::json!({ "title": "under load" }));
        for (request, status) in [(write, 201), (client.get(&url), 200)] {
            match request.try_answer().await {
                Ok(answer) if answer.status == status => {
                    shared.answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => failures.push(format!("{}: {}", answer.status, answer.text())),
                Err(error) => failures.push(format!("{error:?}")),
            }
        }
    }
    failures
}
