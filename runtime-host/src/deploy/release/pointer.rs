//! The pointer, from a ConfigMap's data and back, and how it moves forward.

use std::collections::BTreeMap;

use super::Release;
use crate::digest::Digest;

/// Versions that are kept, the live one among them.
const KEPT: usize = 5;

const GENERATION: &str = "generation";
const DIGEST: &str = "digest";
const CONFIG_MAPS: &str = "configMaps";
const PREVIOUS: &str = "previous";
const VERSION: &str = "version";
const BY: &str = "by";
const AT: &str = "at";
const SCHEMA: &str = "schema";
const MIGRATIONS: &str = "migrations";
const HISTORY: &str = "history";

/// The pointer ConfigMap: what is live, and what was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    pub live: Release,
    /// The last version before it that passed.
    pub previous: Option<Digest>,
    /// The newest first, the live one among them.
    pub history: Vec<Release>,
}

impl Pointer {
    /// Reads the data of a ConfigMap. The digest and the ConfigMaps' names are
    /// enough: that is what somebody writes by hand. The error says what to write.
    pub fn parse(data: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = |key: &str| data.get(key).map(|v| v.trim()).filter(|v| !v.is_empty());
        let number = |key: &str| {
            text(key)
                .map(|v| match v.parse() {
                    // There has to be one after it.
                    Ok(number) if number < u64::MAX => Ok(number),
                    _ => Err(format!("its {key} is {v:?}: write a number, and no huge one")),
                })
                .transpose()
        };
        let digest = text(DIGEST).ok_or("it has no digest: write the component's SHA-256")?;
        let config_maps: Vec<String> = text(CONFIG_MAPS)
            .ok_or("it has no configMaps: write the name of the ConfigMap with the component")?
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let history: Vec<Release> = text(HISTORY)
            .map(serde_json::from_str)
            .transpose()
            .map_err(|error| format!("its history cannot be read: {error}; remove that key"))?
            .unwrap_or_default();
        let mut live = Release {
            generation: number(GENERATION)?.unwrap_or(0),
            digest: Digest::parse(digest)?,
            config_maps,
            version: text(VERSION).map(str::to_owned),
            by: text(BY).map(str::to_owned),
            at: text(AT).map(str::to_owned),
            schema: number(SCHEMA)?.map(|schema| i32::try_from(schema).unwrap_or(i32::MAX)),
            migrations: text(MIGRATIONS).map(str::to_owned),
            passed: false,
        };
        if let Some(pushed) = history.first().filter(|pushed| pushed.digest != live.digest) {
            live.forget(pushed);
        }
        Ok(Self { live, previous: text(PREVIOUS).map(Digest::parse).transpose()?, history })
    }

    /// The data of the ConfigMap.
    pub fn data(&self) -> BTreeMap<String, String> {
        let live = &self.live;
        let history = serde_json::to_string(&self.history).unwrap_or_default();
        let mut data: BTreeMap<String, String> = [
            (GENERATION, live.generation.to_string()),
            (DIGEST, live.digest.full()),
            (CONFIG_MAPS, live.config_maps.join(" ")),
            (HISTORY, history),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let optional = [
            (PREVIOUS, self.previous.map(|digest| digest.full())),
            (VERSION, live.version.clone()),
            (BY, live.by.clone()),
            (AT, live.at.clone()),
            (SCHEMA, live.schema.map(|schema| schema.to_string())),
            (MIGRATIONS, live.migrations.clone()),
        ];
        data.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        data
    }

    /// The pointer after a push or a rollback to `next`. `passed` says whether
    /// the version that was live until now passed.
    pub fn succeed(before: Option<&Self>, next: Release, passed: bool) -> Self {
        let mut history = before.map(Self::releases).unwrap_or_default();
        if let Some(last) = history.first_mut() {
            last.passed |= passed;
        }
        let previous =
            history.iter().find(|release| release.passed && release.digest != next.digest);
        let previous = previous.map(|release| release.digest);
        history.retain(|release| release.digest != next.digest);
        history.insert(0, next.clone());
        // `previous` stays, however many failed after it.
        let kept =
            |(place, release): &(usize, Release)| *place < KEPT || Some(release.digest) == previous;
        let history = history.into_iter().enumerate().filter(kept).map(|(_, r)| r).collect();
        Self { live: next, previous, history }
    }

    /// All known versions, the live one first. One that was set by hand is in
    /// no history, and comes to be here.
    pub fn releases(&self) -> Vec<Release> {
        let mut releases = self.history.clone();
        match releases.first() {
            Some(first) if first.digest == self.live.digest => {}
            _ => {
                releases.retain(|release| release.digest != self.live.digest);
                releases.insert(0, self.live.clone());
            }
        }
        releases
    }

    /// A version that is still known, by its digest.
    pub fn release(&self, digest: Digest) -> Option<Release> {
        self.releases().into_iter().find(|release| release.digest == digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::release::tests::release;

    fn names(pointer: &Pointer) -> Vec<&str> {
        pointer.history.iter().filter_map(|release| release.version.as_deref()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let first = Pointer::succeed(None, release(1, "a"), false);
        let second = Pointer::succeed(Some(&first), release(2, "b"), true);
        assert_eq!(Pointer::parse(&second.data()), Ok(second));
    }

    #[test]
    fn a_digest_and_a_name_are_enough() {
        let digest = Digest::of(b"a");
        let data =
            [("digest".to_owned(), digest.full()), ("configMaps".to_owned(), "mine".to_owned())];
        let pointer = Pointer::parse(&data.into()).unwrap();
        assert_eq!((pointer.live.generation, pointer.live.digest), (0, digest));
        assert_eq!(pointer.live.config_maps, ["mine"]);
    }

    #[test]
    fn a_digest_that_was_set_by_hand_has_nothing_of_what_was_pushed() {
        let pushed = Pointer::succeed(None, release(1, "a"), false);
        let mut data = pushed.data();
        data.insert("digest".to_owned(), Digest::of(b"b").full());
        let live = Pointer::parse(&data).unwrap().live;
        assert_eq!((live.version, live.schema), (None, None));
        data.insert("schema".to_owned(), "2".to_owned());
        assert_eq!(Pointer::parse(&data).unwrap().live.schema, Some(2));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let good = Pointer::succeed(None, release(1, "a"), false).data();
        for (key, value, says) in [
            ("digest", "", "no digest"),
            ("digest", "abc", "no SHA-256"),
            ("configMaps", " ", "no configMaps"),
            ("generation", "-1", "write a number"),
            ("generation", "18446744073709551615", "no huge one"),
            ("history", "[", "remove that key"),
        ] {
            let mut data = good.clone();
            data.insert(key.to_owned(), value.to_owned());
            let error = Pointer::parse(&data).unwrap_err();
            assert!(error.contains(says), "{key}: {error}");
        }
    }

    #[test]
    fn previous_is_the_last_version_that_passed() {
        let a = Pointer::succeed(None, release(1, "a"), false);
        let b = Pointer::succeed(Some(&a), release(2, "b"), true);
        assert_eq!(b.previous, Some(a.live.digest));
        let c = Pointer::succeed(Some(&b), release(3, "c"), false);
        assert_eq!(c.previous, Some(a.live.digest), "b did not pass");
        let back = Pointer::succeed(Some(&c), release(4, "a"), true);
        assert_eq!(back.previous, Some(c.live.digest));
        assert_eq!(names(&back), ["a", "c", "b"]);
    }

    #[test]
    fn five_versions_are_kept_and_the_previous_one() {
        let mut pointer = Pointer::succeed(None, release(1, "good"), false);
        pointer = Pointer::succeed(Some(&pointer), release(2, "0"), true);
        for generation in 3..10 {
            let next = release(generation, &generation.to_string());
            pointer = Pointer::succeed(Some(&pointer), next, false);
        }
        assert_eq!(names(&pointer), ["9", "8", "7", "6", "5", "good"]);
    }

    #[test]
    fn a_version_set_by_hand_is_part_of_the_history() {
        let mut pointer = Pointer::succeed(None, release(1, "a"), false);
        pointer.live = release(1, "by hand");
        let next = Pointer::succeed(Some(&pointer), release(2, "b"), true);
        assert_eq!(names(&next), ["b", "by hand", "a"]);
        assert_eq!(next.previous, Some(pointer.live.digest));
    }
}
