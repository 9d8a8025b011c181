//! Counts events of the macros while there is no global engine: before `init`, and after the engine has stopped.
//!
//! Promises: a bounded number of calls is counted ([`COUNT_MAX`]); each of them takes a lock. After that, and at call
//! sites that are never reached, a call costs as little as any disabled one. Arguments are not evaluated.
use std::sync::Arc;

use super::callsite::Metadata;
use super::filter::Filter;
use super::level::Level;

/// How many calls are counted before it is only known that there were at least as many.
pub const COUNT_MAX: u32 = 1000;

/// Events that found no engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnheardCounts {
    /// By level.
    pub by_level: [u64; Level::COUNT],
    /// Whether there may have been more.
    pub is_at_least: bool,
}

impl UnheardCounts {
    /// All levels.
    pub fn total(&self) -> u64 {
        self.by_level.iter().sum()
    }
}

/// The counts by call site.
pub(super) struct Unheard {
    /// By the call site's index. `None` for those that no call without a logger has reached.
    counts: Vec<Option<u32>>,
    left: u32,
    /// The filter of the last global engine.
    filter: Option<Arc<Filter>>,
}

impl Unheard {
    pub(super) const fn new() -> Self {
        Self { counts: Vec::new(), left: COUNT_MAX, filter: None }
    }

    /// Notes that the call site uses the global engine.
    pub(super) fn note_site(&mut self, index: usize) {
        if self.counts.len() <= index {
            self.counts.resize(index + 1, None);
        }
        self.counts[index].get_or_insert(0);
    }

    /// Whether calls of this site are to be counted. Before the first engine the filter is unknown: from info on.
    pub(super) fn wants(&self, index: usize, metadata: &Metadata) -> bool {
        let is_wanted = || match &self.filter {
            Some(filter) => filter.passes(metadata.target, metadata.level),
            None => metadata.level >= Level::Info,
        };
        self.left > 0 && self.counts.get(index).is_some_and(Option::is_some) && is_wanted()
    }

    /// Counts a call. Returns whether this was the last one to be counted.
    pub(super) fn count(&mut self, index: usize) -> bool {
        if let (Some(Some(count)), true) = (self.counts.get_mut(index), self.left > 0) {
            *count += 1;
            self.left -= 1;
            return self.left == 0;
        }
        false
    }

    /// Keeps the filter of an engine that stops.
    pub(super) fn set_filter(&mut self, filter: Arc<Filter>) {
        self.filter = Some(filter);
    }

    pub(super) fn filter(&self) -> Option<Arc<Filter>> {
        self.filter.clone()
    }

    /// Returns the counts of the events that pass `filter`, and starts again.
    pub(super) fn take<'s>(
        &mut self,
        filter: &Filter,
        metadata_of: impl Fn(usize) -> Option<&'s Metadata>,
    ) -> UnheardCounts {
        let mut counts = UnheardCounts { is_at_least: self.left == 0, ..UnheardCounts::default() };
        for (index, count) in self.counts.iter_mut().enumerate() {
            let count = count.as_mut().map_or(0, std::mem::take);
            let metadata = metadata_of(index);
            if let Some(metadata) = metadata.filter(|it| filter.passes(it.target, it.level)) {
                counts.by_level[metadata.level as usize] += u64::from(count);
            }
        }
        self.left = COUNT_MAX;
        counts
    }
}
