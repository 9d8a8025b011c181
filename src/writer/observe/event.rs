//! An event as an observer sees it.
//!
//! Promises: reading a value allocates nothing. A value that cannot be read ends the iteration; it never panics.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::core::level::Level;
use crate::encode::layout::{Event, Source};
use ringseal_base::clock::Calibration;
use ringseal_base::value::{Entries, ValueRef, Values};

/// Sees each event that became a line, after redaction, on the writer's thread.
///
/// The writer waits for it: a slow observer fills the rings. One that panics is left out from then on. See
/// [`Config::event_observer`](crate::Config::event_observer).
pub trait EventObserver: Send {
    /// Whether it wants the events of a call site. It is asked once per site, before the first event. For an event
    /// whose name is known only at run time it is asked each time, with `id` `None`.
    fn wants(&mut self, site: &ObservedSite<'_>) -> bool;

    /// Takes an event of a site that it wants.
    fn observe(&mut self, event: &ObservedEvent<'_>);
}

/// The place in a program that logs an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedSite<'e> {
    /// The call site's number in this process. It is small, and the same for each event of the site.
    pub id: Option<u32>,
    /// The level.
    pub level: Level,
    /// The target.
    pub target: &'e str,
    /// The event's name.
    pub name: &'e str,
    /// The keys of its fields; empty if they are known only at run time.
    pub keys: &'e [&'static str],
}

/// An event after redaction.
#[derive(Debug)]
pub struct ObservedEvent<'e> {
    event: &'e Event<'e>,
    site_id: Option<u32>,
    calibration: &'e Calibration,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ObservedValue<'e> {
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A number that fits neither.
    Float(f64),
    /// A duration, in seconds.
    Seconds(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(&'e str),
    /// An error, by its type.
    Error(&'e str),
    /// An IP address.
    Ip(IpAddr),
    /// A UUID.
    Uuid([u8; 16]),
    /// Keys and values.
    Map(ObservedMap<'e>),
    /// Any other value, which has no short text.
    Other,
}

/// The keys and values of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedMap<'e>(Entries<'e>);

impl<'e> ObservedMap<'e> {
    /// Keys and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'e str, ObservedValue<'e>)> + use<'e> {
        self.0.map_while(Result::ok).map(|(key, value)| (text(key), plain_value(value)))
    }
}

impl<'e> ObservedEvent<'e> {
    pub(super) fn new(
        event: &'e Event<'e>,
        site_id: Option<u32>,
        calibration: &'e Calibration,
    ) -> Self {
        Self { event, site_id, calibration }
    }

    /// The place that logged it. Its name and target are redacted, too.
    pub fn site(&self) -> ObservedSite<'e> {
        let (target, name) = self.event.source.names();
        let keys: &'static [&'static str] = match self.event.source {
            Source::Site(site) => site.metadata().keys,
            Source::Dynamic { .. } => &[],
        };
        let (target, name) = (text(target), text(name));
        ObservedSite { id: self.site_id, level: self.event.level, target, name, keys }
    }

    /// The call site's number; see [`ObservedSite::id`].
    #[inline]
    pub fn site_id(&self) -> Option<u32> {
        self.site_id
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.event.level
    }

    /// Its time, in nanoseconds since 1970.
    pub fn unix_nanos(&self) -> i64 {
        self.event.unix_nanos
    }

    /// The number of events that it represents: more than 1 if sampling keeps only a share of them.
    #[inline]
    pub fn weight(&self) -> f64 {
        match self.event.sample_rate {
            Some(rate) if rate > 0.0 && rate <= 1.0 => 1.0 / rate,
            _ => 1.0,
        }
    }

    /// The id of its trace.
    pub fn trace_id(&self) -> Option<[u8; 16]> {
        let correlation = self.event.scope?.correlation.as_ref()?;
        let bytes = correlation.to_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        (id != [0; 16]).then_some(id)
    }

    /// The value of a field of the event, of its logger or of its context, in this order.
    pub fn get(&self, key: &str) -> Option<ObservedValue<'e>> {
        match self.event.source {
            Source::Site(site) => {
                let position = site.metadata().keys.iter().position(|own| *own == key);
                if let Some(value) = position.and_then(|position| self.at(position)) {
                    return Some(value);
                }
            }
            Source::Dynamic { .. } => {
                if let Some(value) = self.of_entries(self.event.payload, key) {
                    return Some(value);
                }
            }
        }
        self.of_context(key)
    }

    /// The value of the field whose key is at this position of [`ObservedSite::keys`]. `None` beyond them, without a
    /// value, and if the keys are known only at run time.
    #[inline]
    pub fn at(&self, position: usize) -> Option<ObservedValue<'e>> {
        let Source::Site(_) = self.event.source else { return None };
        self.value(Values(self.event.payload).nth(position)?.ok()?)
    }

    /// The value of a field of its logger or its context.
    pub fn of_context(&self, key: &str) -> Option<ObservedValue<'e>> {
        let scope = self.event.scope?;
        let contexts = [scope.bound, scope.ambient].into_iter().flatten();
        contexts.filter_map(|context| self.of_entries(context.entries, key)).next()
    }

    fn of_entries(&self, entries: &'e [u8], key: &str) -> Option<ObservedValue<'e>> {
        let mut entries = Entries(entries).map_while(Result::ok);
        self.value(entries.find(|(own, _)| *own == key.as_bytes())?.1)
    }

    #[inline]
    fn value(&self, value: ValueRef<'e>) -> Option<ObservedValue<'e>> {
        match value {
            ValueRef::Absent => None,
            ValueRef::Since(ticks) | ValueRef::SinceMicros(ticks) => {
                let nanos = self.event.unix_nanos - self.calibration.unix_nanos(ticks);
                Some(ObservedValue::Seconds(nanos.max(0) as f64 / 1e9))
            }
            other => Some(plain_value(other)),
        }
    }
}

/// A value that does not depend on the event's time.
#[inline]
fn plain_value(value: ValueRef<'_>) -> ObservedValue<'_> {
    match value {
        ValueRef::I64(number) => ObservedValue::Signed(number),
        ValueRef::U64(number) => ObservedValue::Unsigned(number),
        ValueRef::F64(number) => ObservedValue::Float(number),
        ValueRef::F32(number) => ObservedValue::Float(number.into()),
        ValueRef::I128(number) => ObservedValue::Float(number as f64),
        ValueRef::U128(number) => ObservedValue::Float(number as f64),
        ValueRef::Number(digits) => match text(digits).parse() {
            Ok(number) => ObservedValue::Float(number),
            Err(_) => ObservedValue::Other,
        },
        ValueRef::Duration(seconds, nanos) => {
            ObservedValue::Seconds(seconds as f64 + f64::from(nanos) / 1e9)
        }
        ValueRef::Bool(truth) => ObservedValue::Bool(truth),
        ValueRef::Str(bytes) | ValueRef::StrCut(bytes, _) => ObservedValue::Text(text(bytes)),
        ValueRef::Ipv4(octets) => ObservedValue::Ip(Ipv4Addr::from(octets).into()),
        ValueRef::Ipv6(octets) => ObservedValue::Ip(Ipv6Addr::from(octets).into()),
        ValueRef::Uuid(bytes) => ObservedValue::Uuid(bytes),
        ValueRef::Map(entries) => ObservedValue::Map(ObservedMap(entries)),
        ValueRef::Error(mut values) => match values.next() {
            Some(Ok(ValueRef::Str(kind))) => ObservedValue::Error(text(kind)),
            _ => ObservedValue::Other,
        },
        _ => ObservedValue::Other,
    }
}

/// The bytes as text, up to the first that is not UTF-8.
fn text(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}
