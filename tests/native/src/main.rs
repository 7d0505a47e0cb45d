//! The server that a user would write instead of a component: axum, typed rows, a pool, the same
//! routes. Kept plain: it is the unit in which `make bench` counts.

use anyhow::Context as _;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::{Manager, Pool};
use serde::{Deserialize, Serialize};
use tokio_postgres::{NoTls, Row};

mod page;

/// As many as the host has for one address.
const CONNECTIONS: usize = 16;

const COLUMNS: &str = "id, task, completed, position, due::text, notes, version, \
    to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
    to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

#[derive(Serialize)]
struct Todo {
    id: i64,
    title: String,
    completed: bool,
    order: i32,
    due: Option<String>,
    notes: String,
    version: i64,
    created_at: String,
    updated_at: String,
    url: String,
}

impl Todo {
    fn of(row: &Row) -> Self {
        let id = row.get(0);
        Self {
            id,
            title: row.get(1),
            completed: row.get(2),
            order: row.get(3),
            due: row.get(4),
            notes: row.get(5),
            version: row.get(6),
            created_at: row.get(7),
            updated_at: row.get(8),
            url: format!("http://localhost/todos/{id}"),
        }
    }
}

#[derive(Deserialize)]
struct Limit {
    limit: i64,
}

#[derive(Deserialize)]
struct New {
    title: String,
}

/// Whatever went wrong is the server's fault here.
struct Failure(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("set DATABASE_URL")?;
    let manager = Manager::new(url.parse()?, NoTls);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build()?;
    let app = Router::new()
        .route("/hello", get(|| async { "Hello, world" }))
        .route("/asset", get(asset))
        .route("/todos", get(list).post(create))
        .route("/todos/{id}", get(one))
        .route("/", get(home))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("Serving http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn asset() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../../../todo-component/assets/icon.svg"))
}

async fn rows(pool: &Pool, limit: i64) -> Result<Vec<Todo>, Failure> {
    let client = pool.get().await?;
    let sql = format!("SELECT {COLUMNS} FROM todoitem ORDER BY position, id LIMIT $1");
    let rows = client.query(&client.prepare_cached(&sql).await?, &[&limit]).await?;
    Ok(rows.iter().map(Todo::of).collect())
}

async fn list(
    State(pool): State<Pool>,
    Query(query): Query<Limit>,
) -> Result<Json<Vec<Todo>>, Failure> {
    Ok(Json(rows(&pool, query.limit).await?))
}

async fn one(State(pool): State<Pool>, Path(id): Path<i64>) -> Result<Response, Failure> {
    let client = pool.get().await?;
    let sql = format!("SELECT {COLUMNS} FROM todoitem WHERE id = $1");
    let row = client.query_opt(&client.prepare_cached(&sql).await?, &[&id]).await?;
    Ok(row
        .map_or(StatusCode::NOT_FOUND.into_response(), |row| Json(Todo::of(&row)).into_response()))
}

async fn create(State(pool): State<Pool>, Json(new): Json<New>) -> Result<Response, Failure> {
    let client = pool.get().await?;
    let sql = format!(
        "INSERT INTO todoitem (task, position) \
         VALUES ($1, coalesce((SELECT max(position) FROM todoitem), 0)) RETURNING {COLUMNS}"
    );
    let row = client.query_one(&client.prepare_cached(&sql).await?, &[&new.title]).await?;
    Ok((StatusCode::CREATED, Json(Todo::of(&row))).into_response())
}

async fn home(State(pool): State<Pool>, Query(query): Query<Limit>) -> Result<Response, Failure> {
    let todos = rows(&pool, query.limit).await?;
    let client = pool.get().await?;
    let counts = client
        .prepare_cached("SELECT count(*) FILTER (WHERE completed), count(*) FROM todoitem")
        .await?;
    let counts = client.query_one(&counts, &[]).await?;
    let (completed, all): (i64, i64) = (counts.get(0), counts.get(1));
    let html = page::list(&todos, all - completed, completed).into_string();
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}
