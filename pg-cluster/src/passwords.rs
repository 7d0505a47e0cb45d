//! Passwords: those in `secrets.yaml` are taken, those that exist are kept, the
//! rest are generated.

use std::{collections::BTreeMap, io::ErrorKind, path::Path, process::Command};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;

use crate::{certificate, env::Env, keys::AccessKeys, password::Password};

/// A user that Patroni itself needs.
pub struct SystemUser {
    /// Of the Secret `<name>-credentials`.
    pub key: &'static str,
    /// Where a member finds the password, as it was when its container started.
    pub variable: &'static str,
    /// In PostgreSQL; Patroni's API has a user of its own.
    pub role: Option<&'static str>,
}

pub const SYSTEM: [SystemUser; 4] = [
    SystemUser { key: "superuser", variable: "PATRONI_SUPERUSER_PASSWORD", role: Some("postgres") },
    SystemUser {
        key: "replication",
        variable: "PATRONI_REPLICATION_PASSWORD",
        role: Some("replicator"),
    },
    SystemUser { key: "rewind", variable: "PATRONI_REWIND_PASSWORD", role: Some("rewind") },
    SystemUser { key: "restapi", variable: "PATRONI_RESTAPI_PASSWORD", role: None },
];

#[derive(Clone, Debug)]
pub struct Passwords {
    /// By the keys of the Secret `<name>-credentials`.
    pub system: BTreeMap<String, Password>,
    pub roles: BTreeMap<String, Password>,
}

/// `config/<env>/secrets.yaml`: the system's users may be left out, a role of
/// `postgres.toml` may not, lest a typing error end in a password that nobody knows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    pub system: BTreeMap<String, Password>,
    pub roles: BTreeMap<String, Password>,
    /// The key of the bucket that `[backup]` names.
    pub backup: Option<AccessKeys>,
}

impl Given {
    /// Reads the file if there is one, through `sops` if that encrypted it.
    pub fn load(path: &Path, env: &Env) -> Result<Self> {
        // A link that leads nowhere is no file that is missing: somebody chose passwords.
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            _ => {}
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let text =
            if text.lines().any(|line| line.starts_with("sops:")) { decrypt(path)? } else { text };
        // The parser quotes what it reads, and this is all secret.
        let given: Self = serde_saphyr::from_str(&text).map_err(|error| {
            let at = error.location().map_or_else(String::new, |at| format!(", line {}", at.line()));
            anyhow!(
                "read {}{at}: write passwords of 12 or more of A-Z, a-z, 0-9, - and _ under `system` and `roles`, each name once, and `key` and \
                 `secret` of a bucket under `backup`",
                path.display()
            )
        })?;
        for name in given.system.keys() {
            ensure!(
                SYSTEM.iter().any(|user| user.key == name),
                "{}: system.{name} is none of {}",
                path.display(),
                SYSTEM.map(|user| user.key).join(", ")
            );
        }
        for name in given.roles.keys() {
            ensure!(
                env.roles.keys().any(|role| **role == **name),
                "{}: roles.{name} is no role of postgres.toml: add [roles.{name}] there",
                path.display()
            );
        }
        for role in env.roles.keys() {
            ensure!(
                given.roles.contains_key(&**role),
                "{} lacks roles.{role}, which postgres.toml names: add it (make secrets), or \
                 take the file away to have every password generated",
                path.display()
            );
        }
        Ok(given)
    }

    pub fn has_every_system_user(&self) -> bool {
        SYSTEM.iter().all(|user| self.system.contains_key(user.key))
    }
}

fn decrypt(path: &Path) -> Result<String> {
    let output = Command::new("sops")
        .args(["--disable-version-check", "--decrypt"])
        .arg(path)
        .output()
        .with_context(|| {
            format!("run sops to decrypt {}: install it, or decrypt the file", path.display())
        })?;
    ensure!(
        output.status.success(),
        "decrypt {}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("read what sops decrypted")
}

impl Passwords {
    /// `live` looks up what a Secret of the cluster holds: (role or None, key).
    pub fn resolve(
        env: &Env,
        given: &Given,
        live: impl Fn(Option<&str>, &str) -> Option<String>,
    ) -> Result<Self> {
        let mut system = BTreeMap::new();
        for SystemUser { key, .. } in SYSTEM {
            let password = match (live(None, key), given.system.get(key)) {
                (Some(old), Some(new)) if old != new.expose() => bail!(
                    "secrets.yaml has another password for {key} than the running cluster: \
                     take it out of secrets.yaml; `pg-cluster rotate-passwords --system` makes new ones"
                ),
                (Some(old), _) => Password::kept(old),
                (None, Some(new)) => new.clone(),
                (None, None) => Password::generate()?,
            };
            system.insert(key.to_owned(), password);
        }
        let mut roles = BTreeMap::new();
        for role in env.roles.keys() {
            let password = match (given.roles.get(&**role), live(Some(role), "password")) {
                (Some(new), _) => new.clone(),
                (None, Some(old)) => Password::kept(old),
                (None, None) => Password::generate()?,
            };
            roles.insert(role.to_string(), password);
        }
        Ok(Self { system, roles })
    }
}

/// New ones for the users that Patroni needs.
pub fn generate_system() -> Result<BTreeMap<String, Password>> {
    SYSTEM.iter().map(|user| Ok((user.key.to_owned(), Password::generate()?))).collect()
}

/// The roles among them, each with its password.
pub fn system_roles(
    system: &BTreeMap<String, Password>,
) -> impl Iterator<Item = (&'static str, &Password)> {
    SYSTEM.iter().filter_map(|user| Some((user.role?, system.get(user.key)?)))
}

/// By which members that run with these passwords are told from those with others.
pub fn digest(mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut all = String::new();
    for user in SYSTEM {
        all.push_str(&value(user.key)?);
        all.push('\n');
    }
    Some(certificate::digest_of(&all))
}

/// What prints the same digest in a member.
pub fn digest_script() -> String {
    let values = SYSTEM.map(|user| format!("\"${}\"", user.variable)).join(" ");
    format!("printf '%s\\n' {values} | sha256sum")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::parse("name = \"a\"\nimage = \"a:1\"\n[roles.app]", "dev").unwrap()
    }

    #[test]
    fn what_exists_is_kept_and_the_rest_is_generated() {
        let live = |role: Option<&str>, key: &str| {
            (role.is_none() && key == "rewind").then(|| "old-password-0".to_owned())
        };
        let passwords = Passwords::resolve(&env(), &Given::default(), live).unwrap();
        assert_eq!(passwords.system["rewind"].expose(), "old-password-0");
        assert_eq!(passwords.system.len(), 4);
        assert_eq!(passwords.roles["app"].expose().len(), 24);
        assert_ne!(passwords.system["superuser"], passwords.system["replication"]);
    }

    #[test]
    fn a_role_gets_the_given_password_and_a_system_user_keeps_the_old_one() {
        let given = Given {
            roles: [("app".to_owned(), Password::kept("given-password".into()))].into(),
            ..Given::default()
        };
        let old = |_: Option<&str>, _: &str| Some("old-password-0".to_owned());
        assert_eq!(
            Passwords::resolve(&env(), &given, old).unwrap().roles["app"].expose(),
            "given-password"
        );
        let given = Given {
            system: [("rewind".to_owned(), Password::kept("given-password".into()))].into(),
            ..Given::default()
        };
        let error = Passwords::resolve(&env(), &given, old).unwrap_err().to_string();
        assert!(
            error.contains("rewind")
                && !error.contains("given-password")
                && !error.contains("old-password-0"),
            "{error}"
        );
    }

    fn load(text: &str) -> Result<Given> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.yaml");
        std::fs::write(&path, text).unwrap();
        Given::load(&path, &env())
    }

    #[test]
    fn a_file_may_be_missing_and_what_it_has_is_read() {
        let nothing = Given::load(Path::new("/no/such/secrets.yaml"), &env()).unwrap();
        assert!(nothing.roles.is_empty() && nothing.system.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("secrets.yaml");
        std::os::unix::fs::symlink("/no/such/secrets.yaml", &link).unwrap();
        let error = Given::load(&link, &env()).unwrap_err().to_string();
        assert!(error.starts_with("read ") && error.contains("secrets.yaml"), "{error}");
        let given =
            load("roles:\n  app: given-password\nsystem:\n  rewind: other-password").unwrap();
        assert_eq!(given.roles["app"].expose(), "given-password");
        assert_eq!(given.system["rewind"].expose(), "other-password");
    }

    #[test]
    fn what_does_not_fit_is_refused_without_being_quoted() {
        for (text, advice) in [
            ("roles:\n  app: \"hunter2 hunter2\"", "12 or more of"),
            ("roles:\n  app: hunter2", "line 2: write passwords of 12 or more of"),
            ("role:\n  app: hunter2-hunter2", "under `system` and `roles`"),
            ("roles: hunter2", "under `system` and `roles`"),
            ("roles:\n  appp: hunter2-hunter2", "add [roles.appp]"),
            ("system:\n  root: hunter2-hunter2", "none of superuser, replication"),
            ("system:\n  rewind: hunter2-hunter2", "lacks roles.app, which postgres.toml names"),
            // Said to be encrypted, and not: sops refuses it, or is missing.
            ("roles:\n  app: hunter2-hunter2\nsops:\n  mac: none", "decrypt"),
        ] {
            let error = format!("{:#}", load(text).unwrap_err());
            assert!(error.contains(advice), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_member_tells_its_passwords_by_a_digest_alone() {
        let value = |key: &str| Some(format!("{key}-password"));
        let mut member = Command::new("sh");
        member.args(["-c", &digest_script()]);
        for user in SYSTEM {
            member.env(user.variable, value(user.key).unwrap());
        }
        let said = String::from_utf8(member.output().unwrap().stdout).unwrap();
        assert_eq!(said.split_once(' ').unwrap().0, digest(value).unwrap());
        let other = |key: &str| value(key).map(|text| text.replace("rewind", "other"));
        assert_ne!(digest(value), digest(other));
        assert_eq!(digest(|key| value(key).filter(|_| key != "restapi")), None);
    }

    #[test]
    fn no_debug_output_shows_a_password() {
        let password = Password::generate().unwrap();
        assert!(!format!("{password:?}").contains(password.expose()));
    }
}
