//! Reading values back. Total: any bytes give values or a typed error, never a panic.
use std::fmt;

use super::{PiiKind, tag};

/// One value of a record, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A signed integer of 128 bits.
    I128(i128),
    /// An unsigned integer of 128 bits.
    U128(u128),
    /// A double.
    F64(f64),
    /// A float.
    F32(f32),
    /// A character; its code point is not checked here.
    Char(u32),
    /// Text. UTF-8 when a live producer wrote it; a ring that outlived a crash may hold anything.
    Str(&'a [u8]),
    /// The kept part of a truncated text, and its whole length in bytes, 0 if unknown.
    StrCut(&'a [u8], u32),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The kept part of truncated bytes, and their whole length.
    BytesCut(&'a [u8], u32),
    /// A number in JSON syntax.
    Number(&'a [u8]),
    /// Seconds and nanoseconds.
    Duration(u64, u32),
    /// Seconds since 1970 and nanoseconds.
    Time(i64, u32),
    /// An IPv4 address.
    Ipv4([u8; 4]),
    /// An IPv6 address.
    Ipv6([u8; 16]),
    /// An IPv4 address and a port.
    SocketV4([u8; 4], u16),
    /// An IPv6 address and a port.
    SocketV6([u8; 16], u16),
    /// A UUID.
    Uuid([u8; 16]),
    /// No value: the field is left out, with its key.
    Absent,
    /// The duration from these ticks of the producers' clock to the ticks of the event.
    Since(u64),
    /// The same, rounded to whole microseconds.
    SinceMicros(u64),
    /// The id of a span.
    SpanId([u8; 8]),
    /// Values in order.
    Array(Values<'a>),
    /// Keys and values in order.
    Map(Entries<'a>),
    /// Type, message, then each cause: its message, or type and message as an error. A map with a `stack_trace` may
    /// follow.
    Error(Values<'a>),
    /// A value that was nested deeper than the limit.
    Deep,
    /// A logged secret; its value was not written.
    Secret,
    /// Personal data: one value.
    Pii(PiiKind, Values<'a>),
}

/// Why bytes are not a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes end inside a value.
    Short {
        /// Bytes expected, at least.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The tag is not assigned.
    Tag(u8),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Short { expected, found } => {
                write!(f, "a value needs {expected} bytes, found {found}")
            }
            ReadError::Tag(tag) => write!(f, "unknown tag {tag} of a value"),
        }
    }
}

impl std::error::Error for ReadError {}

#[inline(always)]
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], ReadError> {
    let Some((head, tail)) = bytes.split_at_checked(len) else {
        return Err(ReadError::Short { expected: len, found: bytes.len() });
    };
    *bytes = tail;
    Ok(head)
}

#[inline(always)]
fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], ReadError> {
    let Some((head, tail)) = bytes.split_first_chunk::<N>() else {
        return Err(ReadError::Short { expected: N, found: bytes.len() });
    };
    *bytes = tail;
    Ok(*head)
}

#[inline(always)]
fn counted<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], ReadError> {
    let len = u32::from_le_bytes(fixed(bytes)?);
    take(bytes, len as usize)
}

fn counted_cut<'a>(bytes: &mut &'a [u8]) -> Result<(&'a [u8], u32), ReadError> {
    let len = u32::from_le_bytes(fixed(bytes)?);
    let whole = u32::from_le_bytes(fixed(bytes)?);
    Ok((take(bytes, len as usize)?, whole))
}

impl<'a> ValueRef<'a> {
    /// A text, or a number or truth value as text; `None` for others.
    pub fn plain_text(&self) -> Option<String> {
        Some(match self {
            ValueRef::Str(text) => String::from_utf8_lossy(text).into_owned(),
            ValueRef::Bool(value) => value.to_string(),
            ValueRef::I64(value) => value.to_string(),
            ValueRef::U64(value) => value.to_string(),
            ValueRef::F64(value) => value.to_string(),
            _ => return None,
        })
    }

    /// Reads one value off the front of `bytes`.
    #[inline]
    pub fn read(bytes: &mut &'a [u8]) -> Result<ValueRef<'a>, ReadError> {
        let [tag] = fixed::<1>(bytes)?;
        Ok(match tag {
            tag::I64 => ValueRef::I64(i64::from_le_bytes(fixed(bytes)?)),
            tag::U64 => ValueRef::U64(u64::from_le_bytes(fixed(bytes)?)),
            tag::F64 => ValueRef::F64(f64::from_le_bytes(fixed(bytes)?)),
            tag::STR => ValueRef::Str(counted(bytes)?),
            tag::NULL => ValueRef::Null,
            tag::FALSE => ValueRef::Bool(false),
            tag::TRUE => ValueRef::Bool(true),
            tag::I128 => ValueRef::I128(i128::from_le_bytes(fixed(bytes)?)),
            tag::U128 => ValueRef::U128(u128::from_le_bytes(fixed(bytes)?)),
            tag::F32 => ValueRef::F32(f32::from_le_bytes(fixed(bytes)?)),
            tag::CHAR => ValueRef::Char(u32::from_le_bytes(fixed(bytes)?)),
            tag::DEEP => ValueRef::Deep,
            tag => return ValueRef::read_rare(tag, bytes),
        })
    }

    #[inline(never)]
    fn read_rare(tag: u8, bytes: &mut &'a [u8]) -> Result<ValueRef<'a>, ReadError> {
        Ok(match tag {
            tag::STR_CUT => {
                let (kept, whole) = counted_cut(bytes)?;
                ValueRef::StrCut(kept, whole)
            }
            tag::BYTES => ValueRef::Bytes(counted(bytes)?),
            tag::BYTES_CUT => {
                let (kept, whole) = counted_cut(bytes)?;
                ValueRef::BytesCut(kept, whole)
            }
            tag::NUMBER => ValueRef::Number(counted(bytes)?),
            tag::DURATION => {
                let seconds = u64::from_le_bytes(fixed(bytes)?);
                ValueRef::Duration(seconds, u32::from_le_bytes(fixed(bytes)?))
            }
            tag::TIME => {
                let seconds = i64::from_le_bytes(fixed(bytes)?);
                ValueRef::Time(seconds, u32::from_le_bytes(fixed(bytes)?))
            }
            tag::IPV4 => ValueRef::Ipv4(fixed(bytes)?),
            tag::IPV6 => ValueRef::Ipv6(fixed(bytes)?),
            tag::SOCKET_V4 => {
                let address = fixed(bytes)?;
                ValueRef::SocketV4(address, u16::from_le_bytes(fixed(bytes)?))
            }
            tag::SOCKET_V6 => {
                let address = fixed(bytes)?;
                ValueRef::SocketV6(address, u16::from_le_bytes(fixed(bytes)?))
            }
            tag::UUID => ValueRef::Uuid(fixed(bytes)?),
            tag::ABSENT => ValueRef::Absent,
            tag::SINCE => ValueRef::Since(u64::from_le_bytes(fixed(bytes)?)),
            tag::SINCE_MICROS => ValueRef::SinceMicros(u64::from_le_bytes(fixed(bytes)?)),
            tag::SPAN_ID => ValueRef::SpanId(fixed(bytes)?),
            tag::ARRAY => ValueRef::Array(Values(counted(bytes)?)),
            tag::MAP => ValueRef::Map(Entries(counted(bytes)?)),
            tag::ERROR => ValueRef::Error(Values(counted(bytes)?)),
            tag::SECRET => ValueRef::Secret,
            tag::PII => {
                let mut content = counted(bytes)?;
                let [kind] = fixed(&mut content)?;
                ValueRef::Pii(PiiKind::from_u8(kind), Values(content))
            }
            tag => return Err(ReadError::Tag(tag)),
        })
    }
}

/// Values one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values<'a>(pub &'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = Result<ValueRef<'a>, ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let value = ValueRef::read(&mut self.0);
        if value.is_err() {
            self.0 = &[];
        }
        Some(value)
    }
}

/// Keys and values one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entries<'a>(pub &'a [u8]);

impl<'a> Entries<'a> {
    fn read(bytes: &mut &'a [u8]) -> Result<(&'a [u8], ValueRef<'a>), ReadError> {
        let len = u16::from_le_bytes(fixed(bytes)?);
        let key = take(bytes, usize::from(len))?;
        Ok((key, ValueRef::read(bytes)?))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(&'a [u8], ValueRef<'a>), ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let entry = Self::read(&mut self.0);
        if entry.is_err() {
            self.0 = &[];
        }
        Some(entry)
    }
}
