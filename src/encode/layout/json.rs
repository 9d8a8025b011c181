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
//!
//! A [`profile`](super::profile) has other members. Lines that begin with `timestamp` and are flat are written here;
//! those of other profiles, and those in which members of an error could meet fields with the same keys, are
//! [`collected`].
mod constants;
pub(super) mod error_members;
pub(super) mod names;
mod parts;

use self::constants::{Constant, IdKeys, key_member, member_key, member_key_bytes};
use self::names::{ERROR, Names};
use super::dedup::Scratch;
use super::json_options::{BOOT_EVENT, JsonOptions, RunId};
use super::line_keys::LineKey;
use super::profile::{ErrorPart, Member};
use super::static_fields::StaticFields;
use super::{
    Event, Order, PlainEvent, RenderContext, Scope, Source, TickClock, collected, has_key,
    json_value, key_bit, rendered, unit_of,
};
use crate::core::callsite::Callsite;
use crate::core::level::Level;
use crate::encode::template::Template;
use crate::encode::{Fragment, Out, TimeCache, Unit};
use ringseal_base::value::{Entries, ReadError, ValueRef, tag};

/// The layout with its rendered constants.
#[derive(Debug)]
pub struct JsonLayout {
    pub(super) options: JsonOptions,
    pub(super) names: Names,
    /// Whether the members of every line are collected before they are written.
    is_collected: bool,
    pub(super) time: TimeCache,
    pub(super) clock: TickClock,
    /// By the id of the call site.
    shapes: Vec<Option<Box<Shape>>>,
    /// The constant members after the time.
    constants: Box<[Constant]>,
    /// The keys with comma and colon of the stack trace and the rate of sampling.
    stack_key: Fragment,
    sample_rate_key: Fragment,
    ids: IdKeys,
    /// Fields of every line.
    pub(super) static_fields: StaticFields,
    pub(super) scratch: Scratch,
    /// For lines whose members are collected.
    pub(super) items: Vec<collected::Item>,
    /// The entries of an event whose name is the value of a field.
    pub(super) entries: Vec<u8>,
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
    /// The members that an error becomes: the key with comma and colon, and the form.
    errors: Box<[(Fragment, ErrorPart)]>,
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

    /// Whether nothing is written or removed where the field is absent.
    #[inline(always)]
    fn leaves_nothing(&self) -> bool {
        self.key_bytes_in_start == 0 && self.replaced.is_empty()
    }

    /// Writes the members that the error at the start of `payload` becomes; returns the payload after it.
    #[cold]
    fn write_error<'p>(
        &self,
        out: &mut Out<'_>,
        context: RenderContext<'_>,
        mut payload: &'p [u8],
    ) -> Result<&'p [u8], ReadError> {
        if let ValueRef::Error(parts) = ValueRef::read(&mut payload)? {
            let is_present = |part| error_members::is_present(part, parts);
            for (key, part) in self.errors.iter().filter(|(_, part)| is_present(*part)) {
                out.fragment(key);
                error_members::write(out, context, *part, parts)?;
            }
        }
        Ok(payload)
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
        let context = RenderContext::at(&Source::Site(callsite), unix_nanos, *clock);
        if !self.errors.is_empty() && payload.first() == Some(&tag::ERROR) {
            out.remove(self.key_bytes_in_start);
            return self.write_error(&mut out, context, payload);
        }
        out.fragment(&self.key);
        let context = RenderContext { unit: self.unit, ..context };
        json_value::next(&mut out, scratch, context, &mut payload)?;
        Ok(payload)
    }
}

/// Writes fields up to the first that needs more than [`json_value::next_plain`], which it returns.
#[inline(always)]
fn next_other<'f>(
    out: &mut Out<'_>,
    fields: &mut std::slice::Iter<'f, Field>,
    payload: &mut &[u8],
) -> Option<&'f Field> {
    for field in fields {
        if json_value::next_plain(out, &field.key, payload) {
            continue;
        }
        match payload.split_first() {
            Some((&tag::ABSENT, rest)) if field.leaves_nothing() => *payload = rest,
            _ => return Some(field),
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
        let keys = options.profile.head.iter().filter_map(|member| match member {
            Member::Key(key) => Constant::new(*key, &options),
            Member::Field(..) => None,
        });
        let names = Names::new(&options);
        Self {
            is_collected: options.sort_keys
                || !options.profile.is_flat()
                || options.keys.get(LineKey::Timestamp) != LineKey::Timestamp.as_str(),
            constants: keys.collect(),
            stack_key: member_key(&options, LineKey::Stack),
            sample_rate_key: member_key(&options, LineKey::SampleRate),
            ids: IdKeys::new(&names),
            names,
            options,
            time: TimeCache::new(),
            clock: TickClock::default(),
            shapes: Vec::new(),
            static_fields: StaticFields::default(),
            scratch: Scratch::default(),
            items: Vec::new(),
            entries: Vec::new(),
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
        self.is_collected |= self.static_fields.key_bits & self.names.error_bits != 0;
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

    /// Writes the members between the timestamp and the fields, without the static fields that are `excluded`. Without
    /// `event`, the name is the value of a field.
    fn write_constants(
        &self,
        out: &mut Out<'_>,
        level: Level,
        (target, event): (&[u8], Option<&[u8]>),
        excluded: &dyn Fn(&[u8]) -> bool,
    ) {
        out.byte(b'"');
        let event_text = event.unwrap_or_default();
        for constant in &self.constants {
            match constant {
                Constant::Level(key) => {
                    out.fragment(key);
                    out.string(self.options.level_name(level));
                }
                Constant::Target(key) => {
                    out.fragment(key);
                    out.string_lossy(target);
                }
                Constant::Event(key) => {
                    if let Some(event) = event {
                        out.fragment(key);
                        out.string_lossy(event);
                    }
                }
                Constant::Run(member) if self.has_run_members(target, event_text) => {
                    out.fragment(member);
                }
                Constant::Run(_) => {}
            }
        }
        self.static_fields.write(out, excluded);
    }

    /// `,"key":`
    fn key_fragment(&self, key: &str, has_error: bool) -> Vec<u8> {
        rendered(|out| {
            out.raw(b",\"");
            self.names.write(out, key.as_bytes(), has_error);
            out.raw(b"\":");
        })
    }

    /// The members that an error with this key becomes; none if it stays one member.
    fn error_members(&self, key: &str) -> Box<[(Fragment, ErrorPart)]> {
        if key.as_bytes() != ERROR {
            return Box::default();
        }
        let members = self.names.errors.iter().zip(self.options.profile.errors);
        members.map(|(key, member)| (key_member(key), member.part)).collect()
    }

    fn shape(&mut self, callsite: &'static Callsite) -> usize {
        let index = callsite.id() as usize;
        if self.shapes.get(index).is_none_or(Option::is_none) {
            self.add_shape(callsite, index);
        }
        index
    }

    #[cold]
    #[inline(never)]
    fn add_shape(&mut self, callsite: &'static Callsite, index: usize) {
        let metadata = callsite.metadata();
        let message = callsite.message();
        let has_error = metadata.keys.iter().any(|key| key.as_bytes() == ERROR);
        let fragment = |(index, key): (usize, &&'static str)| match message == Some(index) {
            true => member_key_bytes(&self.options, LineKey::Event),
            false => self.key_fragment(key, has_error),
        };
        let first = metadata.keys.first().map(|key| fragment((0, key))).unwrap_or_default();
        let fields = || metadata.keys.iter().enumerate().filter(|(at, _)| message != Some(*at));
        let own = |key: &[u8]| fields().any(|(_, own)| own.as_bytes() == key);
        let start = rendered(|out| {
            let event = message.is_none().then_some(metadata.event.as_bytes());
            let names = (metadata.target.as_bytes(), event);
            self.write_constants(out, metadata.level, names, &own);
            out.raw(&first);
        });
        let shape = Shape {
            start: Template::new(START, &start, self.options.subsecond),
            fields: (metadata.keys.iter().enumerate())
                .map(|(index, key)| Field {
                    key: match index {
                        0 => Fragment::default(),
                        _ => Fragment::new(&fragment((index, key))),
                    },
                    key_bytes_in_start: if index == 0 { first.len() } else { 0 },
                    unit: unit_of(key.as_bytes()),
                    name: key,
                    replaced: self.static_fields.member(key.as_bytes()).into(),
                    errors: self.error_members(key),
                })
                .collect(),
            key_bits: fields()
                .fold(self.static_fields.key_bits, |bits, (_, key)| bits | key_bit(key.as_bytes())),
        };
        if self.shapes.len() <= index {
            self.shapes.resize_with(index + 1, || None);
        }
        self.shapes[index] = Some(Box::new(shape));
    }

    /// Appends one line.
    #[inline]
    pub(super) fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        if self.is_collected {
            return collected::line(self, event, line);
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
        if self.is_collected {
            return collected::line(self, &event.whole(), line);
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
            out.fragment(&self.stack_key);
            let context = RenderContext::of(event, self.clock);
            json_value::next(&mut out, &mut self.scratch, context, &mut payload)?;
        }
        if let Some(scope) = event.scope {
            drop(out);
            return self.end_in_scope(event, scope, index, line);
        }
        self.sample_rate(&mut out, event);
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
            self.names.write(&mut out, key, false);
            out.raw(b"\":");
            json_value::value(&mut out, scratch, context.under(key), value)
        });
        drop(out);
        self.scratch = scratch;
        result
    }

    /// Whether a field with this value is left out.
    pub(super) fn omits(&self, value: ValueRef<'_>) -> bool {
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

impl JsonLayout {
    /// Writes `,"sample_rate":0.01`, at the end of the line.
    #[inline]
    fn sample_rate(&self, out: &mut Out<'_>, event: &Event<'_>) {
        if let Some(rate) = event.sample_rate {
            out.fragment(&self.sample_rate_key);
            out.f64(rate);
        }
    }
}
