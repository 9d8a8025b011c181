//! The numbers of passports that mix letters and digits, which the word before them tells: `Passport no. C01X00T47`.
//!
//! Reads a few dozen bytes.

use crate::bytes::{ByteSet, at, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const NUMBER: ByteSet = ByteSet::of(b"A-Z0-9");
const BETWEEN: ByteSet = ByteSet::of(b" .:=#\"'");
const BETWEEN_BYTES_MAX: usize = 4;
const CHARS_MIN: usize = 8;
const CHARS_MAX: usize = 10;
const DIGITS_MIN: usize = 2;
/// Words between a passport and its number, the longer ones first.
const SMALL: [&[u8]; 8] = [b"number", b"nummer", b"numero", b"no", b"nr", b"is", b"ist", b"est"];
const SMALL_WORDS_MAX: usize = 2;

/// Whether a key is a word for passports.
pub(super) fn is_passport(key: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] =
        [b"passport", b"passeport", b"reisepass", b"passaporto", b"passaporte"];
    WORDS.iter().any(|word| key.eq_ignore_ascii_case(word))
}

/// Whether `text` consists of capitals and digits like the number of a passport.
pub(super) fn is_number(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    (CHARS_MIN..=CHARS_MAX).contains(&text.len())
        && NUMBER.run(text, 0, text.len()) == text.len()
        && (DIGITS_MIN..text.len()).contains(&digits)
}

/// `pos` is the position after the word.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    finder.spend(CHARS_MAX + SMALL_WORDS_MAX * CHARS_MIN);
    let gap = |pos: usize| pos + BETWEEN.run(input, pos, BETWEEN_BYTES_MAX);
    let mut start = gap(pos);
    for _ in 0..SMALL_WORDS_MAX {
        let word = SMALL.iter().find(|word| {
            let end = start + word.len();
            starts_nocase(input, start, word) && !at(input, end).is_ascii_alphanumeric()
        });
        start = word.map_or(start, |word| gap(start + word.len()));
    }
    let end = start + NUMBER.run(input, start, CHARS_MAX + 1);
    let ends = !at(input, end).is_ascii_alphanumeric() && at(input, end) != b'_';
    if start > pos && ends && is_number(&input[start..end]) {
        finder.hit(start, end, rule::NATIONAL_ID, HitKind::Ssn);
    }
}
