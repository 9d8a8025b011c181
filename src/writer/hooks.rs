//! Functions of the program that see each event before its lines are made: providers, which add fields, and hooks,
//! which may also change and remove fields or drop the event.
//!
//! Promises: a function sees an event only as the redaction rules have left it, and what it adds passes the rules as
//! well. It can change at most 64 fields of an event, to values of at most 4 KiB each; more is ignored. One that panics
//! is left out from then on, which is reported in the log once, and counted for each event. Without any function
//! nothing of this costs an event anything; with one, the writer allocates for each event.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::lane_reader::LaneMemory;
use super::process::{Processor, RecordProblem};
use super::redaction::{Redacted, Verdict};
use super::report;
use crate::core::correlation::{CORRELATION_BYTES, Correlation};
use crate::core::level::Level;
use crate::core::record::{Header, Slots};
use crate::encode::layout::{Event, Scope, Source, as_entries};
use ringseal_base::clock::Now;
use ringseal_base::limits::Limits;
use ringseal_base::value::{Entries, ReadError, Value, ValueRef, ValueWriter, Values, tag};

/// The most fields that functions can change in an event.
const CHANGES_MAX: usize = 64;
/// Members of lines that are no fields, by their usual names.
const LINE_KEYS: [&str; 11] = [
    "timestamp",
    "level",
    "target",
    "event",
    "message",
    "run_id",
    "schema_version",
    "stack",
    "sample_rate",
    "trace_id",
    "span_id",
];
/// The most bytes of a value that a function sets.
const VALUE_BYTES_MAX: u32 = 4096;

/// An event as a hook sees it, with its fields, those bound to its logger, and those of its context.
///
/// See [`Config::event_hook`](crate::Config::event_hook).
#[derive(Debug)]
pub struct HookedEvent<'e> {
    level: Level,
    target: &'e [u8],
    name: &'e [u8],
    fields: Vec<Field>,
    changes: usize,
    is_changed: bool,
    /// Whether a field of a context was removed.
    hides_context: bool,
    is_dropped: bool,
}

/// A field: its key, and its value in the encoding of records.
#[derive(Debug, Clone)]
struct Field {
    key: String,
    value: Vec<u8>,
    /// Whether it belongs to a context of the event and is as it was there.
    is_of_context: bool,
}

impl HookedEvent<'_> {
    /// Its level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its target.
    pub fn target(&self) -> &str {
        str::from_utf8(self.target).unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        str::from_utf8(self.name).unwrap_or_default()
    }

    /// The keys of its fields.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.key.as_str())
    }

    /// Whether there is a field with this key.
    pub fn has(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field.key == key)
    }

    /// The value of a field that is a text, or a number or truth value as text. `None` for others.
    pub fn text(&self, key: &str) -> Option<String> {
        let field = self.fields.iter().find(|field| field.key == key)?;
        ValueRef::read(&mut &field.value[..]).ok()?.plain_text()
    }

    /// Sets a field, whether or not there is one with this key. Returns whether it could be set: not beyond 64 changes
    /// of an event.
    pub fn set(&mut self, key: &str, value: &dyn Value) -> bool {
        if !self.may_change() {
            return false;
        }
        let Some(value) = encoded(value) else { return false };
        match self.fields.iter_mut().find(|field| field.key == key) {
            Some(field) => (field.value, field.is_of_context) = (value, false),
            None => {
                self.fields.push(Field { key: key.to_owned(), value, is_of_context: false });
            }
        }
        true
    }

    /// Sets a field unless there is one with this key, or each line has a member of this name.
    pub fn add(&mut self, key: &str, value: &dyn Value) -> bool {
        !self.has(key) && !LINE_KEYS.contains(&key) && self.set(key, value)
    }

    /// Removes a field. Returns whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(index) = self.fields.iter().position(|field| field.key == key) else {
            return false;
        };
        self.hides_context |= self.fields.remove(index).is_of_context;
        self.is_changed = true;
        true
    }

    /// Drops the event: no line is written, and it is counted as dropped by a hook.
    pub fn drop_event(&mut self) {
        self.is_dropped = true;
    }

    fn may_change(&mut self) -> bool {
        let may_change = self.changes < CHANGES_MAX;
        self.changes += usize::from(may_change);
        self.is_changed |= may_change;
        may_change
    }
}

/// The fields that a provider adds; see [`Config::field_provider`](crate::Config::field_provider).
#[derive(Debug)]
pub struct ProvidedFields<'a, 'e>(&'a mut HookedEvent<'e>);

impl<'e> ProvidedFields<'_, 'e> {
    /// The event that gets the fields.
    pub fn event(&self) -> &HookedEvent<'e> {
        self.0
    }

    /// Adds a field unless the event has one with this key, or each line has a member of this name. Returns whether it
    /// was added.
    pub fn add(&mut self, key: &str, value: &dyn Value) -> bool {
        self.0.add(key, value)
    }
}

/// A function of the program.
pub struct EventHook(Box<dyn FnMut(&mut HookedEvent<'_>) + Send>);

impl EventHook {
    /// A function that may do anything with an event.
    pub fn new(change: impl FnMut(&mut HookedEvent<'_>) + Send + 'static) -> EventHook {
        EventHook(Box::new(change))
    }

    /// A function that adds fields.
    pub fn provider(
        mut add: impl FnMut(&mut ProvidedFields<'_, '_>) + Send + 'static,
    ) -> EventHook {
        EventHook::new(move |event| add(&mut ProvidedFields(event)))
    }
}

impl std::fmt::Debug for EventHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventHook").finish_non_exhaustive()
    }
}

/// The functions, in the order in which they were configured.
#[derive(Default)]
pub(super) struct Hooks {
    functions: Vec<Option<EventHook>>,
    /// The entries of the last event that was changed.
    entries: Vec<u8>,
    /// The functions that have failed and are not reported yet, by their position.
    failed: Vec<usize>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("functions", &self.functions.len()).finish_non_exhaustive()
    }
}

/// What became of an event.
#[derive(Debug)]
pub(super) enum Hooked<'h> {
    Unchanged,
    /// It has these entries instead of its own fields, and its contexts besides them if `with_contexts`.
    Changed {
        entries: &'h [u8],
        with_contexts: bool,
    },
    Dropped,
}

impl Hooks {
    pub(super) fn new(functions: Vec<EventHook>) -> Hooks {
        Hooks { functions: functions.into_iter().map(Some).collect(), ..Hooks::default() }
    }

    /// Whether there is any function.
    pub(super) fn is_any(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Whether a function has failed since the last call of [`Hooks::take_failed`].
    #[inline]
    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// The positions of functions that have failed since the last call.
    pub(super) fn take_failed(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.failed)
    }

    /// Passes an event to all functions. Also returns how many were left out because they had failed.
    pub(super) fn run(&mut self, event: &Event<'_>) -> Result<(Hooked<'_>, u64), ReadError> {
        let (target, name) = event.source.names();
        let mut hooked = HookedEvent {
            level: event.level,
            target,
            name,
            fields: fields_of(event)?,
            changes: 0,
            is_changed: false,
            hides_context: false,
            is_dropped: false,
        };
        let mut left_out = 0;
        for (index, slot) in self.functions.iter_mut().enumerate() {
            let Some(function) = slot else {
                left_out += 1;
                continue;
            };
            let (before, was_changed) = (hooked.fields.clone(), hooked.is_changed);
            let hid_context = hooked.hides_context;
            if catch_unwind(AssertUnwindSafe(|| (function.0)(&mut hooked))).is_err() {
                (hooked.fields, hooked.is_changed, hooked.is_dropped) =
                    (before, was_changed, false);
                hooked.hides_context = hid_context;
                *slot = None;
                self.failed.push(index);
                left_out += 1;
            }
            if hooked.is_dropped {
                return Ok((Hooked::Dropped, left_out));
            }
        }
        if !hooked.is_changed {
            return Ok((Hooked::Unchanged, left_out));
        }
        self.entries.clear();
        let with_contexts = !hooked.hides_context;
        for Field { key, value, is_of_context } in &hooked.fields {
            if !(with_contexts && *is_of_context) {
                put_entry(&mut self.entries, key, value);
            }
        }
        Ok((Hooked::Changed { entries: &self.entries, with_contexts }, left_out))
    }
}

impl Processor {
    /// Redacts an event, passes it to the functions, redacts it again if they have changed it, and encodes it.
    #[cold]
    pub(super) fn encode_hooked(
        &mut self,
        (header, correlation): (&Header, Option<&[u8; CORRELATION_BYTES]>),
        event: Event<'_>,
        verdict: Verdict,
        lane: &LaneMemory,
    ) -> Result<(), RecordProblem> {
        let Self { outputs, tally, redaction, hooks, observing, calibration, .. } = self;
        let sinks = (&mut outputs[..], &*calibration);
        let Redacted { source, payload, has_stack } =
            redaction.event(event.source, event.payload, event.has_stack, verdict)?;
        let shown = Event { source, payload, has_stack, ..event };
        let mut message_entries = Vec::new();
        let shown = as_entries(&shown, &mut message_entries)?.unwrap_or(shown);
        let source = shown.source;
        let scope = Scope {
            bound: lane.contexts.get(header.slots.bound(), 0),
            ambient: lane.ambient_contexts.get(header.slots.ambient(), 0),
            correlation: correlation.map(Correlation::from_bytes),
        };
        let (hooked, left_out) = hooks.run(&Event { scope: Some(&scope), ..shown })?;
        tally.hooks_left_out += left_out;
        let (entries, with_contexts) = match hooked {
            Hooked::Unchanged => {
                return observing.write(
                    tally,
                    sinks,
                    (header, correlation),
                    event.source,
                    shown,
                    lane,
                );
            }
            Hooked::Dropped => {
                tally.hook_dropped += 1;
                return Ok(());
            }
            Hooked::Changed { entries, with_contexts } => (entries, with_contexts),
        };
        let (target, name) = source.names();
        let (target, name) = (target.to_vec(), name.to_vec());
        let source = Source::Dynamic { target: &target, event: &name };
        let Redacted { source, payload, .. } =
            redaction.event(source, entries, false, Verdict::Unknown)?;
        // Otherwise the fields of the contexts are among the entries.
        let slots = if with_contexts { header.slots } else { Slots::NONE };
        let header = Header { slots, ..*header };
        let shown = Event { source, payload, has_stack: false, ..event };
        observing.write(tally, sinks, (&header, correlation), event.source, shown, lane)
    }

    /// Reports the functions that have failed.
    pub(super) fn report_failed_hooks(&mut self, now: Now) {
        self.report_failed_observer(now);
        if !self.hooks.has_failed() {
            return;
        }
        for position in self.hooks.take_failed() {
            self.own_event(&report::HOOK_FAILED, now, &mut |out| out.u64(position as u64 + 1));
        }
    }
}

/// The fields of an event and of its contexts, each key once, by their precedence.
fn fields_of(event: &Event<'_>) -> Result<Vec<Field>, ReadError> {
    let mut fields: Vec<Field> = Vec::new();
    let mut put = |is_of_context: bool, key: &[u8], value: &[u8]| {
        let key = String::from_utf8_lossy(key).into_owned();
        if value.first() != Some(&tag::ABSENT) && fields.iter().all(|field| field.key != key) {
            fields.push(Field { key, value: value.to_vec(), is_of_context });
        }
    };
    match event.source {
        Source::Site(site) => {
            let mut rest = event.payload;
            for key in site.metadata().keys {
                let before = rest;
                ValueRef::read(&mut rest)?;
                put(false, key.as_bytes(), &before[..before.len() - rest.len()]);
            }
            if event.has_stack && !rest.is_empty() {
                put(false, b"stack", rest);
            }
        }
        Source::Dynamic { .. } => {
            put_entries(event.payload, &mut |key, value| put(false, key, value))?
        }
    }
    if let Some(Scope { bound, ambient, .. }) = event.scope {
        for context in [bound, ambient].into_iter().flatten() {
            put_entries(context.entries, &mut |key, value| put(true, key, value))?;
        }
    }
    Ok(fields)
}

/// Passes key and encoded value of each entry.
fn put_entries(entries: &[u8], put: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ReadError> {
    let mut rest = Entries(entries);
    loop {
        let before = rest.0;
        let Some(entry) = rest.next() else { return Ok(()) };
        let (key, _) = entry?;
        let bytes = &before[..before.len() - rest.0.len()];
        put(key, &bytes[2 + key.len()..]);
    }
}

fn put_entry(entries: &mut Vec<u8>, key: &str, value: &[u8]) {
    let key = &key.as_bytes()[..key.len().min(usize::from(u16::MAX))];
    entries.extend_from_slice(&(key.len() as u16).to_le_bytes());
    entries.extend_from_slice(key);
    entries.extend_from_slice(value);
}

/// The value, cut to the limit. `None` if it takes more even then.
fn encoded(value: &dyn Value) -> Option<Vec<u8>> {
    let limits = Limits::default().with_value_bytes_max(VALUE_BYTES_MAX);
    let mut bytes = vec![0; 2 * VALUE_BYTES_MAX as usize];
    let mut out = ValueWriter::new(&mut bytes, limits);
    value.write(&mut out);
    let (len, is_full) = (out.len_bytes(), out.is_full());
    bytes.truncate(len);
    let is_one = Values(&bytes).map_while(Result::ok).count() == 1;
    (is_one && !is_full).then_some(bytes)
}
