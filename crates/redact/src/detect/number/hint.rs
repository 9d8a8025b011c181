//! Reads the words before and after a number.
//!
//! Promises: reads at most a few words, allocates nothing. A hint never reaches across a replacement: otherwise
//! redaction could shorten a text and bring a distant word close enough to change the result of a second pass.

use super::words::{Hint, WORD_BYTES_MAX, WORDS};
use crate::bytes::{ByteSet, at, before};

/// Bytes that may separate a word from its number, and small words from each other.
const BETWEEN: ByteSet = ByteSet::of(b" \t:=#\"'(._\\-");
/// Most bytes between a word and a number.
const GAP_BYTES_MAX: usize = 4;
/// Most words that are read before a number.
const WORDS_MAX: usize = 6;
/// A byte of a word: an ASCII letter, or any part of another letter.
const LETTER: ByteSet = ByteSet::of(&[b'A', b'-', b'Z', b'a', b'-', b'z', 0x80, b'-', 0xFF]);

/// Signs outside of ASCII that separate a word from its number: no-break space, full-width colon and equals sign.
const WIDE_GAPS: [&[u8]; 4] =
    ["\u{A0}".as_bytes(), "\u{FF1A}".as_bytes(), "\u{FF1D}".as_bytes(), "\u{3000}".as_bytes()];

/// Slots of the table of words.
const SLOTS: usize = 2048;

/// The words by hash: number of the group and number within the group, both plus one; 0 is free.
static TABLE: [(u8, u8); SLOTS] = table();

/// For each hash of the last three bytes of a word what words may end like this: bits of [`AFTER_TELLING`],
/// [`AFTER_SMALL`] and [`AFTER_ANY`].
static ENDINGS: [u8; 1 << 15] = endings();
/// A word that makes a number worth a look.
const AFTER_TELLING: u8 = 1;
/// A word that occurs between such a word and the number.
const AFTER_SMALL: u8 = 2;
/// Any word.
const AFTER_ANY: u8 = 4;

const fn hash(word: &[u8]) -> usize {
    let (mut hash, mut i) = (0x811C_9DC5_u32, 0);
    while i < word.len() {
        hash = (hash ^ word[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ hash >> 15) as usize % SLOTS
}

const fn table() -> [(u8, u8); SLOTS] {
    let mut table = [(0, 0); SLOTS];
    let mut group = 0;
    while group < WORDS.len() {
        let words = WORDS[group].1;
        let mut i = 0;
        while i < words.len() {
            let mut slot = hash(words[i].as_bytes());
            while table[slot].0 != 0 {
                slot = (slot + 1) % SLOTS;
            }
            table[slot] = (group as u8 + 1, i as u8);
            i += 1;
        }
        group += 1;
    }
    table
}

/// The same for a capital and its small letter: five bits of an ASCII letter, four of a byte of another letter.
#[inline(always)]
const fn letter_class(byte: u8) -> usize {
    byte as usize & if byte < 0x80 { 31 } else { 30 }
}

/// The place of the last three bytes of a word in [`ENDINGS`]; the first ones are 0 for shorter words.
#[inline(always)]
const fn ending(a: u8, b: u8, c: u8) -> usize {
    letter_class(a) | letter_class(b) << 5 | letter_class(c) << 10
}

const fn endings() -> [u8; 1 << 15] {
    let mut table = [0; 1 << 15];
    let mut group = 0;
    while group < WORDS.len() {
        let (hint, words) = WORDS[group];
        let kind = if hint.has(Hint::SMALL) {
            AFTER_SMALL | AFTER_ANY
        } else if hint.has(Hint::AMOUNT.with(Hint::THING)) {
            AFTER_ANY
        } else {
            AFTER_TELLING | AFTER_ANY
        };
        let mut i = 0;
        while i < words.len() {
            let word = words[i].as_bytes();
            let c = word[word.len() - 1];
            let b = if word.len() > 1 { word[word.len() - 2] } else { 0 };
            let a = if word.len() > 2 { word[word.len() - 3] } else { 0 };
            table[ending(a, b, c)] |= kind;
            table[ending(b, c, b's')] |= kind;
            i += 1;
        }
        group += 1;
    }
    table
}

/// The bytes that separate a word that ends before `end` from what follows.
fn gap(input: &[u8], end: usize) -> usize {
    let mut len = 0;
    while len < GAP_BYTES_MAX {
        let text = &input[..end - len];
        if text.last().is_some_and(|&byte| BETWEEN.has(byte)) {
            len += 1;
        } else if let Some(wide) = WIDE_GAPS.iter().find(|wide| text.ends_with(wide)) {
            len += wide.len();
        } else if text.ends_with(b":\n") && len == 0 {
            len += 2;
        } else {
            break;
        }
    }
    len
}

/// A filter applied before [`before_number`]: whether the words before `start` may say that the number is personal.
#[inline]
pub(crate) fn may_be(input: &[u8], start: usize) -> bool {
    may_be_unless(input, start, || false)
}

/// [`may_be`], but not if `is_other`, which is asked before more than one word is read.
#[inline]
pub(crate) fn may_be_unless(input: &[u8], start: usize, is_other: impl FnOnce() -> bool) -> bool {
    match may_end(input, start) {
        0 | AFTER_ANY => false,
        _ if is_other() => false,
        kind if kind & AFTER_TELLING != 0 => true,
        _ => may_be_further(input, start),
    }
}

/// [`may_be`] after a small word.
#[inline(never)]
fn may_be_further(input: &[u8], start: usize) -> bool {
    let mut end = start;
    for _ in 1..WORDS_MAX {
        end -= gap(input, end).min(end);
        end -= LETTER.run_back(input, end, WORD_BYTES_MAX);
        let kind = may_end(input, end);
        if kind & AFTER_SMALL == 0 || kind & AFTER_TELLING != 0 {
            return kind & AFTER_TELLING != 0;
        }
    }
    false
}

/// For each byte: 1 if it is in [`BETWEEN`], 2 if it is in [`LETTER`].
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = BETWEEN.has(byte as u8) as u8 | (LETTER.has(byte as u8) as u8) << 1;
        byte += 1;
    }
    table
};

/// What the word before `start` may be, by its ending.
#[inline(always)]
fn may_end(input: &[u8], start: usize) -> u8 {
    // A gap, and the last three bytes of the word.
    const BYTES: usize = GAP_BYTES_MAX + 3;
    let mut copy = [0; BYTES];
    let near = match input[..start].last_chunk() {
        Some(near) => near,
        None => {
            copy[BYTES - start..].copy_from_slice(&input[..start]);
            &copy
        }
    };
    let class = |i: usize| CLASS[usize::from(near[i])];
    let mut last = BYTES - 1;
    while last >= 3 && class(last) == 1 {
        last -= 1;
    }
    let c = near[last];
    if c >= 0x80 {
        return AFTER_TELLING | AFTER_ANY;
    }
    if class(last) != 2 {
        let next_line = c == b'\n' && last == BYTES - 1 && near[last - 1] == b':';
        return if next_line { AFTER_TELLING | AFTER_ANY } else { 0 };
    }
    let (a, b) = match (class(last - 2), class(last - 1)) {
        (2, 2) => (near[last - 2], near[last - 1]),
        (_, 2) => (0, near[last - 1]),
        _ => (0, 0),
    };
    ENDINGS[ending(a, b, c)]
}

/// What the words before `start` say about the number there.
pub(crate) fn before_number(input: &[u8], start: usize) -> Hint {
    let mut hint = Hint::NONE;
    if may_end(input, start) == 0 {
        return hint;
    }
    let mut end = start - gap(input, start).min(start);
    for _ in 0..WORDS_MAX {
        let (found, len) = word_before(input, end);
        end -= len;
        // The last four letters of a masked credential are not a word.
        if found == Hint::NONE || before(input, end) == b'*' {
            break;
        }
        hint = hint.with(found.without(Hint::SMALL));
        let open = Hint::SMALL.with(Hint::ID).with(Hint::CARD).with(Hint::SSN).with(Hint::CALL);
        if found.without(open) != Hint::NONE {
            break;
        }
        end -= gap(input, end).min(end);
    }
    hint
}

/// What the word that ends at `end` says, and its length. If it says nothing, its part from the last capital after a
/// small letter counts.
fn word_before(input: &[u8], end: usize) -> (Hint, usize) {
    let run = LETTER.run_back(input, end, WORD_BYTES_MAX);
    let word = &input[end - run..end];
    let whole = say(word);
    if whole != Hint::NONE {
        return (whole, run);
    }
    let hump = |i: &usize| word[*i].is_ascii_uppercase() && word[*i - 1].is_ascii_lowercase();
    match (1..run).rev().find(hump) {
        Some(i) => (say(&word[i..]), run - i),
        None => (Hint::NONE, run),
    }
}

/// What a word says; in languages without spaces, what its last characters say.
fn say(word: &[u8]) -> Hint {
    let mut low = [0; WORD_BYTES_MAX];
    let low = &mut low[..word.len()];
    low.copy_from_slice(word);
    lower(low);
    let whole = lookup(low);
    if whole != Hint::NONE {
        return whole;
    }
    // The second part of compounds: `Rückrufnummer`, `puhelinnumero`.
    let ends = [&b"nummer"[..], b"numero", b"number"];
    let first = ends.iter().filter_map(|end| low.strip_suffix(*end)).chain(low.strip_suffix(b"s"));
    let first = first.flat_map(|first| {
        let joint = first.strip_suffix(b"n").or(first.strip_suffix(b"s")).unwrap_or(first);
        [lookup(first), lookup(joint)]
    });
    let said = first.fold(Hint::NONE, Hint::with);
    if said != Hint::NONE {
        return said;
    }
    if low.last().is_some_and(|&byte| byte >= 0x80) && low.first().is_some_and(|&byte| byte >= 0xE0)
    {
        // Characters of three bytes: the last one to five.
        let ends =
            (1..=5).filter_map(|n| low.len().checked_sub(3 * n).map(|from| lookup(&low[from..])));
        let said = ends.fold(Hint::NONE, Hint::with);
        // A particle of one character follows a word directly.
        let is_particle = said == Hint::SMALL && low.len() > 3;
        return if is_particle { said.with(say(&low[..low.len() - 3])) } else { said };
    }
    Hint::NONE
}

fn lookup(word: &[u8]) -> Hint {
    let mut slot = hash(word);
    let mut hint = Hint::NONE;
    while let (group @ 1.., i) = TABLE[slot] {
        let (says, words) = WORDS[usize::from(group) - 1];
        if words[usize::from(i)].as_bytes() == word {
            hint = hint.with(says);
        }
        slot = (slot + 1) % SLOTS;
    }
    hint
}

/// Lower case for ASCII, and for the Latin, Greek and Cyrillic letters of two bytes.
fn lower(word: &mut [u8]) {
    word.make_ascii_lowercase();
    for i in 1..word.len() {
        match (word[i - 1], word[i]) {
            (0xC3, 0x80..=0x9E) | (0xD0, 0x90..=0x9F) | (0xCE, 0x91..=0x9F) => word[i] |= 0x20,
            // Capitals with a mark come before their small letters.
            (0xC4 | 0xC5, 0x80..=0xBF) => word[i] |= 1,
            (0xD0, 0xA0..=0xAF) => (word[i - 1], word[i]) = (0xD1, word[i] - 0x20),
            (0xCE, 0xA0..=0xA9) => (word[i - 1], word[i]) = (0xCF, word[i] - 0x20),
            _ => {}
        }
    }
}

/// Words after a number that was called or sent a message.
const AFTER_CALL: [&[u8]; 22] = [
    b"answered",
    b"busy",
    b"called",
    b"calling",
    b"connected",
    b"delivered",
    b"dialed",
    b"dialled",
    b"did",
    b"fax",
    b"hung",
    b"mobile",
    b"office",
    b"opted",
    b"rang",
    b"replied",
    b"ringing",
    b"texted",
    b"undelivered",
    b"unreachable",
    b"unsubscribed",
    b"voicemail",
];

/// The first three letters of these words.
static AFTER_CALL_STARTS: [u32; AFTER_CALL.len()] = {
    let mut starts = [0; AFTER_CALL.len()];
    let mut i = 0;
    while i < AFTER_CALL.len() {
        let [a, b, c, ..] = *AFTER_CALL[i] else { panic!() };
        starts[i] = u32::from_le_bytes([a, b, c, 0]);
        i += 1;
    }
    starts
};

/// Whether the word after `end` says that the number there was called.
pub(crate) fn is_called(input: &[u8], end: usize) -> bool {
    let start = end + usize::from(matches!(at(input, end), b',' | b'-'));
    let start = start + usize::from(at(input, start) == b' ');
    let [a, b, c] = [start, start + 1, start + 2].map(|i| at(input, i) | 0x20);
    let three = u32::from_le_bytes([a, b, c, 0]);
    // All are compared, without branches.
    if start == end || !AFTER_CALL_STARTS.iter().fold(false, |any, known| any | (*known == three)) {
        return false;
    }
    let len = LETTER.run(input, start, 16);
    let word = &input[start..start + len];
    AFTER_CALL.iter().any(|known| known.len() == len && known.eq_ignore_ascii_case(word))
}

/// Words after an amount: units and counted things.
const UNITS: [&[u8]; 44] = [
    b"b",
    b"byte",
    b"bytes",
    b"kb",
    b"kib",
    b"mb",
    b"mib",
    b"gb",
    b"gib",
    b"bits",
    b"ns",
    b"us",
    b"ms",
    b"s",
    b"sec",
    b"secs",
    b"second",
    b"seconds",
    b"minutes",
    b"hours",
    b"days",
    b"rows",
    b"lines",
    b"items",
    b"ops",
    b"records",
    b"events",
    b"requests",
    b"pages",
    b"blocks",
    b"ticks",
    b"cycles",
    b"points",
    b"files",
    b"objects",
    b"entries",
    b"tokens",
    b"times",
    b"nanoseconds",
    b"microseconds",
    b"milliseconds",
    b"messages",
    b"keys",
    b"usec",
];

/// Whether the number that ends at `end` is an amount by what follows it: a unit, or `%`.
pub(crate) fn is_amount(input: &[u8], end: usize) -> bool {
    let start = end + usize::from(at(input, end) == b' ');
    let len = LETTER.run(input, start, 16);
    at(input, start) == b'%'
        || UNITS.iter().any(|word| word.eq_ignore_ascii_case(&input[start..start + len]))
}
