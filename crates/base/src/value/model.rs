//! Values as trees, for tests: to write, to compare with values that were read, and to generate for properties.
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;

use self::Model as M;
use crate::limits::Limits;
use crate::value::*;

/// A value as a tree. Truncated values, errors and `Deep` occur only in trees that were read.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    /// Compared by its bits, so that NaN equals itself.
    F64(u64),
    F32(u32),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    Number(String),
    Duration(Duration),
    Time(i64, u32),
    Ipv4([u8; 4]),
    Ipv6([u8; 16]),
    SocketV4([u8; 4], u16),
    SocketV6([u8; 16], u16),
    Uuid([u8; 16]),
    Array(Vec<Model>),
    Map(Vec<(String, Model)>),
    Error(Vec<Model>),
    StrCut(String, u32),
    BytesCut(Vec<u8>, u32),
    Deep,
    Secret,
    Absent,
    Since(u64),
    SinceMicros(u64),
    SpanId([u8; 8]),
    Pii(u8, Box<Model>),
}

impl Model {
    /// The value of the standard library, or of this one, that a leaf represents.
    fn leaf(&self) -> Option<Box<dyn Value + '_>> {
        Some(match self {
            M::Null => Box::new(()),
            M::Bool(value) => Box::new(value),
            M::I64(value) => Box::new(value),
            M::U64(value) => Box::new(value),
            M::I128(value) => Box::new(value),
            M::U128(value) => Box::new(value),
            M::F64(bits) => Box::new(f64::from_bits(*bits)),
            M::F32(bits) => Box::new(f32::from_bits(*bits)),
            M::Char(value) => Box::new(value),
            M::Str(text) => Box::new(text),
            M::Bytes(bytes) => Box::new(bytes),
            M::Number(text) => Box::new(Number(text)),
            M::Duration(value) => Box::new(value),
            M::Time(seconds, nanos) => Box::new(system_time(*seconds, *nanos)),
            M::Ipv4(octets) => Box::new(Ipv4Addr::from(*octets)),
            M::Ipv6(octets) => Box::new(Ipv6Addr::from(*octets)),
            M::SocketV4(octets, port) => Box::new(SocketAddrV4::new((*octets).into(), *port)),
            M::SocketV6(octets, port) => Box::new(SocketAddrV6::new((*octets).into(), *port, 0, 0)),
            M::Uuid(bytes) => Box::new(Uuid(*bytes)),
            M::Array(elements) => Box::new(elements),
            M::Secret => Box::new(Secret::new("not to be seen")),
            M::Absent => Box::new(Maybe::<()>(None)),
            M::Since(ticks) => Box::new(since(Start::from_ticks(*ticks))),
            M::SinceMicros(ticks) => Box::new(Timer::since(Start::from_ticks(*ticks))),
            M::SpanId(id) => Box::new(SpanId(*id)),
            M::Pii(kind, inner) => Box::new(Pii::new(PiiKind::from_u8(*kind), &**inner)),
            M::Map(_) | M::Error(_) | M::StrCut(..) | M::BytesCut(..) | M::Deep => return None,
        })
    }
}

impl Value for Model {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        match (self, self.leaf()) {
            (_, Some(leaf)) => leaf.size_bytes_max(limits),
            (M::Map(entries), None) => {
                let sizes = entries.iter().map(|(k, v)| 2 + k.len() + v.size_bytes_max(limits));
                5 + sizes.sum::<usize>()
            }
            _ => 0,
        }
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        match (self, self.leaf()) {
            (_, Some(leaf)) => leaf.write(out),
            (M::Map(entries), None) => out.map(|out| {
                for (key, value) in entries {
                    out.entry(key, value);
                }
            }),
            _ => {}
        }
    }

    fn is_absent(&self) -> bool {
        *self == M::Absent
    }

    fn plain_bytes(&self) -> usize {
        self.leaf().map_or(0, |leaf| leaf.plain_bytes())
    }

    fn text_bytes(&self) -> usize {
        self.leaf().map_or(NOT_PLAIN, |leaf| leaf.text_bytes())
    }

    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        match self.leaf() {
            Some(leaf) => leaf.put(out),
            None => out,
        }
    }
}

impl Element for Model {}

fn system_time(seconds: i64, nanos: u32) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
    base + Duration::from_nanos(u64::from(nanos))
}

/// A value that was read, as a tree.
pub fn model(value: ValueRef<'_>) -> Result<Model, ReadError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match value {
        ValueRef::Null => M::Null,
        ValueRef::Bool(value) => M::Bool(value),
        ValueRef::I64(value) => M::I64(value),
        ValueRef::U64(value) => M::U64(value),
        ValueRef::I128(value) => M::I128(value),
        ValueRef::U128(value) => M::U128(value),
        ValueRef::F64(value) => M::F64(value.to_bits()),
        ValueRef::F32(value) => M::F32(value.to_bits()),
        ValueRef::Char(value) => M::Char(char::from_u32(value).unwrap_or('\u{FFFD}')),
        ValueRef::Str(bytes) => M::Str(text(bytes)),
        ValueRef::StrCut(bytes, whole) => M::StrCut(text(bytes), whole),
        ValueRef::Bytes(bytes) => M::Bytes(bytes.to_vec()),
        ValueRef::BytesCut(bytes, whole) => M::BytesCut(bytes.to_vec(), whole),
        ValueRef::Number(bytes) => M::Number(text(bytes)),
        ValueRef::Duration(seconds, nanos) => M::Duration(
            Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::from(nanos))),
        ),
        ValueRef::Time(seconds, nanos) => M::Time(seconds, nanos),
        ValueRef::Ipv4(octets) => M::Ipv4(octets),
        ValueRef::Ipv6(octets) => M::Ipv6(octets),
        ValueRef::SocketV4(octets, port) => M::SocketV4(octets, port),
        ValueRef::SocketV6(octets, port) => M::SocketV6(octets, port),
        ValueRef::Uuid(bytes) => M::Uuid(bytes),
        ValueRef::Array(values) => M::Array(models(values)?),
        ValueRef::Error(values) => M::Error(models(values)?),
        ValueRef::Map(entries) => M::Map(
            entries
                .map(|entry| entry.and_then(|(key, value)| Ok((text(key), model(value)?))))
                .collect::<Result<_, _>>()?,
        ),
        ValueRef::Deep => M::Deep,
        ValueRef::Secret => M::Secret,
        ValueRef::Absent => M::Absent,
        ValueRef::Since(ticks) => M::Since(ticks),
        ValueRef::SinceMicros(ticks) => M::SinceMicros(ticks),
        ValueRef::SpanId(id) => M::SpanId(id),
        ValueRef::Pii(kind, values) => {
            let inner = models(values)?.into_iter().next().unwrap_or(M::Null);
            M::Pii(kind as u8, Box::new(inner))
        }
    })
}

fn models(values: Values<'_>) -> Result<Vec<Model>, ReadError> {
    values.map(|value| value.and_then(model)).collect()
}

fn leaf() -> impl Strategy<Value = Model> {
    prop_oneof![
        Just(M::Null),
        any::<bool>().prop_map(M::Bool),
        any::<i64>().prop_map(M::I64),
        any::<u64>().prop_map(M::U64),
        any::<i128>().prop_map(M::I128),
        any::<u128>().prop_map(M::U128),
        any::<u64>().prop_map(M::F64),
        any::<u32>().prop_map(M::F32),
        any::<char>().prop_map(M::Char),
        ".{0,40}".prop_map(M::Str),
        vec(any::<u8>(), 0..60).prop_map(M::Bytes),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?".prop_map(M::Number),
        (any::<u64>(), 0..1_000_000_000u32).prop_map(|(s, n)| M::Duration(Duration::new(s, n))),
        (-(1i64 << 40)..1 << 40, 0..1_000_000_000u32).prop_map(|(s, n)| M::Time(s, n)),
        any::<[u8; 4]>().prop_map(M::Ipv4),
        any::<[u8; 16]>().prop_map(M::Ipv6),
        any::<([u8; 4], u16)>().prop_map(|(address, port)| M::SocketV4(address, port)),
        any::<([u8; 16], u16)>().prop_map(|(address, port)| M::SocketV6(address, port)),
        any::<[u8; 16]>().prop_map(M::Uuid),
        Just(M::Secret),
        Just(M::Absent),
        any::<u64>().prop_map(M::Since),
        any::<u64>().prop_map(M::SinceMicros),
        any::<[u8; 8]>().prop_map(M::SpanId),
    ]
}

pub fn tree() -> impl Strategy<Value = Model> {
    leaf().prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(M::Array),
            (0u8..9, inner.clone()).prop_map(|(kind, inner)| M::Pii(kind, Box::new(inner))),
            vec((".{0,8}", inner), 0..6).prop_map(M::Map),
        ]
    })
}
