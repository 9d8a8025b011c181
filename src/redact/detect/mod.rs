//! The detectors, by anchor.
//!
//! Each `at_…` function may be called with any position of the text and checks for itself whether
//! its anchor is there. The prefilter calls it where the anchor can be; the oracle of the tests
//! calls it everywhere.

mod auth;
mod card;
mod date;
mod email;
mod hex;
mod hint;
mod iban;
mod jwt;
mod kv;
mod kv_value;
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

pub(crate) use hint::{phone_may_be as phone_may_be_hinted, ssn as ssn_is_hinted};
pub(crate) use iban::may_be as iban_may_be;
pub(crate) use kv::KeyTails;
pub(crate) use kv_value::{AuthValue, auth_value};
pub(crate) use provider::Literals;

use super::bytes::{WORD, at, before, is_word};
use super::find::Finder;
use super::kind::Kind;
use super::rules::Rules;

/// Anchors that are a byte of their own: `@`, `%40`, `=`, `:`, `$`, `~`.
pub(crate) fn at_punct(f: &mut Finder<'_>, p: usize) {
    match at(f.v, p) {
        b'@' => email::find(f, p, p + 1),
        b'%' if f.v[p..].starts_with(b"%40") => email::find(f, p, p + 3),
        b'=' => kv::find(f, p),
        b':' => {
            if f.v[p..].starts_with(b"://") {
                url::find(f, p);
            } else {
                kv::find(f, p);
                shape::telegram(f, p);
                if f.rules.macs {
                    network::mac(f, p);
                }
            }
        }
        b'$' => pwhash::find(f, p),
        b'~' => shape::azure_ad(f, p),
        _ => {}
    }
}

/// A filter in front of [`punct_may_be`], for rules that do not look at all signs. It turns down `:`
/// and `=` behind letters that end no telling key, and colons within times.
#[inline(always)]
pub(crate) fn sign_may_be(tails: &KeyTails, v: &[u8], p: usize) -> bool {
    let Some(Some(&near)) = v.get(p.wrapping_sub(5)..).map(<[u8]>::first_chunk) else {
        return true;
    };
    // Five bytes before the sign, the sign, two behind it.
    let [_, _, _, _, before, sign, next, after]: [u8; 8] = near;
    if !matches!(sign, b':' | b'=') {
        return true;
    }
    let near = u64::from_le_bytes(near);
    let quoted = u32::from(before == b'"');
    // The cast keeps the four bytes before the sign or its quote.
    let four = (near >> (8 - 8 * quoted)) as u32;
    if (four >> 24 | 0x20).wrapping_sub(u32::from(b'a')) < 26 {
        return tails.may_end(four) || [next, after] == *b"//";
    }
    !(sign == b':' && before.is_ascii_digit() && next.is_ascii_digit())
}

/// A filter in front of [`at_punct`]: whether the sign at `p` can belong to anything.
#[inline(always)]
pub(crate) fn punct_may_be(rules: &Rules, v: &[u8], p: usize) -> bool {
    match at(v, p) {
        b'=' => kv::may_be(rules, v, p),
        b':' => {
            v[p..].starts_with(b"://")
                || kv::may_be(rules, v, p)
                || at(v, p + 1) == b'A'
                || rules.macs
        }
        b'@' | b'$' | b'~' => true,
        b'%' => at(v, p + 1) == b'4',
        _ => false,
    }
}

/// A filter in front of [`at_word`], for long words that no provider's literal starts.
#[inline(always)]
pub(crate) fn long_word_may_be(v: &[u8], p: usize) -> bool {
    shape::may_be(v, p) || hex::may_be(v, p)
}

/// A filter in front of [`at_keyword`]: the second letter, and the fourth.
#[inline(always)]
pub(crate) fn keyword_may_be(v: &[u8], p: usize) -> bool {
    matches!(
        [at(v, p), at(v, p + 1), at(v, p + 2), at(v, p + 3)].map(|b| b | 0x20),
        [b'p', b'a', b's', b's']
            | [b's', b'e', b'c', b'r']
            | [b't', b'o', b'k', b'e']
            | [b'a', b'p', b'i', b'k' | b' ' | b'-' | 0x7F]
            | [b'b', b'e', b'a', b'r']
            | [b'b', b'a', b's', b'i']
            | [b'b', b'e', b'g', b'i']
    )
}

/// The first digit of a number that no word character precedes.
pub(crate) fn at_number(f: &mut Finder<'_>, p: usize) {
    if !at(f.v, p).is_ascii_digit() || is_word(before(f.v, p)) {
        return;
    }
    number::find(f, p);
}

/// The first character of a word.
pub(crate) fn at_word(f: &mut Finder<'_>, p: usize) {
    if !is_word(at(f.v, p)) || is_word(before(f.v, p)) {
        return;
    }
    provider::find(f, p);
    shape::at_word(f, p);
    hex::find(f, p);
}

/// The first character of a word of a text that was cut, looked at once more for what the cut took.
pub(crate) fn at_cut_word(f: &mut Finder<'_>, p: usize) {
    if f.cut && is_word(at(f.v, p)) && !is_word(before(f.v, p)) {
        shape::cut_word(f, p);
    }
}

/// Calls [`at_cut_word`] with the one place that it can say yes to: the start of the last word.
pub(crate) fn at_cut_end(f: &mut Finder<'_>) {
    let len = WORD.run_back(f.v, f.v.len(), shape::CUT_BYTES_MAX + 1);
    if len > 0 {
        at_cut_word(f, f.v.len() - len);
    }
}

/// The first character of `bearer`, `basic`, `password`, `BEGIN` and their like.
pub(crate) fn at_keyword(f: &mut Finder<'_>, p: usize) {
    if is_word(before(f.v, p)) {
        return;
    }
    match (at(f.v, p) | 0x20, at(f.v, p + 2) | 0x20) {
        (b'b', b'a') => auth::find(f, p, b"bearer", Kind::Bearer),
        (b'b', b's') => auth::find(f, p, b"basic", Kind::Basic),
        (b'b', b'g') => private_key::find(f, p),
        (b't', b'k') => prose::find(f, p, b"token", false),
        (b's', b'c') => prose::find(f, p, b"secret", false),
        (b'a', b'i') if matches!(at(f.v, p + 3) | 0x20, b'k' | b' ' | b'-' | 0x7F) => {
            for word in [&b"api key"[..], b"api_key", b"api-key", b"apikey"] {
                prose::find(f, p, word, false);
            }
        }
        (b'p', b's') => {
            for word in [&b"password"[..], b"passwd", b"passphrase"] {
                prose::find(f, p, word, true);
            }
        }
        _ => {}
    }
}

/// Two capitals and two digits at the start of a word.
pub(crate) fn at_iban(f: &mut Finder<'_>, p: usize) {
    if !is_word(before(f.v, p)) {
        iban::find(f, p);
    }
}
