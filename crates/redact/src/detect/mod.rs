//! The detectors, by anchor.
//!
//! Each `at_…` function may be called with any position of the text and checks whether its anchor is there. The
//! prefilter calls it at candidate positions; the tests' oracle calls it everywhere.

mod arguments;
mod auth;
mod bare;
mod bare_key;
mod base58;
mod calls;
mod card;
mod code;
mod copies;
mod date;
mod drawn;
mod email;
mod extent;
mod fits;
mod flags;
mod foreign;
mod gap;
mod geo;
mod hex;
mod hint;
mod iban;
mod jwt;
mod key_body;
mod key_endings;
mod key_forms;
mod key_text;
mod kv;
mod kv_value;
mod letters;
mod literal;
mod login;
mod national_id;
mod network;
mod number;
mod one_time;
mod pairs;
mod papers;
mod phone;
mod private_key;
mod programs;
mod prose;
mod provider;
mod pwhash;
mod shape;
mod sign;
mod sql;
mod ssn;
mod stem;
mod stores;
mod url;
mod wallet;
mod words;
mod wrapped;
mod xml;

pub(crate) use bare_key::{is_drawn_value, may_name_secret};
pub(crate) use card::digits_min as card_digits_min;
pub(crate) use copies::{
    find as find_copies, find_others as find_copies_of, is_distinct, is_within_word,
    note as note_values,
};
pub(crate) use foreign::is_mask as is_foreign_mask;
pub(crate) use hint::ssn as ssn_is_hinted;
pub(crate) use kv_value::{AuthValue, auth_value};
pub(crate) use number::{is_called, may_be_unless as number_may_be_hinted_unless};
pub(crate) use provider::Literals;

use super::byte_masks::Shape;
use super::bytes::{WORD, at, before, is_word};
use super::hits::Finder;
use super::key_tails;
use super::kind::HitKind;
use super::rules::Rules;

/// Anchors that are a byte of their own: `@`, `%40`, `=`, `:`, `$`, `~`, `<`, `#`, brackets; the first byte of a
/// full-width sign; and the byte before an option.
pub(crate) fn at_punct(finder: &mut Finder<'_>, pos: usize) {
    match at(finder.input, pos) {
        b'@' => {
            login::find(finder, pos);
            if pos != finder.user_sign {
                email::find(finder, pos, pos + 1);
            }
            arguments::oracle(finder, pos);
        }
        b'%' if finder.input[pos..].starts_with(b"%40") => email::find(finder, pos, pos + 3),
        b'=' => kv::find(finder, pos),
        b':' => {
            if finder.input[pos..].starts_with(b"://") {
                url::find(finder, pos);
            } else {
                kv::find(finder, pos);
                shape::telegram(finder, pos);
                arguments::pgpass(finder, pos);
                if finder.rules.macs {
                    network::mac(finder, pos);
                }
            }
        }
        b'$' => pwhash::find(finder, pos),
        b'~' => shape::azure_ad(finder, pos),
        b'<' => xml::at_angle(finder, pos),
        b'#' => email::find_reference(finder, pos),
        b'[' | b'(' => email::find_obfuscated(finder, pos),
        0xEF => kv::find_wide(finder, pos),
        b' ' | b'"' | b'\'' | b'-' if programs::may_be(finder.input, pos) => {
            programs::find(finder, pos);
        }
        _ => {}
    }
}

/// A filter applied before [`at_punct`]: whether the sign at `pos` can belong to a hit.
#[inline(always)]
pub(crate) fn punct_may_be(rules: &Rules, input: &[u8], pos: usize) -> bool {
    match at(input, pos) {
        b'=' => key_tails::may_be(rules, input, pos),
        b':' => {
            input[pos..].starts_with(b"://")
                || key_tails::may_be(rules, input, pos)
                || at(input, pos + 1) == b'A'
                || arguments::pgpass_may_be(input, pos)
                || rules.macs
        }
        b'@' | b'$' | b'~' => true,
        b'%' => at(input, pos + 1) == b'4',
        b'<' => xml::may_be(input, pos),
        b'#' => email::reference_may_be(input, pos),
        b'[' | b'(' => email::obfuscated_may_be(input, pos),
        0xEF => kv::is_wide_sign(input, pos),
        b' ' | b'"' | b'\'' | b'-' => programs::may_be(input, pos),
        _ => false,
    }
}

/// What a word may be: a bit for each detector of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WordKinds(u8);

impl WordKinds {
    const NONE: WordKinds = WordKinds(0);
    const PROVIDER: WordKinds = WordKinds(1);
    const SHAPE: WordKinds = WordKinds(1 << 1);
    const HEX: WordKinds = WordKinds(1 << 2);
    const KEY_BODY: WordKinds = WordKinds(1 << 3);
    const WALLET: WordKinds = WordKinds(1 << 4);
    const CARD: WordKinds = WordKinds(1 << 5);
    const NATIONAL_ID: WordKinds = WordKinds(1 << 6);
    const BARE_KEY: WordKinds = WordKinds(1 << 7);
    #[cfg(any(test, fuzzing))]
    const ALL: WordKinds = WordKinds(!0);

    #[inline(always)]
    fn with_if(self, is: bool, kind: WordKinds) -> WordKinds {
        WordKinds(self.0 | if is { kind.0 } else { 0 })
    }

    #[inline(always)]
    fn has(self, kind: WordKinds) -> bool {
        self.0 & kind.0 != 0
    }

    /// Whether no detector can find anything.
    #[inline(always)]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A quick filter applied before [`word_kinds`], for words of fewer than 16 bytes. The word starts four bytes before
/// the end of `near`. Without branches.
#[inline(always)]
pub(crate) fn word_may_be<const N: usize>(rules: &Rules, near: &[u8; N]) -> bool {
    // The first four bytes of the word, and the four before.
    let near = near.last_chunk().map_or(0, |near| u64::from_le_bytes(*near));
    let provider = rules.literals.may_start_with_three((near >> 32) as u32);
    provider | bare_key::may_be_near(near as u32)
}

/// A filter applied before [`at_word_of`]: what the word at `pos` may be.
///
/// `long` says whether it is one of [`Places::long`](super::byte_masks::Places). `shape` is that of a word
/// that is one of [`Places::sixteen`](super::byte_masks::Places).
#[inline(never)]
pub(crate) fn word_kinds(
    rules: &Rules,
    input: &[u8],
    pos: usize,
    long: bool,
    shape: Option<Shape>,
) -> WordKinds {
    let provider =
        rules.literals.may_start(input, pos) && rules.literals.may_be(&rules.providers, input, pos);
    let is_told = bare_key::may_be_told(input, pos);
    let kinds = WordKinds::NONE
        .with_if(provider, WordKinds::PROVIDER)
        .with_if(is_told && bare_key::sixteen_may_be(input, pos), WordKinds::BARE_KEY);
    let kinds = if long { long_word_kinds(input, pos, is_told, kinds) } else { kinds };
    shape.map_or(kinds, |shape| sixteen_word_kinds(rules, input, pos, shape, kinds))
}

/// Adds what a word of 16 bytes or more may be.
#[inline(always)]
fn sixteen_word_kinds(
    rules: &Rules,
    input: &[u8],
    pos: usize,
    shape: Shape,
    kinds: WordKinds,
) -> WordKinds {
    let national_id = national_id::long_word_may_be(rules.loose_numbers, input, pos, shape);
    kinds
        .with_if(card::may_follow_letters(input, pos, shape), WordKinds::CARD)
        .with_if(national_id, WordKinds::NATIONAL_ID)
}

/// Adds what a long word may be.
#[inline(always)]
fn long_word_kinds(input: &[u8], pos: usize, is_told: bool, kinds: WordKinds) -> WordKinds {
    kinds
        .with_if(shape::may_be(input, pos), WordKinds::SHAPE)
        .with_if(hex::may_be(input, pos, is_told), WordKinds::HEX)
        .with_if(wallet::may_be(input, pos), WordKinds::WALLET)
        .with_if(key_body::may_be_line(input, pos), WordKinds::KEY_BODY)
}

/// A filter applied before [`at_keyword`]: the first four letters, and the rest of the word.
#[inline(always)]
pub(crate) fn keyword_may_be(input: &[u8], pos: usize) -> bool {
    match [at(input, pos), at(input, pos + 1), at(input, pos + 2), at(input, pos + 3)]
        .map(|byte| byte | 0x20)
    {
        [b'b', b'e', b'a', b'r'] | [b'b', b'a', b's', b'i'] | [b'b', b'e', b'g', b'i'] => true,
        [b'i', b'd', b'e', b'n'] => at(input, pos + 4) | 0x20 == b't',
        [b'p', b'a', b's', b's']
        | [b's', b'e', b'c', b'r']
        | [b't', b'o', b'k', b'e']
        | [b'a', b'p', b'i', b'k' | b' ' | b'-' | 0x7F | b't' | 0xE2]
        | [b'a', b'u', b't', b'h']
        | [b'c', b'r', b'e', b'd']
        | [b'c', b'o', b'o', b'k'] => stem::may_be(input, pos),
        [b'c', b'o', b'd', b'e' | b'i'] => one_time::may_be(input, pos),
        _ => false,
    }
}

/// The first digit of a number that does not follow a word character.
pub(crate) fn at_number(finder: &mut Finder<'_>, pos: usize) {
    if !at(finder.input, pos).is_ascii_digit() || is_word(before(finder.input, pos)) {
        return;
    }
    apart_from_signs(finder, |finder| number::find(finder, pos));
}

/// The first character of a word.
#[cfg(any(test, fuzzing))]
pub(crate) fn at_word(finder: &mut Finder<'_>, pos: usize) {
    at_word_of(finder, pos, WordKinds::ALL);
}

/// The first character of a word that can only be one of `kinds`.
pub(crate) fn at_word_of(finder: &mut Finder<'_>, pos: usize, kinds: WordKinds) {
    if !is_word(at(finder.input, pos)) || is_word(before(finder.input, pos)) {
        return;
    }
    apart_from_signs(finder, |finder| {
        for (kind, find) in WORD_DETECTORS {
            if kinds.has(kind) {
                find(finder, pos);
            }
        }
    });
}

/// Runs detectors whose anchor is not a sign. What they find does not decide where `key=value` is searched, because
/// signs and other anchors are not read in one order.
fn apart_from_signs(finder: &mut Finder<'_>, detect: impl FnOnce(&mut Finder<'_>)) {
    let kv_from = finder.kv_from;
    detect(finder);
    finder.kv_from = kv_from;
}

/// A detector that is called at a position of a text.
type Detector = fn(&mut Finder<'_>, usize);

/// The detectors of words.
const WORD_DETECTORS: [(WordKinds, Detector); 8] = [
    (WordKinds::PROVIDER, provider::find),
    (WordKinds::SHAPE, shape::at_word),
    (WordKinds::HEX, hex::find),
    (WordKinds::KEY_BODY, key_body::lines),
    (WordKinds::WALLET, wallet::find),
    (WordKinds::CARD, card::after_letters),
    (WordKinds::NATIONAL_ID, national_id::long_word),
    (WordKinds::BARE_KEY, bare_key::find),
];

/// The first character of a word in a cut text, checked for credentials that the cut shortened.
pub(crate) fn at_cut_word(finder: &mut Finder<'_>, pos: usize) {
    if finder.cut && is_word(at(finder.input, pos)) && !is_word(before(finder.input, pos)) {
        apart_from_signs(finder, |finder| shape::cut_word(finder, pos));
    }
}

/// Calls [`at_cut_word`] at the only position where it can match: the start of the last word.
pub(crate) fn at_cut_end(finder: &mut Finder<'_>) {
    let len = WORD.run_back(finder.input, finder.input.len(), shape::CUT_BYTES_MAX + 1);
    if len > 0 {
        at_cut_word(finder, finder.input.len() - len);
    }
}

/// The first character of `bearer`, `basic`, `BEGIN`, `identified`, or of a telling word anywhere in a key;
/// [`keyword_may_be`] has accepted it.
pub(crate) fn at_keyword(finder: &mut Finder<'_>, pos: usize) {
    apart_from_signs(finder, |finder| keyword(finder, pos));
}

fn keyword(finder: &mut Finder<'_>, pos: usize) {
    let starts = !is_word(before(finder.input, pos));
    match (at(finder.input, pos) | 0x20, at(finder.input, pos + 2) | 0x20) {
        (b'b', b'a') if starts => auth::find(finder, pos, b"bearer", HitKind::Bearer),
        (b'b', b's') if starts => auth::find(finder, pos, b"basic", HitKind::Basic),
        (b'b', b'g') if starts => private_key::find(finder, pos),
        (b'i', _) if starts => sql::identified(finder, pos),
        (b'c', b'd') => one_time::find(finder, pos),
        (b'b' | b'i', _) => {}
        _ => stem::find(finder, pos),
    }
}

/// A filter applied before [`at_lettered_number`].
#[inline(always)]
pub(crate) fn lettered_number_may_be(rules: &Rules, input: &[u8], pos: usize) -> bool {
    iban::may_be(input, pos) || national_id::may_be(rules.loose_numbers, input, pos)
}

/// The first letter of a word with digits soon after: bank accounts, identity numbers.
pub(crate) fn at_lettered_number(finder: &mut Finder<'_>, pos: usize) {
    if is_word(before(finder.input, pos)) || !national_id::is_anchored(finder.input, pos) {
        return;
    }
    iban::find(finder, pos);
    national_id::at_word(finder, pos);
}
