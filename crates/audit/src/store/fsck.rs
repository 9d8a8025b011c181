//! Checks a log's directory, and repairs files that can be rebuilt from entries.
//!
//! For accidents: the effects of a crash, a full disk or an administrator. Needs no key and does not detect tampering;
//! [`verify`](crate::verify) does. Repairs only hash tiles and the file `checkpoint`; entries are never changed.
//! Opening the log cuts off torn ends and writes an entry about it.
use std::path::Path;
use std::sync::Arc;

use super::checkpoint_files::last_note;
use super::disk::{DIR_MODE, Disk, FILE_MODE, Result};
use super::error::Damage;
use super::lines::{Lines, next_of};
use super::load::list_sealed;
use super::names::{
    ACTIVE, CHECKPOINT, CHECKPOINTS, KEYS_DIR, TORN_DIR, parse_sealed, sealed_name,
};
use super::open::lock;
use crate::chain::digest_of;
use crate::checkpoint::Checkpoint;
use crate::entry::control::{Control, SealedSegment};
use crate::entry::{Parser, Scheme, Signature};
use crate::merkle::{Tree, leaf_hash};
use crate::read::claimed_root;
use crate::tiles::{TILE_WIDTH, Tile, TileError, TileReader};
use crate::verify::{Finding, FindingKind, VerifyOptions, verify};
use ringseal_base::digest::{Hash, Sha256};
use ringseal_base::storage::Storage;

/// A problem in a log's directory.
#[derive(Debug)]
#[non_exhaustive]
pub enum FsckFinding {
    /// An entry, or the description of a segment in an entry, is wrong. Not repaired.
    Damaged {
        /// In which file.
        file: String,
        /// Byte offset in the file.
        offset: u64,
        /// The entry expected there.
        seq: u64,
        /// What is wrong.
        what: Damage,
    },
    /// Bytes at the end of a file that are not a whole entry or checkpoint. Opening the log copies them elsewhere and
    /// cuts them off.
    Torn {
        /// Which file.
        file: String,
        /// Byte offset of the first of them.
        offset: u64,
    },
    /// A tile is missing or wrong. Repaired on request.
    Tile {
        /// Its name.
        name: String,
        /// Whether the file exists.
        is_there: bool,
    },
    /// The file `checkpoint` is not the last note of `checkpoints`. Repaired on request.
    Checkpoint,
    /// The entries are not those that the latest checkpoint covers. Not repaired.
    Root {
        /// Size of that checkpoint.
        size: u64,
    },
    /// A temporary file of a process that died. Opening the log removes it.
    Unfinished {
        /// Its name.
        name: String,
    },
    /// A segment exists both plain and compressed. Compressing again removes the plain file.
    PlainAndCompressed {
        /// Its plain name.
        name: String,
    },
    /// The verifier, which reads the log once more under the key that it names, found what the check of files did not.
    /// Not repaired.
    Verified(Finding),
    /// The file's permission bits allow access by others than the owner.
    Mode {
        /// Which file.
        name: String,
        /// Its permission bits.
        mode: u32,
    },
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct FsckReport {
    /// In the order of the log.
    pub findings: Vec<FsckFinding>,
    /// Entries that were read.
    pub entries: u64,
    /// Segments that were read.
    pub segments: u64,
    /// Files that were rebuilt.
    pub repaired: Vec<String>,
}

/// Whether to repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Report only.
    No,
    /// Rebuild tiles and `checkpoint`.
    Yes,
}

/// Checks the log in `dir`. Takes the log's lock, so no process may be writing it.
pub fn fsck(storage: &Arc<dyn Storage>, dir: &Path, repair: Repair) -> Result<FsckReport> {
    let disk = Disk::new(storage.clone(), dir, None);
    let _lock = lock(&disk)?;
    let mut report = FsckReport::default();
    check_names(&disk, &mut report)?;
    let sealed = list_sealed(&disk)?;
    let latest = check_checkpoints(&disk, repair, &mut report)?;
    let first = sealed.first().copied();
    let mut walk = Walk::new(&disk, first, latest, repair, report)?;
    for first_seq in sealed {
        let name = sealed_name(first_seq);
        if let Some(lines) = Lines::of_sealed(&disk, first_seq)? {
            walk.segment(&name, first_seq, lines)?;
        }
    }
    if let Some(lines) = Lines::of_file(&disk, ACTIVE)? {
        let next = walk.next_seq;
        walk.segment(ACTIVE, next, lines)?;
    }
    let is_damaged = walk.is_stopped;
    let mut report = walk.report;
    if !is_damaged {
        add_verdict(&disk, &mut report);
    }
    Ok(report)
}

/// The verdict of the verifier on entries, so that both read them in one way. Derived files were compared above.
fn add_verdict(disk: &Disk, report: &mut FsckReport) {
    let Ok(root) = claimed_root(&*disk.storage, &disk.root) else { return };
    let options = VerifyOptions::new(root);
    let verdict = verify(&*disk.storage, &disk.root, &options, &mut |_| ());
    // A log that continues another one is not damaged itself.
    let derived = [FindingKind::BadTile, FindingKind::BadCheckpoint, FindingKind::SetAside];
    let found = verdict.first_bad.into_iter().chain(verdict.more_bad);
    let found = found.filter(|finding| !derived.contains(&finding.kind));
    report.findings.extend(found.map(FsckFinding::Verified));
}

fn check_names(disk: &Disk, report: &mut FsckReport) -> Result<()> {
    let mut names = disk.list("")?;
    names.sort_unstable();
    for name in &names {
        if name.ends_with(".tmp") {
            report.findings.push(FsckFinding::Unfinished { name: name.clone() });
        }
        if name.ends_with(".jsonl.gz")
            && parse_sealed(name).is_some()
            && let Some(plain) = name.strip_suffix(".gz")
            && names.iter().any(|other| other == plain)
        {
            report.findings.push(FsckFinding::PlainAndCompressed { name: plain.to_owned() });
        }
    }
    names.extend(["", KEYS_DIR, TORN_DIR].map(str::to_owned));
    names.extend(disk.list(KEYS_DIR)?.into_iter().map(|name| format!("{KEYS_DIR}/{name}")));
    for name in names {
        let Some(stat) = disk.stat(&name)? else { continue };
        let is_dir = stat.kind == ringseal_base::storage::FileKind::Directory;
        let allowed = match name.as_str() {
            _ if is_dir => DIR_MODE,
            // Everyone may read the public key.
            "audit.pub" => 0o644,
            _ => FILE_MODE,
        };
        if let Some(mode) = stat.mode.filter(|mode| mode & 0o777 & !allowed != 0) {
            report.findings.push(FsckFinding::Mode { name, mode });
        }
    }
    Ok(())
}

/// The last whole checkpoint of `checkpoints`.
fn check_checkpoints(
    disk: &Disk,
    repair: Repair,
    report: &mut FsckReport,
) -> Result<Option<Checkpoint>> {
    let latest = disk.read_note(CHECKPOINT)?;
    let Some(list) = disk.read_note(CHECKPOINTS)? else { return Ok(None) };
    let first = list.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(origin) = std::str::from_utf8(first) else { return Ok(None) };
    let last = last_note(disk, origin)?;
    if !last.torn.is_empty() {
        let file = CHECKPOINTS.to_owned();
        report.findings.push(FsckFinding::Torn { file, offset: last.good_bytes });
    }
    let Some((text, checkpoint)) = last.note else { return Ok(None) };
    if latest.as_deref() != Some(text.as_bytes()) {
        report.findings.push(FsckFinding::Checkpoint);
        if repair == Repair::Yes {
            disk.replace(CHECKPOINT, text.as_bytes())?;
            report.repaired.push(CHECKPOINT.to_owned());
        }
    }
    Ok(Some(checkpoint))
}

/// Reads all entries in order.
struct Walk<'a> {
    disk: &'a Disk,
    latest: Option<Checkpoint>,
    repair: Repair,
    report: FsckReport,
    parser: Parser,
    next_seq: u64,
    previous: Option<Signature>,
    /// The sealed segment that was read last.
    before: Option<SealedSegment>,
    tree: Tree,
    /// Per level of tiles, the hashes of the tile that is being filled.
    rows: Vec<Vec<Hash>>,
    is_stopped: bool,
}

impl<'a> Walk<'a> {
    /// Segments from `first` on exist. Earlier segments were removed, and only their tiles remain.
    fn new(
        disk: &'a Disk,
        first: Option<u64>,
        latest: Option<Checkpoint>,
        repair: Repair,
        report: FsckReport,
    ) -> Result<Walk<'a>> {
        let next_seq = match first {
            Some(first) => first,
            None => first_active(disk)?,
        };
        let mut reader = TileReader::new(&*disk.storage, &disk.root, next_seq);
        let tree = if next_seq == 0 { Tree::new() } else { Tree::load(&mut reader, next_seq)? };
        let mut rows = vec![Vec::new(); 8];
        for tile in Tile::partials_of(next_seq) {
            let bytes = reader.tile(tile.level, tile.index)?;
            if let Some(row) = rows.get_mut(usize::from(tile.level)) {
                *row = bytes.as_chunks::<32>().0.to_vec();
            }
        }
        let previous = None;
        let (parser, before, is_stopped) = (Parser::new(), None, false);
        Ok(Walk {
            disk,
            latest,
            repair,
            report,
            parser,
            next_seq,
            previous,
            before,
            tree,
            rows,
            is_stopped,
        })
    }

    fn damaged(&mut self, file: &str, offset: u64, what: Damage) {
        let seq = self.next_seq;
        self.report.findings.push(FsckFinding::Damaged {
            file: file.to_owned(),
            offset,
            seq,
            what,
        });
        self.is_stopped = true;
    }

    fn segment(&mut self, name: &str, first_seq: u64, mut lines: Lines) -> Result<()> {
        if self.is_stopped {
            return Ok(());
        }
        if first_seq != self.next_seq {
            self.damaged(name, 0, Damage::Seq { found: first_seq });
            return Ok(());
        }
        self.report.segments += 1;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(line) = next_of(&mut lines, self.disk, name)? {
            match self.entry(line.bytes, line.offset == 0) {
                Ok(()) if line.is_complete => {}
                Err(Damage::Parse(_)) | Ok(()) if name == ACTIVE => {
                    let file = name.to_owned();
                    self.report.findings.push(FsckFinding::Torn { file, offset: line.offset });
                    return Ok(());
                }
                Ok(()) => {
                    self.damaged(name, line.offset, Damage::Order("a newline"));
                    return Ok(());
                }
                Err(what) => {
                    self.damaged(name, line.offset, what);
                    return Ok(());
                }
            }
            hash.update(line.bytes);
            hash.update(b"\n");
            bytes = line.offset + line.bytes.len() as u64 + 1;
            self.leaf(leaf_hash(line.bytes))?;
        }
        let last_seq = self.next_seq.saturating_sub(1);
        let sha256 = hash.finish();
        let name = name.to_owned();
        self.before = Some(SealedSegment { name, bytes, sha256, first_seq, last_seq });
        Ok(())
    }

    /// Checks an entry. Without keys, only the links of the chain can be checked.
    fn entry(&mut self, line: &[u8], begins_segment: bool) -> std::result::Result<(), Damage> {
        let entry = self.parser.entry(line).map_err(Damage::Parse)?;
        if entry.seq != self.next_seq {
            return Err(Damage::Seq { found: entry.seq });
        }
        if entry.seq == 0 {
            self.previous = Some(Signature::first(entry.signature.scheme));
        }
        if self.previous.is_some_and(|previous| previous != entry.previous) {
            return Err(Damage::Previous);
        }
        if entry.signature.scheme == Scheme::Hash && digest_of(entry.signed) != entry.signature.hash
        {
            return Err(Damage::Signature);
        }
        if entry.is_control() {
            let control = Control::read(&entry).map_err(Damage::Parse)?.control;
            if let (Control::Segment(segment), Some(before)) = (&control, &self.before)
                && segment.previous != *before
            {
                return Err(Damage::Order("the checksum of the preceding segment"));
            }
        }
        if begins_segment && entry.seq > 0 && entry.event_type != "ringseal.segment" {
            return Err(Damage::Order("a segment entry"));
        }
        self.previous = Some(entry.signature);
        Ok(())
    }

    fn leaf(&mut self, leaf: Hash) -> Result<()> {
        let rows = &mut self.rows;
        let mut full = Vec::new();
        self.tree.push_with(leaf, |level, index, hash| {
            if level % 8 == 0
                && let Some(row) = rows.get_mut(usize::from(level / 8))
            {
                row.push(*hash);
                if row.len() as u64 == TILE_WIDTH {
                    full.push((level / 8, index / TILE_WIDTH, std::mem::take(row)));
                }
            }
        });
        self.next_seq += 1;
        self.report.entries += 1;
        let sealed = self.latest.as_ref().map_or(0, |latest| latest.size);
        for (level, index, hashes) in full {
            // Tiles that no checkpoint covers may not have been written yet.
            if (index + 1) << (8 * (level + 1)) <= sealed {
                self.tile(Tile { level, index, width: 256 }, &hashes)?;
            }
        }
        if self.next_seq == sealed {
            self.check_root()?;
        }
        Ok(())
    }

    fn check_root(&mut self) -> Result<()> {
        let size = self.next_seq;
        if self.latest.as_ref().is_some_and(|latest| latest.root != self.tree.root()) {
            self.report.findings.push(FsckFinding::Root { size });
            self.is_stopped = true;
            return Ok(());
        }
        for tile in Tile::partials_of(size) {
            let row = self.rows.get(usize::from(tile.level)).cloned().unwrap_or_default();
            self.tile(tile, &row)?;
        }
        Ok(())
    }

    fn tile(&mut self, tile: Tile, hashes: &[Hash]) -> Result<()> {
        let size = self.latest.as_ref().map_or(0, |latest| latest.size);
        let mut reader = TileReader::new(&*self.disk.storage, &self.disk.root, size);
        let is_there = match reader.tile(tile.level, tile.index) {
            Ok(found) if found == hashes.as_flattened() => return Ok(()),
            Ok(_) | Err(TileError::Length { .. }) => true,
            Err(TileError::Missing { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        let name = tile.name();
        if self.repair == Repair::Yes {
            if let Some((dir, _)) = name.rsplit_once('/') {
                self.disk.create_dir(dir)?;
            }
            self.disk.replace(&name, hashes.as_flattened())?;
            self.report.repaired.push(name.clone());
        }
        self.report.findings.push(FsckFinding::Tile { name, is_there });
        Ok(())
    }
}

/// The first entry of the active segment, when all segments before it were removed.
fn first_active(disk: &Disk) -> Result<u64> {
    let Some(mut lines) = Lines::of_file(disk, ACTIVE)? else { return Ok(0) };
    let line = next_of(&mut lines, disk, ACTIVE)?;
    let seq = line.and_then(|line| Parser::new().entry(line.bytes).ok().map(|entry| entry.seq));
    Ok(seq.unwrap_or(0))
}
