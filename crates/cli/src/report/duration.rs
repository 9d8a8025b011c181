//! Durations: how they are distributed, and the slowest ones.
//!
//! Promises: a distribution has 4 KiB at most, allocated with its first duration; shown quantiles are at most 13 % too
//! high and never too low. Nothing blocks.

/// Classes of each power of two.
const PARTS: u64 = 8;
const CLASSES: usize = 64 * PARTS as usize;
/// The slowest ones that are kept.
const SLOWEST_KEPT: usize = 50;

/// A distribution of durations.
#[derive(Debug, Clone, Default)]
pub struct Durations {
    classes: Vec<u64>,
    count: u64,
    /// The sum in nanoseconds.
    pub sum_nanos: u128,
    /// The longest one in nanoseconds.
    pub max_nanos: u64,
}

/// The class of a duration: its highest bit and the three after it.
fn class_of(nanos: u64) -> usize {
    if nanos < PARTS {
        return nanos as usize;
    }
    let bit = u64::from(nanos.ilog2());
    ((bit - 2) * PARTS + ((nanos >> (bit - 3)) - PARTS)) as usize
}

/// The longest duration of a class.
fn class_max(class: usize) -> u64 {
    let class = class as u64;
    if class < PARTS {
        return class;
    }
    let (bit, part) = (class / PARTS + 2, class % PARTS);
    let max = (u128::from(PARTS + part + 1) << (bit - 3)) - 1;
    u64::try_from(max).unwrap_or(u64::MAX)
}

impl Durations {
    /// Adds a duration.
    pub fn add(&mut self, nanos: u64) {
        if self.classes.is_empty() {
            self.classes = vec![0; CLASSES];
        }
        self.classes[class_of(nanos)] += 1;
        self.count += 1;
        self.sum_nanos += u128::from(nanos);
        self.max_nanos = self.max_nanos.max(nanos);
    }

    /// Adds the durations of another one.
    pub fn absorb(&mut self, other: &Durations) {
        if self.classes.is_empty() {
            self.classes.clone_from(&other.classes);
        } else {
            self.classes.iter_mut().zip(&other.classes).for_each(|(ours, theirs)| *ours += theirs);
        }
        self.count += other.count;
        self.sum_nanos += other.sum_nanos;
        self.max_nanos = self.max_nanos.max(other.max_nanos);
    }

    /// The duration that `percent` of all do not exceed.
    pub fn percentile_nanos(&self, percent: u64) -> u64 {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.classes.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0, |class| class_max(class).min(self.max_nanos))
    }
}

/// A slow span or request.
#[derive(Debug, Clone)]
pub struct Slow {
    /// Its duration.
    pub nanos: u64,
    /// When it was logged.
    pub time: Option<i64>,
    /// The level of its line.
    pub level: usize,
    /// The span, or method and route.
    pub name: String,
    /// The event.
    pub event: String,
    /// Its status or outcome.
    pub outcome: String,
    /// Its trace.
    pub trace_id: String,
    /// File and line.
    pub place: String,
}

/// The slowest spans and requests, the slowest first.
#[derive(Debug, Default)]
pub struct Slowest(Vec<Slow>);

impl Slowest {
    /// Whether a duration is among the slowest.
    pub fn takes(&self, nanos: u64) -> bool {
        self.0.len() < SLOWEST_KEPT || self.0.last().is_some_and(|last| nanos > last.nanos)
    }

    /// Adds one.
    pub fn add(&mut self, slow: Slow) {
        let at = self.0.partition_point(|kept| kept.nanos >= slow.nanos);
        self.0.insert(at, slow);
        self.0.truncate(SLOWEST_KEPT);
    }

    /// Adds those of another one.
    pub fn merge(&mut self, other: Slowest) {
        other.0.into_iter().for_each(|slow| self.add(slow));
    }

    /// All of them.
    pub fn all(&self) -> &[Slow] {
        &self.0
    }
}

/// A duration as people read it.
pub fn shown(nanos: u64) -> String {
    let value = nanos as f64;
    match value {
        ..1e3 => format!("{nanos} ns"),
        ..1e6 => format!("{:.1} µs", value / 1e3),
        ..1e9 => format!("{:.2} ms", value / 1e6),
        ..120e9 => format!("{:.2} s", value / 1e9),
        ..7200e9 => format!("{:.1} min", value / 60e9),
        _ => format!("{:.1} h", value / 3600e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_contains_its_durations() {
        for nanos in (0..2000).chain([1 << 40, (1 << 40) - 1, u64::MAX, u64::MAX / 3]) {
            let class = class_of(nanos);
            assert!(class < CLASSES && class_max(class) >= nanos, "{nanos}");
            assert!(class == 0 || class_max(class - 1) < nanos, "{nanos}");
            assert!(class_max(class) as f64 <= nanos as f64 * 1.13, "{nanos}");
        }
    }

    #[test]
    fn percentiles_are_never_too_low() {
        let mut durations = Durations::default();
        (1..=1000).for_each(|nanos| durations.add(nanos * 1000));
        for percent in [1, 50, 95, 99, 100] {
            let (found, exact) = (durations.percentile_nanos(percent), percent * 10_000);
            assert!(found >= exact && found as f64 <= exact as f64 * 1.13, "{percent}: {found}");
        }
        assert_eq!(durations.percentile_nanos(100), 1_000_000);
    }
}
