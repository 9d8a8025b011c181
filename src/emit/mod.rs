//! The producer's side: from a macro's call into the thread's ring.
//!
//! Promises: an enabled call allocates nothing, locks nothing and makes no system call, after a thread's first event
//! and its first with bound fields, and unless its ring is full. Imports from `writer` and below; `engine` builds on
//! it.
pub(crate) mod ambient;
#[cfg_attr(not(feature = "audit"), path = "no_audit.rs")]
pub(crate) mod audit;
pub mod bridge;
#[doc(hidden)]
pub mod capture;
pub mod correlation_id;
#[doc(hidden)]
pub mod emitter;
pub(crate) mod global;
pub(crate) mod lane;
pub(crate) mod lane_settings;
pub(crate) mod lanes;
pub(crate) mod levels;
pub(crate) mod logger;
pub(crate) mod overflow;
#[doc(hidden)]
pub mod sampling;
pub(crate) mod shared;
mod snapshot;
#[doc(hidden)]
pub mod span;
pub(crate) mod thread_default;

pub use ambient::{
    Context, ContextScope, InContext, TaskPart, TaskScopes, WithContext, in_current_context,
};
pub use lane_settings::SpanLines;
#[cfg(feature = "serde")]
pub use logger::serialize;
pub use logger::{AsEmitter, BoundFields, Logger, with_backtrace};
pub use overflow::Overflow;
pub use snapshot::{RestoreError, SNAPSHOT_BYTES_MAX, Snapshots};
pub use span::{InSpan, Span, SpanKind, WithSpan, log_span};
