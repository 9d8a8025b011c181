//! One audit event for each request.
//!
//! Promises: a request has one audit event, when its response is ready or when it has failed without one, whatever its
//! level, profile and sampling. An event that the log does not accept is counted and reported. The response waits for
//! the entry only if asked.
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Method;
use ringseal::audit::{Actor, AuditEvent, EventOutcome, Target};
use ringseal::value::Value;
use ringseal::{AuditError, AuditLogger, Context, Emitted, Logger, Maybe, fields};

use super::exchange::{Exchange, Waiting};
use super::options::Options;
use super::profile::TARGET;
use super::skip::SkipList;
use super::texts::UserAgent;
use crate::hex::Hex;
use crate::url::cut_text;

/// Paths without audit events, unless [`HttpAudit::skip`] says otherwise.
const SKIPPED: [&str; 8] =
    ["/health", "/healthz", "/ready", "/readyz", "/live", "/livez", "/metrics", "/favicon.ico"];

/// The longest id of a target.
const PATH_BYTES_MAX: usize = 1024;
/// The longest action.
const ACTION_BYTES_MAX: usize = 128;
/// The longest user agent.
const USER_AGENT_BYTES_MAX: usize = 256;

/// What is done about a response whose audit entry could not be written, after waiting for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnrecorded {
    /// The response is sent; the failure is logged and counted.
    Send,
    /// The client gets status 503 in place of the response. The handler has done its work nevertheless.
    Refuse,
}

/// The engine has no audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoAuditLog;

impl fmt::Display for NoAuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an engine with an audit log, found one without: configure it with Config::audit")
    }
}

impl std::error::Error for NoAuditLog {}

/// One audit event `http.request` for each request.
///
/// | method | action | | status | outcome |
/// |---|---|---|---|---|
/// | GET, HEAD, OPTIONS | `read` | | below 400 | `success` |
/// | POST | `create` | | 401, 403 | `denied` |
/// | PUT, PATCH | `update` | | other 4xx, the client has left | `failure` |
/// | DELETE | `delete` | | 5xx, an error, a panic | `error` |
/// | others | the method | | | |
///
/// The target is the path (type `http`, the route's template as its name), the actor the user of
/// [`set_user`](crate::set_user) or else `anonymous`, with address and user agent. Paths of probes are skipped:
/// `/health`, `/healthz`, `/ready`, `/readyz`, `/live`, `/livez`, `/metrics`, `/favicon.ico`.
///
/// ```
/// use ringseal::{AuditConfig, Config, Engine};
/// use ringseal_tower::{HttpAudit, HttpLayer};
/// # let dir = tempfile::tempdir()?;
/// let config = Config::new().file(dir.path().join("app.log"));
/// let engine = Engine::start(config.audit(AuditConfig::new(dir.path().join("audit"))))?;
/// let layer = HttpLayer::new(engine.logger()).audit(HttpAudit::new(engine.logger())?);
/// # drop(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpAudit {
    logger: Logger,
    skip: SkipList,
    waits: Option<OnUnrecorded>,
    never_blocks: bool,
}

impl HttpAudit {
    /// Events in the audit log of this engine.
    ///
    /// # Errors
    /// The engine has none.
    pub fn new(logger: Logger) -> Result<HttpAudit, NoAuditLog> {
        match logger.audit() {
            Some(_) => {
                let skip = SkipList::new(SKIPPED);
                Ok(HttpAudit { logger, skip, waits: None, never_blocks: false })
            }
            None => Err(NoAuditLog),
        }
    }

    /// Paths without audit events, in place of those of probes. A `*` at the end of a path matches any rest.
    #[must_use]
    pub fn skip<P: AsRef<str>>(mut self, paths: impl IntoIterator<Item = P>) -> HttpAudit {
        self.skip = SkipList::new(paths);
        self
    }

    /// Sends a response only when its entry survives power loss. Without this, the entry is in the log's file within
    /// 100 ms. The wait has no bound besides that of the client and of layers outside.
    #[must_use]
    pub fn wait(mut self, on_unrecorded: OnUnrecorded) -> HttpAudit {
        self.waits = Some(on_unrecorded);
        self
    }

    /// Whether an event that would have to wait, because the thread's ring or the log has no space now, is refused,
    /// counted and reported. Off by default: then the thread waits, because evidence must not be lost.
    #[must_use]
    pub fn never_block(mut self, is_on: bool) -> HttpAudit {
        self.never_blocks = is_on;
        self
    }

    /// Whether a response without an entry is refused.
    pub(crate) fn refuses(&self) -> bool {
        self.waits == Some(OnUnrecorded::Refuse)
    }

    /// Writes the event of a request. The context is that of its handler. Returns what its response has to wait for.
    pub(super) fn record(&self, x: &Exchange) -> Option<Waiting> {
        if self.skip.has(x.texts.whole_path()) {
            return None;
        }
        let log = self.log_of(x)?;
        match self.emit(&log, x) {
            Ok(waiting) => waiting,
            Err(error) => {
                report(&x.options, &error);
                // A response that must have its entry does not go out without one.
                self.refuses().then(|| Box::pin(std::future::ready(false)) as Waiting)
            }
        }
    }

    /// The audit log with the ids of the request.
    fn log_of(&self, x: &Exchange) -> Option<AuditLogger> {
        let ids = Context::current().correlation();
        let trace_id = ids.map(|ids| Hex::of(&ids.trace_id()));
        let span_id = ids.map(|ids| Hex::of(&ids.span_id()[..8]));
        let user = x.slot.user.as_deref().filter(|user| !user.trim().is_empty());
        let bound = self.logger.bind(fields! {
            request_id = x.texts.id(),
            trace_id = Maybe(trace_id.as_ref().map(Hex::as_str)),
            span_id = Maybe(span_id.as_ref().map(Hex::as_str)),
            user_id = Maybe(user),
        });
        bound.audit()
    }

    fn emit(&self, log: &AuditLogger, x: &Exchange) -> Result<Option<Waiting>, AuditError> {
        let action = action(&x.method);
        let action = cut_text(&action, ACTION_BYTES_MAX);
        let user_agent = x.texts.user_agent().and_then(UserAgent::ascii);
        let actor = actor(x.slot.user.as_deref(), x.client, user_agent);
        let address = x.client.map(|client| client.to_string());
        let status = x.status.map(|status| status.as_u16());
        let route = x.slot.route.as_ref().map(|route| route.as_str());
        let details: [(&str, &dyn Value); 2] =
            [("method", &x.method.as_str()), ("status", &Maybe(status))];
        let path = match cut_text(x.texts.whole_path(), PATH_BYTES_MAX) {
            "" => "/",
            path => path,
        };
        let mut target = Target::new("http", path);
        if let Some(route) = route.filter(|route| !route.trim().is_empty()) {
            target = target.name(cut_text(route, PATH_BYTES_MAX));
        }
        let mut event = AuditEvent::new("http.request", action, actor, outcome(status))
            .target(target)
            .correlation_id(x.texts.id())
            .duration_ms(x.elapsed().as_millis() as u64)
            .details(&details);
        if let Some(address) = &address {
            event = event.source_address(address);
        }
        let emitted = match self.never_blocks {
            true => log.try_emit(&event)?,
            false => log.emit(&event)?,
        };
        Ok(self.waits.map(|_| waiting(x, emitted)))
    }
}

/// Waits for an entry; the failure is reported.
fn waiting(x: &Exchange, emitted: Emitted<'_>) -> Waiting {
    let (wait, options) = (emitted.wait_async(), Arc::clone(&x.options));
    Box::pin(async move {
        let result = wait.await;
        if let Err(error) = &result {
            report(&options, error);
        }
        result.is_ok()
    })
}

fn report(options: &Options, error: &AuditError) {
    options.counters.audit_failed.add();
    ringseal::error!(target: TARGET, options.logger, "http.audit_failed", error = error);
}

fn actor<'a>(
    user: Option<&'a str>,
    client: Option<IpAddr>,
    user_agent: Option<&'a str>,
) -> Actor<'a> {
    let mut actor = match user.filter(|user| !user.trim().is_empty()) {
        Some(user) => Actor::user(user),
        None => Actor::anonymous(),
    };
    if let Some(client) = client {
        actor = actor.ip(client);
    }
    if let Some(user_agent) = user_agent {
        actor = actor.user_agent(cut_text(user_agent, USER_AGENT_BYTES_MAX));
    }
    actor
}

fn action(method: &Method) -> Cow<'static, str> {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => "read".into(),
        Method::POST => "create".into(),
        Method::PUT | Method::PATCH => "update".into(),
        Method::DELETE => "delete".into(),
        _ => method.as_str().to_ascii_lowercase().into(),
    }
}

/// The outcome of a status, or of no response.
fn outcome(status: Option<u16>) -> EventOutcome {
    match status {
        Some(..400) => EventOutcome::Success,
        Some(401 | 403) => EventOutcome::Denied,
        Some(..500) => EventOutcome::Failure,
        Some(_) | None => EventOutcome::Error,
    }
}
