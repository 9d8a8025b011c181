//! Turns records into lines: resolves call site and context, converts the time, redacts, and encodes for each output.
//!
//! Promises: no lock per event, no allocation in steady state. A record that cannot be read is counted, reported in
//! the log and skipped; it never stops the others.
use std::fmt;

use super::context_table::{Definition, RecentContexts};
use super::hooks::Hooks;
use super::lane_reader::LaneMemory;
use super::line_table::LineOrigin;
use super::managed_sink::SinkEvent;
use super::misfits::MisfitReports;
use super::observe::Observing;
use super::output::{Encoded, Output};
pub(super) use super::record_problem::RecordProblem;
use super::redaction::{Redacted, Redaction, RedactionConfig, Verdict};
use super::report;
use super::tally::Tally;
use crate::core::callsite::Callsite;
use crate::core::correlation::{CORRELATION_BYTES, Correlation};
use crate::core::level::Level;
use crate::core::record::{Extras, Header, Kind, PlainRecord, Record, Slots, split_extras};
use crate::core::registry;
use crate::encode::layout::{Event, Scope, Source};
use ringseal_base::clock::{Calibration, Now};
use ringseal_base::limits::Limits;
use ringseal_base::value::{ReadError, ValueRef, ValueWriter, Values};

/// The longest payload of the engine's own events.
const OWN_PAYLOAD_BYTES: usize = 16 * 1024;

/// The state that turns records into lines and batches.
#[derive(Debug)]
pub(super) struct Processor {
    pub(super) outputs: Vec<Output>,
    pub(super) calibration: Calibration,
    pub(super) redaction: Redaction,
    #[cfg(feature = "audit")]
    pub(super) audit: Option<super::audit::Feed>,
    pub(super) tally: Tally,
    pub(super) sink_events: Vec<SinkEvent>,
    /// Call sites by id, added with their first event.
    pub(super) sites: Vec<Option<&'static Callsite>>,
    /// Whether the ids are those of another process, of which `sites` has all.
    pub(super) has_foreign_sites: bool,
    own_payload: Vec<u8>,
    pub(super) recent_contexts: RecentContexts,
    /// Fields of every line, as they were set, to redact them again if the rules change.
    pub(super) static_fields: Vec<u8>,
    /// Losses in all lanes when they were last reported.
    losses_seen: u64,
    pub(super) misfit_reports: MisfitReports,
    pub(super) hooks: Hooks,
    pub(super) observing: Observing,
}

impl Processor {
    pub(super) fn new(
        outputs: Vec<Output>,
        calibration: Calibration,
        redaction: RedactionConfig,
        static_fields: Vec<u8>,
    ) -> Self {
        let mut processor = Self {
            outputs,
            calibration,
            redaction: Redaction::new(redaction),
            #[cfg(feature = "audit")]
            audit: None,
            tally: Tally::default(),
            sink_events: Vec::new(),
            sites: Vec::new(),
            has_foreign_sites: false,
            own_payload: vec![0; OWN_PAYLOAD_BYTES],
            recent_contexts: RecentContexts::default(),
            static_fields,
            losses_seen: 0,
            misfit_reports: MisfitReports::default(),
            hooks: Hooks::default(),
            observing: Observing::default(),
        };
        processor.pass_on_calibration();
        // They were written by this process a moment ago, so they can be read.
        let _ = processor.set_static_fields();
        processor
    }

    /// Passes every event to these functions.
    pub(super) fn set_hooks(&mut self, hooks: Hooks) {
        if hooks.is_any() {
            // No event goes the ways that leave them out.
            self.redaction.take_all();
            self.outputs.iter_mut().for_each(Output::decide_each);
            self.hooks = hooks;
        }
    }

    /// Gives the layouts the present relation of ticks to wall time.
    pub(super) fn pass_on_calibration(&mut self) {
        for output in &mut self.outputs {
            output.layout.set_calibration(self.calibration);
        }
    }

    /// Redacts the fields of every line and passes them to the layouts.
    pub(super) fn set_static_fields(&mut self) -> Result<(), ReadError> {
        if self.static_fields.is_empty() {
            return Ok(());
        }
        let entries = self.redaction.entries(&self.static_fields)?;
        self.outputs.iter_mut().try_for_each(|output| output.layout.set_static_fields(entries))
    }

    /// Processes one record of a lane.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: &Record<'_>,
        verdict: Verdict,
        lane: &mut LaneMemory,
        now: Now,
    ) {
        self.tally.records += 1;
        let result = match record.header.kind {
            Kind::Event => self.event(record, verdict, lane),
            _ => self.other_record(record, verdict, lane),
        };
        if let Err(error) = result {
            self.record_error(&error, record.len_bytes, now);
        }
    }

    /// Processes an event without context and flags that needs no redaction, if one output takes all of its level;
    /// otherwise does nothing. It is then processed like any other record. Its record ends at `end_position`.
    #[inline(always)]
    pub(super) fn plain_event(
        &mut self,
        record: &PlainRecord<'_>,
        lane: &mut LaneMemory,
        end_position: u64,
    ) -> Encoded {
        let level = record.level;
        let [output] = &mut self.outputs[..] else { return Encoded::Nothing };
        let Some(Some(site)) = self.sites.get(record.callsite as usize) else {
            return Encoded::Nothing;
        };
        if !output.takes_all(level) {
            return Encoded::Nothing;
        }
        let unix_nanos = self.calibration.unix_nanos(record.ticks).max(lane.last_unix_nanos);
        let line_bytes = output.encode_plain(site, level, unix_nanos, record.payload);
        if line_bytes == 0 {
            return Encoded::Nothing;
        }
        lane.last_unix_nanos = unix_nanos;
        self.tally.records += 1;
        self.tally.events.0[level as usize] += 1;
        let origin = LineOrigin { end_position, lane: lane.origin.lane };
        if output.add_line(origin, line_bytes, level) {
            self.tally.is_delivery_due = true;
            return Encoded::Full;
        }
        Encoded::Whole
    }

    /// Notes the time of the first of some records of a lane that were processed.
    pub(super) fn note_first(&mut self, ticks: u64) {
        let unix_nanos = self.calibration.unix_nanos(ticks);
        self.tally.unix_nanos_min = self.tally.unix_nanos_min.min(unix_nanos);
    }

    /// Records processed in this turn.
    pub(super) fn records(&self) -> u64 {
        self.tally.records
    }

    #[inline]
    fn event(
        &mut self,
        record: &Record<'_>,
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let header = &record.header;
        let site = match self.sites.get(header.callsite as usize) {
            Some(Some(site)) => *site,
            _ => return self.unregistered_event(header, record.payload, verdict, lane),
        };
        self.encode(header, Source::Site(site), record.payload, verdict, lane)
    }

    /// Encodes an event for every output that takes its level.
    #[inline]
    fn encode(
        &mut self,
        header: &Header,
        source: Source<'_>,
        payload: &[u8],
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        // Most events have none, and their code has nothing of it.
        if header.extras.any() {
            return self.encode_with_extras(header, source, payload, verdict, lane);
        }
        self.encode_values(header, source, (payload, Extras::default()), verdict, lane)
    }

    #[inline(never)]
    fn encode_with_extras(
        &mut self,
        header: &Header,
        source: Source<'_>,
        payload: &[u8],
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let parts = split_extras(header, payload)?;
        self.encode_values(header, source, parts, verdict, lane)
    }

    #[inline(always)]
    fn encode_values(
        &mut self,
        header: &Header,
        source: Source<'_>,
        (payload, extras): (&[u8], Extras<'_>),
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let Extras { sample_rate, correlation } = extras;
        let unix_nanos = self.calibration.unix_nanos(header.ticks).max(lane.last_unix_nanos);
        lane.last_unix_nanos = unix_nanos;
        let has_stack = header.has_stack;
        let scope = None;
        let level = header.level;
        let shown = Event { unix_nanos, level, source, payload, scope, has_stack, sample_rate };
        // Clean events are passed through without a copy in memory.
        if self.redaction.passes(verdict) {
            let Self { outputs, tally, .. } = self;
            return tally.write_lines(outputs, (header, correlation), source, shown, lane);
        }
        self.encode_redacted((header, correlation), shown, verdict, lane)
    }

    #[inline(never)]
    fn encode_redacted(
        &mut self,
        header: (&Header, Option<&[u8; CORRELATION_BYTES]>),
        event: Event<'_>,
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        if self.hooks.is_any() {
            return self.encode_hooked(header, event, verdict, lane);
        }
        let Self { outputs, tally, redaction, .. } = self;
        let Redacted { source, payload, has_stack } =
            redaction.event(event.source, event.payload, event.has_stack, verdict)?;
        let shown = Event { source, payload, has_stack, ..event };
        tally.write_lines(outputs, header, event.source, shown, lane)
    }

    #[inline(never)]
    pub(super) fn other_record(
        &mut self,
        record: &Record<'_>,
        verdict: Verdict,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        match record.header.kind {
            Kind::Event => Ok(()),
            Kind::Context => {
                let level = record.header.level as usize;
                self.tally.truncated.0[level] += u64::from(record.header.is_cut);
                let layouts = self.outputs.iter_mut().map(|output| &mut output.layout);
                let Header { slots, callsite: evicted, .. } = record.header;
                let (table, number) = match slots.ambient() {
                    0 => (&mut lane.contexts, slots.bound()),
                    ambient => (&mut lane.ambient_contexts, ambient),
                };
                let definition = Definition { number, evicted, payload: record.payload, verdict };
                let Self { recent_contexts: recent, redaction, .. } = self;
                Ok(table.define(definition, recent, redaction, layouts)?)
            }
            Kind::Thread => {
                lane.forget_contexts();
                lane.set_thread(Values(record.payload));
                Ok(())
            }
            #[cfg(feature = "audit")]
            Kind::Audit => self.audit_event(record, lane),
            // Builds without the feature never write this record; only a foreign ring can contain one.
            #[cfg(not(feature = "audit"))]
            Kind::Audit => Ok(()),
            Kind::Dynamic => {
                let mut payload = record.payload;
                let target = text(&mut payload)?;
                let event = text(&mut payload)?;
                let source = Source::Dynamic { target, event };
                if self.observing.is_on() {
                    let header = &record.header;
                    return self.observed_event(header, source, payload, Verdict::Unknown, lane);
                }
                self.encode(&record.header, source, payload, Verdict::Unknown, lane)
            }
        }
    }

    /// Counts and reports a record that could not be read.
    #[cold]
    pub(super) fn record_error(
        &mut self,
        error: &dyn fmt::Display,
        skipped_bytes: usize,
        now: Now,
    ) {
        self.tally.record_errors += 1;
        self.tally.unreadable_bytes += skipped_bytes as u64;
        let reason = error.to_string();
        self.own_event(&report::RECORD_ERROR, now, &mut |out| {
            out.str(&reason);
            out.u64(skipped_bytes as u64);
        });
    }

    /// Writes one of the engine's own events to every output that takes it.
    #[cold]
    pub(super) fn own_event(
        &mut self,
        site: &'static Callsite,
        now: Now,
        fill: &mut dyn FnMut(&mut ValueWriter<'_>),
    ) {
        registry::assign_id(site);
        let mut payload = std::mem::take(&mut self.own_payload);
        let mut out = ValueWriter::new(&mut payload, Limits::default());
        fill(&mut out);
        let len = out.len_bytes();
        let redacted =
            self.redaction.event(Source::Site(site), &payload[..len], false, Verdict::Unknown);
        let Ok(Redacted { source, payload: shown, has_stack }) = redacted else {
            self.own_payload = payload;
            return;
        };
        let event = Event {
            unix_nanos: now.unix_nanos,
            level: site.metadata().level,
            source,
            payload: shown,
            scope: None,
            has_stack,
            sample_rate: None,
        };
        let mut is_wanted = false;
        for output in &mut self.outputs {
            if !output.passes(event.level, site.id(), &Source::Site(site)) {
                continue;
            }
            is_wanted = true;
            if output.encode(&event, LineOrigin::OWN).is_ok_and(|is_full| is_full) {
                // Ring space is given back at the next opportunity; an own event is in no ring.
                self.tally.is_delivery_due = true;
                self.tally.deliver(output, now, &mut self.sink_events);
            }
        }
        let counts = if is_wanted { &mut self.tally.events } else { &mut self.tally.discarded };
        counts.0[event.level as usize] += 1;
        self.own_payload = payload;
    }

    /// Whether lanes may have lost something since the last call. One comparison for all lanes, so that idle lanes cost
    /// nothing.
    pub(super) fn has_new_losses(&mut self, losses: u64) -> bool {
        std::mem::replace(&mut self.losses_seen, losses) != losses
    }

    /// Reports what one lane has lost since the last report.
    pub(super) fn report_loss_of(&mut self, memory: &mut LaneMemory, now: Now) {
        if memory.counters.lost_total.get() != memory.lost_reported.total() {
            self.report_loss(memory, now);
        }
    }

    #[cold]
    fn report_loss(&mut self, memory: &mut LaneMemory, now: Now) {
        let lost = memory.counters.lost.get();
        let since = memory.reported_unix_nanos;
        let reported = std::mem::replace(&mut memory.lost_reported, lost);
        memory.counters.reported_total.set(lost.total());
        let handovers = memory.counters.handovers.get();
        let is_mixed = std::mem::replace(&mut memory.handovers_reported, handovers) != handovers
            || memory.counters.is_unnamed.get() != 0;
        let (thread, name) =
            if is_mixed { (0, report::MIXED) } else { (memory.thread, &*memory.thread_name) };
        memory.reported_unix_nanos = now.unix_nanos;
        self.own_event(&report::LOST, now, &mut |out| {
            out.u64(lost.total() - reported.total());
            for level in Level::ALL {
                out.u64(lost.of(level) - reported.of(level));
            }
            out.u64(thread);
            out.str(name);
            out.time(since.div_euclid(1_000_000_000), since.rem_euclid(1_000_000_000) as u32);
        });
    }

    /// Notes that the ring space of all lines was given back.
    pub(super) fn note_release(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.lines.note_release());
        self.tally.is_delivery_due = false;
    }

    /// Delivers all batches.
    pub(super) fn deliver(&mut self, now: Now) {
        for output in &mut self.outputs {
            self.tally.deliver(output, now, &mut self.sink_events);
        }
    }
}

impl Tally {
    /// Encodes the event for every output that takes it, and counts it. The outputs' filters see `source`, the source
    /// before redaction.
    #[inline(always)]
    pub(super) fn write_lines(
        &mut self,
        outputs: &mut [Output],
        (header, correlation): (&Header, Option<&[u8; CORRELATION_BYTES]>),
        source: Source<'_>,
        event: Event<'_>,
        lane: &LaneMemory,
    ) -> Result<(), RecordProblem> {
        let level = header.level as usize;
        let mut is_wanted = false;
        for (index, output) in outputs.iter_mut().enumerate() {
            if !output.passes(header.level, header.callsite, &source) {
                continue;
            }
            is_wanted = true;
            let is_full = if header.slots.any() || correlation.is_some() {
                encode_in_scope(output, index, &event, (header.slots, correlation), lane)?
            } else {
                output.encode(&event, lane.origin)?
            };
            if is_full {
                self.is_delivery_due = true;
            }
        }
        let counts = if is_wanted { &mut self.events } else { &mut self.discarded };
        counts.0[level] += 1;
        self.truncated.0[level] += u64::from(header.is_cut);
        Ok(())
    }

    fn deliver(&mut self, output: &mut Output, now: Now, sink_events: &mut Vec<SinkEvent>) {
        if output.batch.is_empty() {
            return;
        }
        self.batches += 1;
        self.line_bytes += output.batch.len_bytes() as u64;
        self.batch_grown += u64::from(output.deliver(now, sink_events));
    }
}

/// Encodes an event with contexts for the output of this index; returns whether its batch is full.
#[inline(never)]
fn encode_in_scope(
    output: &mut Output,
    index: usize,
    event: &Event<'_>,
    (slots, correlation): (Slots, Option<&[u8; CORRELATION_BYTES]>),
    lane: &LaneMemory,
) -> Result<bool, ReadError> {
    let scope = Scope {
        bound: lane.contexts.get(slots.bound(), index),
        ambient: lane.ambient_contexts.get(slots.ambient(), index),
        correlation: correlation.map(Correlation::from_bytes),
    };
    output.encode(&Event { scope: Some(&scope), ..*event }, lane.origin)
}

fn text<'a>(payload: &mut &'a [u8]) -> Result<&'a [u8], ReadError> {
    match ValueRef::read(payload)? {
        ValueRef::Str(text) | ValueRef::StrCut(text, _) => Ok(text),
        _ => Ok(b""),
    }
}
