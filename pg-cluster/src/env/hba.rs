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

/// Databases or users: names with commas between. Of what PostgreSQL reads otherwise (files, comments, quotes
/// around less than a name) nothing is taken, and of regular expressions those that are one in any case.
fn check_names(line: &str, list: &str) -> Result<(), String> {
    let name = |c: char| !"\"#@/,".contains(c);
    for item in list.split(',') {
        let quoted = item.strip_prefix('"').and_then(|item| item.strip_suffix('"'));
        let item = quoted.unwrap_or(item);
        let fits = match item.strip_prefix('/') {
            Some(expression) => is_expression(expression),
            None => !item.is_empty() && item.chars().all(name),
        };
        if !fits {
            return Err(format!(
                "`{line}`: PostgreSQL would not read {list}: write names with a comma between each two and no space, and without \", #, @ and /; or \
                 an expression such as /^team_.*$"
            ));
        }
    }
    Ok(())
}

/// Letters, digits, `.`, `_` and `-`, each repeated at will, and perhaps both ends.
fn is_expression(text: &str) -> bool {
    let text = text.strip_prefix('^').unwrap_or(text);
    let text = text.strip_suffix('$').unwrap_or(text);
    let mut repeatable = false;
    !text.is_empty()
        && text.chars().all(|c| {
            let fits = if "*+?".contains(c) {
                repeatable
            } else {
                c.is_ascii_alphanumeric() || "._-".contains(c)
            };
            repeatable = !"*+?".contains(c);
            fits
        })
}

fn check_line(text: &str) -> Result<(), String> {
    let between = [' ', '\t'];
    if text.contains(|c: char| (c.is_whitespace() || c.is_control()) && !between.contains(&c)) {
        return Err(format!(
            "{text:?} has a line break, or a space that PostgreSQL takes for a part of a name: write plain spaces, and each line as one of its own"
        ));
    }
    let fields: Vec<_> = text.split(between).filter(|field| !field.is_empty()).collect();
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
    for list in &fields[1..3] {
        check_names(text, list)?;
    }
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
            ("10.0.0.0/8\"", "0 to 32"),
            ("\"10.0.0.0/8\"", "is no address"),
            ("10.0.0.0/8,10.1.0.0/16", "0 to 32"),
        ] {
            let error =
                check_line(&format!("hostssl todo app {address} scram-sha-256")).unwrap_err();
            assert!(error.contains(advice), "{address}: {error}");
        }
    }

    #[test]
    fn a_line_is_one_that_postgresql_reads() {
        for line in [
            "hostssl todo,other app,+team all scram-sha-256",
            "hostssl \"todo\" app,\"look\" all scram-sha-256",
            "hostssl sameuser\tall all scram-sha-256",
            " hostssl\ttodo  app all scram-sha-256 ",
            "hostssl /^todo_.*$ /app-.+,look all reject",
            "host all all all reject",
        ] {
            assert_eq!(check_line(line), Ok(()), "{line}");
        }
        for (line, advice) in [
            ("hostssl \"todo app all scram-sha-256", "names with a comma"),
            ("hostssl \"my db\" app all scram-sha-256", "ADDRESS/LENGTH"),
            ("hostssl to#do app all scram-sha-256", "names with a comma"),
            ("hostssl todo, app all scram-sha-256", "names with a comma"),
            ("hostssl todo ,app all scram-sha-256", "names with a comma"),
            ("hostssl todo,,other app all scram-sha-256", "names with a comma"),
            ("hostssl to\"do app all scram-sha-256", "names with a comma"),
            ("hostssl \" app all scram-sha-256", "names with a comma"),
            ("hostssl \"\" app all scram-sha-256", "names with a comma"),
            ("hostssl todo app\0 all scram-sha-256", "has a line break"),
            ("hostssl @dbs app all scram-sha-256", "names with a comma"),
            ("hostssl todo @f all reject", "names with a comma"),
            ("hostssl /[ app all scram-sha-256", "names with a comma"),
            ("hostssl todo /( all reject", "names with a comma"),
            ("hostssl todo,/^[ app all reject", "names with a comma"),
            ("hostssl todo /^*a all reject", "names with a comma"),
            ("hostssl todo /a** all reject", "names with a comma"),
            ("hostssl todo / all reject", "names with a comma"),
            ("hostssl todo app all\nscram-sha-256", "has a line break"),
            ("hostssl todo app all\u{b}scram-sha-256", "has a line break"),
            ("hostssl todo app\u{a0}10.0.0.0/8 scram-sha-256", "plain spaces"),
            ("hostssl todo app all\u{2003}scram-sha-256", "plain spaces"),
            ("hostssl todo app all scram-sha-256\n", "has a line break"),
        ] {
            let error = check_line(line).unwrap_err();
            assert!(error.contains(advice), "{line}: {error}");
        }
    }
}
