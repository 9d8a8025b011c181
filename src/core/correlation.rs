//! Correlation: the ids of the trace and of the span that an event belongs to.
//!
//! Promises: 32 bytes that are copied as they are, into a record and out of it; nothing is allocated.

/// Bytes of a correlation in a record.
pub const CORRELATION_BYTES: usize = 32;

/// Bytes of an id.
const ID_BYTES: usize = 16;

/// The ids of a trace and of a span, with which events of one request are found in the logs of all its services.
///
/// An id that consists of zeros means that there is no id, as in W3C Trace Context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Correlation {
    trace_id: [u8; ID_BYTES],
    span_id: [u8; ID_BYTES],
}

impl Correlation {
    /// These ids. A span id of W3C Trace Context has 8 bytes: they are the first ones, and zeros follow.
    pub const fn new(trace_id: [u8; 16], span_id: [u8; 16]) -> Self {
        Self { trace_id, span_id }
    }

    /// The id of the trace.
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The id of the span.
    pub const fn span_id(&self) -> [u8; 16] {
        self.span_id
    }

    /// Both ids, as in a record.
    #[inline(always)]
    pub(crate) fn to_bytes(self) -> [u8; CORRELATION_BYTES] {
        let mut bytes = [0; CORRELATION_BYTES];
        bytes[..ID_BYTES].copy_from_slice(&self.trace_id);
        bytes[ID_BYTES..].copy_from_slice(&self.span_id);
        bytes
    }

    /// The ids of a record.
    #[doc(hidden)]
    pub fn from_bytes(bytes: &[u8; CORRELATION_BYTES]) -> Self {
        let mut ids = Self::new([0; ID_BYTES], [0; ID_BYTES]);
        ids.trace_id.copy_from_slice(&bytes[..ID_BYTES]);
        ids.span_id.copy_from_slice(&bytes[ID_BYTES..]);
        ids
    }

    /// The bytes of the span id that lines show: the first 8 if the last 8 are zero.
    pub(crate) fn shown_span_id(&self) -> &[u8] {
        let (first, last) = self.span_id.split_at(ID_BYTES / 2);
        if last.iter().all(|byte| *byte == 0) { first } else { &self.span_id }
    }
}
