//! `Bearer` and `Basic` credentials wherever they stand (RFC 6750, RFC 7617).

use crate::redact::bytes::{BASE64, ByteSet, at, base64_decode, mixed, starts_nocase};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::{Kind, mask_len};

const TOKEN68: ByteSet = ByteSet::of(b"A-Za-z0-9._~+/\\-");
/// From this length on the last four characters of a credential may stay.
const KEEP_FROM: usize = 16;

/// `p` is where a word starts, `word` the one that is looked for.
pub(super) fn find(f: &mut Finder<'_>, p: usize, word: &[u8], kind: Kind) {
    if starts_nocase(f.v, p, word) {
        credential(f, p + word.len(), kind);
    }
}

/// `i` is behind the scheme.
fn credential(f: &mut Finder<'_>, mut i: usize, kind: Kind) {
    let v = f.v;
    let gap = ByteSet::of(b" :").run(v, i, 3);
    if !(1..=2).contains(&gap) || kind == Kind::Basic && v[i..i + gap] != *b" " {
        return;
    }
    i += gap;
    if mask_len(&v[i..]) != 0 {
        return;
    }
    let run = TOKEN68.run(v, i, v.len());
    let pads = v[i + run..].iter().take(2).take_while(|&&b| b == b'=').count();
    let end = i + run + pads;
    f.spend(run);
    let text = &v[i..end];
    let sure = match kind {
        Kind::Basic => is_basic(text, at(v, end)),
        _ => run >= KEEP_FROM && mixed(text),
    };
    if !(sure || run > 0 && f.is_cut(end)) {
        return;
    }
    if kind == Kind::Basic {
        return f.hit(i, end, rule::BASIC, kind);
    }
    let keep = if text.len() >= KEEP_FROM { 4 } else { 0 };
    f.hit_keeping(i, end, rule::BEARER, kind, keep);
}

/// Whether `text` decodes to `user:password`, or is too long and mixed for a word.
fn is_basic(text: &[u8], next: u8) -> bool {
    let body = BASE64.run(text, 0, text.len());
    if body < 8 || !text[body..].iter().all(|&b| b == b'=') || BASE64.has(next) {
        return false;
    }
    let mut out = [0u8; 768];
    let head = &text[..text.len().min(1024)];
    let user = base64_decode(head, &mut out).is_some_and(|user| user.contains(&b':'));
    user || body >= 24 && mixed(text)
}
