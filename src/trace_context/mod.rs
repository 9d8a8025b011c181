//! [W3C Trace Context][w3c] and request ids: what a service takes from the headers of a request, and what it sends with
//! its own requests.
//!
//! Promises: nothing here allocates after a thread's first id, except where a policy is configured. No header can make
//! a call fail: an invalid one is ignored and counted. No dependency on a library for HTTP: headers are read through
//! [`Headers`].
//!
//! ```
//! use ringseal::trace_context::{Propagation, RequestIds, Trust};
//! use ringseal::{fields, Context, info, testing::Capture};
//! let (engine, capture) = Capture::start();
//! // Once, at the start of the service:
//! let propagation = Propagation::new().trust(Trust::from_networks(["10.0.0.0/8"])?);
//! let request_ids = RequestIds::new();
//! // For each request:
//! let headers = [
//!     ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
//!     ("x-request-id", "r-17"),
//! ];
//! let trace = propagation.receive(&headers, Some("10.1.2.3".parse()?));
//! let request_id = request_ids.of_request(&headers);
//! let context = Context::new().with(fields! { request_id = request_id.as_str() });
//! context.with_trace(&trace).run(|| info!(engine, "paid"));
//! let event = capture.event("paid");
//! assert_eq!(event.text("trace_id"), "0af7651916cd43dd8448eb211c80319c");
//! assert_eq!(event.text("request_id"), "r-17");
//! // For each request that it makes:
//! let outgoing = trace.outgoing();
//! for (name, value) in outgoing.iter() {
//!     assert!(name == "traceparent" && value.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [w3c]: https://www.w3.org/TR/trace-context-2/
mod digits;
mod error;
mod headers;
mod propagation;
mod request_id;
mod request_ids;
#[cfg(test)]
mod tests;
mod traceparent;
mod tracestate;
mod trust;

pub use error::{ExpectedInHeader, TraceParentError, TraceStateError};
pub use headers::Headers;
pub use propagation::{Outgoing, Propagation, PropagationCounts, TraceContext, TraceFault};
pub(crate) use request_id::uuid_v7;
pub use request_id::{RequestId, RequestIdError};
pub use request_ids::{NewRequestId, RequestIds};
pub use traceparent::{LenientTraceParent, TraceParent};
pub(crate) use traceparent::{SAMPLED, new_span_id};
pub use tracestate::TraceState;
pub use trust::{Network, NetworkError, Trust};

/// The name of the header with the ids.
pub const TRACEPARENT: &str = "traceparent";
/// The name of the header with what tracing systems add.
pub const TRACESTATE: &str = "tracestate";

/// A header's value without the spaces and tabs around it, and how many bytes were skipped before it.
#[inline]
fn trim_ows(value: &[u8]) -> (&[u8], usize) {
    let is_ows = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut trimmed = value;
    while let [first, rest @ ..] = trimmed
        && is_ows(first)
    {
        trimmed = rest;
    }
    let skipped = value.len() - trimmed.len();
    while let [rest @ .., last] = trimmed
        && is_ows(last)
    {
        trimmed = rest;
    }
    (trimmed, skipped)
}
