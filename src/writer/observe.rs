//! An observer: code of the program that sees each accepted event after redaction, to derive metrics from it. It cannot
//! change the event. Fields can be kept out of the lines, so that only the observer sees them.
//!
//! Promises: an observer sees values as the redaction rules and hooks have left them, and only events that became a
//! line. It is asked once per call site whether it wants the events of this site; other sites keep the way of an engine
//! without an observer, at no cost. Nothing is allocated per event in steady state. An observer that panics is left out
//! from then on, which is reported in the log once and counted for each event that it misses. What is written depends
//! on the configuration alone, and never on whether the observer works.
mod event;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::event::{EventObserver, ObservedEvent, ObservedMap, ObservedSite, ObservedValue};
use super::lane_reader::LaneMemory;
use super::output::Output;
use super::process::{Processor, RecordProblem};
use super::redaction::{Redacted, Verdict};
use super::report;
use super::tally::Tally;
use crate::core::callsite::Callsite;
use crate::core::correlation::{CORRELATION_BYTES, Correlation};
use crate::core::record::{Header, split_extras};
use crate::core::registry;
use crate::encode::layout::{Event, Scope, Source, as_entries};
use ringseal_base::clock::{Calibration, Now};
use ringseal_base::value::{Entries, ReadError, ValueRef, tag};

/// A call site whose events do not take the fast ways.
#[derive(Debug, Clone, Copy)]
struct SiteState {
    site: &'static Callsite,
    /// Whether the observer wants its events.
    is_wanted: bool,
    /// Whether it has a field that is not written.
    hides_fields: bool,
    /// Whether its name comes with each event.
    is_named_by_events: bool,
}

/// The observer and the keys of fields that are not written.
#[derive(Default)]
pub struct Observing {
    observer: Option<Box<dyn EventObserver>>,
    /// Whether there is or was an observer.
    has_observer: bool,
    hidden_keys: Vec<String>,
    /// By call site id: sites whose events are observed or have hidden fields.
    sites: Vec<Option<SiteState>>,
    is_failure_unreported: bool,
    shown: Vec<u8>,
    entries: Vec<u8>,
}

impl std::fmt::Debug for Observing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observing")
            .field("has_observer", &self.has_observer)
            .field("hidden_keys", &self.hidden_keys)
            .finish_non_exhaustive()
    }
}

impl Observing {
    /// From now on, this observer sees the events.
    pub(crate) fn set_observer(&mut self, observer: Box<dyn EventObserver>) {
        (self.observer, self.has_observer) = (Some(observer), true);
    }

    /// The field is not written.
    pub(crate) fn hide(&mut self, key: &str) {
        self.hidden_keys.push(key.to_owned());
    }

    /// Hides the same fields, without an observer: events of another run do not count for this one.
    pub(super) fn of_another_run(&self) -> Observing {
        Observing { hidden_keys: self.hidden_keys.clone(), ..Observing::default() }
    }

    /// Whether any event needs it.
    pub(super) fn is_on(&self) -> bool {
        self.has_observer || !self.hidden_keys.is_empty()
    }

    fn is_hidden(&self, key: &[u8]) -> bool {
        self.hidden_keys.iter().any(|hidden| hidden.as_bytes() == key)
    }

    fn state(&self, id: u32) -> Option<SiteState> {
        *self.sites.get(id as usize)?
    }

    /// Decides about the events of a site. Returns whether they do not take the fast ways.
    fn decide(&mut self, site: &'static Callsite, id: u32) -> bool {
        let metadata = site.metadata();
        let is_named_by_events = site.message().is_some();
        let wanted = ObservedSite {
            id: Some(id),
            level: metadata.level,
            target: metadata.target,
            name: metadata.event,
            keys: metadata.keys,
        };
        let is_wanted = match is_named_by_events {
            true => self.has_observer,
            false => self.wants(&wanted),
        };
        let hides_fields = metadata.keys.iter().any(|key| self.is_hidden(key.as_bytes()));
        if !is_wanted && !hides_fields {
            return false;
        }
        let index = id as usize;
        if self.sites.len() <= index {
            self.sites.resize(index + 1, None);
        }
        self.sites[index] = Some(SiteState { site, is_wanted, hides_fields, is_named_by_events });
        true
    }

    fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
        self.guarded(|observer| observer.wants(site)).unwrap_or(false)
    }

    /// Calls the observer. `None` if it has failed, now or before.
    fn guarded<R>(&mut self, call: impl FnOnce(&mut dyn EventObserver) -> R) -> Option<R> {
        let observer = &mut **self.observer.as_mut()?;
        let result = catch_unwind(AssertUnwindSafe(|| call(observer)));
        if result.is_err() {
            self.is_failure_unreported = true;
            let failed = self.observer.take();
            // What it owns may panic as well.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(failed)));
        }
        result.ok()
    }

    /// Writes an event without its hidden fields; the observer sees it with them, if a line was written.
    pub(super) fn write(
        &mut self,
        tally: &mut Tally,
        (outputs, calibration): (&mut [Output], &Calibration),
        (header, correlation): (&Header, Option<&[u8; CORRELATION_BYTES]>),
        filtered: Source<'_>,
        event: Event<'_>,
        lane: &LaneMemory,
    ) -> Result<(), RecordProblem> {
        if !self.is_on() {
            return tally.write_lines(outputs, (header, correlation), filtered, event, lane);
        }
        let state = self.state(header.callsite);
        let may_hide = state.is_none_or(|state| state.hides_fields) && !self.hidden_keys.is_empty();
        let level = header.level as usize;
        let before = tally.events.0[level];
        let mut shown_bytes = std::mem::take(&mut self.shown);
        let payload = match may_hide {
            true => self.without_hidden(&event, &mut shown_bytes)?,
            false => event.payload,
        };
        let shown = Event { payload, ..event };
        let written = tally.write_lines(outputs, (header, correlation), filtered, shown, lane);
        self.shown = shown_bytes;
        written?;
        // A site without a state is one that the observer does not want.
        let is_unwanted = header.callsite != 0 && state.is_none();
        if !self.has_observer || is_unwanted || tally.events.0[level] == before {
            return Ok(());
        }
        let scope = Scope {
            bound: lane.contexts.get(header.slots.bound(), 0),
            ambient: lane.ambient_contexts.get(header.slots.ambient(), 0),
            correlation: correlation.map(Correlation::from_bytes),
        };
        let event = Event { scope: Some(&scope), ..event };
        let is_known = state.filter(|state| !state.is_named_by_events);
        if !self.observe(&event, header.callsite, is_known.map(|it| it.is_wanted), calibration)? {
            tally.observer_left_out += 1;
        }
        Ok(())
    }

    /// Passes the event to the observer, if it wants it. Returns whether it has not missed the event.
    fn observe(
        &mut self,
        event: &Event<'_>,
        site_id: u32,
        is_wanted: Option<bool>,
        calibration: &Calibration,
    ) -> Result<bool, ReadError> {
        let mut entries = std::mem::take(&mut self.entries);
        let converted = as_entries(event, &mut entries)?;
        let event = converted.as_ref().unwrap_or(event);
        let site_id = match (event.source, is_wanted) {
            (Source::Site(_), _) | (_, Some(_)) => Some(site_id),
            _ => None,
        };
        let observed = ObservedEvent::new(event, site_id, calibration);
        let is_wanted = match is_wanted {
            Some(is_wanted) => is_wanted,
            None if self.observer.is_none() => true,
            None => self.wants(&observed.site()),
        };
        let is_seen = !is_wanted || self.guarded(|observer| observer.observe(&observed)).is_some();
        self.entries = entries;
        Ok(is_seen)
    }

    /// The payload without hidden fields. A value of a call site becomes an absent one.
    fn without_hidden<'p>(
        &self,
        event: &Event<'p>,
        shown: &'p mut Vec<u8>,
    ) -> Result<&'p [u8], ReadError> {
        shown.clear();
        let mut rest = event.payload;
        if let Source::Site(site) = event.source {
            for key in site.metadata().keys {
                let before = rest;
                ValueRef::read(&mut rest)?;
                match self.is_hidden(key.as_bytes()) {
                    true => shown.push(tag::ABSENT),
                    false => shown.extend_from_slice(&before[..before.len() - rest.len()]),
                }
            }
            shown.extend_from_slice(rest);
            return Ok(shown);
        }
        let mut entries = Entries(rest);
        loop {
            let before = entries.0;
            let Some(entry) = entries.next() else { return Ok(shown) };
            if !self.is_hidden(entry?.0) {
                shown.extend_from_slice(&before[..before.len() - entries.0.len()]);
            }
        }
    }
}

impl Processor {
    /// Uses this observer. Sites of another process are known already.
    pub(super) fn set_observing(&mut self, mut observing: Observing) {
        if observing.is_on() {
            for (id, slot) in self.sites.iter_mut().enumerate() {
                if slot.is_some_and(|site| observing.decide(site, id as u32)) {
                    *slot = None;
                }
            }
        }
        self.observing = observing;
    }

    /// Adds a call site to the table, unless its events are observed: they do not take the fast ways.
    #[cold]
    pub(super) fn register_site(&mut self, id: u32) -> Result<&'static Callsite, RecordProblem> {
        if let Some(state) = self.observing.state(id) {
            return Ok(state.site);
        }
        if self.has_foreign_sites {
            return Err(RecordProblem::Callsite(id));
        }
        let site = registry::callsite(id).ok_or(RecordProblem::Callsite(id))?;
        if self.observing.is_on() && self.observing.decide(site, id) {
            return Ok(site);
        }
        let index = id as usize;
        if self.sites.len() <= index {
            self.sites.resize(index + 1, None);
        }
        self.sites[index] = Some(site);
        Ok(site)
    }

    /// Processes the first event of a site, and all events of observed ones.
    #[cold]
    pub(super) fn unregistered_event(
        &mut self,
        header: &Header,
        payload: &[u8],
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let site = self.register_site(header.callsite)?;
        self.observed_event(header, Source::Site(site), payload, verdict, lane)
    }

    /// Redacts an event, passes it to the hooks, and writes and observes it.
    pub(super) fn observed_event(
        &mut self,
        header: &Header,
        source: Source<'_>,
        payload: &[u8],
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let (payload, extras) = split_extras(header, payload)?;
        let unix_nanos = self.calibration.unix_nanos(header.ticks).max(lane.last_unix_nanos);
        lane.last_unix_nanos = unix_nanos;
        let event = Event {
            unix_nanos,
            level: header.level,
            source,
            payload,
            scope: None,
            has_stack: header.has_stack,
            sample_rate: extras.sample_rate,
        };
        let header = (header, extras.correlation);
        if self.hooks.is_any() {
            return self.encode_hooked(header, event, verdict, lane);
        }
        let Self { outputs, tally, redaction, observing, calibration, .. } = self;
        let Redacted { source, payload, has_stack } =
            redaction.event(event.source, event.payload, event.has_stack, verdict)?;
        let shown = Event { source, payload, has_stack, ..event };
        observing.write(tally, (outputs, calibration), header, event.source, shown, lane)
    }

    /// Reports an observer that has failed.
    pub(super) fn report_failed_observer(&mut self, now: Now) {
        if std::mem::take(&mut self.observing.is_failure_unreported) {
            self.own_event(&report::OBSERVER_FAILED, now, &mut |_| {});
        }
    }
}
