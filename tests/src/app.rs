//! The whole app: a database and a host that serves the component on it.

use crate::host::Up;
use crate::{Answer, Ask, Database, Host, Project, http, until};
use ::http::Method;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

pub struct App {
    // Dropped in this order: the host lets go of the database first.
    pub host: Host,
    pub database: Database,
    client: Client,
}

impl App {
    pub async fn start() -> Self {
        Self::with(|up| up).await
    }

    /// Starts it with todos of these titles.
    pub async fn with_todos(titles: &[&str]) -> Self {
        let app = Self::start().await;
        for title in titles {
            app.add(title).await;
        }
        app
    }

    /// Starts it with the manifest's variable set.
    pub async fn with_variable(name: &str, value: &str) -> Self {
        Self::with(|up| up.variable(name, value)).await
    }

    /// Starts it with other variables or arguments.
    pub async fn with(change: impl FnOnce(Up) -> Up) -> Self {
        Self::with_project(Project::new(), change).await
    }

    /// Starts it on another project.
    pub async fn with_project(project: Project, change: impl FnOnce(Up) -> Up) -> Self {
        let database = Database::new().await;
        let up = Up::on(database.url().as_str(), project);
        Self { host: change(up).start().await, database, client: http::client() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.host.origin())
    }

    /// A request to a path, or to a whole address of this app.
    pub fn request(&self, method: Method, place: &str) -> RequestBuilder {
        let url = if place.starts_with('/') { self.url(place) } else { place.to_owned() };
        self.client.request(method, url)
    }

    pub fn get(&self, place: &str) -> RequestBuilder {
        self.request(Method::GET, place)
    }

    pub fn post(&self, place: &str) -> RequestBuilder {
        self.request(Method::POST, place)
    }

    pub fn patch(&self, place: &str) -> RequestBuilder {
        self.request(Method::PATCH, place)
    }

    pub fn delete(&self, place: &str) -> RequestBuilder {
        self.request(Method::DELETE, place)
    }

    /// Sends a form, as a browser without JavaScript does.
    pub async fn submit(&self, place: &str, fields: &[(&str, &str)]) -> Answer {
        self.post(place).form(fields).answer().await
    }

    /// Creates a todo by the API and returns its JSON.
    pub async fn add(&self, title: &str) -> Value {
        self.create(json!({ "title": title })).await
    }

    pub async fn create(&self, todo: Value) -> Value {
        self.post("/todos").json(&todo).answer().await.is(201).json()
    }

    /// Changes a todo by the API, as another client would.
    pub async fn change(&self, todo: &Value, change: Value) -> Value {
        self.patch(self.place(todo)).json(&change).answer().await.is(200).json()
    }

    pub async fn remove(&self, todo: &Value) {
        self.delete(self.place(todo)).answer().await.is(204);
    }

    /// Where a todo says it is.
    pub fn place<'a>(&self, todo: &'a Value) -> &'a str {
        todo["url"].as_str().expect("a todo has a url")
    }

    /// The list by the API.
    pub async fn list(&self) -> Vec<Value> {
        let answer = self.get("/todos").answer().await.is(200);
        answer.json().as_array().expect("an array").clone()
    }

    /// The titles by the API.
    pub async fn titles(&self) -> Vec<String> {
        self.get("/todos").answer().await.is(200).titles()
    }

    /// Follows the links from `place` to the end; returns the titles of each page.
    pub async fn read_on(&self, place: &str) -> Vec<Vec<String>> {
        let mut pages = vec![];
        let mut place = Some(place.to_owned());
        while let Some(here) = place {
            let answer = self.get(&here).answer().await.is(200);
            pages.push(answer.titles());
            place = answer.next();
        }
        pages
    }

    /// Waits until these and no other todos are completed on the server, too.
    pub async fn has_completed(&self, titles: &[&str]) {
        until(&format!("the server has completed {titles:?}"), async || {
            let completed = self.get("/todos?completed=true").answer().await.is(200).titles();
            (completed == titles).then_some(())
        })
        .await;
    }

    /// Waits until the server has these titles: what a page shows comes first.
    pub async fn has_saved(&self, titles: &[&str]) {
        until(&format!("the server has {titles:?}"), async || {
            (self.titles().await == titles).then_some(())
        })
        .await;
    }
}
