//! Where a service takes the ids of its requests from.
//!
//! Promises: only configuring allocates. An id of a caller that is not believed is replaced, never a reason to refuse a
//! request.
use super::headers::Headers;
use super::request_id::RequestId;
use super::traceparent::TraceParent;
use super::{TRACEPARENT, trim_ows};

/// The headers that are searched by default, in this order.
const DEFAULT_HEADERS: [&str; 4] = ["X-Request-ID", "X-Trace-Id", TRACEPARENT, "X-Correlation-Id"];

/// What an id is made as, if a request has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NewRequestId {
    /// A random UUID.
    UuidV4,
    /// A UUID that begins with the time. The default.
    #[default]
    UuidV7,
    /// 32 random hexadecimal digits.
    Hex,
}

impl NewRequestId {
    /// A new id.
    #[must_use]
    pub fn generate(self) -> RequestId {
        match self {
            NewRequestId::UuidV4 => RequestId::uuid_v4(),
            NewRequestId::UuidV7 => RequestId::uuid_v7(),
            NewRequestId::Hex => RequestId::hex(),
        }
    }
}

/// How a service finds the id of a request: the first believable value of a list of headers, or a new id.
///
/// The default list is `X-Request-ID`, `X-Trace-Id`, `traceparent`, `X-Correlation-Id`. The id of a `traceparent` is
/// its trace id, if the header is valid and the only one. Of other headers that occur several times, the first
/// believable value counts. Spaces and tabs around a value are skipped.
///
/// ```
/// use ringseal::trace_context::RequestIds;
/// let ids = RequestIds::new();
/// let headers = [("x-request-id", "not an id"), ("X-TRACE-ID", "a.b_c-7"), ("x-correlation-id", "r-17")];
/// assert_eq!(ids.find(&headers).map(|(name, id)| (name, id.to_string())), Some(("X-Trace-Id", "a.b_c-7".into())));
/// assert_eq!(RequestIds::new().headers(["x-correlation-id"]).of_request(&headers).as_str(), "r-17");
/// let none: [(&str, &str); 0] = [];
/// assert_eq!(ids.of_request(&none).as_str().len(), 36); // a new UUID
/// ```
#[derive(Debug, Clone)]
pub struct RequestIds {
    headers: Vec<Box<str>>,
    new: NewRequestId,
}

impl Default for RequestIds {
    fn default() -> Self {
        RequestIds {
            headers: DEFAULT_HEADERS.map(Box::from).to_vec(),
            new: NewRequestId::default(),
        }
    }
}

impl RequestIds {
    /// The default.
    pub fn new() -> RequestIds {
        RequestIds::default()
    }

    /// The names of the headers to search, in this order, in any case.
    #[must_use]
    pub fn headers<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> RequestIds {
        self.headers = names.into_iter().map(|name| name.as_ref().into()).collect();
        self
    }

    /// What an id is made as, if a request has none.
    #[must_use]
    pub fn generate(mut self, new: NewRequestId) -> RequestIds {
        self.new = new;
        self
    }

    /// The first believable id, and the configured name of its header.
    pub fn find<H: Headers + ?Sized>(&self, headers: &H) -> Option<(&str, RequestId)> {
        let of_header = |name: &str| match name.eq_ignore_ascii_case(TRACEPARENT) {
            true => of_traceparent(headers),
            false => {
                headers.values(name).find_map(|value| RequestId::parse(trim_ows(value).0).ok())
            }
        };
        self.headers.iter().map(|name| &**name).find_map(|name| Some((name, of_header(name)?)))
    }

    /// The first believable id, or a new one.
    #[must_use]
    pub fn of_request<H: Headers + ?Sized>(&self, headers: &H) -> RequestId {
        self.find(headers).map_or_else(|| self.new.generate(), |(_, id)| id)
    }
}

fn of_traceparent<H: Headers + ?Sized>(headers: &H) -> Option<RequestId> {
    let mut values = headers.values(TRACEPARENT);
    let value = values.next().filter(|_| values.next().is_none())?;
    TraceParent::parse(value).ok().map(|parent| RequestId::of_trace(parent.trace_id()))
}
