//! `key=value`, `key: value`, `"key": "value"` inside texts, anchored at the sign.
//!
//! The identifier before the sign goes through the same key decision as a structured key; the text after it is a value
//! of that class.

use super::{kv_value, shape};
use crate::bytes::{ByteSet, SPACE, at, before};
use crate::hits::Finder;
use crate::key_words as words;
use crate::kind::KeyClass;
use crate::rules::Rules;

const KEY: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
const KEY_BYTES_MAX: usize = 64;
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const DASH: ByteSet = ByteSet::of(b"_.\\-");
const BLANK: ByteSet = ByteSet::of(b" \t");

/// A key in a text.
struct Key {
    start: usize,
    end: usize,
    quoted: bool,
}

/// A filter applied before [`find`]: whether the bytes before the sign at `pos` can end a sensitive key.
///
/// Uses the last letters of the key only; it may accept too much, but never rejects a sensitive key.
#[inline(always)]
pub(super) fn may_be(rules: &Rules, input: &[u8], pos: usize) -> bool {
    let byte = before(input, pos);
    let end = pos - usize::from(byte == b'"');
    if before(input, end).is_ascii_alphabetic() {
        return rules.key_tails.may_end_at(input, end);
    }
    // `12:34`
    let time =
        byte.is_ascii_digit() && at(input, pos) == b':' && at(input, pos + 1).is_ascii_digit();
    !time && may_be_with_gap(rules, input, pos)
}

/// The same where spaces, a quote, digits or a dash occur between the letters and the sign.
#[inline(never)]
fn may_be_with_gap(rules: &Rules, input: &[u8], pos: usize) -> bool {
    let mut end = quote_end(input, pos).0;
    end -= DIGIT.run_back(input, end, 4);
    end -= DASH.run_back(input, end, 4);
    before(input, end).is_ascii_alphabetic() && rules.key_tails.may_end_at(input, end)
}

/// The end of the identifier before the sign at `pos`, and whether a quote follows it.
#[inline]
fn quote_end(input: &[u8], pos: usize) -> (usize, bool) {
    let mut end = pos - usize::from(before(input, pos) == b'?');
    end -= BLANK.run_back(input, end, 3);
    let quoted = matches!(before(input, end), b'"' | b'\'');
    if quoted {
        end -= 1;
        end -= usize::from(before(input, end) == b'\\');
    }
    (end, quoted)
}

/// `pos` is a `=` or a `:`.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if pos < finder.kv_from || !may_be(finder.rules, input, pos) {
        return;
    }
    let Some((behind, colon)) = sign_end(input, pos) else { return };
    let Some(key) = key_before(input, pos) else { return };
    finder.spend(key.end - key.start + 8);
    if behind > pos && at(input, pos) == b'=' {
        shape::azure(finder, &input[key.start..key.end], behind);
    }
    let (class, two_words) = decide(finder, &key);
    if class == KeyClass::Plain {
        return;
    }
    if before(input, key.start) == b'/' && class != KeyClass::Password {
        return;
    }
    let i = behind + SPACE.run(input, behind, 3);
    let found = kv_value::Found {
        class,
        key: &input[key.start..key.end],
        two_words,
        colon,
        quoted_key: key.quoted,
        query: matches!(before(input, key.start), b'?' | b'&'),
    };
    kv_value::find(finder, &found, i);
}

/// The end of the sign at `pos`, and whether it is a plain colon; `None` if it is not an assignment.
fn sign_end(input: &[u8], pos: usize) -> Option<(usize, bool)> {
    if matches!(before(input, pos), b':' | b'=' | b'!' | b'<' | b'>') {
        return None;
    }
    match &input[pos..] {
        [b'=', b'>', ..] => Some((pos + 2, false)),
        [b'=', b'=', ..] => None,
        [b'=', ..] => Some((pos + 1, false)),
        [b':', b'=', ..] => Some((pos + 2, false)),
        [b':', b':', b'=', ..] => Some((pos + 3, false)),
        [b':', b':', b':', b'=', ..] => Some((pos + 4, false)),
        [b':', b':', ..] | [b':', b'/', b'/', ..] => None,
        _ => Some((pos + 1, true)),
    }
}

/// The identifier before the sign at `pos`, with a quote and up to three spaces between.
fn key_before(input: &[u8], pos: usize) -> Option<Key> {
    let (mut end, quoted) = quote_end(input, pos);
    let run = KEY.run_back(input, end, KEY_BYTES_MAX + 1);
    if run > KEY_BYTES_MAX {
        return None;
    }
    let mut start = end - run;
    if before(input, start) == b'*' {
        return None;
    }
    while start < end && !input[start].is_ascii_alphabetic() {
        start += 1;
    }
    while end > start && matches!(input[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    (end - start >= 2).then_some(Key { start, end, quoted })
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
    finder.rules.key(&both[..len + 1 + word.len()], None)
}

/// The endings that a sensitive key can have: the last letters of the words that make keys sensitive.
///
/// The first tables hold the last four bytes, and the last six of longer words. Keys that pass are looked up by up to
/// six letters of the last word. All tables may accept too much, but never reject a sensitive key.
#[derive(Debug, Clone)]
pub(crate) struct KeyTails {
    /// The last four bytes of all words, by a hash of five bits of each byte: small enough to stay in cache.
    four: [u64; 256],
    /// The last four bytes of words of up to five letters, by a hash of five bits of each byte.
    short: Box<[u64; 1024]>,
    /// The last four bytes of longer words.
    long: Box<[u64; 1024]>,
    /// The last six bytes of longer words.
    six: Box<[u64; 1024]>,
    /// By a hash of the last 2 to 6 letters and their number.
    more: Box<[u64; 256]>,
    open: bool,
}

/// Most letters of an ending.
const TAIL_LETTERS_MAX: usize = 6;

/// A hash of five bits of each of the last four bytes, whatever their case.
#[inline(always)]
fn four_index(bytes: u32) -> usize {
    ((bytes & 0x1F1F_1F1F).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// A hash of five bits of each of the last six bytes, whatever their case.
#[inline(always)]
fn six_index(four: u32, [a, byte]: [u8; 2]) -> usize {
    let two = u32::from(a & 31) << 5 | u32::from(byte & 31);
    four_index(four) ^ (two.wrapping_mul(0x85EB_CA6B) >> 16) as usize
}

#[inline(always)]
fn has(table: &[u64; 1024], index: usize) -> bool {
    table[index >> 6 & 1023] >> (index & 63) & 1 != 0
}

fn set(table: &mut [u64; 1024], index: usize) {
    table[index >> 6 & 1023] |= 1 << (index & 63);
}

/// Adds a letter, whatever its case, to the hash of the letters after it.
#[inline]
fn more_hash(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte & 31)).wrapping_mul(0x9E37_79B1).rotate_left(7)
}

/// The place of an ending of `len` letters in the second table.
#[inline]
fn more_index(hash: u32, len: usize) -> usize {
    // The top fourteen bits, moved apart for each length.
    ((hash >> 18) as usize + len * 2731) & 0x3FFF
}

impl KeyTails {
    /// The endings of the built-in words.
    pub(crate) fn new() -> KeyTails {
        let mut tails = KeyTails {
            four: [0; 256],
            short: Box::new([0; 1024]),
            long: Box::new([0; 1024]),
            six: Box::new([0; 1024]),
            more: Box::new([0; 256]),
            open: false,
        };
        for word in words::LAST_TOKENS {
            tails.add(word);
        }
        tails
    }

    /// Accepts every key, for rules that match inside words.
    pub(crate) fn open(&mut self) {
        self.open = true;
    }

    /// Adds the ending of `word`, and of its plural. `word` may be two tokens with a `_` between.
    pub(crate) fn add(&mut self, word: &[u8]) {
        let word = &word[..word.len() - DIGIT.run_back(word, word.len(), 4)];
        let known = word.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let last = word.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if known < 2
            || last == 0
            || word.iter().any(|byte| !byte.is_ascii_alphabetic() && !DASH.has(*byte))
        {
            // The word has too few bytes to index.
            self.open = true;
            return;
        }
        for plural in [&b""[..], b"s"] {
            let letters =
                || plural.iter().chain(word.iter().rev()).filter(|byte| !DASH.has(**byte));
            for separator in [None, Some(b'_'), Some(b'-'), Some(b'.'), Some(b' ')] {
                let spelt = |byte: &u8| if DASH.has(*byte) { separator } else { Some(*byte) };
                let mut six = [0u8; 6];
                let bytes = plural.iter().chain(word.iter().rev()).filter_map(spelt);
                let known = bytes.zip(six.iter_mut().rev()).map(|(byte, to)| *to = byte).count();
                let [a, byte, c, d, e, finder] = six;
                if known < 6 {
                    self.set_short([c, d, e, finder], known);
                } else {
                    self.set_four([c, d, e, finder]);
                    set(&mut self.long, four_index(u32::from_le_bytes([c, d, e, finder])));
                    set(&mut self.six, six_index(u32::from_le_bytes([c, d, e, finder]), [a, byte]));
                }
            }
            let (mut hash, mut len) = (0, 0);
            for &byte in letters().take(TAIL_LETTERS_MAX) {
                hash = more_hash(hash, byte);
                len += 1;
            }
            let i = more_index(hash, len);
            self.more[i >> 6] |= 1 << (i & 63);
        }
    }

    /// Adds an ending whose last `known` bytes are given.
    fn set_short(&mut self, four: [u8; 4], known: usize) {
        if known >= 4 {
            self.set_four(four);
            return set(&mut self.short, four_index(u32::from_le_bytes(four)));
        }
        for byte in 0..32 {
            let mut four = four;
            four[3 - known] = byte;
            self.set_short(four, known + 1);
        }
    }

    fn set_four(&mut self, four: [u8; 4]) {
        let i = four_index(u32::from_le_bytes(four)) >> 2;
        self.four[i >> 6 & 255] |= 1 << (i & 63);
    }

    /// Whether every key is accepted.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// The first filter: whether a key that ends in these bytes, the last one a letter, can be sensitive.
    #[inline(always)]
    pub(super) fn may_end(&self, four: u32) -> bool {
        let i = four_index(four) >> 2;
        self.four[i >> 6 & 255] >> (i & 63) & 1 != 0
    }

    /// Whether a key that ends right before `end`, in a letter, can be sensitive.
    #[inline(always)]
    fn may_end_at(&self, input: &[u8], end: usize) -> bool {
        self.may_end_bytes(input, end) && (self.open || self.may_end_letters(input, end))
    }

    /// The second filter: whether the last bytes before `end` can be those of a sensitive key.
    #[inline(always)]
    fn may_end_bytes(&self, input: &[u8], end: usize) -> bool {
        let Some(&[a, byte, c, d, e, finder]) =
            end.checked_sub(6).and_then(|from| input.get(from..end))
        else {
            return true;
        };
        let four = u32::from_le_bytes([c, d, e, finder]);
        let i = four_index(four);
        let long = has(&self.long, i) && has(&self.six, six_index(four, [a, byte]));
        has(&self.short, i) || long || self.open
    }

    /// The third filter, which uses up to six letters.
    #[inline(never)]
    fn may_end_letters(&self, input: &[u8], end: usize) -> bool {
        if end < 3 {
            return true;
        }
        let mut hash = 0;
        let mut at = end;
        for len in 1..=TAIL_LETTERS_MAX {
            // `tax_id` is stored as `taxid`: two letters alone would accept every id.
            at -= usize::from(len > 1 && matches!(before(input, at), b'_' | b'-' | b'.' | b' '));
            let byte = before(input, at);
            if !byte.is_ascii_alphabetic() {
                return false;
            }
            at -= 1;
            hash = more_hash(hash, byte);
            let i = more_index(hash, len);
            if len >= 2 && self.more[i >> 6] >> (i & 63) & 1 != 0 {
                return true;
            }
        }
        false
    }
}
