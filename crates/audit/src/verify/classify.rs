//! Determines the kind of the first bad record from the lines that follow it.
//!
//! Promises: constant memory; the rest of the log is read at most once.
use super::super::entry::control::Control;
use super::super::entry::{Entry, Parser};
use super::Stop;
use super::hashing::HashedBatch;
use super::report::{Finding, FindingKind};
use super::source::{Batch, Segment};
use super::walk::{LineError, Suspect, Walk};
use super::workers::Hasher;

/// The finding for a line that does not continue the previous one.
pub(super) fn first_bad(
    walk: &mut Walk<'_>,
    why: LineError,
    hashed: HashedBatch,
    at: usize,
    hasher: &mut Hasher<'_, '_>,
    parser: &mut Parser,
) -> Stop {
    let place = walk.place(&hashed.batch, at);
    let expected = walk.seq();
    let (kind, detail) = match why {
        LineError::Stop(stop) => return stop,
        LineError::Violation((kind, detail)) => (kind, detail),
        LineError::SeqTooHigh { found } => {
            let is_first = hashed.batch.lines_before == 0 && at == 0;
            let entry = parser.entry(hashed.batch.line(at));
            // The segment begins with its first entry, so the previous segment is missing.
            let is_boundary = is_first && entry.is_ok_and(|e| e.event_type == "ringseal.segment");
            let kind = classify_gap(expected, is_boundary, hashed, at, hasher, parser);
            (kind, format!("entry {found} where entry {expected} was expected"))
        }
        LineError::SeqTooLow { found } => {
            if let Some(stop) = inserted_before(walk, found) {
                return stop;
            }
            let leaf = hashed.leaf(at);
            // The line is a copy if the tree has the same leaf at its number.
            let is_copy = walk.previous_leaf == Some(leaf) || tile_has(walk, found, &leaf);
            let kind = if is_copy { FindingKind::Duplicated } else { FindingKind::Inserted };
            (kind, format!("entry {found} where entry {expected} was expected"))
        }
        LineError::Altered { detail } => {
            let next = next_seq(&hashed, at, hasher, parser);
            let kind =
                if next == Some(expected) { FindingKind::Inserted } else { FindingKind::Modified };
            (kind, detail)
        }
    };
    walk.prefer_suspect(Finding::new(kind, place, detail)).into()
}

/// A suspect line is followed by another line with its number: the suspect was inserted.
fn inserted_before(walk: &mut Walk<'_>, found: u64) -> Option<Stop> {
    let is_before = |one: &mut Suspect| one.place.seq.is_some_and(|seq| found <= seq);
    let suspect = walk.suspect.take_if(is_before)?;
    let place = walk.rewind_to(suspect);
    let detail = format!("not the entry whose leaf hash is in its tile; entry {found} follows");
    Some(Finding::new(FindingKind::Inserted, place, detail).into())
}

fn tile_has(walk: &mut Walk<'_>, seq: u64, leaf: &ringseal_base::digest::Hash) -> bool {
    walk.tiles.leaf(seq).is_ok_and(|known| known == *leaf)
}

/// Entries are missing here. Were they deleted, or do they occur later?
fn classify_gap(
    expected: u64,
    is_boundary: bool,
    hashed: HashedBatch,
    at: usize,
    hasher: &mut Hasher<'_, '_>,
    parser: &mut Parser,
) -> FindingKind {
    let segment = hashed.batch.segment;
    let mut from = at + 1;
    let mut hashed = Some(hashed);
    while let Some(HashedBatch { batch, .. }) = &hashed {
        for line in from..batch.lines.len() {
            if parser.entry(batch.line(line)).is_ok_and(|entry| entry.seq == expected) {
                let is_other = batch.segment != segment && batch.lines_before == 0 && line == 0;
                let is_swap = is_boundary && is_other;
                return if is_swap { FindingKind::SegmentsSwapped } else { FindingKind::Reordered };
            }
        }
        from = 0;
        if let Some(done) = hashed.take() {
            hasher.recycle(done);
        }
        // A read error ends the search.
        hashed = hasher.next().ok().flatten();
    }
    if is_boundary { FindingKind::SegmentMissing } else { FindingKind::Deleted }
}

/// The number of the following line.
fn next_seq(
    hashed: &HashedBatch,
    at: usize,
    hasher: &mut Hasher<'_, '_>,
    parser: &mut Parser,
) -> Option<u64> {
    let mut seq_of = |line: &[u8]| parser.entry(line).ok().map(|entry: Entry<'_>| entry.seq);
    if at + 1 < hashed.batch.lines.len() {
        return seq_of(hashed.batch.line(at + 1));
    }
    let next = hasher.next().ok().flatten()?;
    seq_of(next.batch.line(0))
}

/// The finding for a segment whose name does not continue the previous entry.
pub(super) fn segment_boundary(
    walk: &Walk<'_>,
    segment: &Segment,
    named: u64,
    batch: &Batch,
    parser: &mut Parser,
) -> Finding {
    let expected = walk.seq();
    let place = walk.place(batch, 0);
    if named < expected {
        let detail = format!("begins with entry {named} after {expected} entries");
        return Finding::new(FindingKind::Inserted, place, detail);
    }
    // Does its first entry record more entries of the previous segment than were found?
    let said = parser.entry(batch.line(0)).ok().and_then(|entry| {
        match Control::read(&entry).ok()?.control {
            Control::Segment(begun) => Some(begun.previous),
            _ => None,
        }
    });
    if let (Some(said), Some(before)) = (said, walk.before())
        && said.name == before.name
    {
        let mut place = place;
        (place.file, place.line, place.offset) = (before.name.clone(), None, Some(before.bytes));
        let detail = format!("ends before entry {expected}, expected up to {}", said.last_seq);
        return Finding::new(FindingKind::Deleted, place, detail);
    }
    let last = named - 1;
    let file = &segment.file;
    let detail = format!("entries {expected} to {last} are missing before {file}");
    Finding::new(FindingKind::SegmentMissing, place, detail)
}
