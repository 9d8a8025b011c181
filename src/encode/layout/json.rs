//! The layout `json`: one flat JSON object per line.
//!
//! `{"timestamp":…,"level":…,"target":…,"event":…,"run_id":…,"schema_version":…, static fields…, fields…, bound
//! fields…, ambient fields…, "trace_id":…,"span_id":…}`
//!
//! The event's own fields keep the order in which they were logged. A bound field is left out if the event has a field
//! with the same key; [`scope`](super::scope) has the rules for what follows it. A key that the layout uses itself gets
//! the prefix `field.`, and so does a key that already has the prefix, so that different keys stay different. With
//! `omit_none`, fields whose value is null are left out; one of the event still replaces a bound field with the same
//! key. With `sort_keys` all keys of the line and of its maps are sorted, which is slower.
mod parts;

use super::dedup::Scratch;
use super::json_options::{BOOT_EVENT, JsonOptions, LevelCase, RunId, is_line_key};
use super::static_fields::StaticFields;
use super::{
    Event, Order, PlainEvent, RenderContext, Scope, Source, TickClock, has_key, json_value,
    key_bit, rendered, sorted, unit_of,
};
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::Level;
use crate::encode::template::Template;
use crate::encode::{Fragment, Out, TimeCache, Unit};
use ringseal_base::value::{Entries, ReadError, ValueRef, tag};

/// The layout with its rendered constants.
#[derive(Debug)]
pub struct JsonLayout {
    pub(super) options: JsonOptions,
    pub(super) time: TimeCache,
    pub(super) clock: TickClock,
    /// By the id of the call site.
    shapes: Vec<Option<Box<Shape>>>,
    /// `run_id` and `schema_version`, for the lines that have them.
    run_members: Fragment,
    /// Fields of every line.
    pub(super) static_fields: StaticFields,
    pub(super) scratch: Scratch,
    /// For `sort_keys`.
    pub(super) items: Vec<sorted::Item>,
}

/// The constant parts of a call site's lines.
#[derive(Debug)]
struct Shape {
    /// The text up to the colon of the first field, or to the end of the constants.
    start: Template,
    fields: Box<[Field]>,
    /// Of the fields and of the static fields.
    key_bits: u64,
}

/// The constant parts of a field.
#[derive(Debug)]
struct Field {
    /// The key with comma and colon; empty for the first, whose key ends `start`.
    key: Fragment,
    /// The length of the key at the end of `start`; 0 but for the first.
    key_bytes_in_start: usize,
    /// The unit of a duration with this key.
    unit: Unit,
    /// The key.
    name: &'static str,
    /// The static field that this one replaces, unless its value is absent; with its comma.
    replaced: Box<[u8]>,
}

impl Field {
    /// Writes the static field of this key in place of this field, which is absent.
    #[cold]
    fn write_replaced(&self, out: &mut Out<'_>, scope: Option<&Scope<'_>>) {
        let key = self.name.as_bytes();
        if !scope.is_some_and(|scope| scope.has_bound(key) || scope.has(key)) {
            out.raw(&self.replaced);
        }
    }

    /// Writes the field with the first value of `payload`, which is not of a common kind; returns the payload after
    /// it. Takes the vector and the payload by value, so that the caller keeps its cursor in registers.
    #[inline(never)]
    fn write<'p>(
        &self,
        line: &mut Vec<u8>,
        scratch: &mut Scratch,
        (callsite, unix_nanos): (&'static Callsite, i64),
        scope: Option<&Scope<'_>>,
        (clock, omit_none): (&TickClock, bool),
        mut payload: &'p [u8],
    ) -> Result<&'p [u8], ReadError> {
        let mut out = Out::new(line);
        if let Some((first, rest)) = payload.split_first()
            && (*first == tag::ABSENT || (omit_none && *first == tag::NULL))
        {
            out.remove(self.key_bytes_in_start);
            if *first == tag::ABSENT && !self.replaced.is_empty() {
                self.write_replaced(&mut out, scope);
            }
            return Ok(rest);
        }
        out.fragment(&self.key);
        let context = RenderContext::at(&Source::Site(callsite), unix_nanos, *clock);
        let context = RenderContext { unit: self.unit, ..context };
        json_value::next(&mut out, scratch, context, &mut payload)?;
        Ok(payload)
    }
}

/// Writes fields up to the first that needs more than [`json_value::next_plain`], which it returns.
#[inline(always)]
#[expect(clippy::manual_find, reason = "`find` is not inlined where it is called twice")]
fn next_other<'f>(
    out: &mut Out<'_>,
    fields: &mut std::slice::Iter<'f, Field>,
    payload: &mut &[u8],
) -> Option<&'f Field> {
    for field in fields {
        if !json_value::next_plain(out, &field.key, payload) {
            return Some(field);
        }
    }
    None
}

/// The text before the time.
const START: &[u8; 14] = b"{\"timestamp\":\"";

/// Bytes of a line besides payload and constants.
const LINE_BYTES_EXTRA: usize = 256;

impl JsonLayout {
    /// A layout with these options.
    pub fn new(options: JsonOptions) -> Self {
        let run_members = Fragment::new(&rendered(|out| {
            if !options.run_id.is_empty() {
                out.raw(b",\"run_id\":");
                out.string(options.run_id.as_bytes());
            }
            out.raw(b",\"schema_version\":");
            out.u64(u64::from(options.schema_version));
        }));
        Self {
            options,
            time: TimeCache::new(),
            clock: TickClock::default(),
            shapes: Vec::new(),
            run_members,
            static_fields: StaticFields::default(),
            scratch: Scratch::default(),
            items: Vec::new(),
        }
    }

    /// Adds these entries of a map to every line whose event and bound fields do not have the same key.
    pub(super) fn set_static_fields(&mut self, entries: &[u8]) -> Result<(), ReadError> {
        let mut members = Vec::new();
        let mut rest = Entries(entries);
        while let Some(entry) = rest.next() {
            let (key, _) = entry?;
            if has_key(rest.0, key) {
                // The last one counts.
                continue;
            }
            let mut member = Vec::new();
            let other = |of: &[u8]| of != key;
            self.entries(Entries(entries), RenderContext::BOUND, &other, &mut member)?;
            members.push((key.to_vec(), member));
        }
        self.static_fields = StaticFields::new(entries, members);
        // The constant parts of the lines contain the fields.
        self.shapes.clear();
        Ok(())
    }

    /// Whether the event's line has `run_id` and `schema_version`.
    pub(super) fn has_run_members(&self, target: &[u8], event: &[u8]) -> bool {
        let (boot_target, boot_event) = BOOT_EVENT;
        match self.options.run_id_in {
            RunId::EveryLine => true,
            RunId::BootEvent => target == boot_target.as_bytes() && event == boot_event.as_bytes(),
            RunId::Off => false,
        }
    }

    /// Writes the members between the timestamp and the fields, without the static fields that are `excluded`.
    fn write_constants(
        &self,
        out: &mut Out<'_>,
        level: Level,
        (target, event): (&[u8], &[u8]),
        excluded: &dyn Fn(&[u8]) -> bool,
    ) {
        out.literal(b"\",\"level\":\"");
        out.raw(self.level_name(level));
        out.literal(b"\",\"target\":");
        out.string_lossy(target);
        out.literal(b",\"");
        out.string_part(self.options.event_key.as_bytes());
        out.literal(b"\":");
        out.string_lossy(event);
        if self.has_run_members(target, event) {
            out.fragment(&self.run_members);
        }
        self.static_fields.write(out, excluded);
    }

    /// Whether the layout uses this key itself.
    fn is_own_key(&self, key: &[u8]) -> bool {
        is_line_key(key) || key == self.options.event_key.as_bytes()
    }

    pub(super) fn level_name(&self, level: Level) -> &'static [u8] {
        match (self.options.level_case, level) {
            (LevelCase::Lower, level) => level.as_str().as_bytes(),
            (LevelCase::Upper, Level::Trace) => b"TRACE",
            (LevelCase::Upper, Level::Debug) => b"DEBUG",
            (LevelCase::Upper, Level::Info) => b"INFO",
            (LevelCase::Upper, Level::Warn) => b"WARN",
            (LevelCase::Upper, Level::Error) => b"ERROR",
            (LevelCase::Upper, Level::Critical) => b"CRITICAL",
        }
    }

    /// A key as written in a line, without quotes.
    fn write_key(&self, out: &mut Out<'_>, key: &[u8]) {
        out.raw(self.prefix(key));
        out.string_part(key);
    }

    /// The prefix of a user's key: `field.` if the layout uses the key itself.
    pub(super) fn prefix(&self, key: &[u8]) -> &'static [u8] {
        let mut unprefixed = key;
        while let Some(rest) = unprefixed.strip_prefix(b"field.") {
            unprefixed = rest;
        }
        if self.is_own_key(unprefixed) { b"field." } else { b"" }
    }

    /// `,"key":`
    fn key_fragment(&self, key: &str) -> Vec<u8> {
        rendered(|out| {
            out.raw(b",\"");
            self.write_key(out, key.as_bytes());
            out.raw(b"\":");
        })
    }

    fn shape(&mut self, callsite: &'static Callsite) -> usize {
        let index = callsite.id() as usize;
        if self.shapes.get(index).is_none_or(Option::is_none) {
            self.add_shape(callsite.metadata(), index);
        }
        index
    }

    #[cold]
    #[inline(never)]
    fn add_shape(&mut self, metadata: &Metadata, index: usize) {
        let first = metadata.keys.first().map(|key| self.key_fragment(key)).unwrap_or_default();
        let own = |key: &[u8]| metadata.keys.iter().any(|own| own.as_bytes() == key);
        let start = rendered(|out| {
            let names = (metadata.target.as_bytes(), metadata.event.as_bytes());
            self.write_constants(out, metadata.level, names, &own);
            out.raw(&first);
        });
        let shape = Shape {
            start: Template::new(START, &start, self.options.subsecond),
            fields: (metadata.keys.iter().enumerate())
                .map(|(index, key)| Field {
                    key: match index {
                        0 => Fragment::default(),
                        _ => Fragment::new(&self.key_fragment(key)),
                    },
                    key_bytes_in_start: if index == 0 { first.len() } else { 0 },
                    unit: unit_of(key.as_bytes()),
                    name: key,
                    replaced: self.static_fields.member(key.as_bytes()).into(),
                })
                .collect(),
            key_bits: (metadata.keys.iter())
                .fold(self.static_fields.key_bits, |bits, key| bits | key_bit(key.as_bytes())),
        };
        if self.shapes.len() <= index {
            self.shapes.resize_with(index + 1, || None);
        }
        self.shapes[index] = Some(Box::new(shape));
    }

    /// Appends one line.
    #[inline]
    pub(super) fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        if self.options.sort_keys {
            return sorted::line(self, event, line);
        }
        match event.source {
            Source::Site(callsite) => self.whole_line(event, callsite, line),
            Source::Dynamic { .. } => self.dynamic_line(event, line),
        }
    }

    #[inline(never)]
    fn whole_line(
        &mut self,
        event: &Event<'_>,
        callsite: &'static Callsite,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.site_line(callsite, event.unix_nanos, event.payload, Some(event), line)
    }

    /// Appends the line of an event that has nothing but its fields.
    #[inline(always)]
    pub(super) fn plain_line(
        &mut self,
        event: &PlainEvent<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if self.options.sort_keys {
            return sorted::line(self, &event.whole(), line);
        }
        self.site_line(event.site, event.unix_nanos, event.payload, None, line)
    }

    /// Appends the line of a call site's event. `event` is the whole event, if it can have more than its fields.
    #[inline(always)]
    fn site_line(
        &mut self,
        callsite: &'static Callsite,
        unix_nanos: i64,
        mut payload: &[u8],
        event: Option<&Event<'_>>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let index = self.shape(callsite);
        let Some(Some(shape)) = self.shapes.get_mut(index) else { return Ok(()) };
        let Shape { start, fields, .. } = &mut **shape;
        let mut out = Out::new(line);
        let extra = LINE_BYTES_EXTRA + 2 * payload.len();
        out.template(start, &mut self.time, unix_nanos, extra);
        let scratch = &mut self.scratch;
        let mut fields = fields.iter();
        while let Some(field) = next_other(&mut out, &mut fields, &mut payload) {
            let settings = (&self.clock, self.options.omit_none);
            let scope = event.and_then(|event| event.scope);
            let write = |line: &mut Vec<u8>| {
                field.write(line, scratch, (callsite, unix_nanos), scope, settings, payload)
            };
            payload = out.with_vec(write)?;
        }
        if let Some(event) = event
            && (event.has_stack || event.scope.is_some() || event.sample_rate.is_some())
        {
            let end = |line: &mut Vec<u8>| self.tail(event, index, payload, line);
            return out.with_vec(end);
        }
        out.literal(b"}\n");
        Ok(())
    }

    /// Ends a line with what some events have after their fields: the stack trace, the contexts, the rate of sampling.
    /// `index` is that of the shape.
    #[inline(never)]
    fn tail(
        &mut self,
        event: &Event<'_>,
        index: usize,
        mut payload: &[u8],
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut out = Out::new(line);
        if event.has_stack {
            out.literal(b",\"stack\":");
            let context = RenderContext::of(event, self.clock);
            json_value::next(&mut out, &mut self.scratch, context, &mut payload)?;
        }
        if let Some(scope) = event.scope {
            drop(out);
            return self.end_in_scope(event, scope, index, line);
        }
        sample_rate(&mut out, event);
        out.literal(b"}\n");
        Ok(())
    }

    /// Writes `,"key":value` for each entry, without repeated and excluded keys.
    fn entries(
        &mut self,
        entries: Entries<'_>,
        context: RenderContext<'_>,
        excluded: &dyn Fn(&[u8]) -> bool,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut out = Out::new(line);
        let result = scratch.for_each_last(Order::Logged, entries, |scratch, key, value| {
            if excluded(key) || self.omits(value) {
                return Ok(());
            }
            out.raw(b",\"");
            self.write_key(&mut out, key);
            out.raw(b"\":");
            json_value::value(&mut out, scratch, context.under(key), value)
        });
        drop(out);
        self.scratch = scratch;
        result
    }

    /// Whether a field with this value is left out.
    fn omits(&self, value: ValueRef<'_>) -> bool {
        value == ValueRef::Absent || (self.options.omit_none && value == ValueRef::Null)
    }

    /// Renders bound fields.
    pub(super) fn bound(
        &mut self,
        entries: &[u8],
        rendered: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.entries(Entries(entries), RenderContext::BOUND, &|_| false, rendered)
    }
}

/// `,"sample_rate":0.01`, at the end of the line.
#[inline]
fn sample_rate(out: &mut Out<'_>, event: &Event<'_>) {
    if let Some(rate) = event.sample_rate {
        out.literal(b",\"sample_rate\":");
        out.f64(rate);
    }
}
