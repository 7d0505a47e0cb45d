//! Numbers in JSON, taken however they are written, fields that may be absent but not `null`, and objects
//! that are no lists.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// For a field that may be absent and, when it is there, has a value: `null` is none.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An object. Without it, a list would be taken for the fields in their order.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
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
        let number = Number { least: N::MIN, most: N::MAX }.read(deserializer)?;
        // It fits, being within its bounds.
        N::try_from(number).map(Self).map_err(|_| D::Error::custom("a number that does not fit"))
    }
}

/// Reads any integer's numbers, so that there is one reader and not one for each of their types.
#[derive(Clone, Copy)]
struct Number {
    least: i64,
    most: i64,
}

impl Number {
    #[inline(never)]
    fn read<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<i64, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn fits(self, number: i64) -> bool {
        (self.least..=self.most).contains(&number)
    }
}

impl Visitor<'_> for Number {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.least, self.most)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        if self.fits(number) {
            return Ok(number);
        }
        Err(E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        let fitting = i64::try_from(number).ok().filter(|number| self.fits(*number));
        fitting.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        /// Up to here each whole number is one of these, too.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let exact = number.fract() == 0.0 && number.abs() <= EXACT;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
        let fitting = exact.then_some(number as i64).filter(|number| self.fits(*number));
        fitting.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}
