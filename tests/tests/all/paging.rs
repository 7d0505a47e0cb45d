//! Pages of the list: by key, of a bounded size, in the API and on the page.

use std::collections::BTreeSet;
use tests::{App, Ask};

fn numbered(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|number| format!("title {number}")).collect()
}

#[tokio::test]
async fn a_page_has_50_todos_unless_asked_otherwise() {
    let app = App::start().await;
    app.database.fill(120).await;
    let pages = app.read_on("/todos").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
    assert_eq!(pages.concat(), numbered(1..=120));
}

#[tokio::test]
async fn a_limit_holds_for_the_pages_that_follow() {
    let app = App::start().await;
    app.database.fill(10).await;
    let pages = app.read_on("/todos?limit=4").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    let page = app.get("/todos?limit=100").answer().await.is(200);
    assert_eq!((page.titles().len(), page.next()), (10, None));
}

#[tokio::test]
async fn a_last_page_that_is_full_has_no_next_one() {
    let app = App::start().await;
    app.database.fill(8).await;
    assert_eq!(app.read_on("/todos?limit=4").await.len(), 2);
}

#[tokio::test]
async fn a_filter_holds_for_the_pages_that_follow() {
    let app = App::start().await;
    app.database.fill(30).await;
    let completed = app.read_on("/todos?completed=true&limit=4").await;
    assert_eq!(completed.concat(), numbered((1..=30).filter(|number| number % 3 == 0)));
    let active = app.read_on("/todos?completed=false&limit=4").await;
    assert_eq!(active.concat(), numbered((1..=30).filter(|number| number % 3 != 0)));
}

#[tokio::test]
async fn todos_of_the_same_order_are_neither_skipped_nor_repeated() {
    let app = App::start().await;
    app.database.fill(20).await;
    app.database.execute("UPDATE todoitem SET position = 0").await;
    let read: BTreeSet<_> = app.read_on("/todos?limit=3").await.concat().into_iter().collect();
    assert_eq!(read.len(), 20);
}

#[tokio::test]
async fn what_is_deleted_or_added_in_the_meantime_moves_no_other_todo() {
    let app = App::start().await;
    app.database.fill(6).await;
    let first = app.get("/todos?limit=3").answer().await.is(200);
    app.database.execute("DELETE FROM todoitem WHERE position <= 3").await;
    app.database.execute("INSERT INTO todoitem (task, position) VALUES ('before all', -1)").await;
    assert_eq!(app.read_on(&first.next().unwrap()).await.concat(), numbered(4..=6));
}

#[tokio::test]
async fn pages_reach_the_ends_of_the_integers() {
    let app = App::start().await;
    for position in [i32::MIN, i32::MIN, 0, i32::MAX, i32::MAX] {
        let row = format!(
            "INSERT INTO todoitem (task, position) VALUES ('order {position}', {position})"
        );
        app.database.execute(&row).await;
    }
    assert_eq!(app.read_on("/todos?limit=1").await.concat().len(), 5);
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused() {
    let app = App::start().await;
    for limit in ["0", "101", "-1", "99999999999999999999", "ten", "", "5.0", "%ff"] {
        app.get(&format!("/todos?limit={limit}")).answer().await.is_problem(400);
    }
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let app = App::start().await;
    for after in
        ["x", "", "1", "1.x", "1.2.3", "99999999999.1", "1.99999999999999999999", "%00", "%ff"]
    {
        app.get(&format!("/todos?after={after}")).answer().await.is_problem(400);
    }
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused() {
    let app = App::start().await;
    for completed in ["yes", "", "TRUE", "1"] {
        app.get(&format!("/todos?completed={completed}")).answer().await.is_problem(400);
    }
    // Which of two is meant nobody knows.
    for query in ["completed=true&completed=false", "due=after:2026-01-01&due=before:2026-12-31"] {
        app.get(&format!("/todos?{query}")).answer().await.is_problem(400);
        app.get(&format!("/todos/export?{query}")).answer().await.is_problem(400);
    }
}
