//! Another CA in three steps, one a run. Between them clients have the time to read whom to trust.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    authorities::Beside,
    cli::Global,
    clients::Holds,
    cluster::Cluster,
    conditions,
    health::{Member, Report},
    names,
    objects::{BACKUP_CONTAINER, secrets},
    observe,
    progress::{self, Wait, until},
    secrets::Trust,
};

/// Has pgBackRest's server read its certificate and its CAs again; those that it has begun to serve
/// go on with what they have.
const RELOAD: &str = "for at in /proc/[0-9]*; do \
    case $(readlink $at/exe) in */pgbackrest) grep -q '^PPid:[[:space:]]*1$' $at/status && kill -HUP ${at#/proc/};; esac; \
    done; true";
const LIMIT: Duration = Duration::from_secs(10);

pub async fn run(cluster: &Cluster, global: &Global, timeout: Duration) -> Result<()> {
    let env = &cluster.env;
    let report = observe::members(cluster).await?;
    ready(cluster, &report)?;
    let trust = Trust::wanted(cluster).await?;
    // What was begun is finished first, and clients get their time.
    let secret = cluster.whole_secret(&names::certificate(env)).await?;
    let unserved = conditions::unserved(cluster, secret.as_ref(), &report.members).await?;
    let begun = !trust.settled || !unserved.is_empty();
    if !begun && matches!(trust.authorities.beside, Beside::Next(_)) {
        clients_know(cluster, global, timeout).await?;
    }
    let trust = if begun { trust } else { trust.advance(env)? };
    let (what, next) = words(&trust.authorities.beside, begun);
    if global.dry_run {
        progress::done("rotate-ca", &format!("would see to it that {what}"));
        return Ok(());
    }
    for object in secrets::for_tls(env, &trust.authorities, &trust.certificate)? {
        cluster.apply(&object).await?;
    }
    let bundle = trust.authorities.bundle();
    for role in env.roles.keys() {
        let name = names::role_secret(env, role);
        if let Some(live) = cluster.whole_secret(&name).await? {
            cluster.apply(&secrets::trusting(env, &live, &bundle)?).await?;
        }
    }
    let served = || conditions::served(cluster);
    until("every member with the certificates of the Secret", timeout, served).await?;
    if env.backup.is_some() {
        tell_backup_servers(cluster, &report).await?;
    }
    cluster.renew_repository(timeout).await?;
    progress::done("the CA", what);
    progress::done("next", next);
    Ok(())
}

/// A member that is away could neither be told, nor seen to have been.
fn ready(cluster: &Cluster, report: &Report) -> Result<()> {
    report.leader("nobody is told of another CA")?;
    for name in names::pods(&cluster.env) {
        let answers = report.members.iter().any(|m| m.name == name && m.answer.is_some());
        ensure!(
            answers,
            "{name} does not answer, and each member has to be told: see `pg-cluster status`"
        );
    }
    Ok(())
}

/// Clients outside of the namespace can't be seen; those inside are not locked out.
async fn clients_know(cluster: &Cluster, global: &Global, timeout: Duration) -> Result<()> {
    let of = |behind: &[(String, Holds)], wanted| {
        let pods = behind.iter().filter(|(_, how)| *how == wanted).map(|(pod, _)| pod.as_str());
        pods.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    };
    let unaware = of(&cluster.behind(secrets::CA).await?, Holds::InEnvironment);
    ensure!(
        unaware.is_empty(),
        "{unaware} read ca.crt before it had both CAs, and would trust nobody: have them start again (the edge tier by `make deploy`)"
    );
    if global.dry_run {
        return Ok(());
    }
    until("the files of pods that mount ca.crt", timeout, async || {
        let waits = of(&cluster.behind(secrets::CA).await?, Holds::InFile);
        Ok(Wait::unless(waits.is_empty(), waits))
    })
    .await
}

/// What a step comes to, and what is next.
fn words(beside: &Beside, begun: bool) -> (&'static str, &'static str) {
    match beside {
        Beside::Next(_) => (
            "a new one is trusted beside the one that signs",
            "have every client read the ca.crt of its Secret again, or it will trust nobody after the next step: what reads it when it starts has \
             to start again (the edge tier by `make deploy`), a mounted file is new after two minutes; then run `pg-cluster rotate-ca`",
        ),
        Beside::Previous(_) => (
            "the new one signs, every member serves its certificate, and the old one is still trusted",
            "run `pg-cluster rotate-ca` once more, and the old one is trusted no longer; every client whose ca.crt has both will not notice",
        ),
        Beside::Nobody if begun => (
            "only the one that signs is trusted, and every member serves its certificate",
            "run `pg-cluster rotate-ca` again to replace this one",
        ),
        Beside::Nobody => (
            "the old one is trusted no longer",
            "have every client read the ca.crt of its Secret again when it suits: only what still trusts the old one could be deceived with its key",
        ),
    }
}

/// pgBackRest reads its files once an hour by itself.
async fn tell_backup_servers(cluster: &Cluster, report: &Report) -> Result<()> {
    for Member { name, .. } in &report.members {
        let told = cluster.stream_in(BACKUP_CONTAINER, name, RELOAD, &b""[..], |_| Ok(()));
        let told = tokio::time::timeout(LIMIT, told).await.context("no answer");
        told.and_then(|told| told)
            .with_context(|| format!("have pgBackRest in {name} read its certificate again"))?;
    }
    Ok(())
}
