//! A filter for numbers before any detector is called: most numbers in a log are not personal data.
//!
//! A number that it rejects would be rejected by every detector.

use super::bytes::{at, before};
use super::detect::{phone_may_be_hinted, ssn_is_hinted};

/// The most digits of any number without a separator.
const DIGITS_MAX: u32 = 19;
/// The most digits of a telephone number.
const PHONE_DIGITS_MAX: u32 = 15;

/// `ddd-dd-dddd`, with a byte more.
const SSN: (u32, u32) = (0b111_1011_0111, 0b1111_1111_1111);
/// `ddd-ddd-dddd`, with a byte more.
const NANP: (u32, u32) = (0b1111_0111_0111, 0b1_1111_1111_1111);

/// `dddd-dd-dd`
const DATE: (u32, u32) = (0b11_0110_1111, 0b11_1111_1111);

#[inline(always)]
fn is(digit: u32, (shape, mask): (u32, u32)) -> bool {
    digit & mask == shape
}

/// Whether `prev` rules out a number after it.
#[inline(always)]
pub(super) fn forbids_number(prev: u8) -> bool {
    matches!(prev, b'.' | b'-' | b'*')
}

/// Whether a letter follows the first digits directly, or there are too many digits: then it is not a
/// number. `digit` and `word` have a bit for each of 32 bytes, the first digit's lowest.
#[inline(always)]
pub(super) fn continues_as_word(digit: u32, word: u32) -> bool {
    let run = digit.trailing_ones();
    run > DIGITS_MAX || word >> run & 1 != 0
}

/// Whether the number with seven digits or more that starts at `pos` may be personal data.
///
/// `prev` is the byte before it, 0 where a text begins; it does not rule the number out. `digit` has a bit for each of
/// 32 bytes, the first digit's lowest.
#[inline(always)]
pub(super) fn may_be_personal(input: &[u8], pos: usize, prev: u8, digit: u32) -> bool {
    let run = digit.trailing_ones();
    let paren = run == 3 && prev == b'(';
    let trunk =
        run == 1 && input[pos] == b'1' && (is(digit >> 2, NANP) || at(input, pos + 2) == b'(');
    let sure = (prev == b'+') | paren | trunk | is(digit, SSN) | is(digit, NANP);
    sure || card(input, pos, digit) || hinted(input, pos, prev, digit)
}

/// Eight digits, or four and four; at least twelve in total; and a first digit that issuers use.
#[inline(always)]
fn card(input: &[u8], pos: usize, digit: u32) -> bool {
    let eight = digit & 0xFF == 0xFF || digit & 0x1EF == 0x1EF;
    // At most one byte between two digits.
    let gaps = !digit & (digit << 1) & (digit >> 1);
    let run = (digit | gaps).trailing_ones();
    let count = (u64::from(digit) & ((1 << run) - 1)).count_ones();
    eight && count >= 12 && matches!(input[pos], b'2'..=b'6')
}

/// Whether a word before the number identifies it.
#[inline(always)]
fn hinted(input: &[u8], pos: usize, prev: u8, digit: u32) -> bool {
    let run = digit.trailing_ones();
    // Dates and longer numbers are not telephone numbers.
    let phone = run <= PHONE_DIGITS_MAX
        && !(is(digit, DATE) && at(input, pos + 4) == b'-' && at(input, pos + 7) == b'-');
    phone && phone_is_near(input, pos, prev, digit) || run == 9 && ssn_is_hinted(input, pos)
}

/// Whether a word for telephones precedes the number, which is not a machine's address.
#[inline(never)]
fn phone_is_near(input: &[u8], pos: usize, prev: u8, digit: u32) -> bool {
    let mut start = pos - usize::from(prev == b'(');
    start -= usize::from(before(input, start) == b'+');
    phone_may_be_hinted(input, start) && !is_ipv4(input, pos, digit)
}

/// Four numbers of at most three digits with dots between, not continued by a separator.
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
    // `i` is one past the end.
    !matches!(at(input, i - 1), b' ' | b'.' | b'-' | b'/' | b'(' | b')')
}
