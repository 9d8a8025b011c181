//! Lines with all keys sorted by their bytes: for people who compare lines, not for speed.
//!
//! The least key that is greater than the last one is looked for again and again; a key that stands twice is thus
//! written once, and the first source that has it wins: the layout, then the event, then the bound fields.
use super::dedup::Scratch;
use super::flat::Flat;
use super::{Event, Place, Source, tree};
use crate::core::value::{Entries, ReadError, ValueRef};
use crate::encode::{Out, TimeCache};

/// What stands under a key.
#[derive(Clone, Copy)]
enum Item<'a> {
    Timestamp,
    Level,
    Text(&'a [u8]),
    Number(u64),
    Value(ValueRef<'a>),
}

pub(super) fn line(
    flat: &mut Flat,
    event: &Event<'_>,
    line: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let place = Place::of(&event.source);
    let mut scratch = std::mem::take(&mut flat.scratch);
    let mut time = std::mem::take(&mut flat.time);
    let layout = &*flat;
    let mut out = Out::new(line);
    let mut last: Option<(bool, &[u8])> = None;
    out.byte(b'{');
    let result = loop {
        match next(layout, event, place, last) {
            Err(error) => break Err(error),
            Ok(None) => break Ok(()),
            Ok(Some((is_own, key, item))) => {
                if last.is_some() {
                    out.byte(b',');
                }
                last = Some((is_own, key));
                if let Err(error) =
                    write(layout, &mut time, &mut out, &mut scratch, event, is_own, key, item)
                {
                    break Err(error);
                }
            }
        }
    };
    out.literal(b"}\n");
    drop(out);
    flat.scratch = scratch;
    flat.time = time;
    result
}

#[allow(clippy::too_many_arguments)]
fn write(
    flat: &Flat,
    time: &mut TimeCache,
    out: &mut Out<'_>,
    scratch: &mut Scratch,
    event: &Event<'_>,
    is_own: bool,
    key: &[u8],
    item: Item<'_>,
) -> Result<(), ReadError> {
    out.byte(b'"');
    if is_own {
        out.string_part(key);
    } else {
        flat.write_key(out, key);
    }
    out.literal(b"\":");
    match item {
        Item::Timestamp => {
            out.byte(b'"');
            let subsecond = flat.options.subsecond;
            out.timestamp(time, event.unix_nanos, subsecond);
            out.byte(b'"');
        }
        Item::Level => out.string(flat.level_name(event.level)),
        Item::Text(text) => out.string_lossy(text),
        Item::Number(number) => out.u64(number),
        Item::Value(value) => {
            tree::value(out, scratch, Place::of(&event.source).under(key), value)?;
        }
    }
    Ok(())
}

/// The key under which a user's key is sorted: with `field.` in front where the layout has the key itself.
fn rank<'a>(flat: &Flat, is_own: bool, key: &'a [u8]) -> (&'static [u8], &'a [u8]) {
    if !is_own && flat.is_own_key(key) { (b"field.", key) } else { (b"", key) }
}

fn is_before(one: (&[u8], &[u8]), other: (&[u8], &[u8])) -> bool {
    one.0.iter().chain(one.1).lt(other.0.iter().chain(other.1))
}

type Found<'a> = Option<(bool, &'a [u8], Item<'a>)>;

/// The least key after `last`.
fn next<'a>(
    flat: &'a Flat,
    event: &Event<'a>,
    place: Place<'a>,
    last: Option<(bool, &[u8])>,
) -> Result<Found<'a>, ReadError> {
    let mut best: Found<'a> = None;
    let mut offer = |is_own: bool, key: &'a [u8], item: Item<'a>| {
        let here = rank(flat, is_own, key);
        let after_last = last.is_none_or(|(own, last)| is_before(rank(flat, own, last), here));
        let before_best = best.is_none_or(|(own, best, _)| is_before(here, rank(flat, own, best)));
        if after_last && before_best {
            best = Some((is_own, key, item));
        }
    };
    offer(true, b"timestamp", Item::Timestamp);
    offer(true, b"level", Item::Level);
    offer(true, b"target", Item::Text(place.target));
    offer(true, flat.options.event_key.as_bytes(), Item::Text(place.event));
    offer(true, b"schema_version", Item::Number(u64::from(flat.options.schema_version)));
    if !flat.options.run_id.is_empty() {
        offer(true, b"run_id", Item::Text(flat.options.run_id.as_bytes()));
    }
    own_fields(event, &mut |key, value| offer(false, key, Item::Value(value)))?;
    if let Some(bound) = event.context {
        for entry in Entries(bound.entries) {
            let (key, value) = entry?;
            offer(false, key, Item::Value(value));
        }
    }
    Ok(best)
}

/// The event's own fields. Of a key that stands twice the last one comes first, so that it wins.
fn own_fields<'a>(
    event: &Event<'a>,
    visit: &mut dyn FnMut(&'a [u8], ValueRef<'a>),
) -> Result<(), ReadError> {
    let mut payload = event.payload;
    match event.source {
        Source::Site(callsite) => {
            for key in callsite.metadata().keys {
                visit(key.as_bytes(), ValueRef::read(&mut payload)?);
            }
            if event.has_stack {
                visit(b"stack", ValueRef::read(&mut payload)?);
            }
        }
        Source::Dynamic { .. } => {
            let mut rest = Entries(payload);
            while let Some(entry) = rest.next() {
                let (key, value) = entry?;
                let mut later = rest;
                if !later.any(|other| other.is_ok_and(|(other, _)| other == key)) {
                    visit(key, value);
                }
            }
        }
    }
    Ok(())
}
