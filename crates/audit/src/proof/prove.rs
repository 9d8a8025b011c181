//! Makes proofs from a log's directory.
//!
//! Promises: reads, never writes; holds one batch of lines, one tile per level and the changes of keys in memory. A
//! returned proof has been checked against the log's first key.
use std::fmt;
use std::path::Path;

use super::super::checkpoint::Checkpoint;
use super::super::merkle::{self, ProofError, root_at};
use super::super::note::{Note, Verifier};
use super::super::read::claimed_root;
use super::super::store::names::{CHECKPOINTS, KEPT};
use super::super::tiles::{TileError, TileReader};
use super::super::verify::Stop;
use super::super::verify::checkpoints::{CheckpointReader, PendingCheckpoint};
use super::super::verify::source::{BatchReader, segments, visit_lines};
use super::super::verify::stable_read;
use super::{ConsistencyProof, InclusionProof, ProofFileError, next_key, open_checkpoint};
use ringseal_base::storage::Storage;

/// Why a proof cannot be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProveError {
    /// No checkpoint covers the claim.
    NoCheckpoint {
        /// The size that a checkpoint would need (at least, or exactly).
        size: u64,
    },
    /// The log has no such entry.
    NoEntry {
        /// The requested entry.
        seq: u64,
        /// The last entry; `None` if there is none.
        last_seq: Option<u64>,
        /// Number of entries that the latest checkpoint covers.
        sealed: u64,
    },
    /// A tile is missing or damaged, or the request is outside the tree.
    Tile(TileError),
    /// The log cannot be read or is damaged.
    Log {
        /// What was found.
        reason: String,
    },
    /// The log contradicts itself: verify it.
    Inconsistent(ProofFileError),
    /// The proof is valid under the key that the log names, which is not the given one: the key belongs to another
    /// log, or the log was replaced.
    WrongKey {
        /// The key that the log names.
        named: Box<Verifier>,
        /// The given key.
        given: Box<Verifier>,
    },
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProveError::NoCheckpoint { size } => {
                write!(f, "{CHECKPOINTS} has no checkpoint for {size} entries")
            }
            ProveError::NoEntry { seq, last_seq: None, .. } => {
                write!(f, "no entry {seq}: the log has no entries")
            }
            ProveError::NoEntry { seq, last_seq: Some(last), sealed } => {
                write!(f, "no entry {seq}: the log has entries 0 to {last}, ")?;
                match sealed.checked_sub(1) {
                    Some(sealed) => write!(f, "sealed up to {sealed}"),
                    None => f.write_str("and none of them is sealed"),
                }
            }
            ProveError::Tile(error) => error.fmt(f),
            ProveError::Log { reason } => f.write_str(reason),
            ProveError::Inconsistent(error) => {
                write!(f, "the log contradicts itself, verify it: {error}")
            }
            ProveError::WrongKey { named, given } => write!(
                f,
                "this log is not signed by this key: the log names {named}, the file holds {given}; either it is \
                 another log's key, or the log was replaced by another one"
            ),
        }
    }
}

impl std::error::Error for ProveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ProveError::Tile(error) => error.source(),
            // Display shows the inner error, so `source` skips it.
            ProveError::Inconsistent(error) => error.source(),
            _ => None,
        }
    }
}

impl From<TileError> for ProveError {
    fn from(error: TileError) -> Self {
        ProveError::Tile(error)
    }
}

impl From<Stop> for ProveError {
    fn from(stop: Stop) -> Self {
        let reason = match stop {
            Stop::Tampered(finding) => finding.to_string(),
            Stop::Unchecked { reason } => reason,
        };
        ProveError::Log { reason }
    }
}

/// Proves that entry `seq` is in the log, as the latest checkpoint sealed it. The log may be in use.
pub fn prove_inclusion(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    seq: u64,
) -> Result<InclusionProof, ProveError> {
    prove_until_stable(storage, dir, root, |root| inclusion(storage, dir, root, seq))
}

fn prove_until_stable<T>(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    prove: impl Fn(&Verifier) -> Result<T, ProveError>,
) -> Result<T, ProveError> {
    let prove = || match prove(root) {
        Err(error @ ProveError::Inconsistent(_)) => match claimed_root(storage, dir) {
            Ok(named) if named != *root && prove(&named).is_ok() => {
                let (named, given) = (Box::new(named), Box::new(root.clone()));
                Err(ProveError::WrongKey { named, given })
            }
            _ => Err(error),
        },
        other => other,
    };
    let moving = || Err(ProveError::Log { reason: stable_read::never_stable(dir) });
    stable_read::until_stable(storage, dir, prove, Result::is_ok).unwrap_or_else(moving)
}

fn inclusion(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    seq: u64,
) -> Result<InclusionProof, ProveError> {
    let latest = last_checkpoint(storage, dir, |_| true)?;
    let sealed = latest.as_ref().map_or(0, |(checkpoint, _)| checkpoint.size);
    let Some((checkpoint, note)) = latest.filter(|_| sealed > seq) else {
        let last_seq = last_seq(storage, dir)?;
        return Err(match last_seq {
            Some(last) if seq <= last => ProveError::NoCheckpoint { size: seq + 1 },
            _ => ProveError::NoEntry { seq, last_seq, sealed },
        });
    };
    let found = read_log(storage, dir, root, &note, Some(seq))?;
    let mut tiles = TileReader::new(storage, dir, checkpoint.size);
    let path = merkle::prove_inclusion(&mut tiles, seq, checkpoint.size)?;
    let (line, epochs) = (found.line, found.epochs);
    let proof = InclusionProof { line, epochs, index: seq, path, checkpoint: note };
    match proof.verify(root, None) {
        Ok(_) => Ok(proof),
        // The entry was pruned: the proof can be checked with its line.
        Err(ProofFileError::NoEntry) => {
            open_checkpoint(&proof.checkpoint, root, &proof.epochs)
                .map_err(ProveError::Inconsistent)?;
            let leaf = tiles.leaf(seq)?;
            let checked = merkle::verify_inclusion(
                &leaf,
                seq,
                checkpoint.size,
                &proof.path,
                &checkpoint.root,
            );
            checked.map_err(|error| ProveError::Inconsistent(error.into()))?;
            Ok(proof)
        }
        Err(error) => Err(ProveError::Inconsistent(error)),
    }
}

/// The number of the last entry, from the last segment that is not empty.
fn last_seq(storage: &dyn Storage, dir: &Path) -> Result<Option<u64>, ProveError> {
    for segment in segments(storage, dir)?.rchunks(1) {
        let mut source = BatchReader::new(storage, dir, segment);
        let mut last = None;
        while let Some(batch) = source.next()? {
            last = batch.lines.len().checked_sub(1).and_then(|at| seq_of(batch.line(at))).or(last);
            source.recycle(batch);
        }
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

/// Proves that the log of `old_size` entries is the beginning of the log of `size` entries, which must
/// have a checkpoint. The log may be in use.
pub fn prove_consistency(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    old_size: u64,
    size: u64,
) -> Result<ConsistencyProof, ProveError> {
    prove_until_stable(storage, dir, root, |root| consistency(storage, dir, root, old_size, size))
}

fn consistency(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    old_size: u64,
    size: u64,
) -> Result<ConsistencyProof, ProveError> {
    if old_size > size {
        let outside = ProofError::OutOfTree { index: old_size, size };
        return Err(ProveError::Tile(outside.into()));
    }
    let (_, note) = last_checkpoint(storage, dir, |checkpoint| checkpoint.size == size)?
        .ok_or(ProveError::NoCheckpoint { size })?;
    let epochs = read_log(storage, dir, root, &note, None)?.epochs;
    let mut tiles = TileReader::new(storage, dir, size);
    let old_root = root_at(&mut tiles, old_size)?;
    let path = merkle::prove_consistency(&mut tiles, old_size, size)?;
    let proof = ConsistencyProof { epochs, old_size, old_root, path, checkpoint: note };
    proof.verify(root).map_err(ProveError::Inconsistent)?;
    Ok(proof)
}

/// The last checkpoint of the log that matches.
fn last_checkpoint(
    storage: &dyn Storage,
    dir: &Path,
    matches: impl Fn(&Checkpoint) -> bool,
) -> Result<Option<(Checkpoint, String)>, ProveError> {
    let mut checkpoints = CheckpointReader::open(storage, dir)?;
    let mut last = None;
    while let Some(PendingCheckpoint { checkpoint, note, .. }) = checkpoints.next()? {
        if matches(&checkpoint) {
            last = Some((checkpoint, String::from_utf8_lossy(&note).into_owned()));
        }
    }
    Ok(last)
}

#[derive(Default)]
struct LogParts {
    line: Vec<u8>,
    epochs: Vec<Vec<u8>>,
}

/// Finds entry `seq` and the changes of keys up to the key that signed the note.
fn read_log(
    storage: &dyn Storage,
    dir: &Path,
    root: &Verifier,
    note: &str,
    seq: Option<u64>,
) -> Result<LogParts, ProveError> {
    let note = Note::parse(note.as_bytes())
        .map_err(|error| ProveError::Log { reason: error.to_string() })?;
    let mut search = LogSearch { note, key: root.clone(), seq, found: LogParts::default() };
    let mut result = Ok(());
    visit_lines(storage, dir, KEPT, &mut |line| {
        result = search.line(line);
        result.is_ok()
    })?;
    result?;
    let segments = segments(storage, dir)?;
    let mut source = BatchReader::new(storage, dir, &segments);
    while let Some(batch) = source.next()? {
        for at in 0..batch.lines.len() {
            search.line(batch.line(at))?;
        }
        if search.is_done() {
            break;
        }
        source.recycle(batch);
    }
    Ok(search.found)
}

struct LogSearch<'a> {
    note: Note<'a>,
    key: Verifier,
    seq: Option<u64>,
    found: LogParts,
}

impl LogSearch<'_> {
    fn line(&mut self, line: &[u8]) -> Result<(), ProveError> {
        const EPOCH: &[u8] = b",\"event_type\":\"ringseal.epoch\",";
        if self.seq.is_some() && seq_of(line) == self.seq {
            self.found.line = line.to_vec();
            self.seq = None;
        }
        // The event type follows number and time.
        let head = line.get(..line.len().min(96)).unwrap_or_default();
        let is_epoch = memchr::memmem::find(head, EPOCH).is_some();
        // A kept line may also be in its segment.
        if is_epoch
            && !self.note.is_signed_by(&self.key)
            && self.found.epochs.last().is_none_or(|last| last != line)
        {
            let failed = |reason| {
                let number = self.found.epochs.len() + 1;
                ProveError::Inconsistent(ProofFileError::Epoch { number, reason })
            };
            self.key = next_key(&self.key, line).map_err(failed)?;
            self.found.epochs.push(line.to_vec());
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.seq.is_none() && self.note.is_signed_by(&self.key)
    }
}

/// The number at the beginning of a line.
fn seq_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..len)?).ok()?.parse().ok()
}
