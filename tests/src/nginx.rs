//! A real nginx before an app.

use crate::child::Child;
use crate::programs::fetched;
use crate::project::folder;
use crate::replica::free_port;
use crate::tls::Authority;
use crate::until;
use std::fs;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// Where an nginx is going to be.
pub struct Place {
    port: u16,
    /// The path that it has the app below, without a slash at the end.
    path: &'static str,
    tls: bool,
}

impl Place {
    pub fn new(path: &'static str) -> Self {
        Self { port: free_port(), path, tls: false }
    }

    /// The same with a certificate that nobody vouches for.
    #[must_use]
    pub fn with_tls(self) -> Self {
        Self { tls: true, ..self }
    }

    /// As people have it.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin(), self.path)
    }

    pub fn origin(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.port)
    }

    /// Starts it before the app at `authority`, with these lines more in its `location`.
    pub async fn start(self, authority: &str, lines: &str) -> Nginx {
        let Self { port, path, tls } = self;
        let folder = folder();
        let (key, certificate) = Authority::new().vouch_for("127.0.0.1");
        fs::write(folder.path().join("key.pem"), key).expect("write its key");
        fs::write(folder.path().join("own.pem"), certificate).expect("write its certificate");
        let tls =
            if tls { " ssl;\nssl_certificate own.pem;\nssl_certificate_key key.pem" } else { "" };
        // Its own folders are root's.
        let temporary = "client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; \
             uwsgi_temp_path d; scgi_temp_path e;";
        let settings = format!(
            "daemon off;\nmaster_process off;\npid pid;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\n\
             server {{\nlisten 127.0.0.1:{port}{tls};\nlocation {path}/ {{\nproxy_pass http://{authority}/;\n\
             {lines}\n}}\n}}\n}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), settings).expect("write its settings");
        let mut command = fetched("nginx");
        command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder.path());
        let program = Child::spawn("nginx", command);
        until("nginx takes connections", async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Nginx { _program: program, _folder: folder }
    }
}

pub struct Nginx {
    _program: Child,
    _folder: TempDir,
}
