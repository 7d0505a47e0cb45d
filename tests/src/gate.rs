//! The network on the way to the database, which can be cut, joined and clogged.

use crate::Database;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
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
    flow: watch::Sender<Flow>,
}

/// What an open gate lets through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Both,
    /// Both ways of so many connections, the first ones, and nothing of any other.
    First(usize),
    /// What the database is asked, and not what it answers.
    Questions,
    /// Nothing, though connections are accepted: as of a server that is frozen.
    Nothing,
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
            flow: watch::Sender::new(Flow::Both),
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
        self.flow.send_replace(Flow::Both);
        let (database, passed) = (self.database, self.passed.clone());
        let flow = self.flow.subscribe();
        self.open = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new(); // ends them with the gate
            loop {
                let (mut near, _) = listener.accept().await.expect("accept");
                let number = passed.fetch_add(1, Ordering::Relaxed);
                let flow = flow.clone();
                connections.spawn(async move {
                    let mut far =
                        TcpStream::connect(database).await.expect("connect to PostgreSQL");
                    let (mut from_near, mut to_near) = near.split();
                    let (mut from_far, mut to_far) = far.split();
                    let asks = |flow| match flow {
                        Flow::Both | Flow::Questions => true,
                        Flow::First(count) => number < count,
                        Flow::Nothing => false,
                    };
                    let answers = |flow| flow != Flow::Questions && asks(flow);
                    tokio::select! {
                        () = pass(&mut from_near, &mut to_far, flow.clone(), asks) => {}
                        () = pass(&mut from_far, &mut to_near, flow, answers) => {}
                    }
                });
            }
        }));
    }

    /// Holds the database's answers back from now on: it still does what it is asked.
    pub fn hold_answers(&self) {
        self.flow.send_replace(Flow::Questions);
    }

    /// Lets nothing through, and cuts nothing.
    pub fn freeze(&self) {
        self.flow.send_replace(Flow::Nothing);
    }

    /// Lets nothing of new connections through, as a server that is too busy to let anybody in.
    pub fn freeze_new_ones(&self) {
        self.flow.send_replace(Flow::First(self.passed()));
    }

    /// Lets everything through again, with what was held back.
    pub fn thaw(&self) {
        self.flow.send_replace(Flow::Both);
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

/// Copies until either side ends, while the flow allows it.
async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut flow: watch::Receiver<Flow>,
    allows: impl Fn(Flow) -> bool,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        if flow.wait_for(|flow| allows(*flow)).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

fn socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("make a socket");
    socket.set_reuseaddr(true).expect("share the address");
    socket.set_reuseport(true).expect("share the port");
    socket.bind(address).expect("bind");
    socket
}
