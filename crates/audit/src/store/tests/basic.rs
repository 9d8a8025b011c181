//! A log on a disk without faults.
use super::support::*;
use crate::entry::control::{Control, RotateReason, StopReason};
use crate::entry::{Body, LINE_BYTES_MAX};
use crate::store::{AppendError, Committed, LogOptions, MaintenanceReport, StoreError};

#[test]
fn a_closed_log_can_be_checked() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let first = log.next_seq();
    let receipts: Vec<_> = (0..10).map(|number| append(&mut log, number)).collect();
    let committed = log.commit().unwrap();
    assert_eq!(committed, Some(Committed { first_seq: first, last_seq: first + 9 }));
    assert_eq!(log.commit().unwrap(), None);
    log.close().unwrap();
    let checked = check(&fixture);
    for receipt in receipts {
        assert_eq!(checked.leaves[&receipt.seq], receipt.leaf);
    }
    let types: Vec<_> = checked.types.values().map(String::as_str).collect();
    assert_eq!(types[..2], ["ringseal.start", "ringseal.integrity"]);
    assert_eq!(types[12..], ["ringseal.integrity", "ringseal.stop"]);
    assert_eq!(checked.sizes, [2, 14]);
}

#[test]
fn a_second_process_is_refused() {
    // The fault-injecting storage serves one process only; this test needs real locks.
    let dir = tempfile::tempdir().unwrap();
    let (path, away) = (dir.path().join("log"), dir.path());
    let mut host = crate::store::Host::system();
    crate::store::AuditLog::create(&mut host, &path, away, ORIGIN).unwrap();
    let open = || {
        let host = crate::store::Host::system();
        crate::store::AuditLog::open(host, &path, LogOptions::default())
    };
    let log = open().unwrap();
    assert!(matches!(open().unwrap_err(), StoreError::Locked { .. }));
    drop(log);
    open().unwrap().close().unwrap();
}

#[test]
fn each_start_begins_a_sealed_epoch() {
    let fixture = Fixture::new();
    for round in 0..4 {
        let mut log = fixture.open(LogOptions::default()).unwrap();
        assert_eq!(log.health().epoch, round);
        append(&mut log, round);
        log.commit().unwrap();
        log.close().unwrap();
        check(&fixture);
    }
}

#[test]
fn segments_are_closed_by_size() {
    let fixture = Fixture::new();
    let mut log = fixture.open(small()).unwrap();
    for number in 0..200 {
        append(&mut log, number);
        log.commit().unwrap();
        log.maintain().unwrap();
    }
    assert!(log.health().rotations >= 5, "{:?}", log.health());
    let rotated = log.take_reports().into_iter().filter_map(|report| match report {
        MaintenanceReport::Rotated(rotated) => Some(rotated),
        _ => None,
    });
    for rotated in rotated {
        assert_eq!(rotated.reason, RotateReason::Size);
        let bytes = fixture.files()[&rotated.old_file].len() as u64;
        assert_eq!(rotated.file_size_bytes, bytes);
    }
    log.close().unwrap();
    let checked = check(&fixture);
    let users = checked.types.values().filter(|kind| *kind == "user.login").count();
    assert_eq!(users, 200);
    let log = fixture.open(small()).unwrap();
    log.close().unwrap();
    check(&fixture);
}

#[test]
fn a_dropped_log_ends_with_a_stop_entry() {
    let fixture = Fixture::new();
    drop(fixture.open(LogOptions::default()).unwrap());
    let checked = check(&fixture);
    let last = checked.controls.values().next_back().unwrap();
    assert_eq!(*last, Control::Stop(StopReason::Drop));
}

#[test]
fn an_idle_log_makes_periodic_checkpoints() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let before = check(&fixture).sizes.len();
    for _ in 0..10 {
        fixture.advance(150);
        log.maintain().unwrap();
    }
    assert_eq!(check(&fixture).sizes.len(), before + 5);
    log.close().unwrap();
}

#[test]
fn a_busy_log_makes_checkpoints_by_entries() {
    let fixture = Fixture::new();
    let mut log =
        fixture.open(LogOptions { checkpoint_entries: 10, ..LogOptions::default() }).unwrap();
    for number in 0..100 {
        append(&mut log, number);
        log.commit().unwrap();
        log.maintain().unwrap();
    }
    let sizes = check(&fixture).sizes;
    assert!(sizes.windows(2).all(|pair| pair[1] - pair[0] <= 10), "{sizes:?}");
    assert!(sizes.len() >= 10);
}

#[test]
fn epochs_end_by_time() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    fixture.advance(86_400);
    log.maintain().unwrap();
    assert_eq!(log.health().epoch, 1);
    log.close().unwrap();
    check(&fixture);
}

#[test]
fn staged_bytes_are_bounded() {
    let fixture = Fixture::new();
    let options = LogOptions { staged_bytes_max: 2 * LINE_BYTES_MAX, ..LogOptions::default() };
    let mut log = fixture.open(options).unwrap();
    let members = format!("\"event_type\":\"x\",\"a\":\"{}\"", "x".repeat(LINE_BYTES_MAX / 2));
    let mut count = 0;
    let error = loop {
        match log.append(Body::trusted(members.as_bytes()), START) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Full { staged_bytes } if staged_bytes > LINE_BYTES_MAX));
    assert_eq!(count, 3);
    log.commit().unwrap();
    assert!(log.append(Body::trusted(members.as_bytes()), START).is_ok());
    log.close().unwrap();
    check(&fixture);
}
