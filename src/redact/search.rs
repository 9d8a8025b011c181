//! The search through many values at once for those that need a closer look.
//!
//! Promises: one pass, nothing allocated; a value that is not marked is clean. Work is bounded by the
//! length of the stretch: where a text was made to cost more, every value counts as marked.

use std::ops::Range;

use super::classes::{self, Borders, Places, Sink};
use super::find::{Finder, Hit};
use super::rules::Rules;
use super::scan::{self, Anchor};

/// A stretch of memory with values in it.
pub(super) struct Search<'a> {
    rules: &'a Rules,
    hits: &'a mut Vec<Hit>,
    stretch: &'a [u8],
    values: &'a [Range<u32>],
    /// A mark for each value; without any, the search ends at the first find.
    dirty: Option<&'a mut [bool]>,
    /// Whether any value needs a closer look.
    pub(super) found: bool,
    /// The first value that may still lie ahead.
    next: usize,
    /// Values before this one have begun and ended in blocks that nobody asks for again.
    told: usize,
    work: u64,
}

impl<'a> Search<'a> {
    #[inline]
    pub(super) fn new(
        rules: &'a Rules,
        hits: &'a mut Vec<Hit>,
        stretch: &'a [u8],
        values: &'a [Range<u32>],
        dirty: Option<&'a mut Vec<bool>>,
    ) -> Self {
        let dirty = dirty.map(Vec::as_mut_slice);
        Search { rules, hits, stretch, values, dirty, found: false, next: 0, told: 0, work: 0 }
    }

    /// Looks at everything.
    #[inline]
    pub(super) fn run(&mut self) {
        if !self.mark_containers() {
            return;
        }
        let first = self.values.first().map_or(0, |value| value.start as usize);
        let last = self.values.last().map_or(0, |value| value.end as usize);
        let range = first..last.min(self.stretch.len());
        classes::pass(self.stretch, range, false, scan::numbers(self.rules, false), self);
        if self.rules.has_own() && !(self.found && self.dirty.is_none()) {
            self.next = 0;
            let rules = self.rules;
            rules.own_starts(self.stretch, |p| self.value_at(p).is_none_or(|(i, _)| self.mark(i)));
        }
    }

    /// Marks a value; false where that is all that was asked.
    fn mark(&mut self, i: usize) -> bool {
        self.found = true;
        match &mut self.dirty {
            Some(dirty) => {
                dirty[i] = true;
                true
            }
            None => false,
        }
    }

    /// JSON is read by its leaves, which this search cannot do.
    #[inline]
    fn mark_containers(&mut self) -> bool {
        for (i, range) in self.values.iter().enumerate() {
            let value = self.stretch.get(range.start as usize..range.end as usize);
            if value.is_some_and(is_container) && !self.mark(i) {
                return false;
            }
        }
        true
    }

    /// The value that `p` lies in.
    fn value_at(&mut self, p: usize) -> Option<(usize, Range<usize>)> {
        // Places come block by block, and within a block kind by kind: step back over one block.
        while self.next > 0 && self.values[self.next - 1].end as usize > p {
            self.next -= 1;
        }
        while self.values.get(self.next).is_some_and(|r| r.end as usize <= p) {
            self.next += 1;
        }
        let range = self.values.get(self.next)?;
        let range = range.start as usize..range.end as usize;
        (range.contains(&p) && range.end <= self.stretch.len()).then_some((self.next, range))
    }

    #[inline(never)]
    fn look(&mut self, anchor: Anchor, p: usize) -> bool {
        let Some((i, range)) = self.value_at(p) else { return true };
        if self.dirty.as_ref().is_some_and(|dirty| dirty[i]) {
            return true;
        }
        let start = range.start;
        let mut finder = Finder::new(self.rules, &self.stretch[range], false, self.hits);
        scan::look(&mut finder, anchor, p - start);
        self.work += finder.work();
        if self.work > Finder::budget(self.stretch.len()) {
            // Somebody wrote a text against this search; `value` has a budget for each of them.
            self.found = true;
            if let Some(dirty) = &mut self.dirty {
                dirty.fill(true);
            }
            return false;
        }
        self.hits.is_empty() || self.mark(i)
    }
}

impl Sink for Search<'_> {
    #[inline(always)]
    fn borders(&mut self, at: usize, blocks: &mut [Borders]) {
        // Values that end here may have begun before; the last block is asked for once more.
        let end = at + 64 * blocks.len();
        let again = end - 64;
        for value in self.values.get(self.told..).unwrap_or_default() {
            let (start, stop) = (value.start as usize, value.end as usize);
            if start >= end {
                break;
            }
            // A place before the first block is below zero, and so far behind the last one.
            if let Some(block) = blocks.get_mut(start.wrapping_sub(at) / 64) {
                block.begin |= 1 << (start.wrapping_sub(at) & 63);
            }
            if let Some(block) = blocks.get_mut(stop.wrapping_sub(at) / 64) {
                block.end |= 1 << (stop.wrapping_sub(at) & 63);
            }
            self.told += usize::from(stop < again);
        }
    }

    #[inline(always)]
    fn block(&mut self, at: usize, places: &Places) -> bool {
        let (rules, stretch) = (self.rules, self.stretch);
        scan::each(rules, stretch, at, places, |anchor, p| self.look(anchor, p))
    }
}

/// Whether `v` begins and ends like a JSON object or array.
#[inline]
pub(super) fn is_container(v: &[u8]) -> bool {
    match v.first() {
        Some(b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r' | b'\x0C') => {}
        _ => return false,
    }
    matches!(
        (v.trim_ascii_start().first(), v.trim_ascii_end().last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    )
}
