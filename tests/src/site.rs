//! Another web site, for what one site may do to another.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A site that answers every request with the same page.
pub struct Site {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Site {
    pub async fn showing(html: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let address = listener.local_addr().expect("its address");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
            html.len()
        );
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("accept");
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 8192];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address, server }
    }

    /// Its address under a name that is another site than 127.0.0.1 to a browser.
    pub fn url(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    pub fn origin(&self) -> String {
        self.url().trim_end_matches('/').to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}
