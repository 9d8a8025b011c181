//! Request ids: a text that a caller has chosen, within bounds, or one that is generated.
//!
//! Promises: the text is in the value itself; nothing is allocated. A text of others is believed only if it is short
//! and of a harmless alphabet, so that it can be sent in a header and shown in a line as it is.
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use ringseal_base::random;
use ringseal_base::value::{Element, Value, ValueWriter};

use crate::encode::hex16;
use ringseal_base::Limits;

/// The most bytes of an id.
const BYTES_MAX: usize = 128;

/// The id of a request: 1 to 128 letters, digits, `.`, `_` and `-`.
///
/// ```
/// use ringseal::trace_context::RequestId;
/// assert_eq!(RequestId::parse("r-17")?.as_str(), "r-17");
/// assert!(RequestId::parse("r 17\r\nx-other: 1").is_err());
/// assert_eq!(RequestId::uuid_v7().as_str().len(), 36);
/// # Ok::<(), ringseal::trace_context::RequestIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    bytes: [u8; BYTES_MAX],
    len: u8,
}

impl RequestId {
    /// Checks an id that others have chosen.
    ///
    /// # Errors
    /// The first byte that is not allowed, or the length.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<RequestId, RequestIdError> {
        let text = text.as_ref();
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if text.is_empty() || text.len() > BYTES_MAX {
            return Err(RequestIdError::Length { found: text.len() });
        }
        match text.iter().position(|byte| !is_allowed(byte)) {
            Some(offset) => Err(RequestIdError::Byte { offset, found: text[offset] }),
            None => Ok(RequestId::from_ascii(text)),
        }
    }

    /// A UUID, version 4 (RFC 9562): 122 random bits. They are not secret.
    #[must_use]
    pub fn uuid_v4() -> RequestId {
        RequestId::from_uuid(with_version(4, random_bytes()))
    }

    /// A UUID, version 7: the system's time in quarters of a microsecond, then 62 random bits.
    #[must_use]
    pub fn uuid_v7() -> RequestId {
        RequestId::uuid_v7_at(SystemTime::now())
    }

    /// A UUID, version 7, of this time. Ids of later times sort after it, from steps of a quarter of a microsecond on.
    /// Times before 1970 count as 1970.
    #[must_use]
    pub fn uuid_v7_at(time: SystemTime) -> RequestId {
        RequestId::from_uuid(uuid_v7(time))
    }

    /// 32 random hexadecimal digits: also a valid trace id.
    #[must_use]
    pub fn hex() -> RequestId {
        RequestId::from_ascii(hex16(&random_bytes()).as_flattened())
    }

    /// The 32 digits of a trace id.
    pub(super) fn of_trace(trace_id: [u8; 16]) -> RequestId {
        RequestId::from_ascii(hex16(&trace_id).as_flattened())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    fn from_uuid(bytes: [u8; 16]) -> RequestId {
        let digits = hex16(&bytes);
        let digits = digits.as_flattened();
        let mut text = [b'-'; 36];
        for (at, from, len) in [(0, 0, 8), (9, 8, 4), (14, 12, 4), (19, 16, 4), (24, 20, 12)] {
            text[at..at + len].copy_from_slice(&digits[from..from + len]);
        }
        RequestId::from_ascii(&text)
    }

    /// At most [`BYTES_MAX`] bytes of ASCII.
    fn from_ascii(text: &[u8]) -> RequestId {
        let mut bytes = [0; BYTES_MAX];
        let len = text.len().min(BYTES_MAX);
        bytes[..len].copy_from_slice(&text[..len]);
        RequestId { bytes, len: len as u8 }
    }
}

/// A UUID, version 7, of this time; also a valid trace id.
pub(crate) fn uuid_v7(time: SystemTime) -> [u8; 16] {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = random_bytes();
    bytes[..6].copy_from_slice(&(since.as_millis() as u64).to_be_bytes()[2..]);
    // The fraction of the millisecond in 12 bits (RFC 9562, 6.2, method 3).
    let fraction = (u64::from(since.subsec_nanos() % 1_000_000) << 12) / 1_000_000;
    bytes[6..8].copy_from_slice(&(fraction as u16).to_be_bytes());
    with_version(7, bytes)
}

/// Sets version and variant of a UUID.
fn with_version(version: u8, mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[6] = bytes[6] & 0x0F | version << 4;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    bytes
}

/// Not all zero.
fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    let halves = [random::word(), random::nonzero_word()].map(u64::to_be_bytes);
    bytes.copy_from_slice(halves.as_flattened());
    bytes
}

impl AsRef<str> for RequestId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;

    fn from_str(text: &str) -> Result<RequestId, RequestIdError> {
        RequestId::parse(text)
    }
}

/// A text.
impl Value for RequestId {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.as_str().size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.str(self.as_str());
    }

    fn plain_bytes(&self) -> usize {
        self.as_str().plain_bytes()
    }

    fn text_bytes(&self) -> usize {
        self.as_str().text_bytes()
    }

    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        self.as_str().put(out)
    }
}

impl Element for RequestId {}

/// Why a text is not believed as an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestIdError {
    /// It is empty or too long.
    Length {
        /// Its length in bytes.
        found: usize,
    },
    /// It has a byte that is not allowed.
    Byte {
        /// The offset of the byte.
        offset: usize,
        /// The byte.
        found: u8,
    },
}

impl fmt::Display for RequestIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestIdError::Length { found } => {
                write!(f, "invalid request id: expected 1 to {BYTES_MAX} bytes, found {found}")
            }
            RequestIdError::Byte { offset, found } => write!(
                f,
                "invalid request id at byte {offset}: expected letters, digits, `.`, `_` and `-`, found {:?}",
                char::from(*found)
            ),
        }
    }
}

impl std::error::Error for RequestIdError {}
