//! The id of a request: from which headers it is taken, under which key events have it, in which headers it is sent
//! back.
//!
//! Promises: an id of a caller is 1 to 128 letters, digits, `.`, `_` and `-`; anything else is replaced and counted, so
//! that an id can neither end a header nor hide what follows it in a line.
use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use ringseal::Context;
use ringseal::trace_context::{Headers, NewRequestId, RequestId, TRACEPARENT, TraceParent};

use crate::hex::Hex;

/// The key under which events have the id of their request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IdKey {
    /// `request_id`. The default.
    #[default]
    RequestId,
    /// `correlation_id`, which [`correlation_id`](ringseal::correlation_id) reads.
    CorrelationId,
    /// `trace_id`, in place of the id of the W3C trace, which is still sent to other services.
    TraceId,
}

/// How a request gets its id, and where the id is shown.
///
/// ```
/// use ringseal::trace_context::NewRequestId;
/// use ringseal_tower::{IdKey, RequestIdHeaders};
/// let ids = RequestIdHeaders::of(["x-trace-id", "x-request-id"])?.echo(["x-trace-id"])?.key(IdKey::TraceId);
/// # let _ = ids.generate(NewRequestId::UuidV4);
/// # Ok::<(), ringseal_tower::HeaderNameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RequestIdHeaders {
    sources: Vec<Source>,
    new: NewRequestId,
    echo: Vec<HeaderName>,
    trace_id: Option<HeaderName>,
    key: IdKey,
}

/// Where an id may be.
#[derive(Debug, Clone)]
enum Source {
    /// A header that holds nothing but an id.
    Header(HeaderName),
    /// The trace id of the header `traceparent`.
    TraceParent,
}

impl Source {
    fn of(name: &HeaderName) -> Source {
        if *name == TRACEPARENT { Source::TraceParent } else { Source::Header(name.clone()) }
    }

    fn header(&self) -> Option<&HeaderName> {
        match self {
            Source::Header(name) => Some(name),
            Source::TraceParent => None,
        }
    }
}

/// The id of a request.
pub(crate) struct Received<'i> {
    pub(crate) id: RequestId,
    /// Headers in which the caller has sent ids that are not believable. Nearly always empty, and then without memory.
    refused: Vec<&'i HeaderName>,
}

impl Received<'_> {
    /// Replaces the ids that are not believable in the request's headers, so that no handler believes what the layer
    /// has not. Returns whether there are any.
    pub(crate) fn replace(&self, headers: &mut HeaderMap) -> bool {
        for name in &self.refused {
            if let Ok(value) = HeaderValue::from_str(self.id.as_str()) {
                headers.insert(*name, value);
            }
        }
        self.is_any_refused()
    }

    /// Whether there are any.
    pub(crate) fn is_any_refused(&self) -> bool {
        !self.refused.is_empty()
    }
}

impl Default for RequestIdHeaders {
    fn default() -> Self {
        let of = |name| Source::Header(HeaderName::from_static(name));
        RequestIdHeaders {
            sources: vec![
                of("x-request-id"),
                of("x-trace-id"),
                Source::TraceParent,
                of("x-correlation-id"),
            ],
            new: NewRequestId::default(),
            echo: vec![HeaderName::from_static("x-request-id")],
            trace_id: None,
            key: IdKey::default(),
        }
    }
}

/// A text that cannot be the name of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderNameError {
    text: Box<str>,
}

impl fmt::Display for HeaderNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected the name of a header such as x-request-id, found {:?}", self.text)
    }
}

impl std::error::Error for HeaderNameError {}

/// The names of headers in texts.
pub(crate) fn names<N: AsRef<str>>(
    names: impl IntoIterator<Item = N>,
) -> Result<Vec<HeaderName>, HeaderNameError> {
    let parse = |name: N| {
        let error = |_| HeaderNameError { text: name.as_ref().into() };
        HeaderName::from_bytes(name.as_ref().as_bytes()).map_err(error)
    };
    names.into_iter().map(parse).collect()
}

impl RequestIdHeaders {
    /// `X-Request-ID`, `X-Trace-Id`, the trace id of `traceparent`, `X-Correlation-Id`; sent back as `X-Request-ID`.
    pub fn new() -> RequestIdHeaders {
        RequestIdHeaders::default()
    }

    /// The first believable id of these headers, in any case, which is sent back in the first of them.
    ///
    /// # Errors
    /// The first text that cannot be the name of a header.
    pub fn of<N: AsRef<str>>(
        headers: impl IntoIterator<Item = N>,
    ) -> Result<RequestIdHeaders, HeaderNameError> {
        let all = names(headers)?;
        let sources: Vec<_> = all.iter().map(Source::of).collect();
        Ok(RequestIdHeaders {
            echo: sources.iter().find_map(Source::header).cloned().into_iter().collect(),
            sources,
            ..RequestIdHeaders::default()
        })
    }

    /// In which headers of the response the id is sent back, in place of values that the handler has set. None of them
    /// if empty.
    ///
    /// # Errors
    /// The first text that cannot be the name of a header.
    pub fn echo<N: AsRef<str>>(
        mut self,
        headers: impl IntoIterator<Item = N>,
    ) -> Result<RequestIdHeaders, HeaderNameError> {
        self.echo = names(headers)?;
        Ok(self)
    }

    /// A header of the response for the 32 digits of the trace id. Without it, the trace id is not sent back.
    ///
    /// # Errors
    /// The text cannot be the name of a header.
    pub fn echo_trace_id(mut self, header: &str) -> Result<RequestIdHeaders, HeaderNameError> {
        self.trace_id = names([header])?.pop();
        Ok(self)
    }

    /// What an id is made as, if a request has none. Without this, a UUID of version 7.
    #[must_use]
    pub fn generate(mut self, new: NewRequestId) -> RequestIdHeaders {
        self.new = new;
        self
    }

    /// The key under which events have the id.
    #[must_use]
    pub fn key(mut self, key: IdKey) -> RequestIdHeaders {
        self.key = key;
        self
    }

    /// The id of a request: the first believable one of its headers, or a new one.
    pub(crate) fn receive(&self, headers: &HeaderMap) -> Received<'_> {
        let (mut found, mut refused) = (None, Vec::new());
        for source in &self.sources {
            let id = match source {
                Source::Header(name) => {
                    let mut values = headers.get_all(name).iter().peekable();
                    if values.peek().is_none() {
                        continue;
                    }
                    let id = values.find_map(believable);
                    if id.is_none() {
                        refused.push(name);
                    }
                    id
                }
                Source::TraceParent if found.is_none() => of_trace(headers),
                Source::TraceParent => None,
            };
            found = found.or(id);
        }
        Received { id: found.unwrap_or_else(|| self.new.generate()), refused }
    }

    /// Writes the ids into the headers of a response. The context is that of the handler.
    pub(crate) fn send(&self, id: &str, headers: &mut HeaderMap) {
        if let Some((last, others)) = self.echo.split_last()
            && let Ok(value) = HeaderValue::from_str(id)
        {
            for name in others {
                headers.insert(name, value.clone());
            }
            headers.insert(last, value);
        }
        if let Some(name) = &self.trace_id
            && let Some(ids) = Context::current().correlation()
            && let Ok(value) = HeaderValue::from_str(Hex::of(&ids.trace_id()).as_str())
        {
            headers.insert(name, value);
        }
    }

    /// The key under which events have the id.
    pub(crate) fn id_key(&self) -> IdKey {
        self.key
    }
}

fn believable(value: &HeaderValue) -> Option<RequestId> {
    RequestId::parse(value.as_bytes().trim_ascii()).ok()
}

/// The trace id of the only `traceparent`, if it is valid.
fn of_trace(headers: &HeaderMap) -> Option<RequestId> {
    let mut values = Headers::values(headers, TRACEPARENT);
    let value = values.next().filter(|_| values.next().is_none())?;
    let parent = TraceParent::parse(value).ok()?;
    RequestId::parse(Hex::of(&parent.trace_id()).as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(
        ids: &RequestIdHeaders,
        pairs: &[(&'static str, &[u8])],
    ) -> (RequestId, bool, HeaderMap) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let received = ids.receive(&headers);
        let is_replaced = received.replace(&mut headers);
        (received.id, is_replaced, headers)
    }

    #[test]
    fn unbelievable_ids_are_replaced() {
        let long = [b'a'; 64 << 10];
        let rows: [(&[u8], bool); 7] = [
            (b"r-17", false),
            (b" r-17 ", false),
            (b"", true),
            (b"two words", true),
            (b"quote\"", true),
            (b"\xff\xfe", true),
            (&long, true),
        ];
        for (value, expected) in rows {
            let ids = RequestIdHeaders::new();
            let (id, is_replaced, headers) = receive(&ids, &[("x-request-id", value)]);
            assert_eq!(is_replaced, expected);
            match expected {
                true => assert_eq!(headers["x-request-id"].to_str().unwrap(), id.as_str()),
                false => assert_eq!(id.as_str(), "r-17"),
            }
        }
        let (_, is_replaced, headers) = receive(&RequestIdHeaders::new(), &[]);
        assert!(!is_replaced && headers.is_empty());
    }

    #[test]
    fn repeated_headers_have_a_believable_one() {
        let pairs: [(&str, &[u8]); 3] =
            [("x-request-id", b"a b"), ("x-request-id", b"c"), ("x-trace-id", b"d")];
        let (id, is_replaced, _) = receive(&RequestIdHeaders::new(), &pairs);
        assert_eq!((id.as_str(), is_replaced), ("c", false));
        let (id, ..) = receive(&RequestIdHeaders::of(["X-TRACE-ID"]).unwrap(), &pairs);
        assert_eq!(id.as_str(), "d");
    }

    #[test]
    fn no_handler_sees_an_unbelievable_id() {
        let pairs: [(&str, &[u8]); 3] =
            [("x-request-id", b"a b"), ("x-trace-id", b"r-17"), ("x-correlation-id", b"\"")];
        let (id, is_replaced, headers) = receive(&RequestIdHeaders::new(), &pairs);
        assert_eq!((id.as_str(), is_replaced), ("r-17", true));
        assert!(headers.values().all(|value| value == "r-17"));
    }

    #[test]
    fn names_of_headers_are_checked() {
        let error = RequestIdHeaders::of(["x id"]).unwrap_err().to_string();
        assert_eq!(error, "expected the name of a header such as x-request-id, found \"x id\"");
        assert!(RequestIdHeaders::new().echo_trace_id("").is_err());
    }

    #[test]
    fn responses_have_the_id_once() {
        let mut headers = HeaderMap::new();
        headers.append("x-request-id", "upstream".parse().unwrap());
        headers.append("x-request-id", "other".parse().unwrap());
        let ids = RequestIdHeaders::new().echo(["X-Request-ID", "x-id"]).unwrap();
        let ids = ids.echo_trace_id("x-trace").unwrap();
        Context::new().child().run(|| ids.send("r-17", &mut headers));
        let all: Vec<_> = headers.get_all("x-request-id").iter().collect();
        assert_eq!(all, ["r-17"]);
        assert_eq!(
            (&headers["x-id"], headers["x-trace"].len()),
            (&HeaderValue::from_static("r-17"), 32)
        );
    }
}
