//! Loggers with bound fields, and the fields to bind.
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ambient::{self, Ambient};
use super::bridge;
use super::emitter::{self, Emitter};
use super::lane::Scope;
use super::lanes::{adopt_lane, with_lane};
use super::sampling;
use super::shared::Shared;
use super::span::{self, Span};
use crate::core::callsite::{Callsite, Pass};
use crate::core::context::{Context, KeyedFields};
use crate::core::level::Level;
use crate::sample::decision::PendingDecision;
use ringseal_base::limits::Limits;
use ringseal_base::value::{BacktraceValue, DynError, ValueWriter};

/// Logs with bound fields. Cheap to clone; immutable: binding makes a new one.
///
/// ```
/// use ringseal::{fields, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let log = engine.logger().bind(fields! { trace_id = "abc", user.id = 42 });
/// info!(log, "request_started", path = "/pay");
/// assert_eq!(capture.event("request_started")["trace_id"], "abc");
/// ```
#[derive(Debug, Clone)]
pub struct Logger {
    pub(crate) shared: Arc<Shared>,
    context: Option<Arc<Context>>,
}

impl Logger {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, context: None }
    }

    /// Returns a logger with these fields added to its own; objects are merged, and a new field replaces one with the
    /// same path ([`Context::with`](crate::Context::with)). The original is unchanged.
    ///
    /// Allocates once. Costs nothing per event: the fields are written into each thread's ring once.
    #[doc(alias = "with_context")]
    #[must_use]
    pub fn bind(&self, fields: BoundFields) -> Logger {
        let context = fields.into_context(self.context.as_deref());
        Logger { shared: Arc::clone(&self.shared), context: Some(Arc::new(context)) }
    }

    /// Returns a logger without the bound field of this path, as [`Context::without`](crate::Context::without). The
    /// original is unchanged.
    ///
    /// ```
    /// use ringseal::{fields, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let log = engine.logger().bind(fields! { trace_id = "abc", user.id = 42 });
    /// info!(log.unbind("user.id"), "user_deleted");
    /// let event = capture.event("user_deleted");
    /// assert_eq!((event.get("user.id"), event["trace_id"] == "abc"), (None, true));
    /// ```
    #[must_use]
    pub fn unbind(&self, path: &str) -> Logger {
        let without = |context: &Context| Arc::new(context.without(path));
        let context = self.context.as_deref().map(without);
        Logger { shared: Arc::clone(&self.shared), context }
    }

    pub(crate) fn context(&self) -> Option<&Arc<Context>> {
        self.context.as_ref()
    }

    /// Begins a span whose name and fields are known only at run time; see [`log_span`](crate::log_span).
    pub fn log_span(&self, name: &'static str, fields: BoundFields) -> Span {
        span::begin_unknown(self.emitter(), name, fields)
    }

    /// Whether an event of `target` at `level`, known only at run time, would be written.
    pub fn is_enabled(&self, level: Level, target: &str) -> bool {
        // ORDER: relaxed; see `Shared::set_filter`.
        level as u8 >= self.shared.level_min.load(Ordering::Relaxed)
            && self.shared.filter.read().passes(target, level)
    }

    /// Logs an event whose name and keys are known only at run time, for bridges and foreign input.
    ///
    /// The event is sampled like any other, once its fields are known. Takes a read lock for the filter, and two more
    /// while its level is sampled; needs twice the time of the macros, so use those where you can. `fill` writes the
    /// fields with [`ValueWriter::entry`]. If they do not fit, it is called again with smaller limits.
    ///
    /// On the engine's own threads it logs nothing and counts the event
    /// ([`suppressed_events`](crate::bridge::suppressed_events)).
    ///
    /// ```
    /// use ringseal::{Level, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// engine.logger().dynamic(Level::Info, "stdin", "line", &|fields| fields.entry("message", &"hello"));
    /// assert_eq!(capture.event("line")["message"], "hello");
    /// ```
    pub fn dynamic(
        &self,
        level: Level,
        target: &str,
        event: &str,
        fill: &dyn Fn(&mut ValueWriter<'_>),
    ) {
        if !self.is_enabled(level, target) {
            return;
        }
        if bridge::is_own_thread() || ambient::is_suppressed() {
            return;
        }
        let (to, ambient) = (self.emitter(), &Ambient::current());
        let fill = |out: &mut ValueWriter<'_>| {
            out.str(target);
            out.str(event);
            fill(out);
        };
        let Some(plan) = self.shared.sampler.plan_of(target, event, level) else {
            return emitter::emit_dynamic(to, level, ambient, &fill, None);
        };
        let site = self.shared.sampler.dynamic_site(target, event, level);
        sampling::report_dynamic(to, &self.shared, plan, &site);
        let randomness = Scope::new(to.bound(), ambient).randomness();
        let pending = PendingDecision::of_dynamic(plan, level, randomness, &site.limiter);
        emitter::emit_dynamic(to, level, ambient, &fill, Some(pending));
    }

    /// Gives the calling thread its ring now, so that its first event costs no more than any other. Returns whether the
    /// thread has a ring.
    pub fn prepare_thread(&self) -> bool {
        let has_lane = adopt_lane(&self.shared);
        with_lane(self.shared.slot, self.shared.id, |lane| lane.populate());
        has_lane
    }
}

/// A logger that the macros accept.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a logger",
    label = "expected an `Engine`, a `Logger`, or a reference or `Arc` to one of them",
    note = "without a logger, the event's name comes first: `info!(\"user_logged_in\", user_id)`"
)]
pub trait AsEmitter {
    /// The destination of events.
    fn emitter(&self) -> Emitter<'_>;

    /// The engine's bit in the call sites' verdicts, which is all that a disabled call reads.
    #[inline(always)]
    fn slot(&self) -> usize {
        self.emitter().slot
    }

    /// Lets a call to this logger pass if it is made.
    #[doc(hidden)]
    #[inline(always)]
    fn pass(&self, callsite: &'static Callsite) -> Option<Pass> {
        // The slot comes first: a disabled call reads nothing else of the logger.
        callsite.pass(self.slot(), || sampling::decide(self, callsite))
    }
}

impl AsEmitter for Logger {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        Emitter { context: self.context(), ..Emitter::of(&self.shared) }
    }
}

impl<T: AsEmitter + ?Sized> AsEmitter for &T {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        (**self).emitter()
    }
}

impl<T: AsEmitter + ?Sized> AsEmitter for Arc<T> {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        (**self).emitter()
    }
}

/// Encoded fields to bind to a logger; made by [`fields!`](crate::fields).
#[derive(Debug, Clone)]
pub struct BoundFields {
    entries: Box<[u8]>,
}

/// Fields of at most this many bytes are encoded on the stack.
const SHORT_FIELDS_BYTES: usize = 256;

impl BoundFields {
    /// Encodes the values of `keys`.
    #[doc(hidden)]
    pub fn new(keys: &'static [&'static str], values: &dyn KeyedFields) -> Self {
        let limits = Limits::default();
        let keys_len: usize = keys.iter().map(|key| 2 + key.len()).sum();
        let bytes_max = keys_len + values.size_bytes_max(&limits);
        let write = |buffer: &mut [u8]| -> Box<[u8]> {
            let mut out = ValueWriter::new(buffer, limits);
            values.write_keyed(keys, &mut out);
            let len = out.len_bytes();
            buffer.get(..len).unwrap_or_default().into()
        };
        // One allocation of the right size, instead of a large one that shrinks.
        let mut short = [0; SHORT_FIELDS_BYTES];
        let entries = match short.get_mut(..bytes_max) {
            Some(buffer) => write(buffer),
            None => write(&mut vec![0; bytes_max]),
        };
        Self { entries }
    }

    /// These fields and `later` ones, which replace fields with the same path.
    #[must_use]
    pub fn with(&self, later: &BoundFields) -> BoundFields {
        let merged = later.added_to(Some(&self.added_to(None)));
        BoundFields { entries: merged.entries().into() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// These entries of a map.
    pub(crate) fn of_entries(entries: Vec<u8>) -> Self {
        Self { entries: entries.into() }
    }

    /// These fields, and those of `context` that they do not replace.
    pub(crate) fn added_to(&self, context: Option<&Context>) -> Context {
        Context::new(context, &self.entries)
    }

    /// The same, without a copy if there is no context.
    pub(crate) fn into_context(self, context: Option<&Context>) -> Context {
        match context {
            Some(_) => self.added_to(context),
            None => Context::of(self.entries),
        }
    }
}

/// Logs the error of a report with the backtrace that the report has captured, as `stack_trace`:
/// `error!("failed", error = with_backtrace(&report))`.
///
/// For `anyhow::Error`, `eyre::Report` and other types that dereference to an error and show the backtrace in their
/// `Debug`. They capture one if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` is set. Showing it is slow, and allocates.
pub fn with_backtrace<R>(report: &R) -> BacktraceValue<'_, R>
where
    R: std::fmt::Debug + std::ops::Deref<Target: DynError>,
{
    BacktraceValue(report)
}

/// Logs a value as a tree by its `Serialize`: `info!("order", order = serialize(&order))`.
#[cfg(feature = "serde")]
pub fn serialize<T: serde::Serialize>(value: T) -> impl ringseal_base::value::ObjectValue {
    ringseal_base::value::SerdeValue(value)
}
