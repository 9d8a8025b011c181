//! The search through many values at once for those that need a closer look.
//!
//! Promises: one pass, nothing allocated; a value that is not marked is clean. Work is bounded by the
//! length of the stretch: where a text was made to cost more, every value counts as marked.

use std::ops::Range;

use super::byte_masks::{self, Borders, Places, Sink};
use super::hits::{Finder, Hit};
use super::rules::Rules;
use super::scan_value::{self, Anchor};

/// A stretch of memory with values in it.
pub(super) struct BatchScan<'a> {
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
    /// The first values whose beginning and end were not told yet.
    begins: usize,
    ends: usize,
    work: u64,
}

impl<'a> BatchScan<'a> {
    #[inline]
    pub(super) fn new(
        rules: &'a Rules,
        hits: &'a mut Vec<Hit>,
        stretch: &'a [u8],
        values: &'a [Range<u32>],
        dirty: Option<&'a mut Vec<bool>>,
    ) -> Self {
        let dirty = dirty.map(Vec::as_mut_slice);
        BatchScan {
            rules,
            hits,
            stretch,
            values,
            dirty,
            found: false,
            next: 0,
            begins: 0,
            ends: 0,
            work: 0,
        }
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
        byte_masks::pass(
            self.stretch,
            range,
            false,
            scan_value::number_rules(self.rules, false),
            self,
        );
        if self.rules.has_user_literals() && !(self.found && self.dirty.is_none()) {
            self.next = 0;
            let rules = self.rules;
            rules.user_literal_starts(self.stretch, |pos| {
                self.value_at(pos).is_none_or(|(i, _)| self.mark(i))
            });
        }
    }

    /// Marks a value; false where that is all that was asked.
    fn mark(&mut self, index: usize) -> bool {
        self.found = true;
        match &mut self.dirty {
            Some(dirty) => {
                dirty[index] = true;
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

    /// The value that `pos` lies in.
    fn value_at(&mut self, pos: usize) -> Option<(usize, Range<usize>)> {
        // Places come block by block, and within a block kind by kind: step back over one block.
        while self.next > 0 && self.values[self.next - 1].end as usize > pos {
            self.next -= 1;
        }
        while self.values.get(self.next).is_some_and(|r| r.end as usize <= pos) {
            self.next += 1;
        }
        let range = self.values.get(self.next)?;
        let range = range.start as usize..range.end as usize;
        (range.contains(&pos) && range.end <= self.stretch.len()).then_some((self.next, range))
    }

    #[inline(never)]
    fn detect(&mut self, anchor: Anchor, pos: usize) -> bool {
        let Some((i, range)) = self.value_at(pos) else { return true };
        if self.dirty.as_ref().is_some_and(|dirty| dirty[i]) {
            return true;
        }
        let start = range.start;
        let mut finder = Finder::new(self.rules, &self.stretch[range], false, self.hits);
        scan_value::run_detectors(&mut finder, anchor, pos - start);
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

/// The bits of those positions of the block at `at` that come next; steps over them.
#[inline(always)]
fn bits(
    values: &[Range<u32>],
    next: &mut usize,
    at: usize,
    of: impl Fn(&Range<u32>) -> u32,
) -> u64 {
    let mut bits = 0u64;
    while let Some(value) = values.get(*next) {
        let place = of(value) as usize;
        if place >= at + 64 {
            break;
        }
        // A place before the block would be out of order; nothing can be said about it.
        bits |= u64::from(place >= at) << (place.wrapping_sub(at) & 63);
        *next += 1;
    }
    bits
}

impl Sink for BatchScan<'_> {
    #[inline(always)]
    fn borders(&mut self, at: usize) -> Borders {
        Borders {
            begin: bits(self.values, &mut self.begins, at, |value| value.start),
            end: bits(self.values, &mut self.ends, at, |value| value.end),
        }
    }

    #[inline(never)]
    fn block(&mut self, at: usize, places: &Places) -> bool {
        let (rules, stretch) = (self.rules, self.stretch);
        scan_value::for_each_candidate(rules, stretch, at, places, |anchor, pos| {
            self.detect(anchor, pos)
        })
    }
}

/// Whether `input` begins and ends like a JSON object or array.
#[inline]
pub(super) fn is_container(input: &[u8]) -> bool {
    match input.first() {
        Some(b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r' | b'\x0C') => {}
        _ => return false,
    }
    matches!(
        (input.trim_ascii_start().first(), input.trim_ascii_end().last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    )
}
