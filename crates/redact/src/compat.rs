//! What the preset `structlog_compat` finds besides the detectors: e-mail addresses, telephone numbers and hexadecimal
//! tokens by the loose patterns of loggers that redact with three regular expressions.
//!
//! The patterns also match trace ids, digests, versions of commits and times, so they apply in this preset alone. Each
//! search is linear and allocates nothing; it reads whole characters, and bytes that are not UTF-8 end a match.

use std::ops::Range;

use super::kind::{HitKind, Profile};
use super::redactor::RedactOutcome;
use super::rules::Rules;
use super::scan_batch::is_container;

/// The patterns, in the order in which they are applied. Tokens precede telephone numbers, unlike in the loggers: a
/// token that begins with ten digits would keep its end.
const PATTERNS: [(Find, HitKind); 3] =
    [(email, HitKind::Email), (hex, HitKind::Token), (phone, HitKind::Phone)];

/// The first match at or after a position.
type Find = fn(&[u8], usize) -> Option<Range<usize>>;

/// Whether a pattern whose kind is one of `finds` matches.
#[cold]
#[inline(never)]
pub(crate) fn matches(text: &[u8], finds: impl Fn(HitKind) -> bool) -> bool {
    PATTERNS.iter().any(|(find, kind)| finds(*kind) && find(text, 0).is_some())
}

/// Applies the patterns to `input`, or to what the detectors made of it: the bytes of `out` after `base`. `spare` is
/// overwritten; a text with a match adds one to `count`.
#[cold]
#[inline(never)]
pub(crate) fn apply(
    rules: &Rules,
    (outcome, input): (RedactOutcome, &[u8]),
    (base, out): (usize, &mut Vec<u8>),
    spare: &mut Vec<u8>,
    count: &mut u64,
) -> RedactOutcome {
    let is_clean = outcome == RedactOutcome::Clean;
    let finds = |kind| rules.finds(kind);
    if !matches(if is_clean { input } else { &out[base..] }, finds) {
        return outcome;
    }
    if is_clean {
        out.extend_from_slice(input);
    }
    *count += 1;
    replace(out, base, spare, rules.profile(), finds);
    RedactOutcome::Replaced
}

/// Replaces all matches in the text after `base`. `spare` is overwritten.
fn replace(
    out: &mut Vec<u8>,
    base: usize,
    spare: &mut Vec<u8>,
    profile: Profile,
    finds: impl Fn(HitKind) -> bool,
) {
    for (find, kind) in PATTERNS.iter().filter(|(_, kind)| finds(*kind)) {
        let text = &out[base..];
        let is_json = is_container(text);
        spare.clear();
        let (mut from, mut is_string) = (0, false);
        while let Some(found) = find(text, from) {
            let found = found.start.max(from)..found.end;
            is_string = ends_in_string(&text[from..found.start], is_string);
            if is_json && !is_string {
                // The number of a JSON text: it becomes a string as a whole.
                let start = found.start - count_back(&text[from..found.start], is_number);
                let end =
                    found.end + text[found.end..].iter().take_while(|byte| is_number(byte)).count();
                spare.extend_from_slice(&text[from..start]);
                spare.push(b'"');
                spare.extend_from_slice(profile.mask(*kind).as_bytes());
                spare.push(b'"');
                from = end;
            } else {
                spare.extend_from_slice(&text[from..found.start]);
                spare.extend_from_slice(profile.mask(*kind).as_bytes());
                from = found.end;
            }
        }
        if from > 0 {
            spare.extend_from_slice(&text[from..]);
            out.truncate(base);
            out.extend_from_slice(spare);
        }
    }
}

fn is_number(byte: &u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

fn count_back(text: &[u8], is_part: impl Fn(&u8) -> bool) -> usize {
    text.iter().rev().take_while(|byte| is_part(byte)).count()
}

/// Whether the end of `text` is inside a JSON string, if its beginning is or is not.
fn ends_in_string(text: &[u8], mut is_string: bool) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if is_string => {
                bytes.next();
            }
            b'"' => is_string = !is_string,
            _ => {}
        }
    }
    is_string
}

/// `[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`
fn email(text: &[u8], from: usize) -> Option<Range<usize>> {
    let is_local = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
    };
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    for sign in memchr::memchr_iter(b'@', &text[from..]).map(|at| from + at) {
        let start = sign - count_back(&text[from..sign], is_local);
        let domain = &text[sign + 1..];
        let domain = &domain[..domain.iter().take_while(|byte| is_domain(byte)).count()];
        if start == sign {
            continue;
        }
        // The last dot with letters after it, and something before it.
        let mut letters = 0;
        let mut end = None;
        for at in (1..domain.len()).rev() {
            match domain[at] {
                b'.' if letters >= 2 => {
                    end = Some(at + 1 + letters);
                    break;
                }
                byte if byte.is_ascii_alphabetic() => letters += 1,
                _ => letters = 0,
            }
        }
        if let Some(end) = end {
            return Some(start..sign + 1 + end);
        }
    }
    None
}

/// `(?<!\d)(\+?1[-.\s]?)?(?:\(?\d{3}\)?[-.\s]?)\d{3}[-.\s]?\d{4}(?!\d)`
fn phone(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while at < text.len() {
        let is_start = matches!(text[at], b'+' | b'(') || digit(text, at).is_some();
        if is_start && !follows_digit(text, at) {
            let bare = || number(text, at);
            if let Some(end) = country(text, at).and_then(|next| number(text, next)).or_else(bare) {
                return Some(at..end);
            }
        }
        at += char_at(text, at).map_or(1, char::len_utf8);
    }
    None
}

/// `\+?1[-.\s]?`
fn country(text: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(text.get(at) == Some(&b'+'));
    (text.get(at) == Some(&b'1')).then(|| after_separator(text, at + 1))
}

/// The rest of the pattern, whose optional parts never compete for a character.
fn number(text: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(text.get(at) == Some(&b'('));
    let at = digits(text, at, 3)?;
    let at = at + usize::from(text.get(at) == Some(&b')'));
    let at = digits(text, after_separator(text, at), 3)?;
    let at = digits(text, after_separator(text, at), 4)?;
    digit(text, at).is_none().then_some(at)
}

fn digits(text: &[u8], mut at: usize, count: usize) -> Option<usize> {
    for _ in 0..count {
        at += digit(text, at)?;
    }
    Some(at)
}

fn after_separator(text: &[u8], at: usize) -> usize {
    match char_at(text, at) {
        Some(c)
            if matches!(c, '-' | '.') || c.is_whitespace() || ('\x1c'..='\x1f').contains(&c) =>
        {
            at + c.len_utf8()
        }
        _ => at,
    }
}

/// `(?:bearer\s+)?[A-Fa-f0-9]{20,}`
fn hex(text: &[u8], from: usize) -> Option<Range<usize>> {
    const DIGITS_MIN: usize = 20;
    let mut at = from;
    while at < text.len() {
        let run = text[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if run >= DIGITS_MIN {
            return Some(bearer_before(text, from, at)..at + run);
        }
        at += run.max(1);
    }
    None
}

/// Where `bearer` and its spaces begin, if they precede `at`.
fn bearer_before(text: &[u8], from: usize, at: usize) -> usize {
    const WORD: &[u8] = b"bearer";
    let mut start = at;
    while let Some(c) = char_before(text, start).filter(|c| c.is_whitespace()) {
        start -= c.len_utf8();
    }
    let word = start.checked_sub(WORD.len()).filter(|word| *word >= from && start < at);
    word.filter(|word| text[*word..start].eq_ignore_ascii_case(WORD)).unwrap_or(at)
}

/// The bytes of the decimal digit of any script at `at`.
fn digit(text: &[u8], at: usize) -> Option<usize> {
    let c = char_at(text, at)?;
    is_decimal(c).then(|| c.len_utf8())
}

fn follows_digit(text: &[u8], at: usize) -> bool {
    char_before(text, at).is_some_and(is_decimal)
}

fn char_at(text: &[u8], at: usize) -> Option<char> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some(char::from(first));
    }
    let bytes = &text[at..text.len().min(at + 4)];
    bytes.utf8_chunks().next()?.valid().chars().next()
}

fn char_before(text: &[u8], at: usize) -> Option<char> {
    (1..=at.min(4)).find_map(|back| {
        let c = char_at(text, at - back)?;
        (c.len_utf8() == back).then_some(c)
    })
}

/// The zeros of the scripts that have decimal digits (category Nd); nine digits follow each.
#[rustfmt::skip]
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

fn is_decimal(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    let code = u32::from(c);
    let index = ZEROS.partition_point(|zero| *zero <= code);
    index > 0 && code - ZEROS[index - 1] < 10
}
