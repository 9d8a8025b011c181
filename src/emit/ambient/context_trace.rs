//! The trace of a context: what came with a request, and what is sent with calls.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::context::{Context, Ids};
use super::{Ambient, stack};
use crate::core::correlation::Correlation;
use crate::trace_context::{Outgoing, TraceContext, TraceParent, TraceState, uuid_v7};

/// Whether every context has a trace.
static ARE_TRACES_REQUIRED: AtomicBool = AtomicBool::new(false);

/// From now on, every context of the process has a trace.
pub(crate) fn require_traces() {
    // ORDER: relaxed; a context that is made at the same time may still have none.
    ARE_TRACES_REQUIRED.store(true, Ordering::Relaxed);
}

/// Whether events of the calling thread are suppressed. Gives the thread a trace first, if it must have one.
#[inline(always)]
pub(crate) fn is_suppressed() -> bool {
    let current = Ambient::current();
    // ORDER: relaxed; see `require_traces`.
    if current.correlation_bytes() == 0 && ARE_TRACES_REQUIRED.load(Ordering::Relaxed) {
        add_trace();
    }
    current.is_suppressed
}

#[cold]
#[inline(never)]
fn add_trace() {
    stack::update(true, |context| context.clone().with_required_trace());
}

impl Context {
    /// This context in the trace of a request, as [`Propagation::receive`](crate::trace_context::Propagation::receive)
    /// has read it: its ids, its flags and what other systems have added.
    ///
    /// ```
    /// use ringseal::trace_context::{Propagation, TraceParent};
    /// use ringseal::{Context, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// let headers = [("traceparent", parent), ("tracestate", "a=1")];
    /// let request = Context::new().with_trace(&Propagation::new().receive(&headers, None));
    /// request.run(|| {
    ///     info!(engine, "paid");
    ///     let outgoing = Context::current().outgoing().expect("a trace");
    ///     assert_eq!(outgoing.tracestate(), Some("a=1"));
    /// });
    /// assert_eq!(capture.event("paid")["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    /// ```
    #[must_use]
    pub fn with_trace(&self, trace: &TraceContext<'_>) -> Context {
        let span = trace.span();
        Context {
            ids: Ids { correlation: Some(span.correlation()), flags: span.flags() },
            trace_state: shared_state(trace.state()),
            fields: self.fields.clone(),
            is_suppressed: self.is_suppressed,
        }
    }

    /// This context with these ids and flags.
    #[must_use]
    pub fn with_trace_parent(&self, span: TraceParent) -> Context {
        let ids = Ids { correlation: Some(span.correlation()), flags: span.flags() };
        self.with_ids(ids)
    }

    /// The ids and flags, if there is a trace and a span.
    pub fn trace_parent(&self) -> Option<TraceParent> {
        self.ids.trace_parent()
    }

    /// The headers of a call that is made in this context: its trace and span, and what other systems have added. For a
    /// call that has a [`Span`](crate::Span), use the context inside of it. If the trace has no span here, because none
    /// is logged, the headers have a new one, so that the trace goes on. `None` without a trace.
    pub fn outgoing(&self) -> Option<Outgoing> {
        Some(Outgoing::new(self.ids.propagated()?, self.trace_state.as_deref()))
    }

    /// This context with these ids. What other systems have added belongs to the trace that it came with.
    pub(super) fn with_ids(&self, ids: Ids) -> Context {
        let mut context = Context { ids, ..self.clone() };
        if !ids.has_trace_of(self.ids) {
            context.trace_state = None;
        }
        context
    }

    /// This context with a new span of the same trace, or of a new trace if it has none.
    #[must_use]
    pub fn child(&self) -> Context {
        Context { ids: self.ids.child().0, ..self.clone() }
    }
}

/// The text of a state; `None` if it is empty.
fn shared_state(state: &TraceState<'_>) -> Option<Arc<str>> {
    // Nearly always, and then without a buffer.
    if state.is_empty() {
        return None;
    }
    let mut buffer = [0; TraceState::BYTES];
    state.write(&mut buffer).map(Arc::from)
}

impl Context {
    /// This context with a new trace, if it has none and must have one: a UUID, version 7.
    pub(super) fn with_required_trace(mut self) -> Context {
        self.ids = self.ids.with_required_trace();
        self
    }
}

impl Ids {
    /// These ids with a new trace, if there must be one and is none.
    pub(super) fn with_required_trace(self) -> Ids {
        // ORDER: relaxed; see `require_traces`.
        if self.has_trace() || !ARE_TRACES_REQUIRED.load(Ordering::Relaxed) {
            return self;
        }
        self.with(Correlation::new(uuid_v7(SystemTime::now()), [0; 16]))
    }

    /// Whether both have the same trace, or none.
    pub(super) fn has_trace_of(self, other: Ids) -> bool {
        let trace_of = |ids: Ids| ids.correlation.map(|ids| ids.trace_id());
        trace_of(self) == trace_of(other)
    }

    /// The ids and flags that go to other services: with a new span if there is none.
    pub(crate) fn propagated(self) -> Option<TraceParent> {
        self.has_trace().then_some(())?;
        self.trace_parent().or_else(|| self.child().0.trace_parent())
    }

    pub(super) fn has_trace(self) -> bool {
        self.correlation.is_some_and(|ids| ids.trace_id() != [0; 16])
    }

    /// The ids and flags, if no id is zero.
    pub(crate) fn trace_parent(self) -> Option<TraceParent> {
        Some(TraceParent::from_correlation(self.correlation?)?.with_flags(self.flags))
    }
}
