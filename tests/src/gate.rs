//! The network on the way to the database, which can be cut and joined.

use crate::Database;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

/// An address that leads to the database while the gate is open. While it is
/// closed, the address refuses connections, as a server that is down does.
pub struct Gate {
    address: SocketAddr,
    database: SocketAddr,
    url: Url,
    /// Bound, but not listening: keeps the port for us while the gate is closed.
    _reserved: TcpSocket,
    open: Option<JoinHandle<()>>,
    passed: Arc<AtomicUsize>,
}

impl Gate {
    pub fn closed(database: &Database) -> Self {
        let reserved = socket("127.0.0.1:0".parse().expect("an address"));
        let address = reserved.local_addr().expect("its address");
        let mut url = database.url().clone();
        let port = url.port().expect("the port of the database");
        url.set_port(Some(address.port())).expect("a URL with a port");
        Self {
            address,
            database: ([127, 0, 0, 1], port).into(),
            url,
            _reserved: reserved,
            open: None,
            passed: Arc::default(),
        }
    }

    pub fn opened(database: &Database) -> Self {
        let mut gate = Self::closed(database);
        gate.open();
        gate
    }

    /// The database's URL by way of this gate.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    pub fn open(&mut self) {
        let listener = socket(self.address).listen(64).expect("listen");
        let (database, passed) = (self.database, self.passed.clone());
        self.open = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new(); // ends them with the gate
            loop {
                let (mut near, _) = listener.accept().await.expect("accept");
                passed.fetch_add(1, Ordering::Relaxed);
                connections.spawn(async move {
                    let mut far =
                        TcpStream::connect(database).await.expect("connect to PostgreSQL");
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
    }

    /// How many connections have come through.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    /// Cuts every connection and refuses new ones.
    pub async fn close(&mut self) {
        let open = self.open.take().expect("the gate is open");
        open.abort();
        let _ = open.await;
    }
}

fn socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("make a socket");
    socket.set_reuseaddr(true).expect("share the address");
    socket.set_reuseport(true).expect("share the port");
    socket.bind(address).expect("bind");
    socket
}
