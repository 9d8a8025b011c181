//! Private keys in PEM form (RFC 7468, OpenSSH, PGP), from BEGIN to END or to the end of the text.

use crate::redact::bytes::{ByteSet, at, starts_nocase};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

const LABEL: ByteSet = ByteSet::of(b"A-Z0-9 ");
/// Fewest characters of key between the marks; less is a sentence about keys.
const BODY_BYTES_MIN: usize = 24;

/// `p` is where the word `BEGIN` would start.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if !starts_nocase(v, p, b"begin ") || !v[..p].ends_with(b"-----") || p < f.key_block_from {
        return;
    }
    let start = p - 5;
    let label = LABEL.run(v, p, 80);
    let body = p + label;
    if !v[p..body].ends_with(b"PRIVATE KEY") && !v[p..body].ends_with(b"PRIVATE KEY BLOCK") {
        if f.is_cut(body) && label > 6 {
            f.hit(start, body, rule::PRIVATE_KEY, Kind::PrivateKey);
        }
        return;
    }
    if !v[body..].starts_with(b"-----") {
        if f.cut && v.len() - body < 5 {
            f.hit(start, v.len(), rule::PRIVATE_KEY, Kind::PrivateKey);
        }
        return;
    }
    let (end, closed) = block_end(f, body + 5);
    let key = v[body + 5..end].iter().filter(|&&b| b > b' ' && b != b'-').take(BODY_BYTES_MIN);
    if key.count() >= BODY_BYTES_MIN || !closed && f.cut {
        f.key_block_from = end;
        f.hit(start, end, rule::PRIVATE_KEY, Kind::PrivateKey);
    }
}

/// Where the block ends, and whether by an END line.
fn block_end(f: &mut Finder<'_>, from: usize) -> (usize, bool) {
    let v = f.v;
    let mut i = from;
    while let Some(found) = memchr::memmem::find(&v[i..], b"-----END ") {
        let label_at = i + found + 9;
        let label = LABEL.run(v, label_at, 80);
        f.spend(found + label);
        let text = &v[label_at..label_at + label];
        if text.ends_with(b"PRIVATE KEY") || text.ends_with(b"PRIVATE KEY BLOCK") {
            let dashes = (0..5).take_while(|&d| at(v, label_at + label + d) == b'-').count();
            return (label_at + label + dashes, true);
        }
        i = label_at;
    }
    f.spend(v.len() - i);
    (v.len(), false)
}
