//! Layouts: how an event becomes a line.
//!
//! Promises: the constant parts of a call site are rendered once, with its first event. After that a line consists of
//! copies of constant pieces and encoded values. In steady state nothing is allocated, except that scratch buffers grow
//! to the size of the largest event. A payload that cannot be read is an error, and the caller removes the line.
#[cfg(feature = "audit")]
mod audit_members;
mod collected;
mod console;
mod dedup;
mod ecs;
mod json;
mod json_options;
mod json_value;
mod line_keys;
mod message;
mod profile;
mod scope;
mod stack_hash;
mod static_fields;

#[cfg(test)]
mod tests;

#[cfg(feature = "audit")]
pub use audit_members::AuditMembers;
pub use console::{ConsoleLayout, ConsoleOptions, ConsoleStyle};
pub use ecs::{
    CATEGORIES, ECS_VERSION, EcsCounts, EcsLayout, EcsOptions, EcsOrder, FieldType, Kind, Misfit,
    Problem, field_type, is_date, is_ip, is_object, of_number, problem_of,
};
pub use json::JsonLayout;
pub use json_options::{BOOT_EVENT, JsonOptions, LevelCase, LevelWords, RunId};
pub use line_keys::LineKey;
pub(crate) use message::{as_entries, to_entries};
pub use profile::Profile;
pub use scope::Scope;

use self::dedup::Order;
use super::{Out, Unit};
use crate::core::callsite::Callsite;
use crate::core::level::Level;
use ringseal_base::clock::Calibration;
use ringseal_base::fnv::fnv1a;
use ringseal_base::value::{Entries, ReadError, ValueRef, Values};

/// The target of the engine's own events.
pub const OWN_TARGET: &str = "ringseal";

/// One event that becomes a line.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: i64,
    /// The severity.
    pub level: Level,
    /// Name, target and keys.
    pub source: Source<'a>,
    /// The values of the fields; see [`Source`].
    pub payload: &'a [u8],
    /// The contexts, if there is one.
    pub scope: Option<&'a Scope<'a>>,
    /// Whether the last value of the payload is a stack trace and belongs to no key of the call site.
    pub has_stack: bool,
    /// The share of such events that is kept, if not all are.
    pub sample_rate: Option<f64>,
}

impl Event<'_> {
    /// Whether the event has a field of this key. An absent value does not count.
    fn has_own(&self, key: &[u8]) -> bool {
        match self.source {
            Source::Site(callsite) => {
                let keys = callsite.metadata().keys.iter();
                let Some(index) = keys.into_iter().position(|own| own.as_bytes() == key) else {
                    return false;
                };
                if callsite.message() == Some(index) {
                    return false;
                }
                !matches!(Values(self.payload).nth(index), Some(Ok(ValueRef::Absent)))
            }
            Source::Dynamic { .. } => has_key(self.payload, key),
        }
    }

    /// Whether the event has a field of this key, or one is bound.
    fn has_own_or_bound(&self, key: &[u8]) -> bool {
        self.has_own(key) || self.scope.is_some_and(|scope| scope.has_bound(key))
    }

    /// Whether the line has this key for other reasons than that every line has it.
    fn replaces_static(&self, key: &[u8]) -> bool {
        self.has_own_or_bound(key) || self.scope.is_some_and(|scope| scope.has(key))
    }
}

/// Whether one of the entries of a map has this key.
fn has_key(entries: &[u8], key: &[u8]) -> bool {
    let is_it = |(other, value)| other == key && value != ValueRef::Absent;
    Entries(entries).any(|entry| entry.is_ok_and(is_it))
}

/// The source of an event's name and keys.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A call site; the payload holds one value per key.
    Site(&'static Callsite),
    /// Known only at run time; the payload holds the entries of a map.
    Dynamic {
        /// The target.
        target: &'a [u8],
        /// The event's name.
        event: &'a [u8],
    },
}

/// An event of a call site without context, stack trace and rate of sampling.
#[derive(Debug, Clone, Copy)]
pub struct PlainEvent<'a> {
    /// The call site.
    pub site: &'static Callsite,
    /// The level.
    pub level: Level,
    /// Wall time.
    pub unix_nanos: i64,
    /// The fields' values.
    pub payload: &'a [u8],
}

impl<'a> PlainEvent<'a> {
    /// The same event in the general form.
    pub fn whole(&self) -> Event<'a> {
        Event {
            unix_nanos: self.unix_nanos,
            level: self.level,
            source: Source::Site(self.site),
            payload: self.payload,
            scope: None,
            has_stack: false,
            sample_rate: None,
        }
    }
}

/// The fields of a context, and how they were rendered with its definition.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// The entries of a map.
    pub entries: &'a [u8],
    /// The output of [`Layout::bound`].
    pub rendered: &'a [u8],
    /// One bit per key, by `key_bit`.
    pub key_bits: u64,
}

/// A bit for each key, so that two sets of keys without a common bit have no common key.
pub fn key_bit(key: &[u8]) -> u64 {
    1 << (fnv1a(key.iter().copied()) >> 58)
}

/// The bits of all keys of a map's entries.
pub fn key_bits(entries: &[u8]) -> u64 {
    let keys = Entries(entries).map_while(Result::ok).map(|(key, _)| key_bit(key));
    keys.fold(0, |bits, bit| bits | bit)
}

/// A layout with its caches.
#[derive(Debug)]
pub enum Layout {
    /// One flat JSON object per line.
    Json(Box<JsonLayout>),
    /// Text to read at a terminal.
    Console(Box<ConsoleLayout>),
    /// One nested JSON object per line, in the Elastic Common Schema.
    Ecs(Box<EcsLayout>),
}

impl Layout {
    /// Appends one line, including its newline.
    #[inline]
    pub fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        match self {
            Layout::Json(layout) => layout.line(event, line),
            Layout::Console(layout) => layout.line(event, line),
            Layout::Ecs(layout) => layout.line(event, line),
        }
    }

    /// Appends the line of an event that has nothing but its fields; quicker than [`Layout::line`].
    #[inline(always)]
    pub fn plain_line(
        &mut self,
        event: &PlainEvent<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        match self {
            Layout::Json(layout) => layout.plain_line(event, line),
            Layout::Console(layout) => layout.line(&event.whole(), line),
            Layout::Ecs(layout) => layout.plain_line(event, line),
        }
    }

    /// Adds these entries of a map to every line whose event and contexts do not have the same key.
    pub fn set_static_fields(&mut self, entries: &[u8]) -> Result<(), ReadError> {
        match self {
            Layout::Json(layout) => layout.set_static_fields(entries),
            Layout::Console(layout) => {
                layout.set_static_fields(entries);
                Ok(())
            }
            Layout::Ecs(layout) => {
                layout.set_static_fields(entries);
                Ok(())
            }
        }
    }

    /// Sets the relation of ticks to wall time, by which durations of [`ValueRef::Since`] are computed. At first, a
    /// tick is a nanosecond since 1970.
    pub(crate) fn set_calibration(&mut self, calibration: Calibration) {
        let clock = TickClock(Some(calibration));
        match self {
            Layout::Json(layout) => layout.clock = clock,
            Layout::Console(layout) => layout.clock = clock,
            Layout::Ecs(layout) => layout.clock = clock,
        }
    }

    /// Takes what the layout counted since the last call, and the fields to report; nothing for layouts without a
    /// schema.
    pub(crate) fn take_misfits(&mut self) -> (EcsCounts, Vec<Misfit>) {
        match self {
            Layout::Ecs(layout) => layout.take_misfits(),
            Layout::Json(_) | Layout::Console(_) => Default::default(),
        }
    }

    /// Renders bound fields once, for [`Bound::rendered`].
    pub fn bound(&mut self, entries: &[u8], rendered: &mut Vec<u8>) -> Result<(), ReadError> {
        rendered.clear();
        match self {
            Layout::Json(layout) => layout.bound(entries, rendered),
            // Rendered with each line, because fields that the event overrides must not appear.
            Layout::Console(_) => Ok(()),
            Layout::Ecs(layout) => layout.bound(entries, rendered),
        }
    }
}

/// The unit of a duration by the end of its key, as in `elapsed_ms`. Seconds if the key names none.
fn unit_of(key: &[u8]) -> Unit {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| key.ends_with(suffix.as_bytes()));
    if ends(&["_ms", ".ms", "_millis"]) {
        Unit::Millis
    } else if ends(&["_us", ".us", "_micros"]) {
        Unit::Micros
    } else if ends(&["_ns", ".ns", "_nanos"]) {
        Unit::Nanos
    } else {
        Unit::Seconds
    }
}

/// Converts ticks of the producers' clock to wall time.
#[derive(Debug, Clone, Copy, Default)]
struct TickClock(Option<Calibration>);

/// The time of an event, at which the durations that it logs end.
#[derive(Debug, Clone, Copy)]
struct End {
    clock: TickClock,
    unix_nanos: i64,
}

impl End {
    /// Seconds and nanoseconds from `ticks` to the event; 0 if it was before.
    fn since(self, ticks: u64) -> (u64, u32) {
        let start = match self.clock.0 {
            Some(calibration) => calibration.unix_nanos(ticks),
            None => i64::try_from(ticks).unwrap_or(i64::MAX),
        };
        let nanos = i128::from(self.unix_nanos) - i128::from(start);
        let nanos = u64::try_from(nanos.max(0)).unwrap_or(u64::MAX);
        (nanos / 1_000_000_000, (nanos % 1_000_000_000) as u32)
    }

    /// The same, rounded to whole microseconds.
    fn micros_since(self, ticks: u64) -> (u64, u32) {
        let (seconds, nanos) = self.since(ticks);
        let micros = (nanos + 500) / 1000;
        (seconds + u64::from(micros / 1_000_000), micros % 1_000_000 * 1000)
    }
}

/// The settings that the rendering of a value depends on.
#[derive(Debug, Clone, Copy)]
struct RenderContext<'a> {
    /// The unit of durations.
    unit: Unit,
    /// The target, for `stack_hash`.
    target: &'a [u8],
    /// The event's name, for `stack_hash`.
    event: &'a [u8],
    /// The order of entries, for maps.
    order: Order,
    /// The end of durations; `None` for fields that belong to no event.
    end: Option<End>,
}

impl<'a> RenderContext<'a> {
    /// Bound fields are rendered once for all events, so an error among them has the same `stack_hash` in all.
    const BOUND: RenderContext<'static> = RenderContext {
        unit: Unit::Seconds,
        target: b"",
        event: b"",
        order: Order::Logged,
        end: None,
    };

    fn of(event: &Event<'a>, clock: TickClock) -> Self {
        Self::at(&event.source, event.unix_nanos, clock)
    }

    fn at(source: &Source<'a>, unix_nanos: i64, clock: TickClock) -> Self {
        let (target, name) = source.names();
        RenderContext {
            unit: Unit::Seconds,
            target,
            event: name,
            order: Order::Logged,
            end: Some(End { clock, unix_nanos }),
        }
    }

    fn under(self, key: &[u8]) -> Self {
        RenderContext { unit: unit_of(key), ..self }
    }
}

impl<'a> Source<'a> {
    /// The target and the event's name.
    pub fn names(&self) -> (&'a [u8], &'a [u8]) {
        match self {
            Source::Site(callsite) => {
                (callsite.metadata().target.as_bytes(), callsite.metadata().event.as_bytes())
            }
            Source::Dynamic { target, event } => (*target, *event),
        }
    }
}

/// The bytes that `write` appends.
fn rendered(write: impl FnOnce(&mut Out<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Out::new(&mut bytes));
    bytes
}
