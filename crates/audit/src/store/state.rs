//! The protected state: how many entries the log has and their root hash, under a MAC that needs the log's keys.
//!
//! Each commit writes its record into both slots, in one write: a write that is torn leaves one of them whole, the new
//! record or the one before. Both hold the same record, so that destroying one slot does not bring an older record
//! back. A start compares the state with the entries: a log that was changed while no process had it open differs. The
//! MAC is bound to the epoch's signing key and to the chain's present key, so that an attacker without keys can neither
//! write a state nor replace a key file with one that fits a state of their own.
//!
//! Promises: a write is one system call, allocates nothing in steady state, and does not wait for the disk;
//! [`AuditLog::sync_state`] waits. It runs before a key on disk moves forward, because a newer key cannot check an
//! older state. After power loss the state may therefore be older than the log, never newer, and the entries after it
//! are checked by the chain.
use std::io;

use super::AuditLog;
use super::disk::{Disk, Result, with_path};
use super::names::STATE;
use super::reach::AHEAD_MAX;
use crate::chain::Ratchet;
use crate::entry::control::{MismatchKind, StateMismatch};
use crate::keys::ChainKey;
use crate::note::Signer;
use ringseal_base::digest::text::{Base64, base64_array, put_base64};
use ringseal_base::digest::{Hash, HmacSha256, constant_time_eq};
use ringseal_base::storage::{OpenMode, StorageFile, read_full};

/// Bytes of a slot; each is within one sector of the disk.
const SLOT_BYTES: usize = 512;
const PREFIX: &[u8] = b"ringseal-state-v1 ";
/// The signed part of a record: prefix, counter, entries, root, epoch.
const TEXT_BYTES: usize = PREFIX.len() + 21 + 21 + 44 + 21;
/// The signed part, the MAC, and a newline.
const RECORD_BYTES: usize = TEXT_BYTES + 43 + 1;
/// What a state says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StateRecord {
    /// Counts writes; the valid record with the greatest number is the latest.
    pub counter: u64,
    pub entries: u64,
    pub root: Hash,
    pub epoch: u64,
}

impl StateRecord {
    /// The record with its MAC, padded to a slot. `text` is overwritten.
    fn slot(&self, key: &Hash, text: &mut Vec<u8>) -> [u8; SLOT_BYTES] {
        let mut slot = [b' '; SLOT_BYTES];
        text.clear();
        text.reserve(RECORD_BYTES);
        self.put(text);
        let mac = HmacSha256::new(key).of(text);
        put_base64(Base64::Url, &mac, text);
        text.push(b'\n');
        slot[..RECORD_BYTES].copy_from_slice(text);
        slot[SLOT_BYTES - 1] = b'\n';
        slot
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFIX);
        put_number(out, self.counter);
        put_number(out, self.entries);
        put_base64(Base64::Url, &self.root, out);
        out.push(b' ');
        put_number(out, self.epoch);
    }

    /// The record in a slot, and its MAC; `None` if the slot does not have the exact form.
    fn parse(slot: &[u8]) -> Option<(StateRecord, Hash)> {
        let record = slot.get(..RECORD_BYTES)?;
        let mut words = std::str::from_utf8(record).ok()?.strip_suffix('\n')?.split(' ');
        let mut next = || words.next();
        next()?;
        let counter = next()?.parse().ok()?;
        let entries = next()?.parse().ok()?;
        let root = base64_array(Base64::Url, next()?.as_bytes()).ok()?;
        let epoch = next()?.parse().ok()?;
        let mac = base64_array(Base64::Url, next()?.as_bytes()).ok()?;
        let parsed = StateRecord { counter, entries, root, epoch };
        let mut text = Vec::with_capacity(RECORD_BYTES);
        parsed.put(&mut text);
        record.starts_with(&text).then_some((parsed, mac))
    }
}

/// A number of 20 digits and a space.
fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 21];
    let mut rest = number;
    for digit in digits[..20].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits[20] = b' ';
    out.extend_from_slice(&digits);
}

/// The MAC key of a state of `entries` entries.
fn state_key(signer: &Signer, chain: Option<&ChainKey>) -> Hash {
    signer.state_key(chain.map_or(&[0; 32], ChainKey::bytes))
}

/// The state as found on disk.
#[derive(Debug)]
pub(super) enum FoundState {
    Missing,
    /// No slot is valid under the log's keys.
    Bad,
    /// It may be written for the next epoch, whose key may not be in its place yet.
    Valid {
        record: StateRecord,
    },
}

impl FoundState {
    pub fn record(&self) -> Option<&StateRecord> {
        match self {
            FoundState::Valid { record, .. } => Some(record),
            _ => None,
        }
    }
}

/// Finds the chain's key of an entry, starting from the saved one. The work grows with the distance: the caller bounds
/// the number of an entry that is not checked yet.
pub(super) fn key_at(
    saved: Option<&(u64, ChainKey)>,
    entries_per_key: u64,
    seq: u64,
) -> Option<Option<ChainKey>> {
    let Some((from, key)) = saved else { return Some(None) };
    key_after(&mut Some((*from, Ratchet::new(key, *from, entries_per_key))), seq)
}

/// The same with a ratchet that stays at the entry, for a later one: `None` if the key has been erased.
fn key_after(ratchet: &mut Option<(u64, Ratchet)>, seq: u64) -> Option<Option<ChainKey>> {
    let Some((from, ratchet)) = ratchet else { return Some(None) };
    if seq < *from {
        return None;
    }
    ratchet.key_of(seq).map(Some)
}

/// What checks a state.
pub(super) struct StateKeys<'a> {
    pub signer: &'a Signer,
    /// The key of the epoch that is about to begin.
    pub next_signer: Option<&'a Signer>,
    /// The chain's key on disk, and the entry that it signs.
    pub saved: Option<&'a (u64, ChainKey)>,
    pub entries_per_key: u64,
    /// The entries found in the log.
    pub found_entries: u64,
}

/// Reads the state and checks it with the log's keys.
pub(super) fn load(disk: &Disk, keys: &StateKeys<'_>) -> Result<FoundState> {
    let path = disk.secret(STATE);
    let file = match disk.storage.open(&path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundState::Missing),
        Err(error) => return with_path("opening", &path, Err(error)),
    };
    let mut bytes = [0; 2 * SLOT_BYTES];
    let read = with_path("reading", &path, read_full(&*file, &mut bytes, 0))?;
    let slots = bytes.get(..read).unwrap_or_default().chunks(SLOT_BYTES);
    let mut found = FoundState::Bad;
    // The key of a state with a few entries more than were found is followed, so that a log that was cut is told apart
    // from a state that is wrong.
    let entries_max = keys.found_entries.saturating_add(AHEAD_MAX);
    let mut records: Vec<_> = slots.filter_map(StateRecord::parse).collect();
    records.retain(|(record, _)| record.entries <= entries_max);
    // In the order of the ratchet, which is followed once for all.
    records.sort_by_key(|(record, _)| record.entries);
    let mut ratchet =
        keys.saved.map(|(from, key)| (*from, Ratchet::new(key, *from, keys.entries_per_key)));
    for (record, mac) in records {
        let Some(chain) = key_after(&mut ratchet, record.entries) else { continue };
        let is_newer = found.record().is_none_or(|known| known.counter < record.counter);
        for signer in std::iter::once(keys.signer).chain(keys.next_signer) {
            let mut text = Vec::with_capacity(TEXT_BYTES);
            record.put(&mut text);
            let expected = HmacSha256::new(&state_key(signer, chain.as_ref())).of(&text);
            if is_newer && constant_time_eq(&expected, &mac) {
                found = FoundState::Valid { record };
            }
        }
    }
    Ok(found)
}

/// Compares the state with the entries found: `root` is the root hash of the first entries, as many as the state
/// names or as were found.
pub(super) fn compare(
    state: &FoundState,
    is_required: bool,
    found_entries: u64,
    root: Hash,
) -> Option<StateMismatch> {
    let mismatch = |kind| {
        let record = state.record();
        Some(StateMismatch {
            kind,
            expected_entries: record.map_or(0, |record| record.entries),
            expected_root: record.map_or([0; 32], |record| record.root),
            found_entries,
            found_root: root,
        })
    };
    match state {
        FoundState::Valid { record, .. } if record.entries > found_entries => {
            mismatch(MismatchKind::Cut)
        }
        FoundState::Valid { record, .. } if record.root != root => mismatch(MismatchKind::Changed),
        FoundState::Valid { .. } => None,
        FoundState::Missing if is_required => mismatch(MismatchKind::NoState),
        FoundState::Bad if is_required => mismatch(MismatchKind::BadState),
        FoundState::Missing | FoundState::Bad => None,
    }
}

/// The file, as the running log writes it.
#[derive(Default)]
pub(super) struct StateFile {
    file: Option<Box<dyn StorageFile>>,
    /// Of the last record written.
    counter: u64,
    /// Entries of the last record written.
    written: Option<u64>,
    is_synced: bool,
    /// Kept, so that a write allocates nothing.
    text: Vec<u8>,
}

impl StateFile {
    /// Continues after this record.
    pub fn after(record: Option<&StateRecord>) -> StateFile {
        StateFile { counter: record.map_or(0, |record| record.counter), ..StateFile::default() }
    }

    fn write(&mut self, disk: &Disk, mut record: StateRecord, key: &Hash) -> Result<()> {
        self.is_synced = false;
        record.counter = self.counter + 1;
        let slot = record.slot(key, &mut self.text);
        if self.file.is_none() {
            self.file = open_or_create(disk, &slot)?;
        }
        if let Some(file) = &mut self.file {
            let mut slots = [0; 2 * SLOT_BYTES];
            slots[..SLOT_BYTES].copy_from_slice(&slot);
            slots[SLOT_BYTES..].copy_from_slice(&slot);
            let written = write_all_at(&mut **file, &slots, 0);
            if written.is_err() {
                with_path("writing", &disk.secret(STATE), written)?;
            }
        }
        (self.counter, self.written) = (record.counter, Some(record.entries));
        Ok(())
    }

    fn sync(&mut self, disk: &Disk) -> Result<()> {
        if let Some(file) = &self.file
            && !self.is_synced
        {
            with_path("syncing", &disk.secret(STATE), file.sync())?;
            self.is_synced = true;
        }
        Ok(())
    }
}

/// Opens the file for overwriting. A missing one is created, durably, with this slot twice.
fn open_or_create(disk: &Disk, slot: &[u8; SLOT_BYTES]) -> Result<Option<Box<dyn StorageFile>>> {
    let path = disk.secret(STATE);
    let open = || disk.storage.open(&path, OpenMode::Overwrite);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return with_path("opening", &path, opened).map(Some),
    }
    crate::keys::replace_secret(&*disk.storage, &path, &[&slot[..], &slot[..]].concat())?;
    with_path("opening", &path, open()).map(Some)
}

/// The slots in order, so that the first one is whole before the second one changes.
fn write_all_at(file: &mut dyn StorageFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes a state again, under the key of the epoch that is about to begin, and waits for the disk.
pub(super) fn rewrite(
    disk: &Disk,
    record: StateRecord,
    signer: &Signer,
    chain: Option<&ChainKey>,
) -> Result<StateRecord> {
    let mut file = StateFile::after(Some(&record));
    file.write(disk, record, &state_key(signer, chain))?;
    file.sync(disk)?;
    Ok(StateRecord { counter: file.counter, ..record })
}

/// Begins a state with this record in both slots, durably.
pub(super) fn begin(
    disk: &Disk,
    record: StateRecord,
    signer: &Signer,
    chain: Option<&ChainKey>,
) -> Result<()> {
    let slot = record.slot(&state_key(signer, chain), &mut Vec::new());
    let path = disk.secret(STATE);
    Ok(crate::keys::replace_secret(&*disk.storage, &path, &[&slot[..], &slot[..]].concat())?)
}

impl AuditLog {
    /// Writes the state of the committed entries, if it is not written yet.
    pub(super) fn write_state(&mut self) -> Result<()> {
        if self.state.written == Some(self.committed) || self.committed != self.next_seq {
            return Ok(());
        }
        let chain = self.chain.key(self.committed);
        let signer = self.next_signer.as_ref().unwrap_or(&self.signer);
        let epoch = self.epoch + u64::from(self.next_signer.is_some());
        let root = self.tiles.tree().root();
        let record = StateRecord { counter: 0, entries: self.committed, root, epoch };
        self.state.write(&self.disk, record, &state_key(signer, chain.as_ref()))
    }

    /// Writes the state and waits until it survives power loss. Must be called before a key on disk is replaced.
    pub(super) fn sync_state(&mut self) -> Result<()> {
        self.write_state()?;
        self.state.sync(&self.disk)
    }
}
