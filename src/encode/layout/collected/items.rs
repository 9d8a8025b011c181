//! The positions of a line's fields, and their values.
use super::Fields;
use crate::encode::layout::dedup::entry_at;
use crate::encode::layout::json::JsonLayout;
use crate::encode::layout::json::names::ERROR;
use crate::encode::layout::line_keys::LineKey;
use crate::encode::layout::scope::Id;
use crate::encode::layout::{Event, RenderContext, Source, TickClock};
use ringseal_base::value::{Entries, ReadError, ValueRef};

/// A member of the line.
#[derive(Debug, Clone, Copy)]
pub(in crate::encode::layout) struct Item {
    pub(super) kind: Kind,
    /// Its place among the members if they are not sorted.
    pub(super) place: u32,
    /// Whether it is written inside the object of the fields.
    pub(super) is_nested: bool,
}

/// The position of a member's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A member that the layout adds.
    Layout(LineKey),
    /// What is written in place of the field with this index in the profile.
    Missing { index: u8 },
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
    /// A member that the error at this position becomes.
    Error { member: u8, source: FieldSource, offset: u32 },
}

/// Where a field is.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldSource {
    Site,
    Dynamic,
    Bound,
    Ambient,
    Static,
}

impl Item {
    /// Whether it is a field that is left out if its value is.
    pub(super) fn is_field(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Layout(_) | Kind::Missing { .. } | Kind::Id(_) | Kind::Error { .. }
        )
    }
}

/// Collects the fields in the order in which they arrive, those that are overridden included.
pub(super) fn collect<'a, 'e>(
    layout: &JsonLayout,
    fields: Fields<'a, 'e>,
    items: &mut Vec<Item>,
) -> Result<Fields<'a, 'e>, ReadError> {
    let Fields { event, static_fields, .. } = fields;
    let mut add = |kind| {
        let place = items.len() as u32;
        items.push(Item { kind, place, is_nested: layout.options.profile.nested.is_some() });
    };
    each_offset(static_fields, &mut |offset| add(Kind::Static { offset }))?;
    let payload = event.payload;
    let mut has_error = false;
    match event.source {
        Source::Site(callsite) => {
            let keys = callsite.metadata().keys;
            has_error = keys.iter().any(|key| key.as_bytes() == ERROR);
            let mut rest = payload;
            for index in 0..keys.len() {
                let offset = (payload.len() - rest.len()) as u32;
                if ValueRef::read(&mut rest)? != ValueRef::Absent {
                    add(Kind::Site { key: index as u32, offset });
                }
            }
            if event.has_stack {
                add(Kind::Stack { offset: (payload.len() - rest.len()) as u32 });
            }
        }
        Source::Dynamic { .. } => {
            each_offset(payload, &mut |offset| add(Kind::Dynamic { offset }))?;
        }
    }
    if let Some(scope) = event.scope {
        each_offset(bound(event), &mut |offset| add(Kind::Bound { offset }))?;
        each_offset(ambient(event), &mut |offset| add(Kind::Ambient { offset }))?;
        Id::ALL.into_iter().filter(|id| scope.has_id(*id)).for_each(|id| add(Kind::Id(id)));
    }
    let has_error = has_error || items.iter().any(|item| key(fields, item) == ERROR);
    Ok(Fields { has_error, ..fields })
}

fn each_offset(entries: &[u8], add: &mut dyn FnMut(u32)) -> Result<(), ReadError> {
    let mut rest = Entries(entries);
    let mut offset = 0;
    while let Some(entry) = rest.next() {
        let (_, value) = entry?;
        if value != ValueRef::Absent {
            add(offset);
        }
        offset = (entries.len() - rest.0.len()) as u32;
    }
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

/// The key of a field as it was logged; empty for the layout's own members.
pub(super) fn key<'a>(fields: Fields<'a, '_>, item: &Item) -> &'a [u8] {
    let event = fields.event;
    let entry_key = |entries, offset| entry_at(Entries(entries), offset).map_or(&b""[..], |e| e.0);
    match (item.kind, event.source) {
        (Kind::Site { key, .. }, Source::Site(callsite)) => {
            callsite.metadata().keys.get(key as usize).map_or(&b""[..], |key| key.as_bytes())
        }
        (Kind::Dynamic { offset }, _) => entry_key(event.payload, offset),
        (Kind::Bound { offset }, _) => entry_key(bound(event), offset),
        (Kind::Ambient { offset }, _) => entry_key(ambient(event), offset),
        (Kind::Id(id), _) => id.key(),
        (Kind::Static { offset }, _) => entry_key(fields.static_fields, offset),
        _ => b"",
    }
}

/// The value of a member, and what its rendering depends on.
pub(super) fn value<'a>(
    clock: TickClock,
    fields: Fields<'a, '_>,
    item: &Item,
) -> Result<(RenderContext<'a>, ValueRef<'a>), ReadError> {
    let Fields { event, static_fields, .. } = fields;
    let context = RenderContext::of(event, clock);
    let in_payload = |offset: u32| {
        let mut rest = event.payload.get(offset as usize..).unwrap_or_default();
        Ok((context, ValueRef::read(&mut rest)?))
    };
    let entry =
        |context, entries: &'a [u8], offset| Ok((context, entry_at(Entries(entries), offset)?.1));
    let (source, offset) = match item.kind {
        Kind::Site { offset, .. } | Kind::Stack { offset } => (FieldSource::Site, offset),
        Kind::Dynamic { offset } => (FieldSource::Dynamic, offset),
        Kind::Bound { offset } => (FieldSource::Bound, offset),
        Kind::Ambient { offset } => (FieldSource::Ambient, offset),
        Kind::Static { offset } => (FieldSource::Static, offset),
        Kind::Error { source, offset, .. } => (source, offset),
        Kind::Layout(_) | Kind::Missing { .. } | Kind::Id(_) => {
            return Ok((context, ValueRef::Null));
        }
    };
    match source {
        FieldSource::Site => in_payload(offset),
        FieldSource::Dynamic => entry(context, event.payload, offset),
        FieldSource::Bound => entry(RenderContext::BOUND, bound(event), offset),
        FieldSource::Ambient => entry(RenderContext::BOUND, ambient(event), offset),
        FieldSource::Static => entry(RenderContext::BOUND, static_fields, offset),
    }
}

/// The source and the offset of a field that can be an error.
pub(super) fn error_source(kind: Kind) -> Option<(FieldSource, u32)> {
    Some(match kind {
        Kind::Site { offset, .. } => (FieldSource::Site, offset),
        Kind::Dynamic { offset } => (FieldSource::Dynamic, offset),
        Kind::Bound { offset } => (FieldSource::Bound, offset),
        Kind::Ambient { offset } => (FieldSource::Ambient, offset),
        Kind::Static { offset } => (FieldSource::Static, offset),
        _ => return None,
    })
}
