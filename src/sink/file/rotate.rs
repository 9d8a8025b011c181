//! When a segment is due for sealing because of the time.
//!
//! Time is cut into periods that are counted from 1970-01-01T00:00:00Z, so that the decision needs nothing but the
//! period of what is in the file and the period of now, and a restart changes nothing. All pure computation.
use super::config::RotateEvery;
use crate::core::Now;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Cuts time into periods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// `None`: one period for ever.
    period_nanos: Option<i128>,
    offset_nanos: i128,
}

/// What the clock says about the active segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Same period, or a clock that stepped back a little.
    No,
    /// A later period: seal.
    Seal,
    /// The clock stepped back by more than a whole period: what is in the file belongs to a time that is far off. The
    /// file goes on, and its period is from now on that of the clock.
    Adopt,
}

impl Schedule {
    pub fn new(every: RotateEvery, offset_seconds: i64) -> Self {
        let period_nanos = match every {
            RotateEvery::Never => None,
            RotateEvery::Hourly => Some(3600 * NANOS_PER_SECOND),
            RotateEvery::Daily => Some(86_400 * NANOS_PER_SECOND),
            RotateEvery::Interval(interval) => {
                Some(i128::try_from(interval.as_nanos()).unwrap_or(i128::MAX).max(1))
            }
        };
        Self { period_nanos, offset_nanos: i128::from(offset_seconds) * NANOS_PER_SECOND }
    }

    /// The number of the period that a moment falls into.
    pub fn period(&self, unix_nanos: i64) -> i128 {
        self.period_nanos
            .map_or(0, |period| (i128::from(unix_nanos) - self.offset_nanos).div_euclid(period))
    }

    /// What to do with a file whose content is of period `content`.
    ///
    /// A clock that stepped back just before midnight must not seal a second time when it reaches midnight again: the
    /// file's period stays the later one.
    pub fn due(&self, content: i128, unix_nanos: i64) -> Due {
        let now = self.period(unix_nanos);
        if now > content {
            Due::Seal
        } else if now + 1 < content {
            Due::Adopt
        } else {
            Due::No
        }
    }
}

/// Something that is to be done now and then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Every {
    interval_nanos: i64,
    last_unix_nanos: i64,
}

impl Every {
    pub fn new(interval_nanos: i64, now: Now) -> Self {
        Self { interval_nanos, last_unix_nanos: now.unix_nanos }
    }

    /// Whether the interval is over; it starts anew then. A clock that steps back makes it due at once.
    pub fn is_due(&mut self, now: Now) -> bool {
        let passed = now.unix_nanos.saturating_sub(self.last_unix_nanos);
        let due = passed < 0 || passed >= self.interval_nanos;
        if due {
            self.last_unix_nanos = now.unix_nanos;
        }
        due
    }
}
