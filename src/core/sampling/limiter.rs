//! Limits how many events of a call site pass per interval, and counts the others.
//!
//! Promises: atomics only; no allocation, no lock.
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of events that pass per interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Events that pass, at most [`Limit::COUNT_MAX`].
    pub count_max: u32,
    /// The interval's length.
    pub interval_nanos: u64,
    /// The rule that set the limit, for its counter.
    pub rule: u8,
}

impl Limit {
    /// The most that a limiter's counter can hold.
    pub const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;
}

/// A time of the producers' clock.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Ticks of the producers' clock.
    pub ticks: u64,
    /// 0 until the clock is measured; no interval ends before that.
    pub nanos_per_tick: f64,
}

const COUNT_BITS: u32 = 20;
/// Ticks are counted in units of 2¹²: one to four microseconds.
const UNIT_SHIFT: u32 = 12;
const UNITS_SHIFT: u32 = 64 - COUNT_BITS;

/// Lets a number of events pass per interval, and counts the others until they are reported.
///
/// An interval begins with the first event after the end of the last one. Any number of threads may call it at once:
/// never more than the limit pass, and every event either passes or is counted.
#[derive(Debug, Default)]
pub struct Limiter {
    /// High bits: the start of the interval in units of ticks, modulo 2⁴⁴. Low bits: how many events have passed in it.
    window: AtomicU64,
    suppressed: AtomicU64,
}

impl Limiter {
    /// Returns whether an event may pass now. If not, counts it.
    pub fn take(&self, limit: Limit, now: Moment) -> bool {
        // ORDER: relaxed throughout; no other memory depends on the word.
        let mut window = self.window.load(Ordering::Relaxed);
        loop {
            let Some(next) = after(window, limit, now) else {
                // ORDER: relaxed; see above.
                self.suppressed.fetch_add(1, Ordering::Relaxed);
                return false;
            };
            let relaxed = Ordering::Relaxed;
            // ORDER: relaxed; see above.
            match self.window.compare_exchange_weak(window, next, relaxed, relaxed) {
                Ok(_) => return true,
                Err(found) => window = found,
            }
        }
    }

    /// Whether [`Limiter::take`] would accept an event now.
    pub fn has_room(&self, limit: Limit, now: Moment) -> bool {
        // ORDER: relaxed; see `take`.
        after(self.window.load(Ordering::Relaxed), limit, now).is_some()
    }

    /// Returns how many events were suppressed since the last call, and resets the count.
    #[inline]
    pub fn take_suppressed(&self) -> u64 {
        // ORDER: relaxed; no other memory depends on the count. The load avoids a locked instruction where it is 0.
        match self.suppressed.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.suppressed.swap(0, Ordering::Relaxed),
        }
    }

    /// Adds back a count that could not be reported.
    pub fn put_back(&self, count: u64) {
        // ORDER: relaxed; see `take_suppressed`.
        self.suppressed.fetch_add(count, Ordering::Relaxed);
    }
}

/// The window after one more event; `None` if it is full.
fn after(window: u64, limit: Limit, now: Moment) -> Option<u64> {
    let (start, count) = (window >> COUNT_BITS, window as u32 & Limit::COUNT_MAX);
    let unit = now.ticks >> UNIT_SHIFT & ((1 << UNITS_SHIFT) - 1);
    // Modulo 2⁴⁴, signed: the counter of another core may lag a little, and a counter that was reset lags far.
    let elapsed = (unit.wrapping_sub(start) << COUNT_BITS) as i64 >> COUNT_BITS;
    let is_over = || {
        let nanos = (elapsed.unsigned_abs() << UNIT_SHIFT) as f64 * now.nanos_per_tick;
        // Rounding down to units may have lost this much.
        let rounding = (1 << UNIT_SHIFT) as f64 * now.nanos_per_tick;
        nanos > 0.0 && nanos + rounding >= limit.interval_nanos as f64
    };
    if window == 0 || is_over() {
        return (limit.count_max > 0).then_some(unit << COUNT_BITS | 1);
    }
    (count < limit.count_max.min(Limit::COUNT_MAX)).then_some(window + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { count_max: 3, interval_nanos: 1_000_000_000, rule: 1 };

    fn at(ticks: u64) -> Moment {
        Moment { ticks, nanos_per_tick: 1.0 }
    }

    #[test]
    fn events_over_the_limit_are_counted() {
        let limiter = Limiter::default();
        // The time, and how many of ten events pass.
        for (ticks, passed) in [
            (1, 3),
            (999_990_000, 0),
            (1_000_000_001, 3),
            (1_500_000_000, 0),
            (2_000_100_000, 3),
            (9_000_000_000, 3),
            // The counter was reset.
            (5, 3),
            (6, 0),
        ] {
            let found = (0..10).filter(|_| limiter.take(LIMIT, at(ticks))).count();
            assert_eq!(found, passed, "at {ticks}");
            assert_eq!(limiter.take_suppressed(), 10 - passed as u64, "at {ticks}");
            assert!(!limiter.has_room(LIMIT, at(ticks)));
        }
        assert_eq!(limiter.take_suppressed(), 0);
        limiter.put_back(7);
        assert_eq!(limiter.take_suppressed(), 7);
    }

    #[test]
    fn a_lagging_tick_counter_starts_no_interval() {
        let limiter = Limiter::default();
        let start = 50_000_000_000;
        let taken = (0..10).filter(|step| limiter.take(LIMIT, at(start - step * 100_000))).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn no_interval_ends_before_the_clock_is_measured() {
        let limiter = Limiter::default();
        let unknown = |ticks| Moment { ticks, nanos_per_tick: 0.0 };
        let taken = (0..10).filter(|step| limiter.take(LIMIT, unknown(step << 40))).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn racing_threads_never_exceed_the_limit() {
        let (limiter, limit) = (Limiter::default(), Limit { count_max: 1000, ..LIMIT });
        let ask = || (0..5000).filter(|_| limiter.take(limit, at(7))).count() as u64;
        let passed: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((passed, limiter.take_suppressed()), (1000, 19_000));
    }
}
