//! Logs that are written to while they are read.
use super::*;
use crate::proof::{ProveError, prove_inclusion};
use crate::store::AuditLog;

/// More entries than the reader buffers.
const SEGMENT_ENTRIES: u64 = 12_000;

/// A log with one long sealed segment, whose writer is still open.
fn in_use() -> (Fixture, AuditLog) {
    let mut fixture = Fixture::new();
    let options = LogOptions { checkpoint_entries: 1 << 20, ..LogOptions::default() };
    let mut log = fixture.open(options);
    for _ in 0..SEGMENT_ENTRIES / 250 {
        fixture.append(&mut log, 250);
    }
    log.rotate(RotateReason::Manual).unwrap();
    fixture.append(&mut log, 50);
    log.checkpoint().unwrap();
    (fixture, log)
}

/// Rotates: the active file is renamed and a new one created.
fn rotate(fixture: &mut Fixture, log: &mut AuditLog) {
    fixture.append(log, 5);
    log.rotate(RotateReason::Manual).unwrap();
    fixture.append(log, 5);
    log.checkpoint().unwrap();
}

#[test]
fn a_log_rotated_during_verification_is_intact() {
    let (mut fixture, mut log) = in_use();
    let (disk, options, mut rotations) = (fixture.disk.clone(), fixture.options(), 0);
    let report = verify(&disk, Path::new(DIR), &options, &mut |_| {
        if rotations == 0 {
            rotate(&mut fixture, &mut log);
            rotations += 1;
        }
    });
    assert_intact(&report);
    assert_eq!(report.segments, 3, "it was read again");
}

#[test]
fn a_constantly_changing_log_is_unchecked() {
    let (mut fixture, mut log) = in_use();
    let (disk, options) = (fixture.disk.clone(), fixture.options());
    let mut last = u64::MAX;
    let report = verify(&disk, Path::new(DIR), &options, &mut |progress| {
        // Once per attempt.
        if progress.entries < last {
            rotate(&mut fixture, &mut log);
        }
        last = progress.entries;
    });
    assert_eq!(report.outcome, VerifyOutcome::Unchecked, "{:?}", report.first_bad);
    assert!(report.problem.unwrap().contains("changed during each of 8 attempts"));
}

#[test]
fn a_changed_entry_is_found_despite_rotation() {
    let (mut fixture, mut log) = in_use();
    let mut files = fixture.files();
    let name = files.keys().find(|name| name.starts_with("audit-")).unwrap().clone();
    let bytes = files.get_mut(&name).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    let path = Path::new(DIR).join(&name);
    fixture.disk.put(&path, bytes);
    let (disk, options, mut rotations) = (fixture.disk.clone(), fixture.options(), 0);
    let report = verify(&disk, Path::new(DIR), &options, &mut |_| {
        if rotations == 0 {
            rotate(&mut fixture, &mut log);
            rotations += 1;
        }
    });
    assert_eq!(report.outcome, VerifyOutcome::Tampered);
    assert_eq!(report.first_bad.unwrap().place.file, name);
}

#[test]
fn a_missing_entry_is_reported_without_retries() {
    let (fixture, _log) = in_use();
    let proof = prove_inclusion(&fixture.disk, Path::new(DIR), &fixture.root, 1 << 30);
    assert!(matches!(proof, Err(ProveError::NoEntry { .. })));
}
