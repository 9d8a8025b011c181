//! A filter for numbers before any detector is called: most numbers in a log are not personal data.
//!
//! A number that it rejects would be rejected by every detector.

use super::bytes::{at, before};
use super::detect::{card_digits_min, is_called, number_may_be_hinted_unless, ssn_is_hinted};

/// The most digits of any number without a separator.
const DIGITS_MAX: u32 = 20;

/// The fewest digits of a telephone number.
const PHONE_DIGITS_MIN: u32 = 7;
/// The most digits of a telephone number, with the code for calls to another country.
const PHONE_DIGITS_MAX: u32 = 17;

/// The fewest digits of a card number.
const CARD_DIGITS_MIN: u32 = 12;

/// Groups of a social security number.
const SSN: [u32; 3] = [3, 2, 4];
/// Groups of a telephone number of North America.
const NANP: [u32; 3] = [3, 3, 4];

/// Most bytes between two digits of a number.
const GAP_BYTES_MAX: u32 = 3;

/// Whether the first digits are in these groups, and no digit follows.
#[inline(always)]
fn is_grouped(mut digit: u32, groups: [u32; 3]) -> bool {
    for (i, len) in groups.into_iter().enumerate() {
        if i > 0 {
            let gap = digit.trailing_zeros();
            if gap > GAP_BYTES_MAX {
                return false;
            }
            digit >>= gap;
        }
        if digit.trailing_ones() != len {
            return false;
        }
        digit >>= len;
    }
    true
}

/// Whether `prev` rules out a number after it.
#[inline(always)]
pub(super) fn forbids_number(prev: u8) -> bool {
    matches!(prev, b'.' | b'-' | b'*')
}

/// Whether letters follow the first digits directly that are not those of an identity number, or there are too many
/// digits: then it is not a number. `digit` and `word` have a bit for each of 32 bytes, the first digit's lowest.
#[inline(always)]
pub(super) fn continues_as_word(digit: u32, word: u32) -> bool {
    let run = digit.trailing_ones();
    if run > DIGITS_MAX {
        return true;
    }
    let letters = (word >> run).trailing_ones();
    letters > 0 && !has_check_letter(run, letters)
}

/// Whether the letters after the number at `pos` may be those of an extension: `1736744595x80`, `5551212ext 7`.
#[inline(always)]
pub(super) fn may_have_extension(input: &[u8], pos: usize, digit: u32) -> bool {
    let run = digit.trailing_ones();
    let end = pos + run as usize;
    // A digit and a space are the same in lower case.
    run >= PHONE_DIGITS_MIN
        && matches!(
            [at(input, end) | 0x20, at(input, end + 1) | 0x20],
            [b'x', b'0'..=b'9' | b' '] | [b'e', b'x'] | [b'd', b'u']
        )
}

/// Whether identity numbers have this many digits with this many letters after them.
#[inline(always)]
fn has_check_letter(digits: u32, letters: u32) -> bool {
    matches!((digits, letters), (7 | 8 | 17, 1) | (7, 2) | (8, 4))
}

/// Whether the number with seven digits or more that starts at `pos` may be personal data.
///
/// `prev` is the byte before it, 0 where a text begins; it does not rule the number out. `digit` has a bit for each of
/// 32 bytes, the first digit's lowest, and `number` for each byte that a number can contain.
#[inline(always)]
pub(super) fn may_be_personal(input: &[u8], pos: usize, prev: u8, digit: u32, number: u32) -> bool {
    let run = digit.trailing_ones();
    let closed = closed_len(digit, number);
    let sure = match run {
        3 if prev == b'(' || is_grouped(digit, SSN) || is_grouped(digit, NANP) => true,
        1 => input[pos] == b'1' && has_trunk(input, pos, digit),
        2..=6 => input[pos] == b'0' && has_exit_code(input, pos, prev, run),
        _ => false,
    };
    (prev == b'+') | sure
        || card(input, pos, digit, closed)
        || hinted(input, pos, prev, digit, closed)
}

/// Whether a number of North America follows the digit 1 at `pos`.
#[inline(always)]
fn has_trunk(input: &[u8], pos: usize, digit: u32) -> bool {
    let rest = digit >> 1;
    let gap = rest.trailing_zeros();
    gap <= GAP_BYTES_MAX && is_grouped(rest >> gap, NANP)
        || (1..=3).any(|gap| at(input, pos + gap) == b'(')
}

/// Whether the number starts with the code for calls to another country, and digits follow after a separator.
#[inline(always)]
fn has_exit_code(input: &[u8], pos: usize, prev: u8, run: u32) -> bool {
    let next = at(input, pos + run as usize);
    // No country's code starts with a zero.
    at(input, pos + 1) == b'0'
        && (run == 2 || at(input, pos + 2) != b'0')
        && !matches!(prev, b':' | b'.')
        && matches!(next, b' ' | b'-' | b'(' | b')' | b'/' | 0x80..)
}

/// The bytes up to the last digit that follows the one before after a gap of at most [`GAP_BYTES_MAX`].
#[inline(always)]
fn closed_len(digit: u32, number: u32) -> u32 {
    let after = digit << 1 | digit << 2 | digit << 3;
    let ahead = digit >> 1 | digit >> 2 | digit >> 3;
    (digit | after & ahead & number).trailing_ones()
}

/// Eight digits, or four and four; and as many in total as a network issues with the first two.
#[inline(always)]
fn card(input: &[u8], pos: usize, digit: u32, closed: u32) -> bool {
    let all = |bits: u32| digit & bits == bits;
    // Four digits, a gap of no, one, two or three bytes, and four digits.
    let eight = all(0xFF) || all(0x1EF) || all(0x3CF) || all(0x78F);
    if !eight {
        return false;
    }
    let Some(min) = card_digits_min([input[pos], at(input, pos + 1)]) else { return false };
    let count = (u64::from(digit) & ((1 << closed) - 1)).count_ones();
    // Digits after the 32 bytes are not counted.
    let min = if closed == u32::BITS { min.min(CARD_DIGITS_MIN) } else { min };
    count >= min
}

/// Whether a word before or after the number identifies it.
#[inline(always)]
fn hinted(input: &[u8], pos: usize, prev: u8, digit: u32, closed: u32) -> bool {
    let run = digit.trailing_ones();
    prev != 0 && word_is_near(input, pos, prev, digit)
        || run == 9 && ssn_is_hinted(input, pos)
        || may_be_called(input, pos, digit, closed)
}

/// Whether a word before the number may identify it, and the number is not a machine's address.
#[inline(never)]
fn word_is_near(input: &[u8], pos: usize, prev: u8, digit: u32) -> bool {
    let mut start = pos - usize::from(prev == b'(');
    start -= usize::from(before(input, start) == b'+');
    number_may_be_hinted_unless(input, start, || is_ipv4(input, pos, digit))
}

/// Whether a word follows that says that the number was called.
#[inline(always)]
fn may_be_called(input: &[u8], pos: usize, digit: u32, closed: u32) -> bool {
    let count = (u64::from(digit) & ((1 << closed) - 1)).count_ones();
    if count > PHONE_DIGITS_MAX {
        return false;
    }
    let end = pos + closed as usize;
    closed == u32::BITS || matches!(at(input, end), b' ' | b',' | b'-') && is_called(input, end)
}

/// Four numbers of at most three digits with dots between, after which nothing or a port follows.
fn is_ipv4(input: &[u8], pos: usize, digit: u32) -> bool {
    let (mut i, mut rest) = (pos, digit);
    for part in 0..4 {
        let run = rest.trailing_ones();
        if !(1..=3).contains(&run) {
            return false;
        }
        i += run as usize;
        if part < 3 && at(input, i) != b'.' {
            return false;
        }
        i += 1;
        rest >>= run + 1;
    }
    let end = i - 1;
    at(input, end) == b':'
        || !(0..=GAP_BYTES_MAX as usize).any(|gap| at(input, end + gap).is_ascii_digit())
}
