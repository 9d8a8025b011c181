//! Events whose name is the value of a field: those of other logging interfaces, whose message is known only at run
//! time.
//!
//! Promises: the layout `json` writes such an event like any other; its shape has the key of the name in place of that
//! of the field. Other layouts write it as a run-time event, whose entries are copied into a buffer that is reused.
use super::{Event, Source};
use crate::core::callsite::Callsite;
use ringseal_base::value::{ReadError, ValueRef};

/// The key of a stack trace among entries.
const STACK: &[u8] = b"stack";

/// The event as a run-time event, whose fields are put into `entries`. `None` if its name is constant.
#[inline]
pub(crate) fn as_entries<'a>(
    event: &Event<'a>,
    entries: &'a mut Vec<u8>,
) -> Result<Option<Event<'a>>, ReadError> {
    match event.source {
        Source::Site(callsite) if callsite.message().is_some() => convert(event, entries),
        _ => Ok(None),
    }
}

#[inline(never)]
fn convert<'a>(
    event: &Event<'a>,
    entries: &'a mut Vec<u8>,
) -> Result<Option<Event<'a>>, ReadError> {
    let Source::Site(callsite) = event.source else { return Ok(None) };
    let name = to_entries(callsite, event.payload, event.has_stack, entries)?;
    let source = Source::Dynamic { target: callsite.metadata().target.as_bytes(), event: name };
    Ok(Some(Event { source, payload: entries, has_stack: false, ..*event }))
}

/// Puts the values of a call site's event into `entries`, but for its name, which is returned.
pub(crate) fn to_entries<'a>(
    callsite: &'static Callsite,
    payload: &'a [u8],
    has_stack: bool,
    entries: &mut Vec<u8>,
) -> Result<&'a [u8], ReadError> {
    let metadata = callsite.metadata();
    let mut name = metadata.event.as_bytes();
    entries.clear();
    let mut rest = payload;
    for (index, key) in metadata.keys.iter().enumerate() {
        let before = rest;
        let value = ValueRef::read(&mut rest)?;
        if callsite.message() == Some(index) {
            if let ValueRef::Str(text) | ValueRef::StrCut(text, _) = value {
                name = text;
            }
        } else if value != ValueRef::Absent {
            put_entry(entries, key.as_bytes(), &before[..before.len() - rest.len()]);
        }
    }
    if has_stack {
        put_entry(entries, STACK, rest);
    }
    Ok(name)
}

fn put_entry(entries: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let key = &key[..key.len().min(usize::from(u16::MAX))];
    entries.extend_from_slice(&(key.len() as u16).to_le_bytes());
    entries.extend_from_slice(key);
    entries.extend_from_slice(value);
}
