//! Percentiles of one run, and medians with ranges over rounds.

use serde::Serialize;

/// Percentiles of one run's samples, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Number of samples.
    pub n: usize,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The maximum.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
}

impl Summary {
    /// Summarises samples in ticks of `ns` nanoseconds each; `None` if there are no samples.
    pub fn of(mut ticks: Vec<u64>, ns: f64) -> Option<Self> {
        ticks.sort_unstable();
        let at = |share: f64| Some(tenths(rank(&ticks, share)? as f64 * ns));
        let sum: f64 = ticks.iter().map(|&ticks| ticks as f64).sum();
        Some(Self {
            n: ticks.len(),
            p50: at(0.5)?,
            p90: at(0.9)?,
            p99: at(0.99)?,
            p999: at(0.999)?,
            max: at(1.0)?,
            mean: tenths(sum * ns / ticks.len() as f64),
        })
    }
}

/// The smallest sample that at least `share` of all samples do not exceed.
fn rank(sorted: &[u64], share: f64) -> Option<u64> {
    let index = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(index.max(1) - 1).copied()
}

fn tenths(ns: f64) -> f64 {
    (ns * 10.0).round() / 10.0
}

/// The same quantity over several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounds {
    /// Lowest round.
    pub low: f64,
    /// Median round; the mean of the middle two if the number of rounds is even.
    pub median: f64,
    /// Highest round.
    pub high: f64,
}

impl Rounds {
    /// `None` if there are no rounds.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        };
        Some(Self { low, median, high })
    }

    /// Multiplies all values: converts to another unit.
    pub fn times(self, factor: f64) -> Self {
        let Self { low, median, high } = self;
        Self { low: low * factor, median: median * factor, high: high * factor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_of_nearest_rank() {
        let summary = Summary::of((1..=1000).rev().collect(), 1.0).expect("there are samples");
        let found = (summary.p50, summary.p90, summary.p99, summary.p999, summary.max);
        assert_eq!(found, (500.0, 900.0, 990.0, 999.0, 1000.0));
        assert_eq!(Summary::of(Vec::new(), 1.0), None);
        assert_eq!(Summary::of(vec![7], 0.5).map(|one| one.p50), Some(3.5));
    }

    #[test]
    fn rounds_keep_median_and_range() {
        assert_eq!(Rounds::of([]), None);
        let odd = Rounds::of([3.0, 1.0, 2.0]);
        assert_eq!(odd, Some(Rounds { low: 1.0, median: 2.0, high: 3.0 }));
        assert_eq!(Rounds::of([1.0, 2.0]).map(|r| r.median), Some(1.5));
    }
}
