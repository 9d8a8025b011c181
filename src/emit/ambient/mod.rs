//! The ambient context of a thread: fields and a correlation that all its events have.
//!
//! Promises: a call outside of every scope pays nothing: a scope marks the thread's lanes, so that the hot path refuses
//! them (`lanes`). An event inside a scope copies 32 bytes and compares one id; nothing is allocated, locked or counted
//! for it. The poll of a future moves its context in and out and allocates nothing. Scopes may end in any order, also
//! in a panic: one that ends before those inside it ends them as well. A thread begins without one; nothing of a
//! thread's scopes reaches another thread, and nothing that a poll leaves behind reaches the next one.
mod context;
mod context_trace;
mod future;
mod stack;
mod task_scopes;

use std::cell::Cell;

pub(crate) use self::context::Ids;
pub use self::context::{Context, ContextScope};
pub(crate) use self::context_trace::{is_suppressed, require_traces};
pub use self::future::{InContext, WithContext, in_current_context};
pub(crate) use self::stack::{
    Poll as StackPoll, Scopes, Stack, current_fields, is_active, update, with_fields,
};
pub use self::task_scopes::{TaskPart, TaskScopes};
use crate::core::context::Context as Fields;
use crate::core::correlation::{CORRELATION_BYTES, Correlation};
use crate::core::sampling::trace;

thread_local! {
    /// What an event reads. Without a destructor, so that an access needs no check.
    static CURRENT: Cell<Ambient> = const { Cell::new(Ambient::NONE) };
}

/// What an event takes from its thread's ambient context.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Ambient {
    /// Zeros without one.
    correlation: Correlation,
    /// The id of the fields, which [`stack`] holds; 0 without fields.
    pub(crate) id: u64,
    /// The number of the fields; 0 without fields.
    pub(crate) number: u16,
    /// Bytes of the correlation in a record; 0 without one.
    correlation_bytes: u16,
    /// The flags of the trace.
    flags: u8,
    /// Whether there is any.
    is_active: bool,
    /// Whether the scope suppresses events.
    pub(crate) is_suppressed: bool,
    /// The randomness of the trace id.
    pub(crate) randomness: Option<u64>,
}

impl Default for Ambient {
    fn default() -> Self {
        Ambient::NONE
    }
}

impl Ambient {
    /// No ambient context.
    pub(crate) const NONE: Ambient = Ambient {
        correlation: Correlation::new([0; 16], [0; 16]),
        id: 0,
        number: 0,
        correlation_bytes: 0,
        flags: 0,
        is_active: false,
        is_suppressed: false,
        randomness: None,
    };

    /// That of the calling thread.
    #[inline]
    pub(crate) fn current() -> Ambient {
        CURRENT.get()
    }

    fn of(context: &Context) -> Ambient {
        let ambient = Ambient::of_parts(context.ids, context.fields.as_deref());
        let is_suppressed = context.is_suppressed;
        Ambient { is_suppressed, is_active: ambient.is_active || is_suppressed, ..ambient }
    }

    /// That of these ids and fields.
    pub(crate) fn of_parts(ids: Ids, fields: Option<&Fields>) -> Ambient {
        let mut ambient = Ambient::NONE;
        if let Some(correlation) = ids.correlation {
            (ambient.correlation, ambient.flags) = (correlation, ids.flags);
            ambient.correlation_bytes = CORRELATION_BYTES as u16;
            ambient.randomness = trace::of_bytes(correlation.trace_id());
        }
        if let Some(fields) = fields {
            (ambient.id, ambient.number) = (fields.id(), fields.number());
            ambient.randomness = fields.randomness().or(ambient.randomness);
        }
        ambient.is_active = ambient.correlation_bytes != 0 || ambient.id != 0;
        ambient
    }

    /// The ids of the context.
    pub(crate) fn context_ids(&self) -> Ids {
        Ids { correlation: self.correlation().copied(), flags: self.flags }
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
}
