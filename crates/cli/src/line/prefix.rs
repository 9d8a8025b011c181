//! Prefixes that runtimes, collectors and terminals put before a program's line.
//!
//! A prefix is kept byte for byte; what follows is read as a line. Known are: a byte order mark, colours, CRI
//! (`2026-01-01T00:00:00.000000000Z stdout F `), a time alone (`docker logs -t`, `kubectl logs --timestamps`), Compose
//! and process managers (`web-1  | `, `0|api  | `), kubectl and stern (`[pod/web/app] `), Heroku (`app[web.1]: `),
//! syslog (RFC 3164 with and without its priority, RFC 5424, journald), `@cee:`, AWS Lambda, klog's header, a level.
//!
//! Promises: linear in the prefix, which has at most `PREFIX_BYTES_MAX` bytes; nothing allocates.
use super::level::{is_distinct, level_of_word};
use super::time::time_at_start;

/// The longest prefix.
pub(super) const PREFIX_BYTES_MAX: usize = 512;
/// The most prefixes in a row.
const PARTS_MAX: usize = 6;

/// The byte order mark of UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Returns where the JSON object starts that fills the rest of a line; `None` if the line does not have that form. The
/// object itself is not checked.
pub fn json_start(line: &[u8]) -> Option<usize> {
    let ends_object = line.trim_ascii_end().last() == Some(&b'}');
    if ends_object { object_start(line) } else { None }
}

/// As [`json_start`], also if the end of the object is cut off.
pub(super) fn object_start(line: &[u8]) -> Option<usize> {
    memchr::memchr(b'{', &line[..line.len().min(PREFIX_BYTES_MAX)])?;
    let mut at = 0;
    for _ in 0..=PARTS_MAX {
        at += skip_blanks(&line[at..]);
        if line.get(at) == Some(&b'{') {
            return Some(at);
        }
        if at > PREFIX_BYTES_MAX {
            return None;
        }
        at += part(&line[at..])?;
    }
    None
}

/// Spaces, colours and byte order marks.
fn skip_blanks(line: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = &line[at..];
        at += match rest.first() {
            Some(b' ' | b'\t' | b'\r') => 1,
            Some(0xEF) if rest.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            Some(0x1B) => match colour_len(rest) {
                0 => return at,
                len => len,
            },
            _ => return at,
        };
    }
}

/// The length of a colour sequence.
fn colour_len(rest: &[u8]) -> usize {
    let Some(parameters) = rest.strip_prefix(b"\x1b[") else { return 0 };
    let len = parameters.iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    if parameters.get(len) == Some(&b'm') { len + 3 } else { 0 }
}

/// The length of one prefix.
fn part(rest: &[u8]) -> Option<usize> {
    PARTS.iter().find_map(|part| part(rest))
}

type Part = fn(&[u8]) -> Option<usize>;

const PARTS: [Part; 9] =
    [priority, cookie, syslog, timed, compose, bracketed, klog, level_word, pod];

/// `<34>`, `<34>1 …`
fn priority(rest: &[u8]) -> Option<usize> {
    let (_, len) = read_priority(rest)?;
    let after = &rest[len..];
    Some(len + rfc5424(after).or_else(|| syslog(after)).unwrap_or(0))
}

/// The number of `<34>` at the start, and its length.
pub(super) fn read_priority(line: &[u8]) -> Option<(u8, usize)> {
    let digits = line.strip_prefix(b"<")?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) || line.get(digits + 1) != Some(&b'>') {
        return None;
    }
    let number: u16 = str::from_utf8(&line[1..=digits]).ok()?.parse().ok()?;
    u8::try_from(number).ok().filter(|number| *number < 192).map(|number| (number, digits + 2))
}

/// `@cee:`, `@json:`
fn cookie(rest: &[u8]) -> Option<usize> {
    [&b"@cee:"[..], b"@json:"].iter().find(|cookie| rest.starts_with(cookie)).map(|c| c.len())
}

/// `1 2026-01-01T00:00:00Z host app 123 id [a@1 b="c"]` after the priority (RFC 5424).
fn rfc5424(rest: &[u8]) -> Option<usize> {
    let mut at = rest.strip_prefix(b"1 ").map(|_| 2)?;
    for _ in 0..5 {
        let len = word_len(&rest[at..]);
        if len == 0 || rest.get(at + len) != Some(&b' ') {
            return None;
        }
        at += len + 1;
    }
    let data = &rest[at..];
    let len = if data.first() == Some(&b'-') { 1 } else { structured_data_len(data)? };
    Some(at + len)
}

/// The length of `[id name="value"][…]`; a value may hold `\"`, `\\` and `\]`.
fn structured_data_len(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    while data.get(at) == Some(&b'[') {
        let mut is_quoted = false;
        loop {
            at += 1;
            match *data.get(at)? {
                b'\\' if is_quoted => at += 1,
                b'"' => is_quoted = !is_quoted,
                b']' if !is_quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > 0).then_some(at)
}

/// `Jan  2 15:04:05 host app[123]:`, also with an ISO time, as rsyslog and journald write it.
pub(super) fn syslog(rest: &[u8]) -> Option<usize> {
    let (_, time_len) = time_at_start(rest, 0)?;
    if !matches!(rest.first(), Some(b'A'..=b'Z' | b'2')) || rest.get(time_len) != Some(&b' ') {
        return None;
    }
    let mut at = time_len + 1;
    at += rest[at..].iter().take_while(|byte| **byte == b' ').count();
    // The host is missing in what some libraries send to a local socket.
    for _ in 0..2 {
        let len = word_len(&rest[at..]);
        let word = &rest[at..at + len];
        if is_level(word) {
            return None;
        }
        if let Some(tag) = word.strip_suffix(b":") {
            return is_tag(tag).then_some(at + len);
        }
        // macOS writes no colon after the process.
        if word.ends_with(b"]") && is_tag(word) && word.first() != Some(&b'[') {
            return Some(at + len);
        }
        if len == 0 || !is_host(word) || rest.get(at + len) != Some(&b' ') {
            return None;
        }
        at += len + 1;
        at += rest[at..].iter().take_while(|byte| **byte == b' ').count();
    }
    None
}

fn is_host(word: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b".-_:%".contains(b);
    word.iter().all(is_part) && word.iter().any(u8::is_ascii_alphanumeric)
}

/// Whether a word where a host or a program could be is a level.
fn is_level(word: &[u8]) -> bool {
    let word = word.strip_suffix(b":").unwrap_or(word);
    str::from_utf8(word).is_ok_and(|word| level_of_word(word).is_some() && is_distinct(word))
}

/// `app`, `app[123]`, `docker/web[123]`, `app[web.1]`, `postfix/smtpd[1]`
fn is_tag(tag: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"./_-[]()@+#".contains(b);
    tag.first().is_some_and(|first| first.is_ascii_alphanumeric() || b"/_(".contains(first))
        && tag.iter().all(is_part)
}

/// A time, then nothing, or CRI's stream and tag, or AWS Lambda's request and level.
fn timed(rest: &[u8]) -> Option<usize> {
    let (_, len) = time_at_start(rest, 0)?;
    let mut at = len;
    let after = &rest[at..];
    let space = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if space == 0 {
        return None;
    }
    at += space;
    let after = &rest[at..];
    Some(at + cri(after).or_else(|| lambda(after)).or_else(|| stream(after)).unwrap_or(0))
}

/// `stdout F `, `stderr P `
fn cri(rest: &[u8]) -> Option<usize> {
    let stream = [&b"stdout "[..], b"stderr "].into_iter().find(|name| rest.starts_with(name))?;
    let tag = &rest[stream.len()..];
    let len = word_len(tag);
    let is_tag = matches!(tag.first(), Some(b'F' | b'P')) && tag.get(len) == Some(&b' ');
    (is_tag && tag[..len].iter().all(|b| b.is_ascii_alphanumeric() || *b == b':'))
        .then_some(stream.len() + len + 1)
}

/// A request's UUID, as AWS Lambda writes it after the time.
fn lambda(rest: &[u8]) -> Option<usize> {
    let len = word_len(rest);
    is_uuid(&rest[..len]).then_some(len)
}

/// A stream's name with a slash, as `aws logs tail` writes it after the time.
fn stream(rest: &[u8]) -> Option<usize> {
    let len = word_len(rest);
    let word = &rest[..len];
    (word.contains(&b'/') && is_tag(word) && rest.get(len) == Some(&b' ')).then_some(len)
}

/// `web-7d4b9c6f5-x2x7q app `: pod and container, as stern writes them.
fn pod(rest: &[u8]) -> Option<usize> {
    let len = word_len(rest);
    let (name, suffix) = rest[..len].split_at_checked(len.checked_sub(6)?)?;
    let is_part = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_pod = name.contains(&b'-')
        && name.iter().all(|b| is_part(b) || *b == b'-')
        && suffix.first() == Some(&b'-')
        && suffix[1..].iter().all(is_part);
    let container = rest.get(len + 1..)?;
    let container_len = word_len(container);
    let is_container = is_container(&container[..container_len]);
    let is_next_object = container.get(container_len..)?.trim_ascii_start().first() == Some(&b'{');
    (is_pod && is_container && is_next_object).then_some(len + 1 + container_len)
}

pub(super) fn is_uuid(word: &[u8]) -> bool {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let is_fine = |(at, byte): (usize, &u8)| match is_dash(at) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    word.len() == 36 && word.iter().enumerate().all(is_fine)
}

/// `web-1  | `, `0|api  | `, `12:00:00 web.1  | `
pub(super) fn compose(rest: &[u8]) -> Option<usize> {
    let bar = memchr::memchr(b'|', &rest[..rest.len().min(128)])?;
    let (name, after) = (rest[..bar].trim_ascii(), &rest[bar + 1..]);
    // pm2 writes `0|api  | `.
    if !name.is_empty() && name.iter().all(u8::is_ascii_digit) {
        let inner = memchr::memchr(b'|', &after[..after.len().min(128)])?;
        let is_name = is_container(after[..inner].trim_ascii());
        return is_name.then_some(bar + 1 + inner + 1);
    }
    let name = match name.split(|byte| *byte == b' ').collect::<Vec<_>>().as_slice() {
        [clock, name] if clock.iter().all(|b| b.is_ascii_digit() || b":.".contains(b)) => *name,
        [name] => *name,
        _ => return None,
    };
    let is_spaced = matches!(after.first(), Some(b' ' | b'{' | 0x1B));
    (is_container(name) && is_spaced).then_some(bar + 1)
}

fn is_container(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"\x1b[").map_or(name, |rest| {
        rest.iter().position(|byte| *byte == b'm').map_or(rest, |at| &rest[at + 1..])
    });
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(b);
    !name.is_empty() && name.iter().all(is_part) && name.iter().any(u8::is_ascii_alphanumeric)
}

/// `[pod/web-7d4b/app] `, `[web] `, `[0] `: one word in brackets.
fn bracketed(rest: &[u8]) -> Option<usize> {
    let inside = rest.strip_prefix(b"[")?;
    let len = memchr::memchr(b']', &inside[..inside.len().min(160)])?;
    let is_spaced = matches!(inside.get(len + 1), Some(b' ' | b'\t' | b'{' | b':'));
    let name = &inside[..len];
    let is_time = || time_at_start(name, 0).is_some_and(|(_, end)| end == name.len());
    let is_fine = is_container(name) || is_time();
    let colon = usize::from(inside.get(len + 1) == Some(&b':'));
    (is_fine && is_spaced).then_some(len + 2 + colon)
}

/// `I0102 15:04:05.000000       1 main.go:12]`
fn klog(rest: &[u8]) -> Option<usize> {
    let letter = *rest.first()?;
    if !b"IWEFDT".contains(&letter) {
        return None;
    }
    let (_, len) = time_at_start(&rest[1..], 0)?;
    let after = &rest[1 + len..rest.len().min(200)];
    let end = memchr::memchr(b']', after)?;
    (!after[..end].contains(&b'{')).then_some(1 + len + end + 1)
}

/// A level in capitals or with a colon, as console formats write it before the message.
fn level_word(rest: &[u8]) -> Option<usize> {
    let len = word_len(rest);
    let word = str::from_utf8(&rest[..len]).ok()?;
    let bare = word.trim_end_matches(':');
    let is_upper = bare.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_level = level_of_word(bare).is_some() && is_distinct(bare);
    (is_level && (is_upper || word.ends_with(':'))).then_some(len)
}

/// The length of the text before the next space.
fn word_len(rest: &[u8]) -> usize {
    rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count()
}
