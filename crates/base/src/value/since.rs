//! Durations that end with the event that logs them.
//!
//! Promises: measuring costs one reading of the tick counter, at the start. The end is the event's own time, and the
//! writer, which calibrates the counter, computes the duration.
use super::put::put_fixed;
use super::{Element, Value, ValueWriter, tag};
use crate::clock::{Clock, TickSource, monotonic_nanos, tick_source};
use crate::limits::Limits;
use crate::tsc;

/// The start of an operation; see [`since`].
///
/// ```
/// let start = ringseal_base::value::Start::now();
/// let duration = ringseal_base::value::since(start);
/// # let _ = duration;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start(u64);

impl Start {
    /// Reads the clock of producers.
    #[inline]
    pub fn now() -> Start {
        match tick_source() {
            TickSource::Tsc => Start(tsc::ticks()),
            TickSource::Monotonic => Start(monotonic_nanos()),
        }
    }

    /// Reads this clock, which must be the one that the engine was configured with.
    pub fn of(clock: &dyn Clock) -> Start {
        Start(clock.ticks())
    }

    /// These ticks of the producers' clock.
    #[doc(hidden)]
    pub const fn from_ticks(ticks: u64) -> Start {
        Start(ticks)
    }
}

/// The duration from `start` to the event that logs it, in the unit that its key names, as for any `Duration`:
/// `info!("query_done", duration_ms = since(start))`.
///
/// Never negative: 0 if the clock went backwards, or if the engine's coarse clock is older than the start. As a bound
/// field, which belongs to no event, it is `null`.
#[inline(always)]
pub fn since(start: Start) -> Since {
    Since(start)
}

/// The value that [`since`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(Start);

/// Measures an operation: `info!("query_done", duration_ms = timer)`.
///
/// The value is the duration from the start to the event that logs it, in the unit that its key names, rounded to whole
/// microseconds: three decimals of a millisecond. It can be logged any number of times. Otherwise it is as [`since`].
///
/// ```
/// let timer = ringseal_base::value::Timer::start();
/// # let _ = timer;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer(Start);

impl Timer {
    /// Starts now.
    #[inline]
    pub fn start() -> Timer {
        Timer(Start::now())
    }

    /// Starts at `start`.
    pub const fn since(start: Start) -> Timer {
        Timer(start)
    }
}

/// Implements `Value` for the ticks of a start, under a tag.
macro_rules! ticks_value {
    ($type:ty, $tag:expr) => {
        impl Value for $type {
            #[inline(always)]
            fn size_bytes_max(&self, _limits: &Limits) -> usize {
                9
            }

            #[inline(always)]
            fn write(&self, out: &mut ValueWriter<'_>) {
                out.fixed($tag, self.0.0.to_le_bytes());
            }

            #[inline(always)]
            fn plain_bytes(&self) -> usize {
                9
            }

            #[inline(always)]
            fn text_bytes(&self) -> usize {
                0
            }

            #[inline(always)]
            fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
                put_fixed(out, $tag, self.0.0.to_le_bytes())
            }
        }

        impl Element for $type {}
    };
}

ticks_value!(Since, tag::SINCE);
ticks_value!(Timer, tag::SINCE_MICROS);
