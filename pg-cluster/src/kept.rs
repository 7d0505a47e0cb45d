//! What running members still hold of Secrets that somebody has deleted.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use data_encoding::BASE64;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::ResourceExt;

use crate::{
    cluster::Cluster,
    names,
    objects::{
        CA_FILE, CERTIFICATE_FILE, KEY_FILE,
        archive::{CIPHER, CONFIG_PATH},
        secrets,
    },
    passwords::SYSTEM,
    progress,
};

const LIMIT: Duration = Duration::from_secs(10);

/// Keys of the archive's Secret, and what stands before their values in pgBackRest's configuration.
const ARCHIVE: [(&str, &str); 3] =
    [("cipher", CIPHER), ("key", "repo1-s3-key="), ("secret", "repo1-s3-key-secret=")];

/// Adds the Secrets that are gone and that running members still have, lest new ones lock them out. A
/// certificate can be made anew as long as the CA is known.
pub async fn put_back(cluster: &Cluster, live: &mut BTreeMap<String, Secret>) -> Result<()> {
    let env = &cluster.env;
    let mut lost = vec![names::credentials(env)];
    lost.extend(env.backup.as_ref().map(|_| names::backup(env)));
    if !live.contains_key(&names::authority(env)) {
        lost.push(names::certificate(env));
    }
    lost.retain(|name| !live.contains_key(name));
    if lost.is_empty() {
        return Ok(());
    }
    let Some((member, mut held)) = by_members(cluster).await? else { return Ok(()) };
    for name in lost {
        if let Some(secret) = held.remove(&name) {
            progress::warn(&format!(
                "the Secret {name} is gone, and {member} still has what it held"
            ));
            live.insert(name, secret);
        }
    }
    Ok(())
}

/// The Secrets by name, of those members that answer, and the name of one of them. What they do not agree
/// on is left out: it was being changed, and one of them has what is no longer so.
async fn by_members(cluster: &Cluster) -> Result<Option<(String, BTreeMap<String, Secret>)>> {
    let mut all = Vec::new();
    for pod in cluster.pods().await? {
        let name = pod.name_any();
        if let Ok(said) = cluster.shell(&name, &script(), "", LIMIT).await {
            all.push((name, said));
        }
    }
    let Some((member, _)) = all.first() else { return Ok(None) };
    let said: Vec<_> = all.iter().map(|(_, said)| said.as_str()).collect();
    let env = &cluster.env;
    // A bucket's key is somebody's own, and stands elsewhere.
    let is_own = env.backup.as_ref().is_some_and(|backup| backup.own.is_some());
    let archive = ARCHIVE.map(|(key, _)| key)[..if is_own { ARCHIVE.len() } else { 1 }].to_vec();
    let mut found = BTreeMap::new();
    let mut from = 0;
    for (name, keys) in [
        (names::credentials(env), SYSTEM.map(|user| user.key).to_vec()),
        (names::certificate(env), vec![secrets::CA, "tls.crt", "tls.key"]),
        (names::backup(env), archive),
    ] {
        let data = agreed(&said, from, &keys);
        from += keys.len();
        found.extend(data.map(|data| (name, Secret { data: Some(data), ..Secret::default() })));
    }
    Ok(Some((member.clone(), found)))
}

/// Prints a line of Base64 for each value, and an empty one for what is not there.
fn script() -> String {
    let variable = |name: &str| format!("printf %s \"${name}\" | base64 -w 0; echo");
    let file = |path: &str| format!("base64 -w 0 {path} 2> /dev/null; echo");
    let archive = |(_, before): (&str, &str)| {
        format!(
            "sed -n 's/^{before}//p' {CONFIG_PATH} 2> /dev/null | tr -d '\\n' | base64 -w 0; echo"
        )
    };
    let lines = SYSTEM.iter().map(|user| variable(user.variable));
    let lines =
        lines.chain([CA_FILE, CERTIFICATE_FILE, KEY_FILE].map(file)).chain(ARCHIVE.map(archive));
    lines.collect::<Vec<_>>().join("\n")
}

/// The values of some lines, if each member has the same and none is empty.
fn agreed(said: &[&str], from: usize, keys: &[&str]) -> Option<BTreeMap<String, ByteString>> {
    let lines = |said: &str| -> Vec<String> {
        said.lines().skip(from).take(keys.len()).map(str::to_owned).collect()
    };
    let first = lines(said.first()?);
    if first.len() < keys.len() || said.iter().any(|other| lines(other) != first) {
        return None;
    }
    let value = |line: &String| {
        BASE64.decode(line.as_bytes()).ok().filter(|value| !value.is_empty()).map(ByteString)
    };
    let values: Option<Vec<_>> = first.iter().map(value).collect();
    Some(keys.iter().map(|key| (*key).to_owned()).zip(values?).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_do_not_agree_on_is_left_out() {
        let keys = ["a", "b"];
        let both = |said: [&str; 2], from| agreed(&said, from, &keys).map(|data| data.len());
        assert_eq!(both(["YQ==\nYg==\nYw==", "YQ==\nYg==\nZA=="], 0), Some(2));
        assert_eq!(both(["YQ==\nYg==\nYw==", "YQ==\nYg==\nZA=="], 1), None);
        assert_eq!(both(["YQ==\n\n", "YQ==\n\n"], 0), None);
        assert_eq!(both(["YQ==", "YQ=="], 0), None);
        assert_eq!(agreed(&[], 0, &keys), None);
    }
}
