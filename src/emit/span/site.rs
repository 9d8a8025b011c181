//! The constant data of a span.
use crate::core::callsite::{Callsite, Metadata, check_span_keys};
use crate::core::level::Level;

/// The role of a span among the services of a trace, as OpenTelemetry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SpanKind {
    /// An operation inside the service.
    #[default]
    Internal,
    /// The handling of a request.
    Server,
    /// A request to another service.
    Client,
    /// The creation of a job for later.
    Producer,
    /// The handling of such a job.
    Consumer,
}

impl SpanKind {
    /// The name in the lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            SpanKind::Internal => "internal",
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
        }
    }
}

/// The target of all events of spans.
const TARGET: &str = "span";

/// Keys of the event `span.start` before those of the span's own fields.
const START_KEYS: [&str; 1] = ["span"];
/// The same for `span.error`.
const ERROR_KEYS: [&str; 3] = ["span", "duration_ms", "error"];
/// The same for `span.end`.
const END_KEYS: [&str; 6] = ["span", "duration_ms", "outcome", "kind", "sampled", "parent_span_id"];

/// One invocation of [`span!`](crate::span): its call sites, one for each of its events.
#[derive(Debug)]
pub struct SpanSite {
    pub(super) start: Callsite,
    pub(super) error: Callsite,
    pub(super) end: Callsite,
    pub(super) name: &'static str,
    pub(super) kind: SpanKind,
}

/// The lists of keys of a span's events.
#[derive(Debug, Clone, Copy)]
pub struct SpanKeys {
    /// Those of `span.start`: the keys before the span's own, and those.
    pub start: &'static [&'static str],
    /// The same for `span.error`.
    pub error: &'static [&'static str],
    /// The same for `span.end`.
    pub end: &'static [&'static str],
}

impl SpanSite {
    /// A site that no engine knows yet.
    ///
    /// # Panics
    /// At compile time, as [`Callsite::new`].
    pub const fn new(
        name: &'static str,
        level: Level,
        kind: SpanKind,
        (file, line): (&'static str, u32),
        keys: SpanKeys,
    ) -> SpanSite {
        let place = (file, line);
        let own = keys.start.split_at(START_KEYS.len()).1;
        check_span_keys(own, &END_KEYS);
        check_span_keys(own, &ERROR_KEYS);
        SpanSite {
            start: callsite(level, "span.start", place, keys.start),
            error: callsite(Level::Error, "span.error", place, keys.error),
            end: callsite(level, "span.end", place, keys.end),
            name,
            kind,
        }
    }

    /// The site of another logging interface, with events of this target.
    pub(crate) fn foreign(
        name: &'static str,
        level: Level,
        kind: SpanKind,
        target: &'static str,
        (file, line): (&'static str, u32),
    ) -> SpanSite {
        let site = |level, event, keys| {
            Callsite::foreign(Metadata { level, event, target, file, line, keys }, None)
        };
        SpanSite {
            start: site(level, "span.start", &START_KEYS),
            error: site(Level::Error, "span.error", &ERROR_KEYS),
            end: site(level, "span.end", &END_KEYS),
            name,
            kind,
        }
    }

    /// The span's own keys.
    pub(super) fn own_keys(&self) -> &'static [&'static str] {
        &self.start.metadata().keys[START_KEYS.len()..]
    }
}

const fn callsite(
    level: Level,
    event: &'static str,
    (file, line): (&'static str, u32),
    keys: &'static [&'static str],
) -> Callsite {
    Callsite::new(Metadata { level, event, target: TARGET, file, line, keys })
}

/// The site of [`log_span`](super::log_span), whose fields are known only at run time.
pub(super) static UNKNOWN: SpanSite = SpanSite::new(
    "span",
    Level::Info,
    SpanKind::Internal,
    (file!(), line!()),
    SpanKeys { start: &START_KEYS, error: &ERROR_KEYS, end: &END_KEYS },
);
