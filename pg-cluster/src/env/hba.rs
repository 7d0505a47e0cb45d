//! Extra lines of `pg_hba.conf`. They come before ours, so each is held to
//! the same two rules: TLS, and SCRAM or a refusal.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::values::checked_string;

// A line that lets nobody in without TLS and SCRAM.
checked_string!(HbaLine, check_line);

/// A network, a host's name, or a word of PostgreSQL's. It reads a bare address without its
/// length as an error, but only when it reads the file: at the next start.
fn check_address(line: &str, address: &str) -> Result<(), String> {
    let plain = address.trim_matches('"');
    if ["all", "samehost", "samenet"].contains(&plain) {
        return Ok(());
    }
    if plain.parse::<IpAddr>().is_ok() {
        return Err(format!(
            "`{line}` has {plain} without its length: write {plain}/{}",
            if plain.contains(':') { 128 } else { 32 }
        ));
    }
    let Some((network, length)) = plain.split_once('/') else {
        let part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = !plain.is_empty()
            && plain.chars().all(part)
            && plain.contains(|c: char| c.is_ascii_alphabetic());
        return if is_name {
            Ok(())
        } else {
            Err(format!("`{line}`: {plain} is no network and no host's name"))
        };
    };
    let most = match network.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => {
            return Err(format!("`{line}`: {network} is no address; a host's name has no length"));
        }
    };
    match length.parse::<u8>() {
        Ok(length) if length <= most => Ok(()),
        _ => Err(format!("`{line}`: the length of {network} is 0 to {most}, not {length}")),
    }
}

/// An address and its mask, both of one kind, the mask's ones before its noughts.
fn check_mask(line: &str, address: &str, mask: &str) -> Result<(), String> {
    let bits = match (address.parse(), mask.parse()) {
        (Ok(IpAddr::V4(_)), Ok(IpAddr::V4(mask))) => u128::from(mask.to_bits()) << 96,
        (Ok(IpAddr::V6(_)), Ok(IpAddr::V6(mask))) => mask.to_bits(),
        _ => {
            return Err(format!(
                "`{line}`: {address} {mask} is no address with its mask: write ADDRESS/LENGTH"
            ));
        }
    };
    if bits.leading_ones() == bits.count_ones() {
        Ok(())
    } else {
        Err(format!("`{line}`: {mask} is no mask: write ADDRESS/LENGTH"))
    }
}

fn check_line(text: &str) -> Result<(), String> {
    let fields: Vec<_> = text.split_whitespace().collect();
    // Type, database, user, address (and perhaps a mask), method.
    let method = match fields.as_slice() {
        [_, _, _, address, method] => {
            check_address(text, address)?;
            *method
        }
        [_, _, _, address, mask, method] => {
            check_mask(text, address, mask)?;
            *method
        }
        _ => {
            let wanted = "hostssl DATABASE USER ADDRESS scram-sha-256";
            return Err(format!("`{text}` is no pg_hba line: write {wanted}"));
        }
    };
    match (fields[0], method) {
        ("host" | "hostssl" | "hostnossl", "reject") | ("hostssl", "scram-sha-256") => Ok(()),
        ("hostssl", "cert") => Err(format!(
            "`{text}` lets nobody in, as pg-cluster's CA makes no certificates for clients: write scram-sha-256 or reject"
        )),
        ("hostssl", _) => {
            Err(format!("`{text}` lets in by {method}: write scram-sha-256 or reject"))
        }
        (kind, _) => {
            Err(format!("`{text}` could let in without TLS: write hostssl instead of {kind}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_postgresql_reads() {
        for address in [
            "all",
            "samenet",
            "10.0.0.0/8",
            "10.1.2.3/32",
            "fd00::/8",
            "db.example.com",
            ".example.com",
            "10.0.0.0 255.0.0.0",
            "fd00:: ff00::",
        ] {
            assert_eq!(
                check_line(&format!("hostssl todo app {address} scram-sha-256")),
                Ok(()),
                "{address}"
            );
        }
        for (address, advice) in [
            ("10.1.2.3", "write 10.1.2.3/32"),
            ("fd00::1", "write fd00::1/128"),
            ("10.0.0.0/33", "0 to 32"),
            ("10.0.0.0/", "0 to 32"),
            ("fd00::/129", "0 to 128"),
            ("db.example.com/24", "has no length"),
            ("10.0.0.300", "is no network"),
            ("10.0.0.0 255.0.255.0", "is no mask"),
            ("10.0.0.0 ff00::", "write ADDRESS/LENGTH"),
            ("10.0.0.0/8 255.0.0.0", "write ADDRESS/LENGTH"),
        ] {
            let error =
                check_line(&format!("hostssl todo app {address} scram-sha-256")).unwrap_err();
            assert!(error.contains(advice), "{address}: {error}");
        }
    }
}
