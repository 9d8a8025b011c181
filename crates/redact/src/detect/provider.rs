//! Provider tokens: a literal, then a body of a known alphabet and length.
//!
//! Literals are found by a hash of their first bytes at the starts of words, so that the cost
//! does not grow with their number.

use super::{drawn, jwt, key_body, shape};
use crate::bytes::{ALNUM, BASE64URL, ByteSet, distinct};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;
use crate::provider_table::{How, Provider};

const FILTER_BITS: u32 = 15;
const BUCKET_BITS: u32 = 10;

/// An index of the literals by their first four bytes, or three for literals of three bytes.
#[derive(Debug)]
pub(crate) struct Literals {
    /// One bit per hash of three bytes: whether any literal starts with them.
    filter: Box<[u64; 1 << (FILTER_BITS - 6)]>,
    /// The same for four bytes; and for three where a literal has no more.
    second: Box<[u64; 1 << (FILTER_BITS - 6)]>,
    /// Hash and index of each literal, sorted.
    entries: Vec<(u16, u16)>,
    /// For each value of the hash's top bits, where its entries begin; then where the last entries end.
    begins: Box<[u16; (1 << BUCKET_BITS) + 1]>,
}

/// Index entries for literals that are not a provider's.
pub(super) const JWT: u16 = u16::MAX;
pub(super) const TERRAFORM: u16 = u16::MAX - 1;
pub(super) const DISCORD_WEBHOOK: u16 = u16::MAX - 2;
pub(super) const PEM: u16 = u16::MAX - 3;
pub(super) const PRIVATE_KEY: u16 = u16::MAX - 4;
pub(super) const PUTTY: u16 = u16::MAX - 5;
pub(super) const JWT_TWICE: u16 = u16::MAX - 6;
pub(super) const JSON: u16 = u16::MAX - 7;

/// The literals that are not a provider's.
const SHAPES: &[(&[u8], u16)] = &[
    (b"eyJ", JWT),
    (b"atlasv1.", TERRAFORM),
    (b"webhooks/", DISCORD_WEBHOOK),
    (b"LS0tLS1CRUdJTi", PEM),
    (b"MII", PRIVATE_KEY),
    (b"MIG", PRIVATE_KEY),
    (b"MHcC", PRIVATE_KEY),
    (b"MC4C", PRIVATE_KEY),
    (b"MEcC", PRIVATE_KEY),
    (b"b3BlbnNzaC1rZXk", PRIVATE_KEY),
    (b"PuTTY-User-Key-File-", PUTTY),
    (b"ZXlK", JWT_TWICE),
    (b"eyAi", JSON),
    (b"ewog", JSON),
    (b"ewoJ", JSON),
];

/// A multiplicative hash; its best bits are the top ones.
#[inline]
fn hash(bytes: u32) -> u16 {
    (bytes.wrapping_mul(0x9E37_79B1) >> (32 - FILTER_BITS)) as u16
}

/// Three bytes as a number that cannot equal four bytes of a text, because its fourth byte is zero.
#[inline]
fn three(bytes: u32) -> u32 {
    bytes & 0x00FF_FFFF
}

/// The first four bytes at `pos`, zeros where the text ends.
#[inline]
fn four_at(input: &[u8], pos: usize) -> u32 {
    if let Some(&[a, byte, c, d]) = input.get(pos..pos + 4) {
        return u32::from_le_bytes([a, byte, c, d]);
    }
    let at = |i: usize| input.get(pos + i).copied().unwrap_or(0);
    u32::from_le_bytes([at(0), at(1), at(2), at(3)])
}

impl Literals {
    /// Indexes `providers`, and the built-in shapes that start with a literal.
    pub(crate) fn new(providers: &[Provider]) -> Literals {
        let mut literals = Literals {
            filter: Box::new([0; 1 << (FILTER_BITS - 6)]),
            second: Box::new([0; 1 << (FILTER_BITS - 6)]),
            entries: Vec::new(),
            begins: Box::new([0; (1 << BUCKET_BITS) + 1]),
        };
        for (index, provider) in providers.iter().enumerate().take(usize::from(JSON)) {
            // The bound is checked above.
            literals.add(&provider.literal, provider.alphabet, index as u16);
        }
        for &(literal, shape) in SHAPES {
            literals.add(literal, BASE64URL, shape);
        }
        literals.entries.sort_unstable();
        for (bucket, begin) in literals.begins.iter_mut().enumerate() {
            let before = |e: &(u16, u16)| usize::from(e.0 >> (FILTER_BITS - BUCKET_BITS)) < bucket;
            // There are fewer than 65536 literals: `add` takes their index as a u16.
            *begin = literals.entries.partition_point(before) as u16;
        }
        literals
    }

    fn add(&mut self, literal: &[u8], next: ByteSet, index: u16) {
        match *literal {
            [a, byte, c, d, ..] => self.set([a, byte, c, d], index),
            [a, byte, c] => self.set([a, byte, c, 0], index),
            // Two bytes and each byte with which the body may start.
            [a, byte] => {
                for c in (0..=255).filter(|&c| next.has(c)) {
                    self.set([a, byte, c, 0], index);
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, bytes: [u8; 4], index: u16) {
        let four = u32::from_le_bytes(bytes);
        let start = hash(three(four));
        self.filter[usize::from(start >> 6)] |= 1 << (start & 63);
        let whole = hash(four);
        self.second[usize::from(whole >> 6)] |= 1 << (whole & 63);
        self.entries.push((whole, index));
    }

    /// Whether a literal may start at `pos`.
    #[inline]
    pub(crate) fn may_start(&self, input: &[u8], pos: usize) -> bool {
        self.may_start_with(four_at(input, pos))
    }

    /// Whether a literal may start with the first three of these bytes. Without branches.
    #[inline(always)]
    pub(crate) fn may_start_with_three(&self, bytes: u32) -> bool {
        let start = hash(three(bytes));
        self.filter[usize::from(start >> 6)] >> (start & 63) & 1 != 0
    }

    /// Whether a literal may start with these four bytes.
    #[inline]
    pub(crate) fn may_start_with(&self, bytes: u32) -> bool {
        let has = |table: &[u64; 1 << (FILTER_BITS - 6)], hash: u16| {
            table[usize::from(hash >> 6)] >> (hash & 63) & 1 != 0
        };
        let start = hash(three(bytes));
        // Nearly always false: the rest is a branch that is predicted.
        has(&self.filter, start) && (has(&self.second, hash(bytes)) || has(&self.second, start))
    }

    /// Whether a literal and the start of its body are at `pos`, as far as the text reaches.
    #[inline(never)]
    pub(crate) fn may_be(&self, providers: &[Provider], input: &[u8], pos: usize) -> bool {
        let bytes = four_at(input, pos);
        [bytes, three(bytes)].into_iter().any(|bytes| {
            let hash = hash(bytes);
            self.bucket(hash).iter().any(|&(of, index)| {
                of == hash
                    && providers
                        .get(usize::from(index))
                        .is_none_or(|known| known.may_be(input, pos))
            })
        })
    }

    /// The entries that share this hash's top bits.
    #[inline(always)]
    fn bucket(&self, hash: u16) -> &[(u16, u16)] {
        let bucket = usize::from(hash >> (FILTER_BITS - BUCKET_BITS));
        &self.entries[usize::from(self.begins[bucket])..usize::from(self.begins[bucket + 1])]
    }

    /// The literals that may start at `pos`.
    fn starting(&self, input: &[u8], pos: usize) -> impl Iterator<Item = u16> {
        let bytes = four_at(input, pos);
        [bytes, three(bytes)].into_iter().flat_map(|bytes| {
            let hash = hash(bytes);
            self.bucket(hash).iter().filter(move |e| e.0 == hash).map(|e| e.1)
        })
    }
}

impl Provider {
    /// Whether the literal and the start of its body are at `pos`, as far as the text reaches.
    #[inline]
    fn may_be(&self, input: &[u8], pos: usize) -> bool {
        let body = pos + self.literal.len();
        let has = |i: usize| input.get(body + i).is_none_or(|&byte| self.alphabet.has(byte));
        let last = usize::from(self.body_min).saturating_sub(1);
        (0..last.min(8)).all(has)
            && has(last)
            && input.get(pos..body).is_none_or(|start| start == &self.literal[..])
    }
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let rules = finder.rules;
    if !rules.literals.may_start(finder.input, pos) {
        return;
    }
    for index in rules.literals.starting(finder.input, pos) {
        match index {
            JWT => jwt::find(finder, pos),
            TERRAFORM => shape::terraform(finder, pos),
            DISCORD_WEBHOOK => shape::discord_webhook(finder, pos),
            PEM => key_body::pem(finder, pos),
            PRIVATE_KEY => key_body::encoded(finder, pos),
            PUTTY => key_body::putty(finder, pos),
            JWT_TWICE => jwt::twice(finder, pos),
            JSON => jwt::json(finder, pos),
            _ => {
                let i = usize::from(index);
                if let Some(provider) = rules.providers.get(i) {
                    token(finder, pos, provider, rule::NAMES.len() + i);
                }
            }
        }
    }
}

fn token(finder: &mut Finder<'_>, pos: usize, provider: &Provider, rule: usize) {
    let input = finder.input;
    if !input[pos..].starts_with(&provider.literal) {
        return;
    }
    let body = pos + provider.literal.len();
    let (min, max) = (usize::from(provider.body_min), usize::from(provider.body_max));
    // Most words that begin like a token end long before the shortest token would.
    let reaches = input.get(body + min - 1).is_some_and(|&byte| provider.alphabet.has(byte));
    if !reaches && !finder.cut {
        return;
    }
    let mut len = provider.alphabet.run(input, body, max);
    finder.spend(len);
    let start = match provider.how {
        How::Url => address_start(input, pos),
        _ => pos,
    };
    // Rule numbers are far below 65536: `Rules` refuses more.
    let rule = rule as u16;
    if finder.is_cut(body + len) && len > 0 {
        return finder.hit(start, body + len, rule, HitKind::Token);
    }
    // A token must not be followed by a letter or digit.
    while len >= min && input.get(body + len).is_some_and(|&byte| ALNUM.has(byte)) {
        len -= 1;
    }
    if len < min {
        return;
    }
    let text = &input[body..body + len];
    if (len < 12 || distinct(text) >= 5) && fits(provider.how, text) {
        finder.hit(start, body + len, rule, HitKind::Token);
    }
}

/// The start of the address that has a literal at `pos`: its scheme and the labels before the literal, if any.
fn address_start(input: &[u8], pos: usize) -> usize {
    let labels = ByteSet::of(b"A-Za-z0-9.\\-").run_back(input, pos, 64);
    let host = pos - labels;
    if input[..host].ends_with(b"https://") { host - b"https://".len() } else { pos }
}

/// Whether a body meets the condition besides its alphabet and length.
fn fits(how: How, body: &[u8]) -> bool {
    match how {
        How::Whole | How::Url => true,
        How::Digit => body.iter().any(u8::is_ascii_digit),
        How::Drawn => drawn::is_drawn(body),
        How::Cases => {
            body.iter().any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase)
        }
        How::Uuid => [8, 13, 18, 23].iter().all(|&i| body.get(i) == Some(&b'-')),
    }
}
