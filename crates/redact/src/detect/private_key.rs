//! Private keys in PEM form (RFC 7468, OpenSSH, PGP), from BEGIN to END or to the end of the text.

use crate::bytes::{ByteSet, at, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const LABEL: ByteSet = ByteSet::of(b"A-Z0-9 ");
/// Fewest characters of key between the marks; less is a sentence about keys.
const BODY_BYTES_MIN: usize = 24;

/// `pos` is where the word `BEGIN` would start.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !starts_nocase(input, pos, b"begin ")
        || !input[..pos].ends_with(b"-----")
        || pos < finder.key_block_from
    {
        return;
    }
    let start = pos - 5;
    let label = LABEL.run(input, pos, 80);
    let body = pos + label;
    if !input[pos..body].ends_with(b"PRIVATE KEY")
        && !input[pos..body].ends_with(b"PRIVATE KEY BLOCK")
    {
        if finder.is_cut(body) && label > 6 {
            finder.hit(start, body, rule::PRIVATE_KEY, HitKind::PrivateKey);
        }
        return;
    }
    if !input[body..].starts_with(b"-----") {
        if finder.cut && input.len() - body < 5 {
            finder.hit(start, input.len(), rule::PRIVATE_KEY, HitKind::PrivateKey);
        }
        return;
    }
    let (end, closed) = block_end(finder, body + 5);
    let key = input[body + 5..end]
        .iter()
        .filter(|&&byte| byte > b' ' && byte != b'-')
        .take(BODY_BYTES_MIN);
    if key.count() >= BODY_BYTES_MIN || !closed && finder.cut {
        finder.key_block_from = end;
        finder.hit(start, end, rule::PRIVATE_KEY, HitKind::PrivateKey);
    }
}

/// The end of the END line of a private key at `pos`.
pub(super) fn end_line(input: &[u8], pos: usize) -> Option<usize> {
    if !input.get(pos..)?.starts_with(b"-----END ") {
        return None;
    }
    let label_at = pos + 9;
    let label = LABEL.run(input, label_at, 80);
    let text = &input[label_at..label_at + label];
    let private = text.ends_with(b"PRIVATE KEY") || text.ends_with(b"PRIVATE KEY BLOCK");
    let end = label_at + label + 5;
    (private && input.get(end - 5..end)? == b"-----").then_some(end)
}

/// Where the block ends, and whether by an END line.
fn block_end(finder: &mut Finder<'_>, from: usize) -> (usize, bool) {
    let input = finder.input;
    let mut i = from;
    while let Some(found) = memchr::memmem::find(&input[i..], b"-----END ") {
        let label_at = i + found + 9;
        let label = LABEL.run(input, label_at, 80);
        finder.spend(found + label);
        let text = &input[label_at..label_at + label];
        if text.ends_with(b"PRIVATE KEY") || text.ends_with(b"PRIVATE KEY BLOCK") {
            let dashes = (0..5).take_while(|&d| at(input, label_at + label + d) == b'-').count();
            return (label_at + label + dashes, true);
        }
        i = label_at;
    }
    finder.spend(input.len() - i);
    (input.len(), false)
}
