//! A list longer than a page.

use tests::{App, Page};

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let app = App::start().await;
    app.database.fill(120).await;
    let page = Page::without_javascript(&app).await;
    for first in ["title 1", "title 51", "title 101"] {
        page.comes_to_show(first, |shown| shown.titles().first() == Some(&first)).await;
        if first != "title 101" {
            page.click("a[rel=next]").await;
        }
    }
    assert!(!page.has("a[rel=next]").await, "the last page leads nowhere");
    page.toggle("title 101").await;
    page.comes_to_show("the same page", |shown| {
        shown.titles().first() == Some(&"title 101") && shown.completed().contains(&"title 101")
    })
    .await;
    page.click("a[rel=first]").await;
    page.comes_to_show("the first page", |shown| shown.titles().first() == Some(&"title 1")).await;
}

#[tokio::test]
async fn completed_todos_are_unfolded_behind_the_active_ones_page_by_page() {
    let app = App::start().await;
    app.database.fill(140).await;
    let order = app.database.query("SELECT task FROM todoitem ORDER BY completed, position").await;
    let order: Vec<String> = order.iter().map(|row| row.get(0)).collect();
    let page = Page::without_javascript(&app).await;
    page.choose("Active").await;
    assert!(!page.find(".fold").await.is_displayed().await.unwrap(), "the list goes on");
    page.click("a[rel=next]").await;
    page.comes_to_show("the last", |shown| shown.titles().last() == Some(&"title 140")).await;
    page.click(".fold").await;
    page.comes_to_show("all of the completed ones", |shown| shown.titles() == order[50..]).await;
    page.go("/?filter=unfolded").await;
    let mut seen = 0;
    for part in order.chunks(50) {
        page.comes_to_show("a page", |shown| shown.titles() == part).await;
        seen += part.len();
        let position = page.run("return document.querySelector('.position').textContent").await;
        assert!(position.as_str().unwrap().ends_with(&format!("–{seen} of 140")), "{position}");
        if part.len() == 50 {
            page.click("a[rel=next]").await;
        }
    }
    page.click(".fold").await;
    page.comes_to_show("the active ones", |shown| shown.titles() == order[..50]).await;
    // No page reads more than it shows.
    app.database.execute("INSERT INTO todoitem (task, position, completed) SELECT 'x', n, n % 3 = 0 FROM generate_series(200, 20000) AS n").await;
    app.database.execute("VACUUM ANALYZE todoitem").await;
    let order = "completed, position, coalesce(rank, id), id";
    let plan = format!(
        "EXPLAIN SELECT * FROM todoitem WHERE ({order}) > (true, 9000, 9, 9) ORDER BY {order} LIMIT 51"
    );
    let plan = app.database.last(&[&plan]).await;
    assert!(plan.contains("todoitem_completed_last") && !plan.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn a_todo_added_beyond_the_page_is_announced() {
    let app = App::start().await;
    app.database.fill(60).await;
    let page = Page::without_javascript(&app).await;
    page.add("one more").await;
    page.says("Added").await;
}
