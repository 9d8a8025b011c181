//! The user information in `scheme://user:password@host`, anchored at `://`; the host stays.
//!
//! The last `@` of the authority ends the user information. A password may hold a `/`, `?` or `#` that should have been
//! encoded: the authority then ends after the first `@` that a host follows.

use super::drawn;
use crate::bytes::{ALNUM, ByteSet, HEX, at, mixed};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, is_mask};

/// User, colon, password and at sign together.
const USERINFO_BYTES_MAX: usize = 320;
const TEXT_END: ByteSet = ByteSet::of(b" \t\r\n\"'<>`");
const PATH: ByteSet = ByteSet::of(b"/?#");
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const HOST: ByteSet = ByteSet::of(b"A-Za-z0-9.\\-");
const SCHEME: ByteSet = ByteSet::of(b"A-Za-z0-9+.\\-");
/// Fewest bytes of a token that is given as the user.
const TOKEN_BYTES_MIN: usize = 20;

/// `pos` is the colon.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    if SCHEME.run_back(finder.input, pos, 2) == 0 {
        return;
    }
    let from = pos + 3;
    let rest = finder.input.get(from..).unwrap_or_default();
    let rest = &rest[..rest.len().min(USERINFO_BYTES_MAX)];
    let len = rest.iter().take_while(|&&byte| !TEXT_END.has(byte)).count();
    finder.spend(len);
    let text = &rest[..len];
    let authority = text.iter().take_while(|&&byte| !PATH.has(byte)).count();
    let Some(sign) = last_sign(text, authority) else {
        return unfinished(finder, from, &text[..authority]);
    };
    let host = at(text, sign + 1);
    if !(ALNUM.has(host) || matches!(host, b'[' | b'.' | b'-' | 0)) {
        return;
    }
    // What is before the sign is a user, not the first part of an e-mail address.
    finder.user_sign = from + sign;
    match user_colon(&text[..sign]) {
        Some(colon) if colon + 1 < sign && !is_placeholder(&text[colon + 1..sign]) => {
            finder.hit(from + colon + 1, from + sign, rule::URL_PASSWORD, HitKind::UrlPassword);
        }
        None if is_token(&text[..sign]) => {
            finder.hit(from, from + sign, rule::URL_PASSWORD, HitKind::UrlPassword);
        }
        _ => {}
    }
}

/// The colon between user and password. The user may be an e-mail address.
fn user_colon(user: &[u8]) -> Option<usize> {
    user.iter().position(|&byte| byte == b':')
}

/// The `@` that ends the user information of `text`, whose authority ends at `authority` unless a password holds a
/// sign of a path.
fn last_sign(text: &[u8], authority: usize) -> Option<usize> {
    if let Some(sign) = text[..authority].iter().rposition(|&byte| byte == b'@') {
        let after_path = sign_in_path(text, sign, authority);
        return after_path.or(Some(sign));
    }
    let colon = user_colon(&text[..authority])?;
    let after = &text[colon + 1..authority];
    // `host:8080/…`, `[::1]:80/…`, `host:${PORT}/…`
    if after.iter().all(u8::is_ascii_digit) || text[0] == b'[' || is_placeholder(after) {
        return None;
    }
    (authority..text.len()).find(|&i| text[i] == b'@' && is_host(&text[i + 1..]))
}

/// The `@` in what looks like a path, in `user:p@ss/word@host:5672/`: what follows the first sign is no full host, and
/// what follows this one is.
fn sign_in_path(text: &[u8], sign: usize, authority: usize) -> Option<usize> {
    let is_full = |from: usize| {
        let name = HOST.run(text, from, text.len());
        text[from..from + name].contains(&b'.') || at(text, from + name) == b':'
    };
    let is_password = user_colon(&text[..sign]).is_some() && !is_full(sign + 1);
    if !is_password || at(text, authority) != b'/' {
        return None;
    }
    (authority..text.len()).rfind(|&i| text[i] == b'@' && is_host(&text[i + 1..]) && is_full(i + 1))
}

/// Whether `text` starts with a host, then the end, a path or a port.
fn is_host(text: &[u8]) -> bool {
    let name = HOST.run(text, 0, text.len());
    let port = if at(text, name) == b':' { 1 + DIGIT.run(text, name + 1, 5) } else { 0 };
    name > 0
        && text
            .get(name + port)
            .is_none_or(|&byte| PATH.has(byte) || matches!(byte, b',' | b')' | b';' | b'|'))
}

/// No sign: `http://host:80` cut short has a port; other text may be half a password.
fn unfinished(finder: &mut Finder<'_>, from: usize, authority: &[u8]) {
    let Some(colon) = user_colon(authority) else { return };
    let end = from + authority.len();
    if finder.is_cut(end) && !authority[colon + 1..].iter().all(u8::is_ascii_digit) {
        finder.hit(from + colon + 1, end, rule::URL_PASSWORD, HitKind::UrlPassword);
    }
}

/// A token in place of the user: `https://9f8e…@host`.
fn is_token(user: &[u8]) -> bool {
    let long = user.len() >= TOKEN_BYTES_MIN;
    long && (drawn::is_drawn(user) || mixed(user) && user.iter().all(|&byte| HEX.has(byte)))
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
