//! Private keys without their BEGIN line: encoded keys by their first bytes, PEM lines before an END line, PEM in
//! base64, PuTTY's files.

use super::private_key;
use crate::bytes::{ByteSet, WORD, at, base64_decode, before};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const BASE64: ByteSet = ByteSet::of(b"A-Za-z0-9+/");
const BREAK: ByteSet = ByteSet::of(b" \t\r\n");
/// Fewest characters of an encoded key.
const KEY_BYTES_MIN: usize = 40;
const LINE_BYTES: usize = 64;
/// The length of keys is bounded: 16384 bits in base64, with line breaks.
const BLOCK_BYTES_MAX: usize = 16 * 1024;
/// The first word of a line has at least this many bytes; it makes the line a candidate.
const FIRST_WORD_BYTES: usize = 22;

/// A filter applied before [`lines`]: the first line of a block, by its length.
#[inline(always)]
pub(super) fn may_be_line(input: &[u8], pos: usize) -> bool {
    let ends =
        |i: usize| input.get(pos + i).is_none_or(|&byte| matches!(byte, b'\n' | b'\r' | b'\\'));
    let has = |i: usize| input.get(pos + i).is_none_or(|&byte| BASE64.has(byte));
    ends(LINE_BYTES) && [32, 48, LINE_BYTES - 1].into_iter().all(has)
}

/// A key in DER (RFC 5208, RFC 5915, RFC 8017) or OpenSSH's form, in base64: `pos` is where it starts.
///
/// The version after the outer sequence tells private keys from certificates and public keys.
pub(super) fn encoded(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if pos < finder.key_body_from.max(finder.key_block_from) || !is_private(&input[pos..]) {
        return;
    }
    let end = block_end(finder, pos);
    if end - pos >= KEY_BYTES_MIN || finder.is_cut(end) {
        finder.key_body_from = end;
        finder.hit(pos, end, rule::PRIVATE_KEY, HitKind::PrivateKey);
    }
}

/// Whether the base64 `text` starts like a private key.
fn is_private(text: &[u8]) -> bool {
    let text = &text[..text.len().min(64)];
    let long = text.starts_with(b"MII");
    let version = |from: usize, values: &[&[u8]]| {
        values.iter().any(|value| text.get(from..from + value.len()) == Some(*value))
    };
    let encrypted =
        || text.windows(14).any(|part| part == b"gkqhkiG9w0BBQ0" || part == b"gkqhkiG9w0BDAE");
    long && (version(6, &[b"IBAD", b"IBAA"]) || encrypted())
        || text.starts_with(b"MIG")
            && version(4, &[b"AgEAMBMG", b"AgEAMBAG", b"AgEBBDA", b"AgEBBEI"])
        || [&b"MHcCAQEEI"[..], b"MC4CAQAwBQYDK2Vw", b"MEcCAQAwBQYDK2Vx", b"b3BlbnNzaC1rZXktdjE"]
            .iter()
            .any(|start| text.starts_with(start))
}

/// The end of the base64 lines from `pos` on, with an END line after them.
fn block_end(finder: &mut Finder<'_>, pos: usize) -> usize {
    let input = finder.input;
    let limit = input.len().min(pos + BLOCK_BYTES_MAX);
    let mut end = pos;
    loop {
        let run = BASE64.run(input, end, limit - end);
        let pads = (0..2).take_while(|&i| at(input, end + run + i) == b'=').count();
        end += run + pads;
        let next = line_break(input, end);
        if next == 0 || run == 0 || pads > 0 || BASE64.run(input, end + next, 16) < 16 {
            break;
        }
        end += next;
    }
    finder.spend(end - pos);
    let after = end + line_break(input, end);
    private_key::end_line(input, after).unwrap_or(end)
}

/// The length of the line break at `pos`, written out or escaped.
fn line_break(input: &[u8], pos: usize) -> usize {
    let escapes = |from: usize| {
        (from..from + 4)
            .step_by(2)
            .take_while(|&i| matches!((at(input, i), at(input, i + 1)), (b'\\', b'n' | b'r')))
            .count()
    };
    match 2 * escapes(pos) {
        0 => {
            let blank = BREAK.run(input, pos, 24);
            if input[pos..pos + blank].contains(&b'\n') { blank } else { 0 }
        }
        escaped => escaped,
    }
}

/// Lines of base64 before the END line of a private key: the BEGIN line is missing, and maybe more. `pos` is the start
/// of a line.
pub(super) fn lines(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let starts = pos == 0 || matches!(before(input, pos), b'\n' | b'n');
    if pos < finder.key_body_from.max(finder.key_block_from) || !starts || !may_be_line(input, pos)
    {
        return;
    }
    if WORD.run(input, pos, FIRST_WORD_BYTES) < FIRST_WORD_BYTES
        || BASE64.run(input, pos, LINE_BYTES + 1) != LINE_BYTES
    {
        return;
    }
    let end = block_end(finder, pos);
    finder.key_body_from = end;
    if input[..end].ends_with(b"-----") {
        finder.hit(first_line(input, pos), end, rule::PRIVATE_KEY, HitKind::PrivateKey);
    }
}

/// The start of the lines of base64 that end right before `pos`.
fn first_line(input: &[u8], pos: usize) -> usize {
    let limit = pos.saturating_sub(BLOCK_BYTES_MAX);
    let mut start = pos;
    loop {
        let gap = ByteSet::of(b"\r\n").run_back(input, start, 2);
        let run = BASE64.run_back(input, start - gap, LINE_BYTES + 1);
        if gap == 0 || run == 0 || run > LINE_BYTES || start - gap - run < limit {
            return start;
        }
        start -= gap + run;
    }
}

/// A PEM file in base64: `pos` is where `LS0tLS1CRUdJTi` starts, the encoding of `-----BEGIN`.
pub(super) fn pem(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let len = ByteSet::of(b"A-Za-z0-9+/=").run(input, pos, input.len());
    finder.spend(len);
    let mut out = [0u8; 48];
    let head = &input[pos..pos + len.min(64) / 4 * 4];
    let is_key = base64_decode(head, &mut out)
        .is_some_and(|text| text.windows(11).any(|part| part == b"PRIVATE KEY"));
    if len >= KEY_BYTES_MIN && is_key || finder.is_cut(pos + len) {
        finder.hit(pos, pos + len, rule::PRIVATE_KEY, HitKind::PrivateKey);
    }
}

/// A PuTTY file: `pos` is where `PuTTY-User-Key-File-` starts. The lines after `Private-Lines:` are the key.
pub(super) fn putty(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let text = &input[pos..input.len().min(pos + BLOCK_BYTES_MAX)];
    if !text.starts_with(b"PuTTY-User-Key-File-") {
        return;
    }
    finder.spend(text.len());
    let Some(lines) = memchr::memmem::find(text, b"Private-Lines:") else { return };
    let number = lines + b"Private-Lines:".len();
    let number = number + ByteSet::of(b" 0-9").run(text, number, 8);
    let start = pos + number + line_break(input, pos + number);
    let end = block_end(finder, start);
    if end > start {
        finder.hit(start, end, rule::PRIVATE_KEY, HitKind::PrivateKey);
    }
}
