//! Where a value without quotes ends, which depends on its class and on what surrounds it.
//!
//! Reads each byte of the value, and for each a few dozen after it at most.

use super::gap;
use super::kv_value::{Ends, Found, Link};
use crate::bytes::{ALNUM, ByteSet, at};
use crate::kind::KeyClass;

/// The length of a secret is not bounded: half a key must not remain.
const NAME_BYTES_MAX: usize = 96;
const NUMBER_BYTES_MAX: usize = 48;
const LOWER: ByteSet = ByteSet::of(b"a-z");
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");
const KEY: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
/// Most words of a passphrase, and most letters of each.
const WORDS_MAX: usize = 12;
const WORD_LETTERS_MAX: usize = 24;
/// The fewest words after the first one of a passphrase after a colon, where sentences are, too.
const PHRASE_WORDS_MIN: usize = 3;
/// Words that continue a sentence after a value, not a passphrase.
const SENTENCE: [&[u8]; 18] = [
    b"for", b"by", b"was", b"is", b"has", b"from", b"to", b"in", b"on", b"at", b"with", b"not",
    b"the", b"of", b"and", b"or", b"failed", b"does",
];

/// The end of the value that starts at `start`.
pub(super) fn end(input: &[u8], found: &Found<'_>, start: usize) -> usize {
    let max = match found.class {
        KeyClass::Name | KeyClass::Address => NAME_BYTES_MAX,
        KeyClass::Phone | KeyClass::Card | KeyClass::Ssn | KeyClass::Bank => NUMBER_BYTES_MAX,
        _ => input.len(),
    };
    let limit = input.len().min(start.saturating_add(max));
    // `t=1492774577,v1=5257…`: the value is a list of pairs.
    let listed = found.class == KeyClass::Token && pair_follows(input, start);
    let ends = |pos: usize| match found.ends {
        Ends::Text if listed && input[pos] == b',' && at(input, pos + 1) != b' ' => false,
        Ends::Encoded => ends_encoded(input, pos),
        Ends::Cell => ends_cell(input, pos),
        Ends::Text | Ends::Query => ends_bare(input, found, pos),
    };
    // No letter and no digit ends a value.
    let mut end = start + ALNUM.run(input, start, limit.saturating_sub(start));
    while end < limit && !ends(end) {
        end += 1 + ALNUM.run(input, end + 1, limit - end - 1);
    }
    let words = found.class == KeyClass::Password && found.ends == Ends::Text;
    if words && found.link == Link::Sign && LETTERS.run(input, start, end - start) == end - start {
        if !found.colon {
            return passphrase_end(input, end, 1);
        }
        if found.is_passphrase() {
            return passphrase_end(input, end, PHRASE_WORDS_MIN);
        }
    }
    end
}

/// The end of a passphrase whose first word ends at `pos`: at least `words_min` more words, up to the next pair or the
/// end of the line.
fn passphrase_end(input: &[u8], pos: usize, words_min: usize) -> usize {
    let mut end = pos;
    for count in 0..WORDS_MAX {
        let next = end + 1;
        let len = LOWER.run(input, next, WORD_LETTERS_MAX);
        let after = at(input, next + len);
        let word = input.get(next..next + len).unwrap_or_default();
        let is_word = at(input, end) == b' '
            && len > 0
            && matches!(after, 0 | b' ' | b',' | b';' | b'\r' | b'\n');
        if count >= words_min && !is_word {
            let closed = matches!(at(input, end), 0 | b'\r' | b'\n')
                || pair_follows(input, end)
                || matches!(at(input, end), b',' | b';') && pair_follows(input, end + 1);
            return if closed { end } else { pos };
        }
        if !is_word || SENTENCE.contains(&word) {
            return pos;
        }
        end = next + len;
    }
    pos
}

fn ends_bare(input: &[u8], found: &Found<'_>, pos: usize) -> bool {
    let (byte, class) = (input[pos], found.class);
    match class {
        KeyClass::Name | KeyClass::Address => {
            matches!(byte, b';' | b'&' | b'\n' | b'"' | b'\'' | b'}' | b']' | b'|' | 0x1B)
                || byte == b')' && class == KeyClass::Name
                || byte == b',' && (class == KeyClass::Name || pair_follows(input, pos + 1))
                || byte == b' '
                    && (pair_follows(input, pos) || small_word_follows(input, pos, class))
                || byte == b',' && input[pos..].starts_with(b", ok")
        }
        KeyClass::Phone | KeyClass::Card | KeyClass::Ssn | KeyClass::Bank => {
            !(byte.is_ascii_alphanumeric()
                || matches!(byte, b'+' | b'(' | b')' | b'.' | b'%' | b'-' | b' '))
                || byte == b' ' && (pair_follows(input, pos) || LOWER.run(input, pos + 1, 3) == 3)
        }
        KeyClass::Auth => {
            matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b',' | b';' | b'&' | b'}' | 0x1B)
                || byte == b'\\' && ends_escaped(input, pos)
        }
        KeyClass::Cookie => matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | 0x1B),
        _ => {
            ends_secret(input, pos, byte)
                || byte == b',' && found.colon && colon_pair_follows(input, pos + 1)
                || byte == b'&' && (found.ends == Ends::Query || parameter_follows(input, pos + 1))
        }
    }
}

/// `word=` or `word[id]=`.
fn parameter_follows(input: &[u8], pos: usize) -> bool {
    let word = KEY.run(input, pos, 48);
    let inner = pos + word + 1;
    let close = inner + KEY.run(input, inner, 48);
    pair_follows(input, pos)
        || word > 0
            && at(input, inner - 1) == b'['
            && input[close.min(input.len())..].starts_with(b"]=")
}

/// `user:ann` after a comma, where the value's own key has a colon, too.
fn colon_pair_follows(input: &[u8], pos: usize) -> bool {
    let len = LETTERS.run(input, pos, WORD_LETTERS_MAX);
    len > 1 && at(input, pos + len) == b':' && at(input, pos + len + 1).is_ascii_alphanumeric()
}

fn ends_secret(input: &[u8], pos: usize, byte: u8) -> bool {
    let next = at(input, pos + 1);
    match byte {
        b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'<' | b'>' | b'`' | 0x1B => true,
        0xC2 => next == 0xA0,
        0xE3 | 0xEF => ends_wide(&input[pos..]),
        b',' | b';' => {
            matches!(next, 0 | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'')
                || pair_follows(input, pos + 1)
                || byte == b';' && two_words_follow(input, pos + 1)
        }
        b'|' => pair_follows(input, pos + 1),
        b'}' | b')' | b']' => {
            matches!(next, 0 | b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b'}' | b')' | b']')
        }
        b'\\' => ends_escaped(input, pos),
        b'&' => ends_entity(input, pos),
        _ => false,
    }
}

/// Commas, stops and brackets of Chinese and Japanese: `、`, `。`, `，`, `；`, `）`, `】`, `」`.
fn ends_wide(rest: &[u8]) -> bool {
    matches!(
        rest,
        [0xE3, 0x80, 0x81 | 0x82 | 0x8D | 0x91, ..] | [0xEF, 0xBC, 0x8C | 0x9B | 0x89, ..]
    )
}

/// Whether the backslash at `pos` begins an escape that ends a value: a quote, a line break before another key, a
/// colour.
fn ends_escaped(input: &[u8], pos: usize) -> bool {
    let rest = &input[pos + 1..];
    match rest {
        [b'"' | b'\'', ..] => true,
        [b'n' | b'r' | b't', rest @ ..] => {
            let word = KEY.run(rest, 0, 48);
            matches!(rest, [] | [b' ' | b'\\' | b'"' | b'\'' | b'}' | b'[', ..])
                || word > 0 && matches!(at(rest, word), b'=' | b':')
        }
        [b'\\', rest @ ..] => {
            let slashes = rest.iter().take_while(|&&byte| byte == b'\\').count();
            matches!(at(rest, slashes), b'"' | b'\'')
        }
        _ => ends_unicode(rest) || gap::decoration(input, pos) > 0,
    }
}

/// A quote, an ampersand or an angle bracket, written as an escape.
fn ends_unicode(rest: &[u8]) -> bool {
    let digits = match rest {
        [b'u', b'0', b'0', rest @ ..] | [b'x', rest @ ..] => rest,
        _ => return false,
    };
    let Some(two) = digits.first_chunk::<2>() else { return false };
    matches!(&two.map(|byte| byte | 0x20), b"22" | b"26" | b"27" | b"3c" | b"3e")
}

/// A quote or an angle bracket of HTML, or an ampersand before a pair.
fn ends_entity(input: &[u8], pos: usize) -> bool {
    const ENTITIES: [&[u8]; 8] =
        [b"&quot;", b"&#34;", b"&#39;", b"&#x27;", b"&apos;", b"&lt;", b"&gt;", b"&#x22;"];
    let rest = &input[pos..];
    ENTITIES.iter().any(|entity| rest.starts_with(entity))
        || rest.starts_with(b"&amp;") && pair_follows(input, pos + 5)
}

/// An encoded sign that ends a value: `%26`, `%22`, `%2526`.
fn ends_encoded(input: &[u8], pos: usize) -> bool {
    match input[pos] {
        b'%' => {
            let mut rest = &input[pos + 1..];
            while let Some(deeper) = rest.strip_prefix(b"25") {
                rest = deeper;
            }
            let two = rest.first_chunk::<2>().map(|two| two.map(|byte| byte.to_ascii_uppercase()));
            matches!(
                two.as_ref(),
                Some(
                    b"26"
                        | b"22"
                        | b"27"
                        | b"20"
                        | b"2C"
                        | b"3B"
                        | b"7D"
                        | b"5D"
                        | b"0A"
                        | b"0D"
                        | b"09"
                        | b"23"
                )
            )
        }
        b'&' | b'#' | b'+' => true,
        byte => ends_secret(input, pos, byte),
    }
}

/// The end of a table's cell: a bar after a space, or a drawn line.
fn ends_cell(input: &[u8], pos: usize) -> bool {
    match input[pos] {
        b'|' | b'\r' | b'\n' | 0x1B => true,
        0xE2 => matches!(input.get(pos + 1), Some(0x94 | 0x95)),
        _ => false,
    }
}

/// Whether `pos` is followed by ` word=`.
pub(super) fn pair_follows(input: &[u8], pos: usize) -> bool {
    let gap = ByteSet::of(b" ").run(input, pos, 4);
    let word = KEY.run(input, pos + gap, 48);
    word > 0 && at(input, pos + gap + word) == b'='
}

/// Whether a key of two words follows: `;User Id=`.
fn two_words_follow(input: &[u8], pos: usize) -> bool {
    let first = LETTERS.run(input, pos, 24);
    first > 0 && at(input, pos + first) == b' ' && {
        let second = LETTERS.run(input, pos + first + 1, 24);
        second > 0 && at(input, pos + first + 1 + second) == b'='
    }
}

/// ` to `, ` from `, ` by ` end an address.
fn small_word_follows(input: &[u8], pos: usize, class: KeyClass) -> bool {
    class == KeyClass::Address
        && [&b" to "[..], b" from ", b" by "].iter().any(|word| input[pos..].starts_with(word))
}
