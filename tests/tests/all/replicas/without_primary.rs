//! While there is no primary: reads are answered by the synchronous standby,
//! writes are told to come again, and nothing is lost or doubled.

use super::{Replicated, position, source, titles};
use serde_json::json;
use tests::http::client;
use tests::{Ask, until};

#[tokio::test]
async fn reads_are_answered_by_the_standby_and_are_complete() {
    let app = Replicated::start().await;
    let writer = client();
    for title in ["a", "b", "c"] {
        app.add(&writer, title).await;
    }
    app.pair.main.crash().await;
    let list = app.read("/todos").await.is(200);
    assert_eq!(
        (source(&list), titles(&list)),
        ("standby", ["a", "b", "c"].map(str::to_owned).to_vec())
    );
    let page = app.read("/").await.is(200);
    assert_eq!(source(&page), "standby");
    let own = app.list(&writer).await;
    assert_eq!(titles(&own).len(), 3);
    app.read("/todos/999").await.is_problem(404);
}

#[tokio::test]
async fn a_standby_that_is_behind_answers_once_it_has_caught_up() {
    let app = Replicated::start().await;
    let writer = client();
    app.add(&writer, "replayed").await;
    app.pair.hold_replay().await;
    let last = app.add(&writer, "received").await;
    app.pair.main.crash().await;
    assert_eq!(app.pair.other.titles().await, ["replayed"]);
    let refused = app.read("/todos").await.is_problem(503);
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    let reader = client();
    let reads = [
        reader.get(app.url("/todos")),
        reader.get(app.url("/todos")).header("todoozle-position", position(&last)),
    ];
    let reads = futures::future::join_all(reads.map(Ask::answer));
    let (lists, ()) = futures::future::join(reads, app.pair.go_on_replaying()).await;
    for list in lists {
        assert_eq!(titles(&list.is(200)), ["replayed", "received"]);
    }
}

#[tokio::test]
async fn a_standby_that_lacks_the_reader_s_write_does_not_answer() {
    let app = Replicated::start().await;
    let writer = client();
    app.add(&writer, "on both").await;
    // From here on the primary waits for nobody, and the standby gets nothing.
    app.pair.main.set("synchronous_standby_names", "").await;
    app.pair.in_step().await;
    app.pair.other.set("primary_conninfo", "").await;
    until("the standby is cut off", async || {
        let standbys: i64 = app.pair.main.ask("SELECT count(*) FROM pg_stat_replication").await;
        (standbys == 0).then_some(())
    })
    .await;
    let last = app.add(&writer, "on the primary only").await;
    app.pair.main.crash().await;
    let read = client().get(app.url("/todos")).header("todoozle-position", position(&last));
    let refused = read.answer().await.is_problem(503);
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
}

#[tokio::test]
async fn writes_are_told_to_come_again_and_a_retry_appears_once() {
    let app = Replicated::start().await;
    app.add(&client(), "before").await;
    app.pair.main.crash().await;
    let client = client();
    let write = || app.post(&client, "typed once").header("idempotency-key", "k1").answer();
    let refused = write().await.is_problem(503);
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert_eq!(refused.json()["type"], "urn:todoozle:problem:database-unavailable");
    let form = [("title", "precious words"), ("key", "k2"), ("filter", "all")];
    let page = client.post(app.url("/new_item")).form(&form).answer().await.is(503);
    assert!(page.text().contains(">\nprecious words</textarea>"));
    assert!(page.header("retry-after").parse::<u32>().is_ok());
    assert!(page.text().contains("name=\"key\" value=\"k2\""), "sent again, it has its key");

    app.pair.other.promote().await;
    let answer = until("writes go on", async || {
        let answer = write().await;
        (answer.status != 503).then_some(answer)
    })
    .await
    .is(201);
    write().await.is(200);
    client.post(app.url("/new_item")).form(&form).answer().await.is(303);
    client.post(app.url("/new_item")).form(&form).answer().await.is(303);
    let expected = ["before", "typed once", "precious words"];
    assert_eq!(app.pair.other.titles().await, expected);
    let list = app.list(&client).await;
    assert_eq!((source(&list), titles(&list)), ("primary", expected.map(str::to_owned).to_vec()));
    position(&answer);
}

#[tokio::test]
async fn a_write_whose_acknowledgement_is_lost_appears_once() {
    let app = Replicated::start().await;
    app.add(&client(), "before").await;
    app.pair.other.freeze(); // the primary has committed, and waits for the standby
    let client = client();
    let write = || app.post(&client, "buy milk").header("idempotency-key", "k1").answer();
    let lost = {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let main = &app.pair.main;
        let held = until("the write waits for the standby", async || {
            (main.ask::<i64>(waiting).await == 1).then_some(())
        });
        let crash = async {
            held.await;
            main.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").await;
        };
        futures::future::join(write(), crash).await.0.is_problem(503)
    };
    assert_eq!(lost.json()["type"], "urn:todoozle:problem:unconfirmed");
    assert!(lost.header("retry-after").parse::<u32>().is_ok());
    app.pair.main.crash().await;
    app.pair.other.thaw();
    app.pair.main.start().await;
    until("the retry is answered", async || {
        let answer = write().await;
        (answer.status != 503).then_some(answer)
    })
    .await
    .is(200);
    assert_eq!(app.pair.main.titles().await, ["before", "buy milk"]);
}

#[tokio::test]
async fn a_primary_that_says_nothing_is_done_without() {
    let app = Replicated::start().await;
    let writer = client();
    app.add(&writer, "before").await;
    app.pair.main.freeze();
    let reads = (0..20).map(|_| app.read("/todos"));
    for list in futures::future::join_all(reads).await {
        let list = list.is(200);
        assert_eq!((source(&list), titles(&list)), ("standby", vec!["before".to_owned()]));
    }
    let refused = app.post(&client(), "lost?").answer().await.is_problem(503);
    assert!(refused.header("retry-after").parse::<u32>().is_ok());

    app.pair.other.promote().await;
    let written = until("writes go to the promoted one, though the other is frozen", async || {
        let answer = app.post(&client(), "after").header("idempotency-key", "k").answer().await;
        (answer.status != 503).then_some(answer)
    })
    .await
    .is(201);
    let list = app.list_at(&[position(&written)]).await;
    assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
    let list = app.read("/todos").await.is(200);
    assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
}

#[tokio::test]
async fn a_replica_that_was_promoted_is_no_longer_read_as_one() {
    let app = Replicated::start().await;
    let client = client();
    app.add(&client, "before").await;
    app.pair.in_step().await;
    assert_eq!(source(&app.list(&client).await), "replica");
    app.pair.main.crash().await;
    app.pair.other.promote().await;
    let sources = until("the promoted one answers as the primary", async || {
        let list = app.list(&client).await;
        assert_eq!(titles(&list), ["before"]);
        (source(&list) == "primary").then_some(())
    });
    sources.await;
}

#[tokio::test]
async fn the_primary_comes_back_and_nothing_is_missing() {
    let app = Replicated::start().await;
    let client = client();
    app.add(&client, "before").await;
    app.pair.main.crash().await;
    assert_eq!(source(&app.read("/todos").await.is(200)), "standby");
    app.pair.main.start().await;
    until("writes go on", async || {
        let answer = app.post(&client, "after").header("idempotency-key", "k").answer().await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert_eq!(titles(&app.list(&client).await), ["before", "after"]);
    app.pair.in_step().await;
    assert_eq!(source(&app.list(&client).await), "replica");
    let page = client.get(app.url("/")).answer().await.is(200);
    assert!(page.text().contains("after"));
    assert_eq!(json!(app.pair.other.titles().await), json!(["before", "after"]));
}
