//! Time as the engine sees it.

/// One reading of both clocks, taken once per writer turn and handed down as a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Ticks of the producers' clock (see [`crate::core::clock`]); only differences mean something.
    pub ticks: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: i64,
}
