//! Openings that are refused change no file; files that someone else put there are not obeyed, and
//! reading them ends.
use std::path::Path;

use super::support::*;
use crate::entry::Scheme;
use crate::entry::control::{MismatchKind, RotateReason};
use crate::keys::ChainKey;
use crate::store::names::{
    ACTIVE, CHAIN_KEY, CHECKPOINT, CHECKPOINTS, CONTINUED_NEXT, EPOCH_KEY, STATE,
};
use crate::store::{AuditLog, LogOptions, OnDamage, Retain, StoreError};
use crate::verify::tests::support::verify_disk;
use crate::verify::{FindingKind, VerifyOptions};
use ringseal_base::storage::Storage;

/// Three segments, the last one with several checkpoints; killed.
fn killed_log() -> Fixture {
    let fixture = Fixture::new();
    let mut log = fixture.open(small()).unwrap();
    for segment in 0..3 {
        for number in 0..5 {
            append(&mut log, segment * 100 + number);
            log.commit().unwrap();
        }
        if segment < 2 {
            log.rotate(RotateReason::Manual).unwrap();
        }
        log.checkpoint().unwrap();
    }
    let frozen = fixture.disk.after_kill();
    drop(log);
    fixture.with(frozen)
}

fn put(fixture: &Fixture, name: &str, bytes: &[u8]) {
    fixture.disk.put(&Path::new(DIR).join(name), bytes);
}

fn edit(fixture: &Fixture, name: &str, from: &str, to: &str) {
    let text = String::from_utf8(fixture.files()[name].clone()).unwrap();
    assert!(text.contains(from), "{name}");
    put(fixture, name, text.replacen(from, to, 1).as_bytes());
}

fn sealed(fixture: &Fixture) -> String {
    fixture.files().into_keys().find(|name| name.starts_with("audit-0")).unwrap()
}

type Damage = fn(&Fixture, &mut LogOptions);

const DAMAGES: &[(&str, Damage)] = &[
    ("an entry that does not parse", |fixture, _| {
        edit(fixture, ACTIVE, "user.login", "user login")
    }),
    ("an entry before the key changed", |fixture, _| edit(fixture, ACTIVE, "success", "failure")),
    ("entries of two segments changed, and a tile", |fixture, _| {
        edit(fixture, &sealed(fixture), "success", "failure");
        edit(fixture, ACTIVE, "success", "failure");
        let tile = fixture.files().into_keys().find(|name| name.starts_with("tile/")).unwrap();
        put(fixture, &tile, b"garbage");
    }),
    ("the tail cut below the key", |fixture, _| {
        let bytes = fixture.files()[ACTIVE].clone();
        put(fixture, ACTIVE, &bytes[..bytes.len() / 2]);
    }),
    ("a middle segment gone", |fixture, _| {
        let name = fixture.files().into_keys().filter(|name| name.starts_with("audit-0")).nth(1);
        fixture.disk.remove(&Path::new(DIR).join(name.unwrap())).unwrap();
    }),
    ("all segments gone", |fixture, _| {
        let names = fixture.files().into_keys();
        for name in names.filter(|name| name.ends_with(".jsonl")) {
            fixture.disk.remove(&Path::new(DIR).join(name)).unwrap();
        }
    }),
    ("the key of the chain gone", |fixture, _| {
        fixture.disk.remove(&Path::new(DIR).join(CHAIN_KEY)).unwrap();
    }),
    ("another key of the epoch", |fixture, _| {
        let other = crate::note::Signer::new(ORIGIN, &[9; 32]).unwrap();
        put(fixture, EPOCH_KEY, format!("{}\n", *other.secret_text()).as_bytes());
    }),
    ("another scheme", |_, options| options.scheme = Scheme::Hash),
    ("an option out of range", |_, options| options.ratchet = 0),
    ("a plan that someone else wrote", |fixture, _| {
        let root = "A".repeat(43);
        let plan = format!("ringseal-continued-v1 aside-1 0 {root} 0 0\nnothing\n");
        put(fixture, CONTINUED_NEXT, plan.as_bytes());
    }),
    ("a tail too long to keep", |fixture, _| {
        let bytes = fixture.files()[ACTIVE].clone();
        put(fixture, ACTIVE, &[&bytes[..], &vec![0; (64 << 20) + 1]].concat());
    }),
];

#[test]
fn a_refused_start_leaves_files_as_they_are() {
    for (name, damage) in DAMAGES {
        let fixture = killed_log();
        let mut options = small();
        put(&fixture, "checkpoint.tmp", b"unfinished");
        damage(&fixture, &mut options);
        let before = fixture.files();
        for _ in 0..2 {
            let error = fixture.open(options.clone()).map(drop).unwrap_err();
            let after = fixture.files();
            let names = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
                files.keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(names(&after), names(&before), "{name}: {error}");
            let changed = after.iter().find(|(name, bytes)| before[*name] != **bytes);
            assert_eq!(changed.map(|(name, _)| name), None, "{name}: {error}");
        }
    }
}

/// A plan without the log's MAC, or of an earlier setting aside, does not move the log.
#[test]
fn a_forged_plan_sets_nothing_aside() {
    let fixture = killed_log();
    let root = "A".repeat(43);
    for end in ["", "ringseal-continued-mac-v1 \n", &format!("ringseal-continued-mac-v1 {root}\n")]
    {
        let plan = format!("ringseal-continued-v1 aside-1 0 {root} 0 0\nnothing\n{end}");
        put(&fixture, CONTINUED_NEXT, plan.as_bytes());
        for on_damage in [OnDamage::Refuse, OnDamage::SetAside] {
            let options = LogOptions { on_damage, ..small() };
            let error = fixture.open(options).map(drop).unwrap_err();
            assert!(error.to_string().contains("nothing was moved"), "{error}");
        }
    }
    fixture.disk.remove(&Path::new(DIR).join(CONTINUED_NEXT)).unwrap();
    fixture.open(small()).unwrap().close().unwrap();
    check(&fixture);
}

/// Both slots of the state have the last record: destroying one does not bring an older record back.
#[test]
fn neither_slot_has_an_older_record() {
    let options = LogOptions { chain_key_seconds: 1000, ..LogOptions::default() };
    let fixture = Fixture::new();
    let mut log = fixture.open(options.clone()).unwrap();
    let mut before = Vec::new();
    for number in 0..4 {
        before = fixture.files()[ACTIVE].clone();
        append(&mut log, number);
        log.commit().unwrap();
    }
    let killed = fixture.disk.after_kill();
    drop(log);
    for slot in [0, 512] {
        for (is_cut, expected) in [(false, None), (true, Some(MismatchKind::Cut))] {
            let fixture = fixture.with(killed.after_kill());
            let mut state = fixture.files()[STATE].clone();
            state[slot..slot + 512].fill(b' ');
            put(&fixture, STATE, &state);
            if is_cut {
                put(&fixture, ACTIVE, &before);
            }
            let log = fixture.open(options.clone()).unwrap();
            let found = log.health().state_mismatch.map(|mismatch| mismatch.kind);
            assert_eq!(found, expected, "slot {slot}, cut: {is_cut}");
        }
    }
}

/// The keys of `keygen`, which a mount still has, put in place of those of the host: the log's format says that there
/// was a state.
#[test]
fn restored_first_keys_hide_no_cut() {
    let fixture = Fixture::new();
    let first: Vec<_> =
        [EPOCH_KEY, CHAIN_KEY].map(|name| (name, fixture.files()[name].clone())).into();
    let mut log = fixture.open(LogOptions::default()).unwrap();
    let mut before = Vec::new();
    for number in 0..4 {
        before = fixture.files()[ACTIVE].clone();
        append(&mut log, number);
        log.commit().unwrap();
        log.maintain().unwrap();
    }
    let fixture = fixture.with(fixture.disk.after_kill());
    drop(log);
    for (name, bytes) in &first {
        put(&fixture, name, bytes);
    }
    put(&fixture, ACTIVE, &before);
    fixture.disk.remove(&Path::new(DIR).join(STATE)).unwrap();
    let log = fixture.open(LogOptions::default()).unwrap();
    assert_eq!(log.health().state_mismatch.unwrap().kind, MismatchKind::NoState);
}

fn verdict(fixture: &Fixture) -> crate::verify::VerifyReport {
    let options = VerifyOptions::new(fixture.root.clone());
    verify_disk(&fixture.disk, &options)
}

/// Power loss can leave a length without data for everything that was not synced: more than the longest line.
#[test]
fn zeros_of_any_length_are_torn() {
    for (line, zeros) in [("", 300), ("{\"seq\":", 300), ("", 1 << 20), ("{\"seq\":", 5 << 20)] {
        let fixture = killed_log();
        let bytes = fixture.files()[ACTIVE].clone();
        put(&fixture, ACTIVE, &[&bytes, line.as_bytes(), &vec![0; zeros]].concat());
        let report = verdict(&fixture);
        assert_eq!(report.first_bad, None, "{line} and {zeros} zeros");
        assert!(report.notes[0].contains("never written"), "{:?}", report.notes);
        let log = fixture.open(small()).unwrap();
        assert_eq!(log.health().recovered_bytes, (line.len() + zeros) as u64);
        log.close().unwrap();
        assert_eq!(verdict(&fixture).first_bad, None);
    }
}

/// Files that are longer than the log writes them are read up to a bound.
#[test]
fn overlong_files_are_not_read_whole() {
    let fixture = killed_log();
    for name in [CHECKPOINT, CHECKPOINTS, "checkpoint.next"] {
        let fixture = fixture.with(fixture.disk.after_kill());
        let before = fixture.files().get(name).cloned().unwrap_or_default();
        put(&fixture, name, &[&before[..], &vec![0; 8 << 20]].concat());
        match fixture.open(small()) {
            Ok(log) => log.close().unwrap(),
            Err(StoreError::Damaged { file, .. }) => assert_eq!(file, name),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// A clock beyond the last time of the format: removals by age go by the times that the entries have.
#[test]
fn removals_by_age_use_entry_times() {
    const LAST: i64 = 9_214_646_400_000_000_000;
    let retain = Retain { seconds_max: Some(60), ..Retain::default() };
    for start in [LAST - 200_000_000_000, LAST - 30_000_000_000, LAST + 1] {
        let fixture = Fixture::new();
        fixture.clock.step_to(start);
        let mut log = fixture.open(LogOptions { retain, ..small() }).unwrap();
        for number in 0..4 {
            append(&mut log, number);
            log.rotate(RotateReason::Manual).unwrap();
            fixture.advance(50);
            log.retain().unwrap();
        }
        log.close().unwrap();
        assert_eq!(verdict(&fixture).first_bad, None, "{start}");
    }
}

/// The key of the chain, derived again for an entry that the state still covers, continues the log without a finding.
#[test]
fn a_key_derived_again_continues_the_log() {
    let fixture = killed_log();
    let sealed = verdict(&fixture);
    let seq = sealed.tree_size - sealed.entries_unsealed;
    let key = crate::read::chain_key(&fixture.disk, Path::new(DIR), &fixture.first_key, seq);
    let key: ChainKey = key.unwrap().unwrap();
    put(&fixture, CHAIN_KEY, key.chain_text(seq).as_bytes());
    let log: AuditLog = fixture.open(small()).unwrap();
    assert_eq!(log.health().state_mismatch, None);
    log.close().unwrap();
    check(&fixture);
}

/// A plan that was carried out cannot be carried out again: what is left of it has no MAC.
#[test]
fn a_plan_is_carried_out_once() {
    let fixture = killed_log();
    edit(&fixture, ACTIVE, "success", "failure");
    let options = LogOptions { on_damage: OnDamage::SetAside, ..small() };
    fixture.open(options.clone()).unwrap().close().unwrap();
    let left = fixture.files()["continued-from"].clone();
    put(&fixture, CONTINUED_NEXT, &left);
    let error = fixture.open(options).map(drop).unwrap_err();
    assert!(error.to_string().contains("nothing was moved"), "{error}");
}

/// The state is destroyed, and a checkpoint of the attacker's own is the last one: it does not describe the log.
#[test]
fn a_forged_checkpoint_describes_no_log() {
    for is_signed in [true, false] {
        let fixture = killed_log();
        edit(&fixture, ACTIVE, "success", "failure");
        put(&fixture, STATE, b"");
        let sealed = verdict(&fixture).tree_size;
        if !is_signed {
            let other = crate::note::Signer::new(ORIGIN, &[9; 32]).unwrap();
            let checkpoint =
                crate::checkpoint::Checkpoint { origin: ORIGIN.into(), size: 1000, root: [7; 32] };
            let note = checkpoint.sign(&other).unwrap() + "\n";
            put(&fixture, CHECKPOINTS, &[&fixture.files()[CHECKPOINTS], note.as_bytes()].concat());
        }
        let options = LogOptions { on_damage: OnDamage::SetAside, ..small() };
        fixture.open(options).unwrap().close().unwrap();
        let start = crate::read::first_start(&fixture.disk, Path::new(DIR)).unwrap();
        let continued = start.continued.unwrap();
        assert_ne!(continued.tree_root, [7; 32]);
        assert_eq!(continued.entries > 0, is_signed, "{sealed}");
    }
}

/// A kept piece of a torn end that is longer than recorded is a finding, and is not read to its end.
#[test]
fn a_longer_torn_piece_is_a_finding() {
    let fixture = killed_log();
    let bytes = fixture.files()[ACTIVE].clone();
    put(&fixture, ACTIVE, &[&bytes, &b"{\"seq\":"[..]].concat());
    fixture.open(small()).unwrap().close().unwrap();
    assert_eq!(verdict(&fixture).first_bad, None);
    let (name, piece) =
        fixture.files().into_iter().find(|(name, _)| name.starts_with("torn/")).unwrap();
    put(&fixture, &name, &[&piece[..], &vec![0; 9 << 20]].concat());
    assert_eq!(verdict(&fixture).first_bad.unwrap().kind, FindingKind::Modified);
}
