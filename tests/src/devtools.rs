//! Chromium's own protocol, for what concerns all of a browser: `ChromeDriver` speaks it to pages alone.

use crate::DEADLINE;
use serde_json::{Value, json};
use std::error::Error;
use std::net::TcpStream;
use std::sync::Mutex;
use tungstenite::{Message, WebSocket};
use url::Url;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A connection to a browser. It waits in place, as it outlives the runtime of the test that opens it.
pub(crate) struct DevTools(Mutex<Connection>);

struct Connection {
    socket: WebSocket<TcpStream>,
    calls: u64,
}

impl DevTools {
    pub(crate) fn connect(url: &Url) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&*url.socket_addrs(|| None)?)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let (socket, _) = tungstenite::client(url.as_str(), stream)?;
        Ok(Self(Mutex::new(Connection { socket, calls: 0 })))
    }

    pub(crate) fn call(&self, method: &str, parameters: &Value) -> Result<Value, Failure> {
        self.0.lock().expect("nobody panics with it").call(method, parameters)
    }
}

impl Connection {
    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, Failure> {
        self.calls += 1;
        let call = json!({ "id": self.calls, "method": method, "params": parameters });
        self.socket.send(Message::text(call.to_string()))?;
        loop {
            let mut answer: Value = match self.socket.read()? {
                Message::Text(text) => serde_json::from_str(&text)?,
                _ => continue,
            };
            if answer["id"] != self.calls {
                continue; // an event
            }
            return match answer.get("error") {
                Some(error) => Err(format!("{method}: {error}").into()),
                None => Ok(answer["result"].take()),
            };
        }
    }
}
