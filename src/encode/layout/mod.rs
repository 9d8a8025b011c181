//! Layouts: how an event becomes a line.
//!
//! Promises: what is constant about a call site is rendered once, when its first event is met; after that an event is
//! copies of constant pieces and the writing of its values. Nothing is allocated in steady state except that scratch
//! grows to the largest event met. A payload that cannot be read gives an error and the caller takes the line back.
mod dedup;
mod flat;
#[cfg(feature = "audit")]
mod members;
mod sorted;
mod stack_hash;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use flat::{Flat, FlatOptions, LevelCase};
#[cfg(feature = "audit")]
pub use members::Members;
pub use text::{Text, TextOptions};

use self::dedup::Order;
use super::{Out, Unit};
use crate::core::callsite::Callsite;
use crate::core::fnv::fnv1a;
use crate::core::level::Level;
use crate::core::value::{Entries, ReadError};

/// One event on its way to a line.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// When.
    pub unix_nanos: i64,
    /// How grave.
    pub level: Level,
    /// What, and by whom.
    pub source: Source<'a>,
    /// The values of the fields; see [`Source`].
    pub payload: &'a [u8],
    /// Bound fields.
    pub context: Option<Bound<'a>>,
    /// Whether the last value of the payload is a stack trace and belongs to no key of the call site.
    pub has_stack: bool,
    /// The share of such events that is kept, where that is not all.
    pub sample_rate: Option<f64>,
}

/// Where an event's name and keys come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A call site; the payload holds one value per key.
    Site(&'static Callsite),
    /// Known only at run time; the payload holds the entries of a map.
    Dynamic {
        /// Who logs.
        target: &'a [u8],
        /// The event's name.
        event: &'a [u8],
    },
}

/// Bound fields of an event, with what was rendered when they were first met.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// The entries of a map.
    pub entries: &'a [u8],
    /// What [`Layout::bound`] made of them.
    pub rendered: &'a [u8],
    /// One bit per key, by [`key_bit`].
    pub key_bits: u64,
}

/// A bit by which two sets of keys can be told apart: without a common bit there is no common key.
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
    Flat(Box<Flat>),
    /// For people.
    Text(Box<Text>),
}

impl Layout {
    /// Appends one line, its newline included.
    #[inline]
    pub fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        match self {
            Layout::Flat(flat) => flat.line(event, line),
            Layout::Text(text) => text.line(event, line),
        }
    }

    /// Renders bound fields once, for [`Bound::rendered`].
    pub fn bound(&mut self, entries: &[u8], rendered: &mut Vec<u8>) -> Result<(), ReadError> {
        rendered.clear();
        match self {
            Layout::Flat(flat) => flat.bound(entries, rendered),
            // Bound fields are rendered anew in every line for people: one that the event overrides must not show.
            Layout::Text(_) => Ok(()),
        }
    }
}

/// The unit that a key names at its end, for durations under it: `elapsed_ms`. Seconds where it names none.
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

/// What a value's rendering may depend on besides itself.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    /// For durations.
    unit: Unit,
    /// For `stack_hash`: who logs.
    target: &'a [u8],
    /// For `stack_hash`: what.
    event: &'a [u8],
    /// For maps.
    order: Order,
}

impl<'a> Place<'a> {
    /// Bound fields are rendered once for all events: an error among them is the same failure in each of them.
    const BOUND: Place<'static> =
        Place { unit: Unit::Seconds, target: b"", event: b"", order: Order::Logged };

    fn of(source: &Source<'a>) -> Self {
        let (target, event) = match source {
            Source::Site(callsite) => {
                (callsite.metadata().target.as_bytes(), callsite.metadata().event.as_bytes())
            }
            Source::Dynamic { target, event } => (*target, *event),
        };
        Place { unit: Unit::Seconds, target, event, order: Order::Logged }
    }

    fn under(self, key: &[u8]) -> Self {
        Place { unit: unit_of(key), ..self }
    }
}

/// A constant rendered by `write`.
fn rendered(write: impl FnOnce(&mut Out<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Out::new(&mut bytes));
    bytes
}
