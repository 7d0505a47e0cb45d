//! PostgreSQL's binary `numeric` and its text: exact, at any precision.
//!
//! Wire format (`src/backend/utils/adt/numeric.c`, `numeric_send`): count of
//! digits, weight of the first one, sign, display scale, then digits to the
//! base of 10,000; each a big-endian 16-bit number.

use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Decimal digits in one digit to the base of 10,000.
const GROUP: usize = 4;
/// PostgreSQL's own limits: digits before and after the decimal point.
const MAX_BEFORE: usize = 131_072;
const MAX_AFTER: usize = 16_383;

/// Writes `text` (such as `-12.50`, `NaN`, `Infinity`) in binary format.
/// Fails on anything else, exponents included.
pub fn encode(text: &str, out: &mut BytesMut) -> Result<(), String> {
    let invalid = || format!("{text:?} is not a decimal number");
    let special = match text {
        "NaN" => Some(NAN),
        "Infinity" => Some(INFINITY),
        "-Infinity" => Some(NEGATIVE_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        put(out, &[], 0, sign, 0);
        return Ok(());
    }

    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (NEGATIVE, rest),
        None => (POSITIVE, text.strip_prefix('+').unwrap_or(text)),
    };
    let (before, after) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = before.len() + after.len() > 0
        && before.bytes().chain(after.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number || before.len() > MAX_BEFORE || after.len() > MAX_AFTER {
        return Err(invalid());
    }

    let padding = "0".repeat((GROUP - before.len() % GROUP) % GROUP);
    let mut decimals = padding + before + after;
    decimals.push_str(&"0".repeat((GROUP - after.len() % GROUP) % GROUP));
    let mut weight = i16::try_from(before.len().div_ceil(GROUP)).map_err(|_| invalid())? - 1;
    let mut digits: Vec<u16> = decimals
        .as_bytes()
        .chunks(GROUP)
        .map(|group| group.iter().fold(0, |value, byte| value * 10 + u16::from(byte - b'0')))
        .collect();

    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..leading);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let scale = u16::try_from(after.len()).map_err(|_| invalid())?;
    if digits.is_empty() {
        put(out, &[], 0, POSITIVE, scale);
    } else {
        weight -= i16::try_from(leading).map_err(|_| invalid())?;
        put(out, &digits, weight, sign, scale);
    }
    Ok(())
}

fn put(out: &mut BytesMut, digits: &[u16], weight: i16, sign: u16, scale: u16) {
    // Never truncates: `encode` bounds the length well below 65,536 groups.
    out.put_u16(u16::try_from(digits.len()).unwrap_or(u16::MAX));
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(scale);
    for digit in digits {
        out.put_u16(*digit);
    }
}

/// Reads binary format; the text has as many decimals as the value's scale.
pub fn decode(raw: &[u8]) -> Result<String, String> {
    let words: Vec<u16> =
        raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [count, weight, sign, scale, digits @ ..] = words.as_slice() else {
        return Err("a numeric value is shorter than its header".into());
    };
    if digits.len() != usize::from(*count) {
        return Err("a numeric value is shorter than its header says".into());
    }
    let prefix = match *sign {
        POSITIVE => "",
        NEGATIVE => "-",
        NAN => return Ok("NaN".into()),
        INFINITY => return Ok("Infinity".into()),
        NEGATIVE_INFINITY => return Ok("-Infinity".into()),
        other => return Err(format!("a numeric value has the unknown sign {other:#x}")),
    };

    let weight = i32::from(weight.cast_signed());
    let digit = |position: i32| -> u16 {
        // Position 0 stands just before the decimal point; digits left out are zero.
        usize::try_from(weight - position)
            .ok()
            .and_then(|index| digits.get(index).copied())
            .unwrap_or(0)
    };
    let mut text = String::from(prefix);
    let highest = weight.max(0);
    for position in (0..=highest).rev() {
        if position == highest {
            let _ = write!(text, "{}", digit(position));
        } else {
            let _ = write!(text, "{:04}", digit(position));
        }
    }
    let scale = usize::from(*scale);
    if scale > 0 {
        text.push('.');
        let end = text.len() + scale;
        let mut position = -1;
        while text.len() < end {
            let _ = write!(text, "{:04}", digit(position));
            position -= 1;
        }
        text.truncate(end);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(text: &str) -> String {
        let mut raw = BytesMut::new();
        encode(text, &mut raw).unwrap();
        decode(&raw).unwrap()
    }

    #[test]
    fn known_values_keep_their_text() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "10000",
            "9999",
            "0.0001",
            "0.00001",
            "-12345678.9",
            "NaN",
            "Infinity",
            "-Infinity",
            "123456789012345678901234567890.123456789012345678901234567890",
            "100000000",
            "1.50",
        ] {
            assert_eq!(round_trip(text), text);
        }
    }

    #[test]
    fn other_spellings_are_normalised() {
        assert_eq!(round_trip("+5"), "5");
        assert_eq!(round_trip("007"), "7");
        assert_eq!(round_trip(".5"), "0.5");
        assert_eq!(round_trip("5."), "5");
        assert_eq!(round_trip("-0"), "0");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1e5", "1_000", "0x10", "nan", " 1", "1.2.3", "١"] {
            assert!(encode(text, &mut BytesMut::new()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn broken_bytes_are_an_error() {
        assert!(decode(&[]).is_err());
        assert!(decode(&[0, 5, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(decode(&[0, 0, 0, 0, 0x12, 0x34, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn every_decimal_survives(text in "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,60})?") {
            let expected = if text.trim_start_matches('-').bytes().all(|b| b == b'0' || b == b'.') {
                text.trim_start_matches('-').to_owned()
            } else {
                text.clone()
            };
            prop_assert_eq!(round_trip(&text), expected);
        }

        #[test]
        fn random_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&raw);
        }
    }
}
