//! Logs that are written to while they are read.
use super::*;
use crate::audit::proof::{ProveError, prove_inclusion};
use crate::audit::store::AuditLog;

/// More than the reader reads ahead.
const SEGMENT_ENTRIES: u64 = 12_000;

/// A log with one long segment, sealed or not, whose writer is still there.
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

/// The active file gets another name, and a new one its own.
fn turn(fixture: &mut Fixture, log: &mut AuditLog) {
    fixture.append(log, 5);
    log.rotate(RotateReason::Manual).unwrap();
    fixture.append(log, 5);
    log.checkpoint().unwrap();
}

#[test]
fn a_log_rotated_during_verification_is_intact() {
    let (mut fixture, mut log) = in_use();
    let (disk, options, mut turns) = (fixture.disk.clone(), fixture.options(), 0);
    let report = verify(&disk, Path::new(DIR), &options, &mut |_| {
        if turns == 0 {
            turn(&mut fixture, &mut log);
            turns += 1;
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
        // Once for each time that it is read.
        if progress.entries < last {
            turn(&mut fixture, &mut log);
        }
        last = progress.entries;
    });
    assert_eq!(report.outcome, VerifyOutcome::Unchecked, "{:?}", report.first_bad);
    assert!(report.problem.unwrap().contains("was written to each of the 8 times"));
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
    let (disk, options, mut turns) = (fixture.disk.clone(), fixture.options(), 0);
    let report = verify(&disk, Path::new(DIR), &options, &mut |_| {
        if turns == 0 {
            turn(&mut fixture, &mut log);
            turns += 1;
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
