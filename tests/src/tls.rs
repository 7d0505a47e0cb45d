//! A PostgreSQL that speaks TLS, and the authorities that vouch for it or not.

use crate::child::Child;
use crate::{Project, host, postgres, project, until};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tempfile::TempDir;
use tokio_postgres::NoTls;
use url::Url;

/// Authorities of one name would be taken for each other.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A certificate authority of one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![]).expect("parameters");
        params.distinguished_name = name(&format!("authority {}", NUMBER.fetch_add(1, Relaxed)));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A key and a certificate for a server of this name.
    pub(crate) fn vouch_for(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.distinguished_name = name(host);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (key.serialize_pem(), certificate.pem())
    }
}

fn name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A server of its own, whose certificate is for `localhost`.
pub struct TlsServer {
    url: Url,
    _program: Child,
    _folder: TempDir,
}

impl TlsServer {
    pub async fn start(authority: &Authority) -> Self {
        let (project, folder) = (Project::new(), project::folder());
        let data = folder.path().join("data");
        let mut command = host::command("db");
        command.arg("--from").arg(project.path("spin.toml")).arg("--data-dir").arg(&data);
        let mut program = Child::spawn("runtime-host db", command);
        program.line("PostgreSQL ready on ").await;
        let url = postgres::address_in(&project.read(".env"));

        // The files must be the server's own, and nobody else's to read.
        let owner = fs::metadata(data.join("postgres")).expect("the cluster's folder").uid();
        let (key, certificate) = authority.vouch_for("localhost");
        for (name, text) in [("server.key", key), ("server.crt", certificate)] {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("write the certificate");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("protect it");
            chown(&path, Some(owner), None).expect("hand it over");
        }
        let (client, connection) =
            tokio_postgres::connect(url.as_str(), NoTls).await.expect("connect");
        tokio::spawn(connection);
        for (setting, value) in [
            ("ssl_key_file", folder.path().join("server.key").display().to_string()),
            ("ssl_cert_file", folder.path().join("server.crt").display().to_string()),
            ("ssl", "on".to_owned()),
        ] {
            let sql = format!("ALTER SYSTEM SET {setting} = '{value}'");
            client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
        client.batch_execute("SELECT pg_reload_conf()").await.expect("reload");
        until("it speaks TLS", async || {
            let row = client.query_one("SELECT current_setting('ssl')", &[]).await.ok()?;
            (row.get::<_, &str>(0) == "on").then_some(())
        })
        .await;
        Self { url, _program: program, _folder: folder }
    }

    /// Its address by this name, with these parameters.
    pub fn url(&self, host: &str, parameters: &str) -> String {
        let mut url = self.url.clone();
        url.set_host(Some(host)).expect("a host");
        url.set_query(Some(parameters));
        url.into()
    }
}
