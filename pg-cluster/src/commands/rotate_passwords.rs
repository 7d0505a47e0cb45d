//! New passwords. The Secret changes first, then PostgreSQL, then members start anew. What is not in
//! step shows how far a run came that was interrupted, and the next one goes on from there.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{given, restart};
use crate::{
    cli::Global,
    cluster::{Cluster, secret_value},
    conditions,
    env::Env,
    health::{Credentials, Report},
    names,
    objects::{SUPERUSERS_SOCKET, secrets},
    observe,
    password::Password,
    passwords::{Given, SYSTEM, generate_system, system_roles},
    progress::{self, until},
    role_passwords::{self, Verifiers},
    scram,
    wrong_usage::OrWrongUsage,
};

pub struct Plan {
    /// One role's alone.
    pub role: Option<String>,
    /// Those of Patroni's users alone.
    pub system: bool,
    pub timeout: Duration,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let given = given(global, &cluster.env)?;
    let chosen = chosen(&cluster.env, &given, plan).or_wrong_usage()?;
    let report = observe::members(cluster).await?;
    let primary = report.leader("no password can change")?;
    if plan.role.is_none() {
        rotate_system(cluster, global, &report, primary, plan.timeout).await?;
    }
    for role in chosen {
        rotate_role(cluster, global, role).await?;
    }
    Ok(())
}

/// The roles whose passwords are to change. One that somebody chose is changed where it was chosen.
fn chosen<'a>(env: &'a Env, given: &Given, plan: &Plan) -> Result<Vec<&'a str>> {
    if let Some(role) = &plan.role {
        let known = env.roles.keys().find(|known| ***known == **role);
        let known =
            known.with_context(|| format!("{role} is no role of postgres.toml: name one of it"))?;
        ensure!(
            !given.roles.contains_key(role),
            "{role}'s password is in secrets.yaml: write another one there, and run `pg-cluster init`"
        );
        return Ok(vec![known]);
    }
    ensure!(
        given.system.is_empty(),
        "secrets.yaml has passwords under `system`, and the next init would refuse others: take them out first"
    );
    if plan.system {
        return Ok(Vec::new());
    }
    let (kept, chosen): (Vec<&str>, Vec<&str>) =
        env.roles.keys().map(|role| &**role).partition(|role| given.roles.contains_key(*role));
    if !kept.is_empty() {
        progress::warn(&format!(
            "not those of {}, which are in secrets.yaml: write others there, and run `pg-cluster init`",
            kept.join(", ")
        ));
    }
    Ok(chosen)
}

async fn rotate_system(
    cluster: &Cluster,
    global: &Global,
    report: &Report,
    primary: &str,
    timeout: Duration,
) -> Result<()> {
    let env = &cluster.env;
    let agreed = cluster.agreed().await?;
    ensure!(
        !agreed.is_paused(),
        "Patroni is paused, and nobody would take over from the primary: run `pg-cluster resume` first"
    );
    let rules = agreed.dynamic.map(|dynamic| dynamic["postgresql"]["pg_hba"].clone());
    let open = rules.as_ref().and_then(|rules| rules.as_array());
    ensure!(
        open.is_some_and(|rules| rules.iter().any(|rule| rule == SUPERUSERS_SOCKET)),
        "the superuser still needs its password in its own pods, and would be locked out: run `pg-cluster init` first"
    );
    // One that doesn't answer reads the rules when it starts.
    let answering = report.members.iter().filter(|member| member.answer.is_some());
    let answering: Vec<_> = answering.map(|member| member.name.as_str()).collect();
    let open = || conditions::open_within(cluster, &answering);
    until("the superuser's way into every member", timeout, open).await?;

    let secret = cluster.whole_secret(&names::credentials(env)).await?;
    let held = secret.and_then(|secret| {
        let held = |key: &str| Some(Password::kept(secret_value(&secret, key)?));
        SYSTEM.iter().map(|user| Some((user.key.to_owned(), held(user.key)?))).collect()
    });
    let is_lost = held.is_none();
    let verifiers = role_passwords::verifiers(cluster, primary).await?;
    let begun = held.filter(|held| {
        report.members.iter().any(|member| member.credentials == Credentials::Old)
            || system_roles(held).any(|(role, password)| is_behind(&verifiers, role, password))
    });
    match &begun {
        // A member that is away may be one that cannot start without it. The restart below looks again.
        None if is_lost => {
            progress::warn("the Secret of these passwords is gone, and is made anew");
        }
        None => restart::may_begin(cluster, report)?,
        Some(_) => progress::warn("passwords were being changed before, and that goes on"),
    }
    if global.dry_run {
        let members: Vec<_> = report.members.iter().map(|m| m.name.as_str()).collect();
        progress::done(
            "rotate-passwords",
            &format!(
                "would give {} new passwords, and restart {}, the primary last",
                SYSTEM.map(|user| user.key).join(", "),
                members.join(", ")
            ),
        );
        return Ok(());
    }
    let went_on = begun.is_some();
    let system = match begun {
        Some(begun) => begun,
        None => generate_system()?,
    };
    // Whoever starts from here on has what PostgreSQL knows a moment later. Who streams goes on.
    cluster.apply(&secrets::credentials(env, &system)?).await?;
    let logins: Vec<_> = SYSTEM.iter().filter_map(|user| Some((user.role?, user.key))).collect();
    bring_in_step(cluster, primary, &names::credentials(env), &logins).await?;
    progress::done("the passwords of Patroni's users", "PostgreSQL has those of the Secret");
    restart::run(cluster, global, &restart::Plan { all: false, timeout }).await?;
    if went_on {
        progress::done("next", "run it again if those of the Secret are the ones that leaked");
    }
    Ok(())
}

async fn rotate_role(cluster: &Cluster, global: &Global, role: &str) -> Result<()> {
    let env = &cluster.env;
    let primary = cluster.agreed().await?.leader.context("nobody is primary now")?;
    let name = names::role_secret(env, role);
    let verifiers = role_passwords::verifiers(cluster, &primary).await?;
    let has_secret = cluster.secret(&name, "password").await?.is_some();
    ensure!(
        has_secret && verifiers.contains_key(role),
        "the role {role} or its Secret {name} is not there yet: run `pg-cluster init`"
    );
    if global.dry_run {
        progress::done("rotate-passwords", &format!("would give {role} a new password"));
        return Ok(());
    }
    let password = Password::generate()?;
    let trusted = cluster.authority().await?;
    // The other way round, a run that is interrupted would leave a password that nobody knows.
    cluster.apply(&secrets::of_role(env, role, &password, &trusted)?).await?;
    bring_in_step(cluster, &primary, &name, &[(role, "password")]).await?;
    progress::done(
        &format!("the password of {role}"),
        &format!(
            "is the one in the Secret {name}; clients that hold the old one get no new connection"
        ),
    );
    Ok(())
}

/// Gives roles the passwords of a Secret, each by its key, until it holds none but those: another run may
/// write others meanwhile, and the last that looks sees them.
async fn bring_in_step(
    cluster: &Cluster,
    primary: &str,
    secret: &str,
    roles: &[(&str, &str)],
) -> Result<()> {
    let mut given = None;
    loop {
        let whole = cluster.whole_secret(secret).await?;
        let held = whole.and_then(|whole| {
            let held = |(_, key): &(&str, &str)| secret_value(&whole, key).map(Password::kept);
            roles.iter().map(held).collect::<Option<Vec<_>>>()
        });
        let held = held.with_context(|| {
            format!("the Secret {secret} has gone meanwhile: run `pg-cluster init`")
        })?;
        if given.as_ref() == Some(&held) {
            return Ok(());
        }
        let wanted: Vec<_> = roles.iter().map(|(role, _)| *role).zip(&held).collect();
        role_passwords::set(cluster, primary, &wanted).await?;
        given = Some(held);
    }
}

/// Whether a role that is there has another password.
fn is_behind(verifiers: &Verifiers, role: &str, password: &Password) -> bool {
    verifiers.get(role).is_some_and(|stored| {
        !stored.as_deref().is_some_and(|stored| scram::matches(stored, password.expose()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(secrets: &[(&str, &str)], role: Option<&str>, system: bool) -> Result<String, String> {
        let env =
            Env::parse("name = \"a\"\nimage = \"a:1\"\nroles.app = {}\nroles.look = {}", "dev");
        let mut given = Given::default();
        for (kind, name) in secrets {
            let holder = if *kind == "role" { &mut given.roles } else { &mut given.system };
            holder.insert((*name).to_owned(), Password::kept("given-password".to_owned()));
        }
        let plan = Plan { role: role.map(str::to_owned), system, timeout: Duration::ZERO };
        chosen(&env.unwrap(), &given, &plan)
            .map(|roles| roles.join(" "))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_somebody_chose_in_secrets_yaml_is_changed_there() {
        assert_eq!(said(&[], None, false).unwrap(), "app look");
        assert_eq!(said(&[], None, true).unwrap(), "");
        assert_eq!(said(&[], Some("look"), false).unwrap(), "look");
        assert_eq!(said(&[("role", "app")], None, false).unwrap(), "look");
        for (secrets, role, advice) in [
            (&[("role", "app")][..], Some("app"), "write another one there"),
            (&[("system", "rewind")], None, "take them out first"),
            (&[], Some("other"), "no role of postgres.toml"),
        ] {
            let error = said(secrets, role, false).unwrap_err();
            assert!(error.contains(advice) && !error.contains("given-password"), "{error}");
        }
        assert_eq!(said(&[("system", "rewind")], Some("app"), false).unwrap(), "app");
    }
}
