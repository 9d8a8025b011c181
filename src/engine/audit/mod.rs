//! Logging for evidence: `engine.audit()`, and what an event's caller may wait for.
//!
//! Promises: an event is checked before anything is queued, and a good one allocates nothing. It is never sampled and
//! never lost to a full ring: the caller waits as long as it takes, or hears that the engine has ended. While the
//! engine stops, an event is either in the log or an error for its caller. [`Emitted::wait`] returns when the entry
//! survives power loss.
mod config;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use self::config::AuditParts;
pub use self::config::{AuditConfig, AuditOpenError};

use super::config::InitError;
use crate::audit::event::Filled;
use crate::audit::sink::{AuditSinkError, SinkHealth};
use crate::audit::store::{Health, Receipt};
use crate::audit::{AuditEvent, BoundIds, EventError};
use crate::core::clock::Clock;
use crate::core::limits::Limits;
use crate::core::record::HEADER_BYTES;
use crate::core::value::NOT_PLAIN;
use crate::emit::Logger;
use crate::emit::audit::{AuditPayload, AuditShared, persist, write};
use crate::emit::lane::{Lane, WriteResult};
use crate::emit::lanes::{on_any_lane, with_lane};
use crate::emit::overflow;
use crate::emit::shared::Shared;
use crate::writer::Writer;
use crate::writer::audit::{AuditFault, AuditNews, AuditRequest, Feed, Reply, SpawnError};
use crate::writer::control::{Control, FlushError};

/// Entries are at most 1 MiB long, and JSON takes up to six bytes for one.
const RECORD_BYTES_MAX: u32 = 128 << 10;

/// Why an audit event was not taken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AuditError {
    /// It is not what it has to be; nothing was queued.
    Event(EventError),
    /// No ring can hold it.
    TooLong {
        /// Bytes that it may take at most.
        expected_bytes_max: usize,
        /// Bytes that it may need.
        found_bytes: usize,
    },
    /// It was not, or cannot be, written.
    Log(AuditFault),
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditError::Event(error) => error.fmt(f),
            AuditError::TooLong { expected_bytes_max, found_bytes } => {
                write!(
                    f,
                    "audit event: expected at most {expected_bytes_max} bytes, found {found_bytes}"
                )
            }
            AuditError::Log(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // It says what they say, so what stands behind them stands behind it.
            AuditError::Event(error) => error.source(),
            AuditError::Log(fault) => fault.source(),
            AuditError::TooLong { .. } => None,
        }
    }
}

impl From<EventError> for AuditError {
    fn from(error: EventError) -> Self {
        AuditError::Event(error)
    }
}

/// Writes audit events. Cheap to clone.
///
/// ```
/// use ringseal::audit::{Actor, AuditEvent, Outcome, Target};
/// use ringseal::{AuditConfig, Config, Engine};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let config = Config::new().audit(AuditConfig::new(dir.path().join("audit")).service("shop"));
/// # let config = config.file(dir.path().join("app.log"));
/// let engine = Engine::start(config)?;
/// let audit = engine.audit().expect("it was configured");
/// audit.emit(&AuditEvent::login(Actor::user("u-17"), Outcome::Denied))?;
/// let actor = Actor::user("u-17");
/// let moved = AuditEvent::new("payment.move", "update", actor, Outcome::Success)
///     .target(Target::new("account", "a-4"));
/// let receipt = audit.emit(&moved)?.wait()?; // on disk, and in the chain
/// assert!(receipt.seq > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AuditLogger {
    shared: Arc<Shared>,
    audit: Arc<AuditShared>,
    /// Of the logger that it was taken from.
    ids: Option<Arc<BoundIds>>,
}

/// An audit event that is on its way. Dropping it changes nothing.
#[derive(Debug)]
pub struct Emitted<'a> {
    logger: &'a AuditLogger,
    ticket: u64,
}

impl Emitted<'_> {
    /// Returns when the entry survives power loss: its number, and its leaf in the tree. Waits at most as long as was
    /// configured, 30 s by default.
    pub fn wait(self) -> Result<Receipt, AuditError> {
        let wait_max = self.logger.audit.wait_max;
        self.logger.ask(|reply| AuditRequest::Wait(self.ticket, reply), wait_max)
    }
}

impl AuditLogger {
    /// Queues an event. It is in the log's file within 100 ms; who has to know calls [`Emitted::wait`].
    ///
    /// Waits while rings are full, and while the log cannot be written and no more may be held for it.
    pub fn emit(&self, event: &AuditEvent<'_>) -> Result<Emitted<'_>, AuditError> {
        let event = Filled::new(event, Some(&self.audit.source), self.ids.as_deref());
        event.validate()?;
        self.audit.catalogue.check_filled(&event)?;
        let payload = self.measure(event)?;
        let passage = self.audit.link.enter().map_err(AuditError::Log)?;
        let ticket = passage.ticket;
        self.write(ticket, payload)?;
        match passage.is_in_time() {
            true => Ok(Emitted { logger: self, ticket }),
            false => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }

    /// How much room the event needs, and how it is to be written.
    #[inline]
    fn measure<'e>(&self, event: Filled<'e>) -> Result<AuditPayload<'e>, AuditError> {
        let limits = &self.audit.limits;
        let plain_bytes = event.plain_bytes(limits);
        let is_plain = plain_bytes < NOT_PLAIN;
        let bytes_max = if is_plain { plain_bytes } else { event.entries_bytes_max(limits) };
        event.check_room(bytes_max, limits, HEADER_BYTES)?;
        Ok(AuditPayload { event, bytes_max, is_plain })
    }

    #[inline]
    fn write(&self, ticket: u64, payload: AuditPayload<'_>) -> Result<(), AuditError> {
        self.wait_for_the_gate()?;
        match with_lane(self.shared.slot, self.shared.id, |lane| write(lane, ticket, &payload)) {
            Some(WriteResult::Written) => Ok(()),
            first => self.write_on_any_lane(ticket, &payload, first),
        }
    }

    /// The first event of a thread, a full ring, an event inside an event, and a thread that is ending.
    #[cold]
    fn write_on_any_lane(
        &self,
        ticket: u64,
        payload: &AuditPayload<'_>,
        first: Option<WriteResult>,
    ) -> Result<(), AuditError> {
        let mut outcome = Err(AuditFault::Stopped);
        let has_lane = on_any_lane(&self.shared, first.is_some(), &mut |lane| {
            let mut attempt = |lane: &mut Lane| write(lane, ticket, payload);
            outcome = persist(lane, &self.shared.link, &mut attempt);
        });
        match outcome {
            Ok(WriteResult::Written) => Ok(()),
            Ok(_) => Err(AuditError::TooLong {
                expected_bytes_max: self.audit.limits.record_bytes_max as usize,
                found_bytes: payload.bytes_max + HEADER_BYTES,
            }),
            Err(fault) if has_lane => Err(AuditError::Log(fault)),
            Err(_) => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }

    /// While the log cannot be written and too much is held for it, callers wait here.
    #[inline]
    fn wait_for_the_gate(&self) -> Result<(), AuditError> {
        // In a forked child nobody would ever read the ring, and evidence is not lost without a word.
        if self.shared.link.is_forked() {
            return Err(AuditError::Log(AuditFault::Forked));
        }
        if self.audit.link.is_blocked() { self.wait_behind_the_gate() } else { Ok(()) }
    }

    #[cold]
    fn wait_behind_the_gate(&self) -> Result<(), AuditError> {
        let mut round = 0;
        while self.audit.link.is_blocked() {
            if self.audit.link.is_closed() || self.shared.link.is_closed() {
                return Err(AuditError::Log(AuditFault::Stopped));
            }
            overflow::pause(round);
            round += 1;
        }
        Ok(())
    }

    /// Returns when everything logged before survives power loss.
    pub fn commit(&self) -> Result<(), AuditError> {
        self.ask(AuditRequest::Commit, self.audit.wait_max)
    }

    /// The same, sealed by a checkpoint; returns it as a signed note. Kept elsewhere, it shows whether anything before
    /// it was changed, or cut off.
    pub fn checkpoint(&self) -> Result<String, AuditError> {
        self.ask(AuditRequest::Checkpoint, self.audit.wait_max)
    }

    /// Reads all segments and compares them with what is expected of them; says whether all are right. The finding
    /// stands in the log, in `audit-integrity.log`, and in the application's stream.
    pub fn check(&self) -> Result<bool, AuditError> {
        self.ask(AuditRequest::Check, self.audit.wait_max)
    }

    /// Closes the segment and begins another one, with a new epoch.
    pub fn rotate(&self) -> Result<(), AuditError> {
        self.ask(AuditRequest::Rotate, self.audit.wait_max)
    }

    /// Returns when every sink besides the log has everything logged before. Waits at most as long as was configured.
    pub fn commit_sinks(&self) -> Result<(), AuditError> {
        self.commit()?;
        let Some(sinks) = self.audit.link.sinks() else { return Ok(()) };
        let late = |error: AuditSinkError| AuditError::Log(AuditFault::Sink(error.to_string()));
        sinks.commit(self.audit.wait_max).map_err(late)
    }

    /// How the log is, at most a second ago and with everything that was waited for, and how its sinks are now.
    pub fn health(&self) -> AuditHealth {
        AuditHealth {
            log: self.audit.link.health(),
            sinks: self.audit.link.sinks().map(|sinks| sinks.health()).unwrap_or_default(),
            is_keyless: self.audit.is_keyless,
            is_blocked: self.audit.link.is_blocked(),
            held_bytes: self.audit.link.held_bytes(),
        }
    }

    /// Waits for the sinks as long as their bounds allow, and tells what they lack. One that remembers what it has
    /// gets the rest at the next start.
    fn close_sinks(&self) {
        let Some(sinks) = self.audit.link.sinks() else { return };
        let Err(errors) = sinks.close() else { return };
        let failed = |sink: String, error: String| {
            let message = format_args!("CRITICAL audit_sink_failure: {sink}: {error}");
            self.shared.link.stderr.write(message);
            let news = AuditNews::Failed { sink, error };
            let _ = self.shared.link.call(Control::AuditNews(news));
        };
        let lacking = sinks.health().into_iter().filter(|sink| sink.missing_entries > 0);
        let mut is_told = false;
        for sink in lacking {
            is_told = true;
            let why = sink.last_error.unwrap_or_else(|| "no time was left".to_owned());
            let count = sink.missing_entries;
            let error = format!("stopped without {count} entries, which the log has: {why}");
            failed(sink.name, error);
        }
        if !is_told {
            errors.iter().for_each(|error| failed("audit".to_owned(), error.to_string()));
        }
    }

    fn ask<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> AuditRequest,
        patience: Duration,
    ) -> Result<T, AuditError> {
        let (reply, answer) = bounded(1);
        self.shared.link.call(Control::Audit(request(reply))).map_err(|error| {
            AuditError::Log(match error {
                FlushError::Forked => AuditFault::Forked,
                FlushError::Timeout => AuditFault::Timeout,
                _ => AuditFault::Stopped,
            })
        })?;
        match answer.recv_timeout(patience) {
            Ok(result) => result.map_err(AuditError::Log),
            Err(RecvTimeoutError::Timeout) => Err(AuditError::Log(AuditFault::Timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }
}

/// Opens the log that was configured, if any.
pub(super) fn open(
    config: Option<AuditConfig>,
    clock: &Arc<dyn Clock>,
    limits: Limits,
) -> Result<Option<AuditParts>, InitError> {
    let open = |config: AuditConfig| config.open(Arc::clone(clock), limits);
    config.map(open).transpose().map_err(InitError::Audit)
}

/// Starts the keeper; what it returns is for the writer.
pub(super) fn start(
    parts: Option<AuditParts>,
    shared: &Arc<Shared>,
) -> Result<Option<Feed>, InitError> {
    let Some(parts) = parts else { return Ok(None) };
    let audit = Arc::clone(&parts.shared);
    let (feed, keeper) = parts.split(Arc::clone(&shared.link));
    crate::writer::audit::spawn(keeper).map_err(|error| match error {
        SpawnError::Io(source) => InitError::Thread { source },
        SpawnError::Sink(error) => InitError::Audit(AuditOpenError::Sink(error)),
    })?;
    // A fresh engine has none yet.
    let _ = shared.audit.set(audit);
    Ok(Some(feed))
}

/// Gives the writer what [`start`] returned.
pub(super) fn attach(writer: Writer, feed: Option<Feed>) -> Writer {
    match feed {
        Some(feed) => writer.with_audit(feed),
        None => writer,
    }
}

/// The handle of this engine's log.
pub(super) fn logger(shared: &Arc<Shared>) -> Option<AuditLogger> {
    let audit = Arc::clone(shared.audit.get()?);
    Some(AuditLogger { shared: Arc::clone(shared), audit, ids: None })
}

impl Logger {
    /// The engine's audit log, whose events carry the ids that are bound to this logger unless they say otherwise:
    /// `correlation_id`, `trace_id`, `span_id`, `request_id`, `session_id`, `user_id`. `None` unless an audit log was
    /// configured. Reads the ids now; events cost no more for it than their bytes.
    pub fn audit(&self) -> Option<AuditLogger> {
        let ids = self.context().and_then(|context| BoundIds::of_entries(context.values()));
        Some(AuditLogger { ids: ids.map(Arc::new), ..logger(&self.shared)? })
    }
}

/// Returns when everything logged before is on disk.
pub(super) fn flush(shared: &Arc<Shared>, patience: Duration) -> Result<(), FlushError> {
    let Some(logger) = logger(shared) else { return Ok(()) };
    logger.ask(AuditRequest::Commit, patience).map_err(|error| match error {
        AuditError::Log(AuditFault::Timeout) => FlushError::Timeout,
        AuditError::Log(AuditFault::Stopped) => FlushError::Stopped,
        AuditError::Log(AuditFault::Forked) => FlushError::Forked,
        other => FlushError::Sinks(other.to_string()),
    })
}

/// Lets nothing more in, and ends the log. What could not be written has been said on stderr.
pub(super) fn stop(shared: &Arc<Shared>, patience: Duration) {
    if let Some(logger) = logger(shared) {
        let link = &logger.audit.link;
        link.close();
        let (start, mut round) = (Instant::now(), 0);
        while !link.is_quiet() && start.elapsed() < patience / 2 {
            overflow::pause(round);
            round += 1;
        }
        if !link.is_quiet() {
            link.abandon();
        }
        let patience = patience.saturating_sub(start.elapsed());
        if let Err(AuditError::Log(fault @ AuditFault::Timeout)) =
            logger.ask(AuditRequest::Stop, patience)
        {
            shared.link.stderr.write(format_args!(
                "CRITICAL audit_sink_failure: the log did not end in order: {fault}"
            ));
        }
        logger.close_sinks();
    }
}

/// In a panic, which may be the last moment: seals what there is.
pub(super) fn seal(shared: &Arc<Shared>, patience: Duration) {
    if let Some(logger) = logger(shared) {
        // The keeper says on stderr what it could not do; a panic hook has nobody to tell.
        let _ = logger.ask(AuditRequest::Checkpoint, patience);
    }
}

/// How the audit log is: for health endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditHealth {
    /// The log itself; `None` while the keeper has not had its first turn.
    pub log: Option<Health>,
    /// The sinks besides the log, in the order in which they were configured.
    pub sinks: Vec<SinkHealth>,
    /// No key was given: the log is a chain of plain hashes, sealed by keys that it made itself. It shows accidents;
    /// whoever can write the directory can make another one.
    pub is_keyless: bool,
    /// Callers of `emit` are waiting.
    pub is_blocked: bool,
    /// Bytes of entries that wait for the log.
    pub held_bytes: u64,
}

impl AuditHealth {
    /// Whether the log can be written, all its checks were right, and all sinks take entries.
    pub fn is_healthy(&self) -> bool {
        let log = self.log.as_ref().is_none_or(|log| log.audit_sink_healthy);
        log && self.sinks.iter().all(|sink| sink.is_healthy)
    }
}
