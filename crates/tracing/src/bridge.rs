//! What the subscriber and the layer have in common.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringseal::{Context, Logger};
use tracing_core::span::{Attributes, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata};

use super::current;
use super::log_records;
use super::options::Options;
use super::sites::{Sites, level_of, may_be_critical, sites};
use super::span::{Seen, SpanState};
use super::visit::{Entries, EventFields, IsCritical, bound_fields};

/// Spans that were named by an id that is not known.
static UNKNOWN: AtomicU64 = AtomicU64::new(0);

/// How often, in this process, a span was used that its subscriber does not know: it was closed, or belongs to another
/// subscriber.
pub fn unknown_spans() -> u64 {
    // ORDER: relaxed; a count.
    UNKNOWN.load(Ordering::Relaxed)
}

/// Counts an id that is not known.
#[cold]
pub(crate) fn count_unknown() {
    // ORDER: relaxed; a count.
    UNKNOWN.fetch_add(1, Ordering::Relaxed);
}

/// The context in which a span begins or an event is logged.
pub(crate) enum Parent {
    /// The current one.
    Current,
    /// That of this span.
    Span(Arc<SpanState>),
    /// None.
    Root,
}

/// A logger, and what belongs to one subscriber.
#[derive(Debug)]
pub(crate) struct Bridge {
    pub(crate) log: Logger,
    options: Options,
    /// Tells the spans of several subscribers apart.
    pub(crate) instance: u64,
}

impl Bridge {
    pub(crate) fn new(log: Logger, options: Options) -> Bridge {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        log.on_filter_change(tracing_core::callsite::rebuild_interest_cache);
        // ORDER: relaxed; only uniqueness matters.
        let instance = NEXT.fetch_add(1, Ordering::Relaxed);
        Bridge { log, options, instance }
    }

    pub(crate) fn with_options(self, options: Options) -> Bridge {
        Bridge { options, ..self }
    }

    /// Whether the engine's filter lets a call site pass.
    #[inline]
    pub(crate) fn is_enabled(&self, metadata: &'static Metadata<'static>) -> bool {
        sites(metadata).is_enabled(&self.log, metadata)
    }

    /// The answer for all events of a call site, until the filter changes.
    pub(crate) fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.is_enabled(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    /// The most verbose level that the filter lets pass.
    pub(crate) fn max_level(&self) -> LevelFilter {
        max_level(&self.log)
    }

    /// Begins a span.
    pub(crate) fn new_span(&self, attributes: &Attributes<'_>, parent: Parent) -> Arc<SpanState> {
        let lines = sites(attributes.metadata()).span.zip(self.options.span_events.lines());
        let fields = bound_fields(&|visit| attributes.record(visit));
        let begin = |parent| SpanState::begin(&self.log, lines, fields, parent);
        Arc::new(match parent {
            Parent::Current => {
                let state = current::innermost(self.instance).map(|(_, state)| state);
                // What is recorded meanwhile is not among it.
                let seen = Seen::inside_of(state.as_deref());
                current::refresh();
                begin((state, seen))
            }
            Parent::Span(state) => {
                let seen = Seen::inside_of(Some(&state));
                state.context().run(|| begin((Some(Arc::clone(&state)), seen)))
            }
            Parent::Root => Context::new().run(|| begin((None, Seen::inside_of(None)))),
        })
    }

    /// Adds fields to a span.
    pub(crate) fn record(state: &SpanState, record: &Record<'_>) {
        if let Some(fields) = bound_fields(&|visit| record.record(visit)) {
            state.record(&fields);
        }
    }

    /// Logs an event, unless the engine's filter or sampling drops it.
    #[inline]
    pub(crate) fn event(&self, event: &Event<'_>, parent: Parent) {
        match parent {
            Parent::Current => {
                current::refresh();
                self.emit(event);
            }
            Parent::Span(state) => state.context().run(|| self.emit(event)),
            Parent::Root => Context::new().run(|| self.emit(event)),
        }
    }

    #[inline]
    fn emit(&self, event: &Event<'_>) {
        let Sites { site, critical, is_of_log, .. } = sites(event.metadata());
        let mut site = *site;
        if critical.is_some() && is_critical(event) {
            site = *critical;
        }
        match site {
            Some(site) if !is_of_log => {
                site.emit(&self.log, &|fields| event.record(&mut EventFields(fields)));
            }
            _ => self.emit_unknown(event, *is_of_log),
        }
    }

    /// Logs an event whose call site the engine does not know.
    #[cold]
    fn emit_unknown(&self, event: &Event<'_>, is_of_log: bool) {
        if is_of_log {
            return log_records::emit(&self.log, event);
        }
        let metadata = event.metadata();
        self.log.dynamic(level_of(metadata), metadata.target(), metadata.name(), &|out| {
            event.record(&mut Entries(out));
        });
    }
}

/// Whether the engine's filter lets pass an event or span that is asked about by itself; one that may be critical also
/// if critical ones pass.
pub(crate) fn passes(log: &Logger, metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    log.is_enabled(level_of(metadata), target)
        || may_be_critical(metadata) && log.is_enabled(ringseal::Level::Critical, target)
}

/// The most verbose level that the engine's filter lets pass.
pub(crate) fn max_level(log: &Logger) -> LevelFilter {
    match log.most_verbose() {
        ringseal::LevelFilter::Off => LevelFilter::OFF,
        ringseal::LevelFilter::AtLeast(level) => match level {
            ringseal::Level::Trace => LevelFilter::TRACE,
            ringseal::Level::Debug => LevelFilter::DEBUG,
            ringseal::Level::Info => LevelFilter::INFO,
            ringseal::Level::Warn => LevelFilter::WARN,
            ringseal::Level::Error | ringseal::Level::Critical => LevelFilter::ERROR,
        },
    }
}

#[cold]
fn is_critical(event: &Event<'_>) -> bool {
    let mut found = IsCritical::default();
    event.record(&mut found);
    found.0
}
