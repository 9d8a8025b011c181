//! Spans: operations with a beginning, an end and a duration.
//!
//! Promises: a span is its log records and a context; nothing is collected until its end, so nothing is lost with it.
//! Beginning and ending a span allocate nothing if its fields are short ([`attributes`]), and wait for no lock that
//! others hold long. The span reads no clock besides those of its two events, if they have exact times. A trace has
//! the same id whatever levels, filters and sampling say. A span may end on another thread. Its first and its last
//! event are both written or both not, as filters and sampling say when it begins; only a full ring can lose one of
//! them. A forgotten span has no end.
mod attributes;
mod future;
mod records;
mod site;
mod values;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

pub(crate) use self::values::Began;
use super::ambient::{Ambient, Context, ContextScope, Ids, current_fields};
use super::bridge;
use super::emitter::{Emitter, emit_on_any_lane};
use super::lane::{Lane, Scope, WriteResult};
use super::lane_settings::SpanLines;
use super::lanes::{own_lane, own_lane_in_scope, with_lane};
use super::logger::{AsEmitter, BoundFields};
use super::shared::Shared;
use super::{global, sampling, thread_default};
use crate::core::callsite::{Callsite, Pass};
use crate::core::context::Context as Fields;
use crate::core::correlation::Correlation;
use crate::core::field;
use crate::ringbuf::Lent;
use ringseal_base::value::{ErrorValue, Value};

pub use self::attributes::Attributes;
pub use self::future::{InSpan, WithSpan};
pub use self::site::{SpanKeys, SpanKind, SpanSite};

/// How a span has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Outcome {
    Ok,
    Error,
    Cancelled,
    Panicked,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Cancelled => "cancelled",
            Outcome::Panicked => "panicked",
        }
    }

    fn of(number: u8) -> Outcome {
        [Outcome::Ok, Outcome::Error, Outcome::Cancelled, Outcome::Panicked]
            [usize::from(number) & 3]
    }
}

/// The engine and the bound fields of a span's events. It holds no reference to the engine, whose count all threads
/// share.
#[derive(Debug)]
struct Target {
    slot: usize,
    /// `None` for the global engine.
    engine: Option<u32>,
    bound: Option<Arc<Fields>>,
}

impl Target {
    fn of(to: Emitter<'_>) -> Target {
        let engine = to.shared.map(|shared| shared.id);
        Target { slot: to.slot, engine, bound: to.context.cloned() }
    }

    fn bound(&self) -> Option<&Fields> {
        self.bound.as_deref()
    }

    /// The thread's lane of the engine, unless it has none or it is in use.
    #[inline]
    fn own_lane(&self) -> Option<Lent<'static, Lane>> {
        let engine = self.engine.unwrap_or_else(global::engine_id);
        own_lane(self.slot, engine).or_else(|| own_lane_in_scope(self.slot, engine))
    }

    /// Lets an event pass if it is to be written.
    #[inline]
    fn pass(&self, site: &'static Callsite) -> Option<Pass> {
        let decide = || self.with_emitter(|to| sampling::decide(&to, site)).flatten();
        site.pass(self.slot, decide)
    }

    /// Writes an event that the fast path does not write.
    fn emit(&self, scope: Scope<'_>, site: &'static Callsite, fields: &dyn field::Fields) {
        let engine = self.engine.unwrap_or_else(global::engine_id);
        let mut write = |lane: &mut Lane| lane.write_formatted(site, scope, fields);
        let result = with_lane(self.slot, engine, write);
        if !result.is_some_and(WriteResult::is_done) {
            let level = site.metadata().level;
            self.with_emitter(|to| emit_on_any_lane(to, level, result, &mut write));
        }
    }

    /// Runs `action` with the engine, unless it has ended. Takes a lock to find it.
    fn with_emitter<T>(&self, action: impl FnOnce(Emitter<'_>) -> T) -> Option<T> {
        let shared = match self.engine {
            Some(id) => Some(Shared::of_id(id)?),
            None => None,
        };
        let to = match &shared {
            Some(shared) => Emitter::of(shared),
            None => Emitter::global(),
        };
        Some(action(Emitter { context: self.bound.as_ref(), ..to }))
    }
}

/// An operation that is going on; it ends when this is dropped. Made by [`span!`](crate::span).
///
/// Its ids are those of events inside of it: in [`Span::run`] and [`Span::enter`], and in a future
/// [`in_span`](WithSpan::in_span). A span may go to another thread or task, and ends there.
#[must_use = "the span ends when this is dropped"]
pub struct Span {
    site: &'static SpanSite,
    name: &'static str,
    to: Target,
    ids: Ids,
    parent: [u8; 8],
    /// The fields of the context in which it began.
    ambient: Option<Arc<Fields>>,
    attributes: Attributes,
    began: Began,
    recorded: Mutex<Option<Arc<Fields>>>,
    outcome: AtomicU8,
    /// Whether its end is written.
    is_logged: bool,
    is_suppressed: bool,
    /// Whether it began while a panic unwound the thread.
    began_in_panic: bool,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Span {
    /// Begins a span and writes `span.start`.
    #[doc(hidden)]
    pub fn begin<L: AsEmitter + ?Sized>(
        log: &L,
        site: &'static SpanSite,
        attributes: Attributes,
    ) -> Span {
        Span::begin_at(log.emitter(), site, site.name, attributes, None)
    }

    /// A span whose level is compiled out.
    #[doc(hidden)]
    pub fn without_events<L: AsEmitter + ?Sized>(log: &L, site: &'static SpanSite) -> Span {
        let outer = Ambient::current();
        let mut span = Span::new(log.emitter(), site, site.name, Attributes::NONE, &outer);
        span.leave_out(outer.context_ids());
        span
    }

    fn begin_at(
        to: Emitter<'_>,
        site: &'static SpanSite,
        name: &'static str,
        attributes: Attributes,
        lines: Option<SpanLines>,
    ) -> Span {
        let outer = Ambient::current();
        let mut span = Span::new(to, site, name, attributes, &outer);
        let pass = site.start.pass(to.slot, || {
            let _scope = span.enter();
            let default = if to.is_default() { thread_default::current() } else { None };
            let to = default
                .as_ref()
                .map_or(to, |shared| Emitter { context: to.context, ..Emitter::of(shared) });
            span.to = Target::of(to);
            sampling::decide(&to, &site.start)
        });
        match pass {
            Some(pass) if !span.is_suppressed => span.write_start(pass, lines),
            _ => span.leave_out(outer.context_ids()),
        }
        span
    }

    fn new(
        to: Emitter<'_>,
        site: &'static SpanSite,
        name: &'static str,
        attributes: Attributes,
        outer: &Ambient,
    ) -> Span {
        let (ids, parent) = outer.context_ids().child();
        Span {
            site,
            name,
            to: Target::of(to),
            ids,
            parent,
            is_suppressed: outer.is_suppressed,
            ambient: if outer.id == 0 { None } else { current_fields() },
            attributes,
            began: Began::Unknown,
            recorded: Mutex::new(None),
            outcome: AtomicU8::new(Outcome::Ok as u8),
            is_logged: false,
            began_in_panic: std::thread::panicking(),
        }
    }

    /// A span that is not logged is not the parent of any other: what is inside of it belongs to the span around it.
    #[cold]
    fn leave_out(&mut self, outer: Ids) {
        self.ids = outer.or_new_trace(self.ids);
    }

    /// The ids of the trace and of the span. Those around it if the span is not logged.
    pub fn correlation(&self) -> Correlation {
        self.ids.correlation.unwrap_or(Correlation::new([0; 16], [0; 16]))
    }

    /// Runs `action` inside the span.
    ///
    /// ```
    /// use ringseal::{info, span, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let rows = span!(engine, "db.query", table = "orders").run(|| {
    ///     info!(engine, "connected");
    ///     3
    /// });
    /// assert_eq!(rows, 3);
    /// let (inside, end) = (capture.event("connected"), capture.event("span.end"));
    /// assert_eq!(inside.text("span_id"), end.text("span_id"));
    /// assert_eq!((end.text("span"), end.text("outcome")), ("db.query", "ok"));
    /// ```
    pub fn run<T>(&self, action: impl FnOnce() -> T) -> T {
        let _scope = self.enter();
        let _watch = self.watch();
        action()
    }

    /// Runs `action` inside the span and logs the error that it returns; see [`Span::fail`].
    pub fn try_run<T, E: Error>(&self, action: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.run(action).inspect_err(|error| self.fail(error))
    }

    /// Enters the span on the calling thread, until the result is dropped; see [`Context::enter`] for the rules. The
    /// end of the scope does not end the span.
    pub fn enter(&self) -> ContextScope {
        ContextScope::of_ids(self.ids)
    }

    /// The current context with the ids of the span, for work that outlives the span.
    pub fn context(&self) -> Context {
        Context { ids: self.ids, ..Context::current() }
    }

    /// Adds fields to `span.end`. A field replaces one with the same key, also one of those that the span began with.
    /// Allocates.
    ///
    /// ```
    /// use ringseal::{fields, span, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let span = span!(engine, "db.query", table = "orders");
    /// span.record(fields! { rows = 3 });
    /// drop(span);
    /// assert_eq!(capture.event("span.end")["rows"], 3);
    /// ```
    pub fn record(&self, fields: BoundFields) {
        let mut recorded = self.recorded.lock();
        *recorded = Some(Arc::new(fields.added_to(recorded.as_deref())));
    }

    /// Logs `span.error` with this error, at level error, and sets the outcome of the span to `error`. Its end is
    /// logged as that of any other span.
    pub fn fail<E: Error>(&self, error: &E) {
        self.fail_with(&ErrorValue(error));
    }

    /// The same with any value in place of the error: `report.as_ref()` of an `anyhow::Error`, or
    /// [`with_backtrace`](crate::with_backtrace).
    pub fn fail_with(&self, error: &dyn Value) {
        // ORDER: relaxed; nothing else is published with it.
        self.outcome.store(Outcome::Error as u8, Ordering::Relaxed);
        self.write_error(error);
    }

    /// Notes a panic that ends the work inside the span, when the result is dropped.
    fn watch(&self) -> Watch<'_> {
        Watch { span: self, began_in_panic: std::thread::panicking() }
    }

    /// Logs a panic once, and sets the outcome.
    fn note_panic(&self) {
        // ORDER: relaxed; nothing else is published with it.
        let before = self.outcome.swap(Outcome::Panicked as u8, Ordering::Relaxed);
        if before != Outcome::Panicked as u8 {
            self.write_error(&ErrorValue(&Panicked));
        }
    }

    /// Notes that the work inside the span was dropped before it was done.
    fn cancel(&self) {
        let (from, to) = (Outcome::Ok as u8, Outcome::Cancelled as u8);
        // ORDER: relaxed; nothing else is published with it.
        let _ = self.outcome.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.began_in_panic {
            self.note_panic();
        }
        if self.is_logged {
            let recorded = self.recorded.get_mut().take();
            self.write_end(recorded.as_deref());
        }
    }
}

/// Watches the work inside a span: the panic may be caught before the span ends.
struct Watch<'s> {
    span: &'s Span,
    began_in_panic: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.began_in_panic {
            self.span.note_panic();
        }
    }
}

/// The error of a span in which the thread panicked. The message of the panic is in the event of the panic hook.
#[derive(Debug)]
struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the thread panicked inside the span")
    }
}

impl Error for Panicked {}

/// Begins a span whose name and fields are known only at run time, in the global engine; else as
/// [`span!`](crate::span). Allocates.
///
/// ```
/// use ringseal::{fields, log_span};
/// let span = log_span("http.request", fields! { path = "/pay", method = "POST" });
/// let result: Result<u16, std::num::ParseIntError> = span.try_run(|| "80".parse());
/// # assert!(result.is_ok());
/// ```
pub fn log_span(name: &'static str, fields: BoundFields) -> Span {
    begin_unknown(Emitter::global(), name, fields)
}

/// [`log_span`] with a logger.
pub(crate) fn begin_unknown(to: Emitter<'_>, name: &'static str, fields: BoundFields) -> Span {
    let bound = Arc::new(fields.added_to(to.bound()));
    let to = Emitter { context: Some(&bound), ..to };
    Span::begin_at(to, &site::UNKNOWN, name, Attributes::NONE, None)
}

/// A span of another logging interface, with these lines if given. On the engine's own threads it has none.
pub(crate) fn begin_foreign(
    to: Emitter<'_>,
    site: &'static SpanSite,
    fields: Option<BoundFields>,
    lines: Option<SpanLines>,
) -> Span {
    let bound = fields.map(|fields| Arc::new(fields.added_to(to.bound())));
    let to = Emitter { context: bound.as_ref().or(to.context), ..to };
    if bridge::is_own_thread() {
        let mut span = Span::without_events(&to, site);
        span.is_suppressed = true;
        return span;
    }
    Span::begin_at(to, site, site.name, Attributes::NONE, lines)
}
