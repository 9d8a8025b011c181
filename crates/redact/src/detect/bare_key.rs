//! A drawn value after a word for keys: `acme_key=…`, `token - '…'`, `SECRET KEY …`, `setProperty("ACME_KEY", "…")`.
//!
//! Anchored at the value: whatever notation connects a key and its value, the key is right before it. Only values that
//! look drawn are hits, since words, paths, versions, UUIDs and digests follow the same keys.

use super::drawn;
use super::key_endings::{ends_in_word, has_ending, has_ending_too};
use super::key_forms::{ROW_BYTES_MIN, is_code, is_drawn_word, is_grouped, is_like_uuid, is_uuid};
use super::words::{
    COUNTED, HARMLESS_KEYS, KEY_PAIRS, NOT_KEYS, SECRETS, SESSIONS, SMALL, SOMETIMES, USES,
};
use crate::bytes::{ByteSet, at, before, mixed};
use crate::hits::{Finder, rule};
use crate::key::Tokens;
use crate::kind::{HitKind, mask_len};

/// What may be between a key and its value.
const BETWEEN: ByteSet = ByteSet::of(b" \t:=#\"'`(,._\\-|>{\\[@\\\\~&\\]");
const BETWEEN_BYTES_MAX: usize = 12;
const IDENTIFIER: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
const IDENTIFIER_BYTES_MAX: usize = 48;
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");
/// Most letters of a word that ends in a word for keys.
const WRITTEN_BYTES_MAX: usize = 24;
/// Digits of a number between a key and its sign.
const NUMBER_DIGITS_MAX: usize = 2;
/// Small words between a key and its value: `secret in use: …`.
const SMALL_WORDS_MAX: usize = 3;
const VALUE: ByteSet = ByteSet::of(b"A-Za-z0-9+/=_.~\\-");
const VALUE_BYTES_MAX: usize = 4096;
/// Most bytes of a code of OAuth.
const CODE_BYTES_MAX: usize = 128;
/// A value has a digit among this many bytes, or is a long row of letters.
const DIGIT_WITHIN: usize = 32;
/// Most bytes between `Digest` and its response.
const DIGEST_BYTES_MAX: usize = 512;
/// The first bytes of a row of characters that are read before the rest: `abcd`, `1234`, `zyxw`.
const ROW_BYTES: usize = 4;
/// Bytes that belong to a value although no word starts with them.
const LEADING: ByteSet = ByteSet::of(b"+/~!$^*");

/// What the words before a value say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Telling {
    No,
    /// `key`, `access`: drawn values are secret.
    IfDrawn,
    /// `?code=`: also values of letters and digits.
    Code,
    /// `session`, `acme_key=`: hexadecimal values are secret, too.
    Secret,
    /// `token`, `private key`: UUIDs are secret, too.
    Strong,
}

/// A filter applied before [`find`]: letters that can end a word for keys, then 16 bytes that can be drawn.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    may_be_told(input, pos) && sixteen_may_be(input, pos)
}

/// A filter applied before [`telling`]: whether the letters before `pos` can end a word for keys.
#[inline(always)]
pub(super) fn may_be_told(input: &[u8], pos: usize) -> bool {
    let Some(&[a, b, last, between]) = input.get(..pos).and_then(<[u8]>::last_chunk) else {
        return false;
    };
    if last.is_ascii_alphanumeric() {
        let three = u32::from_le_bytes([a, b, last, 0]);
        return BETWEEN.has(between)
            && has_ending(three)
            && has_ending_too(three)
            && !is_other_id(input, pos - 1)
            && ends_in_word(input, pos - 1);
    }
    BETWEEN.has(last) && BETWEEN.has(between) && may_be_told_further(input, pos)
}

/// For each byte: 1 if it is in [`BETWEEN`], 2 if it is a letter or a digit.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] =
            BETWEEN.has(byte as u8) as u8 | ((byte as u8).is_ascii_alphanumeric() as u8) << 1;
        byte += 1;
    }
    table
};

/// A quick filter applied before [`may_be`]: what the last four bytes before a value, `near`, rule out.
///
/// Without branches: which words pass is hard to predict.
#[inline(always)]
pub(super) fn may_be_near(near: u32) -> bool {
    // The casts keep the last byte but one, and the last.
    let (last, between) = ((near >> 16) as u8, (near >> 24) as u8);
    let (last, between) = (CLASS[usize::from(last)], CLASS[usize::from(between)]);
    between & (last | u8::from(has_ending(near)) & last >> 1) & 1 != 0
}

/// [`may_be_told`] where several bytes are between.
#[inline(never)]
fn may_be_told_further(input: &[u8], pos: usize) -> bool {
    let from = pos.saturating_sub(BETWEEN_BYTES_MAX);
    let mut end = pos;
    while end > from && CLASS[usize::from(input[end - 1])] & 1 != 0 {
        end -= 1;
    }
    let letters = input.get(..end).and_then(<[u8]>::last_chunk::<3>);
    letters.is_some_and(|&[a, b, c]| {
        let three = u32::from_le_bytes([a, b, c, 0]);
        has_ending(three)
            && has_ending_too(three)
            && !is_other_id(input, end)
            && ends_in_word(input, end)
    })
}

/// Whether the identifier before `end` ends in `_id` and is not the only one that names a secret.
#[inline(always)]
fn is_other_id(input: &[u8], end: usize) -> bool {
    const TELLING: &[u8] = b"reporter_id";
    let ends = |id: &[u8]| {
        let from = end.checked_sub(id.len());
        from.is_some_and(|from| input[from..end].eq_ignore_ascii_case(id))
    };
    ends(b"_id") && !ends(TELLING)
}

/// Whether the 16 bytes at `pos` have a digit and a letter, or letters of both cases, or start like a row of
/// characters.
#[inline(always)]
pub(super) fn sixteen_may_be(input: &[u8], pos: usize) -> bool {
    let Some(sixteen) = input.get(pos..).and_then(<[u8]>::first_chunk::<{ drawn::BYTES_MIN }>)
    else {
        return false;
    };
    let bits = u128::from_le_bytes(*sixteen);
    const ONES: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
    const HIGH: u128 = ONES << 7;
    let low = bits & !HIGH;
    // The high bit of each byte that is at least `byte`.
    let from = |bits: u128, byte: u8| bits + ONES * u128::from(0x80 - byte);
    let digits = (from(low, b'0') & !from(low, b'9' + 1) & !bits & HIGH).count_ones();
    let upper = (from(low, b'A') & !from(low, b'Z' + 1) & !bits & HIGH).count_ones();
    let lower = (from(low, b'a') & !from(low, b'z' + 1) & !bits & HIGH).count_ones();
    digits > 0 && upper + lower > 0
        || upper >= 2 && lower >= 2
        || drawn::is_row(&sixteen[..ROW_BYTES])
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    // The scan only visits words that begin with 16 bytes of credentials.
    let chunk = |&byte: &u8| (b'+'..0x80).contains(&byte);
    let sixteen = input.get(pos..).and_then(<[u8]>::first_chunk::<{ drawn::BYTES_MIN }>);
    if !may_be(input, pos) || !sixteen.is_some_and(|bytes| bytes.iter().all(chunk)) {
        return;
    }
    let start = pos - LEADING.run_back(input, pos, 4);
    if finder.covers(start, pos, rule::BARE_KEY) {
        return;
    }
    let telling = telling(input, pos);
    if telling == Telling::No {
        return;
    }
    let len = VALUE.run(input, pos, VALUE_BYTES_MAX);
    finder.spend(len + IDENTIFIER_BYTES_MAX);
    let value = &input[pos..pos + len];
    let row = telling >= Telling::Secret && drawn::is_row(value);
    let digit = value.iter().take(DIGIT_WITHIN).any(u8::is_ascii_digit)
        || telling >= Telling::Secret && is_drawn_word(value)
        || row && value.len() >= ROW_BYTES_MIN;
    let fits = match telling {
        Telling::Code if value.len() <= CODE_BYTES_MAX && is_code(value) => true,
        Telling::Strong if is_uuid(value) => true,
        Telling::Secret | Telling::Strong if is_like_uuid(value) => true,
        // A list of characters after `key`; an example after `acme_key=`.
        _ if drawn::is_row(value) => row && (mixed(value) || value.len() >= ROW_BYTES_MIN),
        Telling::Secret | Telling::Strong if is_grouped(value) => true,
        _ => drawn::is_drawn(value),
    };
    if !digit || !fits {
        return;
    }
    let end = value_end(finder, pos, pos + len);
    finder.hit(start, end, rule::BARE_KEY, HitKind::Secret);
}

/// The end of the value whose first bytes are `start..end`: signs within it do not end it.
fn value_end(finder: &mut Finder<'_>, start: usize, end: usize) -> usize {
    const SIGNS: ByteSet = ByteSet::of(b"%?$!:@#^*");
    let input = finder.input;
    let mut end = end;
    // `https://x-access-token:…@host`
    let key = start - usize::from(before(input, start) == b':');
    let user = key - IDENTIFIER.run_back(input, key, IDENTIFIER_BYTES_MAX);
    let ends_user = key < start && input[..user].ends_with(b"://");
    while SIGNS.has(at(input, end)) && VALUE.has(at(input, end + 1)) {
        if ends_user && at(input, end) == b'@' {
            break;
        }
        let more = 1 + VALUE.run(input, end + 1, VALUE_BYTES_MAX);
        finder.spend(more);
        end += more;
    }
    while end > start && at(input, end - 1) == b'.' {
        end -= 1;
    }
    end
}

/// Whether a key outside of texts may name a secret, which [`is_drawn_value`] decides.
pub(crate) fn may_name_secret(key: &[u8]) -> bool {
    let last = key.len() > 2 && key.last().is_some_and(u8::is_ascii_alphanumeric);
    last && identifier(key, 0, key.len(), true) != Telling::No
}

/// Whether all of `text`, the value of such a key, looks drawn.
pub(crate) fn is_drawn_value(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let all = text.len() >= drawn::BYTES_MIN && VALUE.run(text, 0, VALUE_BYTES_MAX) == text.len();
    all && text.iter().take(DIGIT_WITHIN).any(u8::is_ascii_digit)
        && !drawn::is_row(text)
        && drawn::is_drawn(text)
}

/// What the words right before `pos` say about a value there.
pub(super) fn telling(input: &[u8], pos: usize) -> Telling {
    let (mut end, mut numbered) = (pos, false);
    for _ in 0..=SMALL_WORDS_MAX {
        let between = BETWEEN.run_back(input, end, BETWEEN_BYTES_MAX);
        let signed = numbered
            || input[end - between..end]
                .iter()
                .any(|byte| matches!(byte, b'=' | b':' | b'>' | b','));
        end -= between;
        let run = IDENTIFIER.run_back(input, end, IDENTIFIER_BYTES_MAX);
        // A mask ends what can be connected: redaction must not bring a word closer to a value.
        let start = end - run;
        let mask = match before(input, start) {
            b'*' => true,
            b'<' => mask_len(&input[start - 1..]) != 0,
            _ => false,
        };
        if between == 0 || run == 0 || mask {
            return Telling::No;
        }
        let word = &input[start..end];
        // `unseal key 2: `
        let is_number = run <= NUMBER_DIGITS_MAX && signed && word.iter().all(u8::is_ascii_digit);
        if !(is_number || is_one_of(word, SMALL)) || before(input, start) != b' ' {
            return identifier(input, start, end, signed);
        }
        numbered |= is_number;
        end = start;
    }
    Telling::No
}

fn is_one_of(word: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// What the identifier before `end` says about its value.
fn identifier(input: &[u8], start: usize, end: usize, signed: bool) -> Telling {
    // `key1`, `token2`
    let end = end - ByteSet::of(b"1-9").run_back(input, end, 1);
    let tokens = Tokens::split(&input[start..end]);
    let (one, other) = (singular(tokens.last(0)), tokens.last(1));
    let shouted = !one.is_empty() && input[end - one.len()..end].iter().all(u8::is_ascii_uppercase);
    let if_signed = if signed || shouted { Telling::Secret } else { Telling::IfDrawn };
    match one {
        b"key" if HARMLESS_KEYS.contains(&other) => Telling::No,
        b"key" if KEY_PAIRS.contains(&other) => Telling::Strong,
        b"key" if !other.is_empty() => Telling::Secret,
        b"key" => key_after(input, start, shouted && !signed),
        _ if SECRETS.contains(&one) && !COUNTED.contains(&other) => {
            if SESSIONS.contains(&one) {
                Telling::Secret
            } else {
                Telling::Strong
            }
        }
        b"response" if is_digest(input, start) => Telling::Secret,
        b"login" if other.ends_with(b"sonar") => Telling::Strong,
        b"id" if other == b"reporter" => Telling::Secret,
        b"login" | b"id" => Telling::No,
        b"code" if in_query(input, start) => Telling::Code,
        b"policy" if in_query(input, start) => Telling::IfDrawn,
        b"response" | b"code" | b"policy" => Telling::No,
        b"private" => Telling::Strong,
        _ if SOMETIMES.contains(&one) => if_signed,
        _ => written_together(&input[start..end]),
    }
}

/// What `key` says after the word before `start`: `api key`, `public key`.
fn key_after(input: &[u8], start: usize, shouted: bool) -> Telling {
    let end = start - ByteSet::of(b" ").run_back(input, start, 1);
    let len = LETTERS.run_back(input, end, WRITTEN_BYTES_MAX);
    let word = &input[end - len..end];
    let ends =
        |known: &&[u8]| len >= known.len() && word[len - known.len()..].eq_ignore_ascii_case(known);
    if end < start && KEY_PAIRS.iter().any(ends) {
        return Telling::Strong;
    }
    if end < start && is_one_of(word, HARMLESS_KEYS) {
        return Telling::No;
    }
    if end < start && is_used(&input[..end]) {
        return Telling::Secret;
    }
    if shouted { Telling::Secret } else { Telling::IfDrawn }
}

/// Words that are read before a key.
const WORDS_BEFORE: usize = 3;

/// `using key = …`, `your acme key is …`: the key is one that is passed to a service.
fn is_used(head: &[u8]) -> bool {
    let head = &head[head.len().saturating_sub(2 * IDENTIFIER_BYTES_MAX)..];
    let mut words = head.rsplit(|&byte| byte == b' ').take(WORDS_BEFORE);
    words.any(|word| is_one_of(word, USES))
}

fn in_query(input: &[u8], start: usize) -> bool {
    matches!(before(input, start), b'?' | b'&')
}

/// Whether the credentials of a Digest (RFC 7616) start before `start`.
fn is_digest(input: &[u8], start: usize) -> bool {
    let from = start.saturating_sub(DIGEST_BYTES_MAX);
    memchr::memmem::find(&input[from..start], b"igest ").is_some()
}

/// `acmekey`, `refreshtoken`; but not `monkey`, `primarykey`.
fn written_together(identifier: &[u8]) -> Telling {
    let len = LETTERS.run_back(identifier, identifier.len(), WRITTEN_BYTES_MAX);
    let mut word = [0u8; WRITTEN_BYTES_MAX];
    let word = &mut word[..len];
    word.copy_from_slice(&identifier[identifier.len() - len..]);
    word.make_ascii_lowercase();
    let word = &*word;
    const ENDINGS: [&[u8]; 9] = [
        b"token",
        b"secret",
        b"apikey",
        b"password",
        b"passwd",
        b"pwd",
        b"secretkey",
        b"privatekey",
        b"accesskey",
    ];
    if ENDINGS.iter().any(|ending| word.ends_with(ending)) {
        return Telling::Secret;
    }
    match word.strip_suffix(b"key") {
        Some(rest)
            if !rest.is_empty() && !HARMLESS_KEYS.contains(&rest) && !NOT_KEYS.contains(&word) =>
        {
            Telling::IfDrawn
        }
        _ => Telling::No,
    }
}

fn singular(word: &[u8]) -> &[u8] {
    match word {
        b"access" => word,
        [one @ .., b's'] if !one.is_empty() => one,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_rejects_a_word_that_tells() {
        let words = SECRETS.iter().chain(SOMETIMES).chain(SMALL);
        let words = words.map(|word| String::from_utf8(word.to_vec()).unwrap());
        let written = ["refreshtoken", "mysecret", "acmekey", "dbpassword", "xpwd", "connection"];
        let mut told = 0;
        for word in words.chain(written.map(str::to_owned)) {
            let capital = word[..1].to_uppercase() + &word[1..];
            for spelt in [word.clone(), word.to_uppercase(), capital] {
                for before in ["a log of ", "x=1, my_", "see acme", "a secret ", "token "] {
                    for after in ["=", ": ", "s=", "s: \"", "1 = '", "2: ", " is ", " 2: ", " -> "]
                    {
                        let text = format!("{before}{spelt}{after}");
                        if telling(text.as_bytes(), text.len()) != Telling::No {
                            let end = text.trim_end_matches(|c| !char::is_alphanumeric(c)).len();
                            assert!(ends_in_word(text.as_bytes(), end), "{text}");
                            told += 1;
                        }
                    }
                }
            }
        }
        assert!(told > 1000, "{told}");
        for text in ["a connection: ", "with success: ", "in status: "] {
            assert!(!may_be_told(text.as_bytes(), text.len()), "{text}");
        }
    }

    #[test]
    fn the_words_before_a_value_tell() {
        for (text, want) in [
            ("acme_key=", Telling::Secret),
            ("acme_key1=", Telling::Secret),
            ("AcmeKey := \"", Telling::Secret),
            ("key=", Telling::IfDrawn),
            ("SECRET KEY ", Telling::Strong),
            ("acme KEY ", Telling::Secret),
            ("acme key ", Telling::IfDrawn),
            ("session ", Telling::Secret),
            ("ROW KEY ", Telling::No),
            ("acmekey: ", Telling::IfDrawn),
            ("token - '", Telling::Strong),
            ("secret in use: ", Telling::Strong),
            ("cache_key=", Telling::No),
            ("monkey=", Telling::No),
            ("publickey: ", Telling::No),
            ("auth-token-rotator job ", Telling::No),
            ("token-service build ", Telling::No),
            ("sha256 signature check ", Telling::No),
            ("", Telling::No),
            ("key", Telling::No),
        ] {
            assert_eq!(telling(text.as_bytes(), text.len()), want, "{text}");
        }
    }
}
