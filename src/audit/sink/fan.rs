//! Several sinks at once, none of which holds up another.
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounds::{Bounds, Notice, SinkHealth};
use super::lag::LogSource;
use super::outlet::{Notify, Outlet};
use super::{AuditSink, AuditSinkError, SealedEntry};
use crate::audit::store::AuditLog;
use crate::storage::Storage;

/// Gives entries to several sinks, each on a thread of its own.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ringseal::audit::sink::{Bounds, FanOut, SealedEntry, StreamSink};
/// use ringseal::system::OsStorage;
///
/// let fan = FanOut::new(Arc::new(OsStorage), |notice| eprintln!("{notice:?}"))
///     .with(Box::new(StreamSink::new("nowhere", Box::new(std::io::sink()))), Bounds::default())?;
/// fan.offer(&[SealedEntry::new(0, 0, b"{}")])?;
/// fan.commit(Duration::from_secs(5))?;
/// assert!(fan.health()[0].is_healthy);
/// # Ok::<(), ringseal::audit::sink::AuditSinkError>(())
/// ```
pub struct FanOut {
    outlets: Vec<Outlet>,
    storage: Arc<dyn Storage>,
    notify: Notify,
}

impl FanOut {
    /// No sinks yet. Files of spilled entries live in `storage`; `notify` is called from the sinks'
    /// threads when one begins to fail and when it takes entries again.
    pub fn new(
        storage: Arc<dyn Storage>,
        notify: impl Fn(Notice<'_>) + Send + Sync + 'static,
    ) -> FanOut {
        FanOut { outlets: Vec::new(), storage, notify: Arc::new(notify) }
    }

    /// Adds a sink and starts its thread.
    pub fn with(self, sink: Box<dyn AuditSink>, bounds: Bounds) -> Result<FanOut, AuditSinkError> {
        self.with_source(sink, bounds, None)
    }

    fn with_source(
        mut self,
        sink: Box<dyn AuditSink>,
        bounds: Bounds,
        log: Option<LogSource>,
    ) -> Result<FanOut, AuditSinkError> {
        let notify = Arc::clone(&self.notify);
        self.outlets.push(Outlet::start(sink, bounds, &self.storage, log, notify)?);
        Ok(self)
    }

    /// Puts sinks behind a log that was just opened: whatever it commits goes to all of them once it is on disk, the
    /// entries of the log itself included, and never before.
    ///
    /// A sink that remembers what it has ([`AuditSink::remembers`]) gets first what it lacks, from the log's files; one
    /// that does not begins with the entries of this process. The log never waits for a sink. A segment that retention
    /// removes before a sink has it is a gap that the sink tells of for ever; a spill file ([`Bounds::when_full`])
    /// keeps a sink independent of that.
    pub fn of_log(
        log: &mut AuditLog,
        sinks: Vec<(Box<dyn AuditSink>, Bounds)>,
        notify: impl Fn(Notice<'_>) + Send + Sync + 'static,
    ) -> Result<Arc<FanOut>, AuditSinkError> {
        let mut fan = FanOut::new(Arc::clone(log.place().0), notify);
        let failed = |error: crate::audit::store::StoreError| AuditSinkError::Log {
            target: "audit".to_owned(),
            reason: error.to_string(),
        };
        log.commit().map_err(failed)?;
        for (sink, bounds) in sinks {
            fan = fan.with_source(sink, bounds, Some(LogSource::of(log)))?;
        }
        let fan = Arc::new(fan);
        let to = Arc::clone(&fan);
        // Behind a log a sink takes everything, or was closed.
        log.on_commit(Box::new(move |entries| drop(to.offer(entries)))).map_err(failed)?;
        Ok(fan)
    }

    /// Gives entries to all sinks: first to those that have room, then, waiting as their bounds
    /// say, to the others. After an error the same entries may be offered again: each sink passes
    /// over what it has. The first error is returned, after all sinks had their turn.
    pub fn offer(&self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let tried: Vec<_> = self.outlets.iter().map(|outlet| outlet.try_offer(entries)).collect();
        let mut result = Ok(());
        for (outlet, taken) in self.outlets.iter().zip(tried) {
            let offered = match taken {
                Ok(count) if count < entries.len() => outlet.offer(entries),
                taken => taken.map(drop),
            };
            result = result.and(offered);
        }
        result
    }

    /// Waits until all sinks have committed all that was offered, `wait_max` at most. The first
    /// error is returned, after all sinks had their time.
    pub fn commit(&self, wait_max: Duration) -> Result<(), AuditSinkError> {
        let deadline = Instant::now().checked_add(wait_max);
        self.outlets.iter().for_each(Outlet::hurry);
        let mut result = Ok(());
        for outlet in &self.outlets {
            result = result.and(outlet.wait_committed(deadline));
        }
        result
    }

    /// How long [`FanOut::close`] takes at most, apart from the disk.
    pub fn close_wait_max(&self) -> Duration {
        self.outlets.iter().map(Outlet::stop_wait_max).max().unwrap_or_default()
    }

    /// How each sink is doing, in the order in which they were added.
    pub fn health(&self) -> Vec<SinkHealth> {
        self.outlets.iter().map(Outlet::health).collect()
    }

    /// Lets all sinks finish, all at the same time, within their bounds. The errors tell which of
    /// them lack entries. Nothing more is taken.
    pub fn close(&self) -> Result<(), Vec<AuditSinkError>> {
        let errors = self.finish();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn finish(&self) -> Vec<AuditSinkError> {
        self.outlets.iter().for_each(Outlet::stop);
        self.outlets.iter().filter_map(|outlet| outlet.join().err()).collect()
    }
}

impl std::fmt::Debug for FanOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FanOut").field("sinks", &self.health()).finish_non_exhaustive()
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        for error in self.finish() {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "ringseal: audit: {error}");
        }
    }
}
