//! Lines whose members are collected before they are written: with all keys sorted by their bytes, including those of
//! nested maps, or in the order of a profile that differs from that in which the members arrive.
//!
//! The positions of all fields are collected. Of fields with the same key, only the event's last one is written, or the
//! last bound one if the event has none, or the last ambient one if none is bound, or the id of the correlation, or the
//! last static one. Slower than lines that are written as they arrive; nothing is allocated in steady state.
mod items;
mod place;

pub(super) use self::items::Item;
use self::items::Kind;
use super::json::JsonLayout;
use super::json::error_members;
use super::line_keys::LineKey;
use super::profile::Missing;
use super::scope::Id;
use super::{Event, Order, RenderContext, as_entries};
use crate::encode::Out;
use ringseal_base::value::{ReadError, ValueRef};

#[inline(never)]
pub(super) fn line(
    layout: &mut JsonLayout,
    event: &Event<'_>,
    line: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let mut entries = std::mem::take(&mut layout.entries);
    let result = match as_entries(event, &mut entries) {
        Ok(event_of_entries) => write_line(layout, &event_of_entries.unwrap_or(*event), line),
        Err(error) => Err(error),
    };
    layout.entries = entries;
    result
}

fn write_line(
    layout: &mut JsonLayout,
    event: &Event<'_>,
    line: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let mut items = std::mem::take(&mut layout.items);
    items.clear();
    let static_fields = std::mem::take(&mut layout.static_fields.entries);
    let fields = Fields { event, static_fields: &static_fields, has_error: false };
    let result = items::collect(layout, fields, &mut items).and_then(|fields| {
        place::arrange(layout, fields, &mut items)?;
        write(layout, fields, &items, line)
    });
    layout.static_fields.entries = static_fields;
    layout.items = items;
    result
}

/// An event, and the fields that every line has.
#[derive(Debug, Clone, Copy)]
struct Fields<'a, 'e> {
    event: &'e Event<'a>,
    static_fields: &'a [u8],
    /// Whether one of them is `error`.
    has_error: bool,
}

fn write(
    layout: &mut JsonLayout,
    fields: Fields<'_, '_>,
    items: &[Item],
    line: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let mut out = Out::new(line);
    let mut separator = b'{';
    let mut is_inside = false;
    for item in items {
        let (context, value) = items::value(layout.clock, fields, item)?;
        if item.is_field() && layout.omits(value) || is_absent_part(layout, item, value) {
            continue;
        }
        if std::mem::replace(&mut is_inside, item.is_nested) != item.is_nested {
            let key = layout.options.profile.nested.unwrap_or_default();
            separator = enter_or_leave(&mut out, item.is_nested, separator, key);
        }
        out.byte(std::mem::replace(&mut separator, b','));
        out.byte(b'"');
        let (prefix, key) = place::shown_key(layout, fields, item);
        out.raw(prefix);
        out.string_part(key);
        out.literal(b"\":");
        match item.kind {
            Kind::Layout(key) => write_member(layout, fields.event, key, &mut out),
            Kind::Id(id) => write_id(fields.event, id, &mut out),
            Kind::Missing { index } => write_missing(layout, fields.event, index, &mut out),
            Kind::Error { member, .. } => {
                let ValueRef::Error(parts) = value else { continue };
                let part = layout.options.profile.errors[usize::from(member)].part;
                error_members::write(&mut out, context, part, parts)?;
            }
            _ => {
                let order = if layout.options.sort_keys { Order::ByKey } else { Order::Logged };
                let context = RenderContext { order, ..context.under(items::key(fields, item)) };
                super::json_value::value(&mut out, &mut layout.scratch, context, value)?;
            }
        }
    }
    out.raw(if is_inside { b"}}\n" } else { b"}\n" });
    Ok(())
}

/// Whether a member of the error is one that this error does not have.
fn is_absent_part(layout: &JsonLayout, item: &Item, value: ValueRef<'_>) -> bool {
    let (Kind::Error { member, .. }, ValueRef::Error(parts)) = (item.kind, value) else {
        return false;
    };
    !error_members::is_present(layout.options.profile.errors[usize::from(member)].part, parts)
}

/// Begins or ends the object of the fields; returns the separator of the next member.
fn enter_or_leave(out: &mut Out<'_>, is_start: bool, separator: u8, key: &str) -> u8 {
    if !is_start {
        out.byte(b'}');
        return b',';
    }
    out.byte(separator);
    out.string(key.as_bytes());
    out.byte(b':');
    b'{'
}

fn write_member(layout: &mut JsonLayout, event: &Event<'_>, key: LineKey, out: &mut Out<'_>) {
    let (target, name) = event.source.names();
    match key {
        LineKey::Timestamp => {
            out.byte(b'"');
            out.timestamp(&mut layout.time, event.unix_nanos, layout.options.subsecond);
            out.byte(b'"');
        }
        LineKey::Level => out.string(layout.options.level_name(event.level)),
        LineKey::Target => out.string_lossy(target),
        LineKey::Event => out.string_lossy(name),
        LineKey::RunId => out.string(layout.options.run_id.as_bytes()),
        LineKey::SchemaVersion => out.u64(u64::from(layout.options.schema_version)),
        LineKey::SampleRate => out.f64(event.sample_rate.unwrap_or(1.0)),
        LineKey::TraceId | LineKey::SpanId | LineKey::Error | LineKey::Stack => out.null(),
    }
}

fn write_id(event: &Event<'_>, id: Id, out: &mut Out<'_>) {
    out.byte(b'"');
    event.scope.inspect(|scope| scope.write_id(id, out));
    out.byte(b'"');
}

fn write_missing(layout: &JsonLayout, event: &Event<'_>, index: u8, out: &mut Out<'_>) {
    let has_trace = event.scope.is_some_and(|scope| scope.has_id(Id::Trace));
    match place::missing(layout, index) {
        Some((_, Missing::Unknown)) => out.string(b"unknown"),
        Some((_, Missing::TraceId)) if has_trace => write_id(event, Id::Trace, out),
        _ => out.null(),
    }
}
