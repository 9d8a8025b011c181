//! Which sealed segments must go. Pure computation; the helper thread carries it out.
use std::time::Duration;

/// A sealed segment as retention sees it; compressed or not makes no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub number: u64,
    pub len: u64,
    pub modified_unix_nanos: i64,
}

/// The limits; `None` is none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    pub segments_max: Option<usize>,
    pub age_max: Option<Duration>,
    pub bytes_max: Option<u64>,
}

impl Limits {
    pub fn any(&self) -> bool {
        self.segments_max.is_some() || self.age_max.is_some() || self.bytes_max.is_some()
    }

    /// How many of `kept`, which are sorted from oldest to newest, must go. Always the oldest ones,
    /// so that no gap opens in the middle: once one must stay, all after it stay.
    pub fn surplus(&self, kept: &[Kept], now_unix_nanos: i64) -> usize {
        let by_count = self.segments_max.map_or(0, |max| kept.len().saturating_sub(max));
        let by_age =
            kept.iter().take_while(|segment| self.too_old(segment, now_unix_nanos)).count();
        by_count.max(by_age).max(self.surplus_by_bytes(kept))
    }

    fn too_old(&self, segment: &Kept, now_unix_nanos: i64) -> bool {
        let age = i128::from(now_unix_nanos) - i128::from(segment.modified_unix_nanos);
        self.age_max.is_some_and(|max| age > i128::try_from(max.as_nanos()).unwrap_or(i128::MAX))
    }

    fn surplus_by_bytes(&self, kept: &[Kept]) -> usize {
        let Some(bytes_max) = self.bytes_max else { return 0 };
        let mut total = 0_u64;
        let fitting = kept.iter().rev().take_while(|segment| {
            total = total.saturating_add(segment.len);
            total <= bytes_max
        });
        kept.len() - fitting.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(segments: &[(u64, i64)]) -> Vec<Kept> {
        let numbered = segments.iter().zip(1..);
        numbered
            .map(|(&(len, modified_unix_nanos), number)| Kept { number, len, modified_unix_nanos })
            .collect()
    }

    #[test]
    fn the_oldest_go_and_the_strictest_limit_wins() {
        let segments = kept(&[(100, 10), (100, 20), (100, 30), (100, 40)]);
        let age = |nanos| Some(Duration::from_nanos(nanos));
        let cases = [
            (None, None, None, 0),
            (Some(4), None, None, 0),
            (Some(3), None, None, 1),
            (Some(0), None, None, 4),
            (None, age(100), None, 0),
            (None, age(75), None, 2),
            (None, age(0), None, 4),
            (None, None, Some(400), 0),
            (None, None, Some(399), 1),
            (None, None, Some(0), 4),
            (Some(3), age(75), Some(399), 2),
            (Some(1), age(75), Some(399), 3),
        ];
        for (segments_max, age_max, bytes_max, surplus) in cases {
            let limits = Limits { segments_max, age_max, bytes_max };
            assert_eq!(limits.surplus(&segments, 100), surplus, "{limits:?}");
        }
    }

    #[test]
    fn a_younger_segment_with_an_old_date_does_not_open_a_gap() {
        let segments = kept(&[(1, 90), (1, 10), (1, 90)]);
        let limits = Limits { age_max: Some(Duration::from_nanos(50)), ..Limits::default() };
        assert_eq!(limits.surplus(&segments, 100), 0);
    }

    #[test]
    fn a_large_old_segment_goes_before_small_new_ones() {
        let segments = kept(&[(10, 0), (1_000, 0), (10, 0), (10, 0)]);
        let limits = Limits { bytes_max: Some(100), ..Limits::default() };
        assert_eq!(limits.surplus(&segments, 0), 2);
    }

    #[test]
    fn dates_in_the_future_and_huge_lengths_do_no_harm() {
        let segments = kept(&[(u64::MAX, i64::MAX), (u64::MAX, i64::MIN)]);
        let limits =
            Limits { segments_max: None, age_max: Some(Duration::MAX), bytes_max: Some(u64::MAX) };
        assert_eq!(limits.surplus(&segments, i64::MIN), 0);
        assert_eq!(limits.surplus(&[], 0), 0);
    }
}
