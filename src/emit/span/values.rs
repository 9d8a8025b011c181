//! Values that only the events of spans have.
use std::time::{Duration, Instant};

use crate::emit::lane_settings::LaneClock;
use ringseal_base::clock::Clock;
use ringseal_base::limits::Limits;
use ringseal_base::value::{Maybe, Start, Timer, Value, ValueWriter};

/// The start of a span.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Began {
    /// By the clock of the events: the writer computes the duration.
    Ticks(Start),
    /// If that clock is a coarse one.
    At(Instant),
    /// If the span is not logged.
    #[default]
    Unknown,
}

impl Began {
    /// The present, by a clock of this kind.
    pub(crate) fn now(clock: LaneClock, injected: Option<&dyn Clock>) -> Began {
        match (clock, injected) {
            (LaneClock::Coarse, None) => Began::At(Instant::now()),
            (_, Some(injected)) => Began::Ticks(Start::of(injected)),
            (_, None) => Began::Ticks(Start::now()),
        }
    }

    /// The duration to the event that logs it.
    pub(super) fn so_far(self) -> SoFar {
        match self {
            Began::Ticks(start) => SoFar::Event(Timer::since(start)),
            Began::At(instant) => {
                let micros = (instant.elapsed().as_nanos() + 500) / 1000;
                SoFar::Exact(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
            }
            Began::Unknown => SoFar::Unknown(Maybe(None)),
        }
    }
}

/// A duration in whole microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum SoFar {
    Event(Timer),
    Exact(Duration),
    Unknown(Maybe<Duration>),
}

macro_rules! either {
    ($self:ident, $value:ident => $call:expr) => {
        match $self {
            SoFar::Event($value) => $call,
            SoFar::Exact($value) => $call,
            SoFar::Unknown($value) => $call,
        }
    };
}

impl Value for SoFar {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        either!(self, value => value.size_bytes_max(limits))
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        either!(self, value => value.write(out));
    }

    #[inline]
    fn plain_bytes(&self) -> usize {
        either!(self, value => value.plain_bytes())
    }

    #[inline]
    fn text_bytes(&self) -> usize {
        0
    }

    #[inline]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        either!(self, value => value.put(out))
    }
}
