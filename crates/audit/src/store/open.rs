//! Opening a log: load its state, recover from a crash, continue.
//!
//! Nothing is changed until the loaded state was found to be consistent. Then, in this order: an interrupted change of
//! epochs is finished, torn bytes are copied elsewhere and cut off, and the entries that record this are written. A
//! crash at any point leaves a state that the next opening can continue from.
use std::io::{self, Read};
use std::path::Path;

use super::disk::{Disk, FILE_MODE, Result, Tail, with_path};
use super::epoch::key_text;
use super::health::Counts;
use super::load::{LogState, chain_of, load};
use super::names::{
    ACTIVE, CHAIN_KEY, CHAIN_NEXT, CHECKPOINT, CHECKPOINT_NEXT, CHECKPOINTS, EPOCH_KEY, EPOCH_NEXT,
    KEYS_DIR, LOCK, STATE, TORN_DIR, TornName,
};
use super::prune::{remove_segment, repair_kept};
use super::rotate::Sealed;
use super::state::{self, FoundState, StateFile};
use super::{
    Active, AuditLog, Host, LogOptions, MaintenanceReport, OnDamage, StoreError, checkpoint_files,
    seal, set_aside,
};
use crate::checkpoint::Checkpoint;
use crate::entry::Scheme;
use crate::entry::control::{
    Continued, Control, FORMAT, NUMBER_MAX, Rebuilt, Recovery, RotateReason, Start, StateMismatch,
    StatePlace, TornFrom, TornPiece, Trigger,
};
use crate::keys::{KeyPaths, keygen, replace_secret, wipe_secret};
use crate::note::Verifier;
use ringseal_base::digest::Sha256;
use ringseal_base::storage::{FileLock, FileReader, OpenMode};

impl AuditLog {
    /// Makes the directory and the keys of a new log. `audit.pub` and `audit.mac` are written to the directory `away`;
    /// keep `audit.mac` off the host.
    pub fn create(host: &mut Host, dir: &Path, away: &Path, origin: &str) -> Result<Verifier> {
        let disk = Disk::new(host.storage.clone(), dir, None);
        disk.create_dir("")?;
        let paths = KeyPaths { keys: dir.join(KEYS_DIR), ..KeyPaths::in_dir(away) };
        Ok(keygen(&*host.storage, &paths, origin, &mut *host.random)?)
    }

    /// Opens a log whose keys exist, recovers from a crash, and begins a new epoch.
    pub fn open(host: Host, dir: &Path, options: LogOptions) -> Result<AuditLog> {
        if let Some((field, expected)) = options.problem() {
            return Err(StoreError::Option { field, expected });
        }
        let disk = Disk::new(host.storage.clone(), dir, options.state_dir.as_deref());
        let lock = lock(&disk)?;
        let mut continued = set_aside::resume(&disk, &options)?;
        let state = match load(&disk, &options) {
            Err(error) if error.is_damage() && options.on_damage == OnDamage::SetAside => {
                set_aside::begin(&disk, &options, &error)?;
                continued = set_aside::resume(&disk, &options)?;
                load(&disk, &options)?
            }
            loaded => loaded?,
        };
        check_keys(&disk, &state)?;
        // Nothing was changed until here: a log that cannot be opened stays as it was found.
        remove_unfinished(&disk)?;
        disk.create_dir(TORN_DIR)?;
        let (mut log, mut pending) = recover(host, disk, lock, options, state)?;
        pending.continued = continued;
        let result = log.start(pending);
        if result.is_err() {
            // The next opening continues after the completed steps.
            log.is_closed = true;
        }
        result.map(|()| log)
    }
}

pub(super) fn lock(disk: &Disk) -> Result<FileLock> {
    let path = disk.path(LOCK);
    match disk.storage.lock(&path, FILE_MODE) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::Locked { path }),
        result => with_path("locking", &path, result),
    }
}

/// Removes temporary files of a process that died before renaming them.
fn remove_unfinished(disk: &Disk) -> Result<()> {
    for dir in ["", TORN_DIR] {
        for name in disk.list(dir)? {
            if name.ends_with(".tmp") {
                disk.remove(&if dir.is_empty() { name } else { format!("{dir}/{name}") })?;
            }
        }
    }
    for secret in [EPOCH_KEY, EPOCH_NEXT, CHAIN_KEY, CHAIN_NEXT, STATE] {
        wipe_secret(&*disk.storage, &disk.secret(&format!("{secret}.tmp")))?;
    }
    // Of a log that was about to be set aside.
    Ok(wipe_secret(&*disk.storage, &disk.secret(CHAIN_NEXT))?)
}

/// One of the keys on disk must be the one that the log names.
fn check_keys(disk: &Disk, state: &LogState) -> Result<()> {
    let expected = match &state.epoch {
        Some((epoch, _)) => Some(&epoch.new_key),
        None => state.first_key.as_ref(),
    };
    let Some(expected) = expected else { return Ok(()) };
    let found = state.signer.verifier().to_string();
    if found == *expected {
        return Ok(());
    }
    let next = state.next_signer.as_ref().filter(|_| state.epoch.is_some());
    if next.is_none_or(|next| next.verifier().to_string() != *expected) {
        let (path, expected) = (disk.secret(EPOCH_KEY), expected.clone());
        return Err(StoreError::WrongKey { path, expected, found });
    }
    Ok(())
}

/// Chooses between the keys on disk and finishes a change of epochs that was interrupted.
fn resume_epoch_change(disk: &Disk, state: &mut LogState, notes_tail: &mut Tail) -> Result<()> {
    let Some((epoch, seq)) = &state.epoch else { return discard_next_key(disk, state) };
    if state.signer.verifier().to_string() == epoch.new_key {
        return discard_next_key(disk, state);
    }
    // Otherwise the next key is the one that the log names: `check_keys`.
    let Some(next) = state.next_signer.take() else { return Ok(()) };
    let size = seq + 1;
    let last_size = state.note.note.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    if last_size < size {
        let root = state.epoch_root;
        let root = root.ok_or(StoreError::Refused {
            why: "the checkpoint that ends an old epoch is missing",
        })?;
        let note = seal::sign_note(&state.signer, size, root)?;
        checkpoint_files::append_note(notes_tail, &note.text)?;
        checkpoint_files::replace_latest(disk, &note.text)?;
        let checkpoint =
            Checkpoint { origin: state.signer.verifier().name().to_owned(), size, root };
        state.note.note = Some((note.text, checkpoint));
    }
    if let FoundState::Valid { record } = &state.state {
        // The old key is about to be erased. A state for the next key may not be durable yet, and power loss would
        // bring back one that only the old key checks.
        let saved = state.chain_state.as_ref();
        let chain = state::key_at(saved, state.entries_per_key, record.entries).flatten();
        let record = state::rewrite(disk, *record, &next, chain.as_ref())?;
        state.state = FoundState::Valid { record };
    }
    replace_secret(&*disk.storage, &disk.secret(EPOCH_KEY), key_text(&next).as_bytes())?;
    state.is_marked = true;
    state.signer = next;
    state.repairs.add(Rebuilt::EpochKey);
    discard_next_key(disk, state)
}

fn discard_next_key(disk: &Disk, state: &mut LogState) -> Result<()> {
    state.next_signer = None;
    Ok(wipe_secret(&*disk.storage, &disk.secret(EPOCH_NEXT))?)
}

/// Copies the bytes after `good_bytes` of a file to a file in `torn`, then cuts them off.
fn cut_torn(disk: &Disk, from: TornFrom, good_bytes: u64, seq: u64) -> Result<()> {
    let name = from.as_str();
    let path = disk.path(name);
    let Some(mut file) = disk.open(name, OpenMode::Append)? else { return Ok(()) };
    if with_path("reading the metadata of", &path, file.stat())?.len <= good_bytes {
        return Ok(());
    }
    let mut bytes = Vec::new();
    if let Some(file) = disk.open(name, OpenMode::Read)? {
        let mut reader = FileReader { file, offset: good_bytes };
        with_path("reading", &path, reader.read_to_end(&mut bytes))?;
    }
    let mut torn = TornName { seq, from, offset: good_bytes, piece: 0 };
    let name_of = |torn: &TornName| format!("{TORN_DIR}/{}", torn.name());
    loop {
        match disk.read(&name_of(&torn))? {
            // The process crashed between the copy and the cut.
            Some(kept) if kept == bytes => break,
            Some(_) => torn.piece += 1,
            None => {
                disk.replace(&name_of(&torn), &bytes)?;
                break;
            }
        }
    }
    with_path("removing a torn end from", &path, file.set_len(good_bytes))?;
    with_path("syncing", &path, file.sync())
}

/// Torn bytes that are kept and not yet recorded by an entry.
fn unreported_torn(disk: &Disk, next_seq: u64, reported: &[String]) -> Result<Vec<TornPiece>> {
    let mut pieces = Vec::new();
    let mut names = disk.list(TORN_DIR)?;
    names.sort_unstable();
    for name in names {
        let kept = format!("{TORN_DIR}/{name}");
        let torn = TornName::parse(&name);
        // The entry that records them is the first one after the cut, or the second of a segment.
        let Some(torn) = torn.filter(|torn| torn.seq + 1 >= next_seq && !reported.contains(&kept))
        else {
            continue;
        };
        let bytes = disk.read(&kept)?.unwrap_or_default();
        pieces.push(TornPiece {
            kept,
            from: torn.from,
            offset: torn.offset,
            bytes: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
        });
    }
    Ok(pieces)
}

/// Entries to be written before the log counts as open.
struct PendingEntries {
    continued: Option<Continued>,
    mismatch: Option<StateMismatch>,
    is_marked: bool,
    torn: Vec<TornPiece>,
    rebuilt: Vec<Rebuilt>,
    is_new: bool,
    needs_segment: bool,
}

fn recover(
    host: Host,
    disk: Disk,
    lock: FileLock,
    options: LogOptions,
    mut state: LogState,
) -> Result<(AuditLog, PendingEntries)> {
    let whole = state.scan.as_ref().filter(|scan| !scan.leaves.is_empty());
    let has_active = whole.is_some();
    let segment_since = whole.map(|scan| scan.first_unix_nanos);
    let last_unix_nanos = whole.map_or(0, |scan| scan.last_unix_nanos);
    let good_bytes = state.scan.as_ref().map_or(0, |scan| scan.good_bytes);
    for first_seq in std::mem::take(&mut state.leftovers) {
        remove_segment(&disk, first_seq)?;
    }
    if !state.note.torn.is_empty() {
        cut_torn(&disk, TornFrom::Checkpoints, state.note.good_bytes, state.next_seq)?;
    }
    let mut notes_tail = Tail::open(&disk, CHECKPOINTS)?;
    repair_kept(&disk)?;
    resume_epoch_change(&disk, &mut state, &mut notes_tail)?;
    seal_stop(&disk, &mut state, &mut notes_tail)?;
    restore_checkpoint(&disk, &mut state)?;
    cut_torn(&disk, TornFrom::Active, good_bytes, state.next_seq)?;
    let torn = unreported_torn(&disk, state.next_seq, &state.torn_reported)?;
    let active = if has_active {
        Active::Open(Tail::open(&disk, ACTIVE)?)
    } else {
        Active::Next { rename_from: None }
    };
    let pending = PendingEntries {
        continued: None,
        mismatch: state.mismatch,
        is_marked: state.is_marked,
        rebuilt: std::mem::take(&mut state.repairs.rebuilt),
        is_new: state.next_seq == 0,
        needs_segment: !has_active && state.next_seq > 0,
        torn,
    };
    let recovered_bytes = pending.torn.iter().map(|piece| piece.bytes).sum();
    let state_mismatch = pending.mismatch;
    let counts = Counts { last_unix_nanos, recovered_bytes, state_mismatch, ..Counts::default() };
    let reports = state_mismatch.map(MaintenanceReport::StateMismatch).into_iter().collect();
    let now = host.clock.unix_nanos();
    let (chain, saved_seq) = chain_of(state.chain_state.as_ref(), state.entries_per_key);
    let log = AuditLog {
        disk,
        _lock: lock,
        clock: host.clock,
        random: host.random,
        entries_per_key: state.entries_per_key,
        signer: state.signer,
        next_signer: None,
        epoch: state.epoch.map_or(0, |(epoch, _)| epoch.number),
        epoch_since: now,
        chain,
        last: state.last,
        next_seq: state.next_seq,
        tiles: state.tiles,
        state: StateFile::after(state.state.record()),
        seals: 0,
        active,
        segment_first: state.first_seq,
        segment_number: state.number,
        segment_since: segment_since.unwrap_or(now),
        segment_tree: state.segment_tree,
        staged: Vec::with_capacity(options.staged_bytes_max.min(1 << 20)),
        members: Vec::new(),
        committed: state.next_seq,
        opened_seq: state.next_seq,
        listener: None,
        sealed: state.sealed,
        removals: Vec::new(),
        check_next: 0,
        notes: notes_tail,
        pending_notes: Vec::new(),
        sealed_size: state.note.note.map_or(0, |(_, checkpoint)| checkpoint.size),
        sealed_since: now,
        saved_seq,
        saved_since: now,
        counts,
        reports,
        is_closed: false,
        options,
    };
    Ok((log, pending))
}

/// Publishes the checkpoint over a stop entry, if the process ended between the two.
fn seal_stop(disk: &Disk, state: &mut LogState, notes_tail: &mut Tail) -> Result<()> {
    let Some(bytes) = disk.read_note(CHECKPOINT_NEXT)? else { return Ok(()) };
    let last_size = state.note.note.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    let checkpoint = Checkpoint::open(&bytes, state.signer.verifier()).ok().filter(|found| {
        let tree = state.tiles.tree();
        found.size == tree.len() && found.size > last_size && found.root == tree.root()
    });
    if let Some(checkpoint) = checkpoint {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        checkpoint_files::append_note(notes_tail, &text)?;
        state.note.note = Some((text, checkpoint));
    }
    disk.remove(CHECKPOINT_NEXT).map(drop)
}

/// Makes `checkpoint` the last note of `checkpoints` again.
fn restore_checkpoint(disk: &Disk, state: &mut LogState) -> Result<()> {
    let Some((text, _)) = &state.note.note else { return Ok(()) };
    if disk.read_note(CHECKPOINT)?.as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    checkpoint_files::replace_latest(disk, text)?;
    state.repairs.add(Rebuilt::Checkpoint);
    Ok(())
}

impl AuditLog {
    /// Writes the entries of an opening.
    fn start(&mut self, pending: PendingEntries) -> Result<()> {
        if !pending.is_marked {
            // The first opening by a writer of this format: from here on, a missing state is a finding.
            self.sync_state()?;
            let (path, text) = (self.disk.secret(EPOCH_KEY), key_text(&self.signer));
            replace_secret(&*self.disk.storage, &path, text.as_bytes())?;
        }
        if pending.needs_segment
            && let Some(last) = self.sealed.pop()
        {
            let sealed_at = self.clock.unix_nanos();
            self.stage_segment(RotateReason::Recovery, Sealed { sealed_at, ..last })?;
        }
        let PendingEntries { torn, rebuilt, is_new, mismatch, continued, .. } = pending;
        if let Some(continued) = &continued {
            self.counts.set_aside = Some(continued.dir.clone());
            self.report(MaintenanceReport::SetAside(continued.clone()));
        }
        if !torn.is_empty() || !rebuilt.is_empty() || mismatch.is_some() {
            self.append_control(&Control::Recovery(Recovery { torn, rebuilt, mismatch }))?;
        }
        let start = Start {
            continued,
            format: FORMAT,
            state: if self.disk.keys.starts_with(&self.disk.root) {
                StatePlace::Log
            } else {
                StatePlace::Separate
            },
            origin: self.origin().to_owned(),
            scheme: self.options.scheme,
            ratchet: if self.options.scheme == Scheme::Mac { self.entries_per_key } else { 0 },
            checkpoint_seconds: self.options.checkpoint_seconds.min(NUMBER_MAX),
            checkpoint_entries: self.options.checkpoint_entries.min(NUMBER_MAX),
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
