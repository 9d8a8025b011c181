//! Chooses one of the fields with the same key, and gives each member its place.
use std::cmp::Ordering;

use super::Fields;
use super::items::{Item, Kind, error_source, key, value};
use crate::encode::layout::Source;
use crate::encode::layout::json::JsonLayout;
use crate::encode::layout::json::names::ERROR;
use crate::encode::layout::line_keys::LineKey;
use crate::encode::layout::profile::{Member, Missing};
use ringseal_base::value::{ReadError, ValueRef};

/// The first places of the members before the fields, of the fields, and of the members after them.
const HEAD: u32 = 0;
const FIELDS: u32 = 1 << 8;
const TAIL: u32 = u32::MAX - (1 << 8);
/// Places of the members that an error becomes and that follow all fields, and of the rate of sampling.
const ERRORS: u32 = u32::MAX - (1 << 7);
const SAMPLE_RATE: u32 = u32::MAX;

/// Removes overridden fields, adds the layout's own members, and puts all into the order of the line.
pub(super) fn arrange(
    layout: &JsonLayout,
    fields: Fields<'_, '_>,
    items: &mut Vec<Item>,
) -> Result<(), ReadError> {
    // The keys of a call site differ.
    let is_unique = matches!(fields.event.source, Source::Site(_))
        && fields.event.scope.is_none()
        && fields.static_fields.is_empty();
    if !is_unique {
        items.sort_unstable_by(|one, other| {
            key(fields, one).cmp(key(fields, other)).then_with(|| rank(one).cmp(&rank(other)))
        });
        items.dedup_by(|later, first| {
            let is_stack = |item: &Item| matches!(item.kind, Kind::Stack { .. });
            is_stack(later) == is_stack(first) && key(fields, later) == key(fields, first)
        });
    }
    for item in items.iter_mut() {
        item.place = item.place.saturating_add(FIELDS);
        place_field(layout, fields, item);
    }
    if fields.has_error {
        split_error(layout, fields, items)?;
    }
    add_members(layout, fields, items);
    if layout.options.sort_keys {
        items.sort_unstable_by(|one, other| by_key(layout, fields, one, other));
    } else {
        items.sort_unstable_by_key(|item| item.place);
    }
    Ok(())
}

/// Among fields with equal keys, the one to be written is first.
fn rank(item: &Item) -> (u8, u32) {
    match item.kind {
        Kind::Static { offset } => (4, u32::MAX - offset),
        Kind::Id(_) => (3, 0),
        Kind::Ambient { offset } => (2, u32::MAX - offset),
        Kind::Bound { offset } => (1, u32::MAX - offset),
        Kind::Dynamic { offset } => (0, u32::MAX - offset),
        _ => (0, 0),
    }
}

/// Moves a field to the fixed place that its key has in the profile.
fn place_field(layout: &JsonLayout, fields: Fields<'_, '_>, item: &mut Item) {
    let profile = layout.options.profile;
    let is_stack = matches!(item.kind, Kind::Stack { .. });
    let at = |members: &[Member]| {
        members.iter().position(|member| match member {
            Member::Key(LineKey::Stack) => is_stack,
            Member::Key(_) => false,
            Member::Field(field, _) => !is_stack && field.as_bytes() == key(fields, item),
        })
    };
    let place = match (at(profile.head), at(profile.tail)) {
        (Some(at), _) => HEAD + at as u32,
        (None, Some(at)) => TAIL + at as u32,
        (None, None) => return,
    };
    (item.place, item.is_nested) = (place, false);
}

/// Replaces the error by the members that it becomes in the profile.
fn split_error(
    layout: &JsonLayout,
    fields: Fields<'_, '_>,
    items: &mut Vec<Item>,
) -> Result<(), ReadError> {
    let members = layout.options.profile.errors;
    let found = items.iter().position(|item| key(fields, item) == ERROR);
    let Some(at) = found.filter(|_| !members.is_empty()) else { return Ok(()) };
    let item = items[at];
    let (_, value) = value(layout.clock, fields, &item)?;
    let (ValueRef::Error(_), Some((source, offset))) = (value, error_source(item.kind)) else {
        return Ok(());
    };
    items.remove(at);
    // The places of the fields after it make room.
    let moved = members.len() as u32;
    for other in items.iter_mut().filter(|other| (item.place..TAIL).contains(&other.place)) {
        other.place += moved;
    }
    for (index, member) in (0u8..).zip(members) {
        let kind = Kind::Error { member: index, source, offset };
        items.push(match member.is_last {
            true => Item { kind, place: ERRORS + u32::from(index), is_nested: false },
            false => Item { kind, place: item.place + u32::from(index), ..item },
        });
    }
    Ok(())
}

/// Adds the members of the profile that are not fields of the event.
fn add_members(layout: &JsonLayout, fields: Fields<'_, '_>, items: &mut Vec<Item>) {
    let profile = layout.options.profile;
    let (target, name) = fields.event.source.names();
    let has_run = layout.has_run_members(target, name);
    let head = (HEAD..).zip(profile.head).map(|(place, member)| (place, *member));
    let tail = (TAIL..).zip(profile.tail).map(|(place, member)| (place, *member));
    let is_there = |items: &[Item], place| items.iter().any(|item| item.place == place);
    let mut missing = 0;
    for (place, member) in head.chain(tail) {
        let kind = match member {
            Member::Key(LineKey::Stack) => continue,
            Member::Key(LineKey::RunId) if !has_run || layout.options.run_id.is_empty() => continue,
            Member::Key(LineKey::SchemaVersion) if !has_run => continue,
            Member::Key(key) => Kind::Layout(key),
            Member::Field(..) => {
                missing += 1;
                if is_there(items, place) {
                    continue;
                }
                Kind::Missing { index: missing - 1 }
            }
        };
        items.push(Item { kind, place, is_nested: false });
    }
    if fields.event.sample_rate.is_some() {
        let kind = Kind::Layout(LineKey::SampleRate);
        items.push(Item { kind, place: SAMPLE_RATE, is_nested: false });
    }
}

/// The field of the profile with this index among its fields, and what is written without it.
pub(super) fn missing(layout: &JsonLayout, index: u8) -> Option<(&'static str, Missing)> {
    let fields = layout.options.profile.members().filter_map(|member| match member {
        Member::Field(key, missing) => Some((key, missing)),
        Member::Key(_) => None,
    });
    { fields }.nth(usize::from(index))
}

/// The key as written, in two parts: the prefix `field.` if the layout uses the key itself, and the key.
pub(super) fn shown_key<'a>(
    layout: &'a JsonLayout,
    fields: Fields<'a, '_>,
    item: &Item,
) -> (&'static [u8], &'a [u8]) {
    let own = |key| (&b""[..], layout.options.keys.get(key).as_bytes());
    match item.kind {
        Kind::Layout(key) => own(key),
        Kind::Stack { .. } => own(LineKey::Stack),
        Kind::Missing { index } => {
            (b"", missing(layout, index).map_or(&b""[..], |(key, _)| key.as_bytes()))
        }
        Kind::Error { member, .. } => {
            let key = layout.names.errors.get(usize::from(member));
            (b"", key.map_or(&b""[..], |key| key))
        }
        _ => {
            let key = key(fields, item);
            if !item.is_nested && layout.options.profile.nested.is_some() {
                return (b"", key);
            }
            match layout.names.prefix(key, fields.has_error) {
                b"" => (b"", layout.names.shown(key)),
                prefix => (prefix, key),
            }
        }
    }
}

/// Orders by the keys as written; the object of the fields has a key itself.
fn by_key(layout: &JsonLayout, fields: Fields<'_, '_>, one: &Item, other: &Item) -> Ordering {
    let object = layout.options.profile.nested.unwrap_or_default().as_bytes();
    let in_line = |item: &Item| match item.is_nested {
        true => (&b""[..], object),
        false => shown_key(layout, fields, item),
    };
    let inside = |item: &Item| match item.is_nested {
        true => shown_key(layout, fields, item),
        false => (&b""[..], &b""[..]),
    };
    let bytes = |(prefix, key): (&'static [u8], _)| prefix.iter().chain::<&[u8]>(key);
    bytes(in_line(one))
        .cmp(bytes(in_line(other)))
        .then_with(|| bytes(inside(one)).cmp(bytes(inside(other))))
}
