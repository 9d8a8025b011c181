//! The coordinates of a place, in text: `lat=52.520008 lon=13.404954`.
//!
//! Anchored at the sign of either key. Only both together name a place, and only with four decimals or more, which are
//! eleven metres; a weather map has fewer. Reads a bounded distance around the key, allocates nothing.

use super::gap;
use crate::bytes::{ByteSet, at, before, is_word, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const LATITUDES: [&[u8]; 2] = [b"latitude", b"lat"];
const LONGITUDES: [&[u8]; 4] = [b"longitude", b"lon", b"lng", b"long"];
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const DECIMALS_MIN: usize = 4;
const DECIMALS_MAX: usize = 20;
/// Most bytes between the value and the other key, and between the other key and this one.
const NEAR_BYTES_MAX: usize = 48;

/// `start` is the first byte of a key, `end` the one after it, and `value` the one after its sign.
pub(super) fn find(finder: &mut Finder<'_>, start: usize, end: usize, value: usize) {
    let input = finder.input;
    // All names start with the same letter: most keys have another one there.
    let has_letter = |len: &usize| end - start >= *len && input[end - len] | 0x20 == b'l';
    if ![3, 4, 8, 9].iter().any(has_letter) {
        return;
    }
    let is = |names: &[&[u8]]| names.iter().any(|name| ends_in(&input[start..end], name));
    let (is_latitude, is_longitude) = (is(&LATITUDES), is(&LONGITUDES));
    if !is_latitude && !is_longitude {
        return;
    }
    let Some(number) = coordinate(input, value) else { return };
    finder.spend(2 * NEAR_BYTES_MAX);
    let others = if is_latitude { &LONGITUDES[..] } else { &LATITUDES[..] };
    let ahead = number.1..(number.1 + NEAR_BYTES_MAX).min(input.len());
    let back = start.saturating_sub(NEAR_BYTES_MAX)..start;
    if ahead.chain(back).any(|pos| others.iter().any(|name| has_coordinate(input, pos, name))) {
        finder.hit(number.0, number.1, rule::KV, HitKind::Address);
    }
}

/// Whether the last word of `key` is `name`.
fn ends_in(key: &[u8], name: &[u8]) -> bool {
    let Some(from) = key.len().checked_sub(name.len()) else { return false };
    let hump = at(key, from).is_ascii_uppercase() && before(key, from).is_ascii_lowercase();
    key[from..].eq_ignore_ascii_case(name) && (hump || !before(key, from).is_ascii_alphanumeric())
}

/// Whether a key that ends in `name` starts its last word at `pos` and has a coordinate.
fn has_coordinate(input: &[u8], pos: usize, name: &[u8]) -> bool {
    let end = pos + name.len();
    if !starts_nocase(input, pos, name) || is_word(at(input, end)) {
        return false;
    }
    let quoted = usize::from(matches!(at(input, end), b'"' | b'\''));
    let sign = end + quoted + gap::spaces(input, end + quoted);
    matches!(at(input, sign), b'=' | b':') && coordinate(input, sign + 1).is_some()
}

/// The number at `pos`, with its quote and sign skipped: degrees with enough decimals.
fn coordinate(input: &[u8], pos: usize) -> Option<(usize, usize)> {
    let pos = pos + gap::spaces(input, pos);
    let start = pos + usize::from(matches!(at(input, pos), b'"' | b'\''));
    let digits = start + usize::from(matches!(at(input, start), b'-' | b'+'));
    let degrees = DIGIT.run(input, digits, 4);
    let point = digits + degrees;
    let decimals = DIGIT.run(input, point + 1, DECIMALS_MAX + 1);
    let end = point + 1 + decimals;
    let fits = (1..=3).contains(&degrees)
        && at(input, point) == b'.'
        && (DECIMALS_MIN..=DECIMALS_MAX).contains(&decimals)
        && !is_word(at(input, end));
    fits.then_some((start, end))
}
