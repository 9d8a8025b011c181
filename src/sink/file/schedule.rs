//! Decides when a segment must be sealed because of the time.
//!
//! Time is divided into periods that are counted from 1970-01-01T00:00:00Z, so that the decision needs only the period
//! of the file's content and the current period, and a restart changes nothing. Pure computation.
use super::config::RotateEvery;
use ringseal_base::Now;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Divides time into periods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// `None`: a single period without an end.
    period_nanos: Option<i128>,
    offset_nanos: i128,
}

/// A stretch of time whose lines belong in one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// Counted from 1970-01-01T00:00:00Z.
    index: i128,
    begin_unix_nanos: i64,
    end_unix_nanos: i64,
}

/// The clock's verdict on the active segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Same period, or a clock that was set back a little.
    No,
    /// A later period: seal.
    Seal,
    /// The clock was set back by more than a whole period: the file's content belongs to a distant time. The file
    /// continues, with the clock's period from now on.
    Adopt,
}

impl Schedule {
    pub fn new(every: RotateEvery, offset_seconds: i64) -> Self {
        let period_nanos = match every {
            RotateEvery::Never => None,
            RotateEvery::Hourly => Some(3600 * NANOS_PER_SECOND),
            RotateEvery::Daily => Some(86_400 * NANOS_PER_SECOND),
            // Effectively never beyond the clock's range, without overflow.
            RotateEvery::Interval(interval) => {
                Some(i128::try_from(interval.as_nanos()).unwrap_or(i128::MAX).clamp(1, 1 << 64))
            }
        };
        Self { period_nanos, offset_nanos: i128::from(offset_seconds) * NANOS_PER_SECOND }
    }

    /// The period that contains a moment.
    pub fn period(&self, unix_nanos: i64) -> Period {
        let Some(nanos) = self.period_nanos else {
            return Period { index: 0, begin_unix_nanos: i64::MIN, end_unix_nanos: i64::MAX };
        };
        let index = (i128::from(unix_nanos) - self.offset_nanos).div_euclid(nanos);
        let begin = index * nanos + self.offset_nanos;
        let clamped = |value: i128| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        Period { index, begin_unix_nanos: clamped(begin), end_unix_nanos: clamped(begin + nanos) }
    }

    /// Whether to seal a file whose content is of period `content`. Called every turn: two comparisons, except after
    /// the period's end.
    ///
    /// A clock that was set back just before midnight must not cause a second seal when it reaches midnight again: the
    /// file's period stays the later one.
    pub fn due(&self, content: Period, unix_nanos: i64) -> Due {
        if (content.begin_unix_nanos..content.end_unix_nanos).contains(&unix_nanos) {
            return Due::No;
        }
        let now = self.period(unix_nanos).index;
        if now > content.index {
            Due::Seal
        } else if now + 1 < content.index {
            Due::Adopt
        } else {
            Due::No
        }
    }
}

/// A periodic action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Every {
    interval_nanos: i64,
    last_unix_nanos: i64,
}

impl Every {
    pub fn new(interval_nanos: i64, now: Now) -> Self {
        Self { interval_nanos, last_unix_nanos: now.unix_nanos }
    }

    /// Whether the interval has passed; it restarts then. If the clock is set back, the action is due at once.
    pub fn is_due(&mut self, now: Now) -> bool {
        let passed = now.unix_nanos.saturating_sub(self.last_unix_nanos);
        let due = passed < 0 || passed >= self.interval_nanos;
        if due {
            self.last_unix_nanos = now.unix_nanos;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const HOUR: i64 = 3600 * SECOND;
    const DAY: i64 = 24 * HOUR;

    #[test]
    fn periods_begin_at_their_round_times() {
        let interval = |seconds| RotateEvery::Interval(Duration::from_secs(seconds));
        let cases = [
            (RotateEvery::Daily, 0, DAY - 1, DAY),
            (RotateEvery::Daily, 0, -1, 0),
            (RotateEvery::Daily, 3600, DAY + HOUR - 1, DAY + HOUR),
            (RotateEvery::Daily, -7200, 22 * HOUR - 1, 22 * HOUR),
            (RotateEvery::Hourly, 0, 5 * HOUR - 1, 5 * HOUR),
            (RotateEvery::Hourly, 90, 5 * HOUR + 90 * SECOND - 1, 5 * HOUR + 90 * SECOND),
            (interval(10), 0, 10 * SECOND - 1, 10 * SECOND),
            (interval(7 * 86_400), 0, 7 * DAY - 1, 7 * DAY),
        ];
        for (every, offset, before, at) in cases {
            let schedule = Schedule::new(every, offset);
            let content = schedule.period(before);
            assert_eq!(schedule.due(content, at), Due::Seal, "{every:?} {offset}");
            assert_eq!(schedule.due(content, before), Due::No, "{every:?} {offset}");
            assert_eq!(content.end_unix_nanos, at, "{every:?} {offset}");
        }
    }

    #[test]
    fn extreme_schedules_do_not_overflow() {
        for unix_nanos in [i64::MIN, -1, 0, i64::MAX - 1] {
            let never = Schedule::new(RotateEvery::Never, i64::MAX);
            assert_eq!(never.due(never.period(0), unix_nanos), Due::No);
            for every in [Duration::MAX, Duration::from_nanos(1)] {
                for offset in [i64::MIN, 0, i64::MAX] {
                    let schedule = Schedule::new(RotateEvery::Interval(every), offset);
                    let period = schedule.period(unix_nanos);
                    assert_eq!(schedule.due(period, unix_nanos), Due::No);
                }
            }
        }
    }

    #[test]
    fn a_clock_step_back_seals_nothing_twice() {
        let schedule = Schedule::new(RotateEvery::Daily, 0);
        let content = schedule.period(10 * DAY);
        assert_eq!(schedule.due(content, 10 * DAY - 1), Due::No);
        assert_eq!(schedule.due(content, 9 * DAY), Due::No);
        assert_eq!(schedule.due(content, 9 * DAY - 1), Due::Adopt);
        assert_eq!(schedule.due(content, 0), Due::Adopt);
        assert_eq!(schedule.due(content, 30 * DAY), Due::Seal);
    }

    #[test]
    fn periodic_work_survives_a_clock_step_back() {
        let at = |unix_nanos| Now { ticks: 0, unix_nanos };
        let mut every = Every::new(SECOND, at(0));
        assert!(!every.is_due(at(SECOND - 1)));
        assert!(every.is_due(at(SECOND)));
        assert!(!every.is_due(at(SECOND + 1)));
        assert!(every.is_due(at(0)));
        assert!(!every.is_due(at(1)));
    }
}
