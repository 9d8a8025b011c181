//! The forms of an error in the profiles: short type, message, text, and an object with the lines of the text.
//!
//! Promises: nothing is allocated but for a part that is neither a text nor masked, which only a foreign record has.
use crate::encode::Out;
use crate::encode::layout::dedup::Scratch;
use crate::encode::layout::profile::ErrorPart;
use crate::encode::layout::stack_hash::stack_hash;
use crate::encode::layout::{RenderContext, json_value};
use ringseal_base::value::{ReadError, SECRET_MASK, ValueRef, Values};

/// Whether an error has this form.
pub(in crate::encode::layout) fn is_present(part: ErrorPart, parts: Values<'_>) -> bool {
    part != ErrorPart::StackTrace || stack_trace(parts).is_some()
}

/// The stack trace of an error.
fn stack_trace<'a>(parts: Values<'a>) -> Option<ValueRef<'a>> {
    parts.map_while(Result::ok).find_map(|part| match part {
        ValueRef::Map(mut entries) => entries.next()?.ok().map(|(_, trace)| trace),
        _ => None,
    })
}

/// Writes a form of an error as a value.
pub(in crate::encode::layout) fn write(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    part: ErrorPart,
    parts: Values<'_>,
) -> Result<(), ReadError> {
    match part {
        ErrorPart::ShortType => quoted(out, |out| {
            let kind = { parts }.next().transpose()?.unwrap_or(ValueRef::Null);
            piece(out, context, kind, true)
        }),
        ErrorPart::Message => quoted(out, |out| message(out, context, parts)),
        ErrorPart::StackTrace => quoted(out, |out| {
            piece(out, context, stack_trace(parts).unwrap_or(ValueRef::Null), false)
        }),
        ErrorPart::Text => quoted(out, |out| {
            lines(out, context, parts, &|out, is_first| {
                if !is_first {
                    out.raw(b"\\n");
                }
            })
        }),
        ErrorPart::Object => object(out, context, parts),
    }
}

fn quoted(
    out: &mut Out<'_>,
    write: impl FnOnce(&mut Out<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    out.byte(b'"');
    write(out)?;
    out.byte(b'"');
    Ok(())
}

fn object(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    parts: Values<'_>,
) -> Result<(), ReadError> {
    out.raw(b"{\"type\":");
    write(out, context, ErrorPart::ShortType, parts)?;
    out.raw(b",\"message\":");
    write(out, context, ErrorPart::Message, parts)?;
    out.raw(b",\"stack_hash\":\"");
    out.raw(&stack_hash(context.target, context.event, parts));
    out.raw(b"\",\"traceback\":[\"");
    lines(out, context, parts, &|out, is_first| {
        if !is_first {
            out.raw(b"\",\"");
        }
    })?;
    out.raw(b"\"]}");
    Ok(())
}

/// Writes the message and the messages of the causes.
fn message(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    parts: Values<'_>,
) -> Result<(), ReadError> {
    for (index, part) in parts.skip(1).enumerate() {
        let text = match part? {
            ValueRef::Map(_) => continue,
            ValueRef::Error(mut cause) => cause.nth(1).unwrap_or(Ok(ValueRef::Null))?,
            text => text,
        };
        if index > 0 {
            out.raw(b": ");
        }
        piece(out, context, text, false)?;
    }
    Ok(())
}

/// Writes the lines of the stack trace, then `type: message`, then `caused by: type: message` for each cause. `begin`
/// begins each line.
fn lines(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    parts: Values<'_>,
    begin: &dyn Fn(&mut Out<'_>, bool),
) -> Result<(), ReadError> {
    let mut is_first = true;
    let mut begin = |out: &mut Out<'_>| begin(out, std::mem::take(&mut is_first));
    if let Some(ValueRef::Str(text) | ValueRef::StrCut(text, _)) = stack_trace(parts) {
        for line in text.trim_ascii_end().split(|byte| *byte == b'\n') {
            begin(out);
            out.string_part(line);
        }
    }
    let mut rest = parts;
    let kind = rest.next().transpose()?.unwrap_or(ValueRef::Null);
    let text = rest.next().transpose()?.unwrap_or(ValueRef::Null);
    begin(out);
    named(out, context, Some(kind), text)?;
    for cause in rest {
        let (kind, text) = match cause? {
            ValueRef::Map(_) => continue,
            ValueRef::Error(mut parts) => {
                let kind = parts.next().transpose()?;
                (kind, parts.next().transpose()?.unwrap_or(ValueRef::Null))
            }
            text => (None, text),
        };
        begin(out);
        out.raw(b"caused by: ");
        named(out, context, kind, text)?;
    }
    Ok(())
}

/// `type: message`
fn named(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    kind: Option<ValueRef<'_>>,
    text: ValueRef<'_>,
) -> Result<(), ReadError> {
    if let Some(kind) = kind {
        piece(out, context, kind, false)?;
        out.raw(b": ");
    }
    piece(out, context, text, false)
}

/// Writes a part of an error as the content of a string.
fn piece(
    out: &mut Out<'_>,
    context: RenderContext<'_>,
    part: ValueRef<'_>,
    is_short: bool,
) -> Result<(), ReadError> {
    match part {
        ValueRef::Str(text) if is_short => short_type(text, |part| out.string_part(part)),
        ValueRef::Str(text) => out.string_part(text),
        ValueRef::StrCut(kept, whole) => {
            out.string_part(kept);
            json_value::cut_note(out, kept.len(), whole);
        }
        ValueRef::Secret => out.string_part(SECRET_MASK.as_bytes()),
        ValueRef::Null => {}
        other => {
            let mut json = Vec::new();
            let mut scratch = Scratch::default();
            json_value::value(&mut Out::new(&mut json), &mut scratch, context, other)?;
            out.string_part(&json);
        }
    }
    Ok(())
}

/// Passes the parts of a type's name without the paths of its types: `Box<dyn Error>` of
/// `alloc::boxed::Box<dyn core::error::Error>`.
pub(in crate::encode::layout) fn short_type(name: &[u8], mut part: impl FnMut(&[u8])) {
    let is_path =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':') || *byte >= 0x80;
    for run in name.chunk_by(|one, other| is_path(one) == is_path(other)) {
        let after = memchr::memmem::rfind(run, b"::").map_or(0, |at| at + 2);
        part(&run[after..]);
    }
}

#[cfg(test)]
mod tests {
    use super::short_type;

    #[test]
    fn a_short_type_has_no_paths() {
        for (name, short) in [
            ("OperationalError", "OperationalError"),
            ("shop::db::OperationalError", "OperationalError"),
            ("std::io::Error(NotFound)", "Error(NotFound)"),
            ("alloc::boxed::Box<dyn core::error::Error>", "Box<dyn Error>"),
            ("a::B<c::D, &e::F>", "B<D, &F>"),
            ("dyn Error", "dyn Error"),
            ("", ""),
            ("::", ""),
        ] {
            let mut found = Vec::new();
            short_type(name.as_bytes(), |part| found.extend_from_slice(part));
            assert_eq!(String::from_utf8(found).unwrap(), short);
        }
    }
}
