//! The settings that all lanes of an engine share.
use std::sync::Arc;

use ringseal_base::clock::Clock;
use ringseal_base::limits::Limits;

/// The source of a lane's timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneClock {
    /// The time-stamp counter, read at every event.
    Tsc,
    /// The time that the writer last published; the machine's ticks while the writer sleeps.
    Coarse,
    /// The monotonic clock.
    Monotonic,
    /// A test's clock.
    Injected,
}

/// The lines of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpanLines {
    /// `span.start` when it begins, and `span.end`.
    #[default]
    StartAndEnd,
    /// Only `span.end`.
    End,
}

/// The settings of a new lane.
#[derive(Debug, Clone)]
pub(crate) struct LaneSettings {
    pub(crate) ring_bytes: usize,
    pub(crate) lanes_max: usize,
    pub(crate) limits: Limits,
    pub(crate) clock: LaneClock,
    pub(crate) injected: Option<Arc<dyn Clock>>,
    pub(crate) include_stack: bool,
    pub(crate) span_lines: SpanLines,
    pub(crate) requires_trace: bool,
}
