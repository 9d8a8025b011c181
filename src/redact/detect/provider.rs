//! Provider tokens: a literal, then a body of a known alphabet and length.
//!
//! Literals are found by a hash of their first bytes at the starts of words, so that the cost
//! does not grow with their number.

use super::jwt;
use super::shape;
use crate::redact::bytes::{ALNUM, ByteSet, distinct};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;
use crate::redact::provider_table::{How, Provider};

const FILTER_BITS: u32 = 15;
const BUCKET_BITS: u32 = 10;

/// An index of the literals by their first bytes: four where they have four, else three.
#[derive(Debug)]
pub(crate) struct Literals {
    /// One bit per hash: whether any literal has it.
    filter: Box<[u64; 1 << (FILTER_BITS - 6)]>,
    /// Hash and index of each literal, sorted.
    entries: Vec<(u16, u16)>,
    /// Where the entries begin whose hash has these top bits, and where the last ones end.
    begins: Box<[u16; (1 << BUCKET_BITS) + 1]>,
}

/// What a literal that is no provider's stands for in the index.
pub(super) const JWT: u16 = u16::MAX;
pub(super) const TERRAFORM: u16 = u16::MAX - 1;
pub(super) const DISCORD_WEBHOOK: u16 = u16::MAX - 2;

/// A multiplicative hash; its best bits are the top ones.
#[inline]
fn hash(bytes: u32) -> u16 {
    (bytes.wrapping_mul(0x9E37_79B1) >> (32 - FILTER_BITS)) as u16
}

/// Three bytes as a number that no four bytes of a text can be: text has no zero byte there.
#[inline]
fn three(bytes: u32) -> u32 {
    bytes & 0x00FF_FFFF
}

/// The first four bytes at `p`, zeros where the text ends.
#[inline]
fn four_at(v: &[u8], p: usize) -> u32 {
    if let Some(&[a, b, c, d]) = v.get(p..p + 4) {
        return u32::from_le_bytes([a, b, c, d]);
    }
    let at = |i: usize| v.get(p + i).copied().unwrap_or(0);
    u32::from_le_bytes([at(0), at(1), at(2), at(3)])
}

impl Literals {
    /// Indexes `providers`, and the built-in shapes that start with a literal.
    pub(crate) fn new(providers: &[Provider]) -> Literals {
        let mut literals = Literals {
            filter: Box::new([0; 1 << (FILTER_BITS - 6)]),
            entries: Vec::new(),
            begins: Box::new([0; (1 << BUCKET_BITS) + 1]),
        };
        for (i, p) in providers.iter().enumerate().take(usize::from(DISCORD_WEBHOOK)) {
            // Bounded above.
            literals.add(&p.literal, p.alphabet, i as u16);
        }
        literals.add(b"eyJ", ALNUM, JWT);
        literals.add(b"atlasv1.", ALNUM, TERRAFORM);
        literals.add(b"webhooks/", ALNUM, DISCORD_WEBHOOK);
        literals.entries.sort_unstable();
        for (bucket, begin) in literals.begins.iter_mut().enumerate() {
            let before = |e: &(u16, u16)| usize::from(e.0 >> (FILTER_BITS - BUCKET_BITS)) < bucket;
            // Literals are fewer than 65536: `add` is told their index in a u16.
            *begin = literals.entries.partition_point(before) as u16;
        }
        literals
    }

    fn add(&mut self, literal: &[u8], next: ByteSet, index: u16) {
        match *literal {
            [a, b, c, d, ..] => self.set([a, b, c, d], index),
            [a, b, c] => self.set([a, b, c, 0], index),
            // Two bytes and whatever the body may start with.
            [a, b] => {
                for c in (0..=255).filter(|&c| next.has(c)) {
                    self.set([a, b, c, 0], index);
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, bytes: [u8; 4], index: u16) {
        let hash = hash(u32::from_le_bytes(bytes));
        self.filter[usize::from(hash >> 6)] |= 1 << (hash & 63);
        self.entries.push((hash, index));
    }

    #[inline]
    fn has(&self, hash: u16) -> bool {
        self.filter[usize::from(hash >> 6)] >> (hash & 63) & 1 != 0
    }

    /// Whether a literal may start at `p`.
    #[inline]
    pub(crate) fn may_start(&self, v: &[u8], p: usize) -> bool {
        let bytes = four_at(v, p);
        self.has(hash(bytes)) | self.has(hash(three(bytes)))
    }

    /// Whether a literal and a beginning of its body stand at `p`, as far as the text goes.
    #[inline(never)]
    pub(crate) fn may_be(&self, providers: &[Provider], v: &[u8], p: usize) -> bool {
        let bytes = four_at(v, p);
        [bytes, three(bytes)].into_iter().any(|bytes| {
            let hash = hash(bytes);
            self.has(hash)
                && self.bucket(hash).iter().any(|&(of, index)| {
                    of == hash
                        && providers.get(usize::from(index)).is_none_or(|known| known.may_be(v, p))
                })
        })
    }

    /// The entries among which those with this hash are.
    #[inline(always)]
    fn bucket(&self, hash: u16) -> &[(u16, u16)] {
        let bucket = usize::from(hash >> (FILTER_BITS - BUCKET_BITS));
        &self.entries[usize::from(self.begins[bucket])..usize::from(self.begins[bucket + 1])]
    }

    /// The literals that may start at `p`.
    fn starting(&self, v: &[u8], p: usize) -> impl Iterator<Item = u16> {
        let bytes = four_at(v, p);
        [bytes, three(bytes)].into_iter().flat_map(|bytes| {
            let hash = hash(bytes);
            let entries = if self.has(hash) { self.bucket(hash) } else { &[] };
            entries.iter().filter(move |e| e.0 == hash).map(|e| e.1)
        })
    }
}

impl Provider {
    /// Whether the literal and a beginning of its body stand at `p`, as far as the text goes.
    #[inline]
    fn may_be(&self, v: &[u8], p: usize) -> bool {
        let body = p + self.literal.len();
        let has = |i: usize| v.get(body + i).is_none_or(|&b| self.alphabet.has(b));
        let last = usize::from(self.body_min).saturating_sub(1);
        (0..last.min(8)).all(has)
            && has(last)
            && v.get(p..body).is_none_or(|start| start == &self.literal[..])
    }
}

/// `p` is where a word starts.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let rules = f.rules;
    if !rules.literals.may_start(f.v, p) {
        return;
    }
    for index in rules.literals.starting(f.v, p) {
        match index {
            JWT => jwt::find(f, p),
            TERRAFORM => shape::terraform(f, p),
            DISCORD_WEBHOOK => shape::discord_webhook(f, p),
            _ => {
                let i = usize::from(index);
                if let Some(provider) = rules.providers.get(i) {
                    token(f, p, provider, rule::NAMES.len() + i);
                }
            }
        }
    }
}

fn token(f: &mut Finder<'_>, p: usize, provider: &Provider, rule: usize) {
    let v = f.v;
    if !v[p..].starts_with(&provider.literal) {
        return;
    }
    let body = p + provider.literal.len();
    let (min, max) = (usize::from(provider.body_min), usize::from(provider.body_max));
    // Most words that begin like a token end long before the shortest one would.
    let reaches = v.get(body + min - 1).is_some_and(|&b| provider.alphabet.has(b));
    if !reaches && !f.cut {
        return;
    }
    let mut len = provider.alphabet.run(v, body, max);
    f.spend(len);
    let start = match provider.how {
        How::Url if v[..p].ends_with(b"https://") => p - b"https://".len(),
        _ => p,
    };
    // Rule numbers are far below 65536: `Rules` refuses more.
    let rule = rule as u16;
    if f.is_cut(body + len) && len > 0 {
        return f.hit(start, body + len, rule, Kind::Token);
    }
    // The token ends where no letter or digit follows.
    while len >= min && v.get(body + len).is_some_and(|&b| ALNUM.has(b)) {
        len -= 1;
    }
    if len < min {
        return;
    }
    let text = &v[body..body + len];
    let drawn = len < 12 || distinct(text) >= 5;
    if drawn && (provider.how != How::Digit || text.iter().any(u8::is_ascii_digit)) {
        f.hit(start, body + len, rule, Kind::Token);
    }
}
