//! In the life of a log, each call once is killed, fails, and is interrupted by power loss; then the log is opened
//! again and checked.
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::*;
use crate::sink::Sink;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};

const DIR: &str = "/logs";
const BATCHES: u64 = 9;
const BATCH_LINES: u64 = 5;

fn config() -> FileConfig {
    // About two batches a segment.
    config_in(Path::new(DIR)).rotate_bytes_max(700).compress(cfg!(feature = "compress"))
}

fn new_disk() -> FaultyDisk {
    FaultyDisk::new(Path::new(DIR))
}

/// What the log promised while it was open.
#[derive(Default)]
struct Promised {
    written: u64,
    synced: u64,
    /// Lines were offered up to here.
    offered: u64,
}

/// Opens the log and writes; stops at the first error if `give_up`, otherwise retries each operation.
fn open_and_write(disk: &FaultyDisk, from: u64, give_up: bool) -> Promised {
    let mut promised = Promised { written: from, synced: from, offered: from };
    let mut tries = 0;
    let mut sink = loop {
        match FileSink::open_on(Arc::new(disk.clone()), config(), at(0)) {
            Ok(sink) => break sink,
            Err(_) if give_up => return promised,
            Err(error) if tries > 3 => panic!("{error}"),
            Err(_) => tries += 1,
        }
    };
    for round in 0..BATCHES {
        let now = at(round as i64 * 2 * SECOND);
        disk.set_time(now.unix_nanos);
        let batch = batch_of(promised.written, BATCH_LINES, 40);
        promised.offered = promised.written + BATCH_LINES;
        let mut rest = batch.lines();
        while let Err(error) = sink.write(rest, now) {
            promised.written += error.lines_written as u64;
            rest = rest.split_at(error.lines_written).1;
            if give_up {
                return promised;
            }
        }
        promised.written = promised.offered;
        sink.wait_idle();
        if round % 3 == 2 && sink.sync().is_ok() {
            promised.synced = promised.written;
        }
    }
    promised
}

/// All lines of all files in order of their segments.
fn read_all(disk: &FaultyDisk) -> Vec<u64> {
    let mut segments: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (path, bytes) in disk.files() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "app.log" {
            segments.insert("app.log.~".to_owned(), seqs_in(&bytes));
        } else if let Some(number) = name.strip_prefix("app.log.").filter(|n| *n != "torn") {
            let plain = unpacked(number, bytes);
            // Both forms of one segment may exist; they must agree.
            let seqs = seqs_in(&plain);
            let number = number.trim_end_matches(".gz").to_owned();
            let other = segments.insert(format!("app.log.{number}"), seqs.clone());
            assert!(other.is_none_or(|other| other == seqs), "two forms of {number} differ");
        }
    }
    segments.into_values().flatten().collect()
}

#[cfg(feature = "compress")]
fn unpacked(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    use std::io::Read;
    if !name.ends_with(".gz") {
        return bytes;
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
    plain
}

#[cfg(not(feature = "compress"))]
fn unpacked(_name: &str, bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// The number of calls in an undisturbed life.
fn calls_of_a_life() -> u64 {
    let disk = new_disk();
    open_and_write(&disk, 0, false);
    assert_eq!(read_all(&disk), (0..BATCHES * BATCH_LINES).collect::<Vec<_>>());
    disk.calls()
}

/// Opens the log that a crash left, writes more, and checks that the lines ascend without a repetition.
fn continue_after_crash(disk: &FaultyDisk, next: u64, what: &str) -> Vec<u64> {
    let mut sink = FileSink::open_on(Arc::new(disk.clone()), config(), at(100 * SECOND))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    sink.wait_idle();
    let found = read_all(disk);
    assert!(found.is_sorted_by(|one, two| one < two), "{what}: {found:?}");
    sink.write(batch_of(next, 20, 40).lines(), at(100 * SECOND)).unwrap();
    sink.wait_idle();
    drop(sink);
    let mut expected = found.clone();
    expected.extend(next..next + 20);
    assert_eq!(read_all(disk), expected, "{what}");
    found
}

#[test]
fn a_failing_call_loses_and_repeats_nothing() {
    let kinds = [io::ErrorKind::Other, io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied];
    for call in 0..calls_of_a_life() + 10 {
        for kind in kinds {
            let disk = new_disk();
            disk.set_faults(Faults { fail_call: Some((call, kind)), ..Faults::default() });
            open_and_write(&disk, 0, false);
            let all: Vec<u64> = (0..BATCHES * BATCH_LINES).collect();
            assert_eq!(read_all(&disk), all, "call {call} failed with {kind:?}");
        }
    }
}

#[test]
fn a_kill_loses_no_written_line() {
    for no_links in [false, true] {
        for call in 0..calls_of_a_life() {
            for torn in [0, 70] {
                let what = format!("killed at call {call} after {torn} bytes, no_links {no_links}");
                let disk = new_disk();
                let kill_call = Some((call, torn));
                disk.set_faults(Faults { kill_call, no_links, ..Faults::default() });
                let promised = open_and_write(&disk, 0, true);
                let found = continue_after_crash(&disk.after_kill(), 1_000, &what);
                let lines = found.len() as u64;
                assert_eq!(found, (0..lines).collect::<Vec<_>>(), "{what}");
                assert!((promised.written..=promised.offered).contains(&lines), "{what}");
            }
        }
    }
}

#[test]
fn power_loss_loses_no_synced_line() {
    for call in 0..calls_of_a_life() {
        for seed in 0..6 {
            let what = format!("power lost at call {call}, seed {seed}");
            let disk = new_disk();
            disk.set_faults(Faults { kill_call: Some((call, 100)), ..Faults::default() });
            let promised = open_and_write(&disk, 0, true);
            let found =
                continue_after_crash(&disk.after_power_loss(seed * 7919 + call), 1_000, &what);
            let synced: Vec<u64> = (0..promised.synced).collect();
            assert!(found.starts_with(&synced), "{what}: {} synced, {found:?}", promised.synced);
        }
    }
}

#[test]
fn short_writes_of_any_size_tear_nothing() {
    for append_bytes_max in [1, 2, 3, 7, 64, 65, 130, 500] {
        let disk = new_disk();
        disk.set_faults(Faults { append_bytes_max, ..Faults::default() });
        open_and_write(&disk, 0, false);
        assert_eq!(read_all(&disk), (0..BATCHES * BATCH_LINES).collect::<Vec<_>>());
    }
}

#[test]
fn a_full_disk_error_counts_lines_exactly() {
    let disk = new_disk();
    let config = config().rotate_bytes_max(0);
    let mut sink = FileSink::open_on(Arc::new(disk.clone()), config, at(0)).unwrap();
    let batch = batch_of(0, 100, 40);
    let mut rest = batch.lines();
    let mut in_place = 0;
    for capacity_bytes in (0..).step_by(217) {
        disk.set_faults(Faults { capacity_bytes, ..Faults::default() });
        let Err(error) = sink.write(rest, at(0)) else { break };
        in_place += error.lines_written;
        rest = rest.split_at(error.lines_written).1;
        let SinkError::Io { action: "write", ref source, .. } = error.cause else {
            panic!("{}", error.cause)
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert_eq!(seqs_in(&disk.files()[Path::new("/logs/app.log")]).len(), in_place);
    }
    assert_eq!(read_all(&disk), (0..100).collect::<Vec<_>>());
    assert_eq!(sink.counters().lines, 100);
}

#[test]
fn permission_denied_names_the_path() {
    let mut denied = 0;
    for call in 0..24 {
        let disk = new_disk();
        let fail_call = Some((call, io::ErrorKind::PermissionDenied));
        disk.set_faults(Faults { fail_call, ..Faults::default() });
        let Err(error) = FileSink::open_on(Arc::new(disk), config(), at(0)) else { continue };
        assert!(error.to_string().contains("/logs"), "{error}");
        let SinkError::Io { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
        denied += 1;
    }
    assert!(denied >= 4, "{denied}");
}

#[test]
fn a_failed_sync_is_reported_and_writing_continues() {
    let disk = new_disk();
    let mut sink = FileSink::open_on(Arc::new(disk.clone()), config(), at(0)).unwrap();
    sink.wait_idle();
    sink.write(batch_of(0, 2, 40).lines(), at(0)).unwrap();
    let fail_call = Some((disk.calls(), io::ErrorKind::Other));
    disk.set_faults(Faults { fail_call, ..Faults::default() });
    let error = sink.sync().unwrap_err();
    assert_eq!(error.to_string(), "cannot sync /logs/app.log: other error");
    sink.write(batch_of(2, 2, 40).lines(), at(0)).unwrap();
    sink.sync().unwrap();
    assert_eq!(read_all(&disk.after_power_loss(1)), [0, 1, 2, 3]);
}
