//! A failover while many read and write.

use super::{Replicated, titles};
use std::cell::{Cell, RefCell};
use tests::http::client;
use tests::{Ask, until};

#[tokio::test]
async fn every_read_is_answered_and_every_acknowledged_write_is_there_once() {
    let app = Replicated::start().await;
    let acknowledged = RefCell::new(vec![]);
    let (written, ended) = (Cell::new(0), Cell::new(false));

    let writer = async |number: usize| {
        let client = client();
        for count in 0.. {
            if ended.get() {
                break;
            }
            let title = format!("{count} of writer {number}");
            // The same key until it is acknowledged.
            until("the write is acknowledged", async || {
                let write = app.post(&client, &title).header("idempotency-key", &title);
                match write.answer().await {
                    answer if [200, 201].contains(&answer.status) => Some(()),
                    answer => {
                        assert!(answer.is_problem(503).maybe_header("retry-after").is_some());
                        None
                    }
                }
            })
            .await;
            acknowledged.borrow_mut().push(title.clone());
            written.set(written.get() + 1);
            // Own writes, read at once, whoever the primary is by now.
            let own = client.get(app.url("/?filter=active")).answer().await.is(200);
            let seen = own.text().contains(&format!("<bdi>{title}</bdi>"));
            assert!(seen || own.text().contains("rel=\"next\""), "{title}: {}", own.text());
        }
    };
    let reader = async || {
        while !ended.get() {
            // What was acknowledged before the read began is in it.
            let before: Vec<String> = acknowledged.borrow().iter().take(50).cloned().collect();
            let list = app.read("/todos?limit=100").await.is(200);
            let list = titles(&list);
            for title in before {
                assert!(list.contains(&title) || list.len() == 100, "{title} is not in {list:?}");
            }
        }
    };
    let failover = async {
        let goes_on = async |more: usize| {
            let goal = written.get() + more;
            until("writes go on", async || (written.get() >= goal).then_some(())).await;
        };
        goes_on(10).await;
        app.pair.main.crash().await;
        for _ in 0..20 {
            app.read("/todos").await.is(200);
        }
        app.pair.other.promote().await;
        goes_on(10).await;
        ended.set(true);
    };
    futures::join!(writer(1), writer(2), writer(3), reader(), reader(), failover);

    let there = app.pair.other.titles().await;
    for title in acknowledged.borrow().iter() {
        let times = there.iter().filter(|there| *there == title).count();
        assert_eq!(times, 1, "{title} in {there:?}");
    }
}
