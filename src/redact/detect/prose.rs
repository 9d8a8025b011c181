//! `password hunter2!`, `using api key …`: a secret after its word, without any sign between.

use crate::redact::bytes::{ByteSet, at, mixed, starts_nocase};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::{Kind, mask_len};

const VALUE_END: ByteSet = ByteSet::of(b" \t\r\n,;\"'");
const SPECIAL: ByteSet = ByteSet::of(b"!@#$%^&*");
const VALUE_BYTES_MIN: usize = 6;

/// `p` is where a word starts.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    let Some((len, password)) = keyword(v, p) else { return };
    let mut i = p + len;
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

/// Length of the word at `p`, and whether it is one for passwords.
fn keyword(v: &[u8], p: usize) -> Option<(usize, bool)> {
    let words: &[(&[u8], bool)] = match at(v, p).to_ascii_lowercase() {
        b'p' => &[(b"password", true), (b"passwd", true), (b"passphrase", true)],
        b's' => &[(b"secret", false)],
        b't' => &[(b"token", false)],
        b'a' => {
            &[(b"api key", false), (b"api_key", false), (b"api-key", false), (b"apikey", false)]
        }
        _ => return None,
    };
    words.iter().find(|(word, _)| starts_nocase(v, p, word)).map(|&(word, p)| (word.len(), p))
}

/// Whether a text looks chosen or drawn rather than written.
fn is_secret(text: &[u8], password: bool) -> bool {
    let special = text.iter().any(|&b| SPECIAL.has(b));
    if special && (password || mixed(text)) {
        return true;
    }
    if !mixed(text) {
        return false;
    }
    if password {
        // Paths and versions are neither.
        return !text.iter().any(|b| matches!(b, b'/' | b'.' | b':' | b'(' | b'<' | b'['));
    }
    let plain = !text.iter().any(|b| matches!(b, b'.' | b':' | b'(' | b'<' | b'[' | b'{' | b'\\'));
    let cases = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    let path = text.contains(&b'/');
    plain && text.len() >= 12 && (!path || cases && text.len() >= 20)
}
