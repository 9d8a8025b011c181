//! Which sealed segments retention removes. Pure computation; the helper thread executes it.
use std::time::Duration;

/// A sealed segment for the purpose of retention, compressed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SealedSegment {
    pub number: u64,
    pub len: u64,
    pub modified_unix_nanos: i64,
}

/// The limits; `None` is unlimited.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    pub segments_max: Option<usize>,
    pub age_max: Option<Duration>,
    pub bytes_max: Option<u64>,
    /// The newest segment is kept even if it is longer than `bytes_max`.
    pub keeps_newest: bool,
}

impl Limits {
    pub fn any(&self) -> bool {
        self.segments_max.is_some() || self.age_max.is_some() || self.bytes_max.is_some()
    }

    /// How many of `kept`, sorted from oldest to newest, must be removed. Always the oldest ones, so that no gap opens
    /// in the middle: all segments after the first one that stays are kept.
    pub fn surplus(&self, kept: &[SealedSegment], now_unix_nanos: i64) -> usize {
        let by_count = self.segments_max.map_or(0, |max| kept.len().saturating_sub(max));
        let by_age =
            kept.iter().take_while(|segment| self.too_old(segment, now_unix_nanos)).count();
        by_count.max(by_age).max(self.surplus_by_bytes(kept))
    }

    fn too_old(&self, segment: &SealedSegment, now_unix_nanos: i64) -> bool {
        let age = i128::from(now_unix_nanos) - i128::from(segment.modified_unix_nanos);
        self.age_max.is_some_and(|max| age > i128::try_from(max.as_nanos()).unwrap_or(i128::MAX))
    }

    fn surplus_by_bytes(&self, kept: &[SealedSegment]) -> usize {
        let Some(bytes_max) = self.bytes_max else { return 0 };
        let mut total = 0_u64;
        let fitting = kept.iter().rev().take_while(|segment| {
            total = total.saturating_add(segment.len);
            total <= bytes_max
        });
        let fitting = fitting.count().max(usize::from(self.keeps_newest));
        kept.len().saturating_sub(fitting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(segments: &[(u64, i64)]) -> Vec<SealedSegment> {
        let numbered = segments.iter().zip(1..);
        numbered
            .map(|(&(len, modified_unix_nanos), number)| SealedSegment {
                number,
                len,
                modified_unix_nanos,
            })
            .collect()
    }

    #[test]
    fn the_strictest_limit_removes_the_oldest_segments() {
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
            let limits = Limits { segments_max, age_max, bytes_max, keeps_newest: false };
            assert_eq!(limits.surplus(&segments, 100), surplus, "{limits:?}");
        }
    }

    #[test]
    fn an_old_date_leaves_no_gap() {
        let segments = kept(&[(1, 90), (1, 10), (1, 90)]);
        let limits = Limits { age_max: Some(Duration::from_nanos(50)), ..Limits::default() };
        assert_eq!(limits.surplus(&segments, 100), 0);
    }

    #[test]
    fn a_large_old_segment_is_removed_first() {
        let segments = kept(&[(10, 0), (1_000, 0), (10, 0), (10, 0)]);
        let limits = Limits { bytes_max: Some(100), ..Limits::default() };
        assert_eq!(limits.surplus(&segments, 0), 2);
    }

    #[test]
    fn the_newest_segment_can_be_kept_always() {
        let segments = kept(&[(1_000, 0), (1_000, 0)]);
        let limits = Limits { bytes_max: Some(100), keeps_newest: true, ..Limits::default() };
        assert_eq!((limits.surplus(&segments, 0), limits.surplus(&[], 0)), (1, 0));
    }

    #[test]
    fn future_dates_and_huge_lengths_do_not_overflow() {
        let segments = kept(&[(u64::MAX, i64::MAX), (u64::MAX, i64::MIN)]);
        let limits =
            Limits { age_max: Some(Duration::MAX), bytes_max: Some(u64::MAX), ..Limits::default() };
        assert_eq!(limits.surplus(&segments, i64::MIN), 0);
        assert_eq!(limits.surplus(&[], 0), 0);
    }
}
