//! Values of a record as JSON.
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::RenderContext;
use super::dedup::Scratch;
use super::stack_hash::stack_hash;
use crate::encode::{Fragment, Out, Subsecond};
use ringseal_base::value::{Entries, Number, ReadError, SECRET_MASK, ValueRef, Values, tag};

/// If the first value of `payload` is of one of the four most common kinds and short, removes it and writes it, with
/// its key, straight from its bytes. Returns whether it did; [`next`] writes all other values.
///
/// Calls no function, see [`Out::try_key`].
#[inline(always)]
pub(super) fn next_plain(out: &mut Out<'_>, key: &Fragment, payload: &mut &[u8]) -> bool {
    let Some([tag, word @ ..]) = payload.first_chunk::<9>() else { return false };
    let word = u64::from_le_bytes(*word);
    let Some(slot) = out.try_key(key) else { return false };
    let (is_written, rest) = match *tag {
        tag::U64 => (slot.try_u64(word), &payload[9..]),
        tag::I64 => (slot.try_i64(word as i64), &payload[9..]),
        tag::F64 => (slot.try_f64(f64::from_bits(word)), &payload[9..]),
        tag::STR => {
            let (len, from) = (word as u32 as usize, &payload[5..]);
            match from.get(len..) {
                Some(rest) => (slot.try_string_of(from, len), rest),
                None => (false, *payload),
            }
        }
        _ => (false, *payload),
    };
    if is_written {
        *payload = rest;
    } else {
        out.take_back(key);
    }
    is_written
}

/// Removes the first value of `payload`, of any kind, and writes it.
#[inline]
pub(super) fn next(
    out: &mut Out<'_>,
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    payload: &mut &[u8],
) -> Result<(), ReadError> {
    let next = ValueRef::read(payload)?;
    value(out, scratch, context, next)
}

/// Writes one value. The producer's limit bounds the depth of the recursion, and [`DEPTH_MAX`] that of foreign records.
#[inline]
pub(super) fn value(
    out: &mut Out<'_>,
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    value: ValueRef<'_>,
) -> Result<(), ReadError> {
    match value {
        ValueRef::I64(number) => out.i64(number),
        ValueRef::U64(number) => out.u64(number),
        ValueRef::F64(number) => out.f64(number),
        ValueRef::Str(text) => out.string_lossy(text),
        ValueRef::Null => out.null(),
        ValueRef::Bool(truth) => out.bool(truth),
        other => return write_rare(out, scratch, context, other, 0),
    }
    Ok(())
}

/// The depth that common readers accept: `serde_json` stops at 128, including the line's own object.
const DEPTH_MAX: u32 = 126;

#[inline(never)]
fn write_rare(
    out: &mut Out<'_>,
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    value: ValueRef<'_>,
    depth: u32,
) -> Result<(), ReadError> {
    match value {
        ValueRef::Array(values) => return array(out, scratch, context, values, depth),
        ValueRef::Map(entries) => return map(out, scratch, context, entries, depth),
        ValueRef::Error(parts) => return error(out, context, parts),
        ValueRef::Pii(_, mut values) => match values.next() {
            Some(inner) if depth < DEPTH_MAX => {
                return write_rare(out, scratch, context, inner?, depth + 1);
            }
            _ => out.null(),
        },
        other => leaf(out, context, other),
    }
    Ok(())
}

fn leaf(out: &mut Out<'_>, context: RenderContext<'_>, value: ValueRef<'_>) {
    match value {
        ValueRef::I64(number) => out.i64(number),
        ValueRef::U64(number) => out.u64(number),
        ValueRef::I128(number) => out.i128(number),
        ValueRef::U128(number) => out.u128(number),
        ValueRef::F64(number) => out.f64(number),
        ValueRef::F32(number) => out.f32(number),
        ValueRef::Bool(truth) => out.bool(truth),
        ValueRef::Null | ValueRef::Absent => out.null(),
        ValueRef::Char(number) => out.char(char::from_u32(number).unwrap_or('\u{FFFD}')),
        ValueRef::Str(text) | ValueRef::Bytes(text) => out.string_lossy(text),
        ValueRef::StrCut(kept, whole) | ValueRef::BytesCut(kept, whole) => cut(out, kept, whole),
        ValueRef::Number(text) => number(out, text),
        ValueRef::Duration(seconds, nanos) => out.duration(seconds, nanos, context.unit),
        ValueRef::Since(ticks) => match context.end {
            Some(end) => {
                let (seconds, nanos) = end.since(ticks);
                out.duration(seconds, nanos, context.unit);
            }
            None => out.null(),
        },
        ValueRef::SinceMicros(ticks) => match context.end {
            Some(end) => {
                let (seconds, nanos) = end.micros_since(ticks);
                out.duration(seconds, nanos, context.unit);
            }
            None => out.null(),
        },
        ValueRef::Deep => out.string("…".as_bytes()),
        ValueRef::Secret => out.string(SECRET_MASK.as_bytes()),
        other => quoted(out, |out| unquoted(out, other)),
    }
}

/// A number as the program wrote it. Bytes from a ring that survived a crash may not be a number: they become a string.
fn number(out: &mut Out<'_>, text: &[u8]) {
    match std::str::from_utf8(text) {
        Ok(number) if Number(number).is_json() => out.raw(text),
        _ => out.string_lossy(text),
    }
}

fn quoted(out: &mut Out<'_>, write: impl FnOnce(&mut Out<'_>)) {
    out.byte(b'"');
    write(out);
    out.byte(b'"');
}

/// Values that are strings in JSON, without the quotes.
pub(super) fn unquoted(out: &mut Out<'_>, value: ValueRef<'_>) {
    match value {
        ValueRef::Time(seconds, nanos) => out.system_time(seconds, nanos, Subsecond::Nanos),
        ValueRef::Ipv4(octets) => out.ipv4(Ipv4Addr::from(octets)),
        ValueRef::Ipv6(octets) => out.ipv6(Ipv6Addr::from(octets)),
        ValueRef::SocketV4(octets, port) => out.socket_addr(&SocketAddr::from((octets, port))),
        ValueRef::SocketV6(octets, port) => out.socket_addr(&SocketAddr::from((octets, port))),
        ValueRef::Uuid(bytes) => out.uuid(&bytes),
        ValueRef::SpanId(bytes) => out.hex(&bytes),
        _ => {}
    }
}

/// The kept part of a value and a note on the missing part, in one string.
fn cut(out: &mut Out<'_>, kept: &[u8], whole: u32) {
    quoted(out, |out| {
        out.string_part(kept);
        cut_note(out, kept.len(), whole);
    });
}

/// `…[truncated, 17 of 5000 bytes]`.
pub(super) fn cut_note(out: &mut Out<'_>, kept: usize, whole: u32) {
    out.raw("…[truncated, ".as_bytes());
    out.u64(kept as u64);
    if whole == 0 {
        out.raw(b" bytes kept]");
    } else {
        out.raw(b" of ");
        out.u64(u64::from(whole));
        out.raw(b" bytes]");
    }
}

fn array(
    out: &mut Out<'_>,
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    values: Values<'_>,
    depth: u32,
) -> Result<(), ReadError> {
    if depth >= DEPTH_MAX {
        leaf(out, context, ValueRef::Deep);
        return Ok(());
    }
    out.byte(b'[');
    for (index, element) in values.enumerate() {
        if index > 0 {
            out.byte(b',');
        }
        write_rare(out, scratch, context, element?, depth + 1)?;
    }
    out.byte(b']');
    Ok(())
}

fn map(
    out: &mut Out<'_>,
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    entries: Entries<'_>,
    depth: u32,
) -> Result<(), ReadError> {
    if depth >= DEPTH_MAX {
        leaf(out, context, ValueRef::Deep);
        return Ok(());
    }
    out.byte(b'{');
    let mut first = true;
    scratch.for_each_last(context.order, entries, |scratch, key, value| {
        if value == ValueRef::Absent {
            return Ok(());
        }
        if !std::mem::take(&mut first) {
            out.byte(b',');
        }
        out.string_lossy(key);
        out.byte(b':');
        write_rare(out, scratch, context.under(key), value, depth + 1)
    })?;
    out.byte(b'}');
    Ok(())
}

/// `{"type":…,"message":…,"chain":[…],"chain_types":[…],"stack_trace":…,"stack_hash":…}`.
///
/// The members from `chain` to `stack_trace` are left out without causes, known types of causes, and a stack trace.
fn error(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    parts: Values<'_>,
) -> Result<(), ReadError> {
    let mut rest = parts;
    let mut part = |out: &mut Out<'_>| match rest.next() {
        Some(part) => part.map(|part| leaf(out, context, part)).map(|()| true),
        None => Ok(false),
    };
    for start in [&b"{\"type\":"[..], b",\"message\":"] {
        out.raw(start);
        // A foreign record may have neither.
        if !part(out)? {
            out.null();
        }
    }
    let causes = rest;
    let is_typed = |part: Result<ValueRef<'_>, _>| matches!(part, Ok(ValueRef::Error(_)));
    chain(out, context, b",\"chain\":[", causes, 1)?;
    if { causes }.any(is_typed) {
        chain(out, context, b",\"chain_types\":[", causes, 0)?;
    }
    for part in causes {
        if let ValueRef::Map(mut entries) = part?
            && let Some(Ok((_, trace))) = entries.next()
        {
            out.raw(b",\"stack_trace\":");
            leaf(out, context, trace);
        }
    }
    out.raw(b",\"stack_hash\":\"");
    out.raw(&stack_hash(context.target, context.event, parts));
    out.raw(b"\"}");
    Ok(())
}

/// An array with a part of each cause: 0 for its type, 1 for its message. Nothing without causes.
fn chain(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    start: &[u8],
    causes: Values<'_>,
    index: usize,
) -> Result<(), ReadError> {
    let mut before = start;
    for cause in causes {
        let part = match cause? {
            ValueRef::Map(_) => continue,
            ValueRef::Error(mut parts) => parts.nth(index).unwrap_or(Ok(ValueRef::Null))?,
            _ if index == 0 => ValueRef::Str(b"dyn Error"),
            message => message,
        };
        out.raw(before);
        leaf(out, context, part);
        before = b",";
    }
    if before == b"," {
        out.byte(b']');
    }
    Ok(())
}
