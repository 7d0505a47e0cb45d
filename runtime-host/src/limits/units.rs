//! Times and sizes with their units, as they are written in flags.

use std::time::Duration;

const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads a time between `least` and `most`.
pub fn time(
    least: Duration,
    most: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let time = Duration::from_millis(parse(text, &TIMES, "30s, 500ms or 5m")?);
        if time < least || time > most {
            return Err(format!("it has to be from {least:?} to {most:?}"));
        }
        Ok(time)
    }
}

/// Reads a number of bytes between `least` and `most`.
pub fn size(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let size = parse(text, &SIZES, "64KiB, 256MiB or 1GiB")?;
        if size < least || size > most {
            return Err(format!("it has to be from {} to {}", Size(least), Size(most)));
        }
        Ok(size)
    }
}

/// A number of bytes in the largest unit that shows it exactly.
pub struct Size(pub u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fitting = SIZES.iter().rev().find(|(_, unit)| self.0.is_multiple_of(*unit));
        match fitting {
            Some((name, unit)) if self.0 > 0 => write!(f, "{} {name}", self.0 / unit),
            _ => write!(f, "{} B", self.0),
        }
    }
}

/// A whole number and one of the units. Zero needs none.
fn parse(text: &str, units: &[(&str, u64)], examples: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 =
        number.parse().map_err(|_| format!("write a whole number and a unit, like {examples}"))?;
    if number == 0 && unit.is_empty() {
        return Ok(0);
    }
    let unit = unit.trim_start();
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        return Err(format!("the unit has to be one of {}, like {examples}", names.join(", ")));
    };
    number.checked_mul(*factor).ok_or_else(|| "it is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_read() {
        let any = time(Duration::ZERO, Duration::from_hours(24));
        assert_eq!(any("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(any("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(any("2 m"), Ok(Duration::from_mins(2)));
        assert_eq!(any("0"), Ok(Duration::ZERO));
        let any = size(0, u64::MAX);
        assert_eq!(any("256MiB"), Ok(256 << 20));
        assert_eq!(any("12B"), Ok(12));
    }

    #[test]
    fn what_is_no_number_with_a_unit_is_refused_with_an_example() {
        let any = time(Duration::ZERO, Duration::from_hours(24));
        for wrong in ["", "s", "30", "-1s", "1.5s", "30sec", "1 2s", "99999999999999999999s"] {
            assert!(any(wrong).is_err(), "{wrong}");
        }
        assert!(any("30").is_err_and(|error| error.contains("30s")));
        let any = size(0, u64::MAX);
        assert!(any("1TiB").is_err());
        assert!(any("99999999999999GiB").is_err_and(|error| error.contains("too large")));
    }

    #[test]
    fn bounds_are_told() {
        let bounded = time(Duration::from_secs(1), Duration::from_mins(1));
        assert_eq!(bounded("2m"), Err("it has to be from 1s to 60s".into()));
        let bounded = size(1 << 20, 4 << 30);
        assert_eq!(bounded("1B"), Err("it has to be from 1 MiB to 4 GiB".into()));
    }

    #[test]
    fn sizes_are_shown_exactly() {
        assert_eq!(Size(10 << 20).to_string(), "10 MiB");
        assert_eq!(Size((10 << 20) + 1).to_string(), "10485761 B");
        assert_eq!(Size(0).to_string(), "0 B");
    }
}
