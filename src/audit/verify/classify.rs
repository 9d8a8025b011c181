//! What kind of change the first bad record shows, from what stands behind it.
//!
//! Promises: flat memory; what follows is read at most once.
use super::super::entry::control::Control;
use super::super::entry::{Entry, Parser};
use super::Stop;
use super::hashing::{Hashed, Hasher};
use super::report::{Finding, Kind};
use super::source::{Batch, Segment};
use super::walk::{Break, Suspect, Walk};

/// The finding for a line that does not go on from the one before.
pub(super) fn first_bad(
    walk: &mut Walk<'_>,
    why: Break,
    hashed: Hashed,
    at: usize,
    hasher: &mut Hasher,
    parser: &mut Parser,
) -> Stop {
    let place = walk.place(&hashed.batch, at);
    let expected = walk.seq();
    let (kind, detail) = match why {
        Break::Stop(stop) => return stop,
        Break::Plain((kind, detail)) => (kind, detail),
        Break::Ahead { found } => {
            let is_first = hashed.batch.lines_before == 0 && at == 0;
            let entry = parser.entry(hashed.batch.line(at));
            // A segment that has its beginning follows one that is not there.
            let is_border = is_first && entry.is_ok_and(|e| e.event_type == "ringseal.segment");
            let kind = ahead(expected, is_border, hashed, at, hasher, parser);
            (kind, format!("entry {found} where entry {expected} was expected"))
        }
        Break::Behind { found } => {
            if let Some(stop) = stranger(walk, found) {
                return stop;
            }
            let leaf = hashed.leaves.get(at).copied().unwrap_or_default();
            // It is an earlier line again if the tree has this very leaf where it belongs.
            let is_copy = walk.previous_leaf == Some(leaf) || is_known(walk, found, &leaf);
            let kind = if is_copy { Kind::Duplicated } else { Kind::Inserted };
            (kind, format!("entry {found} where entry {expected} was expected"))
        }
        Break::Altered { detail } => {
            let next = next_seq(&hashed, at, hasher, parser);
            let kind = if next == Some(expected) { Kind::Inserted } else { Kind::Modified };
            (kind, detail)
        }
    };
    walk.or_suspect(Finding::new(kind, place, detail)).into()
}

/// A suspect line and behind it another one with its number: the suspect came in between.
fn stranger(walk: &mut Walk<'_>, found: u64) -> Option<Stop> {
    let is_before = |one: &mut Suspect| one.place.seq.is_some_and(|seq| found <= seq);
    let suspect = walk.suspect.take_if(is_before)?;
    let place = walk.accuse(suspect);
    let detail = format!("not the entry whose leaf hash is in its tile; entry {found} follows");
    Some(Finding::new(Kind::Inserted, place, detail).into())
}

fn is_known(walk: &mut Walk<'_>, seq: u64, leaf: &crate::digest::Hash) -> bool {
    walk.evidence.leaf(seq).is_ok_and(|known| known == *leaf)
}

/// Entries are missing here: do they stand further on?
fn ahead(
    expected: u64,
    is_border: bool,
    hashed: Hashed,
    at: usize,
    hasher: &mut Hasher,
    parser: &mut Parser,
) -> Kind {
    let segment = hashed.batch.segment;
    let mut from = at + 1;
    let mut hashed = Some(hashed);
    while let Some(Hashed { batch, .. }) = &hashed {
        for line in from..batch.lines.len() {
            if parser.entry(batch.line(line)).is_ok_and(|entry| entry.seq == expected) {
                let is_other = batch.segment != segment && batch.lines_before == 0 && line == 0;
                let is_swap = is_border && is_other;
                return if is_swap { Kind::SegmentsSwapped } else { Kind::Reordered };
            }
        }
        from = 0;
        let done = hashed.take();
        if let Some(Hashed { batch, .. }) = done {
            hasher.recycle(batch);
        }
        // What cannot be read any more has nothing to say.
        hashed = hasher.next().ok().flatten();
    }
    if is_border { Kind::SegmentMissing } else { Kind::Deleted }
}

/// The number of the line behind.
fn next_seq(hashed: &Hashed, at: usize, hasher: &mut Hasher, parser: &mut Parser) -> Option<u64> {
    let mut seq_of = |line: &[u8]| parser.entry(line).ok().map(|entry: Entry<'_>| entry.seq);
    if at + 1 < hashed.batch.lines.len() {
        return seq_of(hashed.batch.line(at + 1));
    }
    let next = hasher.next().ok().flatten()?;
    seq_of(next.batch.line(0))
}

/// The finding for a segment whose name does not go on from the entry before.
pub(super) fn border(
    walk: &Walk<'_>,
    segment: &Segment,
    named: u64,
    batch: &Batch,
    parser: &mut Parser,
) -> Finding {
    let expected = walk.seq();
    let place = walk.place(batch, 0);
    if named < expected {
        let detail = format!("begins with entry {named}, and {expected} entries came before");
        return Finding::new(Kind::Inserted, place, detail);
    }
    // Does it say that the segment before had more entries than were there?
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
        return Finding::new(Kind::Deleted, place, detail);
    }
    let last = named - 1;
    let file = &segment.file;
    let detail = format!("entries {expected} to {last} are missing before {file}");
    Finding::new(Kind::SegmentMissing, place, detail)
}
