//! The prefilter for keys in texts: whether the bytes before a `:` or `=` can end a sensitive key.
//!
//! All filters may accept too much, but never reject a sensitive key. They read a bounded number of bytes before the
//! sign, allocate nothing and never block; only building the tables allocates.

use std::sync::LazyLock;

use super::bytes::{ByteSet, at, before};
use super::key_words as words;
use super::rules::Rules;

const DIGIT: ByteSet = ByteSet::of(b"0-9");
const DASH: ByteSet = ByteSet::of(b"_.\\-");
/// Characters before the `=` of a compound sign.
const SIGN: ByteSet = ByteSet::of(b"?!.+|");
const BLANK: ByteSet = ByteSet::of(b" \t");

/// Bytes of a key that are searched for telling words, counted from the sign.
const KEY_BYTES_MAX: usize = 96;
/// Bytes that join the two words of a pair.
const JOINTS: [u8; 4] = [b'_', b'-', b'.', b' '];
/// Most bytes between two letters of a pair that are skipped; keys with more are accepted.
const JOINTS_MAX: usize = 8;
/// Bytes between the words of a key.
const BETWEEN: ByteSet = ByteSet::of(b"_.0-9[]\\-");

/// A filter applied before the detector: whether the key before the sign at `pos` can be a sensitive one.
///
/// Uses the last letters of each word of the key; it may accept too much, but never rejects a sensitive key.
#[inline(always)]
pub(crate) fn may_be(rules: &Rules, input: &[u8], pos: usize) -> bool {
    let byte = before(input, pos);
    let end = pos - usize::from(byte == b'"');
    if before(input, end).is_ascii_alphabetic() {
        return rules.key_tails.may_end_at(input, end) || earlier_word_may_end(rules, input, end);
    }
    !is_time(input, pos) && may_be_with_gap(rules, input, pos)
}

/// Whether the sign at `pos` is the colon of a time: `12:34`.
#[inline(always)]
pub(crate) fn is_time(input: &[u8], pos: usize) -> bool {
    let around = |byte: u8| byte.is_ascii_digit();
    at(input, pos) == b':' && around(before(input, pos)) && around(at(input, pos + 1))
}

/// The same where spaces, a quote, digits or a dash occur between the letters and the sign.
#[inline(never)]
fn may_be_with_gap(rules: &Rules, input: &[u8], pos: usize) -> bool {
    let mut end = quote_end(input, pos).0;
    end -= BETWEEN.run_back(input, end, 8);
    let byte = before(input, end);
    byte.is_ascii_alphabetic() && rules.key_tails.may_end_at(input, end)
        || earlier_word_may_end(rules, input, end)
}

/// Whether another word of the key that ends before `end` tells: at each end of a word, and before each capital.
/// Encoded and foreign keys are accepted.
#[inline(never)]
fn earlier_word_may_end(rules: &Rules, input: &[u8], end: usize) -> bool {
    let tails = &rules.key_tails;
    let mut is_end = false;
    for i in (end.saturating_sub(KEY_BYTES_MAX)..end).rev() {
        let byte = input[i];
        if byte.is_ascii_alphabetic() {
            let may_end = || match input[..=i].last_chunk() {
                Some(&four) => tails.may_end(u32::from_le_bytes(four)),
                None => true,
            };
            if is_end && may_end() && tails.may_end_at(input, i + 1) {
                return true;
            }
            is_end = byte.is_ascii_uppercase();
        } else if BETWEEN.has(byte) {
            is_end = true;
        } else {
            return !byte.is_ascii() || matches!(byte, b'%' | b'\\');
        }
    }
    tails.is_open()
}

/// Most spaces between a key and its sign.
const BLANKS_MAX: usize = 32;

/// The end of the identifier before the sign at `pos`, and whether a quote follows it.
///
/// Between both may be spaces, the other characters of `?=`, `.=`, `||=` and `!=`, brackets as in `x["key"] =`, and a
/// quote with the backslashes before it.
#[inline]
pub(crate) fn quote_end(input: &[u8], pos: usize) -> (usize, bool) {
    let mut end = pos - SIGN.run_back(input, pos, 2);
    end -= BLANK.run_back(input, end, BLANKS_MAX);
    while end > 0 && before(input, end) == b']' && pos - end < BLANKS_MAX + 8 {
        end -= 1 + usize::from(before(input, end - 1) == b'[');
    }
    let quoted = matches!(before(input, end), b'"' | b'\'' | b'`');
    if quoted {
        end -= 1;
        end -= ByteSet::of(b"\\\\").run_back(input, end, 15);
    }
    (end, quoted)
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
    more: Box<[u64; 2048]>,
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
    // The top seventeen bits, moved apart for each length.
    ((hash >> 15) as usize + len * 21_851) & 0x1_FFFF
}

impl KeyTails {
    /// The endings of the built-in words, which are computed once.
    pub(crate) fn new() -> KeyTails {
        static BUILT_IN: LazyLock<KeyTails> = LazyLock::new(|| {
            let mut tails = KeyTails {
                four: [0; 256],
                short: Box::new([0; 1024]),
                long: Box::new([0; 1024]),
                six: Box::new([0; 1024]),
                more: Box::new([0; 2048]),
                open: false,
            };
            tails.add_words();
            tails
        });
        BUILT_IN.clone()
    }

    /// Adds all words with which a telling part of a key can end.
    fn add_words(&mut self) {
        let of = |flag: u32| {
            let groups = words::GROUPS.iter().filter(move |group| group.is & flag != 0);
            groups.flat_map(|group| group.words.iter().filter(|word| word.is_ascii()))
        };
        for word in of(words::TELLS | words::TELLS_LAST) {
            self.add(word.as_bytes());
        }
        for (before, last) in [(words::KEYED, "key"), (words::PERSON, "name")] {
            of(before).for_each(|word| self.add(format!("{word}_{last}").as_bytes()));
            self.add_joined(last.as_bytes());
        }
        // Paths to a person's name, such as `users.name`.
        for word in of(words::PERSON).chain(words::USERS) {
            self.add(format!("{word}_name").as_bytes());
            self.add(format!("{word}s_name").as_bytes());
        }
        for pairs in words::PAIRS {
            for last in pairs.lasts {
                pairs.firsts.iter().for_each(|word| self.add(format!("{word}_{last}").as_bytes()));
                self.add_joined(last.as_bytes());
            }
        }
        let telling = words::GROUPS.iter().filter(|group| {
            group.is & words::PART != 0 && group.is & (words::TELLS | words::TELLS_LAST) != 0
        });
        for word in telling.flat_map(|group| group.words).chain(&["key"]) {
            of(words::FOLLOWS).for_each(|last| self.add(format!("{word}{last}").as_bytes()));
        }
        // `sig` is a parameter of signed addresses; `lat` and `lon` tell together. The last two continue a word before
        // a space: `mot de passe`.
        let others = "address addresse addr udf sig lat lon lng long passe sandi";
        others.split(' ').for_each(|word| self.add(word.as_bytes()));
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
        let [a, b, c, d] = JOINTS.map(Some);
        let separators = [None, a, b, c, d];
        let is_one_word = word.iter().all(u8::is_ascii_alphabetic);
        let separators = if is_one_word { &separators[..1] } else { &separators };
        for plural in [&b""[..], b"s"] {
            let letters =
                || plural.iter().chain(word.iter().rev()).filter(|byte| !DASH.has(**byte));
            for &separator in separators {
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

    /// Adds the second word of pairs where more than one byte joins it to the first one: `customer._name`.
    ///
    /// The tables with the letters of both words skip all that joins them.
    fn add_joined(&mut self, last: &[u8]) {
        let with = |plural: &[u8], joints: [u8; 2]| {
            let mut six = [0; 6];
            let bytes = plural.iter().chain(last.iter().rev()).chain(joints.iter().rev());
            bytes.zip(six.iter_mut().rev()).for_each(|(byte, to)| *to = *byte);
            six
        };
        for joints in JOINTS.iter().flat_map(|a| JOINTS.iter().map(move |byte| [*a, *byte])) {
            for plural in [&b""[..], b"s"] {
                let [a, byte, c, d, e, finder] = with(plural, joints);
                let four = [c, d, e, finder];
                self.set_four(four);
                if last.len() + plural.len() < 4 {
                    set(&mut self.short, four_index(u32::from_le_bytes(four)));
                } else {
                    set(&mut self.long, four_index(u32::from_le_bytes(four)));
                    set(&mut self.six, six_index(u32::from_le_bytes(four), [a, byte]));
                }
            }
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
    fn may_end(&self, four: u32) -> bool {
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
        let mut bytes = input[..end].iter().rev().copied();
        for len in 1..=TAIL_LETTERS_MAX {
            let mut byte = bytes.next().unwrap_or(0);
            // `tax_id` is stored as `taxid`: two letters alone would accept every id.
            if len > 1 {
                let mut joints = 0;
                while JOINTS.contains(&byte) {
                    byte = bytes.next().unwrap_or(0);
                    joints += 1;
                    if joints > JOINTS_MAX {
                        return true;
                    }
                }
            }
            if !byte.is_ascii_alphabetic() {
                return false;
            }
            hash = more_hash(hash, byte);
            let i = more_index(hash, len);
            if len >= 2 && self.more[i >> 6] >> (i & 63) & 1 != 0 {
                return true;
            }
        }
        false
    }
}
