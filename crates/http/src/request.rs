//! Requests: what a caller sets, and the bytes that are sent.
//!
//! Promises: a method, path, header name or value that would change the structure of the request is refused. Values of
//! headers that are marked secret are overwritten when dropped and are not in `Debug`; nor are paths and bodies.
use std::fmt;

use zeroize::Zeroizing;

use crate::error::SetupError;
use crate::origin::Origin;

struct Header {
    name: String,
    value: Zeroizing<String>,
    is_secret: bool,
}

/// A request to any server.
pub struct Request<'a> {
    method: &'a str,
    path: String,
    headers: Vec<Header>,
    body: Option<Body>,
    is_repeatable: bool,
}

struct Body {
    bytes: Zeroizing<Vec<u8>>,
    is_gzip: bool,
}

/// Headers that this crate sets itself.
const OWN_HEADERS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "content-encoding", "expect"];

impl<'a> Request<'a> {
    /// A request without body. The path begins with `/` and may have a query.
    ///
    /// # Errors
    /// If the method is not a token in capital letters, or the path has a space, a control character, a `#` or a
    /// character outside of ASCII: percent-encode it.
    pub fn new(method: &'a str, path: &str) -> Result<Request<'a>, SetupError> {
        let wrong = |part: &str, expected| SetupError::Request { part: part.to_owned(), expected };
        if method.is_empty()
            || !method.bytes().all(|byte| byte.is_ascii_uppercase())
            || method == "CONNECT"
        {
            return Err(wrong("the method", "GET, POST or another one in capital letters"));
        }
        let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !path.starts_with('/') || !is_plain {
            return Err(wrong("the path", "`/` and printable characters of ASCII without `#`"));
        }
        Ok(Request {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            is_repeatable: false,
        })
    }

    /// Adds a header.
    ///
    /// # Errors
    /// If the name is not a token, the value has a control character, or the client sets this header itself.
    pub fn header(self, name: &str, value: &str) -> Result<Request<'a>, SetupError> {
        self.add(name, value, false)
    }

    /// Adds a header whose value is a secret: it is hidden from `Debug` and overwritten when dropped.
    ///
    /// # Errors
    /// As [`Request::header`]; the error does not contain the value.
    pub fn secret_header(self, name: &str, value: &str) -> Result<Request<'a>, SetupError> {
        self.add(name, value, true)
    }

    /// Sets the body. Its bytes are overwritten when the request is dropped.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Request<'a> {
        self.body = Some(Body { bytes: Zeroizing::new(bytes.into()), is_gzip: false });
        self
    }

    /// Sets the body and compresses it with gzip.
    #[cfg(feature = "gzip")]
    #[must_use]
    pub fn gzip_body(mut self, bytes: &[u8]) -> Request<'a> {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing into memory does not fail; a body that could not be compressed is sent as it is.
        let compressed = encoder.write_all(bytes).and_then(|()| encoder.finish());
        let is_gzip = compressed.is_ok();
        let bytes = Zeroizing::new(compressed.unwrap_or_else(|_| bytes.to_vec()));
        self.body = Some(Body { bytes, is_gzip });
        self
    }

    fn add(mut self, name: &str, value: &str, is_secret: bool) -> Result<Request<'a>, SetupError> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(SetupError::Request {
                part: "a header's name".to_owned(),
                expected: "a token",
            });
        }
        let wrong = |expected| SetupError::Request { part: format!("the header {name}"), expected };
        if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(wrong("a header that the client does not set itself"));
        }
        if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(wrong("a value of printable characters of ASCII"));
        }
        self.headers.push(Header {
            name: name.to_owned(),
            value: Zeroizing::new(value.to_owned()),
            is_secret,
        });
        Ok(self)
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Lets the client repeat the request if an idle connection fails before a byte of the response, although the
    /// server may then execute it twice. Requests with an idempotent method (RFC 9110, 9.2.2) may always be repeated.
    #[must_use]
    pub fn repeatable(mut self) -> Request<'a> {
        self.is_repeatable = true;
        self
    }

    pub(crate) fn may_be_repeated(&self) -> bool {
        self.is_repeatable
            || matches!(self.method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
    }

    pub(crate) fn body_bytes(&self) -> &[u8] {
        self.body.as_ref().map_or(&[], |body| &body.bytes)
    }

    /// The head as it is sent. The capacity is exact, so that no copy of a secret is left by a growing buffer.
    pub(crate) fn head(&self, origin: &Origin) -> Zeroizing<Vec<u8>> {
        let (authority, len) = (origin.authority(), self.body_bytes().len().to_string());
        let mut parts: Vec<&str> =
            vec![self.method, " ", &self.path, " HTTP/1.1\r\nhost: ", &authority, "\r\n"];
        for header in &self.headers {
            parts.extend([header.name.as_str(), ": ", header.value.as_str(), "\r\n"]);
        }
        if self.body.is_some() || matches!(self.method, "POST" | "PUT" | "PATCH") {
            parts.extend(["content-length: ", &len, "\r\n"]);
        }
        if self.body.as_ref().is_some_and(|body| body.is_gzip) {
            parts.push("content-encoding: gzip\r\n");
        }
        parts.push("\r\n");
        let mut head =
            Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| head.extend_from_slice(part.as_bytes()));
        head
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Request");
        out.field("method", &self.method);
        for header in &self.headers {
            let value = if header.is_secret { "(secret)" } else { header.value.as_str() };
            out.field(&header.name, &value);
        }
        out.field("body_bytes", &self.body_bytes().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_the_structure_of_a_request() {
        for (method, path) in [
            ("get", "/"),
            ("", "/"),
            ("GET /x", "/"),
            ("CONNECT", "/"),
            ("GET", ""),
            ("GET", "x"),
            ("GET", "/a b"),
            ("GET", "/a\r\nx: y"),
            ("GET", "/é"),
            ("GET", "/a#b"),
            ("GET", "/\0"),
        ] {
            assert!(Request::new(method, path).is_err(), "{method} {path}");
        }
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:", "x"),
            ("a\r\nb", "x"),
            ("a", "s3cret\r\nb: c"),
            ("a", "s3cret\n"),
            ("a", "s3cret\0"),
            ("a", "s3crét"),
            ("Host", "x"),
            ("Content-Length", "1"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
        ] {
            let request = Request::new("GET", "/").expect("valid");
            let error = request.secret_header(name, value).expect_err(name).to_string();
            assert!(!error.contains("s3c"), "{error}");
        }
    }

    #[test]
    fn secrets_are_sent_and_not_shown() {
        let request = Request::new("POST", "/login?code=s3cret-0").expect("valid");
        let request = request.secret_header("x-token", "s3cret-1").expect("valid");
        let request = request.header("accept", "a/b").expect("valid").body("s3cret-2");
        let shown = format!("{request:?}");
        assert!(shown.contains("a/b") && !shown.contains("s3cret"), "{shown}");
        let head = request.head(&Origin::parse("http://h:8").expect("valid"));
        let expected = "POST /login?code=s3cret-0 HTTP/1.1\r\nhost: h:8\r\nx-token: s3cret-1\r\n\
                        accept: a/b\r\ncontent-length: 8\r\n\r\n";
        assert_eq!(std::str::from_utf8(&head), Ok(expected));
    }
}
