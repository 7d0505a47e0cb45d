//! Where the database is: the manifest's variables, and the servers that an
//! address of several hosts names.

use super::error::Error;
use crate::variable;
use std::rc::Rc;

// The SDK's own connection takes a CA from a file as well, and so brings the
// file system along: 23 KB of code that nobody runs.
use spin_sdk::pg::wit::postgres::{self, ConnectionBuilder};

/// A connection to one of the servers.
pub struct Connection {
    pub inner: postgres::Connection,
    /// Whether there are others, which may be asked beside it. Where there are none, calls that wait
    /// cost the host less than streams and futures.
    pub replicated: bool,
}

/// The addresses. They hold passwords, so this has no `Debug`.
pub struct Addresses {
    primary: Rc<str>,
    /// Any replica that takes the connection.
    pub replica: Option<Rc<str>>,
    /// Every server by itself, whatever it is just now.
    pub members: Vec<String>,
    ca: Option<Rc<str>>,
}

impl Addresses {
    pub async fn read() -> Result<Self, Error> {
        // The error of an unset variable names it; it never holds its value.
        let primary =
            variable::get("database_url").await.map_err(|e| Error::Variable(e.to_string()))?;
        let replica = optional("database_replica_url").await;
        let members = replica.as_deref().map(members).unwrap_or_default();
        Ok(Self { primary, replica, members, ca: optional("database_ca").await })
    }

    pub async fn primary(&self) -> Result<Connection, Error> {
        self.open(&self.primary).await
    }

    pub async fn open(&self, address: &str) -> Result<Connection, Error> {
        let replicated = self.replica.is_some();
        let opened = match (&self.ca, replicated) {
            (None, true) => postgres::Connection::open_async(address.to_owned()).await,
            (None, false) => postgres::Connection::open(address),
            (Some(ca), _) => {
                let builder = ConnectionBuilder::new(address);
                builder.set_ca_root(ca)?;
                if replicated { builder.build_async().await } else { builder.build() }
            }
        };
        let inner = opened.map_err(|error| Error::from(error).changing_nothing())?;
        Ok(Connection { inner, replicated })
    }
}

/// A variable that may be empty, or unknown to an older manifest.
async fn optional(name: &'static str) -> Option<Rc<str>> {
    Some(variable::optional(name).await).filter(|value| !value.trim().is_empty())
}

/// One address for each host of `postgres://user:password@a:1,b:2/name?options`,
/// without the options that choose among hosts. None for any other spelling.
fn members(address: &str) -> Vec<String> {
    const CHOOSING: [&str; 2] = ["target_session_attrs=", "load_balance_hosts="];

    let split = || {
        let (scheme, rest) = address.trim().split_once("://")?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@')?;
        Some((format!("{scheme}://{user}@"), hosts, name, options))
    };
    let Some((user, hosts, name, options)) = split() else { return Vec::new() };
    let chooses = |option: &&str| CHOOSING.iter().any(|name| option.starts_with(name));
    let options: Vec<_> =
        options.split('&').filter(|option| !option.is_empty() && !chooses(option)).collect();
    let options =
        if options.is_empty() { String::new() } else { format!("?{}", options.join("&")) };
    let hosts = hosts.split(',').filter(|host| !host.is_empty());
    hosts.map(|host| format!("{user}{host}/{name}{options}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_an_address_of_its_own() {
        let members = members(
            "postgres://todo:p%40ss@a.example:5432,[::1]:6432/todo?sslmode=require\
             &target_session_attrs=read-only&load_balance_hosts=random&connect_timeout=3",
        );
        assert_eq!(
            members,
            [
                "postgres://todo:p%40ss@a.example:5432/todo?sslmode=require&connect_timeout=3",
                "postgres://todo:p%40ss@[::1]:6432/todo?sslmode=require&connect_timeout=3",
            ]
        );
    }

    #[test]
    fn an_address_without_options_stays_without() {
        let one = ["postgresql://u:p@db/app"];
        assert_eq!(members("postgresql://u:p@db/app"), one);
        assert_eq!(members("postgresql://u:p@db/app?target_session_attrs=read-only"), one);
    }

    #[test]
    fn another_spelling_has_no_members() {
        for address in ["", "host=a,b user=u", "postgres://nobody/app"] {
            assert!(members(address).is_empty(), "{address}");
        }
    }
}
