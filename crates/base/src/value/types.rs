//! Implementations of `Value` for types of the standard library and of this crate.
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::format::write_formatted;
use super::put::{put_fixed, put_text};
use super::{Element, ObjectValue, Value, ValueWriter, tag};
use crate::limits::Limits;

macro_rules! fixed_values {
    ($($type:ty => $size:expr, |$self:ident, $out:ident| $write:expr;)+) => {$(
        impl Value for $type {
            #[inline(always)]
            fn size_bytes_max(&self, _limits: &Limits) -> usize {
                $size
            }

            #[inline(always)]
            fn write(&self, out: &mut ValueWriter<'_>) {
                let ($self, $out) = (self, out);
                $write;
            }
        }
    )+};
}

macro_rules! plain_values {
    ($($type:ty => $size:literal, |$value:ident| $tag:expr, $payload:expr;)+) => {$(
        impl Value for $type {
            #[inline(always)]
            fn size_bytes_max(&self, _limits: &Limits) -> usize {
                $size
            }

            #[inline(always)]
            fn write(&self, out: &mut ValueWriter<'_>) {
                let $value = self;
                out.fixed($tag, $payload);
            }

            #[inline(always)]
            fn plain_bytes(&self) -> usize {
                $size
            }

            #[inline(always)]
            fn text_bytes(&self) -> usize {
                0
            }

            #[inline(always)]
            fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
                let $value = self;
                put_fixed(out, $tag, $payload)
            }
        }
    )+};
}

plain_values! {
    () => 1, |_value| tag::NULL, [];
    bool => 1, |value| if *value { tag::TRUE } else { tag::FALSE }, [];
    i8 => 9, |value| tag::I64, i64::from(*value).to_le_bytes();
    i16 => 9, |value| tag::I64, i64::from(*value).to_le_bytes();
    i32 => 9, |value| tag::I64, i64::from(*value).to_le_bytes();
    i64 => 9, |value| tag::I64, value.to_le_bytes();
    isize => 9, |value| tag::I64, (*value as i64).to_le_bytes();
    u8 => 9, |value| tag::U64, u64::from(*value).to_le_bytes();
    u16 => 9, |value| tag::U64, u64::from(*value).to_le_bytes();
    u32 => 9, |value| tag::U64, u64::from(*value).to_le_bytes();
    u64 => 9, |value| tag::U64, value.to_le_bytes();
    usize => 9, |value| tag::U64, (*value as u64).to_le_bytes();
    i128 => 17, |value| tag::I128, value.to_le_bytes();
    u128 => 17, |value| tag::U128, value.to_le_bytes();
    f32 => 5, |value| tag::F32, value.to_le_bytes();
    f64 => 9, |value| tag::F64, value.to_le_bytes();
    char => 5, |value| tag::CHAR, u32::from(*value).to_le_bytes();
    NonZeroU8 => 9, |value| tag::U64, u64::from(value.get()).to_le_bytes();
    NonZeroU16 => 9, |value| tag::U64, u64::from(value.get()).to_le_bytes();
    NonZeroU32 => 9, |value| tag::U64, u64::from(value.get()).to_le_bytes();
    NonZeroU64 => 9, |value| tag::U64, value.get().to_le_bytes();
    NonZeroUsize => 9, |value| tag::U64, (value.get() as u64).to_le_bytes();
    NonZeroU128 => 17, |value| tag::U128, value.get().to_le_bytes();
    NonZeroI8 => 9, |value| tag::I64, i64::from(value.get()).to_le_bytes();
    NonZeroI16 => 9, |value| tag::I64, i64::from(value.get()).to_le_bytes();
    NonZeroI32 => 9, |value| tag::I64, i64::from(value.get()).to_le_bytes();
    NonZeroI64 => 9, |value| tag::I64, value.get().to_le_bytes();
    NonZeroIsize => 9, |value| tag::I64, (value.get() as i64).to_le_bytes();
    NonZeroI128 => 17, |value| tag::I128, value.get().to_le_bytes();
    Duration => 13, |value| tag::DURATION, seconds_nanos_bytes(value.as_secs(), value.subsec_nanos());
    Ipv4Addr => 5, |value| tag::IPV4, value.octets();
    Ipv6Addr => 17, |value| tag::IPV6, value.octets();
    Uuid => 17, |value| tag::UUID, value.0;
    SpanId => 9, |value| tag::SPAN_ID, value.0;
}

fixed_values! {
    SystemTime => 13, |value, out| {
        let (seconds, nanos) = since_epoch(*value);
        out.time(seconds, nanos)
    };
    SocketAddrV4 => 7, |value, out| out.socket(tag::SOCKET_V4, &value.ip().octets(), value.port());
    SocketAddrV6 => SCOPED_BYTES_MAX, |value, out| match value.scope_id() {
        0 => out.socket(tag::SOCKET_V6, &value.ip().octets(), value.port()),
        _ => write_formatted(out, format_args!("{value}")),
    };
    SocketAddr => SCOPED_BYTES_MAX, |value, out| match value {
        SocketAddr::V4(address) => address.write(out),
        SocketAddr::V6(address) => address.write(out),
    };
}

/// Seconds, then nanoseconds.
#[inline(always)]
fn seconds_nanos_bytes(seconds: u64, nanos: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&seconds.to_le_bytes());
    bytes[8..].copy_from_slice(&nanos.to_le_bytes());
    bytes
}

/// A socket address with a scope is written as text, unlike other addresses: `[fe80::1%3]:443`, at most 59
/// characters.
const SCOPED_BYTES_MAX: usize = 9 + 59;

/// Whole seconds since 1970 (rounded down), and the remaining nanoseconds.
fn since_epoch(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanos => (seconds.saturating_sub(1), 1_000_000_000 - nanos),
            }
        }
    }
}

impl Value for str {
    #[inline(always)]
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        let max = limits.value_bytes_max as usize;
        if self.len() <= max { 5 + self.len() } else { 9 + max }
    }

    #[inline(always)]
    fn write(&self, out: &mut ValueWriter<'_>) {
        out.str(self);
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        5
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        put_text(out, self.as_bytes())
    }
}

macro_rules! text_values {
    ($($type:ty),+) => {$(
        impl Value for $type {
            #[inline(always)]
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                str::size_bytes_max(self, limits)
            }

            #[inline(always)]
            fn write(&self, out: &mut ValueWriter<'_>) {
                out.str(self);
            }

            #[inline(always)]
            fn plain_bytes(&self) -> usize {
                str::plain_bytes(self)
            }

            #[inline(always)]
            fn text_bytes(&self) -> usize {
                self.len()
            }

            #[inline(always)]
            fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
                put_text(out, self.as_bytes())
            }
        }
    )+};
}

text_values!(String, Cow<'_, str>);

/// The result of `format_args!` is formatted straight into the ring.
impl Value for fmt::Arguments<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + limits.value_bytes_max as usize
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_formatted(out, *self);
    }
}

impl<T: Value> Value for Option<T> {
    #[inline(always)]
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.as_ref().map_or(1, |value| value.size_bytes_max(limits))
    }

    #[inline(always)]
    fn write(&self, out: &mut ValueWriter<'_>) {
        match self {
            Some(value) => value.write(out),
            None => out.null(),
        }
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        self.as_ref().map_or(1, |value| value.plain_bytes())
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        self.as_ref().map_or(0, |value| value.text_bytes())
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        match self {
            Some(value) => value.put(out),
            None => put_fixed(out, tag::NULL, []),
        }
    }
}

impl<T: ObjectValue> ObjectValue for Option<T> {}

/// A slice of bytes is text of unknown encoding; a slice of anything else is an array.
impl Value for [u8] {
    #[inline]
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + self.len().min(limits.value_bytes_max as usize)
    }

    #[inline]
    fn write(&self, out: &mut ValueWriter<'_>) {
        out.bytes(self);
    }
}

impl<const N: usize> Value for [u8; N] {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.as_slice().size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.bytes(self);
    }
}

impl Value for Vec<u8> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.as_slice().size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.bytes(self);
    }
}

macro_rules! elements {
    ($($type:ty),+) => { $(impl Element for $type {})+ };
}

elements!(
    (),
    bool,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    char,
    str,
    String,
    Cow<'_, str>,
    Duration,
    SystemTime,
    Ipv4Addr,
    Ipv6Addr,
    IpAddr,
    SocketAddrV4,
    SocketAddrV6,
    SocketAddr,
    Uuid,
    Number<'_>,
    Map<'_>,
    fmt::Arguments<'_>,
    NonZeroU8,
    NonZeroU16,
    NonZeroU32,
    NonZeroU64,
    NonZeroU128,
    NonZeroUsize,
    NonZeroI8,
    NonZeroI16,
    NonZeroI32,
    NonZeroI64,
    NonZeroI128,
    NonZeroIsize,
    [u8],
    Vec<u8>
);
impl<const N: usize> Element for [u8; N] {}
impl<T: Value> Element for Option<T> {}
impl<T: Element> Element for [T] {}
impl<T: Element> Element for Vec<T> {}
impl<T: Element, const N: usize> Element for [T; N] {}

/// Writes elements until one does not fit. The rest is left out, and the array is marked as truncated.
pub(super) fn write_elements<'v, T: Element + ?Sized + 'v>(
    out: &mut ValueWriter<'_>,
    elements: impl Iterator<Item = &'v T>,
) {
    out.array(|out| {
        for element in elements {
            let mark = out.mark();
            element.write(out);
            if out.is_full() {
                out.rewind(mark);
                break;
            }
        }
    });
}

impl<T: Element> Value for [T] {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        5 + self.iter().map(|element| element.size_bytes_max(limits)).sum::<usize>()
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_elements(out, self.iter());
    }
}

impl<T: Element, const N: usize> Value for [T; N] {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.as_slice().size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        self.as_slice().write(out);
    }
}

impl<T: Element> Value for Vec<T> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.as_slice().size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        self.as_slice().write(out);
    }
}

/// A map of values by key, borrowed: `Map(&[("id", &7), ("name", &"x")])`.
///
/// ```
/// # use ringseal_base::value::Map;
/// let user = Map(&[("id", &42), ("name", &"ada")]);
/// ```
#[derive(Clone, Copy)]
pub struct Map<'a>(pub &'a [(&'a str, &'a dyn Value)]);

impl Value for Map<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        let entries = self.0.iter();
        5 + entries.map(|(key, value)| 2 + key.len() + value.size_bytes_max(limits)).sum::<usize>()
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.map(|out| {
            for (key, value) in self.0 {
                out.entry(key, value);
            }
        });
    }
}

impl ObjectValue for Map<'_> {}

/// The id of a span (W3C Trace Context); shown as 16 hexadecimal digits, which are never taken for a card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

/// Sixteen bytes that print as a UUID (RFC 9562): any crate's `uuid.into_bytes()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uuid(pub [u8; 16]);

/// A number in JSON syntax, kept as written (`1.10`, `1e400`); any other text becomes a string.
#[derive(Debug, Clone, Copy)]
pub struct Number<'a>(pub &'a str);

impl Number<'_> {
    /// Whether the text is a number by RFC 8259, section 6.
    pub fn is_json(&self) -> bool {
        let text = self.0.strip_prefix('-').unwrap_or(self.0);
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(text);
        if whole == 0 || (whole > 1 && text.starts_with('0')) {
            return false;
        }
        let mut rest = &text[whole..];
        if let Some(fraction) = rest.strip_prefix('.') {
            let count = digits(fraction);
            if count == 0 {
                return false;
            }
            rest = &fraction[count..];
        }
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            return !exponent.is_empty() && digits(exponent) == exponent.len();
        }
        rest.is_empty()
    }
}

impl Value for Number<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.0.size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        if self.is_json() && self.0.len() <= out.limits().value_bytes_max as usize {
            out.counted(tag::NUMBER, self.0.as_bytes());
        } else {
            out.str(self.0);
        }
    }
}
