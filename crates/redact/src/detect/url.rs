//! The password in `scheme://user:password@host`, anchored at `://`.

use crate::bytes::{ALNUM, ByteSet, at};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, is_mask};

/// User, colon, password and at sign together.
const USERINFO_BYTES_MAX: usize = 320;
const AUTHORITY_END: ByteSet = ByteSet::of(b" \t\r\n/\"'<>");
const SCHEME: ByteSet = ByteSet::of(b"A-Za-z0-9+.\\-");

/// `pos` is the colon.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    if SCHEME.run_back(finder.input, pos, 2) == 0 {
        return;
    }
    let from = pos + 3;
    let rest = finder.input.get(from..).unwrap_or_default();
    let rest = &rest[..rest.len().min(USERINFO_BYTES_MAX)];
    let len = rest.iter().take_while(|&&byte| !AUTHORITY_END.has(byte)).count();
    finder.spend(len);
    let authority = &rest[..len];
    let Some(colon) = authority.iter().position(|&byte| byte == b':') else { return };
    let password = from + colon + 1;
    let Some(sign) = authority.iter().rposition(|&byte| byte == b'@') else {
        // `http://host:80` cut short has a port; other text may be half a password.
        let rest = &finder.input[password..from + len];
        if finder.is_cut(from + len) && !rest.iter().all(u8::is_ascii_digit) {
            finder.hit(password, from + len, rule::URL_PASSWORD, HitKind::UrlPassword);
        }
        return;
    };
    let sign = from + sign;
    let host = at(finder.input, sign + 1);
    if sign <= password || !(ALNUM.has(host) || matches!(host, b'[' | b'.' | b'-' | 0)) {
        return;
    }
    if !is_placeholder(&finder.input[password..sign]) {
        finder.hit(password, sign, rule::URL_PASSWORD, HitKind::UrlPassword);
    }
}

/// `****`, `xxx`, `${DB_PASSWORD}`, `<password>`, `%s`, `{password}`.
fn is_placeholder(password: &[u8]) -> bool {
    match password {
        [b'$', b'{' | b'(', ..] | [b'{', .., b'}'] | b"%s" => true,
        [b'$', name @ ..] if name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_') => {
            true
        }
        _ => is_mask(password) || password.iter().all(|&byte| matches!(byte, b'*' | b'x' | b'.')),
    }
}
