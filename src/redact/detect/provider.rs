//! Provider tokens: a literal, then a body of a known alphabet and length.
//!
//! Literals are found by a hash of their first three bytes at the starts of words, so that the cost
//! does not grow with their number.

use super::jwt;
use super::shape;
use crate::redact::bytes::{ALNUM, distinct};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;
use crate::redact::provider_table::{How, Provider};

const FILTER_BITS: u32 = 15;

/// An index of the literals by their first three bytes.
#[derive(Debug)]
pub(crate) struct Literals {
    /// One bit per hash: whether any literal has it.
    filter: Box<[u64]>,
    /// Hash and index of each literal, sorted.
    entries: Vec<(u16, u16)>,
}

/// What a literal that is no provider's stands for in the index.
pub(super) const JWT: u16 = u16::MAX;
pub(super) const TERRAFORM: u16 = u16::MAX - 1;
pub(super) const DISCORD_WEBHOOK: u16 = u16::MAX - 2;

fn hash(three: u32) -> u16 {
    // A multiplicative hash; its best bits are the top ones.
    (three.wrapping_mul(0x9E37_79B1) >> (32 - FILTER_BITS)) as u16
}

impl Literals {
    /// Indexes `providers`, and the built-in shapes that start with a literal.
    pub(crate) fn new(providers: &[Provider]) -> Literals {
        let mut literals = Literals {
            filter: vec![0; 1 << (FILTER_BITS - 6)].into_boxed_slice(),
            entries: Vec::new(),
        };
        for (i, p) in providers.iter().enumerate().take(usize::from(DISCORD_WEBHOOK)) {
            literals.add(&p.literal, p.alphabet, i as u16);
        }
        literals.add(b"eyJ", ALNUM, JWT);
        literals.add(b"atlasv1.", ALNUM, TERRAFORM);
        literals.add(b"api/webhooks/", ALNUM, DISCORD_WEBHOOK);
        literals.entries.sort_unstable();
        literals
    }

    fn add(&mut self, literal: &[u8], next: crate::redact::bytes::ByteSet, index: u16) {
        let of = |a: u8, b: u8, c: u8| u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16;
        match *literal {
            [a, b, c, ..] => self.set(hash(of(a, b, c)), index),
            // Two bytes and whatever the body may start with.
            [a, b] => {
                for c in (0..=255).filter(|&c| next.has(c)) {
                    self.set(hash(of(a, b, c)), index);
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, hash: u16, index: u16) {
        self.filter[usize::from(hash >> 6)] |= 1 << (hash & 63);
        self.entries.push((hash, index));
    }

    /// Whether a literal may start at `p`.
    #[inline]
    pub(crate) fn may_start(&self, v: &[u8], p: usize) -> bool {
        let Some(&[a, b, c]) = v.get(p..p + 3) else { return false };
        let h = hash(u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16);
        self.filter[usize::from(h >> 6)] >> (h & 63) & 1 != 0
    }

    fn starting(&self, v: &[u8], p: usize) -> &[(u16, u16)] {
        let Some(&[a, b, c]) = v.get(p..p + 3) else { return &[] };
        let h = hash(u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16);
        let from = self.entries.partition_point(|e| e.0 < h);
        let len = self.entries[from..].iter().take_while(|e| e.0 == h).count();
        &self.entries[from..from + len]
    }
}

/// `p` is where a word starts.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let rules = f.rules;
    if !rules.literals.may_start(f.v, p) {
        return;
    }
    for &(_, index) in rules.literals.starting(f.v, p) {
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
    let mut len = provider.alphabet.run(v, body, max);
    f.spend(len);
    let start = if provider.how == How::Body { body } else { p };
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
