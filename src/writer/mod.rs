//! The dedicated thread: drains the lanes, merges by time, encodes, and hands batches to the sinks.
//!
//! Promises: one turn is [`Writer::step`], deterministic in what the rings, the channel and the clock hold; tests drive
//! it turn by turn. In steady state a turn allocates nothing and takes no lock. What blocks are the sinks that were
//! given to it, and they alone; sinks that may block for long have a thread of their own (`sink::isolated`). A crash
//! loses what is in the rings and in the current batch.
//!
//! Order: within a lane exactly as logged. Across lanes by timestamp, as long as an event was published within the
//! grace window after its timestamp was taken.
#[cfg(feature = "audit")]
pub mod audit;
mod context_table;
pub mod control;
mod drain;
mod lane_reader;
pub mod link;
mod outlet;
mod output;
mod process;
pub(crate) mod redaction;
pub mod report;
pub mod run;
pub(crate) mod stderr;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::control::{Control, FlushError};
use self::drain::Heads;
use self::lane_reader::{LaneMemory, LaneReader};
use self::link::{Inbox, Link};
use self::outlet::News;
use self::output::Output;
pub use self::output::OutputConfig;
use self::process::Processor;
pub use self::redaction::RedactionConfig;

use crate::core::clock::{Calibration, Clock, Now};
use crate::core::level::Level;
use crate::redact::Rules;

/// What a writer is made of.
#[derive(Debug)]
pub struct WriterConfig {
    /// Where events go.
    pub outputs: Vec<OutputConfig>,
    /// A batch is handed over when it holds this many bytes, and at the end of a turn.
    pub batch_bytes_max: usize,
    /// Bytes of lines held for a failing sink.
    pub held_bytes_max: usize,
    /// How long an event waits for an older one of another lane.
    pub grace_nanos: u64,
    /// Publish the time for producers with a coarse clock.
    pub publishes_time: bool,
    /// What may be shown.
    pub redaction: RedactionConfig,
}

/// The writer.
#[derive(Debug)]
pub struct Writer {
    link: Arc<Link>,
    inbox: Inbox,
    clock: Arc<dyn Clock>,
    calibrate_at_ticks: u64,
    calibrations: u32,
    last_ticks: u64,
    lanes: Vec<LaneReader>,
    heads: Heads,
    /// For the report of events that found no lane.
    unplaced: LaneMemory,
    processor: Processor,
    grace_nanos: u64,
    publishes_time: bool,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Records taken from the rings.
    pub records: u64,
    /// Whether any ring was more than an eighth full, so that the next turn should follow at once.
    pub is_pressed: bool,
    /// Whether records wait for their grace to pass.
    pub is_waiting: bool,
    /// Whether the writer has been stopped.
    pub is_stopped: bool,
}

impl Writer {
    /// A writer that has met no lane yet. Reads the clock for about a millisecond.
    pub fn new(config: WriterConfig, link: Arc<Link>, inbox: Inbox, clock: Arc<dyn Clock>) -> Self {
        let calibration = Calibration::measure(&*clock);
        let (batch, held) = (config.batch_bytes_max, config.held_bytes_max);
        let outputs = config.outputs.into_iter().map(|output| Output::new(output, batch, held));
        let unplaced = Arc::clone(&link.unplaced);
        link.set_nanos_per_tick(calibration.nanos_per_tick());
        Self {
            unplaced: LaneMemory::new(unplaced, calibration.unix_nanos(clock.ticks())),
            link,
            inbox,
            calibrate_at_ticks: 0,
            calibrations: 0,
            last_ticks: 0,
            clock,
            lanes: Vec::new(),
            heads: Heads::default(),
            processor: Processor::new(outputs.collect(), calibration, config.redaction),
            grace_nanos: config.grace_nanos,
            publishes_time: config.publishes_time,
        }
    }

    /// Audit events go to the keeper that `feed` leads to.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn with_audit(mut self, feed: audit::Feed) -> Self {
        self.processor.audit = Some(feed.reporting_to(Arc::clone(&self.link.stderr)));
        self
    }

    /// Whether producers want the time from it.
    pub(super) fn publishes_time(&self) -> bool {
        self.publishes_time
    }

    /// One turn at `ticks` of the writer's clock.
    pub fn step(&mut self, ticks: u64) -> Turn {
        if ticks < self.last_ticks {
            self.look_back(ticks);
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
        if self.link.take_call() {
            // Requests first: what was logged before one of them may be in a lane that was sent before it.
            calls.extend(self.inbox.control.try_iter());
            self.accept_lanes(now);
        }
        let cutoff = if calls.is_empty() { self.cutoff(ticks) } else { u64::MAX };
        self.drain(now, cutoff, &mut turn);
        self.processor.report_losses(&mut self.lanes, self.link.losses(), now);
        self.processor.report_loss_of(&mut self.unplaced, now);
        self.processor.deliver(now);
        #[cfg(feature = "audit")]
        self.processor.send_audit_batch();
        self.turn_sinks(now);
        for call in calls {
            turn.is_stopped |= self.answer(call, now);
        }
        self.processor.tally.publish(&self.link.counters);
        turn
    }

    /// Up to which ticks records are taken now.
    fn cutoff(&self, ticks: u64) -> u64 {
        if self.lanes.len() <= 1 {
            return u64::MAX;
        }
        let grace = self.grace_nanos as f64 / self.processor.calibration.nanos_per_tick();
        ticks.saturating_sub(grace as u64)
    }

    #[cold]
    fn calibrate(&mut self, ticks: u64) {
        // After 1, 4, 16, … ms, then each second: the first slope was measured over a millisecond.
        let pause_millis = 1u64 << (2 * self.calibrations).min(10);
        self.calibrations += 1;
        let pause =
            pause_millis.min(1000) as f64 * 1e6 / self.processor.calibration.nanos_per_tick();
        self.calibrate_at_ticks = ticks.saturating_add(pause as u64);
        let step = self.processor.calibration.adjust(self.clock.now());
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

    /// The counter stands lower than in the last turn. By a little: another core's. By a second and more: it was reset,
    /// as some machines do on resume from sleep. What is in the rings would wait for its grace until the counter is
    /// where it was, and no calibration would come before that.
    #[cold]
    fn look_back(&mut self, ticks: u64) {
        let back_nanos =
            (self.last_ticks - ticks) as f64 * self.processor.calibration.nanos_per_tick();
        if back_nanos < 1e9 {
            return;
        }
        let last = self.last_ticks;
        let now = Now { ticks: last, unix_nanos: self.processor.calibration.unix_nanos(last) };
        self.drain(now, u64::MAX, &mut Turn::default());
        self.processor.calibration = Calibration::measure(&*self.clock);
        (self.calibrate_at_ticks, self.calibrations) = (0, 0);
        self.link.counters.clock_steps.add(1);
        for lane in &mut self.lanes {
            lane.memory.last_unix_nanos = i64::MIN;
        }
    }

    fn accept_lanes(&mut self, now: Now) {
        while let Ok(lane) = self.inbox.lanes.try_recv() {
            self.lanes.push(LaneReader::new(lane, now.unix_nanos));
        }
        self.heads.reserve(self.lanes.len());
        self.link.counters.lanes.set(self.lanes.len() as u64);
    }

    fn turn_sinks(&mut self, now: Now) {
        for output in &mut self.processor.outputs {
            for outlet in &mut output.outlets {
                self.processor.news.extend(outlet.turn(now));
            }
        }
        if !self.processor.news.is_empty() {
            self.tell_news(now);
        }
    }

    /// Writes what became of sinks into the stream, and onto stderr, which is all that is left when the only sink
    /// fails.
    #[cold]
    fn tell_news(&mut self, now: Now) {
        for news in std::mem::take(&mut self.processor.news) {
            match news {
                News::Failed { sink, error } => {
                    let error = self.processor.redaction.text(&error);
                    let held = "its lines are held up to a bound, then dropped and counted";
                    self.link.stderr.write(format_args!("{sink} fails: {error}; {held}"));
                    self.processor.own_event(&report::SINK_FAILED, now, &mut |out| {
                        out.str(&sink);
                        out.str(&error);
                    });
                }
                News::Recovered { sink, dropped, failing_nanos } => {
                    let message = format_args!("{sink} takes lines again; {dropped} were dropped");
                    self.link.stderr.write(message);
                    self.processor.own_event(&report::SINK_RECOVERED, now, &mut |out| {
                        out.str(&sink);
                        out.u64(dropped);
                        out.i64(failing_nanos / 1_000_000);
                    });
                }
            }
        }
        self.processor.deliver(now);
    }

    /// Answers a request; says whether it was the last one.
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
            Control::Reopen(reply) => (reply, self.each_outlet(|outlet| outlet.reopen(now)), false),
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
            Control::Stop(reply) => (reply, self.flush(now, true), true),
        };
        if is_stop {
            self.give_up();
        }
        self.publish_sinks();
        self.processor.tally.publish(&self.link.counters);
        // Whoever asked may have stopped waiting.
        let _ = reply.send(result);
        is_stop
    }

    /// Redacts by other rules from here on; what was bound before is rendered anew.
    fn set_rules(&mut self, rules: Option<Arc<Rules>>, now: Now) {
        self.processor.deliver(now);
        let Processor { redaction, outputs, .. } = &mut self.processor;
        redaction.set_rules(rules);
        let mut problem = None;
        for lane in &mut self.lanes {
            problem = lane.memory.contexts.render_again(redaction, outputs).err().or(problem);
        }
        if let Some(error) = problem {
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
        let mut news = Vec::new();
        let result = self.each_outlet(|outlet| {
            let (result, told) = outlet.flush(now, sync);
            news.extend(told);
            result
        });
        self.processor.news.extend(news);
        if !self.processor.news.is_empty() {
            self.tell_news(now);
        }
        result
    }

    fn each_outlet(
        &mut self,
        mut action: impl FnMut(&mut outlet::Outlet) -> Result<(), String>,
    ) -> Result<(), FlushError> {
        let outlets = self.processor.outputs.iter_mut().flat_map(|output| &mut output.outlets);
        let said: Vec<String> = outlets.filter_map(|outlet| action(outlet).err()).collect();
        if said.is_empty() { Ok(()) } else { Err(FlushError::Sinks(said.join("; "))) }
    }

    /// At the end: what a failing sink still has not taken is lost, and somebody must hear of it.
    fn give_up(&mut self) {
        let outlets = self.processor.outputs.iter_mut().flat_map(|output| &mut output.outlets);
        for outlet in outlets {
            let count = outlet.give_up();
            if count > 0 {
                self.link.stderr.write(format_args!(
                    "stopped with a failing sink; {count} lines are lost ({outlet:?})"
                ));
            }
        }
    }

    /// Renews the sinks' counts in the link.
    pub(crate) fn publish_sinks(&mut self) {
        let outlets = || self.processor.outputs.iter().flat_map(|output| &output.outlets);
        let counters = &self.link.counters;
        counters.sink_errors.set(outlets().map(outlet::Outlet::errors).sum());
        for level in Level::ALL {
            let dropped = outlets().map(|outlet| outlet.dropped().of(level)).sum();
            counters.dropped.of(level).set(dropped);
        }
        *self.link.sinks.lock() = outlets().map(outlet::Outlet::metrics).collect();
        *self.link.redaction.lock() = self.processor.redaction.metrics();
    }
}
