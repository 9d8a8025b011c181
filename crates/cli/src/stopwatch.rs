//! Measures wall time, CPU time and the length of a clock tick.
use std::time::{Duration, Instant};

use ringseal::system::{Clock, SystemClock};

use crate::histogram::Histogram;

/// Reads the time-stamp counter, or the monotonic clock where the counter is not reliable.
#[inline(always)]
pub fn ticks() -> u64 {
    SystemClock.ticks()
}

/// Measures wall time, CPU time and the length of a tick over the same interval.
#[derive(Debug)]
pub struct Stopwatch {
    start: Instant,
    start_ticks: u64,
    start_cpu: Option<Duration>,
}

/// The measurement of a stopwatch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lap {
    /// Wall time.
    pub wall: Duration,
    /// User and system time of the whole process; `None` where the system does not report it.
    pub cpu: Option<Duration>,
    /// Length of a tick in nanoseconds.
    pub nanos_per_tick: f64,
}

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self { start: Instant::now(), start_ticks: ticks(), start_cpu: cpu_time() }
    }

    /// Wall time since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the measurement so far.
    pub fn lap(&self) -> Lap {
        let (ticks, wall) = (ticks().wrapping_sub(self.start_ticks), self.start.elapsed());
        let cpu = cpu_time().zip(self.start_cpu).map(|(now, start)| now.saturating_sub(start));
        Lap { wall, cpu, nanos_per_tick: wall.as_nanos() as f64 / ticks.max(1) as f64 }
    }
}

/// User and system time of this process so far.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}

/// Percentiles of durations in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Percentiles {
    /// Number of values.
    pub count: u64,
    /// 50th percentile.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Maximum.
    pub max: f64,
}

impl Percentiles {
    /// Computes the percentiles of a histogram of ticks.
    pub fn of(histogram: &Histogram, nanos_per_tick: f64) -> Self {
        let at = |quantile| histogram.quantile(quantile) as f64 * nanos_per_tick;
        Self {
            count: histogram.count(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 * nanos_per_tick,
        }
    }
}

/// Formats nanoseconds in a suitable unit.
pub fn format_nanos(nanos: f64) -> String {
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.1} µs", n / 1e3),
        n if n < 1e9 => format!("{:.1} ms", n / 1e6),
        n => format!("{:.1} s", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|value| histogram.record(value));
        let percentiles = Percentiles::of(&histogram, 0.5);
        assert_eq!((percentiles.count, percentiles.max), (1000, 500.0));
        assert!((250.0..=258.0).contains(&percentiles.p50), "{percentiles:?}");
        assert!((495.0..=500.0).contains(&percentiles.p99), "{percentiles:?}");
    }

    #[test]
    fn a_lap_measures_the_tick_length() {
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let lap = watch.lap();
        assert!(lap.wall >= Duration::from_millis(2));
        assert!(lap.nanos_per_tick > 0.01 && lap.nanos_per_tick < 100.0, "{lap:?}");
    }

    #[test]
    fn nanoseconds_are_formatted_in_a_suitable_unit() {
        let cases = [(17.4, "17 ns"), (1500.0, "1.5 µs"), (2.5e6, "2.5 ms"), (3e9, "3.0 s")];
        for (nanos, shown) in cases {
            assert_eq!(format_nanos(nanos), shown);
        }
    }
}
