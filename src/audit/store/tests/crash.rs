//! Every file system call fails once, kills the process, or is the last before power loss; the last line is torn at
//! every byte.
use std::collections::BTreeMap;
use std::io;

use super::support::*;
use crate::audit::entry::control::{Control, RotateReason};
use crate::audit::store::names::{ACTIVE, CHECKPOINT, CHECKPOINTS};
use crate::audit::store::{AuditLog, LogOptions, Retain};
use crate::digest::{Hash, Sha256};
use crate::storage::faulty::Faults;

/// Entries that a commit reported.
type Told = BTreeMap<u64, Hash>;

fn options() -> LogOptions {
    let retain = Retain { segments_max: Some(1), ..Retain::default() };
    LogOptions { segment_bytes_max: 40_000, checkpoint_entries: 8, retain, ..LogOptions::default() }
}

/// Appends and commits; survives errors and records the entries that commits reported.
fn work(log: &mut AuditLog, from: u64, count: u64, told: &mut Told) {
    let mut waiting = Vec::new();
    for number in from..from + count {
        waiting.push(append(log, number));
        if let Ok(committed) = log.commit()
            && committed.is_some()
        {
            told.extend(waiting.drain(..).map(|receipt| (receipt.seq, receipt.leaf)));
        }
        let _ = log.maintain();
        // The health reports what `maintain` has committed.
        let waits = log.health().waiting_entries;
        if waits == 0 {
            told.extend(waiting.drain(..).map(|receipt| (receipt.seq, receipt.leaf)));
        }
    }
}

/// A whole life of a log: opened, written, rotated, pruned, closed.
fn life(world: &World) -> Told {
    let mut told = Told::new();
    let Ok(mut log) = world.open(options()) else { return told };
    work(&mut log, 0, 4, &mut told);
    world.advance(400);
    let _ = log.maintain();
    for round in 1..4 {
        let _ = log.rotate(RotateReason::Manual);
        work(&mut log, round * 10, 1, &mut told);
    }
    let _ = log.retain();
    work(&mut log, 50, 2, &mut told);
    let _ = log.close();
    told
}

/// All reported entries are present and the log checks clean; twice, because opening must leave a state that opening
/// accepts.
fn assert_survives(world: &World, told: &Told, what: &str) {
    for _ in 0..2 {
        let log = world.open(options()).unwrap_or_else(|error| panic!("{what}: {error}"));
        log.close().unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let checked = check(world);
    let first = *checked.leaves.keys().next().unwrap();
    for (seq, leaf) in told.range(first..) {
        assert_eq!(checked.leaves.get(seq), Some(leaf), "{what}: entry {seq}");
    }
}

fn with_faults(faults: Faults) -> (World, Told) {
    let world = World::new();
    world.disk.set_faults(faults);
    let told = life(&world);
    (world, told)
}

/// Calls of a life to test: all of them if `RINGSEAL_TEST_LONG` is set, else one in `stride`.
fn calls(stride: u64) -> impl Iterator<Item = u64> {
    let from = World::new().disk.calls();
    let stride = if std::env::var_os("RINGSEAL_TEST_LONG").is_some() { 1 } else { stride };
    (from..last_call(from)).step_by(stride as usize)
}

fn last_call(from: u64) -> u64 {
    let world = World::new();
    life(&world);
    assert!(world.disk.calls() > from + 100);
    world.disk.calls()
}

#[test]
fn a_life_without_faults_loses_nothing() {
    let world = World::new();
    let told = life(&world);
    assert_eq!(told.len(), 9);
    assert_survives(&world, &told, "without misfortunes");
}

#[test]
fn each_call_may_fail_once() {
    for call in calls(1) {
        let kind = [io::ErrorKind::StorageFull, io::ErrorKind::Other][(call % 2) as usize];
        let (world, told) =
            with_faults(Faults { fail_call: Some((call, kind)), ..Faults::default() });
        world.disk.set_faults(Faults::default());
        assert_survives(&world, &told, &format!("call {call} fails"));
    }
}

#[test]
fn the_process_may_be_killed_at_each_call() {
    for call in calls(2) {
        for bytes in [0, 150, usize::MAX] {
            let faults = Faults { kill_call: Some((call, bytes)), ..Faults::default() };
            let (world, told) = with_faults(faults);
            let after = world.with(world.disk.after_kill());
            assert_survives(&after, &told, &format!("killed at call {call}, {bytes} bytes"));
            if call % 3 != 0 {
                break;
            }
        }
    }
}

#[test]
fn the_power_may_fail_at_each_call() {
    for call in calls(5) {
        let faults = Faults { kill_call: Some((call, 40)), ..Faults::default() };
        let (world, told) = with_faults(faults);
        for seed in 0..2 {
            let after = world.with(world.disk.after_power_loss(call * 100 + seed));
            assert_survives(&after, &told, &format!("power loss at call {call}, seed {seed}"));
        }
    }
}

#[test]
fn partial_writes_lose_nothing() {
    let (world, told) = with_faults(Faults { append_bytes_max: 7, ..Faults::default() });
    world.disk.set_faults(Faults::default());
    assert_eq!(told.len(), 9);
    assert_survives(&world, &told, "seven bytes at a time");
}

#[test]
fn a_full_disk_loses_nothing_committed() {
    let world = World::new();
    let used: usize = world.files().values().map(Vec::len).sum();
    for room in (0..30_000).step_by(1_000) {
        let faults = Faults { capacity_bytes: used + room, ..Faults::default() };
        let (world, told) = with_faults(faults);
        world.disk.set_faults(Faults::default());
        assert_survives(&world, &told, &format!("{room} bytes of room"));
    }
}

#[test]
fn a_torn_tail_is_cut_kept_and_recorded() {
    let world = World::new();
    let mut log = world.open(LogOptions::default()).unwrap();
    let mut told = Told::new();
    work(&mut log, 0, 3, &mut told);
    let before = world.files()[ACTIVE].len();
    append(&mut log, 3);
    log.commit().unwrap();
    let whole = world.files()[ACTIVE].clone();
    let killed = world.disk.after_kill();
    for len in before..=whole.len() {
        let after = world.with(killed.after_kill());
        let path = std::path::Path::new(DIR).join(ACTIVE);
        after.disk.put(&path, &whole[..len]);
        after.open(LogOptions::default()).unwrap().close().unwrap();
        let checked = check(&after);
        let recovery = checked.controls.values().find_map(|control| match control {
            Control::Recovery(recovery) => Some(recovery.clone()),
            _ => None,
        });
        for (seq, leaf) in &told {
            assert_eq!(checked.leaves[seq], *leaf, "cut at {len}");
        }
        let torn = &whole[before..len];
        if torn.is_empty() || len == whole.len() {
            assert_eq!(recovery, None, "cut at {len}");
            continue;
        }
        let piece = &recovery.unwrap().torn[0];
        assert_eq!((piece.offset, piece.bytes), (before as u64, torn.len() as u64));
        assert_eq!(piece.sha256, Sha256::of(torn));
        assert_eq!(after.files()[&piece.kept], torn);
    }
}

#[test]
fn zeros_and_garbage_at_the_end_are_torn() {
    let world = World::new();
    let mut log = world.open(LogOptions::default()).unwrap();
    let mut told = Told::new();
    work(&mut log, 0, 3, &mut told);
    let whole = world.files()[ACTIVE].clone();
    for rubbish in [&[0u8; 5000][..], b"\n", b"{}\n", b"rubbish\nmore\n", b"\xFF\xFE"] {
        let after = world.with(world.disk.after_kill());
        let path = std::path::Path::new(DIR).join(ACTIVE);
        after.disk.put(&path, &[&whole[..], rubbish].concat());
        assert_survives(&after, &told, &format!("{rubbish:?}"));
    }
}

#[test]
fn a_torn_checkpoint_list_is_cut() {
    let world = World::new();
    let mut log = world.open(LogOptions::default()).unwrap();
    append(&mut log, 0);
    log.checkpoint().unwrap();
    let killed = world.disk.after_kill();
    let whole = world.files()[CHECKPOINTS].clone();
    let last = world.files()[CHECKPOINT].len() + 1;
    for len in whole.len() - last..whole.len() {
        let after = world.with(killed.after_kill());
        after.disk.put(&std::path::Path::new(DIR).join(CHECKPOINTS), &whole[..len]);
        after
            .disk
            .put(&std::path::Path::new(DIR).join(CHECKPOINT), &whole[..whole.len() - last - 1]);
        assert_survives(&after, &Told::new(), &format!("cut at {len}"));
    }
}
