//! `password hunter2!`, `using api key …`: a secret after its word, without any sign between.

use crate::redact::bytes::{ByteSet, at, mixed, starts_nocase};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::{Kind, mask_len};

const VALUE_END: ByteSet = ByteSet::of(b" \t\r\n,;\"'");
const SPECIAL: ByteSet = ByteSet::of(b"!@#$%^&*");
const VALUE_BYTES_MIN: usize = 6;

/// `p` is where a word starts, `word` the one that is looked for.
pub(super) fn find(f: &mut Finder<'_>, p: usize, word: &[u8], password: bool) {
    let v = f.v;
    if !starts_nocase(v, p, word) {
        return;
    }
    let mut i = p + word.len();
    for small in [&b" is"[..], b" was", b" of"] {
        if starts_nocase(v, i, small) && at(v, i + small.len()) == b' ' {
            i += small.len();
            break;
        }
    }
    if at(v, i) != b' ' {
        return;
    }
    i += 1;
    if mask_len(&v[i..]) != 0 {
        return;
    }
    let rest = &v[i..];
    let len = rest.iter().take_while(|&&b| !VALUE_END.has(b)).count();
    f.spend(len);
    let sure = len >= VALUE_BYTES_MIN && is_secret(&rest[..len], password);
    if sure || f.is_cut(i + len) && len > 0 {
        f.hit(i, i + len, rule::PROSE, Kind::Secret);
    }
}

/// Whether a text looks chosen or drawn rather than written.
fn is_secret(text: &[u8], password: bool) -> bool {
    let special = text.iter().any(|&b| SPECIAL.has(b));
    if password {
        let call = text.contains(&b'(') && text.contains(&b')');
        // Paths and versions are neither.
        let path = text.iter().any(|b| matches!(b, b'/' | b'.' | b':' | b'<' | b'['));
        return special || mixed(text) && !call && !path;
    }
    let plain =
        !text.iter().any(|b| matches!(b, b'.' | b':' | b'(' | b'<' | b'[' | b'{' | b'\\' | b'`'));
    let cases = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    let path = text.contains(&b'/');
    plain && mixed(text) && (special || text.len() >= 12 && (!path || cases && text.len() >= 20))
}
