//! The client of a Kubernetes cluster: its API, and a port of a pod.

use std::{fmt::Debug, time::Duration};

use anyhow::{Context, Result};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Pod, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams, Preconditions},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::{io::DuplexStream, time::timeout};

use crate::{certificate, env::Env, names, objects, progress::Wait};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks again what harms nobody when it is asked twice: the API server may close a connection that was
/// kept just as it is used again.
pub async fn twice<T, F>(ask: impl Fn() -> F) -> kube::Result<T>
where
    F: Future<Output = kube::Result<T>>,
{
    match ask().await {
        Err(kube::Error::Service(_) | kube::Error::HyperError(_)) => ask().await,
        answer => answer,
    }
}

/// One environment's cluster, connected.
pub struct Cluster {
    pub client: Client,
    pub env: Env,
}

impl Cluster {
    pub async fn connect(env: Env) -> Result<Self> {
        let hint = "context = … in postgres.toml";
        let mut config = kit::kubeconfig::config(&env.context, hint).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let client = kit::kubeconfig::client(config, &env.context)?;
        Ok(Self { client, env })
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), self.env.namespace())
    }

    /// An object by its name, if it is there.
    pub async fn find<K>(&self, name: &str) -> Result<Option<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned,
    {
        let api = self.api::<K>();
        let found = twice(|| api.get_opt(name)).await;
        found.with_context(|| format!("read the {} {name}", K::kind(&())))
    }

    /// The members' pods, by name.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let params = ListParams::default().labels(&objects::selector_text(&self.env));
        let api = self.api::<Pod>();
        let mut pods = twice(|| api.list(&params)).await.context("list the pods")?.items;
        pods.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Ok(pods)
    }

    /// Deletes this very pod, and none that has taken its name since.
    pub async fn delete_pod(&self, pod: &Pod) -> Result<()> {
        let name = pod.name_any();
        let deleted = self.api::<Pod>().delete(&name, &only(pod)).await;
        deleted.with_context(|| format!("delete the pod {name}"))?;
        Ok(())
    }

    /// Deletes it as soon as nobody else has taken a member away, such as who drains a node.
    pub async fn evict(&self, pod: &Pod) -> Result<Wait<()>> {
        let name = pod.name_any();
        let params = EvictParams { delete_options: Some(only(pod)), ..EvictParams::default() };
        match self.api::<Pod>().evict(&name, &params).await {
            Err(kube::Error::Api(status)) if status.code == 429 => {
                Ok(Wait::For("another member is away".to_owned()))
            }
            // It went, perhaps for an answer that never arrived.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Wait::Over(())),
            evicted => {
                evicted.with_context(|| format!("evict the pod {name}"))?;
                Ok(Wait::Over(()))
            }
        }
    }

    pub async fn annotate(&self, pod: &str, key: &str, value: &str) -> Result<()> {
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        let api = self.api::<Pod>();
        api.patch(pod, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .with_context(|| format!("annotate the pod {pod}"))?;
        Ok(())
    }

    /// A key of a Secret, or None if either is not there.
    pub async fn secret(&self, name: &str, key: &str) -> Result<Option<String>> {
        let found = self.whole_secret(name).await?;
        Ok(found.and_then(|secret| secret_value(&secret, key)))
    }

    pub async fn whole_secret(&self, name: &str) -> Result<Option<Secret>> {
        self.find(name).await
    }

    /// A connection to a port of a pod, through the API server.
    pub async fn forward(&self, pod: &str, port: u16) -> Result<DuplexStream> {
        let mut forward = timeout(CONNECT_TIMEOUT, self.api::<Pod>().portforward(pod, &[port]))
            .await
            .with_context(|| format!("forward a port of {pod}: no answer"))?
            .with_context(|| format!("forward a port of {pod}"))?;
        forward.take_stream(port).context("take the forwarded stream")
    }

    /// The certificates of the CAs to trust.
    pub async fn authority(&self) -> Result<String> {
        let name = names::certificate(&self.env);
        self.secret(&name, objects::secrets::CA)
            .await?
            .with_context(|| format!("there is no Secret {name}: run `pg-cluster init`"))
    }
}

/// This very pod.
fn only(pod: &Pod) -> DeleteParams {
    let uid = pod.metadata.uid.clone();
    DeleteParams {
        preconditions: Some(Preconditions { uid, ..Preconditions::default() }),
        ..DeleteParams::default()
    }
}

pub fn secret_value(secret: &Secret, key: &str) -> Option<String> {
    String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok()
}

/// What the certificate and the CAs in a Secret are told by, where a member has them as files.
pub fn certificate_digest(secret: &Secret) -> Option<String> {
    let trusted = secret_value(secret, objects::secrets::CA)?;
    Some(certificate::digest_of(&(secret_value(secret, "tls.crt")? + &trusted)))
}

#[cfg(test)]
mod tests {
    use crate::{exit_code, wrong_usage::OrWrongUsage};

    #[test]
    fn a_context_that_is_not_there_is_a_wrong_configuration() {
        let (wanted, known) = ("prod".to_owned(), "dev".to_owned());
        let error = kit::kubeconfig::NoContext::Unknown { wanted, known, hint: "it" };
        let error = anyhow::Error::new(error).context("connect");
        assert_eq!(exit_code(&error), 2);
        let wrong: anyhow::Result<()> = Err(anyhow::anyhow!("write 0 to 8").context("scale"));
        let wrong = wrong.or_wrong_usage().unwrap_err();
        assert_eq!(
            (exit_code(&wrong), format!("{wrong:#}")),
            (2, "scale: write 0 to 8".to_owned())
        );
        assert_eq!(exit_code(&anyhow::anyhow!("the API server is away")), 1);
    }
}
