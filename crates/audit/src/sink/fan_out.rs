//! Several sinks at once; none delays another.
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounds::{SinkBounds, SinkEvent, SinkHealth};
use super::log_source::LogSource;
use super::sink_thread::{OnSinkEvent, SinkThread};
use super::{AuditSink, AuditSinkError, SealedEntry};
use crate::store::AuditLog;
use ringseal_base::storage::Storage;

/// Passes entries to several sinks, each on its own thread.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ringseal_audit::sink::{SinkBounds, FanOut, SealedEntry, StreamSink};
/// use ringseal_base::storage::OsStorage;
///
/// let fan = FanOut::new(Arc::new(OsStorage), |event| eprintln!("{event:?}"))
///     .with(Box::new(StreamSink::new("nowhere", Box::new(std::io::sink()))), SinkBounds::default())?;
/// fan.offer(&[SealedEntry::new(0, 0, b"{}")])?;
/// fan.commit(Duration::from_secs(5))?;
/// assert!(fan.health()[0].is_healthy);
/// # Ok::<(), ringseal_audit::sink::AuditSinkError>(())
/// ```
pub struct FanOut {
    threads: Vec<SinkThread>,
    storage: Arc<dyn Storage>,
    notify: OnSinkEvent,
}

impl FanOut {
    /// Creates a fan-out without sinks. Spill files are in `storage`; `notify` is called from the sinks' threads when a
    /// sink begins to fail and when it takes entries again.
    pub fn new(
        storage: Arc<dyn Storage>,
        notify: impl Fn(SinkEvent<'_>) + Send + Sync + 'static,
    ) -> FanOut {
        FanOut { threads: Vec::new(), storage, notify: Arc::new(notify) }
    }

    /// Adds a sink and starts its thread.
    pub fn with(
        self,
        sink: Box<dyn AuditSink>,
        bounds: SinkBounds,
    ) -> Result<FanOut, AuditSinkError> {
        self.with_source(sink, bounds, None)
    }

    fn with_source(
        mut self,
        sink: Box<dyn AuditSink>,
        bounds: SinkBounds,
        log: Option<LogSource>,
    ) -> Result<FanOut, AuditSinkError> {
        let notify = Arc::clone(&self.notify);
        self.threads.push(SinkThread::start(sink, bounds, &self.storage, log, notify)?);
        Ok(self)
    }

    /// Feeds sinks from a log that was just opened: all entries that it commits, including the log's own, go to each
    /// sink once they are on disk, never before.
    ///
    /// A sink that remembers its entries ([`AuditSink::remembers`]) first gets those that it lacks, from the log's
    /// files; any other sink starts with the entries of this process. The log never waits for a sink. If retention
    /// removes a segment before a sink has its entries, the sink reports that gap permanently; a spill file
    /// ([`SinkBounds::overflow`]) prevents this.
    pub fn of_log(
        log: &mut AuditLog,
        sinks: Vec<(Box<dyn AuditSink>, SinkBounds)>,
        notify: impl Fn(SinkEvent<'_>) + Send + Sync + 'static,
    ) -> Result<Arc<FanOut>, AuditSinkError> {
        let mut fan = FanOut::new(Arc::clone(log.location().0), notify);
        let failed = |error: crate::store::StoreError| AuditSinkError::Log {
            target: "audit".to_owned(),
            reason: error.to_string(),
        };
        log.commit().map_err(failed)?;
        for (sink, bounds) in sinks {
            fan = fan.with_source(sink, bounds, Some(LogSource::new(log)))?;
        }
        let fan = Arc::new(fan);
        let to = Arc::clone(&fan);
        // A sink fed by a log accepts everything unless it was closed.
        log.on_commit(Box::new(move |entries| drop(to.offer(entries)))).map_err(failed)?;
        Ok(fan)
    }

    /// Passes entries to all sinks: first to those with free space, then to the others, waiting as their bounds allow.
    /// After an error the same entries may be offered again: each sink skips those that it has. Returns the first
    /// error, after all sinks were tried.
    pub fn offer(&self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let tried: Vec<_> = self.threads.iter().map(|thread| thread.try_offer(entries)).collect();
        let mut result = Ok(());
        for (thread, taken) in self.threads.iter().zip(tried) {
            let offered = match taken {
                Ok(count) if count < entries.len() => thread.offer(entries),
                taken => taken.map(drop),
            };
            result = result.and(offered);
        }
        result
    }

    /// Waits until all sinks have committed all entries offered, at most `wait_max`. Returns the first error, after all
    /// sinks were waited for.
    pub fn commit(&self, wait_max: Duration) -> Result<(), AuditSinkError> {
        let deadline = Instant::now().checked_add(wait_max);
        self.threads.iter().for_each(SinkThread::request_commit);
        let mut result = Ok(());
        for thread in &self.threads {
            result = result.and(thread.wait_committed(deadline));
        }
        result
    }

    /// The longest time that [`FanOut::close`] takes, apart from the disk.
    pub fn close_wait_max(&self) -> Duration {
        self.threads.iter().map(SinkThread::stop_wait_max).max().unwrap_or_default()
    }

    /// The state of each sink, in the order in which they were added.
    pub fn health(&self) -> Vec<SinkHealth> {
        self.threads.iter().map(SinkThread::health).collect()
    }

    /// Stops all sinks at the same time and waits for them within their bounds. The errors name the sinks that lack
    /// entries. No entries are accepted any more.
    pub fn close(&self) -> Result<(), Vec<AuditSinkError>> {
        let errors = self.finish();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn finish(&self) -> Vec<AuditSinkError> {
        self.threads.iter().for_each(SinkThread::stop);
        self.threads.iter().filter_map(|thread| thread.join().err()).collect()
    }
}

impl std::fmt::Debug for FanOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FanOut").field("sinks", &self.health()).finish_non_exhaustive()
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        self.threads.iter().for_each(SinkThread::stop);
        for thread in &self.threads {
            if let Err(error) = thread.join() {
                // An error may quote an address with a password: the receiver of events redacts it.
                (self.notify)(SinkEvent::Failing { sink: &thread.health().name, error: &error });
            }
        }
    }
}
