//! What a field of JSON may hold, in more ways than a type of Rust.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// For a field that may be absent and, when it is there, has a value: `null` is none.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A whole number, however it is written: JSON has one kind of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<N>(pub N);

/// The numbers that fit.
pub trait Integer: TryFrom<i64> {
    const MIN: i64;
    const MAX: i64;
}

impl Integer for u8 {
    const MIN: i64 = 0;
    const MAX: i64 = Self::MAX as i64;
}

impl Integer for i32 {
    const MIN: i64 = Self::MIN as i64;
    const MAX: i64 = Self::MAX as i64;
}

impl Integer for i64 {
    const MIN: i64 = Self::MIN;
    const MAX: i64 = Self::MAX;
}

impl<'de, N: Integer> Deserialize<'de> for Whole<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number(PhantomData)).map(Self)
    }
}

struct Number<N>(PhantomData<N>);

impl<N: Integer> Visitor<'_> for Number<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", N::MIN, N::MAX)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<N, E> {
        let fitting = i64::try_from(number).ok().and_then(|number| N::try_from(number).ok());
        fitting.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<N, E> {
        /// Up to here each whole number is one of these, too.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let exact = number.fract() == 0.0 && number.abs() <= EXACT;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
        let fitting = exact.then(|| N::try_from(number as i64).ok()).flatten();
        fitting.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}
