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
use super::know::{Known, chain_of, know};
use super::names::{
    ACTIVE, CHAIN_KEY, CHECKPOINT, CHECKPOINTS, EPOCH_KEY, EPOCH_NEXT, KEYS_DIR, LOCK, TORN_DIR,
    TornPlace,
};
use super::prune::{last_kept, remove_segment};
use super::rotate::Sealed;
use super::{Active, AuditLog, Host, Options, StoreError, notes, seal};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::entry::Scheme;
use crate::audit::entry::control::{
    Control, Rebuilt, Recovery, RotateReason, Start, TornFrom, TornPiece, Trigger,
};
use crate::audit::keys::{KeyPaths, keygen, replace_secret, wipe_secret};
use crate::audit::note::Verifier;
use crate::digest::Sha256;
use crate::storage::{FileLock, OpenHow};

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

pub(super) fn lock(disk: &Disk) -> Result<FileLock> {
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
        let checkpoint =
            Checkpoint { origin: known.signer.verifier().name().to_owned(), size, root };
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
    lock: FileLock,
    options: Options,
    mut known: Known,
) -> Result<(AuditLog, Beginning)> {
    let whole = known.scan.as_ref().filter(|scan| !scan.leaves.is_empty());
    let has_active = whole.is_some();
    let segment_since = whole.map(|scan| scan.first_unix_nanos);
    let last_unix_nanos = whole.map_or(0, |scan| scan.last_unix_nanos);
    let good_bytes = known.scan.as_ref().map_or(0, |scan| scan.good_bytes);
    for first_seq in std::mem::take(&mut known.leftovers) {
        remove_segment(&disk, first_seq)?;
    }
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
        opened_seq: known.next_seq,
        tap: None,
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
