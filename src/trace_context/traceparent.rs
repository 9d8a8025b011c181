//! The header `traceparent`: the ids of a trace and of the caller's span, and two flags.
//!
//! Promises: no allocation. Reading rejects whatever the specification rejects, with the offset of the first fault, and
//! reading what was written gives the same value. Ids are checked and converted by vector instructions; only an invalid
//! header is examined byte by byte.
use std::fmt;
use std::str::FromStr;

use ringseal_base::random;

use super::error::{ExpectedInHeader, TraceParentError};
use super::{digits, trim_ows};
use crate::core::correlation::Correlation;
use crate::encode::hex16;

/// The bit of the caller's decision to record the trace.
pub(crate) const SAMPLED: u8 = 1;
/// The bit of a trace id whose last 7 bytes are random.
const RANDOM: u8 = 2;
/// The bits that version 00 defines. The other ones must be sent as zeros.
const FLAGS: u8 = SAMPLED | RANDOM;

/// The offsets of the parts in the header.
const TRACE_ID_AT: usize = 3;
const SPAN_ID_AT: usize = 36;
const FLAGS_AT: usize = 53;
const DASHES: [usize; 3] = [TRACE_ID_AT - 1, SPAN_ID_AT - 1, FLAGS_AT - 1];

/// The most bytes of a parent id that the lenient mode skips.
const SKIPPED_BYTES_MAX: usize = 64;

/// The ids of a trace and of a span in it, as the header `traceparent` of [W3C Trace Context][w3c] carries them.
///
/// ```
/// use ringseal::trace_context::TraceParent;
/// let caller = TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// let span = caller.child(); // the same trace, a new span
/// assert_eq!(span.trace_id(), caller.trace_id());
/// assert!(span.is_sampled() && span.span_id() != caller.span_id());
/// let mut buffer = [0; TraceParent::BYTES];
/// let header: &str = span.write(&mut buffer);
/// assert_eq!(TraceParent::parse(header)?, span);
/// # Ok::<(), ringseal::trace_context::TraceParentError>(())
/// ```
///
/// [w3c]: https://www.w3.org/TR/trace-context-2/
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

/// What [`TraceParent::parse_lenient`] has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LenientTraceParent {
    /// The ids. If the header's parent id was invalid, the span id is a new random one.
    pub parent: TraceParent,
    /// The fault of the header, if its parent id was replaced.
    pub replaced: Option<TraceParentError>,
}

impl TraceParent {
    /// The length of the header in version 00, in bytes.
    pub const BYTES: usize = 55;

    /// These ids, without flags. `None` if one of them consists of zeros, which means that there is no id.
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8]) -> Option<TraceParent> {
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(TraceParent { trace_id, span_id, flags: 0 })
    }

    /// A new trace and its first span. The flag `random` is set, `sampled` is not.
    ///
    /// The ids come from the generator of the calling thread, which is seeded from the system, and again in a forked
    /// child. They are not secrets.
    #[inline]
    #[must_use]
    pub fn random() -> TraceParent {
        let [first, second, span_id] = random::nonzero_words().map(u64::to_be_bytes);
        let mut trace_id = [0; 16];
        trace_id.copy_from_slice([first, second].as_flattened());
        TraceParent { trace_id, span_id, flags: RANDOM }
    }

    /// Reads the value of a header. Spaces and tabs around it are skipped.
    ///
    /// Versions after 00 may have further parts, which are ignored. Flags other than `sampled` and `random` are
    /// ignored. A request with two of these headers has no valid one: see
    /// [`Propagation::receive`](super::Propagation::receive).
    ///
    /// # Errors
    /// The offset of the first fault in the value without surrounding spaces, and what is expected there.
    #[inline]
    pub fn parse(header: impl AsRef<[u8]>) -> Result<TraceParent, TraceParentError> {
        let value = trim_ows(header.as_ref()).0;
        match read(value) {
            Some(parent) => Ok(parent),
            None => Err(first_fault(value)),
        }
    }

    /// The same, but a header with an invalid parent id keeps its trace.
    ///
    /// Proxies send such headers: nginx's map `"" "00-$request_id-$connection-01"` puts the number of a connection
    /// where 16 digits are required. Letters and digits in any number, up to 64, are then accepted in their place.
    ///
    /// # Errors
    /// Those of [`TraceParent::parse`] if anything else is invalid.
    ///
    /// ```
    /// use ringseal::trace_context::TraceParent;
    /// let header = "00-0af7651916cd43dd8448eb211c80319c-1234-01";
    /// let read = TraceParent::parse_lenient(header)?;
    /// assert_eq!(read.parent.trace_id()[..2], [0x0a, 0xf7]);
    /// assert!(read.parent.is_sampled() && read.replaced.is_some());
    /// assert!(TraceParent::parse(header).is_err());
    /// # Ok::<(), ringseal::trace_context::TraceParentError>(())
    /// ```
    pub fn parse_lenient(header: impl AsRef<[u8]>) -> Result<LenientTraceParent, TraceParentError> {
        let fault = match TraceParent::parse(&header) {
            Ok(parent) => return Ok(LenientTraceParent { parent, replaced: None }),
            Err(fault) => fault,
        };
        let parent = without_parent_id(trim_ows(header.as_ref()).0).ok_or(fault)?;
        Ok(LenientTraceParent { parent, replaced: Some(fault) })
    }

    /// The same trace with a new span id: for a span of this service, or for a call that it makes. The flags are kept.
    #[must_use]
    pub fn child(&self) -> TraceParent {
        TraceParent { span_id: new_span_id(), ..*self }
    }

    /// The flags, as bits.
    pub(crate) fn flags(&self) -> u8 {
        self.flags
    }

    /// The same ids with these flags; others than `sampled` and `random` are left out.
    pub(crate) fn with_flags(self, flags: u8) -> TraceParent {
        TraceParent { flags: flags & FLAGS, ..self }
    }

    /// The same ids with this flag `sampled`.
    #[must_use]
    pub fn with_sampled(self, is_sampled: bool) -> TraceParent {
        TraceParent { flags: self.flags & RANDOM | u8::from(is_sampled), ..self }
    }

    /// Writes the header's value, in version 00.
    #[inline]
    pub fn write<'b>(&self, buffer: &'b mut [u8; TraceParent::BYTES]) -> &'b str {
        let mut rest = [0; 16];
        rest[..8].copy_from_slice(&self.span_id);
        rest[8] = self.flags;
        let ([first, second], [span, flags]) = (hex16(&self.trace_id), hex16(&rest));
        buffer[..TRACE_ID_AT].copy_from_slice(b"00-");
        buffer[TRACE_ID_AT..][..16].copy_from_slice(&first);
        buffer[TRACE_ID_AT + 16..][..16].copy_from_slice(&second);
        buffer[SPAN_ID_AT - 1] = b'-';
        buffer[SPAN_ID_AT..][..16].copy_from_slice(&span);
        buffer[FLAGS_AT - 1] = b'-';
        buffer[FLAGS_AT..].copy_from_slice(&flags[..2]);
        str::from_utf8(buffer).unwrap_or_default()
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The id of the span; in a header, the id of the caller's span, which the specification calls `parent-id`.
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Whether the caller may have recorded the trace. This is advice, and no proof: see [`Trust`](super::Trust).
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Whether the last 7 bytes of the trace id are random.
    pub fn is_random(&self) -> bool {
        self.flags & RANDOM != 0
    }

    /// The ids for the lines of events. The flags are not part of it.
    pub fn correlation(&self) -> Correlation {
        let mut span_id = [0; 16];
        span_id[..8].copy_from_slice(&self.span_id);
        Correlation::new(self.trace_id, span_id)
    }

    /// The ids of a correlation, without flags: the first 8 bytes of its span id. `None` if one of the ids is zero.
    ///
    /// ```
    /// use ringseal::{Correlation, trace_context::TraceParent};
    /// let span = TraceParent::random();
    /// let same = TraceParent::from_correlation(span.correlation()).expect("ids that are not zero");
    /// assert_eq!((same.trace_id(), same.span_id()), (span.trace_id(), span.span_id()));
    /// assert_eq!(TraceParent::from_correlation(Correlation::new([1; 16], [0; 16])), None);
    /// ```
    pub fn from_correlation(correlation: Correlation) -> Option<TraceParent> {
        let span_id = *correlation.span_id().first_chunk()?;
        TraceParent::new(correlation.trace_id(), span_id)
    }
}

/// The header's value.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.write(&mut [0; TraceParent::BYTES]))
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceParent({self})")
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(header: &str) -> Result<TraceParent, TraceParentError> {
        TraceParent::parse(header)
    }
}

impl From<TraceParent> for Correlation {
    fn from(parent: TraceParent) -> Correlation {
        parent.correlation()
    }
}

#[inline]
pub(crate) fn new_span_id() -> [u8; 8] {
    random::nonzero_word().to_be_bytes()
}

/// Reads a valid value.
#[inline]
fn read(value: &[u8]) -> Option<TraceParent> {
    let head: &[u8; TraceParent::BYTES] = value.first_chunk()?;
    let version = digits::byte([head[0], head[1]])?;
    let flags = digits::byte([head[FLAGS_AT], head[FLAGS_AT + 1]])?;
    let trace_id = digits::sixteen_bytes(head[TRACE_ID_AT..].first_chunk()?)?;
    let span_id = digits::eight_bytes(head[SPAN_ID_AT..].first_chunk()?)?;
    let has_dashes = DASHES.iter().all(|at| head[*at] == b'-');
    let is_end_valid = match value.get(TraceParent::BYTES) {
        None => true,
        Some(next) => version != 0 && *next == b'-',
    };
    let parent = TraceParent::new(trace_id, span_id)?;
    let is_valid = has_dashes && version != 0xFF && is_end_valid;
    is_valid.then_some(TraceParent { flags: flags & FLAGS, ..parent })
}

/// The first fault of a value that [`read`] does not accept.
#[cold]
#[inline(never)]
fn first_fault(value: &[u8]) -> TraceParentError {
    let fault = |offset: usize, expected| TraceParentError {
        offset,
        expected,
        found: value.get(offset).copied(),
    };
    for at in 0..TraceParent::BYTES {
        let byte = value.get(at);
        if DASHES.contains(&at) {
            if byte != Some(&b'-') {
                return fault(at, ExpectedInHeader::Dash);
            }
        } else if !byte.is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return fault(at, ExpectedInHeader::Digit);
        }
        let is_zero = |from: usize| value[from..at].iter().all(|digit| *digit == b'0');
        match at {
            1 if value.starts_with(b"ff") => return fault(0, ExpectedInHeader::Version),
            _ if at + 1 == SPAN_ID_AT && is_zero(TRACE_ID_AT) => {
                return fault(TRACE_ID_AT, ExpectedInHeader::TraceId);
            }
            _ if at + 1 == FLAGS_AT && is_zero(SPAN_ID_AT) => {
                return fault(SPAN_ID_AT, ExpectedInHeader::ParentId);
            }
            _ => {}
        }
    }
    match value.starts_with(b"00") {
        true => fault(TraceParent::BYTES, ExpectedInHeader::End),
        false => fault(TraceParent::BYTES, ExpectedInHeader::DashOrEnd),
    }
}

/// Reads a value whose parent id is invalid, and gives it another one.
#[cold]
fn without_parent_id(value: &[u8]) -> Option<TraceParent> {
    let (head, rest) = value.split_at_checked(SPAN_ID_AT)?;
    let end = rest.iter().position(|byte| *byte == b'-')?;
    let (skipped, flags) = rest.split_at(end);
    let is_skippable =
        skipped.len() <= SKIPPED_BYTES_MAX && skipped.iter().all(u8::is_ascii_alphanumeric);
    // The same value with a valid parent id, up to the byte after the flags.
    let mut repaired = [0; TraceParent::BYTES + 1];
    repaired[..SPAN_ID_AT].copy_from_slice(head);
    repaired[SPAN_ID_AT..FLAGS_AT - 1].fill(b'1');
    let flags = &flags[..flags.len().min(repaired.len() - FLAGS_AT + 1)];
    let len = FLAGS_AT - 1 + flags.len();
    repaired[FLAGS_AT - 1..len].copy_from_slice(flags);
    let parent = read(&repaired[..len]).filter(|_| is_skippable)?;
    Some(parent.child())
}
