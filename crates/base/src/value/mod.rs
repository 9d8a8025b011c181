//! Values: their format in a record, and the trait for types that can be logged.
//!
//! A value in a record is a tag byte and its payload, little-endian, unaligned:
//!
//! | tag | payload |
//! |---|---|
//! | null, false, true, deep, absent | – |
//! | i64, u64, f64 | 8 bytes |
//! | i128, u128, uuid, ipv6 | 16 bytes |
//! | f32, char, ipv4 | 4 bytes |
//! | str, bytes, number | length u32, bytes |
//! | truncated str, truncated bytes | kept length u32, whole length u32 (0 = unknown), bytes |
//! | duration, time | seconds (u64, i64), nanoseconds u32 |
//! | since, since in microseconds | ticks of the producers' clock u64 |
//! | span id | 8 bytes |
//! | socket v4, v6 | address, port u16 |
//! | array, error | length of the payload u32, values |
//! | map | length of the payload u32, then (length u16, key, value) each |
//! | secret | – |
//! | personal data | length u32, kind u8, value |
//!
//! Writing allocates nothing and cannot fail: a value that does not fit is truncated and marked as truncated.
mod absent;
mod address;
mod backtrace;
mod collections;
mod error;
mod error_type;
mod format;
#[cfg(feature = "http")]
mod http;
#[cfg(any(test, feature = "test-support"))]
pub mod model;
mod os_text;
mod pointer;
pub mod put;
mod read;
mod sensitive;
#[cfg(feature = "serde")]
mod serde;
mod since;
mod types;
#[cfg(feature = "uuid")]
mod uuid;
mod write;

#[cfg(test)]
pub mod tests;

pub use absent::Maybe;
pub use collections::MapKey;
pub use error::{BacktraceValue, DynError, ErrorValue};
pub use format::{DebugValue, DisplayValue};
pub use read::{Entries, ReadError, ValueRef, Values};
pub use sensitive::{Pii, PiiKind, SECRET_MASK, Sanitized, Secret};
#[cfg(feature = "serde")]
pub use serde::SerdeValue;
pub use since::{Since, Start, Timer, since};
pub use types::{Map, Number, SpanId, Uuid};
pub use write::ValueWriter;

use super::limits::Limits;

/// Something that can be the value of a field.
///
/// Implemented for integers to 128 bits, floats, `bool`, `char`, strings, bytes, `Option`, `Duration`, `SystemTime`,
/// IP and socket addresses, paths, arrays, slices and other collections, [`Map`], [`Uuid`], [`Number`], [`Maybe`],
/// [`Since`], [`Timer`] and `dyn Error`;
/// with the features `uuid` and `http`, for the types of those crates. In the macros, `%x` writes a `Display`, `?x` a
/// `Debug`, and errors need neither.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged as it is",
    label = "write `%value` for its Display, `?value` for its Debug",
    note = "with the feature `serde`, `ringseal::serialize(&value)` logs any `Serialize` as a tree"
)]
pub trait Value {
    /// An upper bound of the bytes that [`Value::write`] takes under `limits`; exact for all but formatted values.
    fn size_bytes_max(&self, limits: &Limits) -> usize;

    /// Writes exactly one value.
    fn write(&self, out: &mut ValueWriter<'_>);

    /// Whether the field is left out, key and value: [`Maybe`] without a value.
    #[inline(always)]
    fn is_absent(&self) -> bool {
        false
    }

    /// The exact number of bytes that [`Value::put`] writes besides those of texts: for most types a constant, so that
    /// the compiler adds up the fields of an event.
    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        0
    }

    /// The exact number of bytes of the texts that [`Value::put`] writes, or [`NOT_PLAIN`] if the value needs
    /// [`Value::write`] because it is formatted or nested.
    #[inline(always)]
    fn text_bytes(&self) -> usize {
        NOT_PLAIN
    }

    /// Writes a plain value to the front of `out` and returns the rest. Nearly all values take this path: its state
    /// is in registers, and nothing has to be truncated, because the caller has compared
    /// [`Value::text_bytes`] with the limits.
    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        out
    }
}

/// Larger than any record, and small enough that thousands of such numbers can be added without overflow.
pub const NOT_PLAIN: usize = 1 << (usize::BITS - 24);

/// The exact number of bytes that [`Value::put`] writes; [`NOT_PLAIN`] if the value needs [`Value::write`] because it
/// is formatted, nested, or over a limit.
#[inline(always)]
pub fn plain_bytes_within<V: Value + ?Sized>(value: &V, limits: &Limits) -> usize {
    let text = value.text_bytes();
    if text > limits.value_bytes_max as usize {
        return NOT_PLAIN;
    }
    // A type that returns an absurd length is not plain.
    value.plain_bytes().min(NOT_PLAIN) + text
}

/// A value that is an object in JSON: errors, maps, serialized values.
///
/// The names of ECS objects (`error`, `user`, `http`, …) hold such values in the Elastic Common Schema. With `--cfg
/// ringseal_ecs` in `RUSTFLAGS`, the macros refuse any other value there at compile time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a flat value; an object is expected here",
    label = "give an error or a map, or name a field of the object: `error = &err`, `user.id = 42`"
)]
pub trait ObjectValue: Value {}

/// A value that is allowed under a quoted key, with `--cfg ringseal_ecs`; `ECS_OBJECT` is true if the key names an ECS
/// object.
#[diagnostic::on_unimplemented(
    message = "this quoted key names an object of the Elastic Common Schema, and `{Self}` is a flat value",
    label = "give an error or a map, or name a field of the object: `error = &err`, `user.id = 42`",
    note = "keys that name objects: agent, client, cloud, container, data_stream, destination, dll, dns, ecs, error, \
            event, file, group, host, http, log, network, observer, orchestrator, organization, package, process, \
            registry, related, rule, server, service, source, span, threat, tls, trace, transaction, url, user, \
            user_agent, vulnerability"
)]
pub trait AllowedUnder<const ECS_OBJECT: bool>: Value {}

impl<T: Value + ?Sized> AllowedUnder<false> for T {}
#[diagnostic::do_not_recommend]
impl<T: ObjectValue + ?Sized> AllowedUnder<true> for T {}

/// A value that can be the element of an array: any except `u8`, because a slice of bytes is logged as a text of
/// unknown encoding and not as an array of numbers.
///
/// Your own types that implement [`Value`] need an empty implementation of this trait to be elements of arrays.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged as it is",
    label = "write `%value` for its Display, `?value` for its Debug",
    note = "with the feature `serde`, `ringseal::serialize(&value)` logs any `Serialize` as a tree"
)]
pub trait Element: Value {}

/// The tag bytes. Part of the format of rings that outlive their process: never renumber.
pub mod tag {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const I64: u8 = 3;
    pub const U64: u8 = 4;
    pub const I128: u8 = 5;
    pub const U128: u8 = 6;
    pub const F64: u8 = 7;
    pub const F32: u8 = 8;
    pub const CHAR: u8 = 9;
    pub const STR: u8 = 10;
    pub const STR_CUT: u8 = 11;
    pub const BYTES: u8 = 12;
    pub const BYTES_CUT: u8 = 13;
    pub const NUMBER: u8 = 14;
    pub const DURATION: u8 = 15;
    pub const TIME: u8 = 16;
    pub const IPV4: u8 = 17;
    pub const IPV6: u8 = 18;
    pub const SOCKET_V4: u8 = 19;
    pub const SOCKET_V6: u8 = 20;
    pub const UUID: u8 = 21;
    pub const ARRAY: u8 = 22;
    pub const MAP: u8 = 23;
    pub const ERROR: u8 = 24;
    /// Replaces a value that is nested deeper than the limit.
    pub const DEEP: u8 = 25;
    /// Replaces a logged secret.
    pub const SECRET: u8 = 26;
    pub const PII: u8 = 27;
    /// The field is left out, with its key.
    pub const ABSENT: u8 = 28;
    /// The duration from these ticks to the event.
    pub const SINCE: u8 = 29;
    /// The same, rounded to whole microseconds.
    pub const SINCE_MICROS: u8 = 30;
    /// The id of a span.
    pub const SPAN_ID: u8 = 31;
}

/// Names of objects in the Elastic Common Schema. A flat value under one of them conflicts with every index.
pub const ECS_OBJECTS: [&str; 37] = [
    "agent",
    "client",
    "cloud",
    "container",
    "data_stream",
    "destination",
    "dll",
    "dns",
    "ecs",
    "error",
    "event",
    "file",
    "group",
    "host",
    "http",
    "log",
    "network",
    "observer",
    "orchestrator",
    "organization",
    "package",
    "process",
    "registry",
    "related",
    "rule",
    "server",
    "service",
    "source",
    "span",
    "threat",
    "tls",
    "trace",
    "transaction",
    "url",
    "user",
    "user_agent",
    "vulnerability",
];
