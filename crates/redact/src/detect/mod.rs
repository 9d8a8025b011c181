//! The detectors, by anchor.
//!
//! Each `at_…` function may be called with any position of the text and checks whether its anchor is there. The
//! prefilter calls it at candidate positions; the tests' oracle calls it everywhere.

mod auth;
mod card;
mod date;
mod email;
mod extent;
mod hex;
mod hint;
mod iban;
mod jwt;
mod kv;
mod kv_value;
mod national_id;
mod network;
mod number;
mod phone;
mod private_key;
mod prose;
mod provider;
mod pwhash;
mod shape;
mod ssn;
mod url;
mod wallet;
mod wrapped;

pub(crate) use hint::ssn as ssn_is_hinted;
pub(crate) use kv_value::{AuthValue, auth_value};
pub(crate) use number::{is_called, may_be_hinted};
pub(crate) use provider::Literals;

use super::bytes::{WORD, at, before, is_word};
use super::hits::Finder;
use super::key_tails;
use super::kind::HitKind;
use super::rules::Rules;

/// Anchors that are a byte of their own: `@`, `%40`, `=`, `:`, `$`, `~`.
pub(crate) fn at_punct(finder: &mut Finder<'_>, pos: usize) {
    match at(finder.input, pos) {
        b'@' => email::find(finder, pos, pos + 1),
        b'%' if finder.input[pos..].starts_with(b"%40") => email::find(finder, pos, pos + 3),
        b'=' => kv::find(finder, pos),
        b':' => {
            if finder.input[pos..].starts_with(b"://") {
                url::find(finder, pos);
            } else {
                kv::find(finder, pos);
                shape::telegram(finder, pos);
                if finder.rules.macs {
                    network::mac(finder, pos);
                }
            }
        }
        b'$' => pwhash::find(finder, pos),
        b'~' => shape::azure_ad(finder, pos),
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
                || rules.macs
        }
        b'@' | b'$' | b'~' => true,
        b'%' => at(input, pos + 1) == b'4',
        _ => false,
    }
}

/// A filter applied before [`at_word`], for long words that do not start with a provider's literal.
#[inline(always)]
pub(crate) fn long_word_may_be(input: &[u8], pos: usize) -> bool {
    shape::may_be(input, pos) || hex::may_be(input, pos) || wallet::may_be(input, pos)
}

/// A filter applied before [`at_word`], for words that are long enough for a credential.
#[inline(always)]
pub(crate) fn personal_word_may_be(rules: &Rules, input: &[u8], pos: usize) -> bool {
    card::may_follow_letters(input, pos)
        || national_id::long_word_may_be(rules.loose_numbers, input, pos)
}

/// A filter applied before [`at_keyword`]: the first four letters.
#[inline(always)]
pub(crate) fn keyword_may_be(input: &[u8], pos: usize) -> bool {
    matches!(
        [at(input, pos), at(input, pos + 1), at(input, pos + 2), at(input, pos + 3)]
            .map(|byte| byte | 0x20),
        [b'p', b'a', b's', b's']
            | [b's', b'e', b'c', b'r']
            | [b't', b'o', b'k', b'e']
            | [b'a', b'p', b'i', b'k' | b' ' | b'-' | 0x7F]
            | [b'b', b'e', b'a', b'r']
            | [b'b', b'a', b's', b'i']
            | [b'b', b'e', b'g', b'i']
    )
}

/// The first digit of a number that does not follow a word character.
pub(crate) fn at_number(finder: &mut Finder<'_>, pos: usize) {
    if !at(finder.input, pos).is_ascii_digit() || is_word(before(finder.input, pos)) {
        return;
    }
    number::find(finder, pos);
}

/// The first character of a word.
pub(crate) fn at_word(finder: &mut Finder<'_>, pos: usize) {
    if !is_word(at(finder.input, pos)) || is_word(before(finder.input, pos)) {
        return;
    }
    provider::find(finder, pos);
    shape::at_word(finder, pos);
    hex::find(finder, pos);
    wallet::find(finder, pos);
    card::after_letters(finder, pos);
    national_id::long_word(finder, pos);
}

/// The first character of a word in a cut text, checked for credentials that the cut shortened.
pub(crate) fn at_cut_word(finder: &mut Finder<'_>, pos: usize) {
    if finder.cut && is_word(at(finder.input, pos)) && !is_word(before(finder.input, pos)) {
        shape::cut_word(finder, pos);
    }
}

/// Calls [`at_cut_word`] at the only position where it can match: the start of the last word.
pub(crate) fn at_cut_end(finder: &mut Finder<'_>) {
    let len = WORD.run_back(finder.input, finder.input.len(), shape::CUT_BYTES_MAX + 1);
    if len > 0 {
        at_cut_word(finder, finder.input.len() - len);
    }
}

/// The first character of `bearer`, `basic`, `password`, `BEGIN` and their like.
pub(crate) fn at_keyword(finder: &mut Finder<'_>, pos: usize) {
    if is_word(before(finder.input, pos)) {
        return;
    }
    match (at(finder.input, pos) | 0x20, at(finder.input, pos + 2) | 0x20) {
        (b'b', b'a') => auth::find(finder, pos, b"bearer", HitKind::Bearer),
        (b'b', b's') => auth::find(finder, pos, b"basic", HitKind::Basic),
        (b'b', b'g') => private_key::find(finder, pos),
        (b't', b'k') => prose::find(finder, pos, b"token", false),
        (b's', b'c') => prose::find(finder, pos, b"secret", false),
        (b'a', b'i') if matches!(at(finder.input, pos + 3) | 0x20, b'k' | b' ' | b'-' | 0x7F) => {
            for word in [&b"api key"[..], b"api_key", b"api-key", b"apikey"] {
                prose::find(finder, pos, word, false);
            }
        }
        (b'p', b's') => {
            for word in [&b"password"[..], b"passwd", b"passphrase"] {
                prose::find(finder, pos, word, true);
            }
        }
        _ => {}
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
