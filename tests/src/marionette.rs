//! `WebDriver` over Marionette: the same commands, in JSON over TCP.

use ::http::{Method, Request, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use thirtyfour::prelude::*;
use thirtyfour::session::http::{Body, HttpClient};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// A connection, on which one command at a time is under way.
#[derive(Clone)]
pub(crate) struct Marionette(Arc<Mutex<BufReader<TcpStream>>>);

impl Marionette {
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connect to Firefox");
        let mut stream = BufReader::new(stream);
        let greeting = read(&mut stream).await;
        assert_eq!(greeting["marionetteProtocol"], 3, "{greeting}");
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Its result, or its error.
    async fn call(&self, name: &str, parameters: &Value) -> Result<Value, Value> {
        let mut stream = self.0.lock().await;
        let command = json!([0, 0, format!("WebDriver:{name}"), parameters]).to_string();
        let message = format!("{}:{command}", command.len());
        stream.write_all(message.as_bytes()).await.expect("write to Firefox");
        let mut answer = read(&mut stream).await;
        let error = answer[2].take();
        if error.is_null() { Ok(answer[3].take()) } else { Err(error) }
    }
}

/// Reads a message: its length, a colon, and JSON.
async fn read(stream: &mut BufReader<TcpStream>) -> Value {
    let mut length = vec![];
    stream.read_until(b':', &mut length).await.expect("read from Firefox");
    let length = String::from_utf8_lossy(&length);
    let length = length.trim_end_matches(':').parse().expect("the length of a message");
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.expect("read from Firefox");
    serde_json::from_slice(&message).expect("JSON")
}

#[async_trait::async_trait]
impl HttpClient for Marionette {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        let mut parameters = match request.body() {
            Body::Json(Value::Object(body)) => body.clone(),
            _ => serde_json::Map::new(),
        };
        let path = request.uri().path().split('/').skip(1).collect::<Vec<_>>();
        let place = match &path[..] {
            ["session", _, "element", id, rest @ ..] if *id != "active" => {
                parameters.insert("id".to_owned(), json!(id));
                if let ["attribute", name] = rest {
                    parameters.insert("name".to_owned(), json!(name));
                }
                format!("element/{}", rest[0])
            }
            ["session", _, rest @ ..] => rest.join("/"),
            _ => "session".to_owned(),
        };
        let (status, value) =
            match self.call(name(request.method(), &place), &parameters.into()).await {
                Ok(mut result) => {
                    let value = result.get_mut("value").map(Value::take);
                    (200, value.unwrap_or(result))
                }
                Err(error) => (500, error),
            };
        let body = json!({ "value": value }).to_string();
        Ok(Response::builder().status(status).body(body.into()).expect("an answer"))
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(self.clone())
    }
}

/// What Marionette calls a command of `WebDriver`; those that tests use.
fn name(method: &Method, place: &str) -> &'static str {
    match (method.as_str(), place) {
        ("POST", "session") => "NewSession",
        ("POST", "timeouts") => "SetTimeouts",
        ("POST", "url") => "Navigate",
        ("GET", "url") => "GetCurrentURL",
        ("GET", "title") => "GetTitle",
        ("POST", "back") => "Back",
        ("POST", "forward") => "Forward",
        ("POST", "refresh") => "Refresh",
        ("POST", "element") => "FindElement",
        ("POST", "elements") => "FindElements",
        ("GET", "element/active") => "GetActiveElement",
        ("GET", "element/attribute") => "GetElementAttribute",
        ("GET", "element/text") => "GetElementText",
        ("POST", "element/click") => "ElementClick",
        ("POST", "element/clear") => "ElementClear",
        ("POST", "element/value") => "ElementSendKeys",
        ("POST", "execute/sync") => "ExecuteScript",
        ("POST", "actions") => "PerformActions",
        ("POST", "print") => "Print",
        _ => panic!("{method} {place} has no name yet: add it here"),
    }
}
