//! `key=value`, `key: value`, `"key": "value"` inside texts, anchored at the sign.
//!
//! The identifier before the sign goes through the same key decision as a structured key; the text after it is a value
//! of that class.

use super::key_text::{self, KEY, KEY_BYTES_MAX, Key};
use super::kv_value::{Ends, Found, Link};
use super::{geo, kv_value, shape};
use crate::bytes::{ByteSet, at, before};
use crate::hits::Finder;
use crate::key_tails::{may_be, quote_end};
use crate::key_words as words;
use crate::kind::KeyClass;

/// A sign.
struct Sign {
    end: usize,
    /// A plain colon, as in sentences.
    colon: bool,
    /// `==`, `!=`.
    compares: bool,
}

/// `pos` is a `=` or a `:`.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if pos < finder.kv_from || !may_be(finder.rules, input, pos) {
        return;
    }
    let Some(sign) = sign_at(input, pos) else { return };
    let Some(key) = key_before(input, pos) else { return };
    finder.spend(key.end - key.start + 8);
    if at(input, pos) == b'=' {
        shape::azure(finder, &input[key.start..key.end], sign.end);
    }
    if is_file(&input[key.start..key.end]) || sign.colon && is_in_path(input, key.start) {
        return;
    }
    geo::find(finder, key.start, key.end, sign.end);
    let (class, two_words) = decide(finder, &key);
    if class == KeyClass::Plain || before(input, key.start) == b'/' && class != KeyClass::Password {
        return;
    }
    let found = Found {
        two_words,
        colon: sign.colon,
        quoted_key: key.quoted,
        literal: sign.compares,
        link: if sign.compares && class != KeyClass::Password { Link::Words } else { Link::Sign },
        ends: ends(input, key.start),
        option: follows_option(input, key.start),
        ..Found::by_sign(class, &input[key.start..key.end])
    };
    kv_value::find(finder, &found, sign.end);
}

/// `password.rs`, `secrets.yaml`: a file, whose line or contents follow the sign.
pub(super) fn is_file(key: &[u8]) -> bool {
    #[rustfmt::skip]
    const ENDS: [&[u8]; 32] = [
        b"rs", b"py", b"js", b"ts", b"go", b"java", b"rb", b"php", b"c", b"h", b"cc", b"cpp",
        b"cs", b"kt", b"yml", b"yaml", b"json", b"toml", b"xml", b"conf", b"txt", b"log", b"sh",
        b"sql", b"html", b"tsx", b"jsx", b"vue", b"md", b"swift", b"scala", b"ex",
    ];
    let Some(dot) = key.iter().rposition(|&byte| byte == b'.') else { return false };
    ENDS.contains(&&key[dot + 1..])
}

/// Whether the key at `start` is the last part of a path; a slash after a space begins an option of Windows.
fn is_in_path(input: &[u8], start: usize) -> bool {
    before(input, start) == b'/'
        && start > 1
        && !matches!(input[start - 2], b' ' | b'"' | b'\'' | b'\t' | b'\n')
}

/// What ends a value whose key starts at `start`: in a query, an ampersand.
pub(super) fn ends(input: &[u8], start: usize) -> Ends {
    let query = matches!(before(input, start), b'?' | b'&') || input[..start].ends_with(b"&amp;");
    if query { Ends::Query } else { Ends::Text }
}

/// Whether the key at `start` is the first part of an option's value: `-passin pass:hunter2`.
fn follows_option(input: &[u8], start: usize) -> bool {
    if before(input, start) == b'/' && matches!(before(input, start - 1), 0 | b' ') {
        return true;
    }
    let end = start - usize::from(before(input, start) == b' ');
    let name = ByteSet::of(b"a-z").run_back(input, end, 8);
    end < start && input[end - name..end].starts_with(b"pass") && before(input, end - name) == b'-'
}

/// The sign at `pos`; `None` if it connects nothing.
fn sign_at(input: &[u8], pos: usize) -> Option<Sign> {
    let sign = |len: usize, colon| Some(Sign { end: pos + len, colon, compares: false });
    let compares = |len: usize| Some(Sign { end: pos + len, colon: false, compares: true });
    match before(input, pos) {
        b'!' if at(input, pos) == b'=' => {
            return compares(1 + usize::from(at(input, pos + 1) == b'='));
        }
        b':' | b'=' | b'!' | b'<' | b'>' => return None,
        _ => {}
    }
    match &input[pos..] {
        [b'=', b'>', ..] => sign(2, false),
        [b'=', b'=', b'=', ..] => compares(3),
        [b'=', b'=', ..] => compares(2),
        [b'=', ..] => sign(1, false),
        [b':', b'=', ..] => sign(2, false),
        [b':', b':', b'=', ..] => sign(3, false),
        [b':', b':', b':', b'=', ..] => sign(4, false),
        [b':', b':', ..] | [b':', b'/', b'/', ..] => None,
        _ => sign(1, true),
    }
}

/// The identifier before the sign at `pos`, with a quote and spaces between.
pub(super) fn key_before(input: &[u8], pos: usize) -> Option<Key> {
    let (end, quoted) = quote_end(input, pos);
    let run = KEY.run_back(input, end, KEY_BYTES_MAX + 1);
    if run > KEY_BYTES_MAX || before(input, end - run) == b'*' {
        return None;
    }
    Some(Key { quoted, ..key_text::trimmed(input, end - run, end)? })
}

/// The key decision, and whether it used the preceding word: `customer name: …`.
fn decide(finder: &Finder<'_>, key: &Key) -> (KeyClass, bool) {
    let input = finder.input;
    let text = &input[key.start..key.end];
    if !key.quoted && before(input, key.start) == b' ' && text.len() <= 8 {
        let class = two_words(finder, key, text);
        if class != KeyClass::Plain {
            return (class, true);
        }
    }
    // Reserved members of an audit log.
    if before(input, key.start) == b'_' && matches!(text, b"signature" | b"prev_signature") {
        return (KeyClass::Plain, false);
    }
    (finder.rules.key(text, None), false)
}

fn two_words(finder: &Finder<'_>, key: &Key, text: &[u8]) -> KeyClass {
    let mut low = [0u8; 8];
    low[..text.len()].copy_from_slice(text);
    low.make_ascii_lowercase();
    let word = &low[..text.len()];
    if !matches!(word, b"name" | b"address" | b"number" | b"key" | b"code" | b"security" | b"phone")
    {
        return KeyClass::Plain;
    }
    let end = key.start - 1;
    let len = ByteSet::of(b"A-Za-z").run_back(finder.input, end, 16);
    if !(2..=14).contains(&len) || KEY.has(before(finder.input, end - len)) {
        return KeyClass::Plain;
    }
    let mut both = [0u8; 24];
    let first = &mut both[..len];
    first.copy_from_slice(&finder.input[end - len..end]);
    first.make_ascii_lowercase();
    if word == b"address" && !words::lives_at(first) {
        return KeyClass::Plain;
    }
    both[len] = b'_';
    both[len + 1..len + 1 + word.len()].copy_from_slice(word);
    let class = finder.rules.key(&both[..len + 1 + word.len()], None);
    // Other numbers of identity are verified by their check digits.
    let is_checked =
        class == KeyClass::Ssn && !matches!(&both[..len], b"security" | b"insurance" | b"passport");
    if is_checked { KeyClass::Plain } else { class }
}
