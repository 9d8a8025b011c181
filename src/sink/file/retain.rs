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

    /// How many of `kept`, which are sorted from oldest to newest, must go. Always the oldest ones, so that no gap
    /// opens in the middle: once one must stay, all after it stay.
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
