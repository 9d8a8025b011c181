//! Values in lines of the layout `ecs`: as in other JSON lines, except that dotted keys of maps become objects.
//!
//! Promises: no object has a key twice. The depth of what is written is bounded, and so is that of the recursion.
//! Nothing is allocated once the scratch memory has the size of the largest value.
use super::field_types::{CATEGORIES, Problem, is_date, is_ip};
use super::merge::{Merger, Scratch, open_value};
use super::misfits::Misfits;
use super::tree::{Content, Emit, ErrorPart, Form, Leaf, ROOT, Region, Tier, Tree, ValueLeaf};
use crate::core::correlation::Correlation;
use crate::encode::Out;
use crate::encode::layout::stack_hash::stack_hash;
use crate::encode::layout::{RenderContext, dedup, json_value};
use ringseal_base::value::{Entries, ReadError, ValueRef, Values};

/// The depth that common readers accept: `serde_json` stops at 128, including the line's own object.
const DEPTH_MAX: usize = 126;

/// Memory that is reused.
#[derive(Debug, Default)]
pub(super) struct ValueWriter {
    trees: Vec<Tree>,
    pub(super) scratch: Scratch,
    dedup: dedup::Scratch,
    text: Vec<u8>,
}

impl ValueWriter {
    /// Writes the value of a leaf, which is in `depth` objects.
    pub(super) fn leaf(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        (leaf, value): (&ValueLeaf, ValueRef<'_>),
        depth: usize,
    ) -> Result<(), ReadError> {
        let context = RenderContext { unit: leaf.unit, ..context };
        match leaf.form {
            Form::Plain => self.value(line, context, value, depth),
            Form::Label => self.label(line, context, value),
            Form::Outcome => self.value(line, context, event_outcome(value), depth),
            Form::Part(part) => match value {
                ValueRef::Error(parts) => self.error_part(line, context, part, parts),
                _ => self.value(line, context, value, depth),
            },
        }
    }

    /// Writes any value.
    fn value(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        value: ValueRef<'_>,
        depth: usize,
    ) -> Result<(), ReadError> {
        match value {
            ValueRef::Map(_) | ValueRef::Array(_) | ValueRef::Pii(..) if depth >= DEPTH_MAX => {
                self.single(line, context, ValueRef::Deep)
            }
            ValueRef::Map(entries) => self.map(line, context, entries, depth),
            ValueRef::Array(values) => {
                line.push(b'[');
                for (index, element) in values.enumerate() {
                    if index > 0 {
                        line.push(b',');
                    }
                    self.value(line, context, element?, depth + 1)?;
                }
                line.push(b']');
                Ok(())
            }
            ValueRef::Pii(_, mut values) => match values.next() {
                Some(inner) => self.value(line, context, inner?, depth + 1),
                None => self.single(line, context, ValueRef::Null),
            },
            other => self.single(line, context, other),
        }
    }

    fn single(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        value: ValueRef<'_>,
    ) -> Result<(), ReadError> {
        json_value::value(&mut Out::new(line), &mut self.dedup, context, value)
    }

    fn map(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        entries: Entries<'_>,
        depth: usize,
    ) -> Result<(), ReadError> {
        let mut tree = self.trees.pop().unwrap_or_default();
        tree.clear();
        let regions = [entries.0, b"", b"", b""];
        let mut merger = Merger { tree: &mut tree, scratch: &mut self.scratch, regions };
        let added = merger.expand_entries(ROOT, (Region::Own, 0), entries, Tier::Call);
        line.push(b'{');
        let result = added.and_then(|()| {
            let mut writer = LineWriter { line, regions, context, values: self, event: None };
            tree.write_members(ROOT, depth + 1, &mut writer)
        });
        line.push(b'}');
        self.trees.push(tree);
        result
    }

    /// Writes a label: what is not a single value, as a text.
    fn label(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        value: ValueRef<'_>,
    ) -> Result<(), ReadError> {
        let mut inner = value;
        while let ValueRef::Pii(_, mut values) = inner {
            inner = values.next().unwrap_or(Ok(ValueRef::Null))?;
        }
        if !matches!(inner, ValueRef::Map(_) | ValueRef::Array(_) | ValueRef::Error(_)) {
            return self.single(line, context, inner);
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let result = self.value(&mut text, context, inner, 0);
        Out::new(line).string_lossy(&text);
        self.text = text;
        result
    }

    /// Writes one part of an error.
    fn error_part(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        part: ErrorPart,
        parts: Values<'_>,
    ) -> Result<(), ReadError> {
        let nth = |index: usize| { parts }.nth(index).unwrap_or(Ok(ValueRef::Null));
        match part {
            ErrorPart::Type => self.single(line, context, nth(0)?),
            ErrorPart::Message => self.single(line, context, nth(1)?),
            ErrorPart::Chain => self.chain(line, context, parts, 1),
            ErrorPart::ChainTypes => self.chain(line, context, parts, 0),
            ErrorPart::StackTrace => {
                let traces = parts.skip(2).filter_map(|part| match part {
                    Ok(ValueRef::Map(mut entries)) => entries.next(),
                    _ => None,
                });
                match traces.last() {
                    Some(entry) => self.single(line, context, entry?.1),
                    None => self.single(line, context, ValueRef::Null),
                }
            }
            ErrorPart::StackHash => {
                line.push(b'"');
                line.extend_from_slice(&stack_hash(context.target, context.event, parts));
                line.push(b'"');
                Ok(())
            }
        }
    }

    /// Writes a part of each cause: 0 for its type, 1 for its message.
    fn chain(
        &mut self,
        line: &mut Vec<u8>,
        context: RenderContext<'_>,
        parts: Values<'_>,
        index: usize,
    ) -> Result<(), ReadError> {
        let mut separator = b'[';
        for cause in parts.skip(2) {
            let part = match cause? {
                ValueRef::Map(_) => continue,
                ValueRef::Error(mut parts) => parts.nth(index).unwrap_or(Ok(ValueRef::Null))?,
                _ if index == 0 => ValueRef::Str(b"dyn Error"),
                message => message,
            };
            line.push(std::mem::replace(&mut separator, b','));
            self.single(line, context, part)?;
        }
        line.push(b']');
        Ok(())
    }
}

/// The outcome of a span in the words of the schema; other values as they are.
fn event_outcome(value: ValueRef<'_>) -> ValueRef<'_> {
    match value {
        ValueRef::Str(b"ok") => ValueRef::Str(b"success"),
        ValueRef::Str(b"error" | b"panicked") => ValueRef::Str(b"failure"),
        ValueRef::Str(b"cancelled") => ValueRef::Str(b"unknown"),
        other => other,
    }
}

/// What leaves of a whole line refer to.
pub(super) struct LineParts<'w, 'a> {
    pub(super) correlation: Option<Correlation>,
    /// The members that the options give.
    pub(super) members: &'w [(&'static str, String)],
    /// File and line of the call.
    pub(super) place: Option<(&'static str, u32)>,
    pub(super) misfits: &'w mut Misfits,
    pub(super) names: (&'a [u8], &'a [u8]),
}

/// Writes a tree into a line.
pub(super) struct LineWriter<'w, 'a> {
    pub(super) line: &'w mut Vec<u8>,
    pub(super) regions: [&'a [u8]; 4],
    /// That of the event.
    pub(super) context: RenderContext<'a>,
    pub(super) values: &'w mut ValueWriter,
    /// `None` inside of a map.
    pub(super) event: Option<LineParts<'w, 'a>>,
}

impl Emit for LineWriter<'_, '_> {
    type Error = ReadError;

    fn punctuation(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
    }

    fn key(&mut self, key: &[u8]) {
        let mut out = Out::new(self.line);
        out.string_lossy(key);
        out.byte(b':');
    }

    fn leaf(&mut self, content: Content, depth: usize) -> Result<(), ReadError> {
        match content {
            Content::Whole(leaf, _) | Content::Leaf(Leaf::Value(leaf)) => self.value(&leaf, depth),
            Content::Leaf(leaf) => {
                if let Some(parts) = &self.event {
                    write_constant(self.line, leaf, parts);
                }
                Ok(())
            }
            Content::Object => Ok(()),
        }
    }
}

impl LineWriter<'_, '_> {
    fn value(&mut self, leaf: &ValueLeaf, depth: usize) -> Result<(), ReadError> {
        let (value, _) = open_value(self.regions[leaf.region as usize], leaf.at)?;
        if let (Some(check), Some(parts)) = (leaf.check, &mut self.event) {
            check_value(check, value, parts.names, parts.misfits);
        }
        let is_own = leaf.region == Region::Own;
        let context = if is_own { self.context } else { RenderContext::BOUND };
        self.values.leaf(self.line, context, (leaf, value), depth)
    }
}

/// Writes a leaf that is not a value of the event or of its contexts.
pub(super) fn write_constant(line: &mut Vec<u8>, leaf: Leaf, parts: &LineParts<'_, '_>) {
    let mut out = Out::new(line);
    match (leaf, parts.correlation, parts.place) {
        (Leaf::TraceId, Some(ids), _) => out.quoted(|out| out.hex(&ids.trace_id())),
        (Leaf::SpanId, Some(ids), _) => write_span_id(&mut out, &ids),
        (Leaf::File, _, Some((file, _))) => out.string_lossy(file.as_bytes()),
        (Leaf::Line, _, Some((_, line))) => out.u64(u64::from(line)),
        (Leaf::Option(index), ..) => {
            let text = parts.members.get(index as usize).map_or("", |(_, text)| text);
            out.string(text.as_bytes());
        }
        _ => out.null(),
    }
}

/// 16 digits if the id has 8 bytes, as in W3C Trace Context; otherwise a UUID.
pub(super) fn write_span_id(out: &mut Out<'_>, ids: &Correlation) {
    let shown = ids.shown_span_id();
    out.quoted(|out| match shown.first_chunk::<16>() {
        Some(uuid) => out.uuid(uuid),
        None => out.hex(shown),
    });
}

/// Counts a value whose bytes do not fit the field of the schema.
pub(super) fn check_value(
    check: (&'static str, Problem),
    value: ValueRef<'_>,
    names: (&[u8], &[u8]),
    misfits: &mut Misfits,
) {
    let (field, problem) = check;
    let text = match value {
        ValueRef::Str(text) => text,
        ValueRef::Array(values) => {
            values.map_while(Result::ok).for_each(|it| check_value(check, it, names, misfits));
            return;
        }
        _ => return,
    };
    let is_fine = match problem {
        Problem::NotAnIp => is_ip(text),
        Problem::NotADate => is_date(text),
        Problem::UnknownCategory => CATEGORIES.iter().any(|word| word.as_bytes() == text),
        _ => true,
    };
    if !is_fine {
        misfits.add(names, field.as_bytes(), problem, "a text");
    }
}
