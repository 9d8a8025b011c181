//! Numbers that a file claims: the work of an opening does not grow with them.
use std::path::Path;
use std::sync::Arc;

use super::support::*;
use crate::entry::control::{MismatchKind, RotateReason};
use crate::store::disk::Disk;
use crate::store::load::list_sealed;
use crate::store::names::{ACTIVE, STATE, sealed_name};
use crate::store::reach::check_beyond;
use crate::store::{LogOptions, OnDamage, StoreError};
use ringseal_base::storage::Storage;

/// The highest number that an entry can have.
const HUGE: u64 = i64::MAX as u64;

/// Sealed segments and an active one, of a process that was killed.
fn killed_log(segments: u64, entries: u64) -> Fixture {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    for segment in 0..segments {
        for number in 0..entries {
            append(&mut log, segment * entries + number);
        }
        log.rotate(RotateReason::Manual).unwrap();
    }
    append(&mut log, segments * entries);
    log.commit().unwrap();
    let frozen = fixture.disk.after_kill();
    drop(log);
    fixture.with(frozen)
}

fn put(fixture: &Fixture, name: &str, bytes: &[u8]) {
    fixture.disk.put(&Path::new(DIR).join(name), bytes);
}

fn remove(fixture: &Fixture, name: &str) {
    fixture.disk.remove(&Path::new(DIR).join(name)).unwrap();
}

/// The lines of a file with other numbers, from `first_seq` on.
fn renumbered(bytes: &[u8], first_seq: u64) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let lines = text.lines().zip(first_seq..).map(|(line, seq)| {
        let (number, rest) = line.split_once(',').unwrap();
        assert!(number.starts_with("{\"seq\":"), "{number}");
        format!("{{\"seq\":{seq},{rest}\n")
    });
    lines.collect::<String>().into_bytes()
}

type Forgery = fn(&Fixture);

const FORGERIES: [(&str, Forgery); 4] = [
    ("the active segment claims a number", |fixture| {
        let forged = renumbered(&fixture.files()[ACTIVE], HUGE - 1000);
        put(fixture, ACTIVE, &forged);
    }),
    ("the last sealed segment claims a number", |fixture| {
        let last = last_sealed(fixture);
        let forged = renumbered(&fixture.files()[&sealed_name(last)], HUGE - 1000);
        put(fixture, &sealed_name(HUGE - 1000), &forged);
        [sealed_name(last).as_str(), ACTIVE].iter().for_each(|name| remove(fixture, name));
    }),
    ("both claim numbers that follow on each other", |fixture| {
        let last = last_sealed(fixture);
        let sealed = renumbered(&fixture.files()[&sealed_name(last)], HUGE - 1000);
        let lines = sealed.iter().filter(|byte| **byte == b'\n').count() as u64;
        put(fixture, &sealed_name(HUGE - 1000), &sealed);
        put(fixture, ACTIVE, &renumbered(&fixture.files()[ACTIVE], HUGE - 1000 + lines));
        remove(fixture, &sealed_name(last));
    }),
    ("the active segment alone is left, and claims a number", |fixture| {
        let forged = renumbered(&fixture.files()[ACTIVE], HUGE - 1000);
        let sealed = fixture.files().into_keys().filter(|name| name.starts_with("audit-0"));
        sealed.for_each(|name| remove(fixture, &name));
        put(fixture, "kept.jsonl", b"");
        put(fixture, ACTIVE, &forged);
    }),
];

fn last_sealed(fixture: &Fixture) -> u64 {
    *list_sealed(&disk_of(fixture)).unwrap().last().unwrap()
}

fn disk_of(fixture: &Fixture) -> Disk {
    let storage: Arc<dyn Storage> = Arc::new(fixture.disk.clone());
    Disk::new(storage, Path::new(DIR), None)
}

/// With the ratchet followed up to the claimed number, the start would never end.
#[test]
fn a_claimed_number_cannot_hang_a_start() {
    for (name, forge) in FORGERIES {
        let fixture = killed_log(3, 5);
        forge(&fixture);
        let error = fixture.open(LogOptions::default()).map(drop).unwrap_err();
        assert!(error.is_damage(), "{name}: {error}");
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error}");
        let options = LogOptions { on_damage: OnDamage::SetAside, ..LogOptions::default() };
        fixture.open(options).unwrap().close().unwrap();
    }
}

#[test]
fn a_state_that_claims_a_number_is_bad() {
    let fixture = killed_log(1, 5);
    let mut state = fixture.files()[STATE].clone();
    let at = "ringseal-state-v1 ".len() + 21;
    for slot in [0, 512] {
        state[slot + at..slot + at + 20].copy_from_slice(format!("{HUGE:020}").as_bytes());
    }
    put(&fixture, STATE, &state);
    let log = fixture.open(LogOptions::default()).unwrap();
    assert_eq!(log.health().state_mismatch.unwrap().kind, MismatchKind::BadState);
}

/// A key that could not be saved for any time: what lies between is there, or was removed and has its tiles.
#[test]
fn entries_that_lead_to_a_number_are_accepted() {
    let fixture = killed_log(3, 300);
    let sealed = list_sealed(&disk_of(&fixture)).unwrap();
    assert_eq!(sealed.len(), 3);
    let ends_at = |fixture: &Fixture, sealed: &[u64], from| {
        check_beyond(&disk_of(fixture), sealed, Some(from), 0).is_ok()
    };
    for from in [0, 1, sealed[1] - 1, sealed[1], sealed[2] + 1] {
        assert!(ends_at(&fixture, &sealed, from), "{from}");
    }
    for removed in 1..=3 {
        // The oldest segments were removed.
        assert!(ends_at(&fixture, &sealed[removed..], 0), "{removed}");
    }
    let missing = fixture.with(fixture.disk.after_kill());
    remove(&missing, "tile/0/000");
    for removed in 1..3 {
        assert!(!ends_at(&missing, &sealed[removed..], 0), "{removed}");
    }
    let gap = [sealed[0], sealed[2]];
    assert!(!ends_at(&fixture, &gap, 0), "a segment in between is missing");
    // Nothing is followed in a log without keys, so its start reads no old segment.
    assert!(check_beyond(&disk_of(&fixture), &gap, None, 0).is_ok());
    remove(&fixture, ACTIVE);
    assert!(ends_at(&fixture, &sealed, 0), "no active segment");
}
