//! An engine: starts from a configuration, is flushed and reloaded, and stops.
use std::sync::Arc;

use parking_lot::Mutex;

use super::config::{Config, InitError, Survivors};
use super::levels::{LevelError, LevelRequest, LevelState};
use super::running::Running;
use super::{at_exit, audit, config_events, run_id};
use crate::core::filter::Filter;
use crate::core::level::LevelFilter;
use crate::core::registry::{self, OwnedPlace};
use crate::emit::emitter::Emitter;
use crate::emit::shared::Shared;
use crate::emit::{AsEmitter, Logger, global};
use crate::metrics::Metrics;
use crate::sample::Sampling;
use crate::sample::sampler::Sampler;
use crate::writer::Writer;
use crate::writer::control::FlushError;
use crate::writer::link::Link;
use crate::writer::recovery::RecoveryReport;
use crate::writer::run;
use ringseal_base::process::file_size::Blocked;
use ringseal_base::random;

/// The place of an engine that has not started yet; freed when dropped.
struct Place(OwnedPlace);

impl Place {
    /// No call site is enabled until the engine's filter is set.
    fn take(is_global: bool) -> Result<Place, InitError> {
        let off = Arc::new(Filter::new(LevelFilter::Off));
        registry::take_place(is_global, off).map(Place).ok_or(InitError::AlreadyInitialised)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        registry::free_place(self.0, false);
    }
}

/// A running engine, and the guard that stops it. Clones are handles of the same engine; dropping the last one drains
/// everything logged to the sinks, within the configured time. If none is dropped, because one is in a `static`, was
/// leaked, or `std::process::exit` was called, the engine is drained when the process exits.
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
#[derive(Debug, Clone)]
#[must_use = "dropping the engine stops it, and later events are discarded: bind it, as in `let _log = …`"]
pub struct Engine {
    logger: Logger,
    running: Arc<Running>,
}

impl Engine {
    /// Starts an engine that is independent of the global one. A process can have any number. While there are more than
    /// 27, each enabled call costs some more, to whichever engine, if one beyond the 27th enables its site.
    pub fn start(config: Config) -> Result<Engine, InitError> {
        Self::start_in(config, false)
    }

    /// What this start has recovered of runs that were killed. `None` until recovery has ended, and without
    /// [`Config::survive_kill`].
    pub fn recovered(&self) -> Option<RecoveryReport> {
        self.running.recovery.report()
    }

    pub(super) fn start_global(config: Config) -> Result<Engine, InitError> {
        let engine = Self::start_in(config.requiring_trace_by_format(), true)?;
        config_events::report_start(&engine);
        config_events::report_unheard(&engine);
        Ok(engine)
    }

    fn start_in(mut config: Config, is_global: bool) -> Result<Engine, InitError> {
        config.check()?;
        // Opening the sinks and the audit log may write to files at their limit of size.
        let _blocked = Blocked::new();
        let run_id: Arc<str> = config.run_id.clone().unwrap_or_else(run_id::generate).into();
        let clock = config.clock();
        // Before any sink is opened: a second global engine must not change the files of the first.
        let place = Place::take(is_global)?;
        let (policy, seed) = config.sampling_and_seed();
        let audit_config = config.audit.take();
        let (link, inbox) = Link::new();
        #[cfg(feature = "tokens")]
        let keys = config.open_keys(&link.stderr)?;
        let audit_name = audit::home_name(audit_config.as_ref());
        let mut parts = config.build((&run_id, &audit_name), &clock, &link.stderr)?;
        let mut audit_parts = audit::open(audit_config, &clock, parts.lanes.limits)?;
        audit::recover(&mut audit_parts, &audit_name, &mut parts.survivors, &clock);
        let Survivors { home, recovering, state: recovery, wait } = parts.survivors;
        link.stderr.set_rules(parts.writer.redaction.rules.clone());
        link.set_nanos_per_tick(clock.nanos_per_tick().unwrap_or_default());
        let filter = Arc::new(parts.filter);
        let (lanes, overflow) = (parts.lanes, parts.overflow);
        let sampler = Sampler::new(seed.unwrap_or_else(random::system_word));
        let ring_home = home.as_ref().map(|home| Arc::clone(&home.home));
        let sampler_and_home = (sampler, ring_home);
        let link_shared = Arc::clone(&link);
        let lanes = (lanes, parts.flush_timeout);
        let shared = Shared::new(
            place.0,
            link_shared,
            overflow,
            lanes,
            Arc::clone(&filter),
            sampler_and_home,
        );
        let (writer_link, writer_clock) = (Arc::clone(&link), Arc::clone(&clock));
        let (writer, rotations) = (parts.writer, parts.rotations);
        let ring_home = home.as_ref().map(|home| Arc::clone(&home.home));
        let feed = audit::start(audit_parts, &shared, ring_home.as_ref())?;
        let thread = run::spawn(parts.thread, link, clock, move || {
            let writer = Writer::new(writer, writer_link, inbox, writer_clock);
            let writer = writer.with_rotations(rotations);
            audit::attach(writer.with_home(home).with_recovery(recovering), feed)
        });
        let thread = thread.map_err(|source| InitError::Thread { source })?;
        // From here on the engine owns the place, and frees it when it stops.
        std::mem::forget(place);
        let running = Arc::new(Running {
            #[cfg(feature = "signals")]
            signals: Mutex::default(),
            #[cfg(feature = "tokens")]
            keys: Mutex::new(keys),
            panic_hook: Mutex::new(
                parts.panic_hook.map(|output| super::panic_hook::install(&shared, output)),
            ),
            shared,
            thread: Mutex::new(Some(thread)),
            run_id,
            shutdown_timeout: parts.shutdown_timeout,
            recovery,
            described: parts.described,
        });
        at_exit::add(&running);
        let engine = Engine { logger: Logger::new(Arc::clone(&running.shared)), running };
        #[cfg(feature = "signals")]
        engine.watch_signals(parts.reactions)?;
        if is_global {
            global::set(engine.shared());
        }
        engine.shared().set_sampling(policy);
        engine.running.recovery.wait(wait);
        // Call sites are enabled last, when the writer is there to read their events.
        engine.shared().set_filter(filter);
        Ok(engine)
    }

    /// On failure the engine is dropped by the caller, which stops it.
    #[cfg(feature = "signals")]
    fn watch_signals(&self, reactions: super::config::Reactions) -> Result<(), InitError> {
        let signals = super::signals::Signals::start(self.shared(), reactions);
        *self.running.signals.lock() = signals.map_err(|source| InitError::Signals { source })?;
        Ok(())
    }

    /// A logger without bound fields.
    #[doc(alias = "get_logger")]
    pub fn logger(&self) -> Logger {
        self.logger.clone()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.running.shared
    }

    pub(super) fn described(&self) -> &super::config::Described {
        &self.running.described
    }

    /// The identifier of this run: see [`Config::run_id`].
    pub fn run_id(&self) -> &str {
        &self.running.run_id
    }

    /// Returns when everything logged before is written to the sinks: see [`Logger::flush`].
    pub fn flush(&self) -> Result<(), FlushError> {
        self.logger.flush()
    }

    /// Returns when everything logged before survives power loss: see [`Logger::sync`].
    pub fn sync(&self) -> Result<(), FlushError> {
        self.logger.sync()
    }

    /// The audit log; `None` if none was configured.
    #[cfg(feature = "audit")]
    pub fn audit(&self) -> Option<super::audit::AuditLogger> {
        super::audit::logger(self.shared())
    }

    /// Closes and reopens the target of every sink: see [`Logger::reopen`].
    pub fn reopen(&self) -> Result<(), FlushError> {
        self.logger.reopen()
    }

    /// Replaces the filter: see [`Logger::set_filter`].
    pub fn set_filter(&self, filter: Filter) {
        self.logger.set_filter(filter);
    }

    /// Calls `callback` after each change of the filter: see [`Logger::on_filter_change`].
    pub fn on_filter_change(&self, callback: impl Fn() + Send + Sync + 'static) {
        self.logger.on_filter_change(callback);
    }

    /// The most verbose level that passes for some target: see [`Logger::most_verbose`].
    pub fn most_verbose(&self) -> LevelFilter {
        self.logger.most_verbose()
    }

    /// Logs other levels for a time: see [`Logger::override_levels`].
    pub fn override_levels(&self, request: LevelRequest) -> Result<LevelState, LevelError> {
        self.logger.override_levels(request)
    }

    /// Ends an override of levels before its time: see [`Logger::restore_levels`].
    pub fn restore_levels(&self, by: &str) -> bool {
        self.logger.restore_levels(by)
    }

    /// The levels in force: see [`Logger::levels`].
    pub fn levels(&self) -> LevelState {
        self.logger.levels()
    }

    /// Replaces the sampling policy: see [`Logger::set_sampling`].
    pub fn set_sampling(&self, sampling: Sampling) {
        self.logger.set_sampling(sampling);
    }

    /// Gives the calling thread its ring now: see [`Logger::prepare_thread`].
    pub fn prepare_thread(&self) -> bool {
        self.logger.prepare_thread()
    }

    /// All counters: see [`Logger::metrics`].
    pub fn metrics(&self) -> Metrics {
        self.logger.metrics()
    }

    /// Drains and stops the engine for all clones, as dropping the last one does, and returns whether everything was
    /// written.
    pub fn stop(self) -> Result<(), FlushError> {
        self.running.stop()
    }
}

impl AsEmitter for Engine {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        self.logger.emitter()
    }
}
