//! Entries spilled by an earlier process go into the log once each, even if processes die at any call.
use std::path::Path;

use super::spill::Spill;
use super::thread::AuditThread;
use super::*;
use crate::writer::RedactionConfig;
use crate::writer::link::Link;
use ringseal_audit::read::{LineContent, read_entries};
use ringseal_audit::store::{AuditLog, Host, LogOptions};
use ringseal_base::clock::ManualClock;
use ringseal_base::digest::Sha256;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};

const DIR: &str = "/log";
const SPILL: &str = "/spill";
const START: i64 = 1_795_360_160_000_000_000;
/// Two commits' worth: some entries are durable before the others are in the log.
const SPILLED: u64 = 8;

fn host(disk: &FaultyDisk) -> Host {
    let mut state = disk.calls() * 1000;
    Host {
        storage: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::at(START)),
        random: Box::new(move |buffer| {
            for chunk in buffer.chunks_mut(32) {
                state += 1;
                chunk.copy_from_slice(&Sha256::of(&state.to_be_bytes())[..chunk.len()]);
            }
            Ok(())
        }),
    }
}

/// A log and a spill file with one damaged line.
fn log_with_spill() -> FaultyDisk {
    let disk = FaultyDisk::new(Path::new("/"));
    disk.put_dir(Path::new("/away"));
    disk.put_dir(Path::new(DIR));
    AuditLog::create(&mut host(&disk), Path::new(DIR), Path::new("/away"), "test/audit").unwrap();
    let lines = lines(0..SPILLED);
    disk.put(Path::new(SPILL), format!("3 4 no members\n{lines}").as_bytes());
    disk
}

/// Events with these numbers, in the format of the spill file.
fn lines(numbers: std::ops::Range<u64>) -> String {
    let long = "x".repeat(300_000);
    let line = |number: u64| {
        let nanos = START + number as i64;
        format!("{number} {nanos} \"event_type\":\"a.b\",\"n\":{number},\"long\":\"{long}\"\n")
    };
    numbers.map(line).collect()
}

/// One process: opens the log and the file, and works as long as it can. Returns whether it finished.
fn run_process(disk: &FaultyDisk) -> bool {
    let options = LogOptions { staged_bytes_max: 2 << 20, ..LogOptions::default() };
    let Ok(log) = AuditLog::open(host(disk), Path::new(DIR), options) else { return false };
    let storage: Arc<dyn ringseal_base::storage::Storage> = Arc::new(disk.clone());
    let Ok(spill) = Spill::open(Arc::clone(&storage), Path::new(SPILL)) else { return false };
    let (_, ends) = Feed::new(RedactionConfig { rules: None, tokenizer: None });
    let (writer, _inbox) = Link::new();
    let config = AuditThreadConfig {
        commit_interval: Duration::ZERO,
        held_bytes_max: 1 << 20,
        held_overflow: HeldEntriesOverflow::Spill(SPILL.into()),
        #[cfg(feature = "compress")]
        compress_dir: None,
    };
    let link = Arc::default();
    let parts = AuditThreadParts {
        log,
        config,
        storage,
        link,
        writer,
        ends,
        sinks: Vec::new(),
        progress: None,
        recovered: Vec::new(),
    };
    let mut thread = AuditThread::new(parts, Some(spill));
    thread.turn(std::time::Instant::now());
    let is_done = disk.files()[Path::new(SPILL)].is_empty();
    // Ends without an orderly stop.
    disk.set_faults(Faults { kill_call: Some((0, 0)), ..Faults::default() });
    is_done
}

/// The numbers of the spilled entries found in the log.
fn found(disk: &FaultyDisk) -> Vec<u64> {
    let mut found = Vec::new();
    read_entries(disk, Path::new(DIR), 0, &mut |line| {
        if let LineContent::Entry(entry) = line.content
            && let Some(rest) = entry.body.strip_prefix("\"event_type\":\"a.b\",\"n\":")
        {
            let digits = rest.split(',').next().unwrap();
            found.push(digits.parse().unwrap());
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    found
}

fn dies(disk: &FaultyDisk, after_calls: u64, bytes: usize) -> bool {
    let kill_call = Some((disk.calls() + after_calls, bytes));
    disk.set_faults(Faults { kill_call, ..Faults::default() });
    run_process(disk)
}

#[test]
fn spilled_entries_are_sealed_once_across_crashes() {
    let whole = log_with_spill();
    let before = whole.calls();
    assert!(run_process(&whole));
    let calls = whole.calls() - before;
    let expected: Vec<u64> = (0..SPILLED).collect();
    assert_eq!(found(&whole.after_kill()), expected);
    let mut was_in_the_middle = false;
    for call in 0..calls {
        let disk = log_with_spill();
        dies(&disk, call, 700_000);
        let after = |disk: &FaultyDisk, seed| match seed % 2 {
            0 => disk.after_power_loss(seed),
            _ => disk.after_kill(),
        };
        let second = after(&disk, call);
        let count = found(&second.after_kill()).len();
        was_in_the_middle |= (1..SPILLED as usize).contains(&count);
        // The second process dies too, at another call.
        dies(&second, call * 7 % calls, 0);
        let third = after(&second, call + 1);
        assert!(run_process(&third), "call {call}");
        assert_eq!(found(&third.after_kill()), expected, "call {call}");
    }
    assert!(was_in_the_middle, "no crash fell into the middle of a replay");
}

#[test]
fn a_leftover_replay_file_duplicates_nothing() {
    let calls = {
        let whole = log_with_spill();
        let before = whole.calls();
        assert!(run_process(&whole));
        whole.calls() - before
    };
    // The first process dies after emptying its spill file, before removing the replay file.
    let left_over = (0..calls).rev().find(|&call| {
        let disk = log_with_spill();
        dies(&disk, call, 0);
        let disk = disk.after_kill();
        let files = disk.files();
        let is_left = files.contains_key(Path::new("/spill.replay"));
        is_left && files[Path::new(SPILL)].is_empty()
    });
    let left_over = left_over.expect("it can die there");
    let expected: Vec<u64> = (0..2 * SPILLED).collect();
    // The second process spills and dies.
    let second = || {
        let disk = log_with_spill();
        dies(&disk, left_over, 0);
        let second = disk.after_kill();
        second.put(Path::new(SPILL), lines(SPILLED..2 * SPILLED).as_bytes());
        second
    };
    let whole = second();
    let before = whole.calls();
    assert!(run_process(&whole));
    let calls = whole.calls() - before;
    let mut was_in_the_middle = false;
    for call in calls.saturating_sub(24)..calls {
        let third = second();
        // The third process dies during the replay.
        dies(&third, call, 0);
        let fourth = third.after_kill();
        let count = found(&fourth.after_kill()).len() as u64;
        was_in_the_middle |= (SPILLED + 1..2 * SPILLED).contains(&count);
        assert!(run_process(&fourth), "call {call}");
        assert_eq!(found(&fourth.after_kill()), expected, "call {call}");
    }
    assert!(was_in_the_middle, "no crash fell into the middle of a replay");
}
