//! The layout `json`: one flat JSON object per line.
//!
//! `{"timestamp":…,"level":…,"target":…,"event":…,"run_id":…,"schema_version":…, fields…, bound fields…}`
//!
//! The event's own fields keep the order in which they were logged. A bound field is left out if the event has a field
//! with the same key. A key that the layout uses itself gets the prefix `field.`, and so does a key that already has
//! the prefix, so that different keys stay different. With `sort_keys` all keys of the line and of its maps are sorted,
//! which is slower.
use super::dedup::Scratch;
use super::{
    Bound, Event, Order, RenderContext, Source, json_value, key_bit, rendered, sorted, unit_of,
};
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::Level;
use crate::encode::{Fragment, Out, Subsecond, TimeCache, Unit};
use ringseal_base::value::{Entries, ReadError};

/// How levels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LevelCase {
    /// `info`.
    #[default]
    Lower,
    /// `INFO`.
    Upper,
}

/// Options of the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonOptions {
    /// The run of the process, in every line. Left out if empty.
    pub run_id: String,
    /// The version of the events' fields, in every line.
    pub schema_version: u32,
    /// The key of the event's name: `event`, or `message` if consumers expect that.
    pub event_key: String,
    /// How levels are written.
    pub level_case: LevelCase,
    /// Sort all keys of a line.
    pub sort_keys: bool,
    /// Digits after the second.
    pub subsecond: Subsecond,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            run_id: String::new(),
            schema_version: 1,
            event_key: "event".into(),
            level_case: LevelCase::Lower,
            sort_keys: false,
            subsecond: Subsecond::Micros,
        }
    }
}

impl JsonOptions {
    /// Whether the layout uses this key itself, apart from the key of the event's name.
    pub fn is_taken(&self, key: &str) -> bool {
        is_line_key(key.as_bytes())
    }
}

fn is_line_key(key: &[u8]) -> bool {
    matches!(
        key,
        b"timestamp"
            | b"level"
            | b"target"
            | b"run_id"
            | b"schema_version"
            | b"stack"
            | b"sample_rate"
    )
}

/// The layout with its rendered constants.
#[derive(Debug)]
pub struct JsonLayout {
    pub(super) options: JsonOptions,
    pub(super) time: TimeCache,
    /// By the id of the call site.
    shapes: Vec<Option<Box<Shape>>>,
    /// The text from the event's name to the end of the constant members.
    after_event: Fragment,
    pub(super) scratch: Scratch,
    /// For `sort_keys`.
    pub(super) items: Vec<sorted::Item>,
}

/// The constant parts of a call site's lines.
#[derive(Debug)]
struct Shape {
    /// The text after the timestamp, up to the colon of the first field, or to the end of the constants.
    start: Fragment,
    fields: Box<[Field]>,
    key_bits: u64,
}

/// The constant parts of a field.
#[derive(Debug)]
struct Field {
    /// The key with comma and colon; empty for the first, whose key ends `start`.
    key: Fragment,
    /// The unit of a duration with this key.
    unit: Unit,
}

/// Bytes of a line besides payload and constants.
const LINE_BYTES_EXTRA: usize = 256;

impl JsonLayout {
    /// A layout with these options.
    pub fn new(options: JsonOptions) -> Self {
        let after_event = Fragment::new(&rendered(|out| {
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
            shapes: Vec::new(),
            after_event,
            scratch: Scratch::default(),
            items: Vec::new(),
        }
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
        let start = rendered(|out| {
            out.raw(b"\",\"level\":\"");
            out.raw(self.level_name(metadata.level));
            out.raw(b"\",\"target\":");
            out.string(metadata.target.as_bytes());
            out.raw(b",\"");
            out.string_part(self.options.event_key.as_bytes());
            out.raw(b"\":");
            out.string(metadata.event.as_bytes());
            out.fragment(&self.after_event);
            out.raw(&first);
        });
        let shape = Shape {
            start: Fragment::new(&start),
            fields: (metadata.keys.iter().enumerate())
                .map(|(index, key)| Field {
                    key: match index {
                        0 => Fragment::EMPTY,
                        _ => Fragment::new(&self.key_fragment(key)),
                    },
                    unit: unit_of(key.as_bytes()),
                })
                .collect(),
            key_bits: metadata.keys.iter().fold(0, |bits, key| bits | key_bit(key.as_bytes())),
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
            Source::Site(callsite) => self.site_line(event, callsite, line),
            Source::Dynamic { target, event: name } => self.dynamic_line(event, target, name, line),
        }
    }

    fn site_line(
        &mut self,
        event: &Event<'_>,
        callsite: &'static Callsite,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let index = self.shape(callsite);
        let Some(Some(shape)) = self.shapes.get(index) else { return Ok(()) };
        let mut out = Out::new(line);
        out.reserve(LINE_BYTES_EXTRA + shape.start.len() + 2 * event.payload.len());
        out.literal(b"{\"timestamp\":\"");
        out.timestamp(&mut self.time, event.unix_nanos, self.options.subsecond);
        out.fragment(&shape.start);
        let mut payload = event.payload;
        let scratch = &mut self.scratch;
        for field in &shape.fields {
            if !json_value::next_plain(&mut out, &field.key, &mut payload) {
                let context =
                    RenderContext { unit: field.unit, ..RenderContext::of(&event.source) };
                json_value::next(&mut out, scratch, context, &mut payload)?;
            }
        }
        if event.has_stack {
            out.literal(b",\"stack\":");
            json_value::next(&mut out, scratch, RenderContext::of(&event.source), &mut payload)?;
        }
        if let Some(bound) = event.context {
            if bound.key_bits & shape.key_bits == 0 {
                out.raw(bound.rendered);
            } else {
                let keys = callsite.metadata().keys;
                let own = |key: &[u8]| keys.iter().any(|other| other.as_bytes() == key);
                drop(out);
                self.bound_without(bound, &own, line)?;
                out = Out::new(line);
            }
        }
        sample_rate(&mut out, event);
        out.literal(b"}\n");
        Ok(())
    }

    /// Writes the bound fields whose keys the event does not have.
    #[cold]
    fn bound_without(
        &mut self,
        bound: Bound<'_>,
        own: &dyn Fn(&[u8]) -> bool,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.entries(Entries(bound.entries), RenderContext::BOUND, own, line)
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
            if excluded(key) {
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

    fn dynamic_line(
        &mut self,
        event: &Event<'_>,
        target: &[u8],
        name: &[u8],
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut out = Out::new(line);
        out.reserve(LINE_BYTES_EXTRA + 2 * event.payload.len());
        out.literal(b"{\"timestamp\":\"");
        out.timestamp(&mut self.time, event.unix_nanos, self.options.subsecond);
        out.literal(b"\",\"level\":\"");
        out.raw(self.level_name(event.level));
        out.literal(b"\",\"target\":");
        out.string_lossy(target);
        out.literal(b",\"");
        out.string_part(self.options.event_key.as_bytes());
        out.literal(b"\":");
        out.string_lossy(name);
        out.fragment(&self.after_event);
        drop(out);
        let context = RenderContext::of(&event.source);
        let entries = Entries(event.payload);
        self.entries(entries, context, &|_| false, line)?;
        if let Some(bound) = event.context {
            let own = entries;
            let own = |key: &[u8]| { own }.any(|entry| entry.is_ok_and(|(own, _)| own == key));
            self.bound_without(bound, &own, line)?;
        }
        let mut out = Out::new(line);
        sample_rate(&mut out, event);
        out.literal(b"}\n");
        Ok(())
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
