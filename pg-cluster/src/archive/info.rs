//! What pgBackRest says of an archive.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is in an archive.
#[derive(Debug, Default)]
pub struct Listed {
    pub backups: Vec<Backup>,
    /// The number of the database as it is now: an upgrade or the way back begins another one.
    pub database: i64,
}

/// A backup that is whole.
#[derive(Debug, Serialize)]
pub struct Backup {
    pub name: String,
    /// full, diff or incr.
    pub kind: String,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// Of the database, and of what it takes in the archive.
    pub bytes: u64,
    pub archived_bytes: u64,
    pub wal_from: Option<String>,
    pub wal_to: Option<String>,
    /// Where its WAL ends: before that nothing can be restored from it.
    #[serde(skip)]
    pub position: Option<u64>,
    /// Some of its pages did not fit their checksums.
    pub damaged: bool,
    /// The major version of its database.
    pub major: i32,
    /// Which of the archive's databases that is.
    #[serde(skip)]
    pub database: i64,
}

impl Backup {
    /// Where the WAL of its database lies, such as 17-1.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.major, self.database)
    }
}

#[derive(Deserialize)]
struct Stanza {
    #[serde(default)]
    db: Vec<Database>,
    #[serde(default)]
    backup: Vec<Entry>,
    status: Status,
    #[serde(default)]
    repo: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    status: Status,
}

#[derive(Deserialize)]
struct Database {
    id: i64,
    version: String,
}

#[derive(Deserialize)]
struct Status {
    code: i32,
    message: String,
}

#[derive(Deserialize)]
struct Entry {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: Span,
    info: Info,
    archive: Range,
    lsn: Option<Range>,
    #[serde(default)]
    error: Option<bool>,
    database: DatabaseId,
}

#[derive(Deserialize)]
struct DatabaseId {
    id: i64,
}

#[derive(Deserialize)]
struct Span {
    start: i64,
    stop: i64,
}

#[derive(Deserialize)]
struct Info {
    size: u64,
    repository: Size,
}

#[derive(Deserialize)]
struct Size {
    #[serde(default)]
    delta: u64,
}

#[derive(Deserialize)]
struct Range {
    start: Option<String>,
    stop: Option<String>,
}

/// A position in the WAL, of which PostgreSQL writes both halves in hexadecimal.
pub fn position(text: &str) -> Option<u64> {
    let half = |text: &str| {
        let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        u32::from_str_radix(text, 16).ok().filter(|_| is_hex && text.len() <= 8)
    };
    let (high, low) = text.split_once('/')?;
    Some(u64::from(half(high)?) << 32 | u64::from(half(low)?))
}

/// pgBackRest's words for a stanza in order, and for one without a backup yet.
const IN_ORDER: i32 = 0;
const NO_BACKUP: i32 = 2;

const WRONG_CIPHER: &str = "the `cipher` that the members have does not fit it: put back the one that it was written with into the Secret <name>-backup, and run `pg-cluster init`";
const INCOMPLETE: &str = "its archive.info or backup.info is gone: put it back, such as from the bucket's older versions, or write another `prefix` under [backup] and run `pg-cluster init`, \
     which begins a new archive";
const REFUSED: &str = "the bucket refuses the key (403): write one that may read and write under `backup` in secrets.yaml, and run `pg-cluster init`";
const FULL: &str = "the bucket has no room: give it more, or keep fewer backups (`keep`)";

/// What is wrong with an archive and what to do, where pgBackRest's words tell.
pub fn known_fault(text: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["CryptoError", "found outside of section"]) {
        Some(WRONG_CIPHER)
    } else if has(&["failed with 403"]) {
        Some(REFUSED)
    } else if has(&["[507]", "No space left"]) {
        Some(FULL)
    } else if has(&["is missing on repo", "missing stanza data"])
        || has(&["unable to open missing file"]) && has(&["archive.info", "backup.info"])
    {
        Some(INCOMPLETE)
    } else {
        None
    }
}

/// The rest are pgBackRest's own words, without its hints and what a server answered at length.
fn in_words(message: &str) -> String {
    let own = |line: &&str| !line.starts_with("HINT") && !line.starts_with("***");
    let lines = || message.lines().map(str::trim).take_while(own).take(2);
    known_fault(message).map_or_else(|| lines().collect::<Vec<_>>().join(" "), str::to_owned)
}

/// What `pgbackrest info --output=json` says.
pub fn parse(text: &str) -> Result<Listed> {
    let stanzas: Vec<Stanza> = serde_json::from_str(text).context("read what pgBackRest lists")?;
    let Some(stanza) = stanzas.into_iter().next() else { return Ok(Listed::default()) };
    if ![IN_ORDER, NO_BACKUP].contains(&stanza.status.code) {
        // The stanza's own word is no more than `other`.
        let status = stanza.repo.first().map_or(&stanza.status, |repository| &repository.status);
        bail!("the archive can't be read: {}", in_words(&status.message));
    }
    let time = |seconds| Timestamp::from_second(seconds).context("read a backup's time");
    let databases = stanza.db;
    let major = |id: i64| {
        let database = databases.iter().find(|database| database.id == id);
        let version = database.map(|database| database.version.parse().ok());
        version.flatten().context("read which PostgreSQL a backup is of")
    };
    let whole = |entry: Entry| {
        Ok(Backup {
            major: major(entry.database.id)?,
            database: entry.database.id,
            name: entry.label,
            kind: entry.kind,
            began: time(entry.timestamp.start)?,
            ended: time(entry.timestamp.stop)?,
            bytes: entry.info.size,
            archived_bytes: entry.info.repository.delta,
            wal_from: entry.archive.start,
            wal_to: entry.archive.stop,
            position: entry.lsn.and_then(|lsn| position(&lsn.stop?)),
            damaged: entry.error == Some(true),
        })
    };
    Ok(Listed {
        backups: stanza.backup.into_iter().map(whole).collect::<Result<_>>()?,
        database: databases.iter().map(|database| database.id).max().unwrap_or_default(),
    })
}

/// The timeline on which a moment was lived: the newest that had begun by then. `listing` is what
/// `pgbackrest repo-ls --output=json` says of the archive's history files, which come there when a
/// member is promoted.
pub fn timeline_at(listing: &str, time: Timestamp) -> Result<i64> {
    #[derive(Deserialize)]
    struct File {
        time: Option<i64>,
    }
    let files: BTreeMap<String, File> =
        serde_json::from_str(listing).context("read the archive's timelines")?;
    let begun = files.iter().filter_map(|(name, file)| {
        let number = name.strip_suffix(".history")?;
        let number = i64::from_str_radix(number, 16).ok()?;
        (file.time? <= time.as_second()).then_some(number)
    });
    Ok(begun.max().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbackrest_lists_is_read() {
        let text = r#"[{"archive":[],"backup":[{"archive":{"start":"000000010000000000000003","stop":"000000010000000000000004"},
            "backrest":{"format":5,"version":"2.55.1"},"database":{"id":1,"repo-key":1},"error":false,
            "info":{"delta":23,"repository":{"delta":7,"size":9},"size":40},"label":"20261126-010000F","lsn":{"start":"0/3000028","stop":"0/4000050"},
            "prior":null,"reference":null,"timestamp":{"start":1795654800,"stop":1795654860},"type":"full"}],
            "cipher":"aes-256-cbc","db":[{"id":1,"repo-key":1,"system-id":7,"version":"17"}],"name":"a","repo":[],"status":{"code":0,"lock":{},"message":"ok"}}]"#;
        let [backup] = &parse(text).unwrap().backups[..] else { panic!("one backup") };
        assert_eq!(
            (&*backup.name, &*backup.kind, backup.damaged),
            ("20261126-010000F", "full", false)
        );
        assert_eq!((backup.bytes, backup.archived_bytes), (40, 7));
        assert_eq!((backup.major, backup.folder()), (17, "17-1".to_owned()));
        assert_eq!(backup.position, Some(0x400_0050));
        assert_eq!(backup.ended.as_second() - backup.began.as_second(), 60);
    }

    #[test]
    fn a_moment_belongs_to_the_timeline_that_was_lived_then() {
        let listing = r#"{".":{"type":"path"},"00000002.history":{"type":"file","size":41,"time":1000},"0000000A.history":{"time":2000}}"#;
        for (second, timeline) in [(999, 1), (1000, 2), (1999, 2), (2000, 10)] {
            let time = Timestamp::from_second(second).unwrap();
            assert_eq!(timeline_at(listing, time).unwrap(), timeline, "{second}");
        }
        assert_eq!(timeline_at("{}", Timestamp::now()).unwrap(), 1);
    }

    #[test]
    fn an_archive_without_a_backup_is_no_error_and_one_that_cannot_be_read_is() {
        let none = r#"[{"backup":[],"name":"a","status":{"code":2,"message":"no valid backups"}}]"#;
        assert!(parse(none).unwrap().backups.is_empty());
        let broken = r#"[{"backup":[],"name":"a","status":{"code":99,"message":"other"}}]"#;
        assert!(parse(broken).unwrap_err().to_string().contains("other"));
    }

    #[test]
    fn what_kept_wal_from_the_archive_is_known_by_its_words() {
        let full = "ERROR: [104]: archive-push command encountered error(s):\n       repo1: [ServiceError] [507] Insufficient Storage";
        assert_eq!(known_fault(full), Some(FULL));
        let another = "ERROR: [095]: unable to load info file:\n       CryptoError: unable to flush\n       HINT: is or was the repo encrypted?";
        assert_eq!(known_fault(another), Some(WRONG_CIPHER));
        assert_eq!(known_fault("ERROR: [049]: unable to connect"), None);
    }

    #[test]
    fn what_is_wrong_with_an_archive_is_told_with_what_to_do() {
        for (said, told) in [
            (
                "[FormatError] unable to load info file '/a/backup.info':\\nFormatError: key/value found outside of section at line 1: \u{fffd}\u{fffd}",
                "into the Secret <name>-backup",
            ),
            (
                "[FileMissingError] unable to load info file:\\nFileMissingError: unable to open missing file '/a/archive.info' for read\\nHINT: run it",
                "its archive.info or backup.info is gone",
            ),
            ("missing stanza data", "its archive.info or backup.info is gone"),
            (
                "[ProtocolError] HTTP request failed with 403 (Forbidden):\\n*** Path/Query ***:",
                "refuses the key",
            ),
            (
                "[FileOpenError] unable to open:\\nPermission denied\\nHINT: look",
                "read: [FileOpenError] unable to open: Permission denied",
            ),
            ("missing stanza path", "missing stanza path"),
        ] {
            let text = format!(
                r#"[{{"backup":[],"name":"a","repo":[{{"status":{{"code":99,"message":"{said}"}}}}],"status":{{"code":99,"message":"other"}}}}]"#
            );
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("HINT"), "{error}");
        }
    }
}
