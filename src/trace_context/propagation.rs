//! What a service does with the trace of its caller: continue it, or begin another one; and what it sends on.
//!
//! Promises: no header makes a call fail. What is invalid is ignored and counted; the request then has a trace as if it
//! had come without the headers. Nothing allocates. Counters are written only for invalid headers.
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{TraceParentError, TraceStateError};
use super::headers::Headers;
use super::traceparent::{LenientTraceParent, TraceParent};
use super::tracestate::TraceState;
use super::trust::Trust;
use super::{TRACEPARENT, TRACESTATE};
use crate::core::correlation::Correlation;

/// How a service treats the traces of its callers.
///
/// The default continues every caller's trace, accepts only valid headers, and believes no caller's flag `sampled`.
#[derive(Debug, Default)]
pub struct Propagation {
    trust: Trust,
    is_lenient: bool,
    restarts_strangers: bool,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    restarted: AtomicU64,
    repaired: AtomicU64,
    states_dropped: AtomicU64,
}

/// How many requests had invalid headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PropagationCounts {
    /// Requests that began another trace because their `traceparent` was invalid or repeated.
    pub restarted: u64,
    /// Requests whose trace was continued although the parent id was invalid: see [`Propagation::lenient`].
    pub repaired: u64,
    /// Requests whose `tracestate` was dropped because it was invalid.
    pub states_dropped: u64,
}

impl Propagation {
    /// The default.
    pub fn new() -> Propagation {
        Propagation::default()
    }

    /// Which callers' flag `sampled` is believed.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Propagation {
        self.trust = trust;
        self
    }

    /// Whether a `traceparent` with an invalid parent id keeps its trace, as with [`TraceParent::parse_lenient`].
    #[must_use]
    pub fn lenient(mut self, is_lenient: bool) -> Propagation {
        self.is_lenient = is_lenient;
        self
    }

    /// Whether a request of a caller that is not trusted begins another trace. For services at the border of a network:
    /// a stranger who chooses the trace ids also chooses which of the requests' events sampling keeps.
    #[must_use]
    pub fn restart_strangers(mut self, restarts: bool) -> Propagation {
        self.restarts_strangers = restarts;
        self
    }

    /// The trace of a request with these headers, from a caller at this address.
    ///
    /// The request continues the trace of its only valid `traceparent`; without one, or with several, it begins another
    /// trace. Its `tracestate` is read only if the trace is continued. A trace that begins here is sampled, like that
    /// of a [`Span`](crate::Span) outside of every trace.
    pub fn receive<'h, H: Headers + ?Sized>(
        &self,
        headers: &'h H,
        peer: Option<IpAddr>,
    ) -> TraceContext<'h> {
        let is_trusted = self.trust.believes(peer);
        let (caller, mut fault) = match self.caller(headers) {
            Ok(caller) => (caller, None),
            Err(fault) => (None, Some(fault)),
        };
        let mut state = TraceState::new();
        let span = match caller.filter(|_| is_trusted || !self.restarts_strangers) {
            None => TraceParent::random().with_sampled(true),
            Some(caller) => {
                match TraceState::check(headers.values(TRACESTATE)) {
                    Ok(checked) => state = checked,
                    Err(error) => {
                        count(&self.counters.states_dropped);
                        fault = Some(TraceFault::State(error));
                    }
                }
                caller.child().with_sampled(is_trusted && caller.is_sampled())
            }
        };
        TraceContext { span, caller, fault, state }
    }

    fn caller<H: Headers + ?Sized>(&self, headers: &H) -> Result<Option<TraceParent>, TraceFault> {
        let mut values = headers.values(TRACEPARENT);
        let Some(value) = values.next() else { return Ok(None) };
        let read = match values.next() {
            Some(_) => Err(TraceFault::Repeated),
            None => self.parse(value).map_err(TraceFault::Parent),
        };
        match read {
            Ok(LenientTraceParent { parent, replaced }) => {
                if replaced.is_some() {
                    count(&self.counters.repaired);
                }
                Ok(Some(parent))
            }
            Err(fault) => {
                count(&self.counters.restarted);
                Err(fault)
            }
        }
    }

    fn parse(&self, value: &[u8]) -> Result<LenientTraceParent, TraceParentError> {
        if self.is_lenient {
            return TraceParent::parse_lenient(value);
        }
        Ok(LenientTraceParent { parent: TraceParent::parse(value)?, replaced: None })
    }

    /// How many requests had invalid headers so far.
    pub fn counts(&self) -> PropagationCounts {
        let Counters { restarted, repaired, states_dropped } = &self.counters;
        // ORDER: relaxed; counters that are read for information.
        let [restarted, repaired, states_dropped] =
            [restarted, repaired, states_dropped].map(|counter| counter.load(Ordering::Relaxed));
        PropagationCounts { restarted, repaired, states_dropped }
    }
}

fn count(counter: &AtomicU64) {
    // ORDER: relaxed; see `Propagation::counts`.
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Why a header of a request was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceFault {
    /// The `traceparent` is invalid: the request began another trace.
    Parent(TraceParentError),
    /// There are several headers `traceparent`, expected one: the request began another trace.
    Repeated,
    /// The `tracestate` is invalid: the trace is continued without it.
    State(TraceStateError),
}

impl std::fmt::Display for TraceFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TraceFault::Parent(error) => error.fmt(f),
            TraceFault::Repeated => {
                f.write_str("expected one header traceparent, found several: a new trace was begun")
            }
            TraceFault::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TraceFault {}

/// The trace of a request, and the span of this service in it.
#[derive(Debug, Clone)]
pub struct TraceContext<'h> {
    span: TraceParent,
    caller: Option<TraceParent>,
    fault: Option<TraceFault>,
    state: TraceState<'h>,
}

impl<'h> TraceContext<'h> {
    /// The span of this service: a child of the caller's, or the first one of a new trace.
    pub fn span(&self) -> TraceParent {
        self.span
    }

    /// The ids of [`TraceContext::span`] for the lines of events.
    pub fn correlation(&self) -> Correlation {
        self.span.correlation()
    }

    /// What the caller has sent, with its flags as they are, if it is valid.
    pub fn caller(&self) -> Option<TraceParent> {
        self.caller
    }

    /// Whether the request continues the trace of its caller.
    pub fn is_continued(&self) -> bool {
        self.caller.is_some_and(|caller| caller.trace_id() == self.span.trace_id())
    }

    /// Why a header was ignored.
    pub fn fault(&self) -> Option<TraceFault> {
        self.fault
    }

    /// What tracing systems have added.
    pub fn state(&self) -> &TraceState<'h> {
        &self.state
    }

    /// The same trace with this flag `sampled`, for services that record traces themselves.
    #[must_use]
    pub fn with_sampled(mut self, is_sampled: bool) -> TraceContext<'h> {
        self.span = self.span.with_sampled(is_sampled);
        self
    }

    /// The same trace with this state, for example with a member of this service at its front.
    #[must_use]
    pub fn with_state<'s>(&self, state: TraceState<'s>) -> TraceContext<'s> {
        TraceContext { span: self.span, caller: self.caller, fault: self.fault, state }
    }

    /// The headers of a call that this service makes: a new span of the trace, and the members of `tracestate` that fit
    /// into [`TraceState::BYTES`]. Each call needs its own.
    pub fn outgoing(&self) -> Outgoing {
        let mut outgoing =
            Outgoing { parent: [0; TraceParent::BYTES], state: [0; TraceState::BYTES], len: 0 };
        self.span.child().write(&mut outgoing.parent);
        outgoing.len = self.state.write(&mut outgoing.state).map_or(0, str::len);
        outgoing
    }
}

/// The headers of a call, in a buffer without allocation.
#[derive(Clone)]
pub struct Outgoing {
    parent: [u8; TraceParent::BYTES],
    state: [u8; TraceState::BYTES],
    /// Bytes of the state.
    len: usize,
}

impl Outgoing {
    /// The headers for this span. A state that does not fit is left out.
    pub(crate) fn new(span: TraceParent, state: Option<&str>) -> Outgoing {
        let mut outgoing =
            Outgoing { parent: [0; TraceParent::BYTES], state: [0; TraceState::BYTES], len: 0 };
        span.write(&mut outgoing.parent);
        if let Some(state) = state
            && let Some(room) = outgoing.state.get_mut(..state.len())
        {
            room.copy_from_slice(state.as_bytes());
            outgoing.len = state.len();
        }
        outgoing
    }

    /// The value of the header `traceparent`.
    pub fn traceparent(&self) -> &str {
        str::from_utf8(&self.parent).unwrap_or_default()
    }

    /// The value of the header `tracestate`. `None` if it must not be sent, because it would be empty.
    pub fn tracestate(&self) -> Option<&str> {
        str::from_utf8(&self.state[..self.len]).ok().filter(|state| !state.is_empty())
    }

    /// Names and values of the headers to send.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let state = self.tracestate().map(|state| (TRACESTATE, state));
        [(TRACEPARENT, self.traceparent())].into_iter().chain(state)
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
