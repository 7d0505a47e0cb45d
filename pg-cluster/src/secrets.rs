//! The Secrets as they should be: what they hold is kept, and what they lack is made.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;

use crate::{
    authorities::Authorities,
    cluster::{Cluster, secret_value},
    env::{Backup, Env},
    kept,
    keys::ArchiveKeys,
    names,
    objects::{
        Object,
        archive::{self, CONFIG_FILE},
        secrets,
    },
    passwords::{Given, Passwords},
    progress,
    tls::{self, Authority, Certificate},
};

pub struct Secrets {
    pub passwords: Passwords,
    pub for_members: Vec<Object>,
    /// What the roles' clients read.
    pub for_roles: Vec<Object>,
}

/// Whom members and clients trust, and what the members show them.
pub struct Trust {
    pub authorities: Authorities,
    pub certificate: Certificate,
    /// Whether the Secrets of the members and of the roles say so already.
    pub settled: bool,
}

impl Trust {
    /// Changes nothing: what is made here is gone unless it is applied.
    pub async fn wanted(cluster: &Cluster) -> Result<Self> {
        let mut live = live(cluster).await?;
        kept::put_back(cluster, &mut live).await?;
        Self::beside(&cluster.env, &live)
    }

    fn beside(env: &Env, live: &Live) -> Result<Self> {
        let now = Timestamp::now();
        let (own, server) = (names::authority(env), names::certificate(env));
        let trusted = value(live, &server, secrets::CA);
        let stored = Authorities::read(|key| value(live, &own, key), trusted);
        let authorities = match stored {
            Some(authorities) => authorities,
            None => Authorities::of(Authority::generate(env, now)?),
        };
        let current = value(live, &server, "tls.crt").zip(value(live, &server, "tls.key"));
        let current = current
            .map(|(certificate, key)| Certificate { certificate, key })
            .filter(|current| may_stay(current, &authorities, env, now));
        let bundle = authorities.bundle();
        let holds = |name: &String| value(live, name, secrets::CA).as_ref() == Some(&bundle);
        let roles = env.roles.keys().map(|role| names::role_secret(env, role));
        let settled = current.is_some()
            && holds(&server)
            && roles.filter(|name| live.contains_key(name)).all(|name| holds(&name));
        let certificate = match current {
            Some(current) => current,
            None => authorities.signing.issue(env, now)?,
        };
        Ok(Self { authorities, certificate, settled })
    }

    /// The next step of a rotation of the CA.
    pub fn advance(self, env: &Env) -> Result<Self> {
        let now = Timestamp::now();
        let authorities = self.authorities.advance(env, now)?;
        let certificate = if may_stay(&self.certificate, &authorities, env, now) {
            self.certificate
        } else {
            authorities.signing.issue(env, now)?
        };
        Ok(Self { authorities, certificate, settled: false })
    }
}

/// Whether a certificate may be served on: by the CA that signs, for every name, and for a while. Where
/// nobody can sign another, any may.
fn may_stay(current: &Certificate, authorities: &Authorities, env: &Env, now: Timestamp) -> bool {
    let pem = &current.certificate;
    let is_good = tls::is_issued_by(pem, &authorities.signing.certificate)
        && tls::expiry(pem).is_ok_and(|end| tls::days_left(end, now) >= tls::RENEW_DAYS)
        && tls::is_current(pem, env);
    is_good || authorities.signing.key.is_none()
}

/// The Secrets that are there, by name.
type Live = BTreeMap<String, Secret>;

fn value(live: &Live, name: &str, key: &str) -> Option<String> {
    secret_value(live.get(name)?, key)
}

async fn live(cluster: &Cluster) -> Result<Live> {
    let mut live = Live::new();
    for name in names::secrets(&cluster.env) {
        if let Some(secret) = cluster.whole_secret(&name).await? {
            live.insert(name, secret);
        }
    }
    Ok(live)
}

/// The users that Patroni needs have their passwords in the database as well: beside data that is
/// there, new ones would lock every member out at its next start.
async fn refuse_new_passwords(cluster: &Cluster, given: &Given) -> Result<()> {
    let env = &cluster.env;
    let [main, replica] = cluster.volumes().await?;
    let kept = main.into_iter().chain(replica).next();
    let Some(kept) = kept.filter(|_| !given.has_every_system_user()) else { return Ok(()) };
    bail!(
        "the Secret {} is gone, and the volume {kept} is there, whose database has its passwords: put the Secret back from a copy, or write superuser, replication, \
         rewind and restapi as they were under `system` in secrets.yaml, or, if a primary runs, have new ones made by `pg-cluster rotate-passwords --system`",
        names::credentials(env)
    )
}

/// What was archived is read by its cipher alone. Members that archive have it, and so has an archive of
/// the cluster's own whose members are away.
async fn refuse_new_cipher(cluster: &Cluster, backup: &Backup) -> Result<()> {
    let agreed = cluster.agreed().await?;
    let away = || async {
        let kept = backup.own.is_some() && !agreed.is_initialized();
        let [main, replica] = cluster.volumes().await?;
        anyhow::Ok(kept && main.len() + replica.len() > 0 && cluster.keeps_an_archive().await?)
    };
    if !agreed.archives() && !away().await? {
        return Ok(());
    }
    let name = names::backup(&cluster.env);
    bail!(
        "the Secret {name} or its `cipher` is gone, without which nobody reads what was archived: put it back from a copy; as long as a member runs, \
         {CONFIG_FILE} in its pod has it as repo1-cipher-pass, and a Secret {name} with that under `cipher` is enough. To give the archive up, \
         take [backup] out, run `pg-cluster init`, delete what the archive has, and write [backup] again"
    )
}

/// What the members archive by stands in the same Secret: a `cipher` that somebody wrote beside it would part
/// the archive in two, and nobody reads the older part.
fn refuse_another_cipher(live: &Live, name: &str) -> Result<()> {
    let config = value(live, name, archive::MEMBER_FILE).unwrap_or_default();
    let used = config.lines().find_map(|line| line.strip_prefix(archive::CIPHER));
    if used.is_none() || used == value(live, name, "cipher").as_deref() {
        return Ok(());
    }
    bail!(
        "the Secret {name} has another `cipher` than its {CONFIG_FILE}, by which the archive is written and read: put back the one that stands there as {} \
         under `cipher`",
        archive::CIPHER.trim_end_matches('=')
    )
}

/// Clients trust the CA that their roles' Secrets name. Where nothing else is left of it, another would come
/// without any time in which both are trusted.
async fn refuse_new_authority(cluster: &Cluster, live: &Live) -> Result<()> {
    let env = &cluster.env;
    if !forgets_authority(env, live) || cluster.pods().await?.is_empty() {
        return Ok(());
    }
    let (own, server) = (names::authority(env), names::certificate(env));
    bail!(
        "the Secrets {own} and {server} are gone, and clients trust the CA that they held: put them back from a copy; a Secret {server} with ca.crt, \
         tls.crt and tls.key, as a member has them in /etc/tls while it runs, is enough. Run now, `pg-cluster rotate-ca` makes another CA at once, and no client gets in \
         before it has read the new ca.crt",
    )
}

/// Whether only the roles' Secrets know of the CA.
fn forgets_authority(env: &Env, live: &Live) -> bool {
    let mut roles = env.roles.keys().map(|role| names::role_secret(env, role));
    let gone = [names::authority(env), names::certificate(env)];
    gone.iter().all(|name| value(live, name, secrets::CA).is_none())
        && roles.any(|name| value(live, &name, secrets::CA).is_some())
}

impl Secrets {
    /// Changes nothing: what is made here is gone unless the objects are applied.
    pub async fn wanted(cluster: &Cluster, given: &Given) -> Result<Self> {
        let env = &cluster.env;
        let mut live = live(cluster).await?;
        kept::put_back(cluster, &mut live).await?;
        if !live.contains_key(&names::credentials(env)) {
            refuse_new_passwords(cluster, given).await?;
        }
        let passwords = Passwords::resolve(env, given, |role, key| {
            let holder = role.map(|role| names::role_secret(env, role));
            value(&live, &holder.unwrap_or_else(|| names::credentials(env)), key)
        })?;
        refuse_new_authority(cluster, &live).await?;
        let Trust { authorities, certificate, .. } = Trust::beside(env, &live)?;
        if authorities.signing.key.is_none() {
            progress::warn(&format!(
                "the Secret {} lacks the CA's key, so nobody can renew the certificate: put it back from a copy, or run `pg-cluster rotate-ca`",
                names::authority(env)
            ));
        }
        let mut for_members = secrets::for_members(env, &passwords, &authorities, &certificate)?;
        if let Some(backup) = &env.backup {
            let name = names::backup(env);
            if value(&live, &name, "cipher").is_none() {
                refuse_new_cipher(cluster, backup).await?;
            } else {
                refuse_another_cipher(&live, &name)?;
            }
            let keys = ArchiveKeys::resolve(backup, given.backup.as_ref(), |key| {
                value(&live, &name, key)
            })?;
            for_members.push(archive::secret(env, backup, &keys)?);
        }
        let for_roles = secrets::for_roles(env, &passwords, &authorities.bundle())?;
        Ok(Self { passwords, for_members, for_roles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cipher_written_over_the_one_in_use_is_refused() {
        let live = |config: &str, cipher: &str| {
            let data = [(archive::MEMBER_FILE, config), ("cipher", cipher)].map(|(key, value)| {
                (key.to_owned(), k8s_openapi::ByteString(value.as_bytes().to_vec()))
            });
            let secret = Secret { data: Some(data.into()), ..Secret::default() };
            Live::from([("a-backup".to_owned(), secret)])
        };
        let config = "[global]\nrepo1-cipher-pass=old\n[a]\n";
        assert!(refuse_another_cipher(&live(config, "old"), "a-backup").is_ok());
        // One that was put back from a copy has no more than that.
        assert!(refuse_another_cipher(&live("", "old"), "a-backup").is_ok());
        let error = refuse_another_cipher(&live(config, "new"), "a-backup").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("repo1-cipher-pass under") && !text.contains("old"), "{text}");
    }

    #[test]
    fn a_ca_that_clients_trust_alone_is_not_forgotten() {
        let env = Env::parse("name = \"a\"\nimage = \"a:1\"\nroles.app = {}", "dev").unwrap();
        let with = |names: &[&str]| {
            let data = [(secrets::CA.to_owned(), k8s_openapi::ByteString(b"CA".to_vec()))];
            let secret = Secret { data: Some(data.into()), ..Secret::default() };
            names.iter().map(|name| ((*name).to_owned(), secret.clone())).collect::<Live>()
        };
        assert!(forgets_authority(&env, &with(&["a-role-app"])));
        for known in [&[][..], &["a-ca"], &["a-role-app", "a-ca"], &["a-role-app", "a-tls"]] {
            assert!(!forgets_authority(&env, &with(known)), "{known:?}");
        }
    }

    #[test]
    fn without_the_cas_key_a_certificate_near_its_end_stays_until_another_ca_signs() {
        let env = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
        let values = [(secrets::CA, "old CA"), ("tls.crt", "old"), ("tls.key", "key")];
        let data = values.map(|(key, value)| {
            (key.to_owned(), k8s_openapi::ByteString(value.as_bytes().to_vec()))
        });
        let secret = Secret { data: Some(data.into()), ..Secret::default() };
        let lost = Trust::beside(&env, &Live::from([(names::certificate(&env), secret)])).unwrap();
        assert!(lost.settled && lost.certificate.certificate == "old");
        let trusted = lost.advance(&env).unwrap();
        assert_eq!(trusted.certificate.certificate, "old");
        let signed = trusted.advance(&env).unwrap();
        let certificate = &signed.certificate.certificate;
        assert!(tls::is_issued_by(certificate, &signed.authorities.signing.certificate));
        assert!(signed.authorities.bundle().ends_with("old CA"));
    }
}
