//! Connections through the API server, and a stream of writes that notes what was acknowledged.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{interval, timeout},
};
use tokio_postgres::{Client, Config, config::SslMode, tls::MakeTlsConnect, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::fixture::Database;

/// A write that takes longer counts as failed; it may still have happened.
const WRITE_LIMIT: Duration = Duration::from_secs(2);
/// A primary that is not found by then is looked for among the members that there are then.
const FIND_LIMIT: Duration = Duration::from_secs(5);
const PACE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_mins(3);

#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub database: String,
    pub authority: String,
    pub server: String,
    /// A certificate and its key, for those who have to show one.
    pub shows: Option<[String; 2]>,
}

impl Login {
    pub async fn of_role(database: &Database, role: &str, name: &str) -> Self {
        let password = database.secret(&format!("role-{role}"), "password").await;
        Self::new(database, role, password, name).await
    }

    async fn new(database: &Database, user: &str, password: String, name: &str) -> Self {
        let authority = database.secret("tls", "ca.crt").await;
        let server = format!("{}-primary", database.name);
        let (user, name) = (user.to_owned(), name.to_owned());
        Self { user, password, database: name, authority, server, shows: None }
    }

    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .user(&self.user)
            .password(&self.password)
            .dbname(&self.database)
            .ssl_mode(SslMode::Require);
        config
    }

    fn tls(&self) -> MakeRustlsConnect {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.authority.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        MakeRustlsConnect::new(match &self.shows {
            None => builder.with_no_client_auth(),
            Some([certificate, key]) => {
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
            }
        })
    }
}

pub async fn connect(database: &Database, pod: &str, login: &Login) -> Result<Client, String> {
    let mut forward =
        database.api::<Pod>().portforward(pod, &[5432]).await.map_err(|error| error.to_string())?;
    let stream = forward.take_stream(5432).unwrap();
    let mut maker = login.tls();
    let tls =
        MakeTlsConnect::<tokio::io::DuplexStream>::make_tls_connect(&mut maker, &login.server)
            .unwrap();
    let (client, connection) = login.config().connect_raw(stream, tls).await.map_err(|error| {
        error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
    })?;
    tokio::spawn(async move {
        let _forward = forward;
        let _ = connection.await; // the client sees the error as well
    });
    Ok(client)
}

/// Who holds the leader's lock.
pub async fn leader(database: &Database) -> Option<String> {
    let map =
        database.api::<ConfigMap>().get_opt(&format!("{}-leader", database.name)).await.ok()??;
    map.annotations().get("leader").filter(|leader| !leader.is_empty()).cloned()
}

pub async fn superuser(database: &Database) -> Client {
    let password = database.secret("credentials", "superuser").await;
    let login = Login::new(database, "postgres", password, "postgres").await;
    connect(database, &leader(database).await.expect("a primary"), &login).await.unwrap()
}

/// When a key was acknowledged.
type Acknowledged = Vec<(Instant, i64)>;

/// What became of the writes.
pub struct Written {
    /// The longest time between two that were acknowledged.
    pub gap: Duration,
    /// Acknowledged and not there.
    pub lost: usize,
    pub twice: usize,
}

/// Writes one key after the other until it is told to stop. A key is tried once,
/// so one that appears twice was doubled by somebody else.
pub struct Writer {
    stop: oneshot::Sender<()>,
    count: watch::Receiver<usize>,
    task: JoinHandle<Acknowledged>,
}

impl Writer {
    pub async fn start(database: &Arc<Database>) -> Self {
        let login = Login::of_role(database, "app", "todo").await;
        let primary = leader(database).await.expect("a primary");
        let client = connect(database, &primary, &login).await.unwrap();
        let table = "create table if not exists writes (key bigint not null); truncate writes";
        client.batch_execute(table).await.unwrap();
        let ((stop, stopped), (counter, count)) = (oneshot::channel(), watch::channel(0));
        let task = tokio::spawn(write(database.clone(), login, client, stopped, counter));
        Self { stop, count, task }
    }

    /// Waits for so many more acknowledged writes.
    pub async fn goes_on_for(&mut self, more: usize) {
        let wanted = *self.count.borrow() + more;
        let enough = self.count.wait_for(|count| *count >= wanted);
        timeout(PATIENCE, enough).await.expect("writes don't go on").unwrap();
    }

    /// Waits until none has been acknowledged for so long.
    pub async fn stands_still_for(&mut self, long: Duration) {
        let still = async { while timeout(long, self.count.changed()).await.is_ok() {} };
        timeout(PATIENCE, still).await.expect("writes go on");
    }

    /// Ends it, and insists that each acknowledged key is there and none twice.
    pub async fn finish(self, database: &Database) {
        let written = self.result(database).await;
        assert_eq!(
            (written.lost, written.twice),
            (0, 0),
            "acknowledged writes lost, and done twice"
        );
    }

    /// Ends it, and looks what is there.
    pub async fn result(self, database: &Database) -> Written {
        self.stop.send(()).unwrap();
        let acknowledged = self.task.await.unwrap();
        let login = Login::of_role(database, "app", "todo").await;
        let primary = leader(database).await.expect("a primary");
        let client = connect(database, &primary, &login).await.unwrap();
        let rows =
            client.query("select key, count(*) from writes group by key", &[]).await.unwrap();
        let kept: HashMap<i64, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let gaps = acknowledged.windows(2).map(|pair| pair[1].0 - pair[0].0);
        Written {
            gap: gaps.max().unwrap_or_default(),
            lost: acknowledged.iter().filter(|(_, key)| !kept.contains_key(key)).count(),
            twice: kept.values().filter(|count| **count > 1).count(),
        }
    }
}

async fn write(
    database: Arc<Database>,
    login: Login,
    client: Client,
    mut stopped: oneshot::Receiver<()>,
    counter: watch::Sender<usize>,
) -> Acknowledged {
    let (mut client, mut acknowledged) = (Some(client), Acknowledged::new());
    let mut pace = interval(PACE);
    for key in 0.. {
        pace.tick().await;
        if stopped.try_recv().is_ok() {
            break;
        }
        if client.is_none() {
            client = timeout(FIND_LIMIT, find_primary(&database, &login)).await.ok();
        }
        let Some(open) = &client else { continue };
        let values: [&(dyn ToSql + Sync); 1] = [&key];
        let insert = open.execute("insert into writes values ($1)", &values);
        if let Ok(Ok(1)) = timeout(WRITE_LIMIT, insert).await {
            acknowledged.push((Instant::now(), key));
            counter.send_replace(acknowledged.len());
        } else {
            client = None;
        }
    }
    acknowledged
}

/// Asks every member, again and again, so that a frozen one holds up none of the others.
async fn find_primary(database: &Database, login: &Login) -> Client {
    let pods = database.pods().await;
    let asks = pods.iter().map(|pod| async move {
        let mut pace = interval(PACE);
        loop {
            pace.tick().await;
            let Ok(client) = connect(database, &pod.name_any(), login).await else { continue };
            let row = client.query_one("select pg_is_in_recovery()", &[]).await;
            if row.is_ok_and(|row| !row.get::<_, bool>(0)) {
                return client;
            }
        }
    });
    futures::future::select_all(asks.map(Box::pin)).await.0
}
