//! The engine's life: started from a configuration, flushed, reloaded, stopped.
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::config::{Config, InitError};
use super::emit::Emitter;
use super::handle::{AsEmitter, Logger};
use super::shared::Shared;
use super::{boot, global, run_id};
use crate::core::filter::Filter;
use crate::core::registry;
use crate::metrics::Metrics;
use crate::writer::control::{Control, FlushError};
use crate::writer::link::Link;
use crate::writer::{Writer, run};

/// A running engine, and the guard that stops it: when the last handle that [`Engine::start`] or [`crate::init`]
/// returned is dropped, everything logged is drained to the sinks, within the configured time.
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
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    run_id: Arc<str>,
    shutdown_max: Duration,
    flush_max: Duration,
    logger: Logger,
    described: super::config::Described,
    #[cfg(feature = "signals")]
    signals: Option<super::signals::Signals>,
    panic_hook: Option<super::panic_hook::Installed>,
}

impl Engine {
    /// Starts an engine of its own, beside the global one if there is any.
    pub fn start(config: Config) -> Result<Engine, InitError> {
        Self::start_in(config, None)
    }

    pub(super) fn start_global(config: Config) -> Result<Engine, InitError> {
        let engine = Self::start_in(config, Some(global::SLOT))?;
        global::set(&engine.shared);
        boot::announce(&engine);
        Ok(engine)
    }

    fn start_in(config: Config, slot: Option<usize>) -> Result<Engine, InitError> {
        let run_id: Arc<str> = config.run_id.clone().unwrap_or_else(run_id::generate).into();
        let clock = config.clock();
        let parts = config.build(&run_id, &*clock)?;
        let (link, inbox) = Link::new();
        let filter = Arc::new(parts.filter);
        let slot = registry::take_slot(slot, Arc::clone(&filter)).ok_or(if slot.is_some() {
            InitError::AlreadyInitialised
        } else {
            InitError::TooManyEngines { max: crate::core::callsite::ENGINES_MAX - 1 }
        })?;
        let shared = Shared::new(slot, Arc::clone(&link), parts.overflow, parts.lanes, filter);
        let (writer_link, writer_clock) = (Arc::clone(&link), Arc::clone(&clock));
        let writer = parts.writer;
        let thread = run::spawn(parts.thread, link, clock, move || {
            Writer::new(writer, writer_link, inbox, writer_clock)
        });
        let thread = thread.map_err(|source| {
            registry::set_filter(slot, None);
            InitError::Thread { source }
        })?;
        let logger = Logger::new(Arc::clone(&shared));
        let panic_hook = parts.panic_hook.then(|| super::panic_hook::install(&shared));
        Ok(Engine {
            #[cfg(feature = "signals")]
            signals: parts
                .signals
                .then(|| super::signals::Signals::start(&shared))
                .transpose()
                .map_err(|source| InitError::Signals { source })?,
            shared,
            thread: Mutex::new(Some(thread)),
            run_id,
            shutdown_max: parts.shutdown_max,
            flush_max: parts.flush_max,
            logger,
            described: parts.described,
            panic_hook,
        })
    }

    /// A logger without bound fields.
    pub fn logger(&self) -> Logger {
        self.logger.clone()
    }

    pub(super) fn described(&self) -> &super::config::Described {
        &self.described
    }

    /// The identifier of this run, which stands in every line.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns when everything logged before is with the sinks: it survives the end of this process.
    pub fn flush(&self) -> Result<(), FlushError> {
        self.ask(Control::Flush, self.flush_max)
    }

    /// Returns when everything logged before survives power loss, where the sinks have such a notion.
    pub fn sync(&self) -> Result<(), FlushError> {
        self.ask(Control::Sync, self.flush_max)
    }

    /// Closes and opens every sink's target again, as after an external rotation.
    pub fn reopen(&self) -> Result<(), FlushError> {
        self.ask(Control::Reopen, self.flush_max)
    }

    /// Replaces the levels. Call sites are judged anew at once; nothing on the hot path notices but the verdict.
    pub fn set_filter(&self, filter: Filter) {
        self.shared.set_filter(Arc::new(filter));
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

    fn ask(
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
        let Some(thread) = self.thread.lock().take() else { return Err(FlushError::Stopped) };
        // From here on the call sites say no; what is already in the rings is drained.
        registry::set_filter(self.shared.slot, None);
        global::clear(&self.shared);
        let start = Instant::now();
        let result = self.ask(Control::Stop, self.shutdown_max);
        match &result {
            Ok(()) | Err(FlushError::Sinks(_)) => {
                // It has answered and has nothing left to do but return.
                let _ = thread.join();
            }
            Err(error) => {
                let waited = start.elapsed();
                eprintln!(
                    "ringseal: stopped after {waited:?} without the writer's answer: {error}"
                );
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
    let (reply, answer) = bounded(1);
    link.call(request(reply)).map_err(|_| FlushError::Stopped)?;
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
    metrics.sinks = shared.link.sinks.lock().clone();
    metrics
}

impl Drop for Engine {
    fn drop(&mut self) {
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
