//! Amounts as Kubernetes and PostgreSQL write them, and what they are in numbers.

use serde::{Deserialize, Serialize};

use super::values::{checked_string, refuse_unless};

/// Less would be a number whose unit was forgotten.
const LEAST_QUANTITY: f64 = 1_048_576.0;

// An amount of memory or storage, as Kubernetes writes it.
checked_string!(Quantity, check_quantity);
// An amount of processor time, as Kubernetes writes it.
checked_string!(Cpu, check_cpu);
// A size as PostgreSQL writes it.
checked_string!(Size, check_size);

/// A number without sign and exponent, and what stands behind it.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let fits = number.starts_with(|c: char| c.is_ascii_digit()) && !number.ends_with('.');
    (fits && number.matches('.').count() <= 1).then_some((number, unit))
}

fn check_quantity(text: &str) -> Result<(), String> {
    let fits = quantity_bytes(text).is_some_and(|amount| amount >= LEAST_QUANTITY);
    refuse_unless(fits, text, "a number with a unit, such as 8Gi or 512Mi")
}

fn check_cpu(text: &str) -> Result<(), String> {
    let fits = cpu_millis(text).is_some_and(|amount| amount > 0);
    refuse_unless(fits, text, "processors, or thousandths of one, such as 2, 0.5 or 250m")
}

fn check_size(text: &str) -> Result<(), String> {
    let fits = size_bytes(text, None).is_some_and(|size| size > 0);
    refuse_unless(fits, text, SIZE_WANTED)
}

pub(super) const SIZE_WANTED: &str =
    "a number without a leading 0 and kB, MB, GB or TB, such as 512MB";

impl Quantity {
    pub fn bytes(&self) -> u64 {
        quantity_bytes(self).map_or(0, whole)
    }
}

impl Cpu {
    pub fn millis(&self) -> u64 {
        cpu_millis(self).unwrap_or(0)
    }
}

impl Size {
    pub fn bytes(&self) -> u64 {
        size_bytes(self, None).unwrap_or(0)
    }
}

/// A positive number without its fraction.
fn whole(number: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // it has no sign, and an estimate is enough
    let whole = number as u64;
    whole
}

fn quantity_bytes(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        // Kubernetes itself writes so what is no whole number of bytes, such as 1.1Gi.
        "m" => 0.001,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// Kubernetes takes nothing finer than a thousandth.
fn cpu_millis(text: &str) -> Option<u64> {
    match split(text)? {
        (number, "m") => number.parse().ok(),
        (number, "") => {
            let (processors, fraction) = number.split_once('.').unwrap_or((number, ""));
            let fraction = fraction.trim_end_matches('0');
            if fraction.len() > 3 {
                return None;
            }
            let thousandths: u64 = format!("{fraction:0<3}").parse().ok()?;
            processors.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths)
        }
        _ => None,
    }
}

/// Bytes of a size of PostgreSQL's; without `unit`, that many bytes, it must have one of its own. PostgreSQL
/// would read a leading 0 as the mark of an octal number.
pub(super) fn size_bytes(text: &str, unit: Option<u32>) -> Option<u64> {
    let (number, own) = split(text)?;
    if number.len() > 1 && number.starts_with('0') && !number.starts_with("0.") {
        return None;
    }
    let factor = match own.trim_start() {
        "" => unit?.into(),
        "B" => 1.0,
        "kB" => 1_024.0,
        "MB" => 1_048_576.0,
        "GB" => 1_073_741_824.0,
        "TB" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some(whole(number.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_as_postgresql_reads_it() {
        const MB: u64 = 1 << 20;
        for (text, bytes) in [
            ("512MB", 512 * MB),
            ("1 GB", 1024 * MB),
            ("100.5GB", 102_912 * MB),
            ("0.5TB", 512 * 1024 * MB),
            ("1048576B", MB),
            ("2048kB", 2 * MB),
            ("100", 100 * MB),
            ("0", 0),
        ] {
            assert_eq!(size_bytes(text, Some(1 << 20)), Some(bytes), "{text}");
        }
        for text in [
            "0512MB", "08GB", "00.5GB", "", "MB", "-1", "1.GB", ".5GB", "1.2.3GB", "1e3MB", "1mb",
            "1PB",
        ] {
            assert_eq!(size_bytes(text, Some(1 << 20)), None, "{text}");
        }
        assert_eq!(size_bytes("100", None), None);
        assert!(check_size("0MB").is_err());
    }

    #[test]
    fn an_amount_is_one_that_kubernetes_takes() {
        for (text, bytes) in [
            ("8Gi", 8 << 30),
            ("1.5Gi", 3 << 29),
            ("512M", 512_000_000),
            ("1181116006400m", 1_181_116_006),
        ] {
            let amount = Quantity::try_from(text.to_owned()).unwrap();
            assert_eq!(amount.bytes(), bytes, "{text}");
        }
        for text in ["512m", "0.1", "2m", "512", "0Gi", "-1Gi", "1.Gi", "Gi", "1gb"] {
            assert!(check_quantity(text).is_err(), "{text}");
        }
        for (text, millis) in [("2", 2000), ("0.5", 500), ("250m", 250), ("1.0010", 1001)] {
            let amount = Cpu::try_from(text.to_owned()).unwrap();
            assert_eq!(amount.millis(), millis, "{text}");
        }
        for text in ["0", "0m", "0.5m", "0.0001", "1Gi", "-1", ""] {
            assert!(check_cpu(text).is_err(), "{text}");
        }
    }
}
