//! `password hunter2!`, `using api key …`: a secret after its word, without any sign between.

use crate::bytes::{ByteSet, at, mixed, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, mask_len};

const VALUE_END: ByteSet = ByteSet::of(b" \t\r\n,;\"'");
const SPECIAL: ByteSet = ByteSet::of(b"!@#$%^&*");
const VALUE_BYTES_MIN: usize = 6;

/// `pos` is the start of a word, `word` the one to match.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize, word: &[u8], password: bool) {
    let input = finder.input;
    if !starts_nocase(input, pos, word) {
        return;
    }
    let mut i = pos + word.len();
    for small in [&b" is"[..], b" was", b" of"] {
        if starts_nocase(input, i, small) && at(input, i + small.len()) == b' ' {
            i += small.len();
            break;
        }
    }
    if at(input, i) != b' ' {
        return;
    }
    i += 1;
    if mask_len(&input[i..]) != 0 {
        return;
    }
    let rest = &input[i..];
    let len = rest.iter().take_while(|&&byte| !VALUE_END.has(byte)).count();
    finder.spend(len);
    let sure = len >= VALUE_BYTES_MIN && is_secret(&rest[..len], password);
    if sure || finder.is_cut(i + len) && len > 0 {
        finder.hit(i, i + len, rule::PROSE, HitKind::Secret);
    }
}

/// Whether a text looks chosen or random rather than written.
fn is_secret(text: &[u8], password: bool) -> bool {
    let special = text.iter().any(|&byte| SPECIAL.has(byte));
    if password {
        let call = text.contains(&b'(') && text.contains(&b')');
        // Paths and versions are neither.
        let path = text.iter().any(|byte| matches!(byte, b'/' | b'.' | b':' | b'<' | b'['));
        return special || mixed(text) && !call && !path;
    }
    let plain = !text
        .iter()
        .any(|byte| matches!(byte, b'.' | b':' | b'(' | b'<' | b'[' | b'{' | b'\\' | b'`'));
    let cases = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    let path = text.contains(&b'/');
    plain && mixed(text) && (special || text.len() >= 12 && (!path || cases && text.len() >= 20))
}
