//! The pass over a text: byte classes of 64 bytes at a time as bit masks, and the places that follow.
//!
//! Bit `i` of a mask describes byte `i` of a block. Classes are wider than what the detectors accept where
//! that is cheaper: they only select candidates.
//!
//! [`pass`] uses the fastest instructions that the processor has. It allocates nothing.

use std::ops::Range;

use super::byte_classes::{self, Tables};
use super::bytes::before;
use super::number_filter;
use super::text_tail::Tail;
use ringseal_base::simd::{self, Exact, Kernel, Load64, Lookup};

/// Bytes needed to classify a block: its 64 and the next two.
pub(crate) const VIEW: usize = 66;

/// The classes of 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Masks {
    /// `0`–`9`.
    pub(crate) digit: u64,
    /// The bytes of written numbers, and others that are cheap to include: up to `9` in ASCII order, and all outside of
    /// ASCII.
    pub(crate) number: u64,
    /// Letters, digits and `_`.
    pub(crate) word: u64,
    /// `+` to `~` in ASCII order: a superset of the bytes of credentials.
    pub(crate) chunk: u64,
    /// `:`.
    pub(crate) colon: u64,
    /// `-` and `.`.
    pub(crate) joint: u64,
    /// Rare bytes, combined into one mask: `:`, `<`, `=`, `$`, `%`, `@`, `~` and 0xEF; the first letters of
    /// [`KEYWORDS`]; and the byte before the dash or slash of an option: ` -p`, `"-u`, `--a`.
    pub(crate) rare: u64,
}

/// The first three letters of the words that may precede a secret, anywhere in a word: password, secret, token, api,
/// auth, credential, cookie, bearer, basic, begin, identified, code.
pub(crate) const KEYWORDS: [[u8; 3]; 12] = [
    *b"pas", *b"sec", *b"tok", *b"api", *b"aut", *b"cre", *b"coo", *b"bea", *b"bas", *b"beg",
    *b"ide", *b"cod",
];

/// The positions of one block where a detector could start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Places {
    /// Signs of [`Masks::rare`].
    pub(crate) punct: u64,
    /// Digits at the start of a word that pass [`number_filter::may_be_personal`].
    pub(crate) number: u64,
    /// Starts of words with [`CHUNK_BYTES_MIN`] bytes of [`Masks::chunk`].
    pub(crate) word: u64,
    /// Starts of words of [`LONG_WORD`] bytes or more.
    pub(crate) long: u64,
    /// Those of [`Places::word`] that are words of [`CHUNK_BYTES_MIN`] bytes or more.
    pub(crate) sixteen: u64,
    /// Letters of [`Masks::rare`].
    pub(crate) keyword: u64,
    /// Starts of words that begin with a letter and have two digits at the places 2, 3 or 5, with bytes of words or
    /// numbers before them.
    pub(crate) lettered: u64,
    /// Starts of words in the block before and in the block.
    pub(crate) starts: [u64; 2],
    /// Digits in the block and in the block after.
    pub(crate) digit: [u64; 2],
    /// Bytes of words in the same.
    pub(crate) in_word: [u64; 2],
}

impl Places {
    /// The distance from byte `i` of the block back to the start of the last word before it, at most 64; 65 if there is
    /// none.
    #[inline(always)]
    pub(crate) fn last_start(&self, i: u32) -> u32 {
        let [before, now] = self.starts;
        let starts = before >> (i & 63) | now << (63 - (i & 63)) << 1;
        starts.leading_zeros() + 1
    }

    /// The digits and the bytes of words among the 32 bytes from byte `i` of the block on, the lowest bit first.
    #[inline(always)]
    pub(crate) fn from(&self, i: u32) -> Shape {
        // The cast keeps the first 32 bytes.
        let window =
            |[now, next]: [u64; 2]| (now >> (i & 63) | next << 1 << (63 - (i & 63))) as u32;
        Shape { digit: window(self.digit), word: window(self.in_word) }
    }
}

/// Classes of the bytes from the start of a word on, a bit for each, the lowest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Digits.
    pub(crate) digit: u32,
    /// Letters, digits and `_`.
    pub(crate) word: u32,
}

/// A credential and its literal are at least this long together.
pub(crate) const CHUNK_BYTES_MIN: u32 = 16;
/// The shortest number that starts with letters.
const LETTERED_BYTES_MIN: u32 = 6;
/// A word from this length on can be a credential without any literal.
const LONG_WORD: u32 = 22;

/// Where texts begin and end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Borders {
    /// First bytes.
    pub(crate) begin: u64,
    /// The byte directly after the end of each text.
    pub(crate) end: u64,
}

impl Borders {
    /// The bytes at which a text starts directly after the end of another.
    #[inline(always)]
    fn joined(&self) -> u64 {
        self.begin & self.end
    }
}

/// Receives the positions.
pub(crate) trait Sink {
    /// Returns the starts of separate texts in the block at `at`, and the byte after each end. Called once for each
    /// block, in order, and for the block after the last.
    fn borders(&mut self, at: usize) -> Borders;
    /// Receives the positions in the block at `at`; returning false ends the pass. Blocks without positions are
    /// skipped.
    fn block(&mut self, at: usize, places: &Places) -> bool;
}

/// Which positions are candidates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Fewest digits of a number.
    pub(crate) digits_min: u32,
    /// Whether numbers are candidates whatever their shape and the bytes before them.
    pub(crate) all_numbers: bool,
    /// Whether a colon can be more than that of a time although digits are around it: part of a token or an address.
    pub(crate) colons: bool,
}

/// Passes all positions of `input` within `range` to `sink`; bytes after the range may be read.
///
/// With `cut`, a word or number that touches the end counts as long enough.
#[inline(always)]
pub(crate) fn pass<S: Sink>(
    input: &[u8],
    range: Range<usize>,
    cut: bool,
    wanted: Wanted,
    sink: &mut S,
) {
    simd::run(Pass { input, range, cut, wanted, sink });
}

/// The arguments of [`pass`].
struct Pass<'a, S> {
    input: &'a [u8],
    range: Range<usize>,
    cut: bool,
    wanted: Wanted,
    sink: &'a mut S,
}

impl<S: Sink> Kernel for Pass<'_, S> {
    type Out = ();

    #[inline(always)]
    fn with_lookup<V: Lookup + Load64>(self) {
        self.drive(&Tables::<V>::new());
    }

    #[inline(always)]
    fn with_exact<V: Exact + Load64>(self) {
        self.drive(&byte_classes::Compare::<V>::new());
    }

    fn portable(self) {
        self.drive(&byte_classes::Portable);
    }
}

/// A method of classification.
pub(super) trait Classify {
    /// The classes of the first 64 bytes.
    fn classify(&self, view: &[u8; VIEW]) -> Masks;
}

impl<S: Sink> Pass<'_, S> {
    #[inline(always)]
    fn drive<C: Classify>(self, ways: &C) {
        let input = self.input;
        let Range { start, end } = self.range;
        let tail = Tail::of(input, start, end, self.cut);
        let mut at = start;
        let borders = self.sink.borders(at);
        let mut before = 0;
        let mut now = Block::of(ways.classify(tail.view(input, at)), borders, Last::default());
        while at < end {
            let borders = self.sink.borders(at + 64);
            // Bytes after the range are ignored, except after a cut.
            let masks = if at + 64 < end || self.cut {
                ways.classify(tail.view(input, at + 64))
            } else {
                Masks::default()
            };
            let next = Block::of(masks, borders, now.last());
            let mut places = now.places(&next, &self.wanted);
            if places.number != 0 {
                let near = Near { input, at, now: &now, next: &next };
                places.number = numbers(places.number, &near, &self.wanted);
            }
            if places.any() {
                places.starts = [before, now.starts];
                (places.digit, places.in_word) = ([now.digit, next.digit], [now.word, next.word]);
                if !self.sink.block(at, &places) {
                    return;
                }
            }
            before = now.starts;
            now = next;
            at += 64;
        }
    }
}

impl Places {
    #[inline(always)]
    fn any(&self) -> bool {
        let places = self.punct | self.number | self.word | self.keyword | self.lettered;
        places != 0
    }
}

/// The mask of the bytes directly after those of a mask whose preceding 64 bits are `before`.
///
/// By rotation: shifts of two words as one are slow on some processors.
#[inline(always)]
fn next_bytes(before: u64, now: u64) -> u64 {
    (now & !(1 << 63) | before & 1 << 63).rotate_left(1)
}

/// The mask of the bytes `places` before those of a mask whose next 64 bits are `next`.
#[inline(always)]
fn earlier_bytes(now: u64, next: u64, places: u32) -> u64 {
    (now & !0 << places | next & !(!0 << places)).rotate_right(places)
}

/// The classes of the block before.
#[derive(Clone, Copy, Default)]
struct Last {
    word: u64,
    digit: u64,
    joint: u64,
}

/// A block, complete except for the bits that depend on the next one.
///
/// Everything that does not need the next block is computed at once. Masks kept for the next iteration would be kept as
/// vectors, and some compilers split these.
#[derive(Clone, Copy)]
struct Block {
    borders: Borders,
    digit: u64,
    number: u64,
    word: u64,
    chunk: u64,
    /// Bytes that start a word.
    starts: u64,
    /// Those that a dot or a dash precedes.
    joined: u64,
    joint: u64,
    /// Colons after a digit.
    colon: u64,
    keyword: u64,
    punct: u64,
}

impl Block {
    #[inline(always)]
    fn of(masks: Masks, borders: Borders, before: Last) -> Block {
        let Masks { chunk, rare, .. } = masks;
        // A word or number does not continue past the end of its text.
        let within = !borders.end | borders.begin;
        let (word, digit) = (masks.word & within, masks.digit & within);
        let number = masks.number & within;
        let starts = word & (!next_bytes(before.word, word) | borders.begin);
        let colon = masks.colon & next_bytes(before.digit, digit);
        let joined = starts & next_bytes(before.joint, masks.joint) & !borders.begin;
        let (keyword, punct) = (rare & masks.word, rare & !masks.word);
        let joint = masks.joint;
        Block { borders, digit, number, word, chunk, starts, joined, joint, colon, keyword, punct }
    }

    /// What the next block needs.
    #[inline(always)]
    fn last(&self) -> Last {
        Last { word: self.word, digit: self.digit, joint: self.joint }
    }

    /// All positions; numbers only if they are long enough.
    #[inline(always)]
    fn places(&self, next: &Block, wanted: &Wanted) -> Places {
        let starts = self.starts;
        let words = |chunk: u64| clear_of::<{ CHUNK_BYTES_MIN }>(starts, !chunk, !next.chunk);
        let long = |word| {
            if word == 0 { 0 } else { clear_of::<LONG_WORD>(word, !self.word, !next.word) }
        };
        let Block { punct, keyword, .. } = *self;
        if self.digit | next.digit == 0 {
            let word = words(self.chunk);
            // Without a digit, only long words need a look at their shape.
            let long = long(word);
            return Places { punct, keyword, word, long, sixteen: long, ..Places::default() };
        }
        let times = if wanted.colons { 0 } else { self.times(next) };
        // A number does not start after a dot or a dash.
        let numbers = if wanted.all_numbers { starts } else { starts & !self.joined };
        let word = words(self.chunk & !times);
        let sixteen =
            if word == 0 { 0 } else { clear_of::<CHUNK_BYTES_MIN>(word, !self.word, !next.word) };
        Places {
            punct: punct & !times,
            keyword,
            word,
            sixteen,
            long: long(sixteen),
            lettered: self.lettered(next),
            number: clear_of::<7>(numbers & self.digit, !self.number, !next.number),
            ..Places::default()
        }
    }

    /// The colons of times: between a digit and two digits.
    #[inline(always)]
    fn times(&self, next: &Block) -> u64 {
        if self.colon == 0 {
            return 0;
        }
        let digit = |places: u32| earlier_bytes(self.digit, next.digit, places);
        self.colon & digit(1) & digit(2) & !earlier_bytes(self.word, next.word, 3)
    }

    /// [`Places::lettered`].
    #[inline(always)]
    fn lettered(&self, next: &Block) -> u64 {
        let pairs = self.digit & earlier_bytes(self.digit, next.digit, 1);
        let next_pairs = next.digit & next.digit >> 1;
        let pair = |places: u32| earlier_bytes(pairs, next_pairs, places);
        // A letter, then bytes of a number with letters up to the pair.
        let part =
            |places: u32| earlier_bytes(self.word | self.number, next.word | next.number, places);
        let starts = self.starts & !self.digit & part(1);
        // After a dot or a dash only account numbers are searched, which start with two letters.
        let two = pair(2) & (!self.joined | !earlier_bytes(self.digit, next.digit, 1));
        let near = two | !self.joined & part(2) & (pair(3) | part(3) & part(4) & pair(5));
        if starts & near == 0 {
            return 0;
        }
        // The text goes on for as long as the shortest number that starts with letters.
        clear_of::<{ LETTERED_BYTES_MIN - 1 }>(
            starts & near,
            earlier_bytes(self.borders.end, next.borders.end, 1),
            next.borders.end >> 1,
        )
    }
}

/// Clears the bits of `ok` that have a bit of `bad` at the same place or less than `BYTES` places ahead.
#[inline(always)]
fn clear_of<const BYTES: u32>(ok: u64, bad: u64, bad_next: u64) -> u64 {
    const { assert!(BYTES == 5 || BYTES == 7 || BYTES == 16 || BYTES == 22) };
    let bad_near = match BYTES {
        5 => {
            let m = bad | bad >> 1;
            m | m >> 2 | bad >> 4
        }
        7 => {
            let m = bad | bad >> 1;
            let m = m | m >> 2;
            m | m >> 3
        }
        _ => {
            let m = bad | bad >> 1;
            let m = m | m >> 2;
            let m = m | m >> 4;
            let m = m | m >> 8;
            if BYTES == 22 { m | m >> 6 } else { m }
        }
    };
    // The first bad byte of the next block also clears bits of this block.
    let ahead = BYTES - 1;
    let first = (bad_next | 1 << ahead).trailing_zeros();
    ok & !(bad_near | (!0 << (64 - ahead)) << first)
}

/// A block and its surroundings.
struct Near<'a> {
    input: &'a [u8],
    at: usize,
    now: &'a Block,
    next: &'a Block,
}

/// The candidate numbers among those whose first digits are `starts`.
#[inline(always)]
fn numbers(starts: u64, near: &Near<'_>, wanted: &Wanted) -> u64 {
    let (now, next) = (near.now, near.next);
    let joined = [now.borders.joined(), next.borders.joined()];
    let plain = joined == [0, 0] && !wanted.all_numbers;
    let (mut rest, mut found) = (starts, 0);
    while rest != 0 {
        let i = rest.trailing_zeros();
        let bit = rest & rest.wrapping_neg();
        rest ^= bit;
        let pos = near.at + i as usize;
        let prev = if now.borders.begin & bit == 0 { before(near.input, pos) } else { 0 };
        if number_filter::forbids_number(prev) && !wanted.all_numbers {
            continue;
        }
        // The casts keep the 32 bits from there on. No detector skips more than three bytes between
        // two digits: 32 bytes hold eight digits or more.
        let window = |now: u64, next: u64| (now >> i | next << 1 << (63 - i)) as u32;
        let digit = window(now.digit, next.digit);
        if plain
            && number_filter::continues_as_word(digit, window(now.word, next.word))
            && !number_filter::may_have_extension(near.input, pos, digit)
        {
            continue;
        }
        let number = window(now.number, next.number);
        let run = (number ^ number.wrapping_add(1)) >> 1;
        if (digit & run).count_ones() < wanted.digits_min {
            continue;
        }
        // A text that starts within the number hides what is before and after it.
        let sure = !plain && (wanted.all_numbers || window(joined[0], joined[1]) & !1 != 0);
        if sure || number_filter::may_be_personal(near.input, pos, prev, digit, number) {
            found |= bit;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_across_block_borders() {
        for start in 0..64 {
            let run = |len: u32| {
                let bits = ((1u128 << len) - 1) << start;
                (!(bits as u64), !((bits >> 64) as u64))
            };
            let found = |len: u32, finder: fn(u64, u64, u64) -> u64| {
                let (now, next) = run(len);
                finder(!now, now, next)
            };
            assert_eq!((found(7, clear_of::<7>), found(6, clear_of::<7>)), (1 << start, 0));
            assert_eq!((found(16, clear_of::<16>), found(15, clear_of::<16>)), (1 << start, 0));
            assert_eq!((found(22, clear_of::<22>), found(21, clear_of::<22>)), (1 << start, 0));
        }
    }
}
