//! Scans many values in one pass and marks the values that must be redacted.
//!
//! Promises: one pass, nothing allocated; a value that is not marked is clean. Work is bounded by the
//! length of the buffer: if a text was crafted to cost more, every value is marked.

use std::ops::Range;

use super::byte_masks::{self, Borders, Places, Sink};
use super::candidates::Candidates;
use super::compat;
use super::hits::{Finder, Hit};
use super::key_memo::{KeyMemo, Memos};
use super::rules::Rules;
use super::scan_value::{self, Anchor};
use super::sign_memo::SignMemo;

/// A buffer with values in it.
pub(super) struct BatchScan<'a> {
    rules: &'a Rules,
    hits: &'a mut Vec<Hit>,
    memo: Option<&'a mut SignMemo>,
    keys: &'a mut KeyMemo,
    stretch: &'a [u8],
    values: &'a [Range<u32>],
    /// A mark for each value; if `None`, the scan ends at the first value that would be marked.
    dirty: Option<&'a mut [bool]>,
    /// Whether any value was marked.
    pub(super) found: bool,
    /// The first value that may end after the current position.
    next: usize,
    /// The first value whose start was not reported yet, and the first whose end was not.
    begins: usize,
    ends: usize,
    work: u64,
}

impl<'a> BatchScan<'a> {
    #[inline]
    pub(super) fn new(
        rules: &'a Rules,
        hits: &'a mut Vec<Hit>,
        memos: &'a mut Memos,
        stretch: &'a [u8],
        values: &'a [Range<u32>],
        dirty: Option<&'a mut Vec<bool>>,
    ) -> Self {
        let dirty = dirty.map(Vec::as_mut_slice);
        BatchScan {
            rules,
            hits,
            memo: Some(&mut memos.signs),
            keys: &mut memos.keys,
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

    /// Scans all values.
    #[inline]
    pub(super) fn run(&mut self) {
        if !self.mark_containers() {
            return;
        }
        let first = self.values.first().map_or(0, |value| value.start as usize);
        let last = self.values.last().map_or(0, |value| value.end as usize);
        let range = first..last.min(self.stretch.len());
        byte_masks::pass(self.stretch, range, false, scan_value::wanted(self.rules, false), self);
        if self.rules.is_compat {
            self.mark_compat();
        }
        if self.rules.has_user_literals() && !(self.found && self.dirty.is_none()) {
            self.next = 0;
            let rules = self.rules;
            rules.user_literal_starts(self.stretch, |pos| {
                self.value_at(pos).is_none_or(|(i, _)| self.mark(i))
            });
        }
    }

    /// Marks a value; returns false if the scan can stop.
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

    /// Marks JSON values: they are read by their leaves, which this scan cannot do.
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

    /// Marks values that only the patterns of the preset `structlog_compat` find.
    #[cold]
    fn mark_compat(&mut self) {
        for (i, range) in self.values.iter().enumerate() {
            let value = self.stretch.get(range.start as usize..range.end as usize);
            let is_found =
                value.is_some_and(|value| compat::matches(value, |kind| self.rules.finds(kind)));
            if is_found && !self.mark(i) {
                return;
            }
        }
    }

    /// The value that contains `pos`.
    fn value_at(&mut self, pos: usize) -> Option<(usize, Range<usize>)> {
        // Positions arrive block by block, and within a block kind by kind, so a position is at most one block before
        // the previous one.
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
        let mut finder = Finder::new(self.rules, &self.stretch[range], false, self.hits)
            .with_keys(self.keys.lend());
        scan_value::run_detectors(&mut finder, anchor, pos - start);
        self.work += finder.work();
        if self.work > Finder::budget(self.stretch.len()) {
            // The text was crafted to be expensive; `value` has a budget for each value.
            self.found = true;
            if let Some(dirty) = &mut self.dirty {
                dirty.fill(true);
            }
            return false;
        }
        self.hits.is_empty() || self.mark(i)
    }
}

/// A bit for each of the next positions that lies in the block at `at`; advances past them.
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
        // A position before the block would be out of order and is ignored.
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
        // The memory is lent to the filters, because the detectors borrow the rest.
        let memo = ::core::mem::take(&mut self.memo);
        let Some(memory) = memo else { return true };
        let mut candidates = Candidates { rules, input: stretch, at, places, memo: memory };
        let more = candidates.for_each(|anchor, pos| self.detect(anchor, pos));
        self.memo = Some(memory);
        more
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
