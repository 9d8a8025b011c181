//! The events of a request: their names and fields.
//!
//! Promises: each profile has exactly one event for the end of a request, the access event. Nothing is allocated for
//! it.
use std::fmt::Display;

use ringseal::value::{DisplayValue, SpanId, Value};
use ringseal::{Level, Maybe};

use super::api;
use super::bodies::Text;
use super::exchange::Exchange;
use super::outcome::{Ended, Outcome};
use crate::placed::Placed;

/// Which events a request has.
///
/// | profile | at the start | at the end |
/// |---|---|---|
/// | `Access` | | `http.access` |
/// | `Ecs` | | `http.access` with the fields of the Elastic Common Schema |
/// | `Span` | `span.start` of the span `http.request` | `http.ok` or `http.error`, then `span.end` |
/// | `Message` | `Request received` | `Request completed`, or `Unhandled exception` before it |
/// | `Api` | `INBOUND POST /path` | `OUTBOUND POST /path (201)` |
///
/// `docs/http.md` has the fields of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Profile {
    /// One event `http.access`. The default.
    #[default]
    Access,
    /// One event `http.access`, whose fields are those of the Elastic Common Schema.
    Ecs,
    /// A span `http.request`, and `http.ok` or `http.error` at its end.
    Span,
    /// `Request received` and `Request completed`.
    Message,
    /// `INBOUND POST /path` and `OUTBOUND POST /path (201)`, with headers, and with bodies if they are captured.
    Api,
}

/// The target of all events.
pub(crate) const TARGET: &str = "http";

/// Logs an event at a level that is known only at run time.
macro_rules! event_at {
    ($level:expr, $log:expr, $name:literal, $($fields:tt)*) => {
        match $level {
            Level::Trace => ringseal::trace!(target: crate::server::profile::TARGET, $log, $name, $($fields)*),
            Level::Debug => ringseal::debug!(target: crate::server::profile::TARGET, $log, $name, $($fields)*),
            Level::Info => ringseal::info!(target: crate::server::profile::TARGET, $log, $name, $($fields)*),
            Level::Warn => ringseal::warn!(target: crate::server::profile::TARGET, $log, $name, $($fields)*),
            Level::Error => ringseal::error!(target: crate::server::profile::TARGET, $log, $name, $($fields)*),
            Level::Critical => ringseal::critical!(target: crate::server::profile::TARGET, $log, $name, $($fields)*),
        }
    };
}

/// A value that is formatted, or none.
pub(super) fn shown<T: Display>(value: Option<T>) -> Maybe<DisplayValue<T>>
where
    DisplayValue<T>: Value,
{
    Maybe(value.map(DisplayValue))
}

/// Writes the event of the start, if the profile has one. The context is that of the handler.
pub(crate) fn write_start(exchange: &Exchange) {
    let log = &exchange.options.logger;
    if exchange.options.profile == Profile::Message {
        ringseal::info!(
            target: TARGET,
            log,
            "Request received",
            http_method = exchange.method.as_str(),
            request_path = exchange.texts.url(),
        );
    }
}

/// Writes the access event. The context is that of the handler.
pub(crate) fn write_end(
    exchange: &Exchange,
    ended: &Ended<'_>,
    level: Level,
    error: Option<&dyn Display>,
) {
    match exchange.options.profile {
        Profile::Access => write_access(exchange, ended, level, error),
        Profile::Api => api::write_outbound(exchange, ended, level, error),
        Profile::Ecs => write_ecs(exchange, ended, level, error),
        Profile::Span => write_ok_or_error(exchange, ended, level, error),
        Profile::Message => write_message(exchange, ended, level),
    }
}

fn status(ended: &Ended<'_>) -> Maybe<u16> {
    Maybe(ended.status.map(|status| status.as_u16()))
}

/// The texts of captured bodies.
struct Texts {
    request: Option<Text>,
    response: Option<Text>,
}

impl Texts {
    fn of(x: &Exchange) -> Texts {
        Texts { request: x.request_text(), response: x.response_text() }
    }

    fn content(text: &Option<Text>) -> Maybe<&str> {
        Maybe(text.as_ref().map(|text| text.content.as_str()))
    }

    fn truncated(text: &Option<Text>) -> Maybe<bool> {
        Maybe(text.as_ref().filter(|text| text.is_cut).map(|_| true))
    }
}

fn write_access(x: &Exchange, ended: &Ended<'_>, level: Level, error: Option<&dyn Display>) {
    let (log, texts) = (&x.options.logger, Texts::of(x));
    event_at!(
        level,
        log,
        "http.access",
        method = ended.method.as_str(),
        route = Maybe(ended.route),
        path = x.texts.url(),
        status = status(ended),
        outcome = ended.outcome.as_str(),
        duration_ms = x.timer,
        ttfb_ms = Maybe(ended.time_to_first_byte),
        bytes_in = ended.bytes_in,
        bytes_out = ended.bytes_out,
        streamed = Maybe(x.is_streamed.then_some(true)),
        client.ip = Maybe(ended.client),
        user_agent.original = Maybe(x.texts.user_agent()),
        parent_span_id = Maybe(x.parent_span.map(SpanId)),
        error.message = shown(error),
        http.request.body.content = Texts::content(&texts.request),
        http.request.body.truncated = Texts::truncated(&texts.request),
        http.response.body.content = Texts::content(&texts.response),
        http.response.body.truncated = Texts::truncated(&texts.response),
    );
}

fn write_ecs(x: &Exchange, ended: &Ended<'_>, level: Level, error: Option<&dyn Display>) {
    let (log, texts) = (&x.options.logger, Texts::of(x));
    event_at!(
        level,
        log,
        "http.access",
        http.request.method = ended.method.as_str(),
        http.request.body.bytes = ended.bytes_in,
        http.response.status_code = status(ended),
        http.response.body.bytes = ended.bytes_out,
        url.path = x.texts.path(),
        url.query = Maybe(x.texts.query()),
        event.category = "web",
        event.duration = x.timer,
        event.outcome = if ended.is_clean() { "success" } else { "failure" },
        client.ip = Maybe(ended.client),
        user_agent.original = Maybe(x.texts.user_agent()),
        parent_span_id = Maybe(x.parent_span.map(SpanId)),
        labels.route = Maybe(ended.route),
        labels.outcome = ended.outcome.as_str(),
        ttfb_ms = Maybe(ended.time_to_first_byte),
        error.message = shown(error),
        http.request.body.content = Texts::content(&texts.request),
        http.request.body.truncated = Texts::truncated(&texts.request),
        http.response.body.content = Texts::content(&texts.response),
        http.response.body.truncated = Texts::truncated(&texts.response),
    );
}

fn write_ok_or_error(x: &Exchange, ended: &Ended<'_>, level: Level, error: Option<&dyn Display>) {
    let log = &x.options.logger;
    let is_ok = level <= Level::Warn;
    if is_ok {
        event_at!(
            level,
            log,
            "http.ok",
            span = Placed("http.request"),
            path = x.texts.url(),
            duration_ms = x.timer,
            status = status(ended),
            outcome = ended.outcome.as_str(),
        );
    } else {
        event_at!(
            level,
            log,
            "http.error",
            span = Placed("http.request"),
            path = x.texts.url(),
            duration_ms = x.timer,
            status = status(ended),
            outcome = ended.outcome.as_str(),
            exception = shown(error),
        );
    }
}

fn write_message(x: &Exchange, ended: &Ended<'_>, level: Level) {
    let log = &x.options.logger;
    event_at!(
        level,
        log,
        "Request completed",
        http_method = ended.method.as_str(),
        request_path = x.texts.url(),
        status_code = status(ended),
        duration_ms = ended.duration.as_millis() as u64,
        outcome = ended.outcome.as_str(),
    );
}

/// Logs that a handler has failed without a response. With `Profile::Span`, that is what `http.error` and `span.error`
/// say.
pub(crate) fn write_failure(exchange: &Exchange, outcome: Outcome, error: &dyn Value) {
    let log = &exchange.options.logger;
    let method = exchange.method.as_str();
    let path = exchange.texts.url();
    match exchange.options.profile {
        Profile::Span => {}
        Profile::Message => ringseal::error!(
            target: TARGET,
            log,
            "Unhandled exception",
            http_method = method,
            request_path = path,
            error = Placed(error),
        ),
        _ if outcome == Outcome::Panicked => ringseal::error!(
            target: TARGET,
            log,
            "http.handler_panicked",
            method,
            path,
            error = Placed(error),
        ),
        _ => ringseal::error!(
            target: TARGET,
            log,
            "http.handler_failed",
            method,
            path,
            error = Placed(error),
        ),
    }
}
