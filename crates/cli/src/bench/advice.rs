//! Derives one recommendation from many samples.
use super::Setting;
use super::run::Sample;

/// Summary of all rounds of one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub(super) setting: Setting,
    pub(super) events_per_second: Spread,
    pub(super) cpu_nanos_per_event: Spread,
    pub(super) p50_nanos: Spread,
    pub(super) p99_nanos: Spread,
    pub(super) waits: Spread,
}

/// Median, minimum and maximum of several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Computes the spread of `values`; zeros if there are none.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        let middle = values.len() / 2;
        let is_even = values.len().is_multiple_of(2) && middle > 0;
        let median = if is_even { f64::midpoint(at(middle - 1), at(middle)) } else { at(middle) };
        Self { median, min: at(0), max: at(values.len().saturating_sub(1)) }
    }
}

impl Summary {
    pub(super) fn of(setting: Setting, samples: &[Sample]) -> Self {
        let spread = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of));
        Self {
            setting,
            events_per_second: spread(|sample| sample.events_per_second),
            cpu_nanos_per_event: spread(|sample| sample.cpu_nanos_per_event),
            p50_nanos: spread(|sample| sample.latency.p50),
            p99_nanos: spread(|sample| sample.latency.p99),
            waits: spread(|sample| sample.waits as f64),
        }
    }

    /// Memory of one thread's ring and of the batch.
    fn memory_bytes(&self) -> usize {
        self.setting.ring_bytes + self.setting.batch_bytes
    }
}

/// The recommended setting and the reason.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Advice {
    pub(super) setting: Setting,
    pub(super) why: String,
}

/// Differences in throughput below this share are negligible.
const THROUGHPUT_SLACK: f64 = 0.05;
/// Differences in the 99th percentile below this share are negligible.
const LATENCY_SLACK: f64 = 0.15;

/// Recommends the setting with the least memory within the slack of the best, or the engine's default if no setting is
/// clearly better. `None` without summaries.
pub(super) fn advise(summaries: &[Summary], default: Setting) -> Option<Advice> {
    let fastest = summaries.iter().map(|summary| summary.events_per_second.median);
    let fastest = fastest.max_by(f64::total_cmp)?;
    let fast_enough =
        |summary: &&Summary| summary.events_per_second.median >= fastest * (1.0 - THROUGHPUT_SLACK);
    let fast: Vec<&Summary> = summaries.iter().filter(fast_enough).collect();
    let calmest = fast.iter().map(|summary| summary.p99_nanos.median).min_by(f64::total_cmp)?;
    let calm_enough =
        |summary: &&&Summary| summary.p99_nanos.median <= calmest * (1.0 + LATENCY_SLACK);
    let best = fast.iter().filter(calm_enough).min_by_key(|summary| summary.memory_bytes())?;
    if let Some(known) = summaries.iter().find(|summary| summary.setting == default)
        && !is_clearly_better(best, known)
    {
        let why =
            "the engine's default; no other setting is better beyond the spread of the rounds";
        return Some(Advice { setting: default, why: why.into() });
    }
    let why = format!(
        "the least memory among the settings within {:.0} % of the highest throughput \
         ({:.2} million events/s) and within {:.0} % of the lowest p99 of those ({calmest:.0} ns)",
        THROUGHPUT_SLACK * 100.0,
        fastest / 1e6,
        LATENCY_SLACK * 100.0,
    );
    Some(Advice { setting: best.setting, why })
}

/// If rounds of one setting differ by more than this factor, the machine was busy.
pub(super) const NOISE_MAX: f64 = 1.5;

/// The factor by which rounds of one setting differ in throughput; median over all settings.
pub(super) fn noise(summaries: &[Summary]) -> f64 {
    let factor =
        |summary: &Summary| summary.events_per_second.max / summary.events_per_second.min.max(1.0);
    Spread::of(summaries.iter().map(factor)).median
}

/// Whether every round of `one` is better than every round of `other`, in throughput or in p99.
fn is_clearly_better(one: &Summary, other: &Summary) -> bool {
    one.events_per_second.min > other.events_per_second.max
        || one.p99_nanos.max < other.p99_nanos.min
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Setting = Setting { ring_bytes: 1 << 20, batch_bytes: 1 << 20 };

    fn spread(median: f64, width: f64) -> Spread {
        Spread { median, min: median - width, max: median + width }
    }

    fn summary(ring_bytes: usize, speed: f64, p99: f64, width: f64) -> Summary {
        Summary {
            setting: Setting { ring_bytes, batch_bytes: 1 << 20 },
            events_per_second: spread(speed, speed * width),
            cpu_nanos_per_event: spread(200.0, 1.0),
            p50_nanos: spread(20.0, 1.0),
            p99_nanos: spread(p99, p99 * width),
            waits: spread(0.0, 0.0),
        }
    }

    #[test]
    fn spreads_are_computed_from_sorted_values() {
        let cases: [(&[f64], [f64; 3]); 5] = [
            (&[], [0.0, 0.0, 0.0]),
            (&[7.0], [7.0, 7.0, 7.0]),
            (&[9.0, 1.0], [5.0, 1.0, 9.0]),
            (&[9.0, 1.0, 2.0], [2.0, 1.0, 9.0]),
            (&[4.0, 3.0, 2.0, 1.0], [2.5, 1.0, 4.0]),
        ];
        for (values, [median, min, max]) in cases {
            assert_eq!(Spread::of(values.iter().copied()), Spread { median, min, max });
        }
    }

    #[test]
    fn the_smallest_fast_and_steady_setting_wins() {
        let summaries = [
            summary(1 << 16, 2e6, 30.0, 0.01),
            summary(1 << 18, 4.9e6, 32.0, 0.01),
            summary(1 << 20, 4e6, 31.0, 0.01),
            summary(1 << 23, 5e6, 30.0, 0.01),
        ];
        let advice = advise(&summaries, DEFAULT).expect("advice");
        assert_eq!(advice.setting.ring_bytes, 1 << 18);
        assert!(advice.why.contains("5.00 million events/s"), "{}", advice.why);
    }

    #[test]
    fn within_the_noise_the_default_wins() {
        let summaries = [summary(1 << 16, 5e6, 30.0, 0.3), summary(1 << 20, 4e6, 40.0, 0.3)];
        assert_eq!(advise(&summaries, DEFAULT).expect("advice").setting, DEFAULT);
    }

    #[test]
    fn noise_is_the_factor_between_rounds() {
        let summaries = [summary(1 << 16, 5e6, 30.0, 0.5), summary(1 << 20, 4e6, 40.0, 0.5)];
        assert_eq!(noise(&summaries), 3.0);
    }

    #[test]
    fn no_measurement_gives_no_advice() {
        assert_eq!(advise(&[], DEFAULT), None);
    }
}
