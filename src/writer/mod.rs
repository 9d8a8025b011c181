//! The writer thread: drains the lanes, merges records by time, encodes them and delivers batches to the sinks.
//!
//! Promises: one turn is [`Writer::step`]. It is deterministic in the contents of the rings, the channel and the clock,
//! so tests drive the writer turn by turn. In steady state a turn allocates nothing and takes no lock. Only the sinks
//! can block it; sinks that may block for long have their own thread (`sink::isolated`). Events that no sink has are in
//! the rings, also while the writer is inside a turn (`drain.rs`); a crash loses rings that are in private memory.
//!
//! Order: within a lane exactly as logged. Across lanes by timestamp, for events that are published within the reorder
//! window after their timestamp was taken.
pub mod answer;
#[cfg(feature = "audit")]
pub mod audit;
mod context_table;
pub mod control;
mod drain;
mod home;
pub mod hooks;
mod lane_reader;
mod line_table;
pub mod link;
mod managed_sink;
mod misfits;
pub mod observe;
mod output;
mod process;
mod reclaim;
mod record_problem;
pub mod recovery;
pub(crate) mod redaction;
pub mod report;
pub mod rotations;
pub mod run;
mod sink_health;
pub(crate) mod stderr;
mod tally;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::control::{Control, FlushError};
use self::drain::Heads;
use self::hooks::{EventHook, Hooks};
use self::lane_reader::{LaneMemory, LaneReader};
use self::line_table::LaneNumbers;
use self::link::{Inbox, Link};
use self::managed_sink::{ManagedSink, SinkEvent};
use self::output::Output;
pub use self::output::OutputConfig;
pub(crate) use self::output::tables_of;
use self::process::Processor;
use self::recovery::Recovering;
pub use self::redaction::RedactionConfig;
pub(crate) use self::redaction::redact_fields;

use crate::core::level::Level;
use crate::recover::home::WriterHome;
#[cfg(feature = "audit")]
use crate::recover::journal::AuditProgress;
use ringseal_base::clock::{Calibration, Clock, Now};
use ringseal_redact::Rules;

/// The parts and settings of a writer.
#[derive(Debug)]
pub struct WriterConfig {
    /// The outputs that events go to.
    pub outputs: Vec<OutputConfig>,
    /// A batch is delivered when it holds this many bytes, and at the end of a turn.
    pub batch_bytes_max: usize,
    /// Bytes of lines held for a failing sink.
    pub held_bytes_max: usize,
    /// How long an event waits for older events of other lanes.
    pub reorder_window_nanos: u64,
    /// Whether to publish the time for producers with a coarse clock.
    pub publishes_time: bool,
    /// How events are redacted.
    pub redaction: RedactionConfig,
    /// Fields of every line: the entries of a map.
    pub static_fields: Vec<u8>,
    /// Functions that see each event.
    pub hooks: Vec<EventHook>,
    /// Code that sees each accepted event, and fields that are not written.
    pub observing: observe::Observing,
}

/// The writer.
#[derive(Debug)]
pub struct Writer {
    link: Arc<Link>,
    inbox: Inbox,
    clock: Arc<dyn Clock>,
    calibrate_at_ticks: u64,
    calibrations: u32,
    reclaim_at_ticks: u64,
    last_ticks: u64,
    lanes: Vec<LaneReader>,
    lane_numbers: LaneNumbers,
    heads: Heads,
    /// For the report of events that were lost without a lane.
    unplaced: LaneMemory,
    processor: Processor,
    reorder_window_nanos: u64,
    publishes_time: bool,
    /// What the next start finds if this run is killed.
    home: Option<WriterHome>,
    /// What is to be done before the first turn.
    recovering: Option<Recovering>,
    rotations: Option<Arc<rotations::Rotations>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// The result of a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Records taken from the rings.
    pub records: u64,
    /// Whether any ring was more than an eighth full, so that the next turn should follow at once.
    pub is_pressed: bool,
    /// Whether records wait for the reorder window.
    pub is_waiting: bool,
    /// Whether the writer was stopped.
    pub is_stopped: bool,
}

impl Writer {
    /// A writer without lanes. Reads the clock for about a millisecond.
    pub fn new(config: WriterConfig, link: Arc<Link>, inbox: Inbox, clock: Arc<dyn Clock>) -> Self {
        let calibration = Calibration::measure(&*clock);
        let (batch, held) = (config.batch_bytes_max, config.held_bytes_max);
        let outputs = config.outputs.into_iter().map(|output| Output::new(output, batch, held));
        let unplaced = Arc::clone(&link.unplaced);
        link.set_nanos_per_tick(calibration.nanos_per_tick());
        let mut processor =
            Processor::new(outputs.collect(), calibration, config.redaction, config.static_fields);
        processor.set_hooks(Hooks::new(config.hooks));
        processor.set_observing(config.observing);
        Self {
            unplaced: LaneMemory::new(unplaced, calibration.unix_nanos(clock.ticks())),
            link,
            inbox,
            calibrate_at_ticks: 0,
            calibrations: 0,
            reclaim_at_ticks: 0,
            last_ticks: 0,
            clock,
            lanes: Vec::new(),
            lane_numbers: LaneNumbers::default(),
            heads: Heads::default(),
            processor,
            reorder_window_nanos: config.reorder_window_nanos,
            publishes_time: config.publishes_time,
            home: None,
            recovering: None,
            rotations: None,
        }
    }

    /// Sends audit events to the audit thread of `feed`.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn with_audit(mut self, mut feed: audit::Feed, progress: Option<&AuditProgress>) -> Self {
        if let (Some(WriterHome { home, .. }), Some(progress)) = (&self.home, progress) {
            feed.set_journal(home.journal(progress));
        }
        self.processor.audit = Some(feed.reporting_to(Arc::clone(&self.link.stderr)));
        self
    }

    /// Whether it publishes the time for producers.
    pub(super) fn publishes_time(&self) -> bool {
        self.publishes_time
    }

    /// One turn at `ticks` of the writer's clock.
    pub fn step(&mut self, ticks: u64) -> Turn {
        self.turn(ticks, true)
    }

    /// One turn, which answers calls only if `answers_calls`.
    fn turn(&mut self, ticks: u64, answers_calls: bool) -> Turn {
        if ticks < self.last_ticks {
            self.handle_counter_reset(ticks);
        }
        self.last_ticks = ticks;
        if ticks >= self.calibrate_at_ticks {
            self.calibrate(ticks);
        }
        let now = Now { ticks, unix_nanos: self.processor.calibration.unix_nanos(ticks) };
        if self.publishes_time {
            self.link.coarse.publish(ticks);
        }
        let mut turn = Turn::default();
        let mut calls = Vec::new();
        if answers_calls && self.link.take_call() {
            // Requests before lanes: an event logged before a request may be in a lane that was sent before it.
            calls.extend(self.inbox.control.try_iter());
            self.accept_lanes(now);
        }
        let cutoff = if calls.is_empty() { self.cutoff(ticks) } else { u64::MAX };
        self.drain(now, cutoff, &mut turn);
        self.report_losses(now);
        self.processor.report_misfits(now);
        self.processor.report_failed_hooks(now);
        self.report_rotations(now, turn.records);
        self.hand_over(now);
        // Only lanes whose space was given back end.
        self.reclaim_when_due(now, &mut turn);
        self.turn_sinks(now);
        for call in calls {
            turn.is_stopped |= self.answer(call, now);
            self.hand_over_when_due(now);
        }
        if turn.is_stopped {
            self.leave_home();
        }
        self.processor.tally.publish(&self.link.counters);
        turn
    }

    /// Reports in the log what was lost since the last report.
    fn report_losses(&mut self, now: Now) {
        if self.processor.has_new_losses(self.link.losses()) {
            for index in 0..self.lanes.len() {
                self.processor.report_loss_of(&mut self.lanes[index].memory, now);
                self.hand_over_when_due(now);
            }
        }
        self.processor.report_loss_of(&mut self.unplaced, now);
    }

    /// The ticks up to which records are taken in this turn.
    fn cutoff(&self, ticks: u64) -> u64 {
        if self.lanes.len() <= 1 {
            return u64::MAX;
        }
        let window = self.reorder_window_nanos as f64 / self.processor.calibration.nanos_per_tick();
        ticks.saturating_sub(window as u64)
    }

    #[cold]
    fn calibrate(&mut self, ticks: u64) {
        // After 1, 4, 16, … ms, then each second, because the first slope was measured over a millisecond.
        let pause_millis = 1u64 << (2 * self.calibrations).min(10);
        self.calibrations += 1;
        let pause =
            pause_millis.min(1000) as f64 * 1e6 / self.processor.calibration.nanos_per_tick();
        self.calibrate_at_ticks = ticks.saturating_add(pause as u64);
        self.note_removed_segments(ticks);
        let step = self.processor.calibration.adjust(self.clock.now());
        self.processor.pass_on_calibration();
        self.keep_home(ticks);
        self.link.set_nanos_per_tick(self.processor.calibration.nanos_per_tick());
        if let Some(step) = step {
            self.link.counters.clock_steps.add(1);
            for lane in &mut self.lanes {
                lane.memory.last_unix_nanos = i64::MIN;
            }
            let now = Now { ticks, unix_nanos: self.processor.calibration.unix_nanos(ticks) };
            self.processor
                .own_event(&report::CLOCK_STEPPED, now, &mut |out| out.i64(step.nanos / 1_000_000));
        }
    }

    /// Looks for segments that retention removed; they are reported at the end of the turn.
    fn note_removed_segments(&mut self, ticks: u64) {
        let now = Now { ticks, unix_nanos: self.processor.calibration.unix_nanos(ticks) };
        let sinks = self.processor.outputs.iter_mut().flat_map(|output| &mut output.sinks);
        let removed = sinks.filter_map(|sink| sink.removed_segments(now));
        self.processor.sink_events.extend(removed);
    }

    /// Handles a counter that is lower than in the last turn. A small difference comes from another core. A second or
    /// more means that it was reset, as some machines do on resume from sleep: records in the rings would then wait for
    /// the reorder window until the counter is back at its old value, and so would the next calibration.
    #[cold]
    fn handle_counter_reset(&mut self, ticks: u64) {
        let back_nanos =
            (self.last_ticks - ticks) as f64 * self.processor.calibration.nanos_per_tick();
        if back_nanos < 1e9 {
            return;
        }
        let last = self.last_ticks;
        let now = Now { ticks: last, unix_nanos: self.processor.calibration.unix_nanos(last) };
        self.drain(now, u64::MAX, &mut Turn::default());
        self.processor.calibration = Calibration::measure(&*self.clock);
        (self.calibrate_at_ticks, self.calibrations, self.reclaim_at_ticks) = (0, 0, 0);
        self.link.counters.clock_steps.add(1);
        for lane in &mut self.lanes {
            lane.memory.last_unix_nanos = i64::MIN;
        }
    }

    fn accept_lanes(&mut self, now: Now) {
        while let Ok(lane) = self.inbox.lanes.try_recv() {
            let number = self.lane_numbers.take();
            self.lanes.push(LaneReader::new(lane, number, now.unix_nanos));
        }
        self.heads.reserve(self.lanes.len());
        self.link.counters.lanes.set(self.lanes.len() as u64);
    }

    fn turn_sinks(&mut self, now: Now) {
        for output in &mut self.processor.outputs {
            for sink in &mut output.sinks {
                self.processor.sink_events.extend(sink.turn(now));
            }
        }
        if !self.processor.sink_events.is_empty() {
            self.report_sink_events(now);
        }
    }

    /// Reports changes of the sinks' health in the log and on stderr. Only stderr is left if the only sink fails.
    #[cold]
    fn report_sink_events(&mut self, now: Now) {
        for event in std::mem::take(&mut self.processor.sink_events) {
            match event {
                SinkEvent::Failed { sink, error } => {
                    let error = self.processor.redaction.text(&error);
                    let held = "its lines are held up to a bound, then dropped and counted";
                    self.link.stderr.write(format_args!("{sink} fails: {error}; {held}"));
                    self.processor.own_event(&report::SINK_FAILED, now, &mut |out| {
                        out.str(&sink);
                        out.str(&error);
                    });
                }
                SinkEvent::Warning { sink, reason } => {
                    let reason = self.processor.redaction.text(&reason);
                    self.link.stderr.write(format_args!("{sink}: {reason}; its lines are written"));
                    self.processor.own_event(&report::SINK_WARNING, now, &mut |out| {
                        out.str(&sink);
                        out.str(&reason);
                    });
                }
                SinkEvent::Recovered { sink, dropped, recovery } => {
                    let stderr = &self.link.stderr;
                    stderr.write(format_args!("{sink} takes lines again; {dropped} were dropped"));
                    self.processor.own_event(&report::SINK_RECOVERED, now, &mut |out| {
                        out.str(&sink);
                        out.u64(dropped);
                        out.i64(recovery.failing_nanos / 1_000_000);
                        out.u64(recovery.failures);
                    });
                }
                SinkEvent::Removed { sink, segments, bytes } => {
                    self.processor.own_event(&report::SEGMENTS_REMOVED, now, &mut |out| {
                        out.str(&sink);
                        out.u64(segments);
                        out.u64(bytes);
                    });
                }
            }
        }
        self.processor.deliver(now);
    }

    /// Answers a request; returns whether it was the last one.
    #[cold]
    fn answer(&mut self, call: Control, now: Now) -> bool {
        let (reply, result, is_stop) = match call {
            Control::AddSink(sink) => {
                if let Some(output) = self.processor.outputs.first_mut() {
                    output.add_sink(sink);
                }
                return false;
            }
            Control::Flush(reply) => (reply, self.flush(now, false), false),
            Control::Sync(reply) => (reply, self.flush(now, true), false),
            Control::FlushAsync(answerer) => {
                let result = self.flush(now, false);
                self.publish_sinks();
                answerer.send(result);
                return false;
            }
            Control::Reopen(reply) => (reply, self.for_each_sink(|sink| sink.reopen(now)), false),
            Control::Report(reply) => (reply, Ok(()), false),
            #[cfg(feature = "audit")]
            Control::Audit(request) => {
                self.processor.send_audit_request(request);
                return false;
            }
            #[cfg(feature = "audit")]
            Control::AuditThreadEvent(news) => {
                self.report_audit_event(news, now);
                return false;
            }
            Control::SetRules(rules, reply) => {
                self.set_rules(rules, now);
                (reply, Ok(()), false)
            }
            Control::Stop(reply) => (reply, self.flush_last(now), true),
        };
        if is_stop {
            self.drop_held();
        }
        self.publish_sinks();
        self.processor.tally.publish(&self.link.counters);
        // The caller may have stopped waiting.
        let _ = reply.send(result);
        is_stop
    }

    /// Redacts with other rules from now on and renders the bound fields again.
    fn set_rules(&mut self, rules: Option<Arc<Rules>>, now: Now) {
        self.processor.deliver(now);
        // At the same moment as for events: a caller whose wait timed out is answered with an error, and the rules of
        // both change later, or never.
        self.link.stderr.set_rules(rules.clone());
        let Processor { redaction, outputs, recent_contexts, .. } = &mut self.processor;
        redaction.set_rules(rules);
        recent_contexts.clear();
        let mut last_error = None;
        for lane in &mut self.lanes {
            for table in [&mut lane.memory.contexts, &mut lane.memory.ambient_contexts] {
                last_error = table.rerender(redaction, outputs).err().or(last_error);
            }
        }
        last_error = self.processor.set_static_fields().err().or(last_error);
        if let Some(error) = last_error {
            self.processor.record_error(&error, 0, now);
        }
        let is_on = self.processor.redaction.rules().is_some();
        let hash = self.processor.redaction.metrics().rules_hash;
        self.processor.own_event(&report::REDACTION_CHANGED, now, &mut |out| {
            out.bool(is_on);
            out.str(&hash);
        });
        self.processor.deliver(now);
    }

    fn flush(&mut self, now: Now, sync: bool) -> Result<(), FlushError> {
        self.processor.deliver(now);
        let mut events = Vec::new();
        let result = self.for_each_sink(|sink| {
            let (result, event) = sink.flush(now, sync);
            events.extend(event);
            result
        });
        self.processor.sink_events.extend(events);
        if !self.processor.sink_events.is_empty() {
            self.report_sink_events(now);
        }
        result
    }

    /// The flush of the end: before it, the sinks report what they would have reported later.
    fn flush_last(&mut self, now: Now) -> Result<(), FlushError> {
        let sinks = self.processor.outputs.iter_mut().flat_map(|output| &mut output.sinks);
        let events: Vec<SinkEvent> = sinks.flat_map(|sink| sink.last_events(now)).collect();
        self.processor.sink_events.extend(events);
        if !self.processor.sink_events.is_empty() {
            self.report_sink_events(now);
        }
        self.flush(now, true)
    }

    fn for_each_sink(
        &mut self,
        mut action: impl FnMut(&mut ManagedSink) -> Result<(), String>,
    ) -> Result<(), FlushError> {
        let sinks = self.processor.outputs.iter_mut().flat_map(|output| &mut output.sinks);
        let errors: Vec<String> = sinks.filter_map(|sink| action(sink).err()).collect();
        if errors.is_empty() { Ok(()) } else { Err(FlushError::Sinks(errors.join("; "))) }
    }

    /// Drops the lines that failing sinks have not taken, at the end, and reports them.
    fn drop_held(&mut self) {
        let sinks = self.processor.outputs.iter_mut().flat_map(|output| &mut output.sinks);
        for sink in sinks {
            let is_kept = !sink.has_all();
            let count = sink.drop_held();
            if count > 0 {
                let (name, lines) = (sink.name(), if count == 1 { "line is" } else { "lines are" });
                let end = if is_kept { "left to the next start" } else { "lost" };
                let stderr = &self.link.stderr;
                stderr
                    .write(format_args!("stopped while {name} was failing; {count} {lines} {end}"));
            }
        }
    }

    /// Updates the sinks' counts in the link.
    pub(crate) fn publish_sinks(&mut self) {
        let sinks = || self.processor.outputs.iter().flat_map(|output| &output.sinks);
        let counters = &self.link.counters;
        counters.sink_errors.set(sinks().map(ManagedSink::errors).sum());
        for level in Level::ALL {
            let dropped = sinks().map(|sink| sink.dropped().of(level)).sum();
            counters.dropped.of(level).set(dropped);
        }
        *self.link.sinks.lock() = sinks().map(ManagedSink::metrics).collect();
        *self.link.redaction.lock() = self.processor.redaction.metrics();
    }
}
