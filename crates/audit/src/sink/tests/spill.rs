//! The spill file on a disk that fails.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::spill::Spill;
use super::*;
use crate::merkle::leaf_hash;
#[cfg(unix)]
use ringseal_base::storage::OsStorage;
use ringseal_base::storage::Storage;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};

fn disk() -> (FaultyDisk, PathBuf) {
    let dir = Path::new("/audit");
    (FaultyDisk::new(dir), dir.join("spill"))
}

fn open(disk: &FaultyDisk, path: &Path) -> Result<Spill, AuditSinkError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Spill::open(storage, path)
}

/// All entries not consumed, read in pieces and consumed as they are read.
fn drain(spill: &mut Spill) -> Result<Vec<u64>, AuditSinkError> {
    let mut seqs = Vec::new();
    let mut batch = EntryBatch::default();
    while !spill.is_empty() {
        batch.clear();
        let end = spill.read(&mut batch, 500)?;
        seqs.extend(batch.iter().map(|entry| entry.seq));
        assert!(batch.iter().all(|entry| entry.leaf == leaf_hash(entry.line)));
        spill.consume(end)?;
    }
    Ok(seqs)
}

#[test]
fn spilled_entries_are_read_back_in_order() {
    let (disk, path) = disk();
    let lines = Lines::new(10).lines;
    let mut spill = open(&disk, &path).unwrap();
    assert!(spill.is_empty() && spill.last_seq().unwrap().is_none());
    for entry in sealed(&lines) {
        spill.append(&entry).unwrap();
    }
    let disk = disk.after_kill();
    let mut spill = open(&disk, &path).unwrap();
    assert_eq!((spill.torn_bytes(), spill.last_seq().unwrap()), (0, Some(9)));
    assert_eq!(drain(&mut spill).unwrap(), (0..10).collect::<Vec<_>>());
    assert_eq!(disk.files()[&path].len(), 0, "emptied once all is read");
    spill.append(&sealed(&lines)[3]).unwrap();
    assert_eq!(drain(&mut spill).unwrap(), [3]);
}

#[test]
fn a_torn_end_is_cut_and_counted() {
    let (disk, path) = disk();
    let lines = Lines::new(3).lines;
    let mut spill = open(&disk, &path).unwrap();
    for entry in &sealed(&lines)[..2] {
        spill.append(entry).unwrap();
    }
    let whole = disk.files()[&path].len();
    spill.append(&sealed(&lines)[2]).unwrap();
    let bytes = disk.files()[&path].clone();
    for len in whole..bytes.len() {
        disk.put(&path, &bytes[..len]);
        let mut spill = open(&disk, &path).unwrap();
        assert_eq!(spill.torn_bytes(), (len - whole) as u64);
        assert_eq!(disk.files()[&path].len(), whole, "cut");
        assert_eq!(drain(&mut spill).unwrap(), [0, 1]);
    }
    // Blocks at the end that power loss left as zeros.
    let mut zeros = bytes.clone();
    zeros[whole + 60..].fill(0);
    disk.put(&path, &zeros);
    assert_eq!(drain(&mut open(&disk, &path).unwrap()).unwrap(), [0, 1]);
}

#[test]
fn damage_before_the_end_is_an_error() {
    let (disk, path) = disk();
    let lines = Lines::new(3).lines;
    let mut spill = open(&disk, &path).unwrap();
    let mut ends = Vec::new();
    for entry in sealed(&lines) {
        spill.append(&entry).unwrap();
        ends.push(disk.files()[&path].len());
    }
    let bytes = disk.files()[&path].clone();
    for at in ends[0]..ends[1] {
        // The sink compares number and time; the hash covers only the line.
        if (ends[0] + 4..ends[0] + 20).contains(&at) {
            continue;
        }
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        disk.put(&path, &damaged);
        match open(&disk, &path) {
            Err(AuditSinkError::Spill { offset, .. }) => assert_eq!(offset, ends[0] as u64),
            // A length that reaches past the end looks like a torn end.
            Ok(spill) => assert!(at < ends[0] + 4 && spill.torn_bytes() > 0, "byte {at}"),
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn damage_in_use_hides_no_earlier_entries() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spill");
    let mut spill = Spill::open(Arc::new(OsStorage), &path).unwrap();
    let lines = Lines::new(3).lines;
    let mut ends = Vec::new();
    for entry in sealed(&lines) {
        spill.append(&entry).unwrap();
        ends.push(std::fs::metadata(&path).unwrap().len());
    }
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"x", ends[1] - 1).unwrap();
    let mut batch = EntryBatch::default();
    let end = spill.read(&mut batch, usize::MAX).unwrap();
    assert_eq!((batch.last_seq(), end), (Some(0), ends[0]));
    spill.consume(end).unwrap();
    let error = spill.read(&mut batch, usize::MAX).unwrap_err();
    assert!(matches!(error, AuditSinkError::Spill { offset, .. } if offset == ends[0]), "{error}");
}

#[test]
fn a_failed_append_is_undone() {
    let lines = Lines::new(3).lines;
    let entries = sealed(&lines);
    for room in 0..entries[1].line.len() + 52 {
        let (disk, path) = disk();
        let mut spill = open(&disk, &path).unwrap();
        spill.append(&entries[0]).unwrap();
        let len = disk.files()[&path].len();
        disk.set_faults(Faults { capacity_bytes: len + room, ..Faults::default() });
        let error = spill.append(&entries[1]).unwrap_err();
        assert!(matches!(error, AuditSinkError::Io { action: "append to", .. }), "{error}");
        disk.set_faults(Faults::default());
        spill.append(&entries[1]).unwrap();
        spill.append(&entries[2]).unwrap();
        assert_eq!(drain(&mut spill).unwrap(), [0, 1, 2], "{room} bytes of room");
    }
}

#[test]
fn prepending_held_entries_is_atomic() {
    let lines = Lines::new(6).lines;
    let entries = sealed(&lines);
    let prepare = || {
        let (disk, path) = disk();
        let mut spill = open(&disk, &path).unwrap();
        entries[3..].iter().for_each(|entry| spill.append(entry).unwrap());
        // A consumed entry does not come back.
        let mut batch = EntryBatch::default();
        let end = spill.read(&mut batch, 1).unwrap();
        spill.consume(end).unwrap();
        (disk, path, spill)
    };
    let (mut held, mut empty) = (EntryBatch::default(), EntryBatch::default());
    entries[..3].iter().for_each(|entry| held.push(entry));
    empty.clear();
    let (disk, path, mut spill) = prepare();
    let before = disk.calls();
    spill.prepend(&[&held, &empty]).unwrap();
    let calls = disk.calls() - before;
    assert_eq!(drain(&mut spill).unwrap(), [0, 1, 2, 4, 5]);
    assert_eq!(disk.files().len(), 1, "no temporary file is left");
    assert!(disk.files().contains_key(&path));
    for kill in 0..calls {
        let (disk, path, mut spill) = prepare();
        let call = disk.calls() + kill;
        disk.set_faults(Faults { kill_call: Some((call, 7)), ..Faults::default() });
        let _ = spill.prepend(&[&held]);
        let found = drain(&mut open(&disk.after_kill(), &path).unwrap()).unwrap();
        assert!(found == [3, 4, 5] || found == [0, 1, 2, 4, 5], "call {kill}: {found:?}");
        // A failure that the process survives leaves the old content or the new.
        let (disk, path, mut spill) = prepare();
        let fault = (disk.calls() + kill, io::ErrorKind::Other);
        disk.set_faults(Faults { fail_call: Some(fault), ..Faults::default() });
        let result = spill.prepend(&[&held]);
        let found = drain(&mut open(&disk, &path).unwrap()).unwrap();
        let is_new = found == [0, 1, 2, 4, 5];
        assert!(is_new || found == [3, 4, 5], "call {kill}: {found:?}");
        assert!(is_new || result.is_err(), "call {kill}: it returned Ok");
    }
}
