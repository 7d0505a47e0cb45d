//! The way to a Kubernetes cluster: its API, a shell in a pod, a port of a pod.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Pod, Secret},
};
use kube::{
    Api, Client, Config, Resource,
    api::{AttachParams, ListParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};

use crate::{
    env::Env,
    objects::{self, names},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One environment's cluster, connected.
pub struct Cluster {
    pub client: Client,
    pub env: Env,
}

impl Cluster {
    pub async fn connect(env: Env) -> Result<Self> {
        let known = Kubeconfig::read()
            .context("read the kubeconfig: set KUBECONFIG, or make ~/.kube/config")?;
        if !known.contexts.iter().any(|context| context.name == env.context) {
            let names: Vec<_> =
                known.contexts.iter().map(|context| context.name.as_str()).collect();
            bail!(
                "the kubeconfig has no context {}: write context = … in postgres.toml, or pass --context; it has {}",
                env.context,
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            );
        }
        let options = KubeConfigOptions {
            context: Some(env.context.clone()),
            ..KubeConfigOptions::default()
        };
        let mut config =
            Config::from_custom_kubeconfig(known, &options).await.context("use the kubeconfig")?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let client =
            Client::try_from(config).context("prepare the connection to the API server")?;
        Ok(Self { client, env })
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), self.env.namespace())
    }

    /// The members' pods, by name.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let selector: Vec<_> = objects::selector(&self.env)
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let mut pods = self
            .api::<Pod>()
            .list(&ListParams::default().labels(&selector.join(",")))
            .await
            .context("list the pods")?
            .items;
        pods.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Ok(pods)
    }

    /// A key of a Secret, or None if either is not there.
    pub async fn secret(&self, name: &str, key: &str) -> Result<Option<String>> {
        let found = self
            .api::<Secret>()
            .get_opt(name)
            .await
            .with_context(|| format!("read the Secret {name}"))?;
        Ok(found.and_then(|secret| secret_value(&secret, key)))
    }

    /// Runs a shell script in a member, feeds it `input` and returns its output.
    /// Secrets go into `input`, never into the script, which is an argument.
    pub async fn shell(
        &self,
        pod: &str,
        script: &str,
        input: &str,
        limit: Duration,
    ) -> Result<String> {
        timeout(limit, self.shell_unbounded(pod, script, input))
            .await
            .with_context(|| format!("{pod} gave no answer within {} s", limit.as_secs()))?
            .with_context(|| format!("run a command in {pod}"))
    }

    async fn shell_unbounded(&self, pod: &str, script: &str, input: &str) -> Result<String> {
        let params = AttachParams::default().container(objects::CONTAINER).stdin(true).stderr(true);
        let mut process = self.api::<Pod>().exec(pod, ["sh", "-c", script], &params).await?;
        let streams = (process.stdin(), process.stdout(), process.stderr(), process.take_status());
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr), Some(status)) = streams else {
            bail!("the connection has no streams")
        };
        let (mut output, mut complaint) = (String::new(), String::new());
        let feed = async {
            stdin.write_all(input.as_bytes()).await?;
            stdin.shutdown().await
        };
        let (written, read, complained) = tokio::join!(
            feed,
            stdout.read_to_string(&mut output),
            stderr.read_to_string(&mut complaint)
        );
        let ended = status.await.context("the connection ended early")?;
        if ended.status.as_deref() != Some("Success") {
            let code = ended.message.unwrap_or_default();
            bail!(
                "{}",
                if complaint.trim().is_empty() { code } else { complaint.trim().to_owned() }
            );
        }
        written.context("write its input")?;
        read.and(complained).context("read its output")?;
        Ok(output)
    }

    /// Runs SQL as the superuser over the pod's own socket. The last statement's
    /// rows come back, one a line.
    pub async fn sql(
        &self,
        pod: &str,
        database: &str,
        statements: &str,
        limit: Duration,
    ) -> Result<String> {
        ensure!(
            database.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            "{database} is no database of ours"
        );
        let script = format!("{PSQL} -d {database}");
        // psql leaves at \q, so it doesn't matter whether the server passes the end of input on.
        self.shell(pod, &script, &format!("{statements}\n\\q\n"), limit).await
    }

    /// A connection to a port of a pod, through the API server.
    pub async fn forward(&self, pod: &str, port: u16) -> Result<DuplexStream> {
        let mut forward = timeout(CONNECT_TIMEOUT, self.api::<Pod>().portforward(pod, &[port]))
            .await
            .with_context(|| format!("forward a port of {pod}: no answer"))?
            .with_context(|| format!("forward a port of {pod}"))?;
        forward.take_stream(port).context("take the forwarded stream")
    }

    /// The certificate of the CA that signed the server's.
    pub async fn authority(&self) -> Result<String> {
        let name = names::certificate(&self.env);
        self.secret(&name, objects::secrets::CA)
            .await?
            .with_context(|| format!("there is no Secret {name}: run `pg-cluster init`"))
    }
}

/// Terse, because a longer error would quote the statement and its verifier.
pub const PSQL: &str = "PGPASSWORD=\"$PATRONI_SUPERUSER_PASSWORD\" exec psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=terse";

pub fn secret_value(secret: &Secret, key: &str) -> Option<String> {
    String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok()
}
