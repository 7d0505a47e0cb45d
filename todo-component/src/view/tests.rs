use super::*;
use crate::selection::Cursor;
use crate::todo::{Rank, Step, Todo};

const HOSTILE: &str = r#"<script>alert("x")</script> '&amp; "><img src=x>"#;
const ESCAPED: &str =
    "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; '&amp;amp; &quot;&gt;&lt;img src=x&gt;";

fn todo(title: &str, completed: bool) -> Todo {
    Todo { id: 7, title: title.to_owned(), completed, order: 3, version: 5, ..Todo::default() }
}

fn page(todos: Vec<Todo>, active: u32, completed: u32) -> Page {
    let count = |n: u32| serde_json::from_str(&n.to_string()).unwrap();
    Page {
        list: None,
        todos,
        before: count(0),
        next: None,
        active: count(active),
        completed: count(completed),
    }
}

fn listed(page: &Page) -> String {
    list(&ListView::of(page, &Place::default(), "k")).into_string()
}

fn occurrences(html: &str) -> usize {
    assert!(
        !html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains(HOSTILE),
        "{html}"
    );
    html.matches(ESCAPED).count()
}

#[test]
fn a_title_is_escaped_wherever_it_is_shown() {
    let steps = vec![Step { title: HOSTILE.to_owned(), completed: true }];
    let todo = Todo { notes: HOSTILE.to_owned(), steps, ..todo(HOSTILE, false) };
    assert_eq!(occurrences(&listed(&page(vec![todo.clone()], 1, 0))), 4);

    let page = page(vec![], 0, 0);
    let place = Place { search: Search::parse(HOSTILE).unwrap(), ..Place::default() };
    let draft = Some(Draft { title: HOSTILE, error: HOSTILE });
    let view = ListView { draft, ..ListView::of(&page, &place, "k") };
    assert_eq!(occurrences(&list(&view).into_string()), 8);

    let view = EditView { todo: &todo, place: &Place::default(), draft: None };
    assert_eq!(occurrences(&edit(&view).into_string()), 3);
    let other = "x";
    let typed = Typed {
        title: HOSTILE,
        due: HOSTILE,
        notes: other,
        steps: other,
        field: "due",
        error: HOSTILE,
    };
    let view = EditView { draft: Some(typed), ..view };
    assert_eq!(occurrences(&edit(&view).into_string()), 5);

    let unsaved = Unsaved {
        action: HOSTILE,
        fields: vec![("title", HOSTILE), (HOSTILE, HOSTILE)],
        again: true,
    };
    assert_eq!(occurrences(&failure(503, HOSTILE, HOSTILE, Some(&unsaved)).into_string()), 7);
}

#[test]
fn a_notice_survives_the_cookie() {
    for notice in Notice::EACH {
        assert_eq!(Notice::from_code(notice.code()), Some(notice));
        assert!(!notice.text().is_empty());
    }
    assert_eq!(Notice::from_code("<b>"), None);
}

#[test]
fn a_notice_stands_in_the_region_of_its_kind() {
    let page = page(vec![], 0, 0);
    for notice in Notice::EACH {
        let place = Place::default();
        let view = ListView {
            notice: Some(Said { notice, undo: None }),
            ..ListView::of(&page, &place, "k")
        };
        let role = if matches!(notice, Notice::Conflict | Notice::Missing | Notice::Late) {
            "alert"
        } else {
            "status"
        };
        let html = list(&view).into_string();
        assert!(
            html.contains(&format!(
                r#"<div role="{role}"><div class="notice"><p><span>{}"#,
                notice.text()
            )),
            "{html}"
        );
    }
}

#[test]
fn the_script_finds_the_server_s_own_words() {
    let html = listed(&page(vec![], 0, 0));
    assert!(html.contains(r#"data-max="256""#), "{html}");
    assert!(html.contains(r#"data-too-long="The title has {} characters. "#), "{html}");
    assert!(html.contains(r#"data-control="The title has a control character ({}). "#), "{html}");
}

#[test]
fn without_todos_there_is_neither_list_nor_footer() {
    let html = listed(&page(vec![], 0, 0));
    assert!(
        html.contains(r#"<section class="main" hidden>"#)
            && html.contains(r#"<footer class="footer" hidden "#)
    );
    assert!(html.contains(r#"<div class="empty" data-when="none"><svg"#));
    let html = listed(&page(vec![todo("a", true)], 0, 1));
    assert!(
        html.contains(r#"<section class="main">"#)
            && html.contains(r#"<footer class="footer" data-active="0""#)
    );
    assert!(html.contains(r#"data-when="none" hidden"#));
}

#[test]
fn counts_are_worded_and_bounded() {
    for (active, words) in
        [(0, "<strong>0</strong> <span>items left"), (1, "<strong>1</strong> <span>item left")]
    {
        assert!(listed(&page(vec![], active, 1)).contains(words));
    }
    assert!(listed(&page(vec![], 1000, 0)).contains("<strong>999+</strong> <span>items left"));
}

#[test]
fn each_control_says_what_it_does_to_what() {
    let html = listed(&page(vec![todo("a", true)], 0, 1));
    assert!(html.contains(r#"<li class="completed" data-id="7" data-version="5">"#), "{html}");
    assert!(
        html.contains(
            r#"name="completed" value="false" aria-checked="true" aria-labelledby="title-7""#
        ),
        "{html}"
    );
    assert!(html.contains(r#"aria-label="Edit" aria-labelledby="edit-7 title-7""#), "{html}");
    assert!(html.contains(r#"aria-label="Delete" aria-labelledby="destroy-7 title-7""#), "{html}");
}

#[test]
fn links_and_forms_lead_back_to_the_same_place() {
    let cursor =
        |order, id| Some(Cursor { due: None, completed: false, order, rank: Rank::of(id), id });
    let page = Page { next: cursor(9, 9), ..page(vec![todo("a", false)], 1, 1) };
    let place = Place { filter: Filter::Active, after: cursor(2, 6), more: 1, ..Place::default() };
    let html = list(&ListView::of(&page, &place, "k")).into_string();
    assert!(
        html.contains(r#"href="/items/7/edit?filter=active&amp;after=2.6&amp;more=1""#),
        "{html}"
    );
    assert!(html.contains(r#"<input type="hidden" name="filter" value="active"><input type="hidden" name="after" value="2.6"><input type="hidden" name="more" value="1">"#));
    assert!(html.contains(r#"<a rel="first" href="/?filter=active">"#), "{html}");
    assert!(
        html.contains(r#"<a rel="next" href="/?filter=active&amp;after=9.9" data-more="2">"#),
        "{html}"
    );
    assert!(html.contains(r#"<a class="selected" href="/?filter=active" data-filter="active" aria-current="page">"#), "{html}");
}

#[test]
fn a_refused_title_stays_in_its_input_and_is_explained() {
    let page = page(vec![], 0, 0);
    let draft = Some(Draft { title: "typed", error: "Too long." });
    let place = Place::default();
    let view = ListView { draft, ..ListView::of(&page, &place, "k") };
    let html = list(&view).into_string();
    assert!(
        html.contains(r#"value="typed" aria-describedby="new-todo-error" aria-invalid="true""#),
        "{html}"
    );
    assert!(
        html.contains(r#"<p class="error" id="new-todo-error" role="alert">Too long.</p>"#),
        "{html}"
    );
}
