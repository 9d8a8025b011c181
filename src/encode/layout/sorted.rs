//! Lines with all keys sorted by their bytes, including those of nested maps. For comparing lines, not for speed.
//!
//! The positions of all fields are collected and sorted. Of fields with the same key, only the event's last one is
//! written, or the last bound one if the event has none, or the last ambient one if none is bound, or the id of the
//! correlation, or the last static one.
use std::cmp::Ordering;

use super::dedup::entry_at;
use super::json::JsonLayout;
use super::scope::Id;
use super::{Event, Order, RenderContext, Source, TickClock, json_value};
use crate::encode::Out;
use ringseal_base::value::{Entries, ReadError, ValueRef};

/// The position of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    /// A member that the layout adds.
    Layout(LayoutKey),
    /// The value of the call site's key with this index, at this offset of the payload.
    Site { key: u32, offset: u32 },
    /// A stack trace at this offset of the payload.
    Stack { offset: u32 },
    /// An entry of the payload.
    Dynamic { offset: u32 },
    /// An entry of the bound fields.
    Bound { offset: u32 },
    /// An entry of the ambient fields.
    Ambient { offset: u32 },
    /// An id of the correlation.
    Id(Id),
    /// An entry of the static fields.
    Static { offset: u32 },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum LayoutKey {
    Timestamp,
    Level,
    Target,
    Event,
    RunId,
    SchemaVersion,
    SampleRate,
}

#[inline(never)]
pub(super) fn line(
    layout: &mut JsonLayout,
    event: &Event<'_>,
    line: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let mut items = std::mem::take(&mut layout.items);
    items.clear();
    let static_fields = std::mem::take(&mut layout.static_fields.entries);
    let fields = Fields { event, static_fields: &static_fields };
    let result = collect(layout, fields, &mut items).and_then(|()| {
        items.sort_unstable_by(|one, other| compare(layout, fields, one, other));
        items.dedup_by(|later, first| key(layout, fields, later) == key(layout, fields, first));
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
}

fn collect(
    layout: &JsonLayout,
    Fields { event, static_fields }: Fields<'_, '_>,
    items: &mut Vec<Item>,
) -> Result<(), ReadError> {
    let keys = [LayoutKey::Timestamp, LayoutKey::Level, LayoutKey::Target, LayoutKey::Event];
    items.extend(keys.map(Item::Layout));
    let (target, name) = event.source.names();
    if layout.has_run_members(target, name) {
        items.push(Item::Layout(LayoutKey::SchemaVersion));
        if !layout.options.run_id.is_empty() {
            items.push(Item::Layout(LayoutKey::RunId));
        }
    }
    if event.sample_rate.is_some() {
        items.push(Item::Layout(LayoutKey::SampleRate));
    }
    let payload = event.payload;
    match event.source {
        Source::Site(callsite) => {
            let mut rest = payload;
            for index in 0..callsite.metadata().keys.len() {
                let offset = (payload.len() - rest.len()) as u32;
                if ValueRef::read(&mut rest)? != ValueRef::Absent {
                    items.push(Item::Site { key: index as u32, offset });
                }
            }
            if event.has_stack {
                items.push(Item::Stack { offset: (payload.len() - rest.len()) as u32 });
            }
        }
        Source::Dynamic { .. } => each_offset(payload, |offset| Item::Dynamic { offset }, items)?,
    }
    if let Some(scope) = event.scope {
        each_offset(bound(event), |offset| Item::Bound { offset }, items)?;
        each_offset(ambient(event), |offset| Item::Ambient { offset }, items)?;
        items.extend(Id::ALL.into_iter().filter(|id| scope.has_id(*id)).map(Item::Id));
    }
    each_offset(static_fields, |offset| Item::Static { offset }, items)?;
    Ok(())
}

/// The entries of the bound fields.
fn bound<'a>(event: &Event<'a>) -> &'a [u8] {
    event.scope.and_then(|scope| scope.bound).map_or(&b""[..], |bound| bound.entries)
}

/// The entries of the ambient fields.
fn ambient<'a>(event: &Event<'a>) -> &'a [u8] {
    event.scope.and_then(|scope| scope.ambient).map_or(&b""[..], |ambient| ambient.entries)
}

fn each_offset(
    entries: &[u8],
    item: impl Fn(u32) -> Item,
    items: &mut Vec<Item>,
) -> Result<(), ReadError> {
    let mut rest = Entries(entries);
    let mut offset = 0;
    while let Some(entry) = rest.next() {
        let (_, value) = entry?;
        if value != ValueRef::Absent {
            items.push(item(offset));
        }
        offset = (entries.len() - rest.0.len()) as u32;
    }
    Ok(())
}

/// The key as written, in two parts: the prefix `field.` if the layout uses the key itself, and the key.
fn key<'a>(
    layout: &'a JsonLayout,
    fields: Fields<'a, '_>,
    item: &Item,
) -> (&'static [u8], &'a [u8]) {
    let key: &[u8] = match *item {
        Item::Layout(LayoutKey::Timestamp) => b"timestamp",
        Item::Layout(LayoutKey::Level) => b"level",
        Item::Layout(LayoutKey::Target) => b"target",
        Item::Layout(LayoutKey::Event) => layout.options.event_key.as_bytes(),
        Item::Layout(LayoutKey::RunId) => b"run_id",
        Item::Layout(LayoutKey::SchemaVersion) => b"schema_version",
        Item::Layout(LayoutKey::SampleRate) => b"sample_rate",
        Item::Stack { .. } => b"stack",
        _ => return user_key(layout, fields, item),
    };
    (b"", key)
}

fn user_key<'a>(
    layout: &'a JsonLayout,
    fields: Fields<'a, '_>,
    item: &Item,
) -> (&'static [u8], &'a [u8]) {
    let event = fields.event;
    let entry_key = |entries, offset| entry_at(Entries(entries), offset).map_or(&b""[..], |e| e.0);
    let key = match (*item, event.source) {
        (Item::Site { key, .. }, Source::Site(callsite)) => {
            callsite.metadata().keys.get(key as usize).map_or(&b""[..], |key| key.as_bytes())
        }
        (Item::Dynamic { offset }, _) => entry_key(event.payload, offset),
        (Item::Bound { offset }, _) => entry_key(bound(event), offset),
        (Item::Ambient { offset }, _) => entry_key(ambient(event), offset),
        (Item::Id(id), _) => id.key(),
        (Item::Static { offset }, _) => entry_key(fields.static_fields, offset),
        _ => b"",
    };
    (layout.prefix(key), key)
}

/// Orders by key. Among fields with equal keys, the one to be written is first.
fn compare(layout: &JsonLayout, fields: Fields<'_, '_>, one: &Item, other: &Item) -> Ordering {
    let bytes = |item| {
        let (prefix, key) = key(layout, fields, item);
        prefix.iter().chain(key)
    };
    let rank = |item: &Item| match *item {
        Item::Static { offset } => (4, u32::MAX - offset),
        Item::Id(_) => (3, 0),
        Item::Ambient { offset } => (2, u32::MAX - offset),
        Item::Bound { offset } => (1, u32::MAX - offset),
        Item::Dynamic { offset } => (0, u32::MAX - offset),
        _ => (0, 0),
    };
    bytes(one).cmp(bytes(other)).then_with(|| rank(one).cmp(&rank(other)))
}

fn write(
    layout: &mut JsonLayout,
    fields: Fields<'_, '_>,
    items: &[Item],
    line: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let mut out = Out::new(line);
    let mut separator = b'{';
    for item in items {
        let (context, value) = value(layout.clock, fields, item)?;
        let is_own = matches!(item, Item::Layout(_) | Item::Id(_));
        if !is_own && layout.options.omit_none && value == ValueRef::Null {
            continue;
        }
        out.byte(std::mem::replace(&mut separator, b','));
        out.byte(b'"');
        let (prefix, key) = key(layout, fields, item);
        out.raw(prefix);
        out.string_part(key);
        out.literal(b"\":");
        match *item {
            Item::Layout(key) => write_layout_key(layout, fields.event, key, &mut out),
            Item::Id(id) => {
                out.byte(b'"');
                fields.event.scope.inspect(|scope| scope.write_id(id, &mut out));
                out.byte(b'"');
            }
            _ => {
                let context = RenderContext { order: Order::ByKey, ..context.under(key) };
                json_value::value(&mut out, &mut layout.scratch, context, value)?;
            }
        }
    }
    out.literal(b"}\n");
    Ok(())
}

fn write_layout_key(layout: &mut JsonLayout, event: &Event<'_>, key: LayoutKey, out: &mut Out<'_>) {
    let (target, name) = event.source.names();
    match key {
        LayoutKey::Timestamp => {
            out.byte(b'"');
            out.timestamp(&mut layout.time, event.unix_nanos, layout.options.subsecond);
            out.byte(b'"');
        }
        LayoutKey::Level => out.string(layout.level_name(event.level)),
        LayoutKey::Target => out.string_lossy(target),
        LayoutKey::Event => out.string_lossy(name),
        LayoutKey::RunId => out.string(layout.options.run_id.as_bytes()),
        LayoutKey::SchemaVersion => out.u64(u64::from(layout.options.schema_version)),
        LayoutKey::SampleRate => out.f64(event.sample_rate.unwrap_or(1.0)),
    }
}

fn value<'a>(
    clock: TickClock,
    Fields { event, static_fields }: Fields<'a, '_>,
    item: &Item,
) -> Result<(RenderContext<'a>, ValueRef<'a>), ReadError> {
    let context = RenderContext::of(event, clock);
    match *item {
        Item::Site { offset, .. } | Item::Stack { offset } => {
            let mut rest = event.payload.get(offset as usize..).unwrap_or_default();
            Ok((context, ValueRef::read(&mut rest)?))
        }
        Item::Dynamic { offset } => Ok((context, entry_at(Entries(event.payload), offset)?.1)),
        Item::Bound { offset } => {
            Ok((RenderContext::BOUND, entry_at(Entries(bound(event)), offset)?.1))
        }
        Item::Static { offset } => {
            Ok((RenderContext::BOUND, entry_at(Entries(static_fields), offset)?.1))
        }
        Item::Ambient { offset } => {
            Ok((RenderContext::BOUND, entry_at(Entries(ambient(event)), offset)?.1))
        }
        Item::Layout(_) | Item::Id(_) => Ok((context, ValueRef::Null)),
    }
}
