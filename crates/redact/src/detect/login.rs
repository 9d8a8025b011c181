//! A password beside its user, anchored at `@`: `user:password@tcp(…)` and `joe@example.com:password`.

use super::{flags, programs};
use crate::bytes::{ByteSet, WORD, at, before, mixed};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, mask_len};

const LOGIN_BYTES_MAX: usize = 160;
const LOGIN_END: ByteSet = ByteSet::of(b" \t\r\n\"'<>`=(,");
const LOCAL: ByteSet = ByteSet::of(b"A-Za-z0-9._+\\-");
const DOMAIN: ByteSet = ByteSet::of(b"A-Za-z0-9.\\-");
const NETWORKS: [&[u8]; 6] = [b"tcp", b"tcp4", b"tcp6", b"unix", b"udp", b"cloudsql"];
const PASSWORD_BYTES_MIN: usize = 6;
const PASSWORD_BYTES_MAX: usize = 64;
const PASSWORD_END: ByteSet = ByteSet::of(b" \t\r\n\"'<>`|,;");

/// `pos` is an `@`.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    data_source(finder, pos);
    combination(finder, pos);
    mail_login(finder, pos);
}

/// The data source name of Go's MySQL driver: `user:password@tcp(host:3306)/db`.
fn data_source(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let rest = input.get(pos + 1..).unwrap_or_default();
    let has = |name: &&[u8]| rest.starts_with(name) && at(rest, name.len()) == b'(';
    if !NETWORKS.iter().any(has) {
        return;
    }
    let login = &input[pos.saturating_sub(LOGIN_BYTES_MAX)..pos];
    finder.spend(login.len());
    let len = login.iter().rev().take_while(|&&byte| !LOGIN_END.has(byte)).count();
    let login = &login[login.len() - len..];
    let Some(colon) = login.iter().position(|&byte| byte == b':') else { return };
    let password = &login[colon + 1..];
    let variable = matches!(password.first(), Some(b'$' | b'{' | b'%' | b'/'));
    if colon > 0
        && !password.is_empty()
        && !variable
        && mask_len(password) == 0
        && password != b"****"
    {
        finder.hit(pos - password.len(), pos, rule::URL_PASSWORD, HitKind::UrlPassword);
    }
}

/// A line of a list of logins: an e-mail address, a colon and a password of letters and digits.
fn combination(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let domain = DOMAIN.run(input, pos + 1, 64);
    let colon = pos + 1 + domain;
    if at(input, colon) != b':'
        || !LOCAL.has(before(input, pos))
        || !is_domain(&input[pos + 1..colon])
    {
        return;
    }
    let start = colon + 1;
    let rest = input.get(start..).unwrap_or_default();
    let len = rest
        .iter()
        .take(PASSWORD_BYTES_MAX + 1)
        .take_while(|&&byte| !PASSWORD_END.has(byte))
        .count();
    finder.spend(len);
    let password = &rest[..len];
    // `scp ann@example.com:backup1.tar`, `git@example.com:org/repo`, `ann@example.com:22:…`
    let other = password
        .iter()
        .any(|&byte| matches!(byte, b'/' | b'.' | b':' | b'@' | b'(' | b'[' | b'{' | b'\\'));
    if (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&len) && mixed(password) && !other {
        finder.hit(start, start + len, rule::URL_PASSWORD, HitKind::Secret);
    }
}

/// The command of IMAP: `a1 LOGIN "ann@example.org" "…"`.
fn mail_login(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let start = pos - LOCAL.run_back(input, pos, PASSWORD_BYTES_MAX);
    let quote = usize::from(matches!(before(input, start), b'"' | b'\''));
    if !input[..start - quote].ends_with(b"LOGIN ") {
        return;
    }
    let end = pos + 1 + DOMAIN.run(input, pos + 1, PASSWORD_BYTES_MAX) + quote;
    if at(input, end) != b' ' {
        return;
    }
    let Some(value) = flags::argument(input, end + 1) else { return };
    finder.spend(value.end - start);
    let is_last = matches!(
        at(input, value.end + usize::from(value.quoted)),
        0 | b'\r' | b'\n' | b'"' | b'\''
    );
    if is_last && (value.quoted || mixed(&input[value.start..value.end])) {
        programs::mask(finder, programs::Part::All, value);
    }
}

/// Labels, the last one a word of letters.
fn is_domain(text: &[u8]) -> bool {
    let last = text.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    last.len() < text.len()
        && last.len() >= 2
        && last.iter().all(u8::is_ascii_alphabetic)
        && WORD.has(text[0])
}
