//! What a logger can ask of its engine: flush, sync, reopen, other filters, counters.
//!
//! Promises: every wait has a bound. Nothing here takes part in logging.
use std::convert::Infallible;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};

use super::engine::Engine;
use super::{audit, config_events};
use crate::core::filter::Filter;
use crate::emit::Logger;
use crate::emit::shared::Shared;
use crate::metrics::{LevelCounts, Metrics};
use crate::sample::Sampling;
use crate::writer::answer::answer;
use crate::writer::control::{Control, FlushError};
use crate::writer::link::Link;
use crate::writer::report::{FILTER_CHANGED, SAMPLING_CHANGED};

// A panic leaves nothing half done: an interrupted event gives its bytes back, and the locks hold whole values.
impl UnwindSafe for Logger {}
impl RefUnwindSafe for Logger {}
impl UnwindSafe for Engine {}
impl RefUnwindSafe for Engine {}

/// Control of the engine.
impl Logger {
    /// Returns when everything logged before is written to the sinks and survives the end of this process. Audit events
    /// then survive power loss.
    ///
    /// Blocks the thread; in async code use [`Logger::flush_async`].
    pub fn flush(&self) -> Result<(), FlushError> {
        let result = self.ask(Control::Flush, self.shared.flush_timeout);
        result.and(audit::flush(&self.shared, self.shared.flush_timeout))
    }

    /// The same as a future that needs no runtime. The request is made by the call, not by the first poll. The wait is
    /// unbounded: combine it with the timeout of the runtime.
    pub fn flush_async(&self) -> impl Future<Output = Result<(), FlushError>> + Send + use<> {
        let (answerer, answer) = answer();
        let sent = self.shared.link.call(Control::FlushAsync(answerer));
        let audit = audit::flush_async(&self.shared);
        async move {
            sent?;
            answer.await.unwrap_or(Err(FlushError::Stopped))?;
            audit.await
        }
    }

    /// Returns when everything logged before survives power loss, for sinks that support it.
    pub fn sync(&self) -> Result<(), FlushError> {
        let result = self.ask(Control::Sync, self.shared.flush_timeout);
        result.and(audit::flush(&self.shared, self.shared.flush_timeout))
    }

    /// Closes and reopens the target of every sink, as after an external rotation.
    pub fn reopen(&self) -> Result<(), FlushError> {
        self.ask(Control::Reopen, self.shared.flush_timeout)
    }

    /// Replaces the engine's filter, and logs `ringseal.filter_changed`. All call sites are evaluated again at once; on
    /// the hot path only their verdicts change.
    ///
    /// The list of noisy targets ([`Config::quiet_targets`](crate::Config::quiet_targets)) and an override
    /// ([`Logger::override_levels`]) stay in force.
    pub fn set_filter(&self, filter: Filter) {
        let changed = self.shared.change_levels(|layers| {
            let quiet = layers.configured.quiet();
            layers.configured = filter.with_quiet(quiet);
            Ok::<_, Infallible>(layers.configured.without_quiet().to_string())
        });
        let Ok(text) = changed;
        config_events::report_change(&self.shared, &FILTER_CHANGED, &text);
        self.shared.report_level_change();
    }

    /// Replaces the engine's sampling policy, and logs `ringseal.sampling_changed`. All call sites are evaluated again
    /// at once. A concurrent call may be decided by one policy and carry the rate of the other.
    pub fn set_sampling(&self, sampling: Sampling) {
        let text = sampling.to_string();
        self.shared.set_sampling(sampling);
        config_events::report_change(&self.shared, &SAMPLING_CHANGED, &text);
    }

    /// All counters of the engine, as of the writer's last turn. Waits at most 500 ms for the writer to report the
    /// sinks' counters; without an answer, they are the last reported ones.
    pub fn metrics(&self) -> Metrics {
        let _ = self.ask(Control::Report, Duration::from_millis(500));
        metrics_of(&self.shared)
    }

    pub(super) fn ask(
        &self,
        request: impl FnOnce(Sender<Result<(), FlushError>>) -> Control,
        wait_max: Duration,
    ) -> Result<(), FlushError> {
        ask(&self.shared.link, request, wait_max)
    }
}

/// Sends a request to the writer and waits for its answer.
pub(super) fn ask(
    link: &Link,
    request: impl FnOnce(Sender<Result<(), FlushError>>) -> Control,
    wait_max: Duration,
) -> Result<(), FlushError> {
    if !link.is_forked() && link.is_writer_thread() {
        return Err(FlushError::FromWriter);
    }
    let (reply, answer) = bounded(1);
    link.call(request(reply))?;
    match answer.recv_timeout(wait_max) {
        Ok(result) => result,
        Err(crossbeam_channel::RecvTimeoutError::Timeout) => Err(FlushError::Timeout),
        Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(FlushError::Stopped),
    }
}

pub(super) fn metrics_of(shared: &Shared) -> Metrics {
    let mut metrics = shared.link.counters.snapshot();
    let (lost, waits) = shared.lane_counts();
    metrics.lost = lost;
    metrics.waits = waits;
    metrics.sampled_out_by_rule = shared.sampled_out();
    let mut sampled_out = LevelCounts::default();
    metrics.sampled_out_by_rule.iter().for_each(|rule| sampled_out.add(rule.sampled_out));
    metrics.sampled_out = sampled_out;
    metrics.sinks = shared.link.sinks.lock().clone();
    metrics.redaction = shared.link.redaction.lock().clone();
    metrics
}
