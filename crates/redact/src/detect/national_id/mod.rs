//! Identity, tax and social security numbers of many countries, passports and other papers, vehicles and devices.
//!
//! Behind a word for such numbers, in several languages; in the strict preset, those that hardly any other number looks
//! like are found without a word.

mod checks;
mod digits;
mod letters;

use super::card::luhn;
use super::number::{Hint, Number, Walk, before_number, ends_at, separator};
use crate::byte_masks::Shape;
use crate::bytes::{at, before, distinct, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;
use digits::Sure;

/// Words that make any number with the right check digits an identity number.
const NAMED: Hint = Hint::PERSON.with(Hint::PAPER).with(Hint::DEVICE);
/// Fewest and most characters of a passport's or a licence's number.
const PAPER_CHARS_MIN: usize = 6;
const PAPER_CHARS_MAX: usize = 17;

/// A number that starts with a digit. Returns whether one was found.
pub(super) fn find(finder: &mut Finder<'_>, number: &Number, walk: &Walk) -> bool {
    let strict = finder.rules.loose_numbers;
    if !(strict || number.hint.has(NAMED.with(Hint::ID))) || matches!(number.prev, b'+' | b'/') {
        return false;
    }
    let walk = walk.within(b" -./");
    let input = finder.input;
    let named = strict || number.hint.has(NAMED);
    let end = with_letters(input, number, &walk)
        .filter(|_| named)
        .or_else(|| of_country(input, number, &walk, strict))
        .or_else(|| device(input, number, &walk))
        .or_else(|| paper(input, number, &walk));
    if let Some(end) = end {
        finder.hit(number.pos, end, rule::NATIONAL_ID, HitKind::Ssn);
    }
    end.is_some()
}

/// The end of the longest number of any country.
fn of_country(input: &[u8], number: &Number, walk: &Walk, strict: bool) -> Option<usize> {
    let is_named = number.hint.has(Hint::PERSON.with(Hint::SSN));
    let is_epoch = |n: usize| n == 13 && matches!(walk.digits(2), [b'1', b'5'..=b'8']);
    let fits = |kind: &&digits::Kind| {
        let n = kind.count;
        if walk.count < n || !ends_at(input, walk.end(n)) {
            return false;
        }
        let groups = walk.groups(n);
        let grouped = kind.groups.contains(&groups.lens());
        let sure = match kind.sure {
            Sure::No => false,
            Sure::Grouped => grouped,
            Sure::Yes => grouped || number.hint.has(Hint::ID) && !is_epoch(n),
        };
        (kind.bare && walk.is_bare(n) || grouped)
            && (is_named || sure && (strict || number.hint.has(Hint::ID)))
            && (kind.is_valid)(walk.digits(n))
    };
    let longest = digits::KINDS.iter().filter(fits).map(|kind| kind.count).max()?;
    Some(walk.end(longest))
}

/// Digits with a check letter: Spain's DNI, Finland, Ireland, Chile, China.
fn with_letters(input: &[u8], number: &Number, walk: &Walk) -> Option<usize> {
    let n = walk.count;
    let end = walk.end(n);
    if n == 8 && walk.is_bare(8) && !is_word(at(input, end + 4)) {
        let text = &input[number.pos..(end + 4).min(input.len())];
        if letters::germany_pension(text) {
            return Some(end + 4);
        }
    }
    let letter_at = end + usize::from(at(input, end) == b'-');
    let letter = at(input, letter_at).to_ascii_uppercase();
    let second = at(input, letter_at + 1).to_ascii_uppercase();
    let one = letter.is_ascii_uppercase() && !is_word(second);
    let digits = walk.digits(n);
    let groups = walk.groups(n);
    let bare = walk.is_bare(n);
    let found = match n {
        8 if one && letters::spain_letter(digits) == letter => bare || groups.lens() == [2, 3, 3],
        7 if bare && letter_at == end && letter.is_ascii_uppercase() && number.hint.has(NAMED) => {
            let len = if second.is_ascii_uppercase() { 2 } else { 1 };
            if is_word(at(input, end + len)) || !letters::ireland(digits, &[letter, second][..len])
            {
                return None;
            }
            return Some(end + len);
        }
        7 | 8 if one && letter == b'K' && letter_at > end => {
            letters::chile(digits) && (bare || matches!(groups.lens(), [1 | 2, 3, 3]))
        }
        9 if groups.lens() == [6, 3] && groups.sign() == b'-' => {
            one && letter_at == end && letters::finland(digits, letter)
        }
        17 if bare && one && letter == b'X' && letter_at == end => {
            let mut text = [b'0'; 18];
            text[..17].copy_from_slice(digits);
            is_china_x(&text)
        }
        _ => false,
    };
    found.then_some(letter_at + 1)
}

/// Whether the check character of China's resident number is X.
fn is_china_x(text: &[u8; 18]) -> bool {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    checks::is_yyyymmdd(&text[6..]) && checks::weighted(&text[..17], &weights) % 11 == 2
}

/// IMEI with or without separators, ICCID.
fn device(input: &[u8], number: &Number, walk: &Walk) -> Option<usize> {
    if !number.hint.has(Hint::DEVICE) {
        return None;
    }
    let n = (14..=20).rev().find(|n| *n <= walk.count && ends_at(input, walk.end(*n)))?;
    let digits = walk.digits(n);
    let valid = match n {
        15 | 18..=20 => luhn(digits),
        _ => n <= 16,
    };
    (valid && distinct(digits) > 2).then(|| walk.end(n))
}

/// The digits of a passport or another paper, which has no check digit.
fn paper(input: &[u8], number: &Number, walk: &Walk) -> Option<usize> {
    if !number.hint.has(Hint::PAPER) {
        return None;
    }
    let n =
        (7..=PAPER_CHARS_MAX).rev().find(|n| *n <= walk.count && ends_at(input, walk.end(*n)))?;
    let groups = walk.groups(n);
    let written = walk.is_bare(n)
        || groups.sign() == b'-'
        || matches!(groups.lens(), [4, 6] | [2, 2, 6] | [2, 3, 3]);
    let dated = matches!(groups.lens(), [4, 2, 2] | [1 | 2, 1 | 2, 4]);
    (written && !dated && distinct(walk.digits(n)) > 1).then(|| walk.end(n))
}

/// Most characters of a number with letters.
const CHARS_MAX: usize = 18;

/// A word of letters and digits without the separators in it.
struct Word {
    text: [u8; CHARS_MAX],
    /// After each character, the position after it.
    ends: [usize; CHARS_MAX],
    /// Whether a separator follows each character.
    breaks: [bool; CHARS_MAX],
    len: usize,
}

impl Word {
    /// Reads letters of one case and digits, with at most one space or dash between two of them.
    fn read(input: &[u8], pos: usize) -> Word {
        let mut word =
            Word { text: [0; CHARS_MAX], ends: [0; CHARS_MAX], breaks: [false; CHARS_MAX], len: 0 };
        let small = at(input, pos).is_ascii_lowercase();
        let is_char = |byte: u8| {
            byte.is_ascii_digit()
                || if small { byte.is_ascii_lowercase() } else { byte.is_ascii_uppercase() }
        };
        let mut i = pos;
        while word.len < CHARS_MAX && is_char(at(input, i)) {
            word.text[word.len] = at(input, i).to_ascii_uppercase();
            word.ends[word.len] = i + 1;
            i += 1;
            if let (len @ 1.., b' ' | b'-') = separator(input, i)
                && is_char(at(input, i + len))
            {
                word.breaks[word.len] = true;
                i += len;
            }
            word.len += 1;
        }
        word
    }

    /// Whether the first `len` characters end like a word.
    fn ends_at(&self, input: &[u8], len: usize) -> bool {
        len <= self.len && !is_word(at(input, self.ends[len - 1]))
    }

    /// Whether the first `len` characters have no separators, or these groups.
    fn is_written(&self, len: usize, groups: &[&[u8]]) -> bool {
        let breaks = &self.breaks[..len - 1];
        let is_break = |groups: &&&[u8]| {
            let mut at = 0;
            let mut wanted = [false; CHARS_MAX];
            for group in &groups[..groups.len() - 1] {
                at += usize::from(*group);
                wanted[at - 1] = true;
            }
            breaks == &wanted[..len - 1]
        };
        !breaks.contains(&true) || groups.iter().any(|groups| is_break(&groups))
    }
}

/// Whether a word has digits where every number that starts with a letter has them.
#[inline]
pub(super) fn is_anchored(input: &[u8], pos: usize) -> bool {
    let digit = |i: usize| at(input, pos + i).is_ascii_digit();
    at(input, pos).is_ascii_alphabetic()
        && (digit(3) && (digit(2) || digit(4)) || digit(5) && digit(6))
}

/// A filter applied before [`at_word`].
#[inline(always)]
pub(super) fn may_be(strict: bool, input: &[u8], pos: usize) -> bool {
    let (first, second) = (at(input, pos), at(input, pos + 1));
    let one_case = if first.is_ascii_uppercase() {
        !second.is_ascii_lowercase()
    } else {
        at(input, pos + 2).is_ascii_digit() && at(input, pos + 3).is_ascii_digit()
    };
    one_case
        && !matches!(before(input, pos), b'.' | b'-' | b'/' | b'*')
        && (strict || super::number::may_be_hinted(input, pos))
}

/// A number that starts with a letter; `pos` is where a word starts.
pub(super) fn at_word(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let strict = finder.rules.loose_numbers;
    if !may_be(strict, input, pos) {
        return;
    }
    let hint = before_number(input, pos);
    if !strict && !hint.has(NAMED) {
        return;
    }
    let word = Word::read(input, pos);
    finder.spend(CHARS_MAX);
    let named = hint.has(NAMED) && (hint.has(Hint::PERSON) || !at(input, pos).is_ascii_lowercase());
    let fits = |kind: &&letters::Kind| {
        (named || strict && kind.is_sure && !at(input, pos).is_ascii_lowercase())
            && word.ends_at(input, kind.len)
            && word.is_written(kind.len, kind.groups)
            && (kind.is_valid)(&word.text[..kind.len])
    };
    let of_country = letters::KINDS.iter().filter(fits).map(|kind| word.ends[kind.len - 1]).max();
    let end = of_country
        .or_else(|| hong_kong(input, &word))
        .or_else(|| vehicle(input, &word, hint))
        .or_else(|| paper_word(input, &word, hint));
    if let Some(end) = end {
        finder.hit(pos, end, rule::NATIONAL_ID, HitKind::Ssn);
    }
}

/// `A123456(3)`: the check digit of Hong Kong's identity cards is in parentheses.
fn hong_kong(input: &[u8], word: &Word) -> Option<usize> {
    let end = word.ends[6];
    let check = at(input, end + 1);
    if word.len != 7 || at(input, end) != b'(' || at(input, end + 2) != b')' {
        return None;
    }
    let mut text = [check.to_ascii_uppercase(); 8];
    text[..7].copy_from_slice(&word.text[..7]);
    letters::hong_kong(&text).then_some(end + 3)
}

fn vehicle(input: &[u8], word: &Word, hint: Hint) -> Option<usize> {
    let found = hint.has(Hint::DEVICE)
        && word.ends_at(input, 17)
        && word.is_written(17, &[])
        && letters::is_vehicle(&word.text[..17]);
    found.then(|| word.ends[16])
}

/// The number of a passport, a licence or a plate: letters and digits without a known check.
fn paper_word(input: &[u8], word: &Word, hint: Hint) -> Option<usize> {
    let len = (PAPER_CHARS_MIN..=PAPER_CHARS_MAX.min(word.len))
        .rev()
        .find(|len| word.ends_at(input, *len))?;
    let digits = word.text[..len].iter().filter(|byte| byte.is_ascii_digit()).count();
    let breaks = word.breaks[..len - 1].iter().filter(|is_break| **is_break).count();
    (hint.has(Hint::PAPER) && (digits >= 3 || digits == 2 && len - digits >= 4) && breaks <= 2)
        .then(|| word.ends[len - 1])
}

/// A filter applied before [`long_word`].
#[inline(always)]
pub(super) fn long_word_may_be(strict: bool, input: &[u8], pos: usize, shape: Shape) -> bool {
    may_have_shape(shape)
        && is_long(input, pos)
        && (strict || super::number::may_be_hinted(input, pos))
}

/// Sixteen to eighteen letters and digits: two letters first and digits six and seven places on, or four digits at the
/// end.
#[inline(always)]
pub(super) fn may_have_shape(shape: Shape) -> bool {
    const LAST: u32 = 0b1111 << 13;
    let Shape { digit, word } = shape;
    ((digit & 0b1100_0011 == 0b1100_0000) | (digit & LAST == LAST))
        & (word & 0xFFFF == 0xFFFF)
        & (word >> 16 & 0b111 != 0b111)
}

/// Whether a word of 16 to 18 letters and digits starts at `pos`, each where one of these numbers has it.
#[inline(never)]
fn is_long(input: &[u8], pos: usize) -> bool {
    let digits = |from: usize, to: usize| (from..to).all(|i| at(input, pos + i).is_ascii_digit());
    let letters = at(input, pos).is_ascii_alphabetic() && at(input, pos + 1).is_ascii_alphabetic();
    (16..=18).any(|i| !is_word(at(input, pos + i)))
        && (letters && digits(6, 8) || digits(13, 17))
        && (1..16).all(|i| is_word(at(input, pos + i)))
}

/// A vehicle's number that starts with a digit: a word of 17 characters.
pub(super) fn long_word(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !is_long(input, pos) {
        return;
    }
    let hint = before_number(input, pos);
    if at(input, pos).is_ascii_alphabetic() && (hint.has(NAMED) || finder.rules.loose_numbers) {
        return at_word(finder, pos);
    }
    let word = Word::read(input, pos);
    if let Some(end) = vehicle(input, &word, hint) {
        finder.hit(pos, end, rule::NATIONAL_ID, HitKind::Ssn);
    }
}
