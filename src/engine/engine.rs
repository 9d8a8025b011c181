//! The engine's life: started from a configuration, flushed, reloaded, stopped.
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
use crate::emit::sampling::Sampler;
use crate::emit::shared::Shared;
use crate::emit::{AsEmitter, Logger, global, look};
use crate::metrics::{LevelCounts, Metrics};
use crate::sample::Sampling;
use crate::writer::Writer;
use crate::writer::control::{Control, FlushError};
use crate::writer::link::Link;
use crate::writer::report::{FILTER_CHANGED, SAMPLING_CHANGED};
use crate::writer::run::{self, WriterThread};

/// A slot taken for an engine; free again when dropped.
struct Slot(usize);

impl Slot {
    /// The slot asked for, or any; the call sites say no until the engine's filter is set.
    fn take(wanted: Option<usize>) -> Result<Slot, InitError> {
        let nothing = Arc::new(Filter::new(LevelFilter::Off));
        registry::take_slot(wanted, nothing).map(Slot).ok_or(match wanted {
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

/// A running engine, and the guard that stops it: when the last handle that [`Engine::start`] or [`crate::init`]
/// returned is dropped, everything logged is drained to the sinks, within the configured time.
///
/// A child that is forked from this process has copies of the rings and no writer. Log calls there fill their ring, do
/// not wait, and lose; flush, sync and reopen say [`FlushError::Forked`] at once; dropping the engine does nothing.
/// Nothing of it reaches the parent's files. If another thread held one of the engine's locks at the moment of the
/// fork, a first event (of a thread, of a call site) may wait for it for ever, as with every lock of every library:
/// between `fork` and `exec` log nothing, and in a child that goes on start an engine of its own.
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
#[must_use = "when the engine is dropped it stops, and what is logged afterwards goes nowhere: `let _log = …`"]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<WriterThread>>,
    run_id: Arc<str>,
    shutdown_max: Duration,
    flush_max: Duration,
    logger: Logger,
    described: super::config::Described,
    #[cfg(feature = "signals")]
    signals: Option<super::signals::Signals>,
    #[cfg(feature = "tokens")]
    keys: Option<super::tokens::KeysetRefresher>,
    panic_hook: Option<super::panic_hook::Installed>,
}

impl Engine {
    /// Starts an engine of its own, beside the global one if there is any.
    pub fn start(config: Config) -> Result<Engine, InitError> {
        Self::start_in(config, None)
    }

    pub(super) fn start_global(config: Config) -> Result<Engine, InitError> {
        let engine = Self::start_in(config, Some(global::SLOT))?;
        config_events::announce(&engine);
        Ok(engine)
    }

    fn start_in(mut config: Config, wanted: Option<usize>) -> Result<Engine, InitError> {
        config.check()?;
        let run_id: Arc<str> = config.run_id.clone().unwrap_or_else(run_id::generate).into();
        let clock = config.clock();
        // Before any sink is opened: a second global engine must not touch the files of the first.
        let slot = Slot::take(wanted)?;
        let (sampling, seed) = config.sampling_and_seed();
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
        // From here on the slot is the engine's, which frees it when it stops.
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
            shutdown_max: parts.shutdown_max,
            flush_max: parts.flush_max,
            described: parts.described,
        };
        #[cfg(feature = "signals")]
        let engine = engine.with_signals(parts.signals)?;
        if wanted.is_some() {
            global::set(&engine.shared);
        }
        engine.shared.set_sampling(sampling);
        // The call sites say yes only now, when there is somebody to take what they log.
        engine.shared.set_filter(filter);
        Ok(engine)
    }

    #[cfg(feature = "signals")]
    fn with_signals(mut self, wanted: bool) -> Result<Engine, InitError> {
        if wanted {
            let signals = super::signals::Signals::start(&self.shared);
            // On failure the engine is dropped here, and stops.
            self.signals = Some(signals.map_err(|source| InitError::Signals { source })?);
        }
        Ok(self)
    }

    /// A logger without bound fields.
    pub fn logger(&self) -> Logger {
        self.logger.clone()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn described(&self) -> &super::config::Described {
        &self.described
    }

    /// The identifier of this run, which stands in every line.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns when everything logged before is with the sinks: it survives the end of this process. Audit events
    /// survive power loss, then.
    pub fn flush(&self) -> Result<(), FlushError> {
        let result = self.ask(Control::Flush, self.flush_max);
        result.and(audit::flush(&self.shared, self.flush_max))
    }

    /// Returns when everything logged before survives power loss, where the sinks have such a notion.
    pub fn sync(&self) -> Result<(), FlushError> {
        let result = self.ask(Control::Sync, self.flush_max);
        result.and(audit::flush(&self.shared, self.flush_max))
    }

    /// The audit log; `None` unless it was configured.
    #[cfg(feature = "audit")]
    pub fn audit(&self) -> Option<super::audit::AuditLogger> {
        super::audit::logger(&self.shared)
    }

    /// Closes and opens every sink's target again, as after an external rotation.
    pub fn reopen(&self) -> Result<(), FlushError> {
        self.ask(Control::Reopen, self.flush_max)
    }

    /// Replaces the levels, and says so in the stream: `ringseal.filter_changed`. Call sites are judged anew at once;
    /// nothing on the hot path notices but the verdict.
    pub fn set_filter(&self, filter: Filter) {
        let text = filter.to_string();
        self.shared.set_filter(Arc::new(filter));
        config_events::tell_change(self, &FILTER_CHANGED, &text);
    }

    /// Replaces the sampling policy, and says so in the stream: `ringseal.sampling_changed`. Call sites are judged anew
    /// at once; a call that is under way at that moment may be decided about by the one policy and carry the rate of
    /// the other.
    pub fn set_sampling(&self, sampling: Sampling) {
        let text = sampling.to_string();
        self.shared.set_sampling(sampling);
        config_events::tell_change(self, &SAMPLING_CHANGED, &text);
    }

    /// Gives the calling thread its ring now; see [`Logger::prepare_thread`].
    pub fn prepare_thread(&self) -> bool {
        self.logger.prepare_thread()
    }

    /// All counters, as of the last turn of the writer. Asks the writer for the sinks' counts, and waits for it as
    /// [`Engine::flush`] does; when it does not answer, they are those of the last time.
    pub fn metrics(&self) -> Metrics {
        let _ = self.ask(Control::Report, Duration::from_millis(500));
        metrics_of(&self.shared)
    }

    pub(super) fn flush_max(&self) -> Duration {
        self.flush_max
    }

    pub(super) fn ask(
        &self,
        request: impl FnOnce(Sender<Result<(), FlushError>>) -> Control,
        patience: Duration,
    ) -> Result<(), FlushError> {
        ask(&self.shared.link, request, patience)
    }

    /// Drains and stops the engine, as dropping it does, and says whether everything arrived.
    pub fn stop(self) -> Result<(), FlushError> {
        self.stop_now()
    }

    fn stop_now(&self) -> Result<(), FlushError> {
        if self.shared.link.is_forked() {
            // Neither the thread nor whoever held a lock at that moment is here.
            return Err(FlushError::Forked);
        }
        let Some(thread) = self.thread.lock().take() else { return Err(FlushError::Stopped) };
        // From here on the call sites say no; what is already in the rings is drained.
        registry::set_filter(self.shared.slot, None);
        global::clear(&self.shared);
        look::tell_rest(self.logger.emitter(), &self.shared);
        let start = Instant::now();
        audit::stop(&self.shared, self.shutdown_max);
        let result = self.ask(Control::Stop, self.shutdown_max);
        match &result {
            Err(error @ (FlushError::Timeout | FlushError::FromWriter)) => {
                let waited = start.elapsed();
                self.shared.link.stderr.write(format_args!(
                    "stopped after {waited:?} without the writer's answer: {error}"
                ));
            }
            _ => {
                // It has answered and has nothing left to do but close its sinks.
                if !thread.join(self.shutdown_max.saturating_sub(start.elapsed())) {
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
    patience: Duration,
) -> Result<(), FlushError> {
    if !link.is_forked() && link.is_writer_thread() {
        return Err(FlushError::FromWriter);
    }
    let (reply, answer) = bounded(1);
    link.call(request(reply))?;
    match answer.recv_timeout(patience) {
        Ok(result) => result,
        Err(crossbeam_channel::RecvTimeoutError::Timeout) => Err(FlushError::Timeout),
        Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(FlushError::Stopped),
    }
}

pub(super) fn metrics_of(shared: &Shared) -> Metrics {
    let mut metrics = shared.link.counters.snapshot();
    let (lost, waits, _) = shared.lane_counts();
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
            // The threads that would have to be joined, and perhaps the holders of the locks, are in the parent.
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
        // Whoever wants to know calls `stop`; what is lost has been said on stderr.
        let _ = self.stop_now();
    }
}

impl AsEmitter for Engine {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        self.logger.emitter()
    }
}
