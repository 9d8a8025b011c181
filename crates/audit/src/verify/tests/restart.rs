//! Forgeries that a restart would seal: the attacker writes files while the service is down, and then it starts again.
use std::path::Path;

use super::forger::{ForgedEntry, Keys, entries_of, forge};
use super::support::{
    DIR, Fixture, LogFiles, append, kept_checkpoint, small_options, verify_files,
};
use crate::entry::control::MismatchKind;
use crate::store::{AuditLog, LogOptions, StoreError};
use crate::verify::{FindingKind, VerifyOutcome, VerifyReport};
use ringseal_base::clock::Clock;

const ACTIVE: &str = "audit.log.jsonl";

/// How the process that wrote the log ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Killed,
    Closed,
}

/// A log with `epochs` epochs; the last one has events and several checkpoints.
pub fn log_of(epochs: u64, end: End) -> Fixture {
    let mut fixture = Fixture::new();
    for epoch in 0..epochs {
        let mut log = fixture.open(small_options());
        (0..4).for_each(|_| fixture.append(&mut log, 6));
        let frozen = fixture.disk.after_kill();
        if epoch + 1 == epochs && end == End::Killed {
            drop(log);
            fixture.disk = frozen;
        } else {
            log.close().unwrap();
        }
    }
    fixture
}

/// Writes the files over those on the fixture's disk; files that are missing are removed, except keys.
pub fn put_files(fixture: &Fixture, files: &LogFiles) {
    for (name, _) in fixture.files().iter().filter(|(name, _)| !name.starts_with("keys/")) {
        if !files.contains_key(name) {
            ringseal_base::storage::Storage::remove(&fixture.disk, &Path::new(DIR).join(name))
                .unwrap();
        }
    }
    for (name, bytes) in files {
        fixture.disk.put(&Path::new(DIR).join(name), bytes);
    }
}

/// The forgery of an attacker without keys: he changes events of the present epoch in place, leaves their signatures,
/// and drops tiles and the checkpoints that would show the change.
fn launder(fixture: &Fixture, change: impl FnOnce(&mut Vec<ForgedEntry>)) {
    let files = fixture.files();
    let mut items = entries_of(&files);
    change(&mut items);
    let keys = Keys { chain: None, signers: Vec::new() };
    let mut forged = forge(&files, &items, &keys);
    keep_consistent_checkpoints(&files, &mut forged);
    forged.retain(|name, _| !name.starts_with("tile/"));
    put_files(fixture, &forged);
}

/// The forgery of all events of the present epoch.
pub fn launder_all(fixture: &Fixture) {
    launder(fixture, CHANGES[1].1);
}

/// Keeps only checkpoints whose entries are unchanged.
fn keep_consistent_checkpoints(before: &LogFiles, after: &mut LogFiles) {
    let first_change = first_change(before, after);
    let text = String::from_utf8(before["checkpoints"].clone()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let notes: Vec<String> = lines
        .chunks(6)
        .filter(|note| note[1].trim().parse::<u64>().unwrap() <= first_change)
        .map(|note| note.concat())
        .collect();
    let latest = notes.last().map(|note| note[..note.len() - 1].to_owned()).unwrap_or_default();
    after.insert("checkpoints".into(), notes.concat().into_bytes());
    after.insert("checkpoint".into(), latest.into_bytes());
}

fn first_change(before: &LogFiles, after: &LogFiles) -> u64 {
    let lines = |files: &LogFiles| -> Vec<Vec<u8>> {
        let active = files[ACTIVE].split_inclusive(|byte| *byte == b'\n');
        active.map(<[u8]>::to_vec).collect()
    };
    let (one, two) = (lines(before), lines(after));
    let same = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
    same as u64
}

/// Events of the last epoch, in order.
fn present_events(items: &[ForgedEntry]) -> Vec<usize> {
    let from = items.iter().rposition(|item| item.is("epoch")).map_or(0, |at| at + 1);
    (from..items.len()).filter(|at| items[*at].is_event()).collect()
}

fn verdicts(fixture: &Fixture, known: Option<&LogFiles>) -> Vec<VerifyReport> {
    let files = fixture.files();
    let mut options = fixture.options();
    options.known_checkpoints.extend(known.map(kept_checkpoint));
    let with_mac = verify_files(&files, &options);
    options.first_key = None;
    vec![with_mac, verify_files(&files, &options)]
}

#[track_caller]
fn assert_found(fixture: &Fixture, kinds: &[FindingKind], what: &str) {
    for report in verdicts(fixture, None) {
        assert_eq!(report.outcome, VerifyOutcome::Tampered, "{what}");
        let found = report.first_bad.unwrap();
        assert!(kinds.contains(&found.kind), "{what}: {found}");
    }
}

type Change = fn(&mut Vec<ForgedEntry>);

/// What the attacker does with the events of the present epoch.
const CHANGES: &[(&str, Change)] = &[
    ("one event changed", |items| {
        let at = present_events(items)[2];
        items[at].body = items[at].body.replace("success", "failure");
    }),
    ("all events changed", |items| {
        for at in present_events(items) {
            items[at].body = items[at].body.replace("success", "failure");
        }
    }),
    ("one event deleted", |items| {
        let at = present_events(items)[2];
        items.remove(at);
    }),
    ("one event inserted", |items| {
        let at = present_events(items)[2];
        let mut item = items[at].clone();
        item.was = None;
        items.insert(at, item);
    }),
    ("two events swapped", |items| {
        let events = present_events(items);
        items.swap(events[2], events[3]);
    }),
    ("the time of an event changed", |items| {
        let at = present_events(items)[2];
        items[at].unix_nanos -= 1_000_000_000;
    }),
];

#[test]
fn a_restart_does_not_launder_a_forgery() {
    for epochs in [1, 2, 4] {
        for end in [End::Killed, End::Closed] {
            for (name, change) in CHANGES {
                let what = format!("{name}, {epochs} epochs, {end:?}");
                let mut fixture = log_of(epochs, end);
                // The key on disk has moved past the changed events.
                launder(&fixture, change);
                match fixture.try_open(small_options()) {
                    Ok(mut log) => {
                        let health = log.health();
                        assert!(!health.audit_sink_healthy, "{what}");
                        assert!(health.state_mismatch.is_some(), "{what}");
                        fixture.append(&mut log, 9);
                        log.checkpoint().unwrap();
                        let live = fixture.disk.after_kill();
                        log.close().unwrap();
                        assert_found(&fixture, FOUND, &what);
                        fixture.disk = live;
                    }
                    // The start refuses: the log stays as the attacker left it.
                    Err(StoreError::Damaged { .. } | StoreError::RolledBack { .. }) => {}
                    Err(error) => panic!("{what}: {error}"),
                }
                // A second restart does not make it better.
                if let Ok(log) = fixture.try_open(small_options()) {
                    log.close().unwrap();
                    assert_found(&fixture, FOUND, &what);
                }
            }
        }
    }
}

/// With `audit.mac` the changed event is found before the entry that records the mismatch.
const FOUND: &[FindingKind] =
    &[FindingKind::StateMismatch, FindingKind::Modified, FindingKind::Unsealed];

#[test]
fn entries_cut_before_a_restart_are_found() {
    for end in [End::Killed, End::Closed] {
        let mut fixture = Fixture::new();
        let options = LogOptions { chain_key_seconds: 1000, ..LogOptions::default() };
        let mut log = fixture.open(options.clone());
        for _ in 0..5 {
            append(&mut log, fixture.clock.unix_nanos());
            log.commit().unwrap();
        }
        let frozen = fixture.disk.after_kill();
        if end == End::Killed {
            drop(log);
            fixture.disk = frozen;
        } else {
            log.close().unwrap();
            // The checkpoint of the end, and so the key on disk, is newer than any cut.
            continue;
        }
        let mut files = fixture.files();
        let lines: Vec<&[u8]> = files[ACTIVE].split_inclusive(|byte| *byte == b'\n').collect();
        let cut = lines[..lines.len() - 2].concat();
        files.insert(ACTIVE.into(), cut);
        put_files(&fixture, &files);
        let log = fixture.open(options);
        assert_eq!(log.health().state_mismatch.unwrap().kind, MismatchKind::Cut);
        log.close().unwrap();
        assert_found(&fixture, &[FindingKind::StateMismatch], "cut");
    }
}

/// What the attacker does with the protected state, and what the start finds.
type StateChange = fn(&mut Vec<u8>) -> bool;

#[test]
fn a_missing_or_forged_state_is_a_finding() {
    let flip_both = |bytes: &mut Vec<u8>| {
        // The first digit of the roots of both records.
        for slot in [0, 512] {
            bytes[slot + 60] = if bytes[slot + 60] == b'A' { b'B' } else { b'A' };
        }
        true
    };
    let cases: [(&str, StateChange, MismatchKind); 4] = [
        ("removed", |_| false, MismatchKind::NoState),
        (
            "emptied",
            |bytes| {
                bytes.clear();
                true
            },
            MismatchKind::BadState,
        ),
        ("changed", flip_both, MismatchKind::BadState),
        (
            "another log's",
            |bytes| {
                let mut other = Fixture::with_seed(77);
                let mut log = other.open(small_options());
                other.append(&mut log, 9);
                log.close().unwrap();
                *bytes = other.files()["keys/state"].clone();
                true
            },
            MismatchKind::BadState,
        ),
    ];
    for (what, change, kind) in cases {
        let mut fixture = log_of(2, End::Closed);
        let path = Path::new(DIR).join("keys/state");
        let mut bytes = fixture.files()["keys/state"].clone();
        if change(&mut bytes) {
            fixture.disk.put(&path, &bytes);
        } else {
            ringseal_base::storage::Storage::remove(&fixture.disk, &path).unwrap();
        }
        let log = fixture.open(small_options());
        assert_eq!(log.health().state_mismatch.unwrap().kind, kind, "{what}");
        log.close().unwrap();
        assert_found(&fixture, &[FindingKind::StateMismatch], what);
    }
}

/// Replacing the key of the chain, which needs no reading, does not replace the state.
#[test]
fn replaced_keys_do_not_fit_the_state() {
    let mut fixture = log_of(2, End::Closed);
    launder(&fixture, CHANGES[1].1);
    let entries = entries_of(&fixture.files()).len() as u64;
    let key = crate::keys::ChainKey::new([9; 32]);
    let path = Path::new(DIR).join("keys/chain.key");
    fixture.disk.put(&path, key.chain_text(entries).as_bytes());
    let log = fixture.open(small_options());
    assert_eq!(log.health().state_mismatch.unwrap().kind, MismatchKind::BadState);
    log.close().unwrap();
    assert_found(&fixture, FOUND, "replaced key");
}

/// A state from before, as power loss may leave it, is not a finding: the chain proves the entries after it.
#[test]
fn a_state_older_than_the_log_is_accepted() {
    let mut fixture = Fixture::new();
    let options = LogOptions { chain_key_seconds: 1000, ..small_options() };
    let mut log = fixture.open(LogOptions { checkpoint_entries: 1000, ..options.clone() });
    let mut states = Vec::new();
    for _ in 0..6 {
        append(&mut log, fixture.clock.unix_nanos());
        log.commit().unwrap();
        states.push(fixture.files()["keys/state"].clone());
    }
    let frozen = fixture.disk.after_kill();
    drop(log);
    for state in states {
        fixture.disk = frozen.after_kill();
        fixture.disk.put(&Path::new(DIR).join("keys/state"), &state);
        let log = fixture.open(options.clone());
        assert_eq!(log.health().state_mismatch, None);
        log.close().unwrap();
        for report in verdicts(&fixture, None) {
            super::assert_intact(&report);
        }
    }
}

/// The whole machine set back to an earlier state: only a checkpoint kept elsewhere shows it.
#[test]
fn only_kept_checkpoints_show_a_joint_rollback() {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    fixture.append(&mut log, 9);
    let snapshot = fixture.disk.after_kill();
    fixture.append(&mut log, 9);
    log.close().unwrap();
    let late = fixture.files();
    fixture.disk = snapshot;
    let log = fixture.open(small_options());
    log.close().unwrap();
    for report in verdicts(&fixture, None) {
        super::assert_intact(&report);
        assert!(report.state_in_log);
    }
    for report in verdicts(&fixture, Some(&late)) {
        assert_eq!(report.first_bad.unwrap().kind, FindingKind::RolledBack);
    }
}

#[test]
fn a_separate_state_is_not_rolled_back() {
    let mut fixture = Fixture::new();
    let away = Path::new("/state");
    fixture.disk.put_dir(away);
    let keys: Vec<_> = ["epoch.key", "chain.key"].into_iter().collect();
    for name in keys {
        let bytes = fixture.files()[&format!("keys/{name}")].clone();
        fixture.disk.put(&away.join(name), &bytes);
    }
    let options = LogOptions { state_dir: Some(away.to_owned()), ..small_options() };
    let open = |fixture: &Fixture| {
        let host = super::support::host(&fixture.disk, &fixture.clock, 7000 + fixture.disk.calls());
        AuditLog::open(host, Path::new(DIR), options.clone())
    };
    let mut log = open(&fixture).unwrap();
    let appended = |fixture: &mut Fixture, log: &mut AuditLog| {
        (0..9).for_each(|_| append(log, fixture.clock.unix_nanos()));
        log.commit().unwrap();
        log.maintain().unwrap();
    };
    appended(&mut fixture, &mut log);
    let early = fixture.files();
    appended(&mut fixture, &mut log);
    log.close().unwrap();
    assert!(!verdicts(&fixture, None)[0].state_in_log);
    put_files(&fixture, &early);
    let error = open(&fixture).unwrap_err();
    assert!(matches!(error, StoreError::RolledBack { .. }), "{error}");
}

#[test]
fn an_unchanged_log_reopens_without_a_finding() {
    for epochs in [1, 3] {
        for end in [End::Killed, End::Closed] {
            let mut fixture = log_of(epochs, end);
            // Only tiles are lost: they are rebuilt, which is a repair and not a finding.
            let mut files = fixture.files();
            files.retain(|name, _| !name.starts_with("tile/"));
            put_files(&fixture, &files);
            let log = fixture.open(small_options());
            assert_eq!(log.health().state_mismatch, None);
            log.close().unwrap();
            for report in verdicts(&fixture, None) {
                super::assert_intact(&report);
            }
        }
    }
}
