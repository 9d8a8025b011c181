//! Options of the subscriber and the layer.
use ringseal::SpanLines;

/// The lines of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpanEvents {
    /// None: only the events inside have its ids and fields.
    Off,
    /// `span.end` when it closes, with its duration.
    #[default]
    End,
    /// `span.start` as well.
    StartAndEnd,
}

impl SpanEvents {
    pub(crate) fn lines(self) -> Option<SpanLines> {
        match self {
            SpanEvents::Off => None,
            SpanEvents::End => Some(SpanLines::End),
            SpanEvents::StartAndEnd => Some(SpanLines::StartAndEnd),
        }
    }
}

/// Options of [`Subscriber`](crate::Subscriber) and `Layer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    pub(crate) span_events: SpanEvents,
}

impl Options {
    /// The defaults.
    pub const fn new() -> Self {
        Options { span_events: SpanEvents::End }
    }

    /// The lines of spans.
    #[must_use]
    pub const fn span_lines(self, span_events: SpanEvents) -> Self {
        Options { span_events }
    }
}
