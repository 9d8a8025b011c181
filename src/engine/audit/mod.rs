//! The audit logger: `engine.audit()`, and waiting for events.
//!
//! Promises: an event is checked before anything is queued, and a valid one allocates nothing. It is never sampled and
//! never lost to a full ring: the caller waits as long as needed, or gets an error when the engine has stopped. While
//! the engine stops, an event is either in the log or an error for its caller. [`Emitted::wait`] returns when the entry
//! survives power loss.
mod config;
mod error;
mod health;
mod recovery;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

pub use self::config::AuditConfig;
use self::config::AuditParts;
pub use self::error::AuditOpenError;
pub use self::health::AuditHealth;
use self::recovery::Started;
pub(super) use self::recovery::{attach, home_name, recover};

use super::config::InitError;
use crate::core::record::HEADER_BYTES;
use crate::emit::Logger;
use crate::emit::audit::{AuditPayload, AuditShared, retry_until_space, write};
use crate::emit::lane::{Lane, WriteResult};
use crate::emit::lanes::{on_any_lane, with_lane};
use crate::emit::overflow;
use crate::emit::shared::Shared;
use crate::recover::home::Home;
use crate::writer::answer::{Answer, answer};
use crate::writer::audit::{AuditFault, AuditRequest, AuditThreadEvent, Reply, SpawnError};
use crate::writer::control::{Control, FlushError};
use ringseal_audit::event::EventWithContext;
use ringseal_audit::sink::AuditSinkError;
use ringseal_audit::store::Receipt;
use ringseal_audit::{AuditEvent, BoundIds, EventError};
use ringseal_base::clock::Clock;
use ringseal_base::limits::Limits;
use ringseal_base::value::NOT_PLAIN;

/// Entries are at most 1 MiB long, and JSON can take six bytes for one byte of text.
const RECORD_BYTES_MAX: u32 = 128 << 10;

/// Why an audit event was refused or not written.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum AuditError {
    /// The event is invalid; nothing was queued.
    Event(EventError),
    /// The event is too long for any ring.
    TooLong {
        /// Most bytes that a record may have.
        expected_bytes_max: usize,
        /// Most bytes that the event may need.
        found_bytes: usize,
    },
    /// The event was not written, or cannot be written.
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

ringseal_base::debug_by_message!(AuditError);

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display forwards to the inner error, so `source` skips it.
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
/// use ringseal::audit::{Actor, AuditEvent, EventOutcome, Target};
/// use ringseal::{AuditConfig, Config, Engine};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let config = Config::new().audit(AuditConfig::new(dir.path().join("audit")).service("shop"));
/// # let config = config.file(dir.path().join("app.log"));
/// let engine = Engine::start(config)?;
/// let audit = engine.audit().expect("it was configured");
/// audit.emit(&AuditEvent::login(Actor::user("u-17"), EventOutcome::Denied))?;
/// let actor = Actor::user("u-17");
/// let moved = AuditEvent::new("payment.move", "update", actor, EventOutcome::Success)
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
    /// The ids of the logger that it was taken from.
    ids: Option<Arc<BoundIds>>,
}

/// An emitted audit event. Dropping this handle does not affect the event.
#[derive(Debug)]
pub struct Emitted<'a> {
    logger: &'a AuditLogger,
    ticket: u64,
}

impl Emitted<'_> {
    /// Returns when the entry survives power loss, with its number and its leaf in the tree. Waits at most as long as
    /// configured, 30 s by default.
    pub fn wait(self) -> Result<Receipt, AuditError> {
        let wait_max = self.logger.audit.wait_max;
        self.logger.request(|reply| AuditRequest::Wait(self.ticket, reply), wait_max)
    }

    /// The same as a future that needs no runtime. The request is made by the call. The wait is unbounded:
    /// combine it with the timeout of the runtime.
    pub fn wait_async(self) -> impl Future<Output = Result<Receipt, AuditError>> + Send + use<> {
        let (answerer, answer) = answer();
        awaited(self.logger.call(AuditRequest::Wait(self.ticket, Reply::Task(answerer))), answer)
    }
}

impl AuditLogger {
    /// Queues an event. It is in the log's file within 100 ms; call [`Emitted::wait`] to be sure.
    ///
    /// Waits while rings are full, and while the log cannot be written and the bound on held entries is reached.
    pub fn emit(&self, event: &AuditEvent<'_>) -> Result<Emitted<'_>, AuditError> {
        self.emit_by(event, Self::write)
    }

    /// The same without waiting, for code that must not block: an error that says so if the ring or the log has no
    /// space now. The first event of a thread makes its ring.
    pub fn try_emit(&self, event: &AuditEvent<'_>) -> Result<Emitted<'_>, AuditError> {
        self.emit_by(event, Self::try_write)
    }

    #[inline(always)]
    fn emit_by(
        &self,
        event: &AuditEvent<'_>,
        write: impl FnOnce(&Self, u64, AuditPayload<'_>) -> Result<(), AuditError>,
    ) -> Result<Emitted<'_>, AuditError> {
        let event = EventWithContext::new(event, Some(&self.audit.source), self.ids.as_deref());
        event.validate()?;
        self.audit.catalogue.check_with_context(&event)?;
        let payload = self.measure(event)?;
        let ticket = self.audit.link.issue_ticket().map_err(AuditError::Log)?;
        let id = ticket.id;
        write(self, id, payload)?;
        match ticket.arrive() {
            true => Ok(Emitted { logger: self, ticket: id }),
            false => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }

    /// Computes how many bytes the event needs, and how it can be written.
    #[inline]
    fn measure<'e>(&self, event: EventWithContext<'e>) -> Result<AuditPayload<'e>, AuditError> {
        let limits = &self.audit.limits;
        let plain_bytes = event.plain_bytes(limits);
        let is_plain = plain_bytes < NOT_PLAIN;
        let bytes_max = if is_plain { plain_bytes } else { event.entries_bytes_max(limits) };
        event.check_length(bytes_max, limits, HEADER_BYTES)?;
        Ok(AuditPayload { event, bytes_max, is_plain })
    }

    #[inline]
    fn write(&self, ticket: u64, payload: AuditPayload<'_>) -> Result<(), AuditError> {
        self.wait_while_blocked()?;
        match with_lane(self.shared.slot, self.shared.id, |lane| write(lane, ticket, &payload)) {
            Some(WriteResult::Written) => Ok(()),
            first => self.write_on_any_lane(ticket, &payload, first),
        }
    }

    fn try_write(&self, ticket: u64, payload: AuditPayload<'_>) -> Result<(), AuditError> {
        if self.shared.link.is_forked() {
            return Err(AuditError::Log(AuditFault::Forked));
        }
        if self.audit.link.is_blocked() {
            return Err(AuditError::Log(AuditFault::WouldWait));
        }
        let attempt = |lane: &mut Lane| write(lane, ticket, &payload);
        let mut result = with_lane(self.shared.slot, self.shared.id, attempt);
        if result.is_none() {
            on_any_lane(&self.shared, false, &mut |lane| result = Some(attempt(lane)));
        }
        match result {
            Some(WriteResult::Written) => Ok(()),
            Some(WriteResult::Full) => Err(AuditError::Log(AuditFault::WouldWait)),
            Some(_) => Err(self.too_long(&payload)),
            None => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }

    fn too_long(&self, payload: &AuditPayload<'_>) -> AuditError {
        AuditError::TooLong {
            expected_bytes_max: self.audit.limits.record_bytes_max as usize,
            found_bytes: payload.bytes_max + HEADER_BYTES,
        }
    }

    /// Handles the first event of a thread, a full ring, an event within an event, and a thread that is ending.
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
            outcome = retry_until_space(lane, &self.shared.link, &mut attempt);
        });
        match outcome {
            Ok(WriteResult::Written) => Ok(()),
            Ok(_) => Err(self.too_long(payload)),
            Err(fault) if has_lane => Err(AuditError::Log(fault)),
            Err(_) => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }

    /// Waits while the log cannot be written and the bound on held entries is exceeded.
    #[inline]
    fn wait_while_blocked(&self) -> Result<(), AuditError> {
        // In a forked child no thread reads the ring, and evidence must not be lost silently.
        if self.shared.link.is_forked() {
            return Err(AuditError::Log(AuditFault::Forked));
        }
        if self.audit.link.is_blocked() { self.wait_until_unblocked() } else { Ok(()) }
    }

    #[cold]
    fn wait_until_unblocked(&self) -> Result<(), AuditError> {
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
        self.request(AuditRequest::Commit, self.audit.wait_max)
    }

    /// Commits and makes a checkpoint; returns it as a signed note. A copy kept elsewhere detects any change or
    /// truncation of earlier entries.
    pub fn checkpoint(&self) -> Result<String, AuditError> {
        self.request(AuditRequest::Checkpoint, self.audit.wait_max)
    }

    /// Compares all segments with their recorded checksums; returns whether all match. The result is recorded in the
    /// log, in `audit-integrity.log` and in the application's log.
    pub fn check(&self) -> Result<bool, AuditError> {
        self.request(AuditRequest::Check, self.audit.wait_max)
    }

    /// Closes the segment and begins a new one, with a new epoch.
    pub fn rotate(&self) -> Result<(), AuditError> {
        self.request(AuditRequest::Rotate, self.audit.wait_max)
    }

    /// Returns when every sink besides the log has everything logged before. Waits at most as long as configured.
    pub fn commit_sinks(&self) -> Result<(), AuditError> {
        self.commit()?;
        let Some(sinks) = self.audit.link.sinks() else { return Ok(()) };
        let late = |error: AuditSinkError| AuditError::Log(AuditFault::Sink(error.to_string()));
        sinks.commit(self.audit.wait_max).map_err(late)
    }

    /// The state of the log and of its sinks. The log's state is at most a second old and includes all entries that a
    /// caller has waited for; the sinks' state is current.
    pub fn health(&self) -> AuditHealth {
        AuditHealth {
            log: self.audit.link.health(),
            sinks: self.audit.link.sinks().map(|sinks| sinks.health()).unwrap_or_default(),
            is_keyless: self.audit.is_keyless,
            is_blocked: self.audit.link.is_blocked(),
            held_bytes: self.audit.link.held_bytes(),
        }
    }

    /// Waits for the sinks as long as their bounds allow, and reports the entries that they lack. A sink that remembers
    /// its entries gets the rest at the next start.
    fn close_sinks(&self) {
        let Some(sinks) = self.audit.link.sinks() else { return };
        let Err(errors) = sinks.close() else { return };
        let failed = |sink: String, error: String| {
            let stderr = &self.shared.link.stderr;
            stderr.write(format_args!("CRITICAL audit_sink_failure: {sink}: {error}"));
            let event = AuditThreadEvent::Failed { sink, error };
            let _ = self.shared.link.call(Control::AuditThreadEvent(event));
        };
        let lacking = sinks.health().into_iter().filter(|sink| sink.missing_entries > 0);
        let mut is_reported = false;
        for sink in lacking {
            is_reported = true;
            let why = sink.last_error.unwrap_or_else(|| "no time was left".to_owned());
            let count = sink.missing_entries;
            let error =
                format!("undelivered entries at the stop: {count}; the log has them: {why}");
            failed(sink.name, error);
        }
        if !is_reported {
            errors.iter().for_each(|error| failed("audit".to_owned(), error.to_string()));
        }
    }

    fn request<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> AuditRequest,
        timeout: Duration,
    ) -> Result<T, AuditError> {
        let (reply, answer) = bounded(1);
        self.call(request(Reply::Thread(reply)))?;
        match answer.recv_timeout(timeout) {
            Ok(result) => result.map_err(AuditError::Log),
            Err(RecvTimeoutError::Timeout) => Err(AuditError::Log(AuditFault::Timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(AuditError::Log(AuditFault::Stopped)),
        }
    }
}

// A panic leaves nothing half done: an interrupted event gives its bytes and its ticket back.
impl UnwindSafe for AuditLogger {}
impl RefUnwindSafe for AuditLogger {}

impl AuditLogger {
    fn call(&self, request: AuditRequest) -> Result<(), AuditError> {
        self.shared.link.call(Control::Audit(request)).map_err(|error| {
            AuditError::Log(match error {
                FlushError::Forked => AuditFault::Forked,
                FlushError::Timeout => AuditFault::Timeout,
                _ => AuditFault::Stopped,
            })
        })
    }
}

/// The answer of a request as a future.
async fn awaited<T>(
    called: Result<(), AuditError>,
    answer: Answer<Result<T, AuditFault>>,
) -> Result<T, AuditError> {
    called?;
    answer.await.unwrap_or(Err(AuditFault::Stopped)).map_err(AuditError::Log)
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

/// Starts the audit thread; returns the feed for the writer, and the log's progress.
pub(super) fn start(
    parts: Option<AuditParts>,
    shared: &Arc<Shared>,
    home: Option<&Arc<Home>>,
) -> Result<Started, InitError> {
    let Some(mut parts) = parts else { return Ok(Started::default()) };
    let progress = home.map(|home| home.audit_progress());
    progress.iter().for_each(|progress| parts.set_progress(progress.clone()));
    let audit = Arc::clone(&parts.shared);
    let (feed, thread) = parts.split(Arc::clone(&shared.link));
    crate::writer::audit::spawn(thread).map_err(|error| match error {
        SpawnError::Io(source) => InitError::Thread { source },
        SpawnError::Sink(error) => InitError::Audit(AuditOpenError::Sink(error)),
    })?;
    // A new engine has no audit log yet.
    let _ = shared.audit.set(audit);
    Ok(Started { feed: Some(feed), progress })
}

/// The handle of this engine's log.
pub(super) fn logger(shared: &Arc<Shared>) -> Option<AuditLogger> {
    let audit = Arc::clone(shared.audit.get()?);
    Some(AuditLogger { shared: Arc::clone(shared), audit, ids: None })
}

impl Logger {
    /// The engine's audit log. Its events carry the ids that are bound to this logger, unless they set them:
    /// `correlation_id`, `trace_id`, `span_id`, `request_id`, `session_id`, `user_id`. `None` unless an audit log was
    /// configured. The ids are read now; for each event they cost only their bytes.
    pub fn audit(&self) -> Option<AuditLogger> {
        let ids = self.context().and_then(|context| BoundIds::of_entries(context.values()));
        Some(AuditLogger { ids: ids.map(Arc::new), ..logger(&self.shared)? })
    }
}

/// Returns when everything logged before is on disk.
pub(super) fn flush(shared: &Arc<Shared>, timeout: Duration) -> Result<(), FlushError> {
    let Some(logger) = logger(shared) else { return Ok(()) };
    logger.request(AuditRequest::Commit, timeout).map_err(flush_error)
}

/// The same as a future, whose request is made by the call.
pub(super) fn flush_async(
    shared: &Arc<Shared>,
) -> impl Future<Output = Result<(), FlushError>> + Send + use<> {
    let asked = logger(shared).map(|logger| {
        let (answerer, answer) = answer();
        (logger.call(AuditRequest::Commit(Reply::Task(answerer))), answer)
    });
    async move {
        match asked {
            Some((called, answer)) => awaited(called, answer).await.map_err(flush_error),
            None => Ok(()),
        }
    }
}

fn flush_error(error: AuditError) -> FlushError {
    match error {
        AuditError::Log(AuditFault::Timeout) => FlushError::Timeout,
        AuditError::Log(AuditFault::Stopped) => FlushError::Stopped,
        AuditError::Log(AuditFault::Forked) => FlushError::Forked,
        other => FlushError::Sinks(other.to_string()),
    }
}

/// Stops issuing tickets and ends the log. Entries that could not be written are reported on stderr.
pub(super) fn stop(shared: &Arc<Shared>, timeout: Duration) {
    if let Some(logger) = logger(shared) {
        let link = &logger.audit.link;
        link.close();
        let (start, mut round) = (Instant::now(), 0);
        while !link.is_idle() && start.elapsed() < timeout / 2 {
            overflow::pause(round);
            round += 1;
        }
        if !link.is_idle() {
            link.abandon();
        }
        let timeout = timeout.saturating_sub(start.elapsed());
        if let Err(AuditError::Log(fault @ AuditFault::Timeout)) =
            logger.request(AuditRequest::Stop, timeout)
        {
            shared.link.stderr.write(format_args!(
                "CRITICAL audit_sink_failure: the log did not end in order: {fault}"
            ));
        }
        logger.close_sinks();
    }
}

/// Makes a checkpoint after a panic, which may end the process.
pub(super) fn seal(shared: &Arc<Shared>, timeout: Duration) {
    if let Some(logger) = logger(shared) {
        // The audit thread reports errors on stderr; a panic hook has no caller to return one to.
        let _ = logger.request(AuditRequest::Checkpoint, timeout);
    }
}
