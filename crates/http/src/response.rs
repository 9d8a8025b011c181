//! Responses: the head as it was parsed, and how its body is framed.
//!
//! Promises: pure code. A head that two parsers could frame differently is refused, never guessed: both
//! `Content-Length` and `Transfer-Encoding`, lengths that differ, a transfer coding other than `chunked`, a folded
//! line.
use std::fmt;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

/// Most headers of a response.
const HEADERS_MAX: usize = 128;

/// A response with its whole body.
pub struct Response {
    pub(crate) head: Head,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// The status: `200`.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body; overwritten when the response is dropped.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, which the caller owns.
    pub fn into_body(self) -> Zeroizing<Vec<u8>> {
        self.body
    }

    /// The pause that `Retry-After` asks for, as seconds or as a date, from `now`. A date in the past is no pause; a
    /// header that is neither is ignored. Callers bound it.
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        retry_after(self.header("retry-after")?, now)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status)
            .field("headers", &self.head.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The head of a response.
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, Zeroizing<String>)>,
    /// Whether the connection may be used for another request.
    pub(crate) is_kept: bool,
    pub(crate) framing: Framing,
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After this many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let found = self.headers.iter().filter(move |(each, _)| each.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated header lists this word.
    fn lists(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|each| each.trim().eq_ignore_ascii_case(word))
    }
}

/// Parses the head at the start of `bytes`; returns it with its length, or `None` if it is not complete.
///
/// # Errors
/// The part that is wrong, in words that repeat nothing of the head.
pub(crate) fn parse(bytes: &[u8], is_head: bool) -> Result<Option<(Head, usize)>, &'static str> {
    let mut storage = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut storage);
    let len = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("more than 128 headers"),
        Err(httparse::Error::HeaderName) => {
            return Err("an invalid name of a header, or a folded line");
        }
        Err(httparse::Error::HeaderValue) => return Err("an invalid value of a header"),
        Err(httparse::Error::Version) => return Err("another protocol or version"),
        Err(_) => return Err("an invalid status line or end of line"),
    };
    let (status, minor) = (parsed.code.unwrap_or(0), parsed.version.unwrap_or(0));
    let mut headers = Vec::with_capacity(parsed.headers.len());
    for header in parsed.headers.iter() {
        let value = std::str::from_utf8(header.value).map_err(|_| "a header that is not UTF-8")?;
        headers.push((header.name.to_owned(), Zeroizing::new(value.to_owned())));
    }
    let mut head = Head { status, headers, is_kept: false, framing: Framing::Close };
    head.framing = framing(&head, is_head, minor)?;
    head.is_kept =
        minor == 1 && head.framing != Framing::Close && !head.lists("connection", "close");
    Ok(Some((head, len)))
}

fn framing(head: &Head, is_head: bool, minor: u8) -> Result<Framing, &'static str> {
    if !(100..600).contains(&head.status) {
        return Err("a status that is not 100 to 599");
    }
    let (length, codings) =
        (content_length(head)?, head.all("transfer-encoding").collect::<Vec<_>>());
    if !codings.is_empty() && length.is_some() {
        return Err("both Content-Length and Transfer-Encoding");
    }
    if !codings.is_empty() && minor == 0 {
        return Err("a Transfer-Encoding in HTTP/1.0");
    }
    let is_chunked = match codings.as_slice() {
        [] => false,
        [coding] if coding.trim().eq_ignore_ascii_case("chunked") => true,
        _ => return Err("a Transfer-Encoding other than chunked"),
    };
    if is_head || head.status < 200 || matches!(head.status, 204 | 304) {
        return Ok(Framing::Length(0));
    }
    Ok(match length {
        Some(length) => Framing::Length(length),
        None if is_chunked => Framing::Chunked,
        None => Framing::Close,
    })
}

/// The length, if all headers and members of lists agree on one.
fn content_length(head: &Head) -> Result<Option<u64>, &'static str> {
    let mut found = None;
    for text in head.all("content-length").flat_map(|value| value.split(',')) {
        let text = text.trim_matches([' ', '\t']);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let length = text.parse::<u64>().ok().filter(|_| is_number);
        let length = length.ok_or("a Content-Length that is not a number")?;
        if found.is_some_and(|other| other != length) {
            return Err("two lengths that differ");
        }
        found = Some(length);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(text: &str, is_head: bool) -> Result<(Framing, bool), &'static str> {
        let (head, len) = parse(text.as_bytes(), is_head)?.expect("complete");
        assert_eq!(len, text.len());
        Ok((head.framing, head.is_kept))
    }

    #[test]
    fn each_head_is_framed_or_refused() {
        use Framing::{Chunked, Close, Length};
        for (name, lines, expected) in [
            ("a length", "200 OK\r\nContent-Length: 5", Ok((Length(5), true))),
            (
                "a length twice",
                "200 OK\r\ncontent-length: 5\r\nContent-Length: 5",
                Ok((Length(5), true)),
            ),
            ("a list of equal lengths", "200 OK\r\ncontent-length: 5, 5", Ok((Length(5), true))),
            ("chunks", "200 OK\r\nTransfer-Encoding: Chunked", Ok((Chunked, true))),
            ("neither", "200 OK\r\na: b", Ok((Close, false))),
            ("no reason", "200\r\ncontent-length: 0", Ok((Length(0), true))),
            (
                "close",
                "200 OK\r\ncontent-length: 5\r\nconnection: x, Close",
                Ok((Length(5), false)),
            ),
            ("no content", "204 No\r\ncontent-length: 5", Ok((Length(0), true))),
            ("not modified", "304 No\r\ncontent-length: 5", Ok((Length(0), true))),
            ("both", "200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked", Err("both")),
            (
                "both in 204",
                "204 No\r\ncontent-length: 5\r\ntransfer-encoding: chunked",
                Err("both"),
            ),
            (
                "lengths differ",
                "200 OK\r\ncontent-length: 5\r\ncontent-length: 6",
                Err("two lengths"),
            ),
            ("lengths in a list differ", "200 OK\r\ncontent-length: 5, 6", Err("two lengths")),
            ("a sign", "200 OK\r\ncontent-length: +5", Err("not a number")),
            ("a negative length", "200 OK\r\ncontent-length: -5", Err("not a number")),
            ("no length", "200 OK\r\ncontent-length:", Err("not a number")),
            ("hex", "200 OK\r\ncontent-length: 0x5", Err("not a number")),
            ("too long", "200 OK\r\ncontent-length: 18446744073709551616", Err("not a number")),
            ("gzip", "200 OK\r\ntransfer-encoding: gzip, chunked", Err("other than chunked")),
            (
                "chunked twice",
                "200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
                Err("other than chunked"),
            ),
            ("a folded line", "200 OK\r\na: b\r\n c: d", Err("folded")),
            ("a space before the colon", "200 OK\r\ncontent-length : 5", Err("name of a header")),
            ("an odd status", "999 OK", Err("status")),
            ("a bare carriage return", "200 OK\r\na: b\rc: d", Err("a header")),
        ] {
            let found = framed(&format!("HTTP/1.1 {lines}\r\n\r\n"), false);
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{name}: {found}"),
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
        assert_eq!(
            framed("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true),
            Ok((Length(0), true))
        );
        assert_eq!(
            framed("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n", false),
            Ok((Length(5), false))
        );
        let old = framed("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", false);
        assert!(old.expect_err("not in 1.0").contains("HTTP/1.0"));
        assert!(parse(b"HTTP/2 200 OK\r\n\r\n", false).is_err());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n", false).is_err());
        assert!(matches!(parse(b"HTTP/1.1 200 OK\r\na: b\r\n", false), Ok(None)));
    }

    #[test]
    fn pauses_are_seconds_or_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
