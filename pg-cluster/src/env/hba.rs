//! Extra lines of `pg_hba.conf`. They come before ours, so each is held to
//! the same two rules: TLS, and SCRAM or a refusal.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

use super::values::checked_string;

checked_string!(
    /// A line that lets nobody in without TLS and SCRAM.
    HbaLine,
    |text| {
        let fields: Vec<_> = text.split_whitespace().collect();
        // type, database, user, address (and perhaps a mask), method.
        let method = match fields.as_slice() {
            [_, _, _, _, method] => *method,
            [_, _, _, address, mask, method] if !address.contains('/') && mask.contains(['.', ':']) => *method,
            _ => return Err(format!("`{text}` is no pg_hba line: write hostssl DATABASE USER ADDRESS scram-sha-256")),
        };
        match (fields[0], method) {
            (_, "reject") if ["host", "hostssl", "hostnossl"].contains(&fields[0]) => Ok(()),
            ("hostssl", "scram-sha-256" | "cert") => Ok(()),
            ("hostssl", _) => Err(format!("`{text}` lets in by {method}: write scram-sha-256, cert or reject")),
            _ => Err(format!("`{text}` could let in without TLS: write hostssl instead of {}", fields[0])),
        }
    }
);
