//! The forms of keys that are found after a word for keys: codes, UUIDs, groups of a product's key, rows of letters,
//! lists of bytes.
//!
//! Pure functions that read each byte a few times and allocate nothing.

use super::letters::are_drawn;
use crate::bytes::{HEX, mixed};

/// The fewest characters of a row that has no letter, or no digit near its start.
pub(super) const ROW_BYTES_MIN: usize = 20;

/// A code of OAuth: letters and digits, no words.
pub(super) fn is_code(value: &[u8]) -> bool {
    mixed(value) && value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
}

/// Letters of both cases without a digit, which no word has: `DjayBenyJrtpvydFCzAphcqc`.
pub(super) fn is_drawn_word(value: &[u8]) -> bool {
    let run = value.split(|byte| !byte.is_ascii_alphabetic()).max_by_key(|run| run.len());
    run.is_some_and(|run| run.len() >= WORD_LETTERS_MIN && are_drawn(run))
}

/// The fewest letters of a value without digits.
const WORD_LETTERS_MIN: usize = 20;
const UUID_BYTES: usize = 36;
/// The groups of a product's key, and their lengths.
const GROUPS_MIN: usize = 3;
const GROUP_BYTES_MIN: usize = 4;
const GROUP_BYTES_MAX: usize = 8;

/// Thirty-two hexadecimal digits with four dashes.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == UUID_BYTES
        && has_groups(value)
        && value.iter().all(|&byte| byte == b'-' || HEX.has(byte))
}

/// The groups of a UUID, but with other letters or with more after it: no identifier.
pub(super) fn is_like_uuid(value: &[u8]) -> bool {
    let more = value.len() > UUID_BYTES + 3;
    value.len() >= UUID_BYTES && has_groups(value) && mixed(value) && (more || !is_uuid(value))
}

/// Whether `value` starts with letters and digits in the groups of a UUID.
fn has_groups(value: &[u8]) -> bool {
    value.iter().take(UUID_BYTES).enumerate().all(|(i, byte)| match i {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_alphanumeric(),
    })
}

/// The key of a product: at least three groups of the same length, capitals and digits: `A1B2C-D3E4F-G5H6J`.
pub(super) fn is_grouped(value: &[u8]) -> bool {
    let len = value.iter().take_while(|byte| **byte != b'-').count();
    let is_group = |group: &[u8]| {
        let is_in_alphabet = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        group.len() == len && group.iter().all(is_in_alphabet)
    };
    (GROUP_BYTES_MIN..=GROUP_BYTES_MAX).contains(&len)
        && mixed(value)
        && value.split(|byte| *byte == b'-').all(is_group)
        && value.len() >= GROUPS_MIN * (len + 1) - 1
}

/// The fewest numbers that are the bytes of a key.
const KEY_NUMBERS_MIN: usize = 8;

/// Whether `text` is a list of numbers below 256, as long as a key.
pub(super) fn are_bytes(text: &[u8]) -> bool {
    let mut numbers = text.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let count = text.iter().filter(|byte| **byte == b',').count() + 1;
    let is_byte = |number: &[u8]| {
        core::str::from_utf8(number)
            .is_ok_and(|number| number.is_empty() || number.parse::<u8>().is_ok())
    };
    count >= KEY_NUMBERS_MIN && numbers.all(is_byte)
}
