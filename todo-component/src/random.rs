//! Keys that nobody guesses: 128 random bits.

use crate::todo::Deletion;
use spin_sdk::wasip3::random::random::get_random_bytes;

/// A key in hexadecimal.
pub fn key() -> String {
    deletion().as_str().to_owned()
}

pub fn deletion() -> Deletion {
    let mut bits = [0; 16];
    for (bit, random) in bits.iter_mut().zip(get_random_bytes(16)) {
        *bit = random;
    }
    bits.into()
}
