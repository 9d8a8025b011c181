//! Clocks: cheap ticks for producers, wall time for lines, and the conversion between the two.
//!
//! Promises: ticks are read by `rdtsc` if it is invariant, otherwise from the monotonic clock; neither allocates nor
//! blocks. Only the writer thread converts ticks to wall time, by a [`Calibration`] that follows the system clock.
//! Small differences are slewed, so that time never runs backwards within a lane. Larger ones are steps: they apply
//! at once and are reported.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::tsc;

/// One reading of both clocks, taken once per writer turn and passed down as a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Ticks of the producers' clock; only differences are meaningful.
    pub ticks: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: i64,
}

/// Reads both clocks. Tests implement it to set the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Ticks since some moment in the past.
    fn ticks(&self) -> u64;

    /// Nanoseconds since 1970.
    fn unix_nanos(&self) -> i64;

    /// Nanoseconds per tick if known; otherwise they are measured.
    fn nanos_per_tick(&self) -> Option<f64> {
        Some(1.0)
    }

    /// Both clocks, read as close together as possible.
    fn now(&self) -> Now {
        Now { ticks: self.ticks(), unix_nanos: self.unix_nanos() }
    }
}

/// The source of ticks on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickSource {
    /// The invariant time-stamp counter.
    Tsc,
    /// Nanoseconds of the monotonic clock.
    Monotonic,
}

/// The source that [`SystemClock`] uses, decided once.
pub fn tick_source() -> TickSource {
    static SOURCE: OnceLock<TickSource> = OnceLock::new();
    *SOURCE.get_or_init(
        || {
            if tsc::is_invariant() { TickSource::Tsc } else { TickSource::Monotonic }
        },
    )
}

/// Nanoseconds of the monotonic clock since its first use in this process.
#[cold]
pub fn monotonic_nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn ticks(&self) -> u64 {
        match tick_source() {
            TickSource::Tsc => tsc::ticks(),
            TickSource::Monotonic => monotonic_nanos(),
        }
    }

    fn unix_nanos(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos)
            }
        }
    }

    fn nanos_per_tick(&self) -> Option<f64> {
        (tick_source() == TickSource::Monotonic).then_some(1.0)
    }

    fn now(&self) -> Now {
        // Use the pair that was read in the shortest time: a preemption between the two would look like a step.
        let mut best = Now { ticks: 0, unix_nanos: 0 };
        let mut best_width = u64::MAX;
        for _ in 0..4 {
            let before = self.ticks();
            let unix_nanos = self.unix_nanos();
            let after = self.ticks();
            let width = after.saturating_sub(before);
            if width < best_width {
                best_width = width;
                best = Now { ticks: before + width / 2, unix_nanos };
            }
        }
        best
    }
}

/// A clock that only moves when a test moves it. One tick is one nanosecond.
#[derive(Debug, Default)]
pub struct ManualClock {
    ticks: AtomicU64,
    unix_nanos: AtomicU64,
}

impl ManualClock {
    /// A clock at `unix_nanos` and tick 1.
    pub fn at(unix_nanos: i64) -> Self {
        Self { ticks: AtomicU64::new(1), unix_nanos: AtomicU64::new(unix_nanos as u64) }
    }

    /// Lets `nanos` pass on both clocks.
    pub fn advance(&self, nanos: u64) {
        // ORDER: relaxed; tests order their own steps.
        self.ticks.fetch_add(nanos, Ordering::Relaxed);
        self.unix_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Sets the wall clock, as an administrator would, without changing the ticks.
    pub fn step_to(&self, unix_nanos: i64) {
        // ORDER: relaxed; tests order their own steps.
        self.unix_nanos.store(unix_nanos as u64, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn ticks(&self) -> u64 {
        // ORDER: relaxed; tests order their own steps.
        self.ticks.load(Ordering::Relaxed)
    }

    fn unix_nanos(&self) -> i64 {
        // ORDER: relaxed; tests order their own steps.
        self.unix_nanos.load(Ordering::Relaxed) as i64
    }
}

/// A change of the system clock: its difference from the expected time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds; negative if the clock was set back.
    pub nanos: i64,
}

/// Differences up to this are slewed; larger ones are steps.
const SLEW_NANOS_MAX: i64 = 10_000_000;
/// Slewing changes the rate by at most this share.
const SLEW_RATE: f64 = 1.0 / 500.0;

/// A straight line from ticks to wall time.
///
/// ```
/// use ringseal_base::clock::Calibration;
/// use ringseal_base::clock::Now;
/// let mut line = Calibration::new(Now { ticks: 0, unix_nanos: 1_000 }, 1.0);
/// assert_eq!(line.unix_nanos(500), 1_500);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Calibration {
    start: Now,
    base: Now,
    /// Nanoseconds per tick as measured since `start`.
    rate: f64,
    /// The rate with the correction that slews the last difference; in units of 2⁻³² for the conversion.
    scale: i64,
}

impl Calibration {
    /// A line through `now`; `nanos_per_tick` is a first estimate of its slope.
    pub fn new(now: Now, nanos_per_tick: f64) -> Self {
        Self { start: now, base: now, rate: nanos_per_tick, scale: to_scale(nanos_per_tick) }
    }

    /// A line through the current time. If the clock does not know its slope, it is measured over a millisecond. If the
    /// monotonic clock does not agree, the thread was preempted or the clock was set, and the measurement is repeated.
    /// After ten milliseconds the slope is that of the monotonic clock, also for a wall clock that does not move.
    pub fn measure(clock: &dyn Clock) -> Self {
        const MEASURE_NANOS_MAX: u64 = 10_000_000;
        if let Some(rate) = clock.nanos_per_tick() {
            return Self::new(clock.now(), rate);
        }
        let (first, first_nanos) = with_monotonic(clock);
        let (mut start, mut start_nanos) = (first, first_nanos);
        loop {
            let (now, now_nanos) = with_monotonic(clock);
            let nanos = now.unix_nanos.saturating_sub(start.unix_nanos);
            let (waited, ticks) = (now_nanos - start_nanos, now.ticks.wrapping_sub(start.ticks));
            let is_agreed = nanos.abs_diff(waited as i64) <= waited / 8;
            if waited >= 1_000_000 && ticks > 0 && is_agreed {
                return Self::new(now, nanos as f64 / ticks as f64);
            }
            if now_nanos - first_nanos >= MEASURE_NANOS_MAX {
                let ticks = now.ticks.wrapping_sub(first.ticks).max(1);
                return Self::new(now, (now_nanos - first_nanos) as f64 / ticks as f64);
            }
            if waited >= 1_000_000 {
                (start, start_nanos) = (now, now_nanos);
            }
            std::hint::spin_loop();
        }
    }

    /// Nanoseconds per tick.
    pub fn nanos_per_tick(&self) -> f64 {
        self.rate
    }

    /// Wall time at `ticks`, which may lie before or after the last adjustment.
    #[inline]
    pub fn unix_nanos(&self, ticks: u64) -> i64 {
        let delta = ticks.wrapping_sub(self.base.ticks) as i64;
        // Both factors are signed words, so this is one multiplication.
        let nanos = ((i128::from(delta) * i128::from(self.scale)) >> 32) as i64;
        self.base.unix_nanos.checked_add(nanos).unwrap_or_else(|| farthest(nanos))
    }

    /// Adjusts the line to a newer reading. The line stays continuous unless the clock was stepped.
    ///
    /// A step right after another one, or after the first measurement, comes from a wrong slope rather than from a
    /// clock that was set each time: the slope is then measured again.
    pub fn adjust(&mut self, now: Now) -> Option<Step> {
        let ticks = now.ticks.wrapping_sub(self.base.ticks);
        if ticks == 0 || ticks > i64::MAX as u64 {
            return None;
        }
        let here = self.unix_nanos(now.ticks);
        let error = now.unix_nanos.saturating_sub(here);
        if error.saturating_abs() > SLEW_NANOS_MAX {
            let nanos = now.unix_nanos.saturating_sub(self.start.unix_nanos);
            if self.start == self.base && nanos > 0 {
                self.rate = nanos as f64 / ticks as f64;
            }
            self.start = now;
            self.base = now;
            self.scale = to_scale(self.rate);
            return Some(Step { nanos: error });
        }
        let long = now.ticks.wrapping_sub(self.start.ticks) as f64;
        let measured = now.unix_nanos.saturating_sub(self.start.unix_nanos) as f64 / long;
        if measured > 0.0 {
            self.rate = measured;
        }
        // Remove the difference over about the length of the last interval.
        let interval_nanos = ticks as f64 * self.rate;
        let slew = (error as f64 / interval_nanos).clamp(-SLEW_RATE, SLEW_RATE);
        self.base = Now { ticks: now.ticks, unix_nanos: here };
        self.scale = to_scale(self.rate * (1.0 + slew));
        None
    }
}

/// Both clocks and the monotonic one: of four readings the one that took the fewest ticks. A preemption between them
/// would divide a long time by few ticks.
fn with_monotonic(clock: &dyn Clock) -> (Now, u64) {
    let read = |_| {
        let now = clock.now();
        let nanos = monotonic_nanos();
        (clock.ticks().saturating_sub(now.ticks), now, nanos)
    };
    let best = [0; 4].map(read).into_iter().min_by_key(|(width, ..)| *width);
    best.map_or_else(|| (clock.now(), monotonic_nanos()), |(_, now, nanos)| (now, nanos))
}

fn to_scale(nanos_per_tick: f64) -> i64 {
    // Time never runs backwards.
    (nanos_per_tick.max(0.0) * 4_294_967_296.0) as i64
}

/// The end of time that this difference leads to.
#[cold]
#[inline(never)]
fn farthest(nanos: i64) -> i64 {
    if nanos < 0 { i64::MIN } else { i64::MAX }
}

#[cfg(test)]
mod tests {
    use super::{Calibration, Clock, ManualClock, Now, SystemClock};

    /// Counts ticks, and shows the same time always: the last one that it can express.
    #[derive(Debug)]
    struct Saturated(i64);

    impl Clock for Saturated {
        fn ticks(&self) -> u64 {
            SystemClock.ticks()
        }

        fn unix_nanos(&self) -> i64 {
            self.0
        }

        fn nanos_per_tick(&self) -> Option<f64> {
            None
        }
    }

    #[test]
    fn a_negative_rate_stops_time() {
        let calibration = Calibration::new(Now { ticks: 0, unix_nanos: 1_000 }, -1.0);
        assert_eq!(calibration.unix_nanos(500), 1_000);
    }

    #[test]
    fn a_frozen_clock_is_measured_in_time() {
        for unix_nanos in [i64::MAX, i64::MIN, 0] {
            let line = Calibration::measure(&Saturated(unix_nanos));
            assert!(line.nanos_per_tick() > 0.0, "{line:?}");
            assert!(line.unix_nanos(SystemClock.ticks()) >= unix_nanos);
        }
    }

    /// The machine's clock, whose first pair is older in its wall time than in its ticks, as after a preemption.
    #[derive(Debug, Default)]
    struct PreemptedFirst(std::sync::atomic::AtomicBool);

    impl Clock for PreemptedFirst {
        fn ticks(&self) -> u64 {
            SystemClock.ticks()
        }

        fn unix_nanos(&self) -> i64 {
            SystemClock.unix_nanos()
        }

        fn nanos_per_tick(&self) -> Option<f64> {
            None
        }

        fn now(&self) -> Now {
            let is_first = !self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
            let late = if is_first { 900_000_000 } else { 0 };
            let now = SystemClock.now();
            Now { unix_nanos: now.unix_nanos - late, ..now }
        }
    }

    #[test]
    fn a_preempted_measurement_is_repeated() {
        let monotonic = |since: u64| super::monotonic_nanos() - since;
        let (nanos, ticks) = (super::monotonic_nanos(), SystemClock.ticks());
        let line = Calibration::measure(&PreemptedFirst::default());
        while monotonic(nanos) < 20_000_000 {
            std::hint::spin_loop();
        }
        let true_rate = monotonic(nanos) as f64 / (SystemClock.ticks() - ticks) as f64;
        let share = line.nanos_per_tick() / true_rate;
        assert!((0.5..2.0).contains(&share), "{share} of the true rate");
    }

    #[test]
    fn a_wrong_slope_heals_after_one_step() {
        const MILLI: u64 = 1_000_000;
        // One tick is a nanosecond; the slope was measured 370 times as steep, or at a tenth.
        for wrong in [370.0, 0.1] {
            let mut line = Calibration::new(Now { ticks: 0, unix_nanos: 0 }, wrong);
            let steps = (1..200u64).filter(|step| {
                let ticks = step * 100 * MILLI;
                line.adjust(Now { ticks, unix_nanos: ticks as i64 }).is_some()
            });
            assert_eq!(steps.collect::<Vec<_>>(), [1], "{wrong}");
            assert!((line.nanos_per_tick() - 1.0).abs() < 0.001, "{line:?}");
        }
    }

    #[test]
    fn setting_the_clock_does_not_change_the_slope() {
        const SECOND: u64 = 1_000_000_000;
        let mut line = Calibration::new(Now { ticks: 0, unix_nanos: 0 }, 1.0);
        let mut read = |second: u64, set_by: i64| {
            let ticks = second * SECOND;
            let step = line.adjust(Now { ticks, unix_nanos: ticks as i64 + set_by });
            (step.is_some(), (line.nanos_per_tick() * 1000.0).round())
        };
        assert_eq!(read(1, 0), (false, 1000.0));
        assert_eq!(read(2, 3_600 * SECOND as i64), (true, 1000.0));
        assert_eq!(read(3, 3_600 * SECOND as i64), (false, 1000.0));
        // Set twice in a row: the slope is wrong for one interval, then right again.
        assert_eq!(read(4, 0), (true, 1000.0));
        assert!(read(5, 10 * SECOND as i64).0);
        assert_eq!(read(6, 10 * SECOND as i64), (true, 1000.0));
        assert_eq!(read(7, 10 * SECOND as i64), (false, 1000.0));
    }

    #[test]
    fn slewing_never_moves_time_backwards() {
        let mut line = Calibration::new(Now { ticks: 0, unix_nanos: 0 }, 0.37);
        let mut last = i64::MIN;
        // True rate 0.370037; readings off by up to 3 µs either way.
        for second in 1..200u64 {
            let ticks = second * 2_700_000_000;
            let noise = (second as i64 * 7919 % 6000) - 3000;
            let wall = (ticks as f64 * 0.370_037) as i64 + noise;
            for part in 0..10 {
                let here = line.unix_nanos(ticks - 2_700_000_000 + part * 270_000_000);
                assert!(here >= last, "second {second}: {here} after {last}");
                last = here;
            }
            assert_eq!(line.adjust(Now { ticks, unix_nanos: wall }), None);
        }
        let error = line.unix_nanos(200 * 2_700_000_000) - (200.0 * 2.7e9 * 0.370_037) as i64;
        assert!(error.abs() < 20_000, "off by {error} ns after 200 s");
    }

    #[test]
    fn a_clock_set_back_is_a_reported_step() {
        let mut line = Calibration::new(Now { ticks: 0, unix_nanos: 1_000_000_000_000 }, 1.0);
        let step = line.adjust(Now { ticks: 1_000_000, unix_nanos: 0 }).expect("a step");
        assert_eq!(step.nanos, -1_000_001_000_000);
        assert_eq!(line.unix_nanos(1_000_500), 500);
    }

    #[test]
    fn an_older_reading_changes_nothing() {
        let mut line = Calibration::new(Now { ticks: 100, unix_nanos: 100 }, 1.0);
        assert_eq!(line.adjust(Now { ticks: 50, unix_nanos: 77 }), None);
        assert_eq!(line.unix_nanos(100), 100);
        assert_eq!(line.unix_nanos(50), 50);
    }

    #[test]
    fn the_systems_ticks_advance() {
        let clock = SystemClock;
        let first = clock.now();
        let second = clock.now();
        assert!(second.ticks > first.ticks);
        assert!(first.unix_nanos > 1_700_000_000_000_000_000);
    }

    #[test]
    fn a_manual_clock_moves_only_when_set() {
        let clock = ManualClock::at(10);
        assert_eq!(clock.now(), clock.now());
        clock.advance(5);
        assert_eq!(clock.now(), Now { ticks: 6, unix_nanos: 15 });
        clock.step_to(-3);
        assert_eq!(clock.now(), Now { ticks: 6, unix_nanos: -3 });
    }
}
