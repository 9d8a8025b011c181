//! Bodies on the log: which are captured, and how much of them.
//!
//! Promises: frames are copied as they pass, and are neither held back nor joined. The memory of a body is bounded. A
//! body that is encoded (`content-encoding`), or whose media type is not listed, is not copied at all.
use bytes::Buf;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use std::io::IoSlice;

use super::json_members;

/// The most bytes of a body that are captured: as many as one value of an event may have.
const BYTES_MAX: usize = 16 << 10;

/// Which bodies are captured.
///
/// Redaction sees a body as it sees any text: JSON is redacted by its keys and by its content. Of a body that is longer
/// than the bound, the first bytes are captured, and the event has `http.request.body.truncated` or
/// `http.response.body.truncated`. What is shown of it ends with the last whole value (of JSON) or word, because the
/// start of a secret cannot always be recognized.
///
/// ```
/// use ringseal_tower::{Bodies, HttpLayer, Profile};
/// # let (engine, _capture) = ringseal::testing::Capture::start();
/// let bodies = Bodies::json().at_most(4096).ignore_response_keys(["card", "items"]);
/// let layer = HttpLayer::new(engine.logger()).profile(Profile::Api).capture(bodies);
/// # drop(layer);
/// ```
#[derive(Debug, Clone)]
pub struct Bodies {
    /// In lower case; without parameters.
    media_types: Vec<Box<str>>,
    has_json: bool,
    bytes_max: usize,
    ignored: Vec<Box<str>>,
    are_requests: bool,
    are_responses: bool,
}

impl Bodies {
    /// Bodies of JSON: `application/json`, and all types that end in `+json`.
    pub fn json() -> Bodies {
        Bodies { has_json: true, ..Bodies::of::<&str>([]) }
    }

    /// Bodies of these media types, such as `text/plain` and `application/x-www-form-urlencoded`, in any case.
    pub fn of<T: AsRef<str>>(media_types: impl IntoIterator<Item = T>) -> Bodies {
        Bodies {
            media_types: Vec::new(),
            has_json: false,
            bytes_max: BYTES_MAX,
            ignored: Vec::new(),
            are_requests: true,
            are_responses: true,
        }
        .and(media_types)
    }

    /// Bodies of these media types as well.
    #[must_use]
    pub fn and<T: AsRef<str>>(mut self, media_types: impl IntoIterator<Item = T>) -> Bodies {
        let lower = |text: T| text.as_ref().to_ascii_lowercase().into();
        self.media_types.extend(media_types.into_iter().map(lower));
        self
    }

    /// The most bytes of a body that are captured, up to 16 KiB, which is also the default. That is the limit of a
    /// value of an event: a longer text would be cut again, where redaction cannot tell how a value ends.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Bodies {
        self.bytes_max = bytes.min(BYTES_MAX);
        self
    }

    /// Members of JSON responses that are left out, at any depth. A response that cannot be read as JSON is then left
    /// out whole.
    #[must_use]
    pub fn ignore_response_keys<K: AsRef<str>>(
        mut self,
        keys: impl IntoIterator<Item = K>,
    ) -> Bodies {
        self.ignored = keys.into_iter().map(|key| key.as_ref().into()).collect();
        self
    }

    /// Only the bodies of requests.
    #[must_use]
    pub fn requests_only(mut self) -> Bodies {
        self.are_responses = false;
        self
    }

    /// Only the bodies of responses.
    #[must_use]
    pub fn responses_only(mut self) -> Bodies {
        self.are_requests = false;
        self
    }

    /// The memory for the body of a request with these headers, if it is captured.
    pub(crate) fn of_request(&self, headers: &HeaderMap) -> Option<Captured> {
        self.are_requests.then_some(())?;
        self.captured(headers)
    }

    /// The same for a response.
    pub(crate) fn of_response(&self, headers: &HeaderMap) -> Option<Captured> {
        self.are_responses.then_some(())?;
        self.captured(headers)
    }

    fn captured(&self, headers: &HeaderMap) -> Option<Captured> {
        let is_encoded =
            |value: &http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        if headers.get_all(CONTENT_ENCODING).iter().any(is_encoded) {
            return None;
        }
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        let is_listed = self.media_types.iter().any(|listed| **listed == *media_type);
        if !(is_listed || self.has_json && is_json) {
            return None;
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        let expected: usize = length.unwrap_or(0);
        let bytes = Vec::with_capacity(expected.min(self.bytes_max));
        Some(Captured { bytes, bytes_max: self.bytes_max, is_cut: false, is_json })
    }

    /// The text of a captured response, without the members that are ignored.
    pub(crate) fn response_text(&self, captured: &Captured) -> Option<Text> {
        captured.text_without(&self.ignored)
    }
}

/// The text of a body, as it is shown.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) content: String,
    /// Whether there was more.
    pub(crate) is_cut: bool,
}

/// The first bytes of a body.
#[derive(Debug)]
pub(crate) struct Captured {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_cut: bool,
    is_json: bool,
}

impl Captured {
    /// Copies what fits of a chunk.
    pub(crate) fn push(&mut self, chunk: &impl Buf) {
        let mut slices = [IoSlice::new(&[]); 16];
        let count = chunk.chunks_vectored(&mut slices);
        let mut copied = 0;
        for slice in slices.iter().take(count) {
            let space = self.bytes_max - self.bytes.len();
            let len = slice.len().min(space);
            self.bytes.extend_from_slice(&slice[..len]);
            copied += len;
        }
        self.is_cut |= copied < chunk.remaining();
    }

    /// The text. `None` if nothing was captured, or if nothing of it can be shown.
    pub(crate) fn text(&self) -> Option<Text> {
        self.text_without(&[])
    }

    /// JSON is read if it is cut, by the limit or by its sender, and if members are left out: redaction needs whole
    /// values with their keys. Bytes that are not UTF-8 are replaced.
    fn text_without(&self, ignored: &[Box<str>]) -> Option<Text> {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if self.bytes.is_empty() {
            return None;
        }
        if self.is_json
            && let Some(whole) = json_members::whole(&self.bytes, ignored)
            && (self.is_cut || whole.is_cut || !ignored.is_empty())
        {
            return Some(Text { content: whole.text, is_cut: self.is_cut || whole.is_cut });
        }
        if self.is_json && self.is_cut {
            return None;
        }
        match (self.is_cut, ignored.is_empty()) {
            (false, true) => Some(Text { content: lossy(&self.bytes), is_cut: false }),
            (true, true) => {
                // The last word may be the start of something that redaction would have recognized.
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'&';
                let end = self.bytes.iter().rposition(is_end)?;
                Some(Text { content: lossy(&self.bytes[..end]), is_cut: true })
            }
            (_, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_listed_types_are_captured() {
        let rows: [(&[(&str, &str)], bool); 9] = [
            (&[("content-type", "application/json")], true),
            (&[("content-type", "Application/JSON; charset=utf-8")], true),
            (&[("content-type", "application/problem+json")], true),
            (&[("content-type", "text/plain")], true),
            (&[("content-type", "text/html")], false),
            (&[("content-type", "multipart/form-data; boundary=x")], false),
            (&[], false),
            (&[("content-type", "application/json"), ("content-encoding", "gzip")], false),
            (&[("content-type", "application/json"), ("content-encoding", "identity")], true),
        ];
        let bodies = Bodies::json().and(["Text/Plain"]);
        for (pairs, expected) in rows {
            assert_eq!(bodies.of_request(&headers(pairs)).is_some(), expected, "{pairs:?}");
            assert!(bodies.clone().requests_only().of_response(&headers(pairs)).is_none());
            assert!(bodies.clone().responses_only().of_request(&headers(pairs)).is_none());
        }
    }

    #[test]
    fn memory_is_bounded_by_the_limit() {
        let head = [("content-type", "application/json"), ("content-length", "99999999999")];
        let mut captured = Bodies::json().at_most(10).of_request(&headers(&head)).unwrap();
        assert!(captured.bytes.capacity() < 100);
        captured.push(&Bytes::from_static(b"[123").chain(Bytes::from_static(b",56,8]")));
        assert!(!captured.text().unwrap().is_cut);
        captured.push(&Bytes::from_static(b"a"));
        let text = captured.text().unwrap();
        assert_eq!((text.content.as_str(), text.is_cut), ("[123,56,8]", true));
    }

    #[test]
    fn cut_texts_end_with_a_word() {
        let rows: [(&[u8], Option<&str>); 4] = [
            (b"a=1&b=2", Some("a=1")),
            (b"one two", Some("one")),
            (b"a \xff \xc3\xa9", Some("a \u{fffd}")),
            (b"0123456789", None),
        ];
        for (bytes, expected) in rows {
            let head = headers(&[("content-type", "text/plain")]);
            let bodies = Bodies::of(["text/plain"]).at_most(bytes.len());
            let mut captured = bodies.of_request(&head).unwrap();
            captured.push(&bytes);
            captured.push(&Bytes::from_static(b"more"));
            assert_eq!(captured.text().map(|text| text.content).as_deref(), expected);
        }
    }
}
