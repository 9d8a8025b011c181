//! The ambient context of a thread: fields and a correlation that all its events have.
//!
//! Promises: a call outside of every scope pays nothing: a scope marks the thread's lanes, so that the hot path refuses
//! them (`lanes`). An event inside a scope copies 32 bytes and compares one id; nothing is allocated, locked or counted
//! for it. Entering a scope pushes onto a stack, which allocates when it grows. Scopes may end in any order, also in a
//! panic: one that ends before those inside it ends them as well. A thread begins without one, and nothing of a
//! thread's scopes reaches another thread.
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::lanes::mark_lanes;
use super::logger::BoundFields;
use crate::core::context::Context as Fields;
use crate::core::correlation::{CORRELATION_BYTES, Correlation};
use crate::core::sampling::trace;

thread_local! {
    /// What an event reads. Without a destructor, so that an access needs no check.
    static CURRENT: Cell<Ambient> = const { Cell::new(Ambient::NONE) };
    /// The number of the next scope.
    static NEXT: Cell<u64> = const { Cell::new(0) };
    /// The thread's scopes, the inmost one last; their numbers ascend.
    static SCOPES: RefCell<Vec<(u64, Context)>> = const { RefCell::new(Vec::new()) };
}

/// What an event takes from its thread's ambient context.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Ambient {
    /// Zeros without one.
    correlation: Correlation,
    /// The id of the fields, which [`SCOPES`] holds; 0 without fields.
    pub(crate) id: u64,
    /// The number of the fields; 0 without fields.
    pub(crate) number: u16,
    /// Bytes of the correlation in a record; 0 without one.
    correlation_bytes: u16,
    /// The randomness of the trace id.
    pub(crate) randomness: Option<u64>,
}

impl Ambient {
    /// No ambient context.
    pub(crate) const NONE: Ambient = Ambient {
        correlation: Correlation::new([0; 16], [0; 16]),
        id: 0,
        number: 0,
        correlation_bytes: 0,
        randomness: None,
    };

    /// That of the calling thread.
    #[inline]
    pub(crate) fn current() -> Ambient {
        CURRENT.get()
    }

    fn of(context: &Context) -> Ambient {
        let mut ambient = Ambient::NONE;
        if let Some(correlation) = context.correlation {
            ambient.correlation = correlation;
            ambient.correlation_bytes = CORRELATION_BYTES as u16;
            ambient.randomness = trace::of_bytes(correlation.trace_id());
        }
        if let Some(fields) = context.fields.as_deref() {
            (ambient.id, ambient.number) = (fields.id(), fields.number());
            ambient.randomness = fields.randomness().or(ambient.randomness);
        }
        ambient
    }

    /// The bytes of the correlation; zeros without one.
    #[inline(always)]
    pub(crate) fn ids(&self) -> [u8; CORRELATION_BYTES] {
        self.correlation.to_bytes()
    }

    #[inline(always)]
    pub(crate) fn correlation(&self) -> Option<&Correlation> {
        (self.correlation_bytes != 0).then_some(&self.correlation)
    }

    /// Bytes of the correlation in a record; 0 without one.
    #[inline(always)]
    pub(crate) fn correlation_bytes(&self) -> usize {
        usize::from(self.correlation_bytes)
    }

    #[inline]
    fn is_none(&self) -> bool {
        self.correlation_bytes == 0 && self.id == 0
    }
}

/// Whether the calling thread has an ambient context.
#[inline]
pub(super) fn is_active() -> bool {
    CURRENT.with(|current| !current.get().is_none())
}

/// Runs `action` with the fields of the current context, if their id is `id`.
pub(super) fn with_fields<T>(id: u64, action: impl FnOnce(&Fields) -> T) -> Option<T> {
    let current = Context::current().fields?;
    (current.id() == id).then(|| action(&current))
}

/// Sets what events read after a change of the scopes.
fn set_current(inmost: Option<&Context>) {
    let (was_active, ambient) = (is_active(), inmost.map_or(Ambient::NONE, Ambient::of));
    CURRENT.set(ambient);
    if was_active != is_active() {
        mark_lanes(!was_active);
    }
}

/// Fields and a [`Correlation`] for all events of a thread while it is inside a scope of this context.
///
/// A context is immutable. Events inside a scope have its fields besides their own and those bound to their logger. If
/// keys are equal, the event's field is shown, or else the bound one, or else that of the context, or else the id of
/// the correlation. Levels and filters do not matter.
///
/// ```
/// use ringseal::{Context, fields, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let request = Context::new().with(fields! { request_id = "r-17", tenant = "acme" });
/// request.in_scope(|| {
///     let user = Context::current().with(fields! { user.id = 42 });
///     user.in_scope(|| info!(engine, "paid", amount = 100));
/// });
/// info!(engine, "idle");
/// let event = capture.event("paid");
/// assert_eq!((event.text("request_id"), event.text("user.id")), ("r-17", "42"));
/// assert!(capture.event("idle").get("request_id").is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Context {
    correlation: Option<Correlation>,
    fields: Option<Arc<Fields>>,
}

impl Context {
    /// A context without fields and ids. Inside its scope, events have nothing of the scopes around it.
    pub const fn new() -> Context {
        Context { correlation: None, fields: None }
    }

    /// The context of the calling thread, to add to it or to enter it on another thread. Without one if the thread is
    /// inside no scope.
    #[must_use]
    pub fn current() -> Context {
        let inmost = |scopes: &RefCell<Vec<(u64, Context)>>| {
            let scopes = scopes.try_borrow().ok()?;
            scopes.last().map(|(_, context)| context.clone())
        };
        SCOPES.try_with(inmost).ok().flatten().unwrap_or_default()
    }

    /// This context with these fields added. A new field replaces one with the same key. Allocates once.
    #[must_use]
    pub fn with(&self, fields: BoundFields) -> Context {
        let fields = Some(Arc::new(fields.added_to(self.fields.as_deref())));
        Context { correlation: self.correlation, fields }
    }

    /// The same context with these ids instead of those that it has.
    #[must_use]
    pub fn with_correlation(&self, correlation: Correlation) -> Context {
        Context { correlation: Some(correlation), fields: self.fields.clone() }
    }

    /// The ids.
    pub fn correlation(&self) -> Option<Correlation> {
        self.correlation
    }

    /// Runs `action` in a scope of this context, in place of the context around it.
    pub fn in_scope<T>(&self, action: impl FnOnce() -> T) -> T {
        let _scope = self.enter();
        action()
    }

    /// Enters a scope of this context on the calling thread, in place of the context around it. The scope ends when the
    /// result is dropped, and with it all scopes that began inside it.
    ///
    /// Do not hold the scope across an `.await`: the thread may run other tasks meanwhile.
    pub fn enter(&self) -> ContextScope {
        let number = NEXT.get();
        NEXT.set(number + 1);
        let push = |scopes: &RefCell<Vec<(u64, Context)>>| {
            // Borrowed only if an allocator of the program's own enters a scope.
            if let Ok(mut scopes) = scopes.try_borrow_mut() {
                scopes.push((number, self.clone()));
                set_current(Some(self));
            }
        };
        // On a thread that is ending, the scope has no effect.
        let _ = SCOPES.try_with(push);
        ContextScope { number, not_send: PhantomData }
    }
}

impl Correlation {
    /// Runs `action` in a scope of the current context with these ids.
    ///
    /// ```
    /// use ringseal::{Correlation, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let ids = Correlation::new([0x4b; 16], [7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    /// ids.in_scope(|| info!(engine, "paid", amount = 100));
    /// let event = capture.event("paid");
    /// assert_eq!(event.text("trace_id"), "4b".repeat(16));
    /// assert_eq!(event.text("span_id"), "0707070707070707");
    /// ```
    pub fn in_scope<T>(self, action: impl FnOnce() -> T) -> T {
        Context::current().with_correlation(self).in_scope(action)
    }

    /// Enters a scope of the current context with these ids; see [`Context::enter`].
    pub fn enter(self) -> ContextScope {
        Context::current().with_correlation(self).enter()
    }
}

/// The scope of a [`Context`] on one thread; it ends when this is dropped.
#[must_use = "the scope ends when this is dropped"]
pub struct ContextScope {
    number: u64,
    /// Other threads have other scopes.
    not_send: PhantomData<*const ()>,
}

impl fmt::Debug for ContextScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextScope").finish_non_exhaustive()
    }
}

impl Drop for ContextScope {
    fn drop(&mut self) {
        let end = |scopes: &RefCell<Vec<(u64, Context)>>| {
            let Ok(mut scopes) = scopes.try_borrow_mut() else { return };
            // Not found if a scope around it has ended before.
            let found = scopes.binary_search_by_key(&self.number, |(number, _)| *number);
            if let Ok(index) = found {
                scopes.truncate(index);
                set_current(scopes.last().map(|(_, context)| context));
            }
        };
        let _ = SCOPES.try_with(end);
    }
}
