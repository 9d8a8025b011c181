//! The start of a line in the style of cloud-dog-logging.
use super::{ConsoleLayout, put_text};
use crate::encode::Out;
use crate::encode::layout::dedup::Scratch;
use crate::encode::layout::scope::Id;
use crate::encode::layout::{Event, RenderContext, Source, has_key};
use ringseal_base::value::{Entries, ReadError, ValueRef, Values};

/// The fields that are shown at the start of the line.
pub(super) const HEADER_KEYS: [&[u8]; 2] = [SERVICE, CORRELATION];
const SERVICE: &[u8] = b"service";
const CORRELATION: &[u8] = b"correlation_id";

/// How many characters of the correlation are shown.
const CORRELATION_CHARS: usize = 12;

impl ConsoleLayout {
    /// Writes `[2025-11-13T19:00:00.123456Z] INFO     shop 0af7651916cd shop::users — `.
    pub(super) fn cloud_dog_header(
        &mut self,
        event: &Event<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let context = RenderContext::of(event, self.clock);
        let mut out = Out::new(line);
        out.byte(b'[');
        out.timestamp(&mut self.time, event.unix_nanos, self.options.subsecond);
        out.literal(b"] ");
        self.level(&mut out, event.level);
        out.byte(b' ');
        drop(out);
        let mut text = std::mem::take(&mut self.field.message);
        text.clear();
        match find(event, &self.static_fields, SERVICE)? {
            Some(value) => put_value(&mut self.scratch, context, value, &mut text)?,
            None => text.extend_from_slice(b"unknown"),
        }
        self.field.text(&mut Out::new(line), &text);
        line.push(b' ');
        text.clear();
        match find(event, &self.static_fields, CORRELATION)? {
            Some(value) => put_value(&mut self.scratch, context, value, &mut text)?,
            None => put_trace_id(event, &mut text),
        }
        text.truncate(chars_end(&text, CORRELATION_CHARS));
        match text.is_empty() {
            true => line.extend_from_slice(DASH),
            false => self.field.text(&mut Out::new(line), &text),
        }
        self.field.message = text;
        line.push(b' ');
        self.field.text(&mut Out::new(line), context.target);
        line.push(b' ');
        line.extend_from_slice(DASH);
        line.push(b' ');
        Ok(())
    }
}

/// The value of the field that the line has under a key.
fn find<'a>(
    event: &Event<'a>,
    static_fields: &'a [u8],
    key: &[u8],
) -> Result<Option<ValueRef<'a>>, ReadError> {
    let own = match event.source {
        Source::Dynamic { .. } => event.payload,
        Source::Site(callsite) => {
            let at = callsite.metadata().keys.iter().position(|own| own.as_bytes() == key);
            match at.and_then(|at| Values(event.payload).nth(at)).transpose()? {
                None | Some(ValueRef::Absent) => b"",
                value => return Ok(value),
            }
        }
    };
    let scope = event.scope;
    let bound = scope.and_then(|scope| scope.bound).map_or(&b""[..], |bound| bound.entries);
    let ambient = scope.and_then(|scope| scope.ambient).map_or(&b""[..], |it| it.entries);
    let all = [own, bound, ambient, static_fields];
    let found = all.into_iter().find(|entries| has_key(entries, key));
    found.map_or(Ok(None), |entries| last(entries, key))
}

/// Appends the text of a value, without the quotes that it has in JSON.
fn put_value(
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    value: ValueRef<'_>,
    text: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let start = text.len();
    put_text(scratch, context, value, text)?;
    let is_quoted = !matches!(value, ValueRef::Str(_) | ValueRef::StrCut(..));
    if is_quoted && text.get(start) == Some(&b'"') {
        text.remove(start);
        text.pop();
    }
    Ok(())
}

/// `—`
const DASH: &[u8] = "—".as_bytes();

/// The last value of a key.
fn last<'a>(entries: &'a [u8], key: &[u8]) -> Result<Option<ValueRef<'a>>, ReadError> {
    let mut found = None;
    for entry in Entries(entries) {
        let (other, value) = entry?;
        if other == key {
            found = Some(value);
        }
    }
    Ok(found)
}

fn put_trace_id(event: &Event<'_>, text: &mut Vec<u8>) {
    if let Some(scope) = event.scope
        && scope.has_id(Id::Trace)
    {
        scope.write_id(Id::Trace, &mut Out::new(text));
    }
}

/// The end of the first characters of a text.
fn chars_end(text: &[u8], count: usize) -> usize {
    let starts = text.iter().enumerate().filter(|(_, byte)| (**byte & 0xC0) != 0x80);
    { starts }.nth(count).map_or(text.len(), |(at, _)| at)
}
