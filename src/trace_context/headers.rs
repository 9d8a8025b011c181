//! Access to the headers of a request, whatever library holds them.
//!
//! Promises: nothing allocates.
#[cfg(feature = "http")]
use super::{TRACEPARENT, TRACESTATE};

/// The headers of a request.
///
/// Implemented for slices and arrays of pairs, and with the feature `http` for `http::HeaderMap`.
pub trait Headers {
    /// All values of the headers with this name, in the order of the request. Names are compared without regard to the
    /// case of ASCII letters.
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]>;
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        let has_name = move |pair: &&(N, V)| pair.0.as_ref().eq_ignore_ascii_case(name);
        self.iter().filter(has_name).map(|(_, value)| value.as_ref())
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> Headers for [(N, V); LEN] {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.as_slice().values(name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.as_slice().values(name)
    }
}

#[cfg(feature = "http")]
impl Headers for http::HeaderMap {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        // Looking up a text checks and converts it first, which costs more than the search.
        let values = match name {
            TRACEPARENT => self.get_all(&TRACEPARENT_NAME),
            TRACESTATE => self.get_all(&TRACESTATE_NAME),
            _ => self.get_all(name),
        };
        values.iter().map(http::HeaderValue::as_bytes)
    }
}

#[cfg(feature = "http")]
static TRACEPARENT_NAME: http::HeaderName = http::HeaderName::from_static(TRACEPARENT);
#[cfg(feature = "http")]
static TRACESTATE_NAME: http::HeaderName = http::HeaderName::from_static(TRACESTATE);
