//! Loads the state of a log when it is opened: keys, segments, checkpoints and tiles, and checks that they agree.
//!
//! Changes nothing on disk except tiles, which are rebuilt if they are wrong and the log can be continued.
use std::io;

use super::checkpoint_files::{LastNote, last_note};
use super::disk::{Disk, FILE_MODE, Result};
use super::names::{
    ACTIVE, CHAIN_KEY, CHECKPOINT, EPOCH_KEY, EPOCH_NEXT, KEPT, STATE, parse_sealed, sealed_name,
};
use super::reach::check_reach;
use super::rotate::Sealed;
use super::scan::{
    ActiveScan, Facts, find_start, first_entry, last_kept_epoch, read_sealed, scan_active,
};
use super::state::{self, FoundState, StateKeys};
use super::{Damage, LogOptions, Repairs, StoreError};
use crate::chain::Chain;
use crate::entry::control::{Epoch, FORMAT, Rebuilt, StateMismatch};
use crate::entry::{Scheme, Signature};
use crate::keys::{ChainKey, KeyError, load_chain, load_marked_signer, load_signer};
use crate::merkle::Tree;
use crate::note::Signer;
use crate::tiles::{TileReader, TileWriter};
use ringseal_base::digest::Hash;

/// Longest torn end that is copied and cut off.
const TORN_BYTES_MAX: u64 = 64 << 20;

/// The state of a log on disk before it is continued.
pub(super) struct LogState {
    pub repairs: Repairs,
    /// Segments that a prune entry names and that still exist.
    pub leftovers: Vec<u64>,
    pub signer: Signer,
    pub next_signer: Option<Signer>,
    /// The key's file says that a protected state exists.
    pub is_marked: bool,
    pub state: FoundState,
    /// How the log differs from the protected state.
    pub mismatch: Option<StateMismatch>,
    pub chain_state: Option<(u64, ChainKey)>,
    pub note: LastNote,
    pub sealed: Vec<Sealed>,
    pub scan: Option<ActiveScan>,
    pub entries_per_key: u64,
    /// Of the active segment.
    pub first_seq: u64,
    pub number: u64,
    pub next_seq: u64,
    pub last: Signature,
    pub epoch: Option<(Epoch, u64)>,
    /// Verifier key of epoch 0, from the first entry.
    pub first_key: Option<String>,
    pub torn_reported: Vec<String>,
    pub tiles: TileWriter,
    pub segment_tree: Tree,
    /// Root of the tree that an interrupted change of epochs should have sealed.
    pub epoch_root: Option<Hash>,
}

/// The sequence numbers with which sealed segments begin.
pub(super) fn list_sealed(disk: &Disk) -> Result<Vec<u64>> {
    let names = disk.list("")?;
    let mut found: Vec<u64> = names
        .iter()
        .filter_map(|name| parse_sealed(name))
        .map(|(first_seq, _)| first_seq)
        .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Loads keys, checkpoints, segments and tiles.
pub(super) fn load(disk: &Disk, options: &LogOptions) -> Result<LogState> {
    let mut repairs = Repairs::default();
    let (signer, is_marked) = load_marked_signer(&*disk.storage, &disk.secret(EPOCH_KEY))?;
    let next_signer = match load_signer(&*disk.storage, &disk.secret(EPOCH_NEXT)) {
        Ok(next) => Some(next),
        // The process crashed between wiping the key and removing its file.
        Err(KeyError::Content { .. }) => None,
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let chain_state = load_chain_state(disk, options, &mut repairs)?;
    let note = last_note(disk, signer.verifier().name())?;
    let mut sealed_seqs = list_sealed(disk)?;
    // The log's recorded interval takes precedence; a log without entries gets the configured one.
    let start = find_start(disk, &sealed_seqs)?;
    let entries_per_key = start.as_ref().map_or(options.ratchet, |start| start.ratchet.max(1));
    if options.scheme == Scheme::Hash
        && start.as_ref().is_some_and(|start| start.scheme == Scheme::Mac)
    {
        return Err(StoreError::NoChainKey { path: disk.secret(CHAIN_KEY) });
    }
    if start.as_ref().is_some_and(|start| start.scheme != options.scheme) {
        return Err(StoreError::Option {
            field: "scheme",
            expected: "the scheme of the log's first entry",
        });
    }
    let (chain, keyed_from) = chain_of(chain_state.as_ref(), entries_per_key);
    check_reach(disk, &sealed_seqs, chain_state.as_ref().map(|(seq, _)| *seq))?;
    // After pruning, the first existing segment is not the log's first.
    let is_first = sealed_seqs.is_empty() && disk.stat(KEPT)?.is_none();
    let scan = scan_active(disk, chain, keyed_from, is_first)?;
    let mut scan = scan.filter(|scan| !scan.leaves.is_empty() || scan.torn.is_some());
    check_torn_len(disk, scan.as_ref(), options)?;
    let pruned = scan.as_ref().map_or(0, |scan| scan.facts.pruned_before);
    let leftovers: Vec<u64> = sealed_seqs.extract_if(.., |first_seq| *first_seq < pruned).collect();
    // An active segment without a whole entry counts as missing; its bytes are kept as torn.
    let whole = scan.as_ref().filter(|scan| !scan.leaves.is_empty());
    let sealed = load_sealed(disk, &sealed_seqs, whole)?;
    let mut facts = scan.as_mut().map(|scan| std::mem::take(&mut scan.facts)).unwrap_or_default();
    let position = Position::of(disk, &sealed, scan.as_ref(), &mut facts, options.scheme)?;
    check_length(&position, &scan, &note, chain_state.as_ref())?;
    let state_keys = StateKeys {
        signer: &signer,
        next_signer: next_signer.as_ref(),
        saved: chain_state.as_ref(),
        entries_per_key,
        found_entries: position.next_seq,
    };
    let state = state::load(disk, &state_keys)?;
    let known = Known { note: &note, facts: &facts, state: &state };
    let grown = grow_tiles(disk, &sealed, scan.as_ref(), &position, &known, &mut repairs)?;
    let root = grown.state_root;
    // A log of this format has a state since before its first entry, whatever the key's file says.
    let is_required = is_marked || start.as_ref().is_some_and(|start| start.format >= FORMAT);
    let mismatch = state::compare(&state, is_required, position.next_seq, root);
    let Grown { tiles, segment_tree, epoch_root, .. } = grown;
    if let (Some(mismatch), 0) = (&mismatch, position.next_seq) {
        return Err(StoreError::RolledBack {
            expected_entries: mismatch.expected_entries,
            found_entries: 0,
            witness: STATE,
        });
    }
    Ok(LogState {
        repairs,
        leftovers,
        signer,
        next_signer,
        is_marked,
        state,
        mismatch,
        chain_state,
        note,
        sealed,
        scan,
        entries_per_key,
        first_seq: position.first_seq,
        number: position.number,
        next_seq: position.next_seq,
        last: position.last,
        epoch: facts.epoch,
        first_key: start.map(|start| start.public_key),
        torn_reported: facts.torn,
        tiles,
        segment_tree,
        epoch_root,
    })
}

/// A torn end is kept in memory while it is copied. No writer leaves more than one commit.
fn check_torn_len(disk: &Disk, scan: Option<&ActiveScan>, options: &LogOptions) -> Result<()> {
    let Some(scan) = scan else { return Ok(()) };
    let len = disk.stat(ACTIVE)?.map_or(0, |stat| stat.len);
    let max = TORN_BYTES_MAX.max(2 * options.staged_bytes_max as u64);
    if len.saturating_sub(scan.good_bytes) <= max {
        return Ok(());
    }
    let (seq, offset) = (scan.next_seq(), scan.good_bytes);
    let what = Damage::Order("the end of the file, or entries");
    Err(StoreError::Damaged { file: ACTIVE.into(), offset, seq, what })
}

fn load_chain_state(
    disk: &Disk,
    options: &LogOptions,
    repairs: &mut Repairs,
) -> Result<Option<(u64, ChainKey)>> {
    if options.scheme == Scheme::Hash {
        return Ok(None);
    }
    match (disk.stat_secret(CHAIN_KEY)?, &options.first_key) {
        (None, Some(first)) => {
            repairs.add(Rebuilt::ChainKey);
            Ok(Some((0, first.clone())))
        }
        (None, None) => Err(StoreError::NoChainKey { path: disk.secret(CHAIN_KEY) }),
        _ => Ok(Some(load_chain(&*disk.storage, &disk.secret(CHAIN_KEY))?)),
    }
}

/// The chain from a saved state on, and the first entry that it can check.
pub(super) fn chain_of(state: Option<&(u64, ChainKey)>, entries_per_key: u64) -> (Chain, u64) {
    match state {
        Some((seq, key)) => (Chain::with_key(key, *seq, entries_per_key), *seq),
        None => (Chain::Hash, 0),
    }
}

/// Takes the facts about sealed segments from the segment entries that follow them. The last one is read if no such
/// entry exists yet.
fn load_sealed(disk: &Disk, seqs: &[u64], active: Option<&ActiveScan>) -> Result<Vec<Sealed>> {
    let mut sealed_segments = Vec::with_capacity(seqs.len());
    for (index, first_seq) in seqs.iter().enumerate() {
        let entry = match seqs.get(index + 1) {
            Some(next) => first_entry(disk, *next)?,
            None => active.and_then(|scan| {
                scan.facts.segment.clone().map(|segment| (segment, scan.first_unix_nanos))
            }),
        };
        let file = sealed_name(*first_seq);
        let damaged = |seq, what| StoreError::Damaged { file: file.clone(), offset: 0, seq, what };
        let sealed = match entry {
            Some((segment, sealed_at)) => {
                Sealed { info: segment.previous, extra: segment.extra, sealed_at }
            }
            None if index + 1 == seqs.len() && active.is_none() => {
                let read = read_sealed(disk, *first_seq)?;
                Sealed { info: read.sealed, extra: None, sealed_at: 0 }
            }
            None => return Err(damaged(*first_seq, Damage::Order("a segment entry after it"))),
        };
        if sealed.info.first_seq != *first_seq {
            return Err(damaged(*first_seq, Damage::Order("the segment that the next one names")));
        }
        sealed_segments.push(sealed);
    }
    let gap =
        sealed_segments.windows(2).find(|pair| pair[0].info.last_seq + 1 != pair[1].info.first_seq);
    if let Some([_, next]) = gap {
        let (file, seq) = (next.info.name.clone(), next.info.first_seq);
        let what = Damage::Order("the preceding segment");
        return Err(StoreError::Damaged { file, offset: 0, seq, what });
    }
    Ok(sealed_segments)
}

/// The position at which a log is continued.
struct Position {
    first_seq: u64,
    number: u64,
    next_seq: u64,
    last: Signature,
}

impl Position {
    fn of(
        disk: &Disk,
        sealed: &[Sealed],
        scan: Option<&ActiveScan>,
        facts: &mut Facts,
        scheme: Scheme,
    ) -> Result<Position> {
        if let Some(scan) = scan
            && let Some(last) = scan.last.filter(|_| !scan.leaves.is_empty())
        {
            let number = facts.segment.as_ref().map_or(0, |segment| segment.number);
            if facts.epoch.is_none() && scan.first_seq > 0 {
                facts.epoch = last_epoch(disk, sealed.last())?;
            }
            return Ok(Position {
                first_seq: scan.first_seq,
                number,
                next_seq: scan.next_seq(),
                last,
            });
        }
        let Some(last) = sealed.last() else {
            return Ok(Position {
                first_seq: 0,
                number: 0,
                next_seq: 0,
                last: Signature::first(scheme),
            });
        };
        let read = read_sealed(disk, last.info.first_seq)?;
        let number = read.facts.segment.as_ref().map_or(0, |segment| segment.number);
        let next_seq = last.info.last_seq + 1;
        facts.epoch = read.facts.epoch;
        Ok(Position { first_seq: next_seq, number, next_seq, last: read.last })
    }
}

/// The last epoch entry of a sealed segment, or the last one in `kept.jsonl`.
fn last_epoch(disk: &Disk, sealed: Option<&Sealed>) -> Result<Option<(Epoch, u64)>> {
    match sealed {
        Some(sealed) => Ok(read_sealed(disk, sealed.info.first_seq)?.facts.epoch),
        None => last_kept_epoch(disk),
    }
}

/// The log must have at least the entries that the latest checkpoint and the chain key record.
fn check_length(
    position: &Position,
    scan: &Option<ActiveScan>,
    note: &LastNote,
    chain: Option<&(u64, ChainKey)>,
) -> Result<()> {
    let sealed = note.note.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    let kept = chain.map_or(0, |(seq, _)| *seq);
    let (known, witness) =
        if sealed >= kept { (sealed, "the latest checkpoint") } else { (kept, "keys/chain.key") };
    if position.next_seq >= known {
        return Ok(());
    }
    // Not just truncated: the bytes at this place do not parse as an entry.
    if let Some(ActiveScan { torn: Some(what), good_bytes, .. }) = scan {
        let (seq, what) = (position.next_seq, what.clone());
        return Err(StoreError::Damaged { file: ACTIVE.into(), offset: *good_bytes, seq, what });
    }
    let found_entries = position.next_seq;
    Err(StoreError::RolledBack { expected_entries: known, found_entries, witness })
}

/// What is known of the tree from elsewhere.
struct Known<'a> {
    note: &'a LastNote,
    facts: &'a Facts,
    state: &'a FoundState,
}

/// The tree of all entries found.
struct Grown {
    tiles: TileWriter,
    /// The tree before the active segment.
    segment_tree: Tree,
    /// Root of the tree that an interrupted change of epochs should have sealed.
    epoch_root: Option<Hash>,
    /// Root of the first entries, as many as the protected state names or as were found.
    state_root: Hash,
}

impl Grown {
    fn is_as_stated(&self, state: &FoundState) -> bool {
        let entries = self.tiles.tree().len();
        state
            .record()
            .is_none_or(|record| record.entries > entries || record.root == self.state_root)
    }
}

/// Loads the tiles up to the last entry. They are rebuilt from segments if they do not match the latest checkpoint or
/// the protected state.
fn grow_tiles(
    disk: &Disk,
    sealed: &[Sealed],
    scan: Option<&ActiveScan>,
    position: &Position,
    known: &Known<'_>,
    repairs: &mut Repairs,
) -> Result<Grown> {
    let first = position.first_seq;
    let leaves = scan.map_or(&[][..], |scan| &scan.leaves);
    let storage = &*disk.storage;
    let opened = TileWriter::open(storage, &disk.root, FILE_MODE, first, first);
    let mut as_found = None;
    if let Ok(tiles) = opened
        && let Some(grown) = grow(disk, tiles, leaves, known)
    {
        if grown.is_as_stated(known.state) {
            return Ok(grown);
        }
        as_found = Some(grown.state_root);
    }
    let oldest = sealed.first().map_or(first, |sealed| sealed.info.first_seq);
    let size = known.note.note.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    let what = if oldest > 0 { Damage::Tiles } else { Damage::Root };
    let damaged = StoreError::Damaged { file: CHECKPOINT.into(), offset: 0, seq: size, what };
    // Tiles are evidence if the log turns out to be damaged: they are written only if it can be continued.
    if !fits_checkpoint(disk, sealed, oldest, leaves, known.note)? {
        return Err(damaged);
    }
    let mut tiles = TileWriter::open(storage, &disk.root, FILE_MODE, oldest, oldest)?;
    for segment in sealed {
        for leaf in read_sealed(disk, segment.info.first_seq)?.leaves {
            tiles.push(leaf);
        }
        tiles.write(storage)?;
    }
    if !tiles.tree().is_empty() {
        tiles.sync(storage)?;
    }
    let grown = grow(disk, tiles, leaves, known).ok_or(damaged)?;
    // The entries differ from the state, not the tiles from the entries.
    if as_found != Some(grown.state_root) {
        repairs.add(Rebuilt::Tiles);
    }
    Ok(grown)
}

/// Whether the entries found are those that the latest checkpoint covers. Writes nothing.
fn fits_checkpoint(
    disk: &Disk,
    sealed: &[Sealed],
    oldest: u64,
    leaves: &[Hash],
    note: &LastNote,
) -> Result<bool> {
    let Some((_, note)) = &note.note else { return Ok(true) };
    let mut tree = Tree::load(&mut TileReader::new(&*disk.storage, &disk.root, oldest), oldest)?;
    let is_sealed = |tree: &Tree| tree.len() == note.size && tree.root() == note.root;
    let mut is_correct = note.size < oldest || is_sealed(&tree);
    let mut push = |leaf: Hash| {
        tree.push(leaf);
        is_correct |= is_sealed(&tree);
    };
    for segment in sealed {
        read_sealed(disk, segment.info.first_seq)?.leaves.into_iter().for_each(&mut push);
    }
    leaves.iter().copied().for_each(&mut push);
    Ok(is_correct)
}

/// Appends the leaves of the active segment; `None` if the root is not the latest checkpoint's.
fn grow(disk: &Disk, mut tiles: TileWriter, leaves: &[Hash], known: &Known<'_>) -> Option<Grown> {
    let segment_tree = tiles.tree().clone();
    let note = known.note.note.as_ref().map(|(_, checkpoint)| checkpoint);
    let epoch_size = known.facts.epoch.as_ref().map(|(_, seq)| seq + 1);
    let mut epoch_root = None;
    let end = segment_tree.len() + leaves.len() as u64;
    let state_size = known.state.record().map_or(end, |record| record.entries.min(end));
    let mut state_root = None;
    let mut is_correct = note.is_none_or(|note| note.size < tiles.tree().len());
    let mut visit = |tree: &Tree| {
        if epoch_size == Some(tree.len()) {
            epoch_root = Some(tree.root());
        }
        if state_size == tree.len() {
            state_root = Some(tree.root());
        }
        is_correct |= note.is_some_and(|note| note.size == tree.len() && note.root == tree.root());
    };
    visit(tiles.tree());
    for leaf in leaves {
        tiles.push(*leaf);
        visit(tiles.tree());
    }
    // A state from before the active segment; one that the tiles cannot answer differs.
    let state_root = state_root.or_else(|| {
        let mut reader = TileReader::new(&*disk.storage, &disk.root, segment_tree.len());
        Tree::load(&mut reader, state_size).ok().map(|tree| tree.root())
    });
    let state_root = state_root.unwrap_or_default();
    is_correct.then_some(Grown { tiles, segment_tree, epoch_root, state_root })
}
