//! Labels, and names of objects that are somebody else's, as Kubernetes takes them.

use serde::{Deserialize, Serialize};

use super::values::{checked_string, refuse_unless};

checked_string!(Label, check_label);
// The name of a namespace.
checked_string!(Namespace, check_namespace);
// The name of another object.
checked_string!(ObjectName, check_object_name);

/// Parts of a-z, 0-9 and -, each first and last a letter or digit, with dots between.
fn is_subdomain(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

fn check_namespace(text: &str) -> Result<(), String> {
    let fits = is_subdomain(text) && !text.contains('.') && text.len() <= 63;
    refuse_unless(fits, text, "1 to 63 of a-z, 0-9 and -, first and last a letter or digit")
}

fn check_object_name(text: &str) -> Result<(), String> {
    refuse_unless(
        is_subdomain(text),
        text,
        "an object's name: a-z, 0-9, - and ., first and last a letter or digit",
    )
}

/// What a label's key ends with, and its value is.
pub fn is_label_part(text: &str) -> bool {
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn check_label(text: &str) -> Result<(), String> {
    let fits = match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_label_part(name),
        None => is_label_part(text),
    };
    refuse_unless(fits, text, "a label of your nodes, such as kubernetes.io/hostname")
}
