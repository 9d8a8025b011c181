//! A histogram of durations in buckets that grow with the value.
//!
//! Promises: recording takes a few instructions, never allocates, and accepts any 64-bit value; a quantile is never
//! below the exact one and at most 1/32 above it; the maximum is exact. Buckets are linear within powers of two, as in
//! HdrHistogram.

/// Buckets per power of two.
const STEPS: usize = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const BUCKETS: usize = (u64::BITS - STEP_BITS + 1) as usize * STEPS;

/// Counts of values by bucket; see the module.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), count: 0, max: 0 }
    }
}

/// The bucket of a value.
#[inline(always)]
fn bucket_of(value: u64) -> usize {
    let power = (u64::BITS - (value | STEPS as u64).leading_zeros()) - STEP_BITS - 1;
    (power as usize * STEPS) + (value >> power) as usize
}

/// The greatest value of a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let power = (bucket / STEPS).saturating_sub(1) as u32;
    let step = (bucket - power as usize * STEPS) as u64;
    // Each value below 64 has its own bucket.
    (step << power) | ((1 << power) - 1)
}

impl Histogram {
    /// Adds one value.
    #[inline(always)]
    pub fn record(&mut self, value: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(value)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Histogram) {
        for (sum, count) in self.buckets.iter_mut().zip(other.buckets.iter()) {
            *sum += count;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The greatest value; 0 without values.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that a share `quantile` (0 to 1) of all values does not exceed; 0 without values.
    pub fn quantile(&self, quantile: f64) -> u64 {
        let rank = ((self.count as f64 * quantile).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(bucket).min(self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The oracle: sorts the values and takes the one at the rank.
    fn exact(values: &mut [u64], quantile: f64) -> u64 {
        values.sort_unstable();
        let rank = ((values.len() as f64 * quantile).ceil() as usize).clamp(1, values.len());
        values[rank - 1]
    }

    #[test]
    fn buckets_cover_all_values_without_gaps() {
        let mut last = None;
        for bucket in 0..BUCKETS {
            let upper = upper_bound(bucket);
            assert_eq!(bucket_of(upper), bucket, "upper bound of {bucket}");
            if let Some(last) = last {
                assert_eq!(bucket_of(last + 1), bucket, "first value of {bucket}");
            }
            last = upper.checked_add(1).map(|_| upper);
        }
        assert_eq!(upper_bound(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn an_empty_histogram_returns_zeros() {
        let empty = Histogram::default();
        assert_eq!((empty.count(), empty.max(), empty.quantile(0.5)), (0, 0, 0));
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        let one = prop_oneof![0..200_u64, 0..1_000_000_u64, any::<u64>()];
        proptest::collection::vec(one, 1..300)
    }

    proptest! {
        #[test]
        fn quantiles_are_at_most_a_32nd_above_exact(
            mut values in values(),
            split in 0..300_usize,
        ) {
            let mut parts = [Histogram::default(), Histogram::default()];
            for (index, value) in values.iter().enumerate() {
                parts[usize::from(index > split)].record(*value);
            }
            let [mut all, other] = parts;
            all.merge(&other);
            prop_assert_eq!(all.count(), values.len() as u64);
            for quantile in [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0] {
                let exact = exact(&mut values, quantile);
                let found = all.quantile(quantile);
                prop_assert!(found >= exact && found - exact <= exact / 32, "{found}, {exact}");
            }
            prop_assert_eq!(all.max(), *values.last().unwrap());
        }
    }
}
