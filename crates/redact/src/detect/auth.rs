//! `Bearer` and `Basic` credentials anywhere in a text (RFC 6750, RFC 7617).

use crate::bytes::{BASE64, ByteSet, at, base64_decode, mixed, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, mask_len};

const TOKEN68: ByteSet = ByteSet::of(b"A-Za-z0-9._~+/\\-");
/// From this length on, the last four characters of a credential may be kept.
const KEEP_FROM: usize = 16;

/// `pos` is the start of a word, `word` the scheme to match.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize, word: &[u8], kind: HitKind) {
    if starts_nocase(finder.input, pos, word) {
        credential(finder, pos + word.len(), kind);
    }
}

/// `pos` is the position after the scheme.
fn credential(finder: &mut Finder<'_>, mut pos: usize, kind: HitKind) {
    let input = finder.input;
    let gap = ByteSet::of(b" :").run(input, pos, 3);
    if !(1..=2).contains(&gap) || kind == HitKind::Basic && input[pos..pos + gap] != *b" " {
        return;
    }
    pos += gap;
    if mask_len(&input[pos..]) != 0 {
        return;
    }
    let run = TOKEN68.run(input, pos, input.len());
    let pads = input[pos + run..].iter().take(2).take_while(|&&byte| byte == b'=').count();
    let end = pos + run + pads;
    finder.spend(run);
    let text = &input[pos..end];
    let sure = match kind {
        HitKind::Basic => is_basic(text, at(input, end)),
        _ => run >= KEEP_FROM && mixed(text),
    };
    if !(sure || run > 0 && finder.is_cut(end)) {
        return;
    }
    if kind == HitKind::Basic {
        return finder.hit(pos, end, rule::BASIC, kind);
    }
    let keep = if text.len() >= KEEP_FROM { 4 } else { 0 };
    finder.hit_keeping(pos, end, rule::BEARER, kind, keep);
}

/// Whether `text` decodes to `user:password`, or is too long and mixed for a word.
fn is_basic(text: &[u8], next: u8) -> bool {
    let body = BASE64.run(text, 0, text.len());
    if body < 8 || !text[body..].iter().all(|&byte| byte == b'=') || BASE64.has(next) {
        return false;
    }
    let mut out = [0u8; 768];
    let head = &text[..text.len().min(1024)];
    let user = base64_decode(head, &mut out).is_some_and(|user| user.contains(&b':'));
    user || body >= 24 && mixed(text)
}
