//! Addresses that are written to be read by people only: `joe [at] example [dot] com`, `joe(at)example.com`.

use super::LOCAL;
use crate::bytes::{ByteSet, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const LABEL: ByteSet = ByteSet::of(b"A-Za-z0-9\\-");
/// Most labels of a domain.
const LABELS_MAX: usize = 5;
/// Most bytes of a local part and of a label.
const WORD_BYTES_MAX: usize = 64;

/// A filter applied before [`find`]: `pos` is a bracket.
#[inline(always)]
pub(in crate::detect) fn may_be(input: &[u8], pos: usize) -> bool {
    at(input, pos + 1) | 0x20 == b'a' && is_word_in_brackets(input, pos, b"at")
}

/// Whether `word` in brackets starts at `pos`.
fn is_word_in_brackets(input: &[u8], pos: usize, word: &[u8]) -> bool {
    let close = match at(input, pos) {
        b'[' => b']',
        b'(' => b')',
        _ => return false,
    };
    let end = pos + 1 + word.len();
    at(input, end) == close && input[pos + 1..end].eq_ignore_ascii_case(word)
}

/// `pos` is the bracket before `at`.
pub(in crate::detect) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !may_be(input, pos) {
        return;
    }
    let end = pos - usize::from(before(input, pos) == b' ');
    let len = LOCAL.run_back(input, end, WORD_BYTES_MAX + 1);
    let start = end - len;
    let first = at(input, start);
    if len == 0 || len > WORD_BYTES_MAX || !is_word(first) {
        return;
    }
    let host = pos + 4;
    finder.spend(len + LABELS_MAX * WORD_BYTES_MAX);
    if let Some(end) = domain_end(input, host + usize::from(at(input, host) == b' ')) {
        finder.hit(start, end, rule::EMAIL, HitKind::Email);
    }
}

/// The end of a domain whose dots may be words.
fn domain_end(input: &[u8], host: usize) -> Option<usize> {
    let mut pos = host;
    let mut end = None;
    for labels in 0..LABELS_MAX {
        let len = LABEL.run(input, pos, WORD_BYTES_MAX);
        let label = &input[pos..pos + len];
        if len == 0 || label[0] == b'-' {
            break;
        }
        pos += len;
        if labels > 0 && super::domain::is_tld(label) && !super::domain::is_file(label) {
            end = Some(pos);
        }
        let dot = pos + usize::from(at(input, pos) == b' ');
        if is_word_in_brackets(input, dot, b"dot") {
            pos = dot + 5;
            pos += usize::from(at(input, pos) == b' ');
        } else if at(input, pos) == b'.' {
            pos += 1;
        } else {
            break;
        }
    }
    end
}
