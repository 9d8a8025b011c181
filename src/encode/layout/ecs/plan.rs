//! Plans: how the lines of one call site, with contexts of certain shapes, are written without a tree.
//!
//! A plan is made from the tree of one event. It holds the constant text between two values, and where each value is
//! found. It applies to every event whose own values have the same kinds, as far as kinds decide about places; this is
//! checked while the line is written.
//!
//! Promises: a planned line has the bytes that [`EcsLayout::line_of_tree`] writes. It allocates nothing, except that
//! the vector may grow.
use std::hash::Hasher;

use super::contexts::Rendered;
use super::field_types::Kind;
use super::line::{place_of, regions, write_root};
use super::misfits::Misfits;
use super::plans::KeyHasher;
use super::tree::{Content, Emit, Form, Leaf, Region, ValueLeaf};
use super::values::{LineParts, ValueWriter, check_value, write_constant, write_span_id};
use super::{EcsLayout, LEAD, rules};
use crate::core::correlation::Correlation;
use crate::encode::layout::{Bound, Event, RenderContext, Source, json_value};
use crate::encode::template::Template;
use crate::encode::{Fragment, Out, Subsecond, TimeCache};
use ringseal_base::value::{ReadError, ValueRef};

/// How lines are written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The text up to the first value.
    pub(super) start: Template,
    pub(super) steps: Box<[Step]>,
    /// The text after the last value.
    pub(super) tail: Fragment,
    /// The event's own fields, in the order of the payload.
    fields: Box<[Field]>,
    /// Whether the steps of own fields are the fields in their order, without any other.
    pub(super) is_in_order: bool,
    /// Fields that do not fit the schema.
    pub(super) misfits: u64,
}

/// An own field.
#[derive(Debug, Clone, Copy)]
struct Field {
    expected: Expected,
    has_step: bool,
}

/// The kind of value that a field must have.
#[derive(Debug, Clone, Copy)]
struct Expected {
    kind: Kind,
    /// Whether it has to be exactly this kind.
    is_exact: bool,
    /// Whether null is treated like single values.
    is_null_alike: bool,
}

impl Expected {
    fn of(key: &str, value: ValueRef<'_>, is_null_alike: bool) -> Self {
        let is_exact = rules::is_sensitive(key.as_bytes());
        let mut expected = Self { kind: Kind::Absent, is_exact, is_null_alike };
        expected.kind = expected.kind_of(value);
        expected
    }

    /// The kind of a value, as exactly as it matters.
    fn kind_of(self, value: ValueRef<'_>) -> Kind {
        if self.is_exact { Kind::of(value) } else { Kind::coarse(value, self.is_null_alike) }
    }

    /// Whether every single value fits.
    fn is_any_single(self) -> bool {
        !self.is_exact && self.kind == Kind::Text
    }

    fn fits(self, value: ValueRef<'_>) -> bool {
        self.kind_of(value) == self.kind
    }
}

/// One value of a line.
#[derive(Debug)]
pub(super) struct Step {
    /// The text before the value, unless it is in the start.
    pub(super) key: Fragment,
    source: StepSource,
    leaf: ValueLeaf,
    depth: usize,
    expected: Expected,
    /// Whether a value of a common kind may be written without further checks.
    pub(super) is_plain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepSource {
    /// The own field with this index.
    Own(u32),
    /// The value of the bound fields with this index.
    Bound(u32),
    /// The value of the ambient fields with this index.
    Ambient(u32),
    TraceId,
    SpanId,
}

/// What a step needs besides the value.
pub(super) struct Tools<'w, 'a> {
    pub(super) values: &'w mut ValueWriter,
    pub(super) misfits: &'w mut Misfits,
    pub(super) context: RenderContext<'a>,
}

impl Step {
    /// Writes text and first value of `payload`; returns the payload after it, or `None` if the plan does not fit.
    #[inline(never)]
    pub(super) fn write_own<'p>(
        &self,
        line: &mut Vec<u8>,
        tools: &mut Tools<'_, '_>,
        payload: &'p [u8],
    ) -> Result<Option<&'p [u8]>, ReadError> {
        let mut rest = payload;
        let value = ValueRef::read(&mut rest)?;
        if !self.expected.fits(value) {
            return Ok(None);
        }
        Out::new(line).fragment(&self.key);
        if let Some(check) = self.leaf.check {
            let names = (tools.context.target, tools.context.event);
            check_value(check, value, names, tools.misfits);
        }
        tools.values.leaf(line, tools.context, (&self.leaf, value), self.depth)?;
        Ok(Some(rest))
    }
}

/// The event's own fields of a planned line.
struct Own<'p, 'o> {
    payload: &'p [u8],
    /// Where each field starts, if the steps are in another order.
    offsets: Option<&'o [u32]>,
}

impl Plan {
    /// Writes the line of an event; returns whether the plan fits. If it does not, the line is as it was.
    pub(super) fn write(
        &mut self,
        event: &Event<'_>,
        tools: &mut Tools<'_, '_>,
        time: &mut TimeCache,
        offsets: &mut Vec<u32>,
        line: &mut Vec<u8>,
    ) -> Result<bool, ReadError> {
        if !self.is_in_order && !self.find_fields(event.payload, offsets)? {
            return Ok(false);
        }
        let own =
            Own { payload: event.payload, offsets: (!self.is_in_order).then_some(&offsets[..]) };
        let start = line.len();
        let mut out = Out::new(line);
        out.byte(b'{');
        out.template(
            &mut self.start,
            time,
            event.unix_nanos,
            EXTRA_BYTES + 2 * event.payload.len(),
        );
        if !write_steps(&self.steps, event, tools, own, &mut out)? {
            drop(out);
            line.truncate(start);
            return Ok(false);
        }
        out.fragment(&self.tail);
        tools.misfits.count += self.misfits;
        match event.sample_rate {
            None => out.literal(b"}\n"),
            rate => out.with_vec(|line| super::line::end(line, rate)),
        }
        Ok(true)
    }

    /// A number for the kinds of the own fields of an event that the plan does not fit.
    pub(super) fn variant_of(&self, payload: &[u8]) -> Result<u64, ReadError> {
        let mut hasher = KeyHasher::default();
        let mut rest = payload;
        for field in &self.fields {
            hasher.write_u8(field.expected.kind_of(ValueRef::read(&mut rest)?) as u8);
        }
        Ok(hasher.finish() | 1)
    }

    /// Finds the start of each own field, and checks the kinds of those that the line does not have.
    fn find_fields(&self, payload: &[u8], offsets: &mut Vec<u32>) -> Result<bool, ReadError> {
        offsets.clear();
        let mut rest = payload;
        for field in &self.fields {
            offsets.push((payload.len() - rest.len()) as u32);
            let value = ValueRef::read(&mut rest)?;
            if !field.has_step && !field.expected.fits(value) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Writes values up to the first that needs more than [`json_value::next_plain`], whose step it returns.
#[inline(always)]
#[expect(clippy::manual_find, reason = "`find` is not inlined where it is called twice")]
pub(super) fn next_other<'f>(
    out: &mut Out<'_>,
    steps: &mut std::slice::Iter<'f, Step>,
    payload: &mut &[u8],
) -> Option<&'f Step> {
    for step in steps {
        if !(step.is_plain && json_value::next_plain(out, &step.key, payload)) {
            return Some(step);
        }
    }
    None
}

/// Bytes of a line besides payload and constants.
pub(super) const EXTRA_BYTES: usize = 256;

/// Writes the values of a line; returns whether the plan fits.
#[inline(always)]
fn write_steps(
    steps: &[Step],
    event: &Event<'_>,
    tools: &mut Tools<'_, '_>,
    mut own: Own<'_, '_>,
    out: &mut Out<'_>,
) -> Result<bool, ReadError> {
    let scope = event.scope;
    let bound = Rendered::of(scope.and_then(|scope| scope.bound));
    let ambient = Rendered::of(scope.and_then(|scope| scope.ambient));
    let correlation = scope.and_then(|scope| scope.correlation);
    for step in steps {
        match step.source {
            StepSource::Own(index) => {
                let mut payload = own.payload;
                if let Some(offsets) = own.offsets {
                    let at = offsets.get(index as usize).map_or(0, |at| *at as usize);
                    payload = payload.get(at..).unwrap_or_default();
                }
                if !(step.is_plain && json_value::next_plain(out, &step.key, &mut payload)) {
                    match out.with_vec(|line| step.write_own(line, tools, payload))? {
                        Some(rest) => payload = rest,
                        None => return Ok(false),
                    }
                }
                if own.offsets.is_none() {
                    own.payload = payload;
                }
            }
            StepSource::Bound(index) => bound.write(index, &step.key, out),
            StepSource::Ambient(index) => ambient.write(index, &step.key, out),
            StepSource::TraceId | StepSource::SpanId => {
                out.fragment(&step.key);
                write_id(step.source, correlation, out);
            }
        }
    }
    Ok(true)
}

fn write_id(source: StepSource, correlation: Option<Correlation>, out: &mut Out<'_>) {
    match (source, correlation) {
        (StepSource::TraceId, Some(ids)) => out.quoted(|out| out.hex(&ids.trace_id())),
        (StepSource::SpanId, Some(ids)) => write_span_id(out, &ids),
        _ => out.null(),
    }
}

/// The pieces of a line as a plan is made of them.
struct Pieces<'w, 'a> {
    /// The text since the last step.
    text: Vec<u8>,
    steps: Vec<(Vec<u8>, Leaf, usize)>,
    static_entries: &'a [u8],
    values: &'w mut ValueWriter,
    parts: LineParts<'w, 'a>,
}

impl Emit for Pieces<'_, '_> {
    type Error = ReadError;

    fn punctuation(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    fn key(&mut self, key: &[u8]) {
        let mut out = Out::new(&mut self.text);
        out.string_lossy(key);
        out.byte(b':');
    }

    fn leaf(&mut self, content: Content, depth: usize) -> Result<(), ReadError> {
        let leaf = match content {
            Content::Object => return Ok(()),
            Content::Whole(leaf, _) => Leaf::Value(leaf),
            Content::Leaf(leaf) => leaf,
        };
        match leaf {
            Leaf::Value(value) if value.region == Region::Static => {
                let mut bytes = self.static_entries.get(value.at as usize..).unwrap_or_default();
                let read = ValueRef::read(&mut bytes)?;
                self.values.leaf(&mut self.text, RenderContext::BOUND, (&value, read), depth)
            }
            Leaf::Value(_) | Leaf::TraceId | Leaf::SpanId => {
                self.steps.push((std::mem::take(&mut self.text), leaf, depth));
                Ok(())
            }
            Leaf::Hidden | Leaf::Option(_) | Leaf::File | Leaf::Line => {
                write_constant(&mut self.text, leaf, &self.parts);
                Ok(())
            }
        }
    }
}

impl EcsLayout {
    /// Makes the plan of an event's lines; `None` if a value is at a place that other events may not have.
    #[cold]
    pub(super) fn compile(&mut self, event: &Event<'_>) -> Result<Option<Plan>, ReadError> {
        let Source::Site(callsite) = event.source else { return Ok(None) };
        let before = self.misfits.count;
        let mut tree = std::mem::take(&mut self.tree);
        let filled = self.fill(event, &mut tree);
        let misfits = self.misfits.count - before;
        self.misfits.count = before;
        let order = self.root_order(&tree);
        let mut pieces = Pieces {
            text: Vec::new(),
            steps: Vec::new(),
            static_entries: regions(event, &self.static_entries)[Region::Static as usize],
            values: &mut self.values,
            parts: LineParts {
                correlation: None,
                members: &self.members,
                place: place_of(&event.source),
                misfits: &mut self.misfits,
                names: event.source.names(),
            },
        };
        let written = filled.and_then(|()| write_root(&tree, &order, &mut pieces));
        let Pieces { text: tail, steps, .. } = pieces;
        (self.tree, self.order) = (tree, order);
        written?;
        let is_null_alike = !self.settings.omit_none;
        let mut fields = fields_of(callsite.metadata().keys, event.payload, is_null_alike)?;
        let Some(mut steps) = steps_of(steps, event, &mut fields) else { return Ok(None) };
        let own = steps.iter().filter_map(|(step, _)| match step.source {
            StepSource::Own(index) => Some(index as usize),
            _ => None,
        });
        let is_in_order = own.eq(0..fields.len());
        let mut head = Vec::new();
        self.write_head(&mut Out::new(&mut head), event.level, event.source.names());
        let mut last = tail;
        match steps.first_mut() {
            Some((_, text)) => head.append(text),
            None => head.append(&mut last),
        }
        Ok(Some(Plan {
            start: Template::new(LEAD, &head, Subsecond::Millis),
            steps: steps.into_iter().map(|(step, _)| step).collect(),
            tail: Fragment::new(&last),
            fields: fields.into_iter().map(|(_, field)| field).collect(),
            is_in_order,
            misfits,
        }))
    }
}

/// The own fields with their offsets.
fn fields_of(
    keys: &[&str],
    payload: &[u8],
    is_null_alike: bool,
) -> Result<Vec<(u32, Field)>, ReadError> {
    let mut rest = payload;
    let field = |key: &&str| {
        let at = (payload.len() - rest.len()) as u32;
        let value = ValueRef::read(&mut rest)?;
        let expected = Expected::of(key, value, is_null_alike);
        Ok((at, Field { expected, has_step: false }))
    };
    keys.iter().map(field).collect()
}

/// The steps of a plan, each with the text before its value; `None` if a value is not one that every event has.
fn steps_of(
    pieces: Vec<(Vec<u8>, Leaf, usize)>,
    event: &Event<'_>,
    fields: &mut [(u32, Field)],
) -> Option<Vec<(Step, Vec<u8>)>> {
    let bound = event.scope.and_then(|scope| scope.bound);
    let ambient = event.scope.and_then(|scope| scope.ambient);
    let index_in = |context: Option<Bound<'_>>, leaf: &ValueLeaf| {
        let is_whole = !matches!(leaf.form, Form::Part(_));
        context.filter(|_| is_whole).and_then(|it| Rendered(it.rendered).index_of(leaf.at))
    };
    let mut steps = Vec::new();
    for (text, leaf, depth) in pieces {
        let mut step = Step {
            key: Fragment::new(if steps.is_empty() { b"" } else { &text }),
            source: StepSource::TraceId,
            leaf: ValueLeaf::NULL,
            depth,
            expected: Expected { kind: Kind::Absent, is_exact: false, is_null_alike: false },
            is_plain: false,
        };
        if let Leaf::Value(value) = leaf {
            step.leaf = value;
        }
        step.source = match leaf {
            // Which parts an error has differs from event to event.
            Leaf::Value(ValueLeaf { region: Region::Own, form: Form::Part(_), .. }) => return None,
            Leaf::Value(value) if value.region == Region::Own => {
                let index = fields.binary_search_by_key(&value.at, |(at, _)| *at).ok()?;
                let field = &mut fields[index].1;
                field.has_step = true;
                step.expected = field.expected;
                step.is_plain = field.expected.is_any_single()
                    && value.form == Form::Plain
                    && value.check.is_none();
                StepSource::Own(index as u32)
            }
            Leaf::Value(value) if value.region == Region::Bound => {
                StepSource::Bound(index_in(bound, &value)?)
            }
            Leaf::Value(value) => StepSource::Ambient(index_in(ambient, &value)?),
            Leaf::SpanId => StepSource::SpanId,
            _ => StepSource::TraceId,
        };
        steps.push((step, text));
    }
    // The members of a map that was merged with others; another event's map may have more.
    let is_merged =
        |field: &Field| !field.has_step && matches!(field.expected.kind, Kind::Map | Kind::Error);
    (!fields.iter().any(|(_, field)| is_merged(field))).then_some(steps)
}
