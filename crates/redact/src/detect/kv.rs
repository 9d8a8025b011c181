//! `key=value`, `key: value`, `"key": "value"` inside texts, anchored at the sign.
//!
//! The identifier before the sign goes through the same key decision as a structured key; the text after it is a value
//! of that class.

use super::key_text::{self, KEY, KEY_BYTES_MAX, Key};
use super::kv_value::{Ends, Found, Link};
use super::{geo, kv_value, shape, stem};
use crate::bytes::{ByteSet, at, before, mixed};
use crate::hits::Finder;
use crate::key_tails::{is_time, quote_end};
use crate::key_words as words;
use crate::kind::{KeyClass, mask_len};

/// The shortest code of OAuth, the fewest digits in it, and the bytes of it that are read.
const CODE_BYTES_MIN: usize = 16;
const CODE_DIGITS_MIN: usize = 4;
const CODE_BYTES_MAX: usize = 512;

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
    if pos < finder.kv_from || is_time(input, pos) {
        return;
    }
    let Some(sign) = sign_at(input, pos) else { return };
    let Some(key) = known_key_before(finder, pos) else { return };
    if is_plain(finder, &key, &sign, pos) {
        finder.signed_key = (key.start, key.end);
    }
    if is_masked(input, sign.end) {
        return;
    }
    finder.spend(key.end - key.start + 8);
    if at(input, pos) == b'=' {
        shape::azure(finder, &input[key.start..key.end], sign.end);
    }
    if is_file(&input[key.start..key.end]) || sign.colon && is_in_path(input, key.start) {
        return;
    }
    geo::find(finder, key.start, key.end, sign.end);
    let (class, two_words) = decide(finder, &key);
    let class = if class == KeyClass::Drawn { drawn(input, &key, sign.end) } else { class };
    if class == KeyClass::Plain || before(input, key.start) == b'/' && class != KeyClass::Password {
        return;
    }
    let text = &input[key.start..key.end];
    if sign.colon && is_user_of_url(input, key.start, sign.end) {
        return;
    }
    // `--from-file=password=./password.txt`
    if input[..key.start].ends_with(b"--from-file=") {
        return;
    }
    let found = Found {
        two_words,
        colon: sign.colon,
        quoted_key: key.quoted,
        literal: sign.compares,
        link: if sign.compares && !is_compared(class, text) { Link::Words } else { Link::Sign },
        ends: ends(input, key.start),
        option: follows_option(input, key.start),
        ..Found::by_sign(class, text)
    };
    kv_value::find(finder, &found, sign.end);
}

/// Whether a full-width `：` or `＝` is at `pos`.
#[inline]
pub(super) fn is_wide_sign(input: &[u8], pos: usize) -> bool {
    matches!(input.get(pos + 1..), Some([0xBC, 0x9A | 0x9D, ..]))
}

/// `pos` is the first byte of a full-width sign; keys in ASCII before it are found by their telling words.
pub(super) fn find_wide(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if pos < finder.kv_from || !is_wide_sign(input, pos) || quote_end_is_ascii(input, pos) {
        return;
    }
    let Some(key) = foreign_key_before(finder, pos) else { return };
    finder.spend(key.end - key.start + 8);
    let text = &input[key.start..key.end];
    let class = finder.rules.key(text, None);
    if class != KeyClass::Plain {
        let colon = input[pos + 2] == 0x9A;
        let found = Found { colon, quoted_key: key.quoted, ..Found::by_sign(class, text) };
        kv_value::find(finder, &found, pos + WIDE_BYTES);
    }
}

/// The bytes of a full-width sign.
const WIDE_BYTES: usize = 3;

fn quote_end_is_ascii(input: &[u8], pos: usize) -> bool {
    before(input, quote_end(input, pos).0).is_ascii()
}

/// Whether a single sign follows the key directly or after its quote, so that [`super::stem`] finds nothing else there.
fn is_plain(finder: &Finder<'_>, key: &Key, sign: &Sign, pos: usize) -> bool {
    let input = finder.input;
    let quote = usize::from(key.quoted && at(input, key.end) == b'"');
    let text = &input[key.start..key.end];
    let (prev, next) = (before(input, key.start), at(input, sign.end));
    key.end + quote == pos
        // The identifier starts there, with nothing before it that could belong to it.
        && prev.is_ascii()
        && !KEY.has(prev)
        && sign.end == pos + 1
        && !sign.compares
        // Other detectors look at such colons, too.
        && (!sign.colon || matches!(next, b' ' | b'"'))
        && text.is_ascii()
        && !key_text::is_setting(text)
        && !stem::is_program(text)
        && !finder.rules.checks_every_sign()
}

/// Whether a text that is compared with this key is its value: `password == "…"`, `creds.secret != "…"`.
pub(super) fn is_compared(class: KeyClass, key: &[u8]) -> bool {
    let word = key.len().checked_sub(6).map(|start| &key[start..]);
    class == KeyClass::Password || word.is_some_and(|word| word.eq_ignore_ascii_case(b"secret"))
}

/// Whether the value after a sign was masked before. A shortcut: nothing that starts with a mask is masked again.
fn is_masked(input: &[u8], pos: usize) -> bool {
    let start = pos + usize::from(at(input, pos) == b' ');
    let start = start + usize::from(matches!(at(input, start), b'"' | b'\''));
    at(input, start) == b'*' && mask_len(&input[start..]) != 0
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

/// `https://x-access-token:…@host`: the key is the user of a URL, whose password [`super::url`] masks.
pub(super) fn is_user_of_url(input: &[u8], start: usize, pos: usize) -> bool {
    const USER_END: ByteSet = ByteSet::of(b"!-.0->@-~");
    input[..start].ends_with(b"://")
        && input[pos..pos + USER_END.run(input, pos, USER_BYTES_MAX)].contains(&b'@')
}

/// Most bytes of a password in a URL that are searched for its end.
const USER_BYTES_MAX: usize = 512;

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
    key_of_run(input, end - run, end, quoted)
}

/// The identifier in the bytes of keys from `start` to `end`.
fn key_of_run(input: &[u8], start: usize, end: usize, quoted: bool) -> Option<Key> {
    if end - start > KEY_BYTES_MAX || before(input, start) == b'*' {
        return None;
    }
    Some(Key { quoted, ..key_text::trimmed(input, start, end)? })
}

/// Letters of any script.
const FOREIGN: ByteSet = ByteSet::of(b"A-Za-z0-9_.\x80-\xFF\\-");

/// The key before the sign at `pos`: an identifier, or, if that says nothing, the word with letters of other scripts
/// that it is the end of: `contraseña`, `密码`.
fn known_key_before(finder: &Finder<'_>, pos: usize) -> Option<Key> {
    let input = finder.input;
    let (end, quoted) = quote_end(input, pos);
    let run = KEY.run_back(input, end, KEY_BYTES_MAX + 1);
    let key = key_of_run(input, end - run, end, quoted);
    if before(input, end - run).is_ascii()
        || key.is_some_and(|key| decide(finder, &key).0 != KeyClass::Plain)
    {
        return key;
    }
    foreign_key_before(finder, pos).or(key)
}

/// The word before the sign at `pos`, with letters of another script, if it tells alone or with the word before it.
fn foreign_key_before(finder: &Finder<'_>, pos: usize) -> Option<Key> {
    let input = finder.input;
    let (end, quoted) = quote_end(input, pos);
    let start = |end: usize| {
        let start = end - FOREIGN.run_back(input, end, KEY_BYTES_MAX);
        // The limit counts bytes.
        after_wide_mark(input, start + ByteSet::of(b"\x80-\xBF").run(input, start, 3), end)
    };
    let one = start(end);
    let two = if before(input, one) == b' ' { start(one - 1) } else { one };
    let tells = |&from: &usize| {
        end - from <= KEY_BYTES_MAX && finder.key_class(&input[from..end]) != KeyClass::Plain
    };
    let start = [one, two].into_iter().find(tells)?;
    Some(Key { start, end, quoted })
}

/// Where the part of `start..end` begins that follows its last full-width sign or comma.
fn after_wide_mark(input: &[u8], start: usize, end: usize) -> usize {
    let is_mark = |three: &[u8]| match three {
        [0xEF, 0xBC, last] => matches!(last, 0x81..=0x8C | 0x8F | 0x9A..=0x9F),
        [0xE3, 0x80, last] => matches!(last, 0x81 | 0x82 | 0x88..=0x91),
        _ => false,
    };
    let found = input[start..end].windows(WIDE_BYTES).rposition(is_mark);
    found.map_or(start, |mark| start + mark + WIDE_BYTES)
}

/// The class of `code`, which is secret only in a query and as a code of OAuth: `?code=4%2F0AX4…`.
fn drawn(input: &[u8], key: &Key, pos: usize) -> KeyClass {
    const CODE: ByteSet = ByteSet::of(b"A-Za-z0-9_.~%/\\-");
    let value = &input[pos..pos + CODE.run(input, pos, CODE_BYTES_MAX)];
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_code = value.len() >= CODE_BYTES_MIN && mixed(value) && digits >= CODE_DIGITS_MIN;
    if ends(input, key.start) == Ends::Query && is_code { KeyClass::Token } else { KeyClass::Plain }
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
    (finder.key_class(text), false)
}

fn two_words(finder: &Finder<'_>, key: &Key, text: &[u8]) -> KeyClass {
    let mut low = [0u8; 8];
    low[..text.len()].copy_from_slice(text);
    low.make_ascii_lowercase();
    let word = &low[..text.len()];
    #[rustfmt::skip]
    let is_second = matches!(
        word,
        b"name" | b"address" | b"number" | b"key" | b"code" | b"security" | b"phone" | b"passe" | b"sandi"
    );
    if !is_second {
        return KeyClass::Plain;
    }
    let end = key.start - 1;
    let len = ByteSet::of(b"A-Za-z_").run_back(finder.input, end, 24);
    if !(2..=22).contains(&len) || KEY.has(before(finder.input, end - len)) {
        return KeyClass::Plain;
    }
    let mut both = [0u8; 32];
    let first = &mut both[..len];
    first.copy_from_slice(&finder.input[end - len..end]);
    first.make_ascii_lowercase();
    if word == b"address" && !words::lives_at(first) {
        return KeyClass::Plain;
    }
    both[len] = b'_';
    both[len + 1..len + 1 + word.len()].copy_from_slice(word);
    let class = finder.key_class(&both[..len + 1 + word.len()]);
    // Other numbers of identity are verified by their check digits.
    let is_checked =
        class == KeyClass::Ssn && !matches!(&both[..len], b"security" | b"insurance" | b"passport");
    if is_checked { KeyClass::Plain } else { class }
}
