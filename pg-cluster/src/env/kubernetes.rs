//! Names as Kubernetes takes them: of namespaces and objects, labels and their values, images.

use serde::{Deserialize, Serialize};

use super::values::{checked_string, refuse_unless};

checked_string!(Namespace, check_namespace);
// The name of an object that somebody else makes: a Secret, a class.
checked_string!(ObjectName, check_object_name);
// The key of a label.
checked_string!(Label, check_label);
checked_string!(LabelValue, check_label_value);
checked_string!(Image, check_image);

fn ends_with_alphanumerics(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(alphanumeric) && text.ends_with(alphanumeric)
}

/// A part of a name in DNS.
fn is_dns_label(text: &str) -> bool {
    ends_with_alphanumerics(text)
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

fn is_label_value(text: &str) -> bool {
    text.len() <= 63
        && ends_with_alphanumerics(text)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_label(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_name(prefix) && is_label_value(name),
        None => is_label_value(text),
    }
}

fn check_namespace(text: &str) -> Result<(), String> {
    let fits = text.len() <= 63 && is_dns_label(text);
    refuse_unless(fits, text, "1 to 63 of a-z, 0-9 and -, first and last no -")
}

fn check_object_name(text: &str) -> Result<(), String> {
    let wanted =
        "the name of an object: a-z, 0-9, - and ., each part with a letter or digit first and last";
    refuse_unless(is_dns_name(text), text, wanted)
}

fn check_label(text: &str) -> Result<(), String> {
    refuse_unless(is_label(text), text, "a key of labels or taints, such as kubernetes.io/hostname")
}

fn check_label_value(text: &str) -> Result<(), String> {
    let wanted = "up to 63 letters, digits, -, _ and ., first and last a letter or digit";
    refuse_unless(text.is_empty() || is_label_value(text), text, wanted)
}

fn check_image(text: &str) -> Result<(), String> {
    let wanted = "an image with a tag other than latest, or with a digest";
    refuse_unless(is_fixed_image(text), text, wanted)
}

/// `[HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]`, with one of the two that says which.
fn is_fixed_image(text: &str) -> bool {
    let (named, digest) = match text.split_once("@sha256:") {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let at = named.rfind('/').map_or(0, |at| at + 1);
    let (path, tag) = match named[at..].split_once(':') {
        Some((name, tag)) => (&named[..at + name.len()], Some(tag)),
        None => (named, None),
    };
    let is_digest = |digest: &str| {
        digest.len() == 64
            && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_tag = |tag: &str| {
        tag.len() <= 128
            && !tag.is_empty()
            && !tag.starts_with(['.', '-'])
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    let path = match path.split_once('/') {
        Some((host, path)) if is_host(host) => path,
        _ => path,
    };
    path.split('/').all(is_path_part)
        && digest.is_none_or(is_digest)
        && tag.is_none_or(is_tag)
        && (digest.is_some() || tag.is_some_and(|tag| tag != "latest"))
}

/// What stands first in an image is a host if no part of a path looks so.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let fits = |part: &str| {
        ends_with_alphanumerics(part) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    name.split('.').all(fits) && port.is_none_or(is_number)
}

/// Words of lower case with `.`, `_`, `__` or any number of `-` between.
fn is_path_part(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between = |part: &&str| !part.is_empty();
    text.starts_with(word)
        && text.ends_with(word)
        && text.split(word).filter(between).all(|between| {
            [".", "_", "__"].contains(&between) || between.bytes().all(|b| b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let long = |length: usize| "a".repeat(length);
        for name in ["a", "1team", "team-1", &long(63)] {
            assert_eq!(check_namespace(name), Ok(()), "{name}");
        }
        for name in ["", "-a", "a-", "a.b", "A", "ä", &long(64)] {
            assert!(check_namespace(name).is_err(), "{name}");
        }
        for name in ["registry.example.com", "1a", "standard-rwo", &long(253)] {
            assert_eq!(check_object_name(name), Ok(()), "{name}");
        }
        for name in ["", "Fast_SSD", "a/b", "a..b", ".a", "a.", "a.-b", &long(254)] {
            assert!(check_object_name(name).is_err(), "{name}");
        }
        for label in ["team", "A_b.c", "kubernetes.io/hostname", "example.org/Team"] {
            assert_eq!(check_label(label), Ok(()), "{label}");
        }
        for label in ["", "a..b/x", "a/-x", "A_b/x", "A.b/c", "a/b/c", "/a", "a/", &long(64)] {
            assert!(check_label(label).is_err(), "{label}");
        }
    }

    #[test]
    fn an_image_is_one_that_a_kubelet_takes() {
        let digest = "0123456789abcdef".repeat(4);
        for image in [
            "a:17",
            "localhost/a/postgres:17",
            "localhost:5000/postgres:17",
            "Registry.example.com/a__b/c--d.e:v1_.-",
            "a@sha256:DIGEST",
            "a:latest@sha256:DIGEST",
            "host:5000/a:1@sha256:DIGEST",
        ] {
            let image = image.replace("DIGEST", &digest);
            assert_eq!(check_image(&image), Ok(()), "{image}");
        }
        for image in [
            "",
            "a",
            ":17",
            "a:17:18",
            "http://x/a:17",
            "host/A/B:17",
            "A:17",
            "a@sha256:zz",
            "a@sha256:",
            "a:.x",
            "a:-1",
            "a:",
            "a:latest",
            "/a:1",
            "a//b:1",
            "a/:1",
            "ä:1",
            "a b:1",
            "a_-b:1",
            "a..b/c..d:1",
            "localhost:5000/postgres",
        ] {
            assert!(check_image(image).is_err(), "{image}");
        }
    }
}
