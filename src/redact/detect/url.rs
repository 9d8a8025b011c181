//! The password in `scheme://user:password@host`, anchored at `://`.

use crate::redact::bytes::{ALNUM, ByteSet, at};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::{Kind, is_mask};

/// User, colon, password and at sign together.
const USERINFO_BYTES_MAX: usize = 320;
const AUTHORITY_END: ByteSet = ByteSet::of(b" \t\r\n/\"'<>");
const SCHEME: ByteSet = ByteSet::of(b"A-Za-z0-9+.\\-");

/// `p` is the colon.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    if SCHEME.run_back(f.v, p, 2) == 0 {
        return;
    }
    let from = p + 3;
    let rest = f.v.get(from..).unwrap_or_default();
    let rest = &rest[..rest.len().min(USERINFO_BYTES_MAX)];
    let len = rest.iter().take_while(|&&b| !AUTHORITY_END.has(b)).count();
    f.spend(len);
    let authority = &rest[..len];
    let Some(colon) = authority.iter().position(|&b| b == b':') else { return };
    let password = from + colon + 1;
    let Some(sign) = authority.iter().rposition(|&b| b == b'@') else {
        // `http://host:80` cut short is a port, anything else may be half a password.
        let rest = &f.v[password..from + len];
        if f.is_cut(from + len) && !rest.iter().all(u8::is_ascii_digit) {
            f.hit(password, from + len, rule::URL_PASSWORD, Kind::UrlPassword);
        }
        return;
    };
    let sign = from + sign;
    let host = at(f.v, sign + 1);
    if sign <= password || !(ALNUM.has(host) || matches!(host, b'[' | b'.' | b'-' | 0)) {
        return;
    }
    if !is_placeholder(&f.v[password..sign]) {
        f.hit(password, sign, rule::URL_PASSWORD, Kind::UrlPassword);
    }
}

/// `****`, `xxx`, `${DB_PASSWORD}`, `<password>`, `%s`, `{password}`.
fn is_placeholder(password: &[u8]) -> bool {
    match password {
        [b'$', b'{' | b'(', ..] | [b'{', .., b'}'] | b"%s" => true,
        [b'$', name @ ..] if name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_') => true,
        _ => is_mask(password) || password.iter().all(|&b| matches!(b, b'*' | b'x' | b'.')),
    }
}
