//! Extra lines of `pg_hba.conf`. They come before ours, so each is held to
//! the same two rules: TLS, and SCRAM or a refusal.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

use super::values::checked_string;

// A line that lets nobody in without TLS and SCRAM.
checked_string!(HbaLine, check_line);

fn check_line(text: &str) -> Result<(), String> {
    let fields: Vec<_> = text.split_whitespace().collect();
    // Type, database, user, address (and perhaps a mask), method.
    let method = match fields.as_slice() {
        [_, _, _, _, method] => *method,
        [_, _, _, address, _mask, method] if !address.contains('/') => *method,
        _ => {
            let wanted = "hostssl DATABASE USER ADDRESS scram-sha-256";
            return Err(format!("`{text}` is no pg_hba line: write {wanted}"));
        }
    };
    match (fields[0], method) {
        ("host" | "hostssl" | "hostnossl", "reject") | ("hostssl", "scram-sha-256" | "cert") => {
            Ok(())
        }
        ("hostssl", _) => {
            Err(format!("`{text}` lets in by {method}: write scram-sha-256, cert or reject"))
        }
        (kind, _) => {
            Err(format!("`{text}` could let in without TLS: write hostssl instead of {kind}"))
        }
    }
}
