//! Search in titles and notes: any script, case and accents folded, by the API and on the page.

use serde_json::json;
use tests::{App, Ask, Page};
use thirtyfour::Key;

const TITLES: [&str; 8] = [
    "Buy oat milk",
    "Call Zoë",
    "Ёлка и ПОДАРКИ",
    "牛乳を買う",
    "100% done",
    "a_b",
    "axb",
    r"C:\temp",
];

async fn found(app: &App, words: &str) -> Vec<String> {
    app.get("/todos").query(&[("q", words)]).answer().await.is(200).titles()
}

#[tokio::test]
async fn words_are_found_anywhere_in_any_script_case_and_accent() {
    let app = App::with_todos(&TITLES).await;
    app.create(json!({ "title": "groceries", "notes": "MILK, eggs\nand Käse" })).await;
    let more = [
        "Smørrebrød og ŁÓDŹ",
        "Æble, Straße, ĐURĐEVAC, ΟΔΟΣ",
        "Işık",
        "اِشْتَرِ الحَلِيـــبَ، أُمّي",
        "לִקְנוֹת חָלָב־טָרִי",
    ];
    for title in more {
        app.add(title).await;
    }
    for (words, titles) in [
        ("MILK", &["Buy oat milk", "groceries"][..]),
        ("milk buy", &["Buy oat milk"]),
        ("ilk", &["Buy oat milk", "groceries"]),
        ("zoe", &["Call Zoë"]),
        ("ZOÉ", &["Call Zoë"]),
        ("елка подарки", &["Ёлка и ПОДАРКИ"]),
        ("乳", &["牛乳を買う"]),
        ("kase", &["groceries"]),
        ("smorrebrod", &["Smørrebrød og ŁÓDŹ"]),
        ("lodz SMØR", &["Smørrebrød og ŁÓDŹ"]),
        ("strasse", &["Æble, Straße, ĐURĐEVAC, ΟΔΟΣ"]),
        ("STRAẞE aeble", &["Æble, Straße, ĐURĐEVAC, ΟΔΟΣ"]),
        ("durdevac οδός", &["Æble, Straße, ĐURĐEVAC, ΟΔΟΣ"]),
        ("isik", &["Işık"]),
        ("IŞIK", &["Işık"]),
        ("حليب اشتر", &["اِشْتَرِ الحَلِيـــبَ، أُمّي"]),
        ("حَليب امي", &["اِشْتَرِ الحَلِيـــبَ، أُمّي"]),
        ("חלב לקנות", &["לִקְנוֹת חָלָב־טָרִי"]),
        ("חָלב־טרי", &["לִקְנוֹת חָלָב־טָרִי"]),
        ("milk zoe", &[]),
        ("  oat\u{3000} ", &["Buy oat milk"]),
    ] {
        assert_eq!(found(&app, words).await, titles, "{words}");
    }
    assert_eq!(found(&app, "").await.len(), TITLES.len() + 1 + more.len(), "no words, every todo");
}

#[tokio::test]
async fn no_character_means_more_than_itself() {
    let app = App::with_todos(&TITLES).await;
    for (words, titles) in [
        ("0%", &["100% done"][..]),
        ("%", &["100% done"]),
        ("％", &["100% done"]), // compatible with it
        ("a_b", &["a_b"]),
        (r"\t", &[r"C:\temp"]),
        (r"\\", &[]),
        ("' OR true --", &[]),
        ("$1", &[]),
        (".*", &[]),
    ] {
        assert_eq!(found(&app, words).await, titles, "{words}");
    }
    app.get("/todos?q=%00milk%01oat").answer().await.is(200);
    for wrong in ["a+b+c+d+e+f+g+h+i+j+k", &"x".repeat(257), "%ff"] {
        app.get(&format!("/todos?q={wrong}")).answer().await.is_problem(400);
    }
    // Somebody who goes on typing sees what fits.
    let page = app.get("/?q=a+a+a+a+a+a+a+a+a+a+zzz").answer().await.is(200);
    assert!(page.text().contains("a_b"), "{}", page.text());
}

#[tokio::test]
async fn a_search_has_pages_and_filters_as_the_list_has() {
    let app = App::start().await;
    app.database.fill(120).await;
    let found = app.read_on("/todos?q=title+1&completed=false&limit=30").await.concat();
    let numbers: Vec<u32> =
        found.iter().map(|title| title["title ".len()..].parse().unwrap()).collect();
    let expected = (1..=120).filter(|n: &u32| n.to_string().contains('1') && !n.is_multiple_of(3));
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_change_is_found_at_once_by_its_new_words() {
    let app = App::with_todos(&["buy milk"]).await;
    let todo = app.list().await[0].clone();
    app.change(&todo, json!({ "title": "buy bread" })).await;
    assert!(found(&app, "milk").await.is_empty());
    assert_eq!(found(&app, "bread").await, ["buy bread"]);
}

/// A plan that is made for any word would read the whole list for a rare one, and the server makes
/// one when it looks no dearer than those for the words before.
#[tokio::test]
async fn a_rare_word_is_found_by_the_index_whatever_was_searched_for_before() {
    let app = App::start().await;
    app.database.fill(20_000).await;
    app.database.execute("VACUUM ANALYZE todoitem").await;
    let search = "PREPARE search(text) AS SELECT * FROM todoitem
        WHERE todo_bare_words(task, notes) LIKE todo_bare_pattern($1) ORDER BY position, id LIMIT 51";
    let before = ["q", "title", "q", "z", "title", "q", "q", "z"]
        .map(|word| format!("EXECUTE search('{word}')"));
    let plan = "EXPLAIN EXECUTE search('needle')";
    let plan = app.database.last(&[search, &before.join("; "), plan]).await;
    assert!(plan.contains("todoitem_bare_letters"), "{plan}");
}

#[tokio::test]
async fn the_list_follows_what_is_typed() {
    let app = App::with_todos(&TITLES).await;
    let page = Page::open(&app).await;
    page.stay().await;
    page.press(Key::Escape + "").await; // out of the input, where a slash would be written
    page.press("/").await;
    page.press("MIL").await;
    page.shows(["Buy oat milk"]).await;
    page.press("K zo").await;
    page.shows([]).await;
    let empty =
        page.run("return document.querySelector('.empty:not([hidden])').dataset.when").await;
    assert_eq!(empty, "search");
    page.retype("a").await;
    page.comes_to_show("what has an a", |shown| {
        shown.titles() == ["Buy oat milk", "Call Zoë", "a_b", "axb"]
    })
    .await;
    page.press(Key::Escape + "").await;
    page.comes_to_show("all again", |shown| shown.titles().len() == TITLES.len()).await;
    page.is_still_here().await;
}

#[tokio::test]
async fn a_search_is_one_entry_of_the_history_and_an_address() {
    let app = App::with_todos(&TITLES).await;
    let page = Page::open(&app).await;
    page.find(".search-field").await.send_keys("zo").await.unwrap();
    page.shows(["Call Zoë"]).await;
    page.find(".search-field").await.send_keys("ë").await.unwrap();
    page.comes_to("location.search === '?q=zo%C3%AB'").await;
    page.reload().await;
    page.shows(["Call Zoë"]).await;
    page.back().await;
    page.comes_to_show("all again", |shown| shown.titles().len() == TITLES.len()).await;
    let typed = page.run("return document.querySelector('.search-field').value").await;
    assert_eq!(typed, "");
}

#[tokio::test]
async fn what_acts_on_all_todos_is_not_offered_beside_some() {
    let app = App::with_todos(&["buy milk", "call Zoë"]).await;
    for script in [true, false] {
        let page =
            if script { Page::open(&app).await } else { Page::without_javascript(&app).await };
        page.toggle("buy milk").await;
        page.shows_completed(["buy milk"]).await;
        page.go("/?q=zoe").await;
        page.shows(["call Zoë"]).await;
        page.comes_to_show("no bulk actions", |shown| !shown.clear_completed()).await;
        assert!(!page.find(".toggle-all").await.is_displayed().await.unwrap());
        page.go("/").await;
        page.toggle("buy milk").await;
        page.shows_completed([]).await;
        app.has_completed(&[]).await;
    }
}

#[tokio::test]
async fn what_is_added_during_a_search_is_told_of() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::open(&app).await;
    page.go("/?q=milk").await;
    page.add("call Zoë").await;
    page.says("Added").await;
    page.shows(["buy milk"]).await;
    app.has_saved(&["buy milk", "call Zoë"]).await;
}

#[tokio::test]
async fn a_search_is_a_form_without_javascript_and_is_kept_across_others() {
    let app = App::with_todos(&["buy milk", "buy bread", "call Zoë"]).await;
    let page = Page::without_javascript(&app).await;
    let field = page.find(".search-field").await;
    field.send_keys("buy" + Key::Enter).await.unwrap();
    page.shows(["buy milk", "buy bread"]).await;
    page.toggle("buy milk").await;
    page.shows_completed(["buy milk"]).await;
    page.shows(["buy milk", "buy bread"]).await;
    page.choose("Active").await;
    page.shows(["buy bread"]).await;
    page.add("write to Bob").await;
    page.shows(["buy bread", "call Zoë", "write to Bob"]).await;
}
