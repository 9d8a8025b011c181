//! Retention, checks, repairs, keys, and changes by other programs.
use std::path::Path;
use std::sync::Arc;

use super::support::*;
use crate::entry::control::{Algorithm, CheckStatus, Control, PruneReason, RotateReason, Trigger};
use crate::keys::ChainKey;
use crate::store::names::{ACTIVE, CHECKPOINT, INTEGRITY_LOG, parse_sealed, sealed_name};
use crate::store::{
    AuditLog, Damage, FsckFinding, LogOptions, MaintenanceReport, Repair, Retain, StoreError, fsck,
};
use ringseal_base::digest::text::{Base64, base64};
use ringseal_base::storage::Storage;

fn rotated(fixture: &Fixture, options: LogOptions, segments: u64) -> AuditLog {
    let mut log = fixture.open(options).unwrap();
    for number in 0..segments {
        append(&mut log, number);
        log.rotate(RotateReason::Manual).unwrap();
        fixture.advance(100);
    }
    log
}

fn sealed_files(fixture: &Fixture) -> Vec<String> {
    fixture.files().into_keys().filter(|name| parse_sealed(name).is_some()).collect()
}

#[test]
fn old_segments_are_pruned_and_proofs_kept() {
    let cases = [
        (Retain { segments_max: Some(2), ..Retain::default() }, PruneReason::Count, 4),
        (Retain { seconds_max: Some(250), ..Retain::default() }, PruneReason::Age, 4),
        (Retain { bytes_max: Some(10_000), ..Retain::default() }, PruneReason::Bytes, 0),
        (Retain { bytes_max: Some(1), ..Retain::default() }, PruneReason::Bytes, 6),
    ];
    for (retain, reason, gone) in cases {
        let fixture = Fixture::new();
        let mut log = rotated(&fixture, LogOptions { retain, ..LogOptions::default() }, 6);
        let before = check(&fixture);
        let bytes: usize =
            sealed_files(&fixture).iter().map(|name| fixture.files()[name].len()).sum();
        let expected = if gone == 0 { u64::from(bytes > 10_000) } else { gone };
        let went = log.retain().unwrap();
        assert!(went >= expected, "{retain:?}: {went}");
        if gone > 0 {
            assert_eq!(went, gone, "{retain:?}");
        }
        let pruned = log.take_reports().into_iter().find_map(|report| match report {
            MaintenanceReport::Pruned(prune) => Some(prune),
            _ => None,
        });
        if went > 0 {
            assert_eq!(pruned.unwrap().reason, reason);
        }
        assert_eq!(sealed_files(&fixture).len() as u64, 6 - went);
        log.close().unwrap();
        let after = check(&fixture);
        assert!(
            before.leaves.iter().all(|(seq, leaf)| after.leaves.get(seq).is_none_or(|l| l == leaf))
        );
        fixture.open(LogOptions::default()).unwrap().close().unwrap();
        check(&fixture);
    }
}

#[test]
fn pruning_continues_where_it_stopped() {
    let fixture = Fixture::new();
    let mut log = rotated(&fixture, LogOptions::default(), 5);
    let seqs: Vec<u64> =
        sealed_files(&fixture).iter().map(|n| parse_sealed(n).unwrap().0).collect();
    assert_eq!(log.prune(seqs[2]).unwrap(), 2);
    assert_eq!(log.prune(seqs[2]).unwrap(), 0);
    drop(log);
    let mut log = fixture.open(LogOptions::default()).unwrap();
    assert_eq!(log.prune(u64::MAX).unwrap(), 3);
    log.close().unwrap();
    check(&fixture);
    let log = fixture.open(LogOptions::default()).unwrap();
    log.close().unwrap();
    let checked = check(&fixture);
    let prunes: Vec<_> = checked
        .controls
        .values()
        .filter_map(|control| match control {
            Control::Prune(prune) => Some((prune.segments[0].first_seq, prune.before_seq)),
            _ => None,
        })
        .collect();
    assert_eq!(prunes[0], (0, seqs[2]));
    assert_eq!(prunes[1].0, seqs[2]);
}

#[cfg(feature = "compress")]
#[test]
fn compressed_segments_equal_plain_ones() {
    let fixture = Fixture::new();
    let log = rotated(&fixture, LogOptions::default(), 3);
    let storage: Arc<dyn Storage> = Arc::new(fixture.disk.clone());
    let before = check(&fixture);
    let compressed = crate::store::compress_sealed(&storage, Path::new(DIR)).unwrap();
    assert_eq!(compressed, 3);
    assert!(sealed_files(&fixture).iter().all(|name| name.ends_with(".gz")));
    let after = check(&fixture);
    assert_eq!(before.leaves, after.leaves);
    log.close().unwrap();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let results = log.verify_now().unwrap();
    assert!(results.iter().all(|result| result.status() == CheckStatus::Ok), "{results:?}");
    assert_eq!(log.prune(u64::MAX).unwrap(), 3);
    log.close().unwrap();
    assert_eq!(sealed_files(&fixture), Vec::<String>::new());
    check(&fixture);
}

#[test]
fn a_missing_active_segment_is_detected() {
    let fixture = Fixture::new();
    let _log = rotated(&fixture, LogOptions::default(), 1);
    let after = fixture.with(fixture.disk.after_kill());
    after.disk.remove(&Path::new(DIR).join(ACTIVE)).unwrap();
    let error = after.open(LogOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::RolledBack { .. }), "{error}");
}

#[test]
fn checks_find_changes_in_all_segments() {
    for algorithm in Algorithm::ALL {
        for target in ["sealed", "active", "missing", "nothing"] {
            let fixture = Fixture::new();
            let options = LogOptions { integrity_algorithm: *algorithm, ..LogOptions::default() };
            let mut log = rotated(&fixture, options, 3);
            append(&mut log, 9);
            log.commit().unwrap();
            let name = if target == "active" { ACTIVE.to_owned() } else { sealed_name(0) };
            let path = Path::new(DIR).join(&name);
            let mut bytes = fixture.files()[&name].clone();
            if target == "missing" {
                fixture.disk.remove(&path).unwrap();
            } else if target != "nothing" {
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
                change_in_place(&fixture, &path, at as u64, bytes[at]);
            }
            let results = log.verify_now().unwrap();
            let [result] = &results[..] else { panic!("{results:?}") };
            let expected =
                if target == "nothing" { CheckStatus::Ok } else { CheckStatus::Mismatch };
            assert_eq!(result.status(), expected, "{algorithm:?} {target}");
            assert_eq!(result.segments.len(), 4);
            let place = if target == "active" { 3 } else { 0 };
            for (index, segment) in result.segments.iter().enumerate() {
                assert_eq!(segment.algorithm, *algorithm);
                let is_bad = index == place && target != "nothing";
                assert_eq!(segment.status == CheckStatus::Ok, !is_bad, "{segment:?}");
            }
            assert_eq!(log.health().audit_sink_healthy, target == "nothing");
        }
    }
}

fn change_in_place(fixture: &Fixture, path: &Path, at: u64, byte: u8) {
    let mut file = fixture.disk.open(path, ringseal_base::storage::OpenMode::Overwrite).unwrap();
    file.write_at(&[byte], at).unwrap();
}

#[test]
fn each_trigger_leaves_an_entry_and_a_line() {
    let fixture = Fixture::new();
    let options = LogOptions { service: "pay\"ments".into(), ..LogOptions::default() };
    let mut log = fixture.open(options).unwrap();
    append(&mut log, 0);
    fixture.advance(300);
    log.maintain().unwrap();
    log.rotate(RotateReason::Manual).unwrap();
    log.verify_now().unwrap();
    log.close().unwrap();
    let checked = check(&fixture);
    let triggers: Vec<_> = checked
        .controls
        .values()
        .filter_map(|control| match control {
            Control::Integrity(integrity) => {
                assert_eq!(integrity.status(), CheckStatus::Ok);
                Some(integrity.trigger)
            }
            _ => None,
        })
        .collect();
    use Trigger::*;
    assert_eq!(triggers, [Startup, Periodic, Rotation, Manual, Shutdown]);
    let lines = String::from_utf8(fixture.files()[INTEGRITY_LOG].clone()).unwrap();
    let keys = [
        "timestamp",
        "record_type",
        "service",
        "service_instance",
        "audit_log_path",
        "hash_algorithm",
        "hash_value",
        "file_size_bytes",
        "line_count",
        "last_event_timestamp",
        "verification_status",
        "trigger",
    ];
    for (line, trigger) in lines.lines().zip(&triggers) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(keys.iter().all(|key| value.get(key).is_some()), "{line}");
        assert_eq!(value["record_type"], "audit_integrity_check");
        assert_eq!(value["service"], "pay\"ments");
        assert_eq!(value["verification_status"], "ok");
        assert_eq!(value["trigger"], trigger.as_str());
    }
    assert_eq!(lines.lines().count(), triggers.len());
}

#[test]
fn an_automatic_check_reads_bounded_bytes() {
    let fixture = Fixture::new();
    let options = LogOptions { integrity_bytes_max: 1, ..LogOptions::default() };
    let mut log = rotated(&fixture, options, 3);
    let _ = log.take_reports();
    let mut seen = Vec::new();
    for _ in 0..4 {
        fixture.advance(300);
        log.maintain().unwrap();
        for report in log.take_reports() {
            let MaintenanceReport::Checked(integrity) = report else { continue };
            seen.extend(integrity.segments.iter().map(|s| s.name.clone()).filter(|n| n != ACTIVE));
        }
    }
    let sealed = sealed_files(&fixture);
    assert!(sealed.iter().all(|name| seen.contains(name)), "{seen:?}");
    log.close().unwrap();
}

#[test]
fn old_keys_are_erased_from_disk() {
    let fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let mut keys = vec![*fixture.first_key.bytes()];
    let mut epochs = vec![fixture.files()["keys/epoch.key"].clone()];
    for number in 0..20 {
        append(&mut log, number);
        log.commit().unwrap();
        fixture.advance(1);
        log.maintain().unwrap();
        let text = String::from_utf8(fixture.files()["keys/chain.key"].clone()).unwrap();
        let (seq, key) = ChainKey::parse_chain(&text).unwrap();
        assert_eq!(seq, log.next_seq());
        keys.push(*key.bytes());
    }
    log.rotate(RotateReason::Manual).unwrap();
    epochs.push(fixture.files()["keys/epoch.key"].clone());
    keys.dedup();
    assert_eq!(keys.len(), 21);
    // All bytes ever written, including those of deleted files.
    let disk = fixture.disk.all_bytes();
    let is_there =
        |needle: &[u8]| disk.iter().any(|bytes| memchr::memmem::find(bytes, needle).is_some());
    for key in &keys {
        let spelt = base64(Base64::Url, key);
        let away = key == fixture.first_key.bytes();
        let count =
            disk.iter().filter(|b| memchr::memmem::find(b, spelt.as_bytes()).is_some()).count();
        // `create` wrote K_0 to the directory off the host, and nowhere else.
        assert_eq!(count, usize::from(away), "{spelt}");
        assert!(!is_there(key));
    }
    assert!(!is_there(&epochs[0]));
    assert!(is_there(&epochs[1]));
    log.close().unwrap();
}

#[test]
fn lost_tiles_are_rebuilt() {
    let fixture = Fixture::new();
    let mut log = rotated(&fixture, LogOptions::default(), 3);
    for number in 0..600 {
        append(&mut log, number);
    }
    log.rotate(RotateReason::Manual).unwrap();
    log.close().unwrap();
    let tiles: Vec<_> = fixture.files().into_keys().filter(|n| n.starts_with("tile/")).collect();
    for name in &tiles {
        fixture.disk.remove(&Path::new(DIR).join(name)).unwrap();
    }
    fixture.open(LogOptions::default()).unwrap().close().unwrap();
    assert!(fixture.files().keys().any(|name| name == "tile/0/001"));
    check(&fixture);
}

#[test]
fn fsck_repairs_only_tiles_and_checkpoint() {
    let fixture = Fixture::new();
    let mut log = rotated(&fixture, LogOptions::default(), 2);
    for number in 0..600 {
        append(&mut log, number);
    }
    log.close().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(fixture.disk.clone());
    let look = |repair| fsck(&storage, Path::new(DIR), repair).unwrap();
    let whole = fixture.files();
    let clean = look(Repair::Yes);
    assert!(clean.findings.is_empty(), "{:?}", clean.findings);
    assert_eq!(clean.entries, check(&fixture).leaves.len() as u64);
    let dir = Path::new(DIR);
    fixture.disk.remove(&dir.join("tile/0/000")).unwrap();
    fixture.disk.put(&dir.join("tile/0/001"), &[0; 8192]);
    fixture.disk.put(&dir.join(CHECKPOINT), b"rubbish");
    let found = look(Repair::No);
    let kinds: Vec<_> = found.findings.iter().map(|finding| format!("{finding:?}")).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(found.repaired.is_empty());
    assert_eq!(look(Repair::Yes).repaired.len(), 3);
    assert_eq!(fixture.files(), whole);
    // Entries are never repaired.
    let mut active = whole[ACTIVE].clone();
    let at = active.len() / 2;
    active[at] ^= 1;
    fixture.disk.put(&dir.join(ACTIVE), &active);
    let found = look(Repair::Yes);
    assert!(!found.findings.is_empty());
    assert_eq!(fixture.files()[ACTIVE], active);
}

#[test]
fn fsck_names_the_place_of_damage() {
    let fixture = Fixture::new();
    let log = rotated(&fixture, LogOptions::default(), 2);
    log.close().unwrap();
    let mut bytes = fixture.files()[&sealed_name(0)].clone();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let at = second + 20;
    bytes[at] = b'!';
    fixture.disk.put(&Path::new(DIR).join(sealed_name(0)), &bytes);
    let storage: Arc<dyn Storage> = Arc::new(fixture.disk.clone());
    let found = fsck(&storage, Path::new(DIR), Repair::No).unwrap();
    let [FsckFinding::Damaged { file, offset, seq, what: Damage::Parse(_) }] = &found.findings[..]
    else {
        panic!("{:?}", found.findings);
    };
    assert_eq!((file.as_str(), *offset, *seq), (sealed_name(0).as_str(), second as u64, 1));
}

#[test]
fn options_out_of_range_are_refused() {
    let fixture = Fixture::new();
    let cases = [
        (LogOptions { ratchet: 0, ..LogOptions::default() }, "ratchet"),
        (LogOptions { ratchet: 65_537, ..LogOptions::default() }, "ratchet"),
        (LogOptions { segment_bytes_max: 0, ..LogOptions::default() }, "segment_bytes_max"),
        (LogOptions { checkpoint_seconds: 0, ..LogOptions::default() }, "checkpoint_seconds"),
        (LogOptions { staged_bytes_max: 1, ..LogOptions::default() }, "staged_bytes_max"),
    ];
    for (options, field) in cases {
        match fixture.open(options) {
            Err(StoreError::Option { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn a_log_keeps_its_ratchet_and_its_scheme() {
    let fixture = Fixture::new();
    fixture.open(LogOptions::default()).unwrap().close().unwrap();
    fixture.open(LogOptions { ratchet: 64, ..LogOptions::default() }).unwrap().close().unwrap();
    check(&fixture);
    let options = LogOptions { scheme: crate::entry::Scheme::Hash, ..LogOptions::default() };
    assert!(matches!(fixture.open(options), Err(StoreError::NoChainKey { .. })));
}

#[test]
fn bytes_on_disk_never_change() {
    let fixture = Fixture::new();
    let options =
        LogOptions { segment_bytes_max: 4_000, checkpoint_entries: 5, ..LogOptions::default() };
    let mut entries: std::collections::BTreeMap<u64, Vec<u8>> = Default::default();
    let mut notes: Vec<u8> = Vec::new();
    for round in 0..3 {
        let mut log = fixture.open(options.clone()).unwrap();
        for number in 0..30 {
            append(&mut log, round * 100 + number);
            log.commit().unwrap();
            log.maintain().unwrap();
            fixture.advance(20);
            let now = fixture.files();
            for (name, bytes) in &now {
                let first = match parse_sealed(name) {
                    Some((first, false)) => first,
                    _ if name == ACTIVE => {
                        seq_of(bytes.split(|byte| *byte == b'\n').next().unwrap())
                    }
                    _ => continue,
                };
                let before = entries.insert(first, bytes.clone()).unwrap_or_default();
                assert!(bytes.starts_with(&before), "{name}");
            }
            let list = now["checkpoints"].clone();
            assert!(list.starts_with(&notes));
            notes = list;
        }
        if round == 1 {
            drop(log);
        } else {
            log.close().unwrap();
        }
    }
    assert!(entries.len() > 5);
    check(&fixture);
}
