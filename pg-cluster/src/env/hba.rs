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
    if ["all", "samehost", "samenet"].contains(&address) {
        return Ok(());
    }
    if address.parse::<IpAddr>().is_ok() {
        return Err(format!(
            "`{line}` has {address} without its length: write {address}/{}",
            if address.contains(':') { 128 } else { 32 }
        ));
    }
    let Some((network, length)) = address.split_once('/') else {
        let part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = !address.is_empty()
            && address.chars().all(part)
            && address.contains(|c: char| c.is_ascii_alphabetic());
        return if is_name {
            Ok(())
        } else {
            Err(format!("`{line}`: {address} is no network and no host's name"))
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

/// Databases or users, with commas between. A file beside, a pattern, or quotes around some of it are
/// read by PostgreSQL alone, and what it cannot read keeps it from starting.
fn check_names(line: &str, names: &str) -> Result<(), String> {
    for name in names.split(',') {
        let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let plain = quoted.unwrap_or(name);
        if plain.is_empty() || plain.contains('"') || plain.starts_with(['@', '/']) {
            return Err(format!(
                "`{line}`: {names} are no names: write them with commas between and without spaces, quotes, @ or /, such as todo,other"
            ));
        }
    }
    Ok(())
}

fn check_line(text: &str) -> Result<(), String> {
    // PostgreSQL ends a line at a break, a field at a space or a tab, and reads nothing behind #.
    let strange =
        |c: char| c == '#' || c != ' ' && c != '\t' && (c.is_whitespace() || c.is_control());
    if let Some(strange) = text.chars().find(|c| strange(*c)) {
        return Err(format!(
            "{text:?} has {strange:?} in it: write the line with plain spaces between its parts, and nothing else"
        ));
    }
    let fields: Vec<_> = text.split_whitespace().collect();
    if let [_, databases, users, ..] = fields.as_slice() {
        check_names(text, databases)?;
        check_names(text, users)?;
    }
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
    fn names_and_spaces_are_what_postgresql_reads() {
        let line = |names: &str| check_line(&format!("hostssl {names} all scram-sha-256"));
        for names in ["todo app", "todo,other +readers", "\"todo\" app,\"look\"", "sameuser\tall"] {
            assert_eq!(line(names), Ok(()), "{names}");
        }
        for names in [
            "\"todo app",
            "todo, app",
            "todo app,",
            ",todo app",
            "a,,b app",
            "/[ app",
            "todo,/^[ app",
            "todo /(",
            "@dbs app",
            "todo @f",
            "to\"do app",
            "\" app",
            "\"\" app",
        ] {
            let error = line(names).unwrap_err();
            assert!(error.contains("are no names") || error.contains("is no"), "{names}: {error}");
        }
        for strange in ["\n", "\u{b}", "\u{c}", "\u{a0}", "\u{2003}", "\0", "#"] {
            let error = line(&format!("todo app{strange}")).unwrap_err();
            assert!(error.contains("plain spaces"), "{strange:?}: {error}");
        }
    }

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
            ("10.0.0.0/8\"", "0 to 32"),
            ("\"10.0.0.0/8\"", "is no address"),
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
