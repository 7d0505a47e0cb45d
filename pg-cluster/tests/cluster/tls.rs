//! Certificates: one that ends soon, and the one that a member serves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, PostParams};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use serde_json::json;
use tokio_postgres::{Config, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    fixture::Database,
    writer::{self, Login},
};

/// A certificate of the cluster's own CA, and its key.
pub async fn ends_in(database: &Database, days: i64) -> (String, String) {
    let mut authority = CertificateParams::default();
    let name = format!("{} of {}", database.name, database.namespace);
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let own = KeyPair::from_pem(&database.secret("ca", "ca.key").await).unwrap();
    let issuer = Issuer::new(authority, own);

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new([format!("{}-primary", database.name)]).unwrap();
    let now = time::OffsetDateTime::from(std::time::SystemTime::now());
    params.not_before = now - time::Duration::days(1);
    params.not_after = now + time::Duration::days(days);
    (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}

pub fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

/// The certificate that a member shows to whoever connects.
pub async fn served(database: &Database, pod: &str) -> Vec<u8> {
    let seen = Arc::new(Recorder::default());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    let mut maker = MakeRustlsConnect::new(config);
    let tls =
        MakeTlsConnect::<tokio::io::DuplexStream>::make_tls_connect(&mut maker, "any").unwrap();
    let mut forward = database.api::<Pod>().portforward(pod, &[5432]).await.unwrap();
    let stream = forward.take_stream(5432).unwrap();
    // It shows itself before it asks for a password, and there is none.
    let login = Config::new().user("nobody").ssl_mode(SslMode::Require).clone();
    assert!(login.connect_raw(stream, tls).await.is_err());
    let shown = seen.0.lock().unwrap().clone().expect("a certificate");
    // The members' other server shows the same.
    let patroni = "import ssl; print(ssl.get_server_certificate((\"localhost\", 8008)))";
    let patroni = database.shell(pod, &format!("python3 -c '{patroni}'")).await;
    assert_eq!(der(&patroni), shown, "Patroni in {pod}");
    shown
}

async fn trusts(database: &Database, login: &Login) -> bool {
    match writer::connect(database, &writer::leader(database).await.unwrap(), login).await {
        Ok(_) => true,
        Err(error) if error.contains("TLS") => false,
        Err(error) => panic!("{error}"),
    }
}

/// Has replicas connect anew, and looks whether they stream.
async fn replicas_find_back(database: &Database) {
    let end = "select pid, pg_terminate_backend(pid) from pg_stat_replication";
    let client = writer::superuser(database).await;
    let ended = client.query(end, &[]).await.unwrap();
    assert_eq!(ended.len(), 1);
    // Until it has gone, all is as healthy as before.
    let anew = "select exists (select from pg_stat_replication where pid <> $1)";
    let ended: i32 = ended[0].get(0);
    let back = async || client.query_one(anew, &[&ended]).await.unwrap().get::<_, bool>(0);
    let back = async { while !back().await {} };
    tokio::time::timeout(Duration::from_mins(2), back).await.expect("a replica that comes back");
    database.until("a replica that connected anew", |status| status["verdict"] == "healthy");
}

/// A pod that reads its CA when it starts.
async fn start_a_client(database: &Database) {
    let secret = json!({ "name": format!("{}-role-app", database.name), "key": "ca.crt" });
    let pod = json!({
        "metadata": { "name": "client" },
        "spec": {
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "client", "image": Database::image(), "command": ["sleep", "3600"],
                "env": [{ "name": "CA", "valueFrom": { "secretKeyRef": secret } }],
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    });
    let pods = database.api::<Pod>();
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let runs = async || {
        let status = pods.get("client").await.unwrap().status;
        status.and_then(|status| status.phase).is_some_and(|phase| phase == "Running")
    };
    let started = async { while !runs().await {} };
    tokio::time::timeout(Duration::from_mins(2), started).await.expect("a client that runs");
}

pub async fn another_ca_replaces_the_first_and_clients_follow(database: &Database) {
    let rotate = ["rotate-ca"];
    let old = Login::of_role(database, "app", "todo").await;
    let certificate = database.secret("tls", "tls.crt").await;

    start_a_client(database).await;

    // A run that ends after its first line has made a CA that nobody knows yet; the next one tells.
    assert!(!database.interrupted_after(1, &rotate));
    database.must(&rotate);
    let both = Login::of_role(database, "app", "todo").await;
    assert_eq!(both.authority.matches("BEGIN").count(), 2);
    assert_eq!(database.secret("role-app", "ca.crt").await, both.authority);
    assert_eq!(database.secret("tls", "tls.crt").await, certificate);
    assert!(trusts(database, &old).await && trusts(database, &both).await);
    let status = database.status();
    assert!(status["advice"].to_string().contains("rotate-ca"), "{status:#}");
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");

    assert!(!database.run(&rotate).status.success(), "a client would be locked out");
    let said = String::from_utf8(database.run(&rotate).stderr).unwrap();
    assert!(said.contains("client read ca.crt before it had both CAs"), "{said}");
    let pods = database.api::<Pod>();
    pods.delete("client", &DeleteParams::default().grace_period(0)).await.unwrap();

    database.must(&rotate);
    let renewed = database.secret("tls", "tls.crt").await;
    assert_ne!(renewed, certificate);
    for member in ["signed-main-0", "signed-replica-0"] {
        assert_eq!(served(database, member).await, der(&renewed), "{member}");
    }
    assert!(trusts(database, &both).await && !trusts(database, &old).await);
    replicas_find_back(database).await;

    database.must(&rotate);
    let new = Login::of_role(database, "app", "todo").await;
    assert_eq!(new.authority.matches("BEGIN").count(), 1);
    assert!(both.authority.contains(&new.authority) && !new.authority.contains(&old.authority));
    assert!(trusts(database, &both).await && trusts(database, &new).await);
    assert_eq!(database.must(&["psql", "--", "-XAtc", "select 1"]).trim(), "1");
    let status = database.status();
    assert!(!status["advice"].to_string().contains("rotate-ca"), "{status:#}");

    // Whoever loses its key keeps it, until another replaces it in steps.
    let own = format!("{}-ca", database.name);
    database.api::<Secret>().delete(&own, &DeleteParams::default()).await.unwrap();
    let said = String::from_utf8(database.run(&["init"]).stderr).unwrap();
    assert!(said.contains("nobody can renew the certificate"), "{said}");
    assert_eq!(database.secret("tls", "ca.crt").await, new.authority);
    assert_eq!(database.secret("tls", "tls.crt").await, renewed);
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
}

/// Believes any server, and remembers who it was.
#[derive(Debug, Default)]
struct Recorder(Mutex<Option<Vec<u8>>>);

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = Some(end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
