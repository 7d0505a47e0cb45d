//! Todo-Backend's published specification, one test for each of its sentences.
//!
//! Source: <https://github.com/TodoBackend/todo-backend-js-spec>, `js/specs.js`.

use serde_json::{Value, json};
use tests::{App, Ask};

mod the_prerequisites {
    use super::*;

    /// "… (i.e. the server is up and accessible, CORS headers are set up)"
    #[tokio::test]
    async fn the_api_root_responds_to_a_get() {
        let app = App::with_variable("cors_origins", "*").await;
        let answer = app
            .get("/todos")
            .header("origin", "https://www.todobackend.com")
            .answer()
            .await
            .is(200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }

    #[tokio::test]
    async fn the_api_root_responds_to_a_post_with_the_todo_which_was_posted_to_it() {
        let app = App::start().await;
        assert_eq!(app.add("a todo").await["title"], "a todo");
    }

    #[tokio::test]
    async fn the_api_root_responds_successfully_to_a_delete() {
        let app = App::start().await;
        app.delete("/todos").answer().await.is(204);
    }

    #[tokio::test]
    async fn after_a_delete_the_api_root_responds_to_a_get_with_an_empty_array() {
        let app = App::start().await;
        app.add("a todo").await;
        app.delete("/todos").answer().await.is(204);
        assert_eq!(app.get("/todos").answer().await.json(), json!([]));
    }
}

mod storing_new_todos_by_posting_to_the_root_url {
    use super::*;

    #[tokio::test]
    async fn adds_a_new_todo_to_the_list_of_todos_at_the_root_url() {
        let app = App::start().await;
        app.add("walk the dog").await;
        assert_eq!(app.titles().await, ["walk the dog"]);
    }

    /// What holds for the answer to the POST has to hold for the list as well.
    async fn both_forms_of_a_new_todo(app: &App) -> [Value; 2] {
        let posted = app.add("blah").await;
        [posted, app.list().await.remove(0)]
    }

    #[tokio::test]
    async fn sets_up_a_new_todo_as_initially_not_completed() {
        let app = App::start().await;
        for todo in both_forms_of_a_new_todo(&app).await {
            assert_eq!(todo["completed"], false);
        }
    }

    #[tokio::test]
    async fn each_new_todo_has_a_url() {
        let app = App::start().await;
        for todo in both_forms_of_a_new_todo(&app).await {
            assert!(todo["url"].is_string());
        }
    }

    #[tokio::test]
    async fn each_new_todo_has_a_url_which_returns_a_todo() {
        let app = App::start().await;
        let todo = app.add("my todo").await;
        assert_eq!(app.get(app.place(&todo)).answer().await.is(200).json()["title"], "my todo");
    }
}

mod working_with_an_existing_todo {
    use super::*;

    #[tokio::test]
    async fn can_navigate_from_a_list_of_todos_to_an_individual_todo_via_urls() {
        let app = App::start().await;
        app.add("todo the first").await;
        app.add("todo the second").await;
        let list = app.list().await;
        assert_eq!(list.len(), 2);
        assert_eq!(app.get(app.place(&list[0])).answer().await.json()["title"], "todo the first");
    }

    #[tokio::test]
    async fn can_change_the_todos_title_by_patching_to_the_todos_url() {
        let app = App::start().await;
        let todo = app.add("initial title").await;
        assert_eq!(
            app.change(&todo, json!({ "title": "bathe the cat" })).await["title"],
            "bathe the cat"
        );
    }

    #[tokio::test]
    async fn can_change_the_todos_completedness_by_patching_to_the_todos_url() {
        let app = App::start().await;
        let todo = app.add("blah").await;
        assert_eq!(app.change(&todo, json!({ "completed": true })).await["completed"], true);
    }

    #[tokio::test]
    async fn changes_to_a_todo_are_persisted_and_show_up_when_refetching_the_todo() {
        let app = App::start().await;
        let todo = app.add("blah").await;
        app.change(&todo, json!({ "title": "changed title", "completed": true })).await;
        let refetched = app.get(app.place(&todo)).answer().await.json();
        let list = app.list().await;
        assert_eq!(list.len(), 1);
        for todo in [&refetched, &list[0]] {
            assert_eq!(todo["title"], "changed title");
            assert_eq!(todo["completed"], true);
        }
    }

    #[tokio::test]
    async fn can_delete_a_todo_making_a_delete_request_to_the_todos_url() {
        let app = App::start().await;
        let todo = app.add("blah").await;
        app.remove(&todo).await;
        assert!(app.list().await.is_empty());
    }
}

mod tracking_todo_order {
    use super::*;

    #[tokio::test]
    async fn can_create_a_todo_with_an_order_field() {
        let app = App::start().await;
        assert_eq!(app.create(json!({ "title": "blah", "order": 523 })).await["order"], 523);
    }

    #[tokio::test]
    async fn can_patch_a_todo_to_change_its_order() {
        let app = App::start().await;
        let todo = app.create(json!({ "title": "blah", "order": 10 })).await;
        assert_eq!(app.change(&todo, json!({ "order": 95 })).await["order"], 95);
    }

    #[tokio::test]
    async fn remembers_changes_to_a_todos_order() {
        let app = App::start().await;
        let todo = app.create(json!({ "title": "blah", "order": 10 })).await;
        let patched = app.change(&todo, json!({ "order": 95 })).await;
        assert_eq!(app.get(app.place(&patched)).answer().await.json()["order"], 95);
    }
}
