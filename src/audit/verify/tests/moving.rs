//! Logs that are written to while they are read.
use super::*;
use crate::audit::proof::{ProveError, prove_inclusion};
use crate::audit::store::AuditLog;

/// More than the reader reads ahead.
const SEGMENT_ENTRIES: u64 = 12_000;

/// A log with one long segment, sealed or not, whose writer is still there.
fn in_use() -> (World, AuditLog) {
    let mut world = World::new();
    let options = LogOptions { checkpoint_entries: 1 << 20, ..LogOptions::default() };
    let mut log = world.open(options);
    for _ in 0..SEGMENT_ENTRIES / 250 {
        world.append(&mut log, 250);
    }
    log.rotate(RotateReason::Manual).unwrap();
    world.append(&mut log, 50);
    log.checkpoint().unwrap();
    (world, log)
}

/// The active file gets another name, and a new one its own.
fn turn(world: &mut World, log: &mut AuditLog) {
    world.append(log, 5);
    log.rotate(RotateReason::Manual).unwrap();
    world.append(log, 5);
    log.checkpoint().unwrap();
}

#[test]
fn a_log_that_rotates_while_it_is_read_is_intact() {
    let (mut world, mut log) = in_use();
    let (disk, options, mut turns) = (world.disk.clone(), world.options(), 0);
    let report = verify(&disk, Path::new(DIR), &options, &mut |_| {
        if turns == 0 {
            turn(&mut world, &mut log);
            turns += 1;
        }
    });
    intact(&report);
    assert_eq!(report.segments, 3, "it was read again");
}

#[test]
fn a_log_that_never_stands_still_is_unchecked_and_not_tampered() {
    let (mut world, mut log) = in_use();
    let (disk, options) = (world.disk.clone(), world.options());
    let mut last = u64::MAX;
    let report = verify(&disk, Path::new(DIR), &options, &mut |progress| {
        // Once for each time that it is read.
        if progress.entries < last {
            turn(&mut world, &mut log);
        }
        last = progress.entries;
    });
    assert_eq!(report.outcome, Outcome::Unchecked, "{:?}", report.first_bad);
    assert!(report.problem.unwrap().contains("was written to each of the 8 times"));
}

#[test]
fn a_changed_entry_is_found_also_where_the_log_rotates_meanwhile() {
    let (mut world, mut log) = in_use();
    let mut files = world.files();
    let name = files.keys().find(|name| name.starts_with("audit-")).unwrap().clone();
    let bytes = files.get_mut(&name).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    let path = Path::new(DIR).join(&name);
    world.disk.put(&path, bytes);
    let (disk, options, mut turns) = (world.disk.clone(), world.options(), 0);
    let report = verify(&disk, Path::new(DIR), &options, &mut |_| {
        if turns == 0 {
            turn(&mut world, &mut log);
            turns += 1;
        }
    });
    assert_eq!(report.outcome, Outcome::Tampered);
    assert_eq!(report.first_bad.unwrap().place.file, name);
}

#[test]
fn what_is_not_in_a_log_that_stands_still_is_told_at_once() {
    let (world, _log) = in_use();
    let proof = prove_inclusion(&world.disk, Path::new(DIR), &world.root, 1 << 30);
    assert!(matches!(proof, Err(ProveError::NoEntry { .. })));
}
