//! Opening a log: what is there, what a crash left, and how it goes on.
//!
//! Nothing is changed before everything that was found is consistent. Then, in this order: a change
//! of epochs that was cut short is finished, torn bytes are kept elsewhere and cut off, and the
//! entries that say so are written. A crash at any point leaves something that the next opening
//! takes up.
use std::io::{self, Read};
use std::path::Path;

use super::disk::{Disk, FILE_MODE, FileReader, Result, Tail, at};
use super::epoch::key_text;
use super::health::Counts;
use super::names::{
    ACTIVE, CHAIN_KEY, CHECKPOINT, CHECKPOINTS, EPOCH_KEY, EPOCH_NEXT, KEPT, KEYS_DIR, LOCK,
    TORN_DIR, TornPlace, parse_sealed,
};
use super::notes::{LastNote, last_note};
use super::prune::{last_kept, remove_segment};
use super::rotate::Sealed;
use super::scan::{
    Facts, Scan, find_start, first_entry, last_kept_epoch, read_sealed, scan_active,
};
use super::{Active, AuditLog, Damage, Host, Options, Repairs, StoreError, notes, seal};
use crate::audit::chain::Chain;
use crate::audit::entry::control::{
    Control, Epoch, Rebuilt, Recovery, RotateReason, Start, TornFrom, TornPiece, Trigger,
};
use crate::audit::entry::{Scheme, Signature};
use crate::audit::keys::{
    ChainKey, KeyError, KeyPaths, keygen, load_chain, load_signer, replace_secret, wipe_secret,
};
use crate::audit::merkle::Tree;
use crate::audit::note::{Signer, Verifier};
use crate::audit::tiles::TileWriter;
use crate::digest::{Hash, Sha256};
use crate::storage::{OpenHow, StorageFile};

/// What is known of a log before it goes on.
struct Known {
    repairs: Repairs,
    signer: Signer,
    next_signer: Option<Signer>,
    chain_state: Option<(u64, ChainKey)>,
    note: LastNote,
    sealed: Vec<Sealed>,
    scan: Option<Scan>,
    entries_per_key: u64,
    /// Of the active segment.
    first_seq: u64,
    number: u64,
    next_seq: u64,
    last: Signature,
    epoch: Option<(Epoch, u64)>,
    /// Verifier key of epoch 0, as the first entry has it.
    first_key: Option<String>,
    torn_told: Vec<String>,
    tiles: TileWriter,
    segment_tree: Tree,
    /// Root of the tree that a change of epochs cut short should have sealed.
    epoch_root: Option<Hash>,
}

impl AuditLog {
    /// Makes the directory and the keys of a new log. `audit.pub` and `audit.mac` are put below
    /// `away`: `audit.mac` belongs off the host.
    pub fn create(host: &mut Host, dir: &Path, away: &Path, origin: &str) -> Result<Verifier> {
        let disk = Disk { storage: host.storage.clone(), root: dir.to_owned() };
        disk.create_dir("")?;
        let paths = KeyPaths { keys: dir.join(KEYS_DIR), ..KeyPaths::below(away) };
        Ok(keygen(&*host.storage, &paths, origin, &mut *host.random)?)
    }

    /// Opens a log whose keys exist, recovers what a crash left, and begins a new epoch.
    pub fn open(host: Host, dir: &Path, options: Options) -> Result<AuditLog> {
        if let Some((field, expected)) = options.problem() {
            return Err(StoreError::Option { field, expected });
        }
        let disk = Disk { storage: host.storage.clone(), root: dir.to_owned() };
        let lock = lock(&disk)?;
        disk.create_dir(TORN_DIR)?;
        remove_unfinished(&disk)?;
        let known = know(&disk, &options)?;
        let (mut log, beginning) = begin(host, disk, lock, options, known)?;
        let result = log.start(beginning);
        if result.is_err() {
            // The next opening finds what was done and does the rest.
            log.is_closed = true;
        }
        result.map(|()| log)
    }
}

pub(super) fn lock(disk: &Disk) -> Result<Box<dyn StorageFile>> {
    let path = disk.path(LOCK);
    match disk.storage.lock(&path, FILE_MODE) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::Locked { path }),
        result => at("locking", &path, result),
    }
}

/// Removes what a process that died was about to put under another name.
fn remove_unfinished(disk: &Disk) -> Result<()> {
    for dir in ["", TORN_DIR] {
        for name in disk.list(dir)? {
            if name.ends_with(".tmp") {
                disk.remove(&if dir.is_empty() { name } else { format!("{dir}/{name}") })?;
            }
        }
    }
    for secret in [EPOCH_KEY, EPOCH_NEXT, CHAIN_KEY] {
        wipe_secret(&*disk.storage, &disk.path(&format!("{secret}.tmp")))?;
    }
    Ok(())
}

/// Sealed segments by their first entry.
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

fn know(disk: &Disk, options: &Options) -> Result<Known> {
    let mut repairs = Repairs::default();
    let signer = load_signer(&*disk.storage, &disk.path(EPOCH_KEY))?;
    let next_signer = match load_signer(&*disk.storage, &disk.path(EPOCH_NEXT)) {
        Ok(next) => Some(next),
        // A crash came between the wiping and the removal.
        Err(KeyError::Content { .. }) => None,
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let chain_state = load_chain_state(disk, options, &mut repairs)?;
    let note = last_note(disk, signer.verifier().name())?;
    let mut sealed_seqs = list_sealed(disk)?;
    // The interval is the log's own; a log without entries gets the configured one.
    let start = find_start(disk, &sealed_seqs)?;
    let entries_per_key = start.as_ref().map_or(options.ratchet, |start| start.ratchet.max(1));
    if start.as_ref().is_some_and(|start| start.scheme != options.scheme) {
        return Err(StoreError::Option { field: "scheme", expected: "what the log began with" });
    }
    let (chain, keyed_from) = chain_of(chain_state.as_ref(), entries_per_key);
    // Where segments were removed, the first that is there is not the log's first.
    let is_first = sealed_seqs.is_empty() && disk.stat(KEPT)?.is_none();
    let scan = scan_active(disk, chain, keyed_from, is_first)?;
    let mut scan = scan.filter(|scan| !scan.leaves.is_empty() || scan.torn.is_some());
    let pruned = scan.as_ref().map_or(0, |scan| scan.facts.pruned_before);
    for first_seq in sealed_seqs.iter().filter(|first_seq| **first_seq < pruned) {
        remove_segment(disk, *first_seq)?;
    }
    sealed_seqs.retain(|first_seq| *first_seq >= pruned);
    // An active segment with nothing whole in it is as good as none; its bytes are kept as torn.
    let whole = scan.as_ref().filter(|scan| !scan.leaves.is_empty());
    let sealed = know_sealed(disk, &sealed_seqs, whole)?;
    let mut facts = scan.as_mut().map(|scan| std::mem::take(&mut scan.facts)).unwrap_or_default();
    let position = Position::of(disk, &sealed, scan.as_ref(), &mut facts, options.scheme)?;
    check_known_points(&position, &scan, &note, chain_state.as_ref())?;
    let (tiles, segment_tree, epoch_root) =
        grow_tiles(disk, &sealed, scan.as_ref(), &position, &note, &facts, &mut repairs)?;
    Ok(Known {
        repairs,
        signer,
        next_signer,
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
        torn_told: facts.torn,
        tiles,
        segment_tree,
        epoch_root,
    })
}

fn load_chain_state(
    disk: &Disk,
    options: &Options,
    repairs: &mut Repairs,
) -> Result<Option<(u64, ChainKey)>> {
    if options.scheme == Scheme::Hash {
        return Ok(None);
    }
    match (disk.stat(CHAIN_KEY)?, &options.first_key) {
        (None, Some(first)) => {
            repairs.add(Rebuilt::ChainKey);
            Ok(Some((0, first.clone())))
        }
        _ => Ok(Some(load_chain(&*disk.storage, &disk.path(CHAIN_KEY))?)),
    }
}

fn chain_of(state: Option<&(u64, ChainKey)>, entries_per_key: u64) -> (Chain, u64) {
    match state {
        Some((seq, key)) => (Chain::with_key(key, *seq, entries_per_key), *seq),
        None => (Chain::Hash, 0),
    }
}

/// What the entries behind sealed segments say of them; the last one is read if nothing stands
/// behind it yet.
fn know_sealed(disk: &Disk, seqs: &[u64], active: Option<&Scan>) -> Result<Vec<Sealed>> {
    let mut known = Vec::with_capacity(seqs.len());
    for (index, first_seq) in seqs.iter().enumerate() {
        let told = match seqs.get(index + 1) {
            Some(next) => first_entry(disk, *next)?,
            None => active.and_then(|scan| {
                scan.facts.segment.clone().map(|segment| (segment, scan.first_unix_nanos))
            }),
        };
        let file = super::names::sealed_name(*first_seq);
        let damaged = |seq, what| StoreError::Damaged { file: file.clone(), offset: 0, seq, what };
        let sealed = match told {
            Some((segment, sealed_at)) => {
                Sealed { info: segment.previous, extra: segment.extra, sealed_at }
            }
            None if index + 1 == seqs.len() && active.is_none() => {
                let read = read_sealed(disk, *first_seq)?;
                Sealed { info: read.sealed, extra: None, sealed_at: 0 }
            }
            None => return Err(damaged(*first_seq, Damage::Order("a segment entry behind it"))),
        };
        if sealed.info.first_seq != *first_seq {
            return Err(damaged(*first_seq, Damage::Order("the segment that its successor names")));
        }
        known.push(sealed);
    }
    let gap = known.windows(2).find(|pair| pair[0].info.last_seq + 1 != pair[1].info.first_seq);
    if let Some([_, next]) = gap {
        let (file, seq) = (next.info.name.clone(), next.info.first_seq);
        let what = Damage::Order("the segment that comes before");
        return Err(StoreError::Damaged { file, offset: 0, seq, what });
    }
    Ok(known)
}

/// Where a log goes on.
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
        scan: Option<&Scan>,
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

/// The epoch entry with which a sealed segment ends, or the last one that was kept.
fn last_epoch(disk: &Disk, sealed: Option<&Sealed>) -> Result<Option<(Epoch, u64)>> {
    match sealed {
        Some(sealed) => Ok(read_sealed(disk, sealed.info.first_seq)?.facts.epoch),
        None => last_kept_epoch(disk),
    }
}

/// The log must reach as far as others know that it once did.
fn check_known_points(
    position: &Position,
    scan: &Option<Scan>,
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
    // Not merely short: something stands there that is no entry.
    if let Some(Scan { torn: Some(what), good_bytes, .. }) = scan {
        let (seq, what) = (position.next_seq, what.clone());
        return Err(StoreError::Damaged { file: ACTIVE.into(), offset: *good_bytes, seq, what });
    }
    let found_entries = position.next_seq;
    Err(StoreError::RolledBack { expected_entries: known, found_entries, witness })
}

/// The tiles up to the last entry, made again from segments if they are not what the latest
/// checkpoint sealed.
fn grow_tiles(
    disk: &Disk,
    sealed: &[Sealed],
    scan: Option<&Scan>,
    position: &Position,
    note: &LastNote,
    facts: &Facts,
    repairs: &mut Repairs,
) -> Result<(TileWriter, Tree, Option<Hash>)> {
    let first = position.first_seq;
    let leaves = scan.map_or(&[][..], |scan| &scan.leaves);
    let storage = &*disk.storage;
    let opened = TileWriter::open(storage, &disk.root, FILE_MODE, first, first);
    if let Ok(tiles) = opened
        && let Some(grown) = grow(tiles, leaves, note, facts)
    {
        return Ok(grown);
    }
    let oldest = sealed.first().map_or(first, |sealed| sealed.info.first_seq);
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
    let size = note.note.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    let what = if oldest > 0 { Damage::Tiles } else { Damage::Root };
    let grown = grow(tiles, leaves, note, facts);
    repairs.add(Rebuilt::Tiles);
    grown.ok_or(StoreError::Damaged { file: CHECKPOINT.into(), offset: 0, seq: size, what })
}

/// Appends the leaves of the active segment; `None` if the root is not the latest checkpoint's.
fn grow(
    mut tiles: TileWriter,
    leaves: &[Hash],
    note: &LastNote,
    facts: &Facts,
) -> Option<(TileWriter, Tree, Option<Hash>)> {
    let segment_tree = tiles.tree().clone();
    let note = note.note.as_ref().map(|(_, checkpoint)| checkpoint);
    let epoch_size = facts.epoch.as_ref().map(|(_, seq)| seq + 1);
    let mut epoch_root = None;
    let mut is_right = note.is_none_or(|note| note.size < tiles.tree().len());
    let mut look = |tree: &Tree| {
        if epoch_size == Some(tree.len()) {
            epoch_root = Some(tree.root());
        }
        is_right |= note.is_some_and(|note| note.size == tree.len() && note.root == tree.root());
    };
    look(tiles.tree());
    for leaf in leaves {
        tiles.push(*leaf);
        look(tiles.tree());
    }
    is_right.then_some((tiles, segment_tree, epoch_root))
}

/// Decides between the keys on disk and finishes a change of epochs that was cut short.
fn settle_epoch(disk: &Disk, known: &mut Known, notes_tail: &mut Tail) -> Result<()> {
    let Some((epoch, seq)) = &known.epoch else {
        let found = known.signer.verifier().to_string();
        return match &known.first_key {
            Some(expected) if *expected != found => {
                let (path, expected) = (disk.path(EPOCH_KEY), expected.clone());
                Err(StoreError::OtherKey { path, expected, found })
            }
            _ => drop_next(disk, known),
        };
    };
    if known.signer.verifier().to_string() == epoch.new_key {
        return drop_next(disk, known);
    }
    let next = known.next_signer.take();
    let Some(next) = next.filter(|next| next.verifier().to_string() == epoch.new_key) else {
        let (path, expected) = (disk.path(EPOCH_KEY), epoch.new_key.clone());
        let found = known.signer.verifier().to_string();
        return Err(StoreError::OtherKey { path, expected, found });
    };
    let size = seq + 1;
    let last_size = known.note.note.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    if last_size < size {
        let root = known.epoch_root;
        let root =
            root.ok_or(StoreError::Refused { why: "the seal of an old epoch is missing" })?;
        let note = seal::note_of(&known.signer, size, root)?;
        notes::list(notes_tail, &note.text)?;
        notes::make_latest(disk, &note.text)?;
        let checkpoint = crate::audit::checkpoint::Checkpoint {
            origin: known.signer.verifier().name().to_owned(),
            size,
            root,
        };
        known.note.note = Some((note.text, checkpoint));
    }
    replace_secret(&*disk.storage, &disk.path(EPOCH_KEY), key_text(&next).as_bytes())?;
    known.signer = next;
    known.repairs.add(Rebuilt::EpochKey);
    drop_next(disk, known)
}

fn drop_next(disk: &Disk, known: &mut Known) -> Result<()> {
    known.next_signer = None;
    Ok(wipe_secret(&*disk.storage, &disk.path(EPOCH_NEXT))?)
}

/// Keeps the bytes behind `good_bytes` of a file under a name of their own, then cuts them off.
fn cut(disk: &Disk, from: TornFrom, good_bytes: u64, seq: u64) -> Result<()> {
    let name = from.as_str();
    let path = disk.path(name);
    let Some(mut file) = disk.open(name, OpenHow::Append)? else { return Ok(()) };
    if at("looking at", &path, file.stat())?.len <= good_bytes {
        return Ok(());
    }
    let mut bytes = Vec::new();
    if let Some(file) = disk.open(name, OpenHow::Read)? {
        let mut reader = FileReader { file, offset: good_bytes };
        at("reading", &path, reader.read_to_end(&mut bytes))?;
    }
    let mut place = TornPlace { seq, from, offset: good_bytes, piece: 0 };
    let name_of = |place: &TornPlace| format!("{TORN_DIR}/{}", place.name());
    loop {
        match disk.read(&name_of(&place))? {
            // A crash came between the copy and the cut.
            Some(kept) if kept == bytes => break,
            Some(_) => place.piece += 1,
            None => {
                disk.replace(&name_of(&place), &bytes)?;
                break;
            }
        }
    }
    at("cutting a torn end off", &path, file.set_len(good_bytes))?;
    at("syncing", &path, file.sync())
}

/// Torn bytes that are kept and that no entry tells of yet.
fn untold(disk: &Disk, next_seq: u64, told: &[String]) -> Result<Vec<TornPiece>> {
    let mut pieces = Vec::new();
    let mut names = disk.list(TORN_DIR)?;
    names.sort_unstable();
    for name in names {
        let kept = format!("{TORN_DIR}/{name}");
        let place = TornPlace::parse(&name);
        // The entry that tells of it is the first one after the cut, or the second of a segment.
        let Some(place) = place.filter(|place| place.seq + 1 >= next_seq && !told.contains(&kept))
        else {
            continue;
        };
        let bytes = disk.read(&kept)?.unwrap_or_default();
        pieces.push(TornPiece {
            kept,
            from: place.from,
            offset: place.offset,
            bytes: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
        });
    }
    Ok(pieces)
}

/// What is still to be written before the log is open.
struct Beginning {
    torn: Vec<TornPiece>,
    rebuilt: Vec<Rebuilt>,
    is_new: bool,
    needs_segment: bool,
}

fn begin(
    host: Host,
    disk: Disk,
    lock: Box<dyn StorageFile>,
    options: Options,
    mut known: Known,
) -> Result<(AuditLog, Beginning)> {
    let whole = known.scan.as_ref().filter(|scan| !scan.leaves.is_empty());
    let has_active = whole.is_some();
    let segment_since = whole.map(|scan| scan.first_unix_nanos);
    let last_unix_nanos = whole.map_or(0, |scan| scan.last_unix_nanos);
    let good_bytes = known.scan.as_ref().map_or(0, |scan| scan.good_bytes);
    if !known.note.torn.is_empty() {
        cut(&disk, TornFrom::Checkpoints, known.note.good_bytes, known.next_seq)?;
    }
    let mut notes_tail = Tail::open(&disk, CHECKPOINTS)?;
    last_kept(&disk)?;
    settle_epoch(&disk, &mut known, &mut notes_tail)?;
    restore_latest(&disk, &mut known)?;
    cut(&disk, TornFrom::Active, good_bytes, known.next_seq)?;
    let torn = untold(&disk, known.next_seq, &known.torn_told)?;
    let active = if has_active {
        Active::Open(Tail::open(&disk, ACTIVE)?)
    } else {
        Active::Next { rename_from: None }
    };
    let beginning = Beginning {
        rebuilt: std::mem::take(&mut known.repairs.rebuilt),
        is_new: known.next_seq == 0,
        needs_segment: !has_active && known.next_seq > 0,
        torn,
    };
    let recovered_bytes = beginning.torn.iter().map(|piece| piece.bytes).sum();
    let counts = Counts { last_unix_nanos, recovered_bytes, ..Counts::default() };
    let now = host.clock.unix_nanos();
    let (chain, saved_seq) = chain_of(known.chain_state.as_ref(), known.entries_per_key);
    let log = AuditLog {
        disk,
        _lock: lock,
        clock: host.clock,
        random: host.random,
        entries_per_key: known.entries_per_key,
        signer: known.signer,
        next_signer: None,
        epoch: known.epoch.map_or(0, |(epoch, _)| epoch.number),
        epoch_since: now,
        chain,
        last: known.last,
        next_seq: known.next_seq,
        tiles: known.tiles,
        seals: 0,
        active,
        segment_first: known.first_seq,
        segment_number: known.number,
        segment_since: segment_since.unwrap_or(now),
        segment_tree: known.segment_tree,
        staged: Vec::with_capacity(options.staged_bytes_max.min(1 << 20)),
        members: Vec::new(),
        committed: known.next_seq,
        sealed: known.sealed,
        removals: Vec::new(),
        check_next: 0,
        notes: notes_tail,
        pending_notes: Vec::new(),
        sealed_size: known.note.note.map_or(0, |(_, checkpoint)| checkpoint.size),
        sealed_since: now,
        saved_seq,
        saved_since: now,
        counts,
        reports: Vec::new(),
        is_closed: false,
        options,
    };
    Ok((log, beginning))
}

/// `checkpoint` is the last note of `checkpoints`.
fn restore_latest(disk: &Disk, known: &mut Known) -> Result<()> {
    let Some((text, _)) = &known.note.note else { return Ok(()) };
    if disk.read(CHECKPOINT)?.as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    notes::make_latest(disk, text)?;
    known.repairs.add(Rebuilt::Checkpoint);
    Ok(())
}

impl AuditLog {
    /// The entries that an opening writes.
    fn start(&mut self, beginning: Beginning) -> Result<()> {
        if beginning.needs_segment
            && let Some(last) = self.sealed.pop()
        {
            let sealed_at = self.clock.unix_nanos();
            self.stage_segment(RotateReason::Recovery, Sealed { sealed_at, ..last })?;
        }
        let Beginning { torn, rebuilt, is_new, .. } = beginning;
        if !torn.is_empty() || !rebuilt.is_empty() {
            self.append_control(&Control::Recovery(Recovery { torn, rebuilt }))?;
        }
        let start = Start {
            origin: self.origin().to_owned(),
            scheme: self.options.scheme,
            ratchet: if self.options.scheme == Scheme::Mac { self.entries_per_key } else { 0 },
            checkpoint_seconds: self.options.checkpoint_seconds,
            checkpoint_entries: self.options.checkpoint_entries,
            public_key: self.signer.verifier().to_string(),
            writer: concat!("ringseal ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        self.append_control(&Control::Start(start))?;
        self.commit()?;
        self.check_integrity(Trigger::Startup)?;
        self.commit()?;
        if is_new { self.seal() } else { self.change_epoch() }
    }
}
