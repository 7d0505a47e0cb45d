//! A server elsewhere, of which a URI says where it is, and the copy of a database there.

use std::{env, fmt, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::time::timeout;

use crate::{cluster::Cluster, objects};

const SCRIPT: &str = include_str!("copy.sh");
const LIMIT: Duration = Duration::from_mins(1);
/// As its clients call it.
const PASSWORD: &str = "PGPASSWORD";

/// How many rows each table has, in one order.
pub const COUNT: &str = "select format('select %L, count(*) from only %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select 1 from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
    order by n.nspname, c.relname \\gexec";

/// What may stand behind the question mark. The rest is for other programs, names files of this machine, or
/// would lead elsewhere than the URI says.
const SETTINGS: [&str; 6] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "options",
    "sslmode",
    "target_session_attrs",
];

/// `postgres://USER@HOST[:PORT]/DATABASE`, without a password.
#[derive(Debug, PartialEq)]
pub struct Server {
    uri: String,
    /// The CA's certificates, in a file of this machine.
    authority: Option<PathBuf>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri.split_once('?').map_or(&*self.uri, |(place, _)| place))
    }
}

/// No message quotes the text, which may have a password in it.
impl Server {
    /// None if it is the name of a file.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let form =
            || anyhow!("the server's URI does not fit: write postgres://USER@HOST[:PORT]/DATABASE");
        let Some((scheme, rest)) = text.split_once("://") else {
            // As libpq has it, too; with a password in it, maybe.
            let says = |key: &str| text.split_whitespace().any(|word| word.starts_with(key));
            ensure!(
                !["host=", "dbname=", "user=", "password=", "service="].into_iter().any(says),
                form()
            );
            return Ok(None);
        };
        ensure!(
            ["postgres", "postgresql"].iter().any(|it| it.eq_ignore_ascii_case(scheme)),
            form()
        );
        ensure!(text.bytes().all(|b| b.is_ascii_graphic()), form());
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, database) = place.rsplit_once('/').with_context(form)?;
        let (user, hosts) = login.rsplit_once('@').with_context(form)?;
        let in_query = |name: &str| query.split('&').any(|it| it.split('=').next() == Some(name));
        ensure!(
            !user.contains(':') && !in_query("password"),
            "a password does not belong in an argument, which every program of the machine may read: take it out of the URI and put it into the variable {PASSWORD}, \
             such as by `read -rs {PASSWORD}; export {PASSWORD}`"
        );
        ensure!(!user.is_empty() && !hosts.is_empty() && !database.is_empty(), form());
        ensure!(!hosts.contains('/') && !hosts.to_ascii_lowercase().contains("%2f"), form());
        ensure!(
            !hosts.split(',').any(is_here),
            "a member of the cluster connects to the server, and would take that host for itself: write an address that pods reach"
        );
        let (mut settings, mut authority) = (Vec::new(), None);
        for setting in query.split('&').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=').with_context(form)? {
                // What the system trusts: a word, and no file.
                ("sslrootcert", value) if value != "system" => authority = Some(decoded(value)?),
                (name, _) if name == "sslrootcert" || SETTINGS.contains(&name) => {
                    settings.push(setting);
                }
                (name, _) => {
                    let known = SETTINGS.join(", ");
                    bail!(
                        "{name} is not taken from the URI: write sslrootcert, {known}, or nothing"
                    );
                }
            }
        }
        let end =
            if settings.is_empty() { String::new() } else { format!("?{}", settings.join("&")) };
        Ok(Some(Self { uri: format!("postgres://{place}{end}"), authority }))
    }

    /// The major version that it runs; it lets us in.
    pub async fn major(&self, cluster: &Cluster, pod: &str) -> Result<i32> {
        let asked = self.run(cluster, pod, "", ["", "", "", ""]);
        let number = timeout(LIMIT, asked)
            .await
            .map_err(|_| anyhow!("no answer within {} s", LIMIT.as_secs()))
            .flatten()
            .with_context(|| {
                format!("ask {self} from {pod}, with the password that the variable {PASSWORD} has")
            })?;
        major_of(&number)
    }

    /// Fills an empty database in one transaction, and returns what each table had.
    pub async fn copy(
        &self,
        cluster: &Cluster,
        pod: &str,
        [owner, password]: [&str; 2],
        database: &str,
        extensions: &str,
    ) -> Result<String> {
        let count = format!("COUNT=$(cat << 'SQL'\n{COUNT}\nSQL\n)\n");
        self.run(cluster, pod, &count, [owner, password, database, extensions]).await
    }

    async fn run(
        &self,
        cluster: &Cluster,
        pod: &str,
        before: &str,
        [owner, own, database, extensions]: [&str; 4],
    ) -> Result<String> {
        let authority = match &self.authority {
            None => String::new(),
            Some(path) => {
                fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?
            }
        };
        let password = env::var(PASSWORD).unwrap_or_default();
        ensure!(!password.contains('\n'), "the variable {PASSWORD} has more than a line");
        let length = authority.len().to_string();
        let lines = [&self.uri, &*password, owner, own, database, extensions, &length];
        let input = format!("{}\n{authority}", lines.join("\n"));
        let script = format!("PATH={}:$PATH\n{before}{SCRIPT}", objects::programs(&cluster.env));
        let mut output = Vec::new();
        let said = cluster.stream(pod, &script, input.as_bytes(), |bytes| {
            output.extend_from_slice(bytes);
            Ok(())
        });
        said.await?;
        String::from_utf8(output).context("read what it answered")
    }
}

/// Of what `server_version_num` says, which since PostgreSQL 10 ends in four digits for the minor one.
fn major_of(number: &str) -> Result<i32> {
    Ok(number.trim().parse::<i32>().context("read its version")? / 10_000)
}

/// Whether a host would be the pod itself.
fn is_here(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.is_empty()
        || host.starts_with("[::1]")
        || host.starts_with("127.")
        || host.split(':').next() == Some("localhost")
}

fn decoded(text: &str) -> Result<PathBuf> {
    let mut bytes = text.bytes();
    let mut path = Vec::new();
    while let Some(byte) = bytes.next() {
        path.push(match byte {
            b'%' => {
                let digits: Vec<_> = bytes.by_ref().take(2).collect();
                let digits = str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).context("read sslrootcert: write %25 for a %")?
            }
            byte => byte,
        });
    }
    Ok(String::from_utf8(path).context("read sslrootcert")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_says_where_a_server_is_and_what_to_trust() {
        for file in ["todo.dump", "./a=b.dump", "/tmp/of host.dump"] {
            assert_eq!(Server::parse(file).unwrap(), None, "{file}");
        }
        let text = "postgresql://app@db.example.org:5433/todo?sslmode=verify-full&sslrootcert=/tmp/a%20b.crt";
        let server = Server::parse(text).unwrap().unwrap();
        assert_eq!(server.uri, "postgres://app@db.example.org:5433/todo?sslmode=verify-full");
        assert_eq!(server.authority, Some("/tmp/a b.crt".into()));
        assert_eq!(server.to_string(), "postgres://app@db.example.org:5433/todo");
        let system = "postgres://app@db/todo?sslrootcert=system";
        assert_eq!(
            Server::parse(system).unwrap().unwrap(),
            Server { uri: system.to_owned(), authority: None }
        );
    }

    #[test]
    fn a_version_is_read_from_its_number() {
        assert_eq!(major_of("170006\n").unwrap(), 17);
        assert_eq!(major_of("180000").unwrap(), 18);
        assert_eq!(major_of("90624").unwrap(), 9);
        assert!(major_of("17.6").unwrap_err().to_string().contains("read its version"));
    }

    #[test]
    fn a_password_and_what_leads_elsewhere_are_refused_and_not_quoted() {
        for (text, said) in [
            ("postgres://app:secret@db/todo", "into the variable PGPASSWORD"),
            ("postgres://app@db/todo?password=secret", "into the variable PGPASSWORD"),
            ("postgres://db/todo", "write postgres://USER@HOST"),
            ("postgres://app@db", "write postgres://USER@HOST"),
            ("postgres://app@/todo", "write postgres://USER@HOST"),
            ("postgres://app@db/", "write postgres://USER@HOST"),
            ("postgres://app@%2Frun/todo", "write postgres://USER@HOST"),
            ("postgres://app@db/to do", "write postgres://USER@HOST"),
            ("postgres://app@db/todo?sslmode", "write postgres://USER@HOST"),
            ("postgres://app@localhost:5432/todo", "an address that pods reach"),
            ("postgres://app@db,127.0.0.1/todo", "an address that pods reach"),
            ("postgres://app@db/todo?host=/run", "host is not taken from the URI"),
            ("postgres://app@db/todo?sslkey=a", "sslkey is not taken from the URI"),
            ("postgres://app@db/todo?sslrootcert=%zz", "write %25"),
            ("POSTGRES://app:secret@db/todo", "into the variable PGPASSWORD"),
            ("mysql://app:secret@db/todo", "write postgres://USER@HOST"),
            ("host=db password=secret dbname=todo", "write postgres://USER@HOST"),
        ] {
            let error = format!("{:#}", Server::parse(text).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
