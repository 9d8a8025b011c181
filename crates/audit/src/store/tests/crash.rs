//! Every file system call fails once, kills the process, or is the last before power loss; the last line is torn at
//! every byte.
use std::collections::BTreeMap;
use std::io;

use super::support::*;
use crate::entry::control::{Control, MismatchKind, RotateReason};
use crate::store::names::{ACTIVE, CHECKPOINT, CHECKPOINTS};
use crate::store::{AuditLog, LogOptions, Retain};
use crate::verify::{VerifyOptions, verify};
use ringseal_base::digest::{Hash, Sha256};
use ringseal_base::storage::faulty::Faults;

/// Entries that a commit reported.
type Acknowledged = BTreeMap<u64, Hash>;

fn options() -> LogOptions {
    let retain = Retain { segments_max: Some(1), ..Retain::default() };
    LogOptions { segment_bytes_max: 40_000, checkpoint_entries: 8, retain, ..LogOptions::default() }
}

/// Appends and commits; survives errors and records the entries that commits reported.
fn work(log: &mut AuditLog, from: u64, count: u64, acknowledged: &mut Acknowledged) {
    let mut waiting = Vec::new();
    for number in from..from + count {
        waiting.push(append(log, number));
        if let Ok(committed) = log.commit()
            && committed.is_some()
        {
            acknowledged.extend(waiting.drain(..).map(|receipt| (receipt.seq, receipt.leaf)));
        }
        let _ = log.maintain();
        // The health reports the entries that `maintain` has committed.
        let waits = log.health().waiting_entries;
        if waits == 0 {
            acknowledged.extend(waiting.drain(..).map(|receipt| (receipt.seq, receipt.leaf)));
        }
    }
}

/// A log's whole life: opened, written, rotated, pruned, closed.
fn run_log(fixture: &Fixture) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    let Ok(mut log) = fixture.open(options()) else { return acknowledged };
    work(&mut log, 0, 4, &mut acknowledged);
    fixture.advance(400);
    let _ = log.maintain();
    for round in 1..4 {
        let _ = log.rotate(RotateReason::Manual);
        work(&mut log, round * 10, 1, &mut acknowledged);
    }
    let _ = log.retain();
    work(&mut log, 50, 2, &mut acknowledged);
    let _ = log.close();
    acknowledged
}

/// No honest history is called tampered, neither as it ended nor after the next start.
fn assert_not_tampered(fixture: &Fixture, what: &str) {
    let mut options = VerifyOptions::new(fixture.root.clone());
    options.first_key = Some(fixture.first_key.clone());
    options.now_unix_nanos = Some(i64::MAX);
    // With the chain's key or without it, by turns.
    options.first_key = options.first_key.filter(|_| fixture.disk.calls().is_multiple_of(2));
    let report = verify(&fixture.disk, std::path::Path::new(DIR), &options, &mut |_| ());
    assert_eq!(report.first_bad, None, "{what}");
}

/// All reported entries are present and the log checks clean; twice, because opening must leave a state that opening
/// accepts.
fn assert_survives(fixture: &Fixture, acknowledged: &Acknowledged, what: &str) {
    assert_not_tampered(fixture, what);
    for _ in 0..2 {
        let log = fixture.open(options()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(log.health().state_mismatch, None, "{what}");
        log.close().unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    assert_not_tampered(fixture, what);
    let checked = check(fixture);
    let first = *checked.leaves.keys().next().unwrap();
    for (seq, leaf) in acknowledged.range(first..) {
        assert_eq!(checked.leaves.get(seq), Some(leaf), "{what}: entry {seq}");
    }
}

fn with_faults(faults: Faults) -> (Fixture, Acknowledged) {
    let fixture = Fixture::new();
    fixture.disk.set_faults(faults);
    let acknowledged = run_log(&fixture);
    (fixture, acknowledged)
}

/// Calls of a life to test: all of them if `RINGSEAL_TEST_LONG` is set, else one in `stride`.
fn calls(stride: u64) -> impl Iterator<Item = u64> {
    let from = Fixture::new().disk.calls();
    let stride = if std::env::var_os("RINGSEAL_TEST_LONG").is_some() { 1 } else { stride };
    (from..last_call(from)).step_by(stride as usize)
}

fn last_call(from: u64) -> u64 {
    let fixture = Fixture::new();
    run_log(&fixture);
    assert!(fixture.disk.calls() > from + 100);
    fixture.disk.calls()
}

#[test]
fn a_log_without_faults_loses_nothing() {
    let fixture = Fixture::new();
    let acknowledged = run_log(&fixture);
    assert_eq!(acknowledged.len(), 9);
    assert_survives(&fixture, &acknowledged, "without misfortunes");
}

#[test]
fn each_call_may_fail_once() {
    for call in calls(1) {
        let kind = [io::ErrorKind::StorageFull, io::ErrorKind::Other][(call % 2) as usize];
        let (fixture, acknowledged) =
            with_faults(Faults { fail_call: Some((call, kind)), ..Faults::default() });
        fixture.disk.set_faults(Faults::default());
        assert_survives(&fixture, &acknowledged, &format!("call {call} fails"));
    }
}

#[test]
fn the_process_may_be_killed_at_each_call() {
    for call in calls(2) {
        for bytes in [0, 150, usize::MAX] {
            let faults = Faults { kill_call: Some((call, bytes)), ..Faults::default() };
            let (fixture, acknowledged) = with_faults(faults);
            let after = fixture.with(fixture.disk.after_kill());
            assert_survives(
                &after,
                &acknowledged,
                &format!("killed at call {call}, {bytes} bytes"),
            );
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
        let (fixture, acknowledged) = with_faults(faults);
        for seed in 0..2 {
            let after = fixture.with(fixture.disk.after_power_loss(call * 100 + seed));
            assert_survives(
                &after,
                &acknowledged,
                &format!("power loss at call {call}, seed {seed}"),
            );
        }
    }
}

#[test]
fn partial_writes_lose_nothing() {
    let (fixture, acknowledged) = with_faults(Faults { append_bytes_max: 7, ..Faults::default() });
    fixture.disk.set_faults(Faults::default());
    assert_eq!(acknowledged.len(), 9);
    assert_survives(&fixture, &acknowledged, "seven bytes at a time");
}

#[test]
fn a_full_disk_loses_nothing_committed() {
    let fixture = Fixture::new();
    let used: usize = fixture.files().values().map(Vec::len).sum();
    for room in (0..30_000).step_by(1_000) {
        let faults = Faults { capacity_bytes: used + room, ..Faults::default() };
        let (fixture, acknowledged) = with_faults(faults);
        fixture.disk.set_faults(Faults::default());
        assert_survives(&fixture, &acknowledged, &format!("{room} bytes of room"));
    }
}

#[test]
fn a_torn_tail_is_cut_kept_and_recorded() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let mut acknowledged = Acknowledged::new();
    work(&mut log, 0, 3, &mut acknowledged);
    let before = fixture.files()[ACTIVE].len();
    append(&mut log, 3);
    log.commit().unwrap();
    let whole = fixture.files()[ACTIVE].clone();
    let killed = fixture.disk.after_kill();
    for len in before..=whole.len() {
        let after = fixture.with(killed.after_kill());
        let path = std::path::Path::new(DIR).join(ACTIVE);
        after.disk.put(&path, &whole[..len]);
        after.open(LogOptions::default()).unwrap().close().unwrap();
        let checked = check(&after);
        let recovery = checked.controls.values().find_map(|control| match control {
            Control::Recovery(recovery) => Some(recovery.clone()),
            _ => None,
        });
        for (seq, leaf) in &acknowledged {
            assert_eq!(checked.leaves[seq], *leaf, "cut at {len}");
        }
        let torn = &whole[before..len];
        if len == whole.len() {
            assert_eq!(recovery, None, "cut at {len}");
            continue;
        }
        // The entry was committed: the protected state has it.
        let recovery = recovery.unwrap();
        let mismatch = recovery.mismatch.unwrap();
        assert_eq!(mismatch.kind, MismatchKind::Cut, "cut at {len}");
        assert_eq!(mismatch.expected_entries, mismatch.found_entries + 1);
        if torn.is_empty() {
            assert!(recovery.torn.is_empty());
            continue;
        }
        let piece = &recovery.torn[0];
        assert_eq!((piece.offset, piece.bytes), (before as u64, torn.len() as u64));
        assert_eq!(piece.sha256, Sha256::of(torn));
        assert_eq!(after.files()[&piece.kept], torn);
    }
}

#[test]
fn zeros_and_garbage_at_the_end_are_torn() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let mut acknowledged = Acknowledged::new();
    work(&mut log, 0, 3, &mut acknowledged);
    let whole = fixture.files()[ACTIVE].clone();
    for rubbish in [&[0u8; 5000][..], b"\n", b"{}\n", b"rubbish\nmore\n", b"\xFF\xFE"] {
        let after = fixture.with(fixture.disk.after_kill());
        let path = std::path::Path::new(DIR).join(ACTIVE);
        after.disk.put(&path, &[&whole[..], rubbish].concat());
        if rubbish[0] != 0 {
            // Not what a crash leaves; the next start cuts it off all the same.
            after.open(options()).unwrap().close().unwrap();
        }
        assert_survives(&after, &acknowledged, &format!("{rubbish:?}"));
    }
}

#[test]
fn a_torn_checkpoint_list_is_cut() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    append(&mut log, 0);
    log.checkpoint().unwrap();
    let killed = fixture.disk.after_kill();
    let whole = fixture.files()[CHECKPOINTS].clone();
    let last = fixture.files()[CHECKPOINT].len() + 1;
    for len in whole.len() - last..whole.len() {
        let after = fixture.with(killed.after_kill());
        after.disk.put(&std::path::Path::new(DIR).join(CHECKPOINTS), &whole[..len]);
        after
            .disk
            .put(&std::path::Path::new(DIR).join(CHECKPOINT), &whole[..whole.len() - last - 1]);
        assert_survives(&after, &Acknowledged::new(), &format!("cut at {len}"));
    }
}
