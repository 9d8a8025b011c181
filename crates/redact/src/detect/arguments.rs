//! Arguments of known programs that are a password by their place: `net user bob X /add`, `sqlplus user/X@db`,
//! `htpasswd -b file user X`, lines of `.pgpass`.
//!
//! Reads one command, at most [`COMMAND_BYTES_MAX`] in each direction.

use super::kv_value::Value;
use super::letters::are_drawn;
use super::programs::{COMMAND_BYTES_MAX, NAME, Part, SEPARATOR, command_start, mask, words};
use crate::bytes::{ByteSet, at, before, mixed, starts_nocase};
use crate::hits::Finder;

/// Options of Windows programs beside a password.
const OPTIONS: [&[u8]; 3] = [b"/add", b"/user:", b"/p:"];

/// A filter applied before [`windows`]; `pos` is the slash.
#[inline(always)]
pub(super) fn windows_may_be(input: &[u8], pos: usize) -> bool {
    OPTIONS.iter().any(|option| starts_nocase(input, pos, option))
}

/// `net user bob X /add`, `net use Z: \\host\share X /user:bob`, `xfreerdp /p:X`; `pos` is the space before the slash.
pub(super) fn windows(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let start = command_start(input, pos);
    let rest = &input[pos..input.len().min(pos + COMMAND_BYTES_MAX)];
    let end = pos + rest.iter().position(|&byte| SEPARATOR.has(byte)).unwrap_or(rest.len());
    finder.spend(end - start);
    let command = &input[start..end];
    if starts_nocase(input, pos, b" /p:") {
        if words(command).any(|word| word.ends_with(b"freerdp") || word.starts_with(b"wfreerdp")) {
            let len = input[pos + 4..end].iter().take_while(|&&byte| byte != b' ').count();
            let value = Value { start: pos + 4, end: pos + 4 + len, quoted: false };
            mask(finder, Part::All, value);
        }
        return;
    }
    let mut parts = arguments(command);
    let is_net = |word: &[u8]| {
        let name = word.rsplit(|&byte| byte == b'\\' || byte == b'"').next().unwrap_or_default();
        [&b"net"[..], b"net.exe", b"net1"].iter().any(|net| name.eq_ignore_ascii_case(net))
    };
    if !parts.any(|(_, word)| is_net(word)) {
        return;
    }
    let Some((_, verb)) = parts.next() else { return };
    let plain = |&(_, word): &(usize, &[u8])| !word.starts_with(b"/");
    let found = if verb.eq_ignore_ascii_case(b"user") {
        parts.filter(plain).nth(1)
    } else if verb.eq_ignore_ascii_case(b"use") {
        let share = |word: &[u8]| word.starts_with(b"\\") || word.ends_with(b":");
        parts.filter(plain).find(|(_, word)| !share(word))
    } else {
        None
    };
    if let Some((at, word)) = found.filter(|(_, word)| !word.contains(&b'*')) {
        let value = Value { start: start + at, end: start + at + word.len(), quoted: false };
        mask(finder, Part::All, value);
    }
}

/// The arguments of a command and where they start.
fn arguments(command: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    let parts = command.split(|&byte| byte == b' ').map(move |word| {
        let at = start;
        start += word.len() + 1;
        (at, word)
    });
    parts.filter(|(_, word)| !word.is_empty())
}

/// `htpasswd -b file user X`: the last argument of a command with `-b`; `pos` is the position after the name.
pub(super) fn htpasswd(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let rest = &input[pos..input.len().min(pos + COMMAND_BYTES_MAX)];
    let len = rest.iter().position(|&byte| SEPARATOR.has(byte)).unwrap_or(rest.len());
    let text = rest[..len].trim_ascii_end();
    finder.spend(len);
    let words = || text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let batch = |word: &[u8]| word.starts_with(b"-") && word.contains(&b'b') && word.len() <= 5;
    let options = words().filter(|word| word.starts_with(b"-")).count();
    let last = text.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    if !words().any(batch) {
        return;
    }
    if words().count() - options < 2 || last.starts_with(b"-") {
        return;
    }
    let end = pos + text.len();
    mask(finder, Part::All, Value { start: end - last.len(), end, quoted: false });
}

/// Words after `AUTH` in sentences about it.
const AUTH_SENTENCE: [&[u8]; 9] =
    [b"from", b"by", b"via", b"with", b"for", b"to", b"on", b"failed", b"error"];
/// The shortest password of [`auth_command`].
const AUTH_BYTES_MIN: usize = 6;

/// `AUTH default X`, `AUTH X`, `AUTH PLAIN X`: the last argument of a command of Redis or SMTP; `pos` is the position
/// after the name.
pub(super) fn auth_command(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let ends = |&&byte: &&u8| !matches!(byte, b'\r' | b'\n' | b'"' | b'\'' | b'\\');
    let len = input[pos..].iter().take(COMMAND_BYTES_MAX).take_while(ends).count();
    let text = input[pos..pos + len].trim_ascii_end();
    finder.spend(len);
    let Some(last) = text.iter().rposition(|&byte| byte == b' ') else { return };
    let (name, value) = (text[..last].trim_ascii(), &text[last + 1..]);
    // `lost connection after AUTH from unknown[192.0.2.23]`
    let is_sentence = AUTH_SENTENCE.iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_name = name.iter().all(|&byte| NAME.has(byte)) && !is_sentence && !value.contains(&b'[');
    let is_closed = len < COMMAND_BYTES_MAX;
    let encoded = has_cases(value) && (value.ends_with(b"=") || are_drawn(value));
    if is_name && is_closed && value.len() >= AUTH_BYTES_MIN && (mixed(value) || encoded) {
        let end = pos + text.len();
        mask(finder, Part::All, Value { start: end - value.len(), end, quoted: false });
    }
}

fn has_cases(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase)
}

/// Programs of Oracle whose first argument is `user/password@database`.
const ORACLE: [&[u8]; 12] = [
    b"sqlplus", b"connect", b"conn", b"rman", b"expdp", b"impdp", b"sqlldr", b"exp", b"imp",
    b"sql", b"tnsping", b"target",
];

/// The password in `user/password@database`; `pos` is the `@`.
pub(super) fn oracle(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let slashed = input[..pos].iter().rev().take(64).find(|&&byte| byte == b'/' || byte <= b' ');
    if slashed != Some(&b'/') {
        return;
    }
    let word = ByteSet::of(b"!-~").run_back(input, pos, 96);
    let start = pos - word;
    let text = &input[start..pos];
    let Some(slash) = text.iter().position(|&byte| byte == b'/') else { return };
    let thin = text.windows(5).position(|part| part == b"thin:").map(|found| found + 5);
    let user = &text[thin.unwrap_or(0)..slash.max(thin.unwrap_or(0))];
    let password = start + slash + 1;
    let named = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'"' | b'\'')
    };
    if user.is_empty() || password >= pos || !user.iter().all(named) {
        return;
    }
    finder.spend(word);
    let command = command_start(input, start);
    let last = input[command..start]
        .split(|byte| matches!(byte, b' ' | b'"' | b'\''))
        .rfind(|word| !word.is_empty() && word[0] != b'-');
    let name = words(last.unwrap_or_default()).last().unwrap_or_default();
    let known = thin.is_some() || ORACLE.iter().any(|known| name.eq_ignore_ascii_case(known));
    if known {
        mask(finder, Part::All, Value { start: password, end: pos, quoted: false });
    }
}

/// A filter applied before [`pgpass`]: a port's last digit before the colon, and a name after it.
#[inline(always)]
pub(super) fn pgpass_may_be(input: &[u8], pos: usize) -> bool {
    let next = at(input, pos + 1);
    before(input, pos).is_ascii_digit()
        && (next.is_ascii_alphabetic() || matches!(next, b'*' | b'_'))
}

/// A line of `.pgpass`: `host:port:database:user:password`; `pos` is the colon after the port.
pub(super) fn pgpass(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !pgpass_may_be(input, pos) {
        return;
    }
    let port = ByteSet::of(b"0-9").run_back(input, pos, 6);
    let colon = pos - port;
    if !(4..=5).contains(&port) || before(input, colon) != b':' {
        return;
    }
    let host = NAME.run_back(input, colon - 1, 64);
    let start = colon - 1 - host;
    if host == 0 || !matches!(before(input, start), 0 | b'\n' | b' ' | b'"' | b'\'') {
        return;
    }
    let name = ByteSet::of(b"A-Za-z0-9_*.\\-");
    let database = pos + 1 + name.run(input, pos + 1, 64);
    let user = database + 1 + name.run(input, database + 1, 64);
    if at(input, database) != b':' || at(input, user) != b':' || user == database + 1 {
        return;
    }
    let len = ByteSet::of(b"!-~").run(input, user + 1, 128);
    finder.spend(len + host);
    let text = &input[user + 1..user + 1 + len];
    let ends = matches!(at(input, user + 1 + len), 0 | b'\n' | b'\r');
    if ends && len >= 6 && mixed(text) && !text.contains(&b':') {
        mask(finder, Part::All, Value { start: user + 1, end: user + 1 + len, quoted: true });
    }
}
