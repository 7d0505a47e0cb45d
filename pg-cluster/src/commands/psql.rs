//! psql on this machine, through a port-forward, with the server's name and certificate checked.

use std::{io::Write, process::Stdio};

use anyhow::{Context, Result, bail};
use tokio::{io::copy_bidirectional, net::TcpListener, process::Command};

use crate::{
    cluster::Cluster, env::POSTGRES_PORT, health::streams, names, objects::secrets, observe,
};

pub struct Target {
    pub replica: bool,
    pub role: Option<String>,
    pub database: Option<String>,
}

pub async fn run(cluster: &Cluster, target: &Target, arguments: &[String]) -> Result<u8> {
    let env = &cluster.env;
    let pod = pod(cluster, target.replica).await?;
    let (user, secret, key) = match &target.role {
        None => (secrets::SUPERUSER.to_owned(), names::credentials(env), "superuser"),
        Some(role) => (role.clone(), names::role_secret(env, role), "password"),
    };
    let password = cluster
        .secret(&secret, key)
        .await?
        .with_context(|| format!("there is no Secret {secret}: add [roles.{user}] and run init"))?;
    let database = match (&target.database, &target.role) {
        (Some(database), _) => database.clone(),
        (None, Some(_)) => {
            cluster.secret(&secret, "database").await?.unwrap_or_else(|| "postgres".to_owned())
        }
        (None, None) => "postgres".to_owned(),
    };
    let mut authority =
        tempfile::NamedTempFile::new().context("make a file for the CA's certificate")?;
    authority
        .write_all(cluster.authority().await?.as_bytes())
        .context("write the CA's certificate")?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listen on a local port")?;
    let port = listener.local_addr()?.port();
    let child = Command::new("psql")
        .args(arguments)
        .env("PGHOST", names::primary_service(env))
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", port.to_string())
        .env("PGUSER", user)
        .env("PGPASSWORD", password)
        .env("PGDATABASE", database)
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", authority.path())
        .stdin(Stdio::inherit())
        .spawn()
        .context("start psql: install PostgreSQL's client")?;
    tokio::select! {
        status = wait(child) => status,
        error = serve(cluster, &pod, &listener) => error,
    }
}

async fn wait(mut child: tokio::process::Child) -> Result<u8> {
    // Ctrl-C is psql's to handle.
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("wait for psql")?,
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

async fn serve(cluster: &Cluster, pod: &str, listener: &TcpListener) -> Result<u8> {
    loop {
        let (mut local, _) = listener.accept().await.context("accept a local connection")?;
        let mut remote = cluster.forward(pod, u16::try_from(POSTGRES_PORT)?).await?;
        tokio::spawn(async move { copy_bidirectional(&mut local, &mut remote).await });
    }
}

async fn pod(cluster: &Cluster, replica: bool) -> Result<String> {
    if !replica {
        return cluster
            .agreed()
            .await?
            .leader
            .context("nobody is primary now: see `pg-cluster status`");
    }
    match observe::members(cluster).await?.members.into_iter().find(streams) {
        Some(member) => Ok(member.name),
        None => bail!("no replica streams now: see `pg-cluster status`"),
    }
}
