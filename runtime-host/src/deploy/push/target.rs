//! Where an environment is: `config/<env>/values.yaml` and the kubeconfig.

use std::path::Path;

use anyhow::Result;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use serde::Deserialize;

use crate::deploy::args::Options;
use crate::error::misconfigured;

const NAMESPACE: &str = "todoozle";
const APP: &str = "todoozle-edge";

/// One environment's edge tier, connected.
pub struct Target {
    pub env: String,
    pub client: Client,
    pub namespace: String,
    /// The chart's release, and the prefix of every ConfigMap.
    pub app: String,
}

/// The part of the chart's values that is for this program.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct Values {
    target: Written,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
struct Written {
    context: Option<String>,
    namespace: Option<String>,
    app: Option<String>,
}

/// What an environment's file says of its place.
pub struct Names {
    pub context: String,
    pub namespace: String,
    pub app: String,
}

impl Target {
    /// `env` is the environment's name; options come before its file.
    pub async fn connect(env: &str, options: &Options) -> Result<Self> {
        let Names { context, namespace, app } = Names::read(env, &options.config)?;
        let names = Names {
            context: options.context.clone().unwrap_or(context),
            namespace: options.namespace.clone().unwrap_or(namespace),
            app,
        };
        Self::open(env, names).await
    }

    /// Whatever options say about another environment.
    pub async fn connect_as_configured(env: &str, config: &Path) -> Result<Self> {
        Self::open(env, Names::read(env, config)?).await
    }

    async fn open(env: &str, names: Names) -> Result<Self> {
        let Names { context, namespace, app } = names;
        Ok(Self { env: env.to_owned(), client: client(&context).await?, namespace, app })
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Who this is, as the API server knows them.
    pub async fn user(&self) -> Option<String> {
        let api: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = api.create(&PostParams::default(), &SelfSubjectReview::default()).await;
        review.ok()?.status?.user_info?.username
    }
}

impl Names {
    pub fn read(env: &str, config: &Path) -> Result<Self> {
        let path = config.join(env).join("values.yaml");
        let text = std::fs::read_to_string(&path).map_err(|error| {
            misconfigured!(
                "cannot read {}: {error}; name an environment with --env, or the folder with --config",
                path.display()
            )
        })?;
        let values: Values = serde_saphyr::from_str(&text)
            .map_err(|error| misconfigured!("{}: {error}", path.display()))?;
        let Written { context, namespace, app } = values.target;
        Ok(Self {
            context: context.unwrap_or_else(|| env.to_owned()),
            namespace: namespace.unwrap_or_else(|| NAMESPACE.to_owned()),
            app: app.unwrap_or_else(|| APP.to_owned()),
        })
    }
}

/// A client for one context of the kubeconfig, never for its current one.
pub async fn client(context: &str) -> Result<Client> {
    let config = kit::kubeconfig::config(context, "target.context in values.yaml").await;
    let client = config.and_then(|config| kit::kubeconfig::client(config, context));
    client.map_err(|error| misconfigured!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charts_own_values_are_passed_over() {
        let values: Values =
            serde_saphyr::from_str("target: {context: kind-dev}\nreplicas: 3\n").unwrap();
        assert_eq!(values.target.context.as_deref(), Some("kind-dev"));
        let none: Values = serde_saphyr::from_str("replicas: 3\n").unwrap();
        assert_eq!(none, Values::default());
        assert!(serde_saphyr::from_str::<Values>("target: {contxt: a}\n").is_err());
    }
}
