//! Contexts, and their scopes.
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Ambient, stack};
use crate::core::context::Context as Fields;
use crate::core::correlation::Correlation;
use crate::emit::logger::BoundFields;
use crate::trace_context::{SAMPLED, TraceParent, new_span_id};

/// The ids of a context.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) correlation: Option<Correlation>,
    /// The flags of W3C Trace Context.
    pub(crate) flags: u8,
}

impl Ids {
    /// Those of a span inside of these, and the id of its parent, which is zero for the first span of a trace. A trace
    /// that begins here is sampled.
    #[inline]
    pub(crate) fn child(self) -> (Ids, [u8; 8]) {
        let outer = self.correlation.filter(|outer| outer.trace_id() != [0; 16]);
        let Some(outer) = outer else {
            let first = TraceParent::random().with_sampled(true);
            return (Ids { correlation: Some(first.correlation()), flags: first.flags() }, [0; 8]);
        };
        let parent = outer.span_id().first_chunk().copied().unwrap_or_default();
        let mut span = [0; 16];
        span[..8].copy_from_slice(&new_span_id());
        (Ids { correlation: Some(Correlation::new(outer.trace_id(), span)), ..self }, parent)
    }

    /// These, or if they have no trace, that of `new` without its span.
    pub(crate) fn or_new_trace(self, new: Ids) -> Ids {
        if self.has_trace() {
            return self;
        }
        let without_span = |ids: Correlation| Correlation::new(ids.trace_id(), [0; 16]);
        Ids { correlation: new.correlation.map(without_span), ..new }
    }

    /// These with another trace and span. A trace that the program names is a sampled one.
    pub(super) fn with(self, correlation: Correlation) -> Ids {
        let is_same = self.correlation.is_some_and(|own| own.trace_id() == correlation.trace_id());
        let flags = if is_same { self.flags } else { SAMPLED };
        Ids { correlation: Some(correlation), flags }
    }

    /// Whether the trace is sampled.
    pub(crate) fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// Fields and a [`Correlation`] for all events of a request, task or job.
///
/// A context is immutable. Events inside a scope have its fields besides their own and those bound to their logger. If
/// keys are equal, the event's field is shown, or else the bound one, or else that of the context, or else the id of
/// the correlation, or else the field of every line. Levels and filters do not matter.
///
/// ```
/// use ringseal::{Context, fields, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let request = Context::new().with(fields! { request_id = "r-17", tenant = "acme" });
/// request.run(|| {
///     let user = Context::current().with(fields! { user.id = 42 });
///     user.run(|| info!(engine, "paid", amount = 100));
/// });
/// info!(engine, "idle");
/// let event = capture.event("paid");
/// assert_eq!((event.text("request_id"), event.text("user.id")), ("r-17", "42"));
/// assert!(capture.event("idle").get("request_id").is_none());
/// ```
///
/// A scope belongs to a thread. A future takes its context with it by [`WithContext`](crate::WithContext), a closure
/// for another thread by [`in_current_context`](crate::in_current_context).
#[derive(Debug, Clone, Default)]
pub struct Context {
    pub(crate) ids: Ids,
    pub(crate) trace_state: Option<Arc<str>>,
    pub(crate) fields: Option<Arc<Fields>>,
    pub(crate) is_suppressed: bool,
}

impl Context {
    /// A context without fields and ids. Inside its scope, events have nothing of the scopes around it.
    pub const fn new() -> Context {
        let ids = Ids { correlation: None, flags: 0 };
        Context { ids, trace_state: None, fields: None, is_suppressed: false }
    }

    /// The context of the calling thread, to add to it or to enter it on another thread. Without one if the thread is
    /// inside no scope.
    #[must_use]
    pub fn current() -> Context {
        stack::current()
    }

    /// This context with these fields added. Allocates once; the original is unchanged.
    ///
    /// Objects are merged: of two fields with the same path, such as `user.id` and the `id` in `user`, only the new one
    /// stays.
    ///
    /// ```
    /// use ringseal::{Context, fields, info, testing::Capture, value::Map};
    /// let (engine, capture) = Capture::start();
    /// let first = Context::new().with(fields! { user = Map(&[("id", &41), ("plan", &"free")]) });
    /// first.with(fields! { user.id = 42 }).run(|| info!(engine, "seen"));
    /// let event = capture.event("seen");
    /// assert_eq!(event["user.id"], 42);
    /// assert_eq!(event["user"]["plan"], "free");
    /// assert!(event["user"].get("id").is_none());
    /// ```
    #[must_use]
    pub fn with(&self, fields: BoundFields) -> Context {
        let fields = Some(Arc::new(fields.into_context(self.fields.as_deref())));
        Context { fields, trace_state: self.trace_state.clone(), ..*self }
    }

    /// The same context without the field of this path, whether it is `user.id` or the `id` in `user`, and without
    /// those inside of it.
    #[must_use]
    pub fn without(&self, path: &str) -> Context {
        let fields = self.fields.as_deref().map(|fields| Arc::new(fields.without(path)));
        Context { fields, ..self.clone() }
    }

    /// The same context with these ids instead of those that it has.
    #[must_use]
    pub fn with_correlation(&self, correlation: Correlation) -> Context {
        self.with_ids(self.ids.with(correlation))
    }

    /// The ids.
    pub fn correlation(&self) -> Option<Correlation> {
        self.ids.correlation
    }

    /// The same context, in whose scopes no event is written, whatever its level, nor in scopes inside of them: for
    /// code that would log about logging, and for checks that run every second. Such events are not counted. Audit
    /// events are written.
    ///
    /// ```
    /// use ringseal::{Context, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// Context::current().suppressed().run(|| info!(engine, "health_checked"));
    /// info!(engine, "request_started");
    /// let names: Vec<_> = capture.events().iter().map(|event| event.text("event").to_owned()).collect();
    /// assert_eq!(names, ["request_started"]);
    /// ```
    #[must_use]
    pub fn suppressed(&self) -> Context {
        Context { is_suppressed: true, ..self.clone() }
    }

    /// Runs `action` in a scope of this context, in place of the context around it.
    pub fn run<T>(&self, action: impl FnOnce() -> T) -> T {
        let _scope = self.enter();
        action()
    }

    /// Enters a scope of this context on the calling thread, in place of the context around it. The scope ends when the
    /// result is dropped, and with it all scopes that began inside it.
    ///
    /// Do not hold the scope across an `.await`: the thread may run other tasks meanwhile. It is not `Send`, so that a
    /// runtime with several threads refuses the future; for runtimes of one thread, list `ringseal::ContextScope` under
    /// `await-holding-invalid-types` in `clippy.toml`. In a future with a context
    /// ([`WithContext`](crate::WithContext)), a scope that is held across an `.await` ends there.
    pub fn enter(&self) -> ContextScope {
        ContextScope::new(stack::enter(self.clone()))
    }

    /// Adds fields to the current context, from here to the end of the inmost scope, on this thread or in this future:
    /// the user, after authentication. Returns whether the thread is inside a scope; if not, nothing is added, because
    /// nothing would end it.
    ///
    /// ```
    /// use ringseal::{Context, fields, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// Context::new().with(fields! { request_id = "r-17" }).run(|| {
    ///     Context::add(fields! { user.id = 42 });
    ///     info!(engine, "paid");
    /// });
    /// assert_eq!(capture.event("paid")["user.id"], 42);
    /// assert!(!Context::add(fields! { user.id = 43 }));
    /// ```
    pub fn add(fields: BoundFields) -> bool {
        stack::update(false, |current| current.with(fields))
    }

    /// The value of a field that is a text, or a number or truth value as text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.fields.as_deref()?.text(key)
    }
}

impl Correlation {
    /// Runs `action` in a scope of the current context with these ids.
    ///
    /// ```
    /// use ringseal::{Correlation, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let ids = Correlation::new([0x4b; 16], [7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    /// ids.run(|| info!(engine, "paid", amount = 100));
    /// let event = capture.event("paid");
    /// assert_eq!(event.text("trace_id"), "4b".repeat(16));
    /// assert_eq!(event.text("span_id"), "0707070707070707");
    /// ```
    pub fn run<T>(self, action: impl FnOnce() -> T) -> T {
        let _scope = self.enter();
        action()
    }

    /// Enters a scope of the current context with these ids; see [`Context::enter`].
    pub fn enter(self) -> ContextScope {
        let current = Ambient::current().context_ids();
        let ids = current.with(self);
        match ids.has_trace_of(current) {
            true => ContextScope::of_ids(ids),
            false => Context::current().with_correlation(self).enter(),
        }
    }
}

/// The scope of a [`Context`] on one thread; it ends when this is dropped.
#[must_use = "the scope ends when this is dropped"]
pub struct ContextScope {
    number: u64,
    /// Other threads have other scopes.
    not_send: PhantomData<*const ()>,
}

impl ContextScope {
    /// A scope of the current context with these ids.
    pub(crate) fn of_ids(ids: Ids) -> ContextScope {
        ContextScope::new(stack::enter_ids(ids))
    }

    /// The scope of this number.
    fn new(number: u64) -> ContextScope {
        ContextScope { number, not_send: PhantomData }
    }

    /// Adds fields to the context of this scope, from here to its end. The contexts of scopes that were entered inside
    /// of it stay as they are. Returns whether it has: only if the scope [is open](ContextScope::is_open).
    ///
    /// ```
    /// use ringseal::{Context, fields, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let scope = Context::new().enter();
    /// Context::new().run(|| {
    ///     scope.add(fields! { user.id = 42 });
    ///     info!(engine, "inside");
    /// });
    /// info!(engine, "paid");
    /// assert_eq!(capture.event("paid")["user.id"], 42);
    /// assert!(capture.event("inside").get("user.id").is_none());
    /// ```
    pub fn add(&self, fields: BoundFields) -> bool {
        stack::add_to(self.number, &fields)
    }

    /// Whether the scope has not ended, and the thread is not inside of a future with another context.
    pub fn is_open(&self) -> bool {
        stack::is_open(self.number)
    }
}

impl fmt::Debug for ContextScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextScope").finish_non_exhaustive()
    }
}

impl Drop for ContextScope {
    fn drop(&mut self) {
        stack::end(self.number);
    }
}
