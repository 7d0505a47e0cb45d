//! `runtime-host chart`: what `scripts/deploy.sh` asks about an environment's chart.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;

use crate::deploy::args::{Changes, Chart, Folder};
use crate::deploy::push::target::Names;
use crate::project::variables::{DATABASE_URL, env_name};
use kit::say;

pub fn run(args: &Chart) -> Result<()> {
    let answer = match args {
        Chart::Target(Folder { env, config }) => {
            let Names { context, namespace, app } = Names::read(env, config)?;
            format!("{context} {namespace} {app}\n")
        }
        Chart::Secret { rendered } => secret(&text(rendered)?)? + "\n",
        Chart::Changes(Changes { rendered, difference, namespace, live }) => {
            let live = live.as_deref().map(text).transpose()?;
            let difference = difference.as_deref().map(text).transpose()?;
            changes(&text(rendered)?, difference.as_deref(), namespace, live.as_deref())?
        }
    };
    say::text(answer)?;
    Ok(())
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// The Secret in which the pods find the database's address.
fn secret(rendered: &str) -> Result<String> {
    for object in objects(rendered)? {
        if object["kind"] != "Deployment" {
            continue;
        }
        let deployment: Deployment =
            serde_json::from_value(object).context("read the Deployment")?;
        let pod = deployment.spec.and_then(|spec| spec.template.spec).unwrap_or_default();
        let variables = pod.containers.into_iter().flat_map(|it| it.env.unwrap_or_default());
        let from = |name: String| variables.into_iter().find(|variable| variable.name == name);
        let from = from(env_name(DATABASE_URL)).and_then(|variable| variable.value_from);
        if let Some(secret) = from.and_then(|from| from.secret_key_ref) {
            return Ok(secret.name);
        }
    }
    bail!("the chart has no Deployment whose {} is from a Secret", env_name(DATABASE_URL))
}

/// What an upgrade would change: `difference` is what `kubectl diff` wrote, of a namespace that is there, and `live` what
/// helm has made of the release.
fn changes(
    rendered: &str,
    difference: Option<&str>,
    namespace: &str,
    live: Option<&str>,
) -> Result<String> {
    let wanted = names(rendered)?;
    let Some(difference) = difference else {
        return Ok(wanted.iter().flat_map(|name| [name, " new\n"]).collect());
    };
    let mut told = by_object(difference, namespace);
    if let Some(live) = live {
        for gone in names(live)?.difference(&wanted) {
            let _ = writeln!(told, "{gone} would go");
        }
        if told.is_empty() {
            told.push_str("nothing would change\n");
        }
    }
    Ok(told)
}

/// The difference with the object's name in place of those of the two files. Of a new one all lines are new, so that
/// its name is enough.
fn by_object(difference: &str, namespace: &str) -> String {
    let mut told = String::new();
    let (mut object, mut is_new) = (None, false);
    for line in difference.lines() {
        if line.starts_with("diff -ur ") {
            object = line.rsplit('/').next().and_then(|file| object_of(file, namespace));
        } else if !line.starts_with("--- /") && !line.starts_with("+++ /") {
            if line.starts_with("@@ ") {
                is_new = line.starts_with("@@ -0,0 ");
                if let Some(object) = object.take() {
                    let _ = writeln!(told, "{object}{}", if is_new { " new" } else { "" });
                }
            }
            if !is_new {
                let _ = writeln!(told, "{line}");
            }
        }
    }
    told
}

/// kubectl calls its file GROUP.VERSION.KIND.NAMESPACE.NAME.
fn object_of(file: &str, namespace: &str) -> Option<String> {
    let (kind, name) = file.split_once(&format!(".{namespace}."))?;
    Some(format!("{} {name}", kind.rsplit('.').next()?))
}

/// Kinds and names, but for the manifests, which stay.
fn names(objects: &str) -> Result<BTreeSet<String>> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = |it: Value| format!("{} {}", word(&it["kind"]), word(&it["metadata"]["name"]));
    let all = self::objects(objects)?.into_iter().map(name);
    Ok(all.filter(|name| !name.contains("-manifest-")).collect())
}

fn objects(text: &str) -> Result<Vec<Value>> {
    serde_saphyr::from_multiple(text).context("read what helm rendered")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENDERED: &str = "---
# Source: todoozle/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: edge
---
# Source: todoozle/templates/manifest.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: edge-manifest-0123}
data:
  spin.toml: |
    kind: no object
      name: either
---
# Source: todoozle/templates/ingress.yaml
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge}
spec:
  selector: {}
  template:
    spec:
      containers:
        - name: host
          env:
            - {name: SPIN_VARIABLE_WORD, valueFrom: {secretKeyRef: {name: another, key: word}}}
            - {name: SPIN_VARIABLE_DATABASE_URL, valueFrom: {secretKeyRef: {name: \"the-one\", key: uri}}}
";

    #[test]
    fn the_secret_is_the_one_of_the_databases_address() {
        assert_eq!(secret(RENDERED).unwrap(), "the-one");
        let none = RENDERED.replace("DATABASE_URL", "OTHER");
        assert!(secret(&none).is_err_and(|error| error.to_string().contains("DATABASE_URL")));
    }

    #[test]
    fn in_a_namespace_that_is_not_there_all_is_new() {
        assert_eq!(
            changes(RENDERED, None, "dev", None).unwrap(),
            "Deployment edge new\nService edge new\n"
        );
    }

    #[test]
    fn what_differs_is_told_by_object() {
        let difference = "\
diff -ur /tmp/LIVE-1/apps.v1.Deployment.dev.edge /tmp/MERGED-2/apps.v1.Deployment.dev.edge
--- /tmp/LIVE-1/apps.v1.Deployment.dev.edge\t2026-01-01
+++ /tmp/MERGED-2/apps.v1.Deployment.dev.edge\t2026-01-01
@@ -7,1 +7,1 @@
-  replicas: 1
+  replicas: 2
@@ -9,0 +9,1 @@
+--- /a line that begins like a file's
diff -ur /tmp/LIVE-1/v1.Service.dev.edge.dev.b /tmp/MERGED-2/v1.Service.dev.edge.dev.b
--- /tmp/LIVE-1/v1.Service.dev.edge.dev.b\t2026-01-01
+++ /tmp/MERGED-2/v1.Service.dev.edge.dev.b\t2026-01-01
@@ -0,0 +1,2 @@
+apiVersion: v1
+kind: Service
";
        let told = "Deployment edge\n@@ -7,1 +7,1 @@\n-  replicas: 1\n+  replicas: 2\n@@ -9,0 +9,1 @@\n\
                    +--- /a line that begins like a file's\nService edge.dev.b new\n";
        assert_eq!(changes(RENDERED, Some(difference), "dev", None).unwrap(), told);
        assert_eq!(changes(RENDERED, Some(""), "dev", None).unwrap(), "");
        let same = changes(RENDERED, Some(""), "dev", Some(RENDERED)).unwrap();
        assert_eq!(same, "nothing would change\n");
        let more = format!("{RENDERED}---\nkind: Ingress\nmetadata: {{name: edge}}\n");
        let gone = changes(RENDERED, Some(""), "dev", Some(&more)).unwrap();
        assert_eq!(gone, "Ingress edge would go\n");
    }
}
