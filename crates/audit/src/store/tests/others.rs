//! Files changed by other programs, and keys that are lost or belong to another log.
use std::path::Path;

use super::support::*;
use crate::store::names::ACTIVE;
use crate::store::{LogOptions, StoreError};
use ringseal_base::storage::Storage;

#[test]
fn a_file_changed_by_others_is_not_written() {
    for what in ["cut", "extended", "deleted"] {
        let fixture = Fixture::new();
        let mut log = fixture.open(LogOptions::default()).unwrap();
        append(&mut log, 0);
        log.commit().unwrap();
        let path = Path::new(DIR).join(ACTIVE);
        let mut file = fixture.disk.open(&path, ringseal_base::storage::OpenMode::Append).unwrap();
        let len = file.stat().unwrap().len;
        match what {
            "cut" => file.set_len(len - 1).unwrap(),
            "extended" => {
                file.append(&[std::io::IoSlice::new(b"x\n")]).unwrap();
            }
            _ => fixture.disk.remove(&path).unwrap(),
        }
        let before = fixture.files().get(ACTIVE).cloned();
        append(&mut log, 1);
        let error = log.commit().unwrap_err();
        assert!(matches!(error, StoreError::Changed { .. }), "{what}: {error}");
        assert!(!log.health().audit_sink_healthy);
        assert_eq!(fixture.files().get(ACTIVE).cloned(), before, "{what}");
    }
}

#[test]
fn opening_refuses_a_changed_log() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    for number in 0..5 {
        append(&mut log, number);
    }
    log.close().unwrap();
    let whole = fixture.files()[ACTIVE].clone();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let path = Path::new(DIR).join(ACTIVE);
    let mut changed = whole.clone();
    let at = whole.len() / 2;
    changed[at] ^= 1;
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let cases = [
        ("one bit", changed),
        ("two entries change places", swapped.concat()),
        ("an entry less", [&lines[..3], &lines[4..]].concat().concat()),
        ("an entry twice", [&lines[..4], &lines[3..]].concat().concat()),
        ("the end is cut at an entry", lines[..lines.len() - 2].concat()),
        ("nothing is left", Vec::new()),
    ];
    for (what, bytes) in cases {
        let after = fixture.with(fixture.disk.after_kill());
        after.disk.put(&path, &bytes);
        match after.open(LogOptions::default()) {
            Err(StoreError::Damaged { .. } | StoreError::RolledBack { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(after.files()[ACTIVE], bytes, "{what}: nothing was repaired");
    }
    fixture.open(LogOptions::default()).unwrap().close().unwrap();
}

#[test]
fn a_foreign_key_is_refused() {
    let fixture = Fixture::new();
    fixture.open(LogOptions::default()).unwrap().close().unwrap();
    let other = Fixture::new();
    other.open(LogOptions::default()).unwrap().close().unwrap();
    other.open(LogOptions::default()).unwrap().close().unwrap();
    let path = Path::new(DIR).join("keys/epoch.key");
    let foreign = other.files()["keys/epoch.key"].clone();
    let own = fixture.files()["keys/epoch.key"].clone();
    assert_ne!(own, foreign);
    fixture.disk.put(&path, &foreign);
    let error = fixture.open(LogOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    fixture.disk.put(&path, &own);
    fixture.open(LogOptions::default()).unwrap().close().unwrap();
}

#[test]
fn a_lost_chain_key_is_rebuilt() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    append(&mut log, 0);
    log.close().unwrap();
    fixture.disk.remove(&Path::new(DIR).join("keys/chain.key")).unwrap();
    assert!(matches!(
        fixture.open(LogOptions::default()).unwrap_err(),
        StoreError::NoChainKey { .. }
    ));
    let first_key = Some(fixture.first_key.clone());
    fixture.open(LogOptions { first_key, ..LogOptions::default() }).unwrap().close().unwrap();
    check(&fixture);
}
