//! An engine: starts from a configuration, is flushed and reloaded, and stops.
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::config::{Config, InitError};
use super::{audit, config_events, run_id};
use crate::core::filter::Filter;
use crate::core::level::LevelFilter;
use crate::core::registry;
use crate::emit::emitter::Emitter;
use crate::emit::shared::Shared;
use crate::emit::{AsEmitter, Logger, global, sampling};
use crate::metrics::{LevelCounts, Metrics};
use crate::sample::Sampling;
use crate::sample::sampler::Sampler;
use crate::writer::Writer;
use crate::writer::control::{Control, FlushError};
use crate::writer::link::Link;
use crate::writer::report::{FILTER_CHANGED, SAMPLING_CHANGED};
use crate::writer::run::{self, WriterThread};

/// An engine's slot; freed when dropped.
struct Slot(usize);

impl Slot {
    /// Takes the wanted slot, or any. No call site is enabled until the engine's filter is set.
    fn take(wanted: Option<usize>) -> Result<Slot, InitError> {
        let off = Arc::new(Filter::new(LevelFilter::Off));
        registry::take_slot(wanted, off).map(Slot).ok_or(match wanted {
            Some(_) => InitError::AlreadyInitialised,
            None => InitError::TooManyEngines { max: crate::core::callsite::ENGINES_MAX - 1 },
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        registry::set_filter(self.0, None);
    }
}

/// A running engine, and the guard that stops it. Dropping it drains everything logged to the sinks, within the
/// configured time.
///
/// A forked child has copies of the rings and no writer. Log calls there fill their ring, do not wait, and lose events;
/// flush, sync and reopen return [`FlushError::Forked`] at once; dropping the engine does nothing. Nothing reaches the
/// parent's files. If another thread held one of the engine's locks at the fork, the first event of a thread or of a
/// call site may block indefinitely, as with any lock: log nothing between `fork` and `exec`, and start a new engine in
/// a child that continues without `exec`.
///
/// ```
/// use ringseal::{Config, Engine, info};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let engine = Engine::start(Config::new().file(dir.path().join("app.log")))?;
/// info!(engine, "service_started", port = 8080);
/// engine.sync()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "dropping the engine stops it, and later events are discarded: bind it, as in `let _log = …`"]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<WriterThread>>,
    run_id: Arc<str>,
    shutdown_timeout: Duration,
    flush_timeout: Duration,
    logger: Logger,
    described: super::config::Described,
    #[cfg(feature = "signals")]
    signals: Option<super::signals::Signals>,
    #[cfg(feature = "tokens")]
    keys: Option<super::tokens::KeysetRefresher>,
    panic_hook: Option<super::panic_hook::Installed>,
}

impl Engine {
    /// Starts an engine that is independent of the global one.
    pub fn start(config: Config) -> Result<Engine, InitError> {
        Self::start_in(config, None)
    }

    pub(super) fn start_global(config: Config) -> Result<Engine, InitError> {
        let engine = Self::start_in(config, Some(global::SLOT))?;
        config_events::report_start(&engine);
        Ok(engine)
    }

    fn start_in(mut config: Config, wanted: Option<usize>) -> Result<Engine, InitError> {
        config.check()?;
        let run_id: Arc<str> = config.run_id.clone().unwrap_or_else(run_id::generate).into();
        let clock = config.clock();
        // Before any sink is opened: a second global engine must not change the files of the first.
        let slot = Slot::take(wanted)?;
        let (policy, seed) = config.sampling_and_seed();
        let audit_config = config.audit.take();
        let (link, inbox) = Link::new();
        #[cfg(feature = "tokens")]
        let keys = config.open_keys(&link.stderr)?;
        let parts = config.build(&run_id, &*clock)?;
        let audit_parts = audit::open(audit_config, &clock, parts.lanes.limits)?;
        link.stderr.set_rules(parts.writer.redaction.rules.clone());
        link.set_nanos_per_tick(clock.nanos_per_tick().unwrap_or_default());
        let filter = Arc::new(parts.filter);
        let (lanes, overflow) = (parts.lanes, parts.overflow);
        let sampler = Sampler::new(seed.unwrap_or_else(run_id::random_word));
        let link_shared = Arc::clone(&link);
        let shared =
            Shared::new(slot.0, link_shared, overflow, lanes, Arc::clone(&filter), sampler);
        let (writer_link, writer_clock) = (Arc::clone(&link), Arc::clone(&clock));
        let writer = parts.writer;
        let feed = audit::start(audit_parts, &shared)?;
        let thread = run::spawn(parts.thread, link, clock, move || {
            audit::attach(Writer::new(writer, writer_link, inbox, writer_clock), feed)
        });
        let thread = thread.map_err(|source| InitError::Thread { source })?;
        // From here on the engine owns the slot, and frees it when it stops.
        std::mem::forget(slot);
        let engine = Engine {
            #[cfg(feature = "signals")]
            signals: None,
            #[cfg(feature = "tokens")]
            keys,
            logger: Logger::new(Arc::clone(&shared)),
            panic_hook: parts.panic_hook.then(|| super::panic_hook::install(&shared)),
            shared,
            thread: Mutex::new(Some(thread)),
            run_id,
            shutdown_timeout: parts.shutdown_timeout,
            flush_timeout: parts.flush_timeout,
            described: parts.described,
        };
        #[cfg(feature = "signals")]
        let engine = engine.with_signals(parts.reactions)?;
        if wanted.is_some() {
            global::set(&engine.shared);
        }
        engine.shared.set_sampling(policy);
        // Call sites are enabled last, when the writer is there to read their events.
        engine.shared.set_filter(filter);
        Ok(engine)
    }

    #[cfg(feature = "signals")]
    fn with_signals(mut self, reactions: super::signals::Reactions) -> Result<Engine, InitError> {
        let signals = super::signals::Signals::start(&self.shared, reactions);
        // On failure the engine is dropped here, which stops it.
        self.signals = signals.map_err(|source| InitError::Signals { source })?;
        Ok(self)
    }

    /// A logger without bound fields.
    #[doc(alias = "get_logger")]
    pub fn logger(&self) -> Logger {
        self.logger.clone()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn described(&self) -> &super::config::Described {
        &self.described
    }

    /// The identifier of this run, which is in every line.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns when everything logged before is written to the sinks and survives the end of this process. Audit events
    /// then survive power loss.
    pub fn flush(&self) -> Result<(), FlushError> {
        let result = self.ask(Control::Flush, self.flush_timeout);
        result.and(audit::flush(&self.shared, self.flush_timeout))
    }

    /// Returns when everything logged before survives power loss, for sinks that support it.
    pub fn sync(&self) -> Result<(), FlushError> {
        let result = self.ask(Control::Sync, self.flush_timeout);
        result.and(audit::flush(&self.shared, self.flush_timeout))
    }

    /// The audit log; `None` if none was configured.
    #[cfg(feature = "audit")]
    pub fn audit(&self) -> Option<super::audit::AuditLogger> {
        super::audit::logger(&self.shared)
    }

    /// Closes and reopens the target of every sink, as after an external rotation.
    pub fn reopen(&self) -> Result<(), FlushError> {
        self.ask(Control::Reopen, self.flush_timeout)
    }

    /// Replaces the filter, and logs `ringseal.filter_changed`. All call sites are evaluated again at once; on the hot
    /// path only their verdicts change.
    pub fn set_filter(&self, filter: Filter) {
        let text = filter.to_string();
        self.shared.set_filter(Arc::new(filter));
        config_events::report_change(self, &FILTER_CHANGED, &text);
    }

    /// Replaces the sampling policy, and logs `ringseal.sampling_changed`. All call sites are evaluated again at once.
    /// A concurrent call may be decided by one policy and carry the rate of the other.
    pub fn set_sampling(&self, sampling: Sampling) {
        let text = sampling.to_string();
        self.shared.set_sampling(sampling);
        config_events::report_change(self, &SAMPLING_CHANGED, &text);
    }

    /// Gives the calling thread its ring now; see [`Logger::prepare_thread`].
    pub fn prepare_thread(&self) -> bool {
        self.logger.prepare_thread()
    }

    /// All counters, as of the writer's last turn. Waits at most 500 ms for the writer to report the sinks' counters;
    /// without an answer, they are the last reported ones.
    pub fn metrics(&self) -> Metrics {
        let _ = self.ask(Control::Report, Duration::from_millis(500));
        metrics_of(&self.shared)
    }

    pub(super) fn flush_timeout(&self) -> Duration {
        self.flush_timeout
    }

    pub(super) fn ask(
        &self,
        request: impl FnOnce(Sender<Result<(), FlushError>>) -> Control,
        wait_max: Duration,
    ) -> Result<(), FlushError> {
        ask(&self.shared.link, request, wait_max)
    }

    /// Drains and stops the engine, as dropping it does, and returns whether everything was written.
    pub fn stop(self) -> Result<(), FlushError> {
        self.stop_now()
    }

    fn stop_now(&self) -> Result<(), FlushError> {
        if self.shared.link.is_forked() {
            // In this process the writer's thread does not exist, nor does a thread that held a lock at the fork.
            return Err(FlushError::Forked);
        }
        let Some(thread) = self.thread.lock().take() else { return Err(FlushError::Stopped) };
        // From here on all call sites are disabled, and the rings are drained.
        registry::set_filter(self.shared.slot, None);
        global::clear(&self.shared);
        sampling::report_all(self.logger.emitter(), &self.shared);
        let start = Instant::now();
        audit::stop(&self.shared, self.shutdown_timeout);
        let result = self.ask(Control::Stop, self.shutdown_timeout);
        match &result {
            Err(error @ (FlushError::Timeout | FlushError::FromWriter)) => {
                let waited = start.elapsed();
                self.shared.link.stderr.write(format_args!(
                    "stopped after {waited:?} without the writer's answer: {error}"
                ));
            }
            _ => {
                // The writer has answered; it only has to close its sinks.
                if !thread.join(self.shutdown_timeout.saturating_sub(start.elapsed())) {
                    let waited = start.elapsed();
                    let message = format_args!("stopped after {waited:?}; a sink is still closing");
                    self.shared.link.stderr.write(message);
                }
            }
        }
        result
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

impl Drop for Engine {
    fn drop(&mut self) {
        if self.shared.link.is_forked() {
            // The threads to join, and perhaps the holders of locks, are in the parent.
            #[cfg(feature = "signals")]
            std::mem::forget(self.signals.take());
            #[cfg(feature = "tokens")]
            std::mem::forget(self.keys.take());
            std::mem::forget(self.panic_hook.take());
            std::mem::forget(self.thread.get_mut().take());
            return;
        }
        #[cfg(feature = "signals")]
        drop(self.signals.take());
        drop(self.panic_hook.take());
        // Callers that need the result call `stop`; losses were reported on stderr.
        let _ = self.stop_now();
    }
}

impl AsEmitter for Engine {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        self.logger.emitter()
    }
}
