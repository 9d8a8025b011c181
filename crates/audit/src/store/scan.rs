//! Reading segments when a log is opened.
use super::disk::{Disk, Result};
use super::error::{Damage, StoreError};
use super::lines::{Lines, next_of};
use super::names::{ACTIVE, KEPT, sealed_name};
use crate::chain::Chain;
use crate::entry::control::{Control, Epoch, SealedSegment, SegmentStart, Start};
use crate::entry::{Entry, Parser, Signature};
use crate::merkle::leaf_hash;
use ringseal_base::digest::{Hash, Sha256};

/// Facts from control entries that are needed to continue the log.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub start: Option<Start>,
    pub segment: Option<SegmentStart>,
    /// The last one, and its sequence number.
    pub epoch: Option<(Epoch, u64)>,
    /// Names of the torn pieces that recovery entries record.
    pub torn: Vec<String>,
    /// Segments before this entry were removed, or are about to be.
    pub pruned_before: u64,
}

impl Facts {
    fn add_entry(&mut self, entry: &Entry<'_>) -> std::result::Result<(), Damage> {
        if !entry.is_control() {
            return Ok(());
        }
        match Control::read(entry).map_err(Damage::Parse)?.control {
            Control::Start(start) => {
                self.start.get_or_insert(start);
            }
            Control::Segment(segment) => self.segment = Some(segment),
            Control::Epoch(epoch) => self.epoch = Some((epoch, entry.seq)),
            Control::Recovery(recovery) => {
                self.torn.extend(recovery.torn.into_iter().map(|piece| piece.kept));
            }
            Control::Prune(prune) => self.pruned_before = prune.before_seq,
            Control::Integrity(_) | Control::Stop(_) => {}
        }
        Ok(())
    }
}

/// The active segment as found on disk.
#[derive(Debug)]
pub(super) struct ActiveScan {
    /// Sequence number of its first entry.
    pub first_seq: u64,
    /// Leaf hashes of its entries.
    pub leaves: Vec<Hash>,
    /// Signature of its last entry.
    pub last: Option<Signature>,
    /// Time of its first entry.
    pub first_unix_nanos: i64,
    /// Time of its last entry.
    pub last_unix_nanos: i64,
    /// The number of its bytes that are whole entries.
    pub good_bytes: u64,
    pub facts: Facts,
    /// Why the bytes after them are not an entry.
    pub torn: Option<Damage>,
}

impl ActiveScan {
    pub fn next_seq(&self) -> u64 {
        self.first_seq + self.leaves.len() as u64
    }
}

/// Reads the active segment; `None` if there is no such file. Entries from `keyed_from` on are checked with the key. A
/// line that does not parse ends the segment. A line that parses but is wrong is damage that a crash cannot cause.
pub(super) fn scan_active(
    disk: &Disk,
    mut chain: Chain,
    keyed_from: u64,
    is_first_segment: bool,
) -> Result<Option<ActiveScan>> {
    let Some(mut lines) = Lines::of_file(disk, ACTIVE)? else { return Ok(None) };
    let mut parser = Parser::new();
    let mut scan = ActiveScan {
        first_seq: 0,
        leaves: Vec::new(),
        last: None,
        first_unix_nanos: 0,
        last_unix_nanos: 0,
        good_bytes: 0,
        facts: Facts::default(),
        torn: None,
    };
    if is_first_segment {
        scan.last = Some(Signature::first(chain.scheme()));
    }
    while let Some(line) = next_of(&mut lines, disk, ACTIVE)? {
        let parsed = parser.entry(line.bytes).map_err(Damage::Parse);
        let entry = match parsed {
            Ok(entry) if line.is_complete => entry,
            Ok(_) => {
                scan.torn = Some(Damage::Order("a newline"));
                break;
            }
            Err(damage) => {
                scan.torn = Some(damage);
                break;
            }
        };
        if scan.leaves.is_empty() && !is_first_segment {
            scan.first_seq = entry.seq;
        }
        let seq = scan.next_seq();
        let facts = scan.facts.add_entry(&entry);
        let right =
            facts.and_then(|()| check_entry(&entry, seq, scan.last, &mut chain, keyed_from));
        if let Err(what) = right {
            return Err(StoreError::Damaged {
                file: ACTIVE.into(),
                offset: line.offset,
                seq,
                what,
            });
        }
        if scan.leaves.is_empty() {
            scan.first_unix_nanos = entry.unix_nanos;
        }
        scan.last = Some(entry.signature);
        scan.last_unix_nanos = entry.unix_nanos;
        scan.leaves.push(leaf_hash(line.bytes));
        scan.good_bytes = line.offset + line.bytes.len() as u64 + 1;
    }
    Ok(Some(scan))
}

fn check_entry(
    entry: &Entry<'_>,
    seq: u64,
    previous: Option<Signature>,
    chain: &mut Chain,
    keyed_from: u64,
) -> std::result::Result<(), Damage> {
    if entry.seq != seq {
        return Err(Damage::Seq { found: entry.seq });
    }
    if previous.is_some_and(|previous| previous != entry.previous) {
        return Err(Damage::Previous);
    }
    if entry.signature.scheme != chain.scheme() || entry.previous.scheme != chain.scheme() {
        return Err(Damage::Signature);
    }
    if seq >= keyed_from && chain.check(seq, entry.signed, &entry.signature) != Some(true) {
        return Err(Damage::Signature);
    }
    Ok(())
}

/// A sealed segment, read to its end.
#[derive(Debug)]
pub(super) struct SealedScan {
    pub sealed: SealedSegment,
    pub leaves: Vec<Hash>,
    pub last: Signature,
    pub facts: Facts,
}

/// Reads a sealed segment to its end.
pub(super) fn read_sealed(disk: &Disk, first_seq: u64) -> Result<SealedScan> {
    let name = sealed_name(first_seq);
    let damaged = |offset, seq, what| StoreError::Damaged { file: name.clone(), offset, seq, what };
    let Some(mut lines) = Lines::of_sealed(disk, first_seq)? else {
        return Err(damaged(0, first_seq, Damage::Order("a segment")));
    };
    let (mut parser, mut hash) = (Parser::new(), Sha256::new());
    let (mut leaves, mut facts, mut last) = (Vec::new(), Facts::default(), None);
    let mut bytes = 0;
    while let Some(line) = next_of(&mut lines, disk, &name)? {
        let seq = first_seq + leaves.len() as u64;
        let wrong = |what| damaged(line.offset, seq, what);
        if !line.is_complete {
            return Err(wrong(Damage::Order("a newline")));
        }
        let entry = parser.entry(line.bytes).map_err(|error| wrong(Damage::Parse(error)))?;
        if entry.seq != seq {
            return Err(wrong(Damage::Seq { found: entry.seq }));
        }
        facts.add_entry(&entry).map_err(wrong)?;
        last = Some(entry.signature);
        leaves.push(leaf_hash(line.bytes));
        hash.update(line.bytes);
        hash.update(b"\n");
        bytes = line.offset + line.bytes.len() as u64 + 1;
    }
    let Some(last) = last else {
        return Err(damaged(0, first_seq, Damage::Order("an entry")));
    };
    let last_seq = first_seq + leaves.len() as u64 - 1;
    let sealed = SealedSegment { name, bytes, sha256: hash.finish(), first_seq, last_seq };
    Ok(SealedScan { sealed, leaves, last, facts })
}

/// The first line of a file, if it is a control entry that `pick` accepts.
fn first_line<T>(
    disk: &Disk,
    lines: Option<Lines>,
    name: &str,
    pick: impl FnOnce(&Entry<'_>, Control) -> Option<T>,
) -> Result<Option<T>> {
    let Some(mut lines) = lines else { return Ok(None) };
    let Some(line) = next_of(&mut lines, disk, name)? else { return Ok(None) };
    let mut parser = Parser::new();
    // A line that does not parse is reported when the whole file is read.
    let Ok(entry) = parser.entry(line.bytes) else { return Ok(None) };
    if !entry.is_control() {
        return Ok(None);
    }
    Ok(Control::read(&entry).ok().and_then(|statement| pick(&entry, statement.control)))
}

/// The log's first entry, from the oldest file that has it.
pub(super) fn find_start(disk: &Disk, sealed: &[u64]) -> Result<Option<Start>> {
    let pick = |_: &Entry<'_>, control| match control {
        Control::Start(start) => Some(start),
        _ => None,
    };
    if let Some(start) = first_line(disk, Lines::of_file(disk, KEPT)?, KEPT, pick)? {
        return Ok(Some(start));
    }
    match sealed.first() {
        Some(first_seq) => {
            let lines = Lines::of_sealed(disk, *first_seq)?;
            first_line(disk, lines, &sealed_name(*first_seq), pick)
        }
        None => first_line(disk, Lines::of_file(disk, ACTIVE)?, ACTIVE, pick),
    }
}

/// The segment entry at the beginning of a sealed segment, and its time.
pub(super) fn first_entry(disk: &Disk, first_seq: u64) -> Result<Option<(SegmentStart, i64)>> {
    let lines = Lines::of_sealed(disk, first_seq)?;
    first_line(disk, lines, &sealed_name(first_seq), |entry, control| match control {
        Control::Segment(segment) => Some((segment, entry.unix_nanos)),
        _ => None,
    })
}

/// The last epoch entry of the segments that were removed.
pub(super) fn last_kept_epoch(disk: &Disk) -> Result<Option<(Epoch, u64)>> {
    let Some(mut lines) = Lines::of_file(disk, KEPT)? else { return Ok(None) };
    let (mut parser, mut facts) = (Parser::new(), Facts::default());
    while let Some(line) = next_of(&mut lines, disk, KEPT)? {
        if let Ok(entry) = parser.entry(line.bytes)
            && line.is_complete
        {
            let damaged = |what| {
                let (file, offset, seq) = (KEPT.to_owned(), line.offset, entry.seq);
                StoreError::Damaged { file, offset, seq, what }
            };
            facts.add_entry(&entry).map_err(damaged)?;
        }
    }
    Ok(facts.epoch)
}
