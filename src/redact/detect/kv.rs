//! `key=value`, `key: value`, `"key": "value"` inside texts, anchored at the sign.
//!
//! The identifier before the sign goes through the same key decision as a structured key; what
//! follows is a value of that class.

use super::{kv_value, shape};
use crate::redact::bytes::{ByteSet, SPACE, at, before};
use crate::redact::find::Finder;
use crate::redact::key_words as words;
use crate::redact::kind::KeyClass;
use crate::redact::rules::Rules;

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

/// A filter in front of [`find`]: whether the bytes before the sign at `p` can end a telling key.
///
/// Looks at the last letters of the key only; wrong in one direction, never in the other.
#[inline(always)]
pub(super) fn may_be(rules: &Rules, v: &[u8], p: usize) -> bool {
    let b = before(v, p);
    let end = p - usize::from(b == b'"');
    if before(v, end).is_ascii_alphabetic() {
        return rules.key_tails.may_end_at(v, end);
    }
    // `12:34`
    let time = b.is_ascii_digit() && at(v, p) == b':' && at(v, p + 1).is_ascii_digit();
    !time && may_be_behind(rules, v, p)
}

/// The same where spaces, a quote, digits or a dash stand between the letters and the sign.
#[inline(never)]
fn may_be_behind(rules: &Rules, v: &[u8], p: usize) -> bool {
    let mut end = quote_end(v, p).0;
    end -= DIGIT.run_back(v, end, 4);
    end -= DASH.run_back(v, end, 4);
    before(v, end).is_ascii_alphabetic() && rules.key_tails.may_end_at(v, end)
}

/// The end of the identifier before the sign at `p`, and whether a quote stands between.
#[inline]
fn quote_end(v: &[u8], p: usize) -> (usize, bool) {
    let mut end = p - usize::from(before(v, p) == b'?');
    end -= BLANK.run_back(v, end, 3);
    let quoted = matches!(before(v, end), b'"' | b'\'');
    if quoted {
        end -= 1;
        end -= usize::from(before(v, end) == b'\\');
    }
    (end, quoted)
}

/// `p` is a `=` or a `:`.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if p < f.kv_from || !may_be(f.rules, v, p) {
        return;
    }
    let Some((behind, colon)) = sign_end(v, p) else { return };
    let Some(key) = key_before(v, p) else { return };
    f.spend(key.end - key.start + 8);
    if behind > p && at(v, p) == b'=' {
        shape::azure(f, &v[key.start..key.end], behind);
    }
    let (class, two_words) = decide(f, &key);
    if class == KeyClass::Plain {
        return;
    }
    if before(v, key.start) == b'/' && class != KeyClass::Password {
        return;
    }
    let i = behind + SPACE.run(v, behind, 3);
    let found = kv_value::Found {
        class,
        key: &v[key.start..key.end],
        two_words,
        colon,
        quoted_key: key.quoted,
        query: matches!(before(v, key.start), b'?' | b'&'),
    };
    kv_value::find(f, &found, i);
}

/// Where the sign at `p` ends, and whether it is a plain colon; `None` if it is no assignment.
fn sign_end(v: &[u8], p: usize) -> Option<(usize, bool)> {
    if matches!(before(v, p), b':' | b'=' | b'!' | b'<' | b'>') {
        return None;
    }
    match &v[p..] {
        [b'=', b'>', ..] => Some((p + 2, false)),
        [b'=', b'=', ..] => None,
        [b'=', ..] => Some((p + 1, false)),
        [b':', b'=', ..] => Some((p + 2, false)),
        [b':', b':', b'=', ..] => Some((p + 3, false)),
        [b':', b':', b':', b'=', ..] => Some((p + 4, false)),
        [b':', b':', ..] | [b':', b'/', b'/', ..] => None,
        _ => Some((p + 1, true)),
    }
}

/// The identifier in front of the sign at `p`, with a quote and up to three spaces between.
fn key_before(v: &[u8], p: usize) -> Option<Key> {
    let (mut end, quoted) = quote_end(v, p);
    let run = KEY.run_back(v, end, KEY_BYTES_MAX + 1);
    if run > KEY_BYTES_MAX {
        return None;
    }
    let mut start = end - run;
    if before(v, start) == b'*' {
        return None;
    }
    while start < end && !v[start].is_ascii_alphabetic() {
        start += 1;
    }
    while end > start && matches!(v[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    (end - start >= 2).then_some(Key { start, end, quoted })
}

/// The key decision, and whether it took the word before: `customer name: …`.
fn decide(f: &Finder<'_>, key: &Key) -> (KeyClass, bool) {
    let v = f.v;
    let text = &v[key.start..key.end];
    if !key.quoted && before(v, key.start) == b' ' && text.len() <= 8 {
        let class = two_words(f, key, text);
        if class != KeyClass::Plain {
            return (class, true);
        }
    }
    (f.rules.key(text, None), false)
}

fn two_words(f: &Finder<'_>, key: &Key, text: &[u8]) -> KeyClass {
    let mut low = [0u8; 8];
    low[..text.len()].copy_from_slice(text);
    low.make_ascii_lowercase();
    let word = &low[..text.len()];
    if !matches!(word, b"name" | b"address" | b"number" | b"key" | b"code" | b"security" | b"phone")
    {
        return KeyClass::Plain;
    }
    let end = key.start - 1;
    let len = ByteSet::of(b"A-Za-z").run_back(f.v, end, 16);
    if !(2..=14).contains(&len) || KEY.has(before(f.v, end - len)) {
        return KeyClass::Plain;
    }
    let mut both = [0u8; 24];
    let first = &mut both[..len];
    first.copy_from_slice(&f.v[end - len..end]);
    first.make_ascii_lowercase();
    if word == b"address" && !words::lives_at(first) {
        return KeyClass::Plain;
    }
    both[len] = b'_';
    both[len + 1..len + 1 + word.len()].copy_from_slice(word);
    f.rules.key(&both[..len + 1 + word.len()], None)
}

/// Which endings a telling key can have: the last letters of the words that make keys telling.
///
/// The first tables know the last four bytes, and of longer words two more. What passes is looked up by
/// the whole of the last word, up to six letters of it. All are wrong in one direction only.
#[derive(Debug, Clone)]
pub(crate) struct KeyTails {
    /// The last four bytes of all words, by a hash of five bits of each byte: small, to stay near.
    four: [u64; 256],
    /// The last four bytes of words of up to five letters, by a hash of five bits of each byte.
    short: Box<[u64; 1024]>,
    /// The last four of the others.
    long: Box<[u64; 1024]>,
    /// The last six of these.
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

/// The same of the two before these, too.
#[inline(always)]
fn six_index(four: u32, [a, b]: [u8; 2]) -> usize {
    let two = u32::from(a & 31) << 5 | u32::from(b & 31);
    four_index(four) ^ (two.wrapping_mul(0x85EB_CA6B) >> 16) as usize
}

#[inline(always)]
fn has(table: &[u64; 1024], i: usize) -> bool {
    table[i >> 6 & 1023] >> (i & 63) & 1 != 0
}

fn set(table: &mut [u64; 1024], i: usize) {
    table[i >> 6 & 1023] |= 1 << (i & 63);
}

/// Adds a letter, whatever its case, to the hash of those behind it.
#[inline]
fn more_hash(hash: u32, b: u8) -> u32 {
    (hash ^ u32::from(b & 31)).wrapping_mul(0x9E37_79B1).rotate_left(7)
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

    /// Lets every key through, for rules that look inside words.
    pub(crate) fn open(&mut self) {
        self.open = true;
    }

    /// Adds the ending of `word`, and of its plural. `word` may be two tokens with a `_` between.
    pub(crate) fn add(&mut self, word: &[u8]) {
        let word = &word[..word.len() - DIGIT.run_back(word, word.len(), 4)];
        let known = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
        let last = word.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
        if known < 2 || last == 0 || word.iter().any(|b| !b.is_ascii_alphabetic() && !DASH.has(*b))
        {
            // Nothing to know it by.
            self.open = true;
            return;
        }
        for plural in [&b""[..], b"s"] {
            let letters = || plural.iter().chain(word.iter().rev()).filter(|b| !DASH.has(**b));
            for separator in [None, Some(b'_'), Some(b'-'), Some(b'.'), Some(b' ')] {
                let spelt = |b: &u8| if DASH.has(*b) { separator } else { Some(*b) };
                let mut six = [0u8; 6];
                let bytes = plural.iter().chain(word.iter().rev()).filter_map(spelt);
                let known = bytes.zip(six.iter_mut().rev()).map(|(b, to)| *to = b).count();
                let [a, b, c, d, e, f] = six;
                if known < 6 {
                    self.set_short([c, d, e, f], known);
                } else {
                    self.set_four([c, d, e, f]);
                    set(&mut self.long, four_index(u32::from_le_bytes([c, d, e, f])));
                    set(&mut self.six, six_index(u32::from_le_bytes([c, d, e, f]), [a, b]));
                }
            }
            let (mut hash, mut len) = (0, 0);
            for &b in letters().take(TAIL_LETTERS_MAX) {
                hash = more_hash(hash, b);
                len += 1;
            }
            let i = more_index(hash, len);
            self.more[i >> 6] |= 1 << (i & 63);
        }
    }

    /// Notes an ending of which the last `known` bytes are known.
    fn set_short(&mut self, four: [u8; 4], known: usize) {
        if known >= 4 {
            self.set_four(four);
            return set(&mut self.short, four_index(u32::from_le_bytes(four)));
        }
        for b in 0..32 {
            let mut four = four;
            four[3 - known] = b;
            self.set_short(four, known + 1);
        }
    }

    fn set_four(&mut self, four: [u8; 4]) {
        let i = four_index(u32::from_le_bytes(four)) >> 2;
        self.four[i >> 6 & 255] |= 1 << (i & 63);
    }

    /// Whether every key is let through.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// The first look of all: whether a key that ends in these bytes, the last one a letter, can be
    /// telling.
    #[inline(always)]
    pub(super) fn may_end(&self, four: u32) -> bool {
        let i = four_index(four) >> 2;
        self.four[i >> 6 & 255] >> (i & 63) & 1 != 0
    }

    /// Whether a key that ends right before `end`, in a letter, can be telling.
    #[inline(always)]
    fn may_end_at(&self, v: &[u8], end: usize) -> bool {
        self.may_end_bytes(v, end) && (self.open || self.may_end_word(v, end))
    }

    /// The next look: whether the last bytes before `end` can be those of a telling key.
    #[inline(always)]
    fn may_end_bytes(&self, v: &[u8], end: usize) -> bool {
        let Some(&[a, b, c, d, e, f]) = end.checked_sub(6).and_then(|from| v.get(from..end)) else {
            return true;
        };
        let four = u32::from_le_bytes([c, d, e, f]);
        let i = four_index(four);
        let long = has(&self.long, i) && has(&self.six, six_index(four, [a, b]));
        has(&self.short, i) || long || self.open
    }

    /// The second look, at up to six letters.
    #[inline(never)]
    fn may_end_word(&self, v: &[u8], end: usize) -> bool {
        if end < 3 {
            return true;
        }
        let mut hash = 0;
        let mut at = end;
        for len in 1..=TAIL_LETTERS_MAX {
            // `tax_id` is known as `taxid`: two letters alone would let every id through.
            at -= usize::from(len > 1 && matches!(before(v, at), b'_' | b'-' | b'.' | b' '));
            let b = before(v, at);
            if !b.is_ascii_alphabetic() {
                return false;
            }
            at -= 1;
            hash = more_hash(hash, b);
            let i = more_index(hash, len);
            if len >= 2 && self.more[i >> 6] >> (i & 63) & 1 != 0 {
                return true;
            }
        }
        false
    }
}
