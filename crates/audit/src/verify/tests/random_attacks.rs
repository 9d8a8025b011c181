//! Random attacks on a log at rest, by someone who can write every file and reads no key, then a restart: no change of
//! an acknowledged entry is called intact, except a rollback of log and state together. The state alone, set back to
//! one that the key of the chain on disk still fits, is part of that: an attacker who can copy it has a second for it.
//!
//! 300 attacks by default, of seeds 0, 1, 2 …; `RINGSEAL_TEST_ATTACKS=100000` for the long form, and
//! `RINGSEAL_TEST_SEED` for the first seed.
use std::collections::BTreeMap;
use std::path::Path;

use super::support::{DIR, Fixture, LogFiles, append, verify_disk};
use crate::entry::Parser;
use crate::entry::control::RotateReason;
use crate::store::{AuditLog, LogOptions, OnDamage};
use crate::verify::{VerifyOptions, VerifyOutcome};
use ringseal_base::clock::Clock;
use ringseal_base::digest::Sha256;
use ringseal_base::storage::{FileKind, Storage};

const ACTIVE: &str = "audit.log.jsonl";
const STATE: &str = "keys/state";

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 += 1;
        let hash = Sha256::of(&self.0.to_le_bytes());
        let number = u64::from_le_bytes(*hash.first_chunk().unwrap());
        (number % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// The lines of all entries that are present.
fn entries(files: &LogFiles) -> BTreeMap<u64, Vec<u8>> {
    let is_segment = |name: &str| name == ACTIVE || name.starts_with("audit-0");
    let mut found = BTreeMap::new();
    for (_, bytes) in files.iter().filter(|(name, _)| is_segment(name)) {
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Ok(entry) = Parser::new().entry(line) {
                found.insert(entry.seq, line.to_vec());
            }
        }
    }
    found
}

/// A log at rest, and earlier states of all its files.
struct History {
    fixture: Fixture,
    options: LogOptions,
    snapshots: Vec<LogFiles>,
}

fn history(random: &mut Random) -> History {
    let mut fixture = Fixture::new();
    let options = LogOptions {
        checkpoint_entries: *random.pick(&[1, 4, 9, 1000]),
        checkpoint_seconds: *random.pick(&[5, 300]),
        chain_key_seconds: *random.pick(&[0, 1, 1000]),
        ..LogOptions::default()
    };
    let mut snapshots = Vec::new();
    let lives = 1 + random.below(3);
    for life in 0..lives {
        let mut log = fixture.open(options.clone());
        for _ in 0..2 + random.below(5) {
            live(random, &mut fixture, &mut log);
            snapshots.push(fixture.files());
        }
        let frozen = fixture.disk.after_kill();
        let is_killed = random.below(2) == 0;
        if is_killed && (life + 1 == lives || random.below(2) == 0) {
            drop(log);
            fixture.disk = frozen;
        } else {
            log.close().unwrap();
        }
        snapshots.push(fixture.files());
    }
    History { fixture, options, snapshots }
}

fn live(random: &mut Random, fixture: &mut Fixture, log: &mut AuditLog) {
    fixture.clock.advance(random.below(3_000_000_000) as u64);
    for _ in 0..1 + random.below(6) {
        append(log, fixture.clock.unix_nanos());
    }
    log.commit().unwrap();
    match random.below(5) {
        0 => drop(log.checkpoint().unwrap()),
        1 => log.rotate(RotateReason::Manual).unwrap(),
        2 | 3 => log.maintain().unwrap(),
        _ => {}
    }
}

/// What one step of the attack did.
fn attack(random: &mut Random, history: &History) -> String {
    let disk = &history.fixture.disk;
    let files = history.fixture.files();
    let names: Vec<&String> = files.keys().collect();
    let segments: Vec<&String> =
        names.iter().copied().filter(|name| name.ends_with(".jsonl")).collect();
    let path = |name: &str| Path::new(DIR).join(name);
    let name = (*random.pick(&names)).clone();
    match random.below(12) {
        7 | 8 if segments.is_empty() => "no segment is left".to_owned(),
        0 => {
            disk.remove(&path(&name)).unwrap();
            format!("{name} removed")
        }
        1 | 2 => {
            let from = random.below(history.snapshots.len());
            match history.snapshots[from].get(&name) {
                Some(bytes) => disk.put(&path(&name), bytes),
                None => disk.remove(&path(&name)).unwrap(),
            }
            format!("{name} set back to snapshot {from}")
        }
        3 => {
            let mut bytes = files[&name].clone();
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
            disk.put(&path(&name), &bytes);
            format!("{name}: a bit of byte {at} changed")
        }
        4 => {
            let bytes = &files[&name];
            let len = random.below(bytes.len());
            disk.put(&path(&name), &bytes[..len]);
            format!("{name} cut to {len} bytes")
        }
        5 => {
            let other = (*random.pick(&names)).clone();
            disk.put(&path(&other), &files[&name]);
            format!("{name} copied over {other}")
        }
        6 => {
            // The newest record of the state is destroyed.
            let mut bytes = files.get(STATE).cloned().unwrap_or_default();
            let slot = 512 * random.below(2);
            bytes.get_mut(slot..slot + 512).into_iter().for_each(|slot| slot.fill(b' '));
            disk.put(&path(STATE), &bytes);
            format!("the slot of the state at {slot} destroyed")
        }
        7 => {
            let name = *random.pick(&segments);
            let mut lines: Vec<&[u8]> =
                files[name].split_inclusive(|byte| *byte == b'\n').collect();
            let count = random.below(lines.len()) / 2;
            lines.truncate(lines.len() - count);
            disk.put(&path(name), &lines.concat());
            format!("{name}: {count} entries cut")
        }
        8 => {
            let name = *random.pick(&segments);
            let text = String::from_utf8_lossy(&files[name]).into_owned();
            let is_once = random.below(2) == 0;
            let text = if is_once {
                text.replacen("success", "failure", 1)
            } else {
                text.replace("success", "failure")
            };
            disk.put(&path(name), text.as_bytes());
            format!("{name}: events changed, once: {is_once}")
        }
        9 | 10 => {
            let kind = *random.pick(&[FileKind::Symlink, FileKind::Other]);
            disk.put_other(&path(&name), kind);
            format!("{} in place of {name}", kind.as_str())
        }
        _ => {
            drop_notes(random, &files, disk);
            let tiles = names.iter().filter(|name| name.starts_with("tile/"));
            tiles.for_each(|name| disk.remove(&path(name)).unwrap());
            "checkpoints dropped, tiles removed".to_owned()
        }
    }
}

/// Drops the last checkpoints, and makes `checkpoint` fit.
fn drop_notes(
    random: &mut Random,
    files: &LogFiles,
    disk: &ringseal_base::storage::faulty::FaultyDisk,
) {
    let Some(Ok(text)) = files.get("checkpoints").cloned().map(String::from_utf8) else { return };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let notes: Vec<String> = lines.chunks(6).map(<[&str]>::concat).collect();
    let kept = &notes[..random.below(notes.len() + 1)];
    disk.put(&Path::new(DIR).join("checkpoints"), kept.concat().as_bytes());
    let latest = kept.last().map_or("", |note| note.strip_suffix('\n').unwrap_or(note));
    disk.put(&Path::new(DIR).join("checkpoint"), latest.as_bytes());
}

/// Whether both the log and the state are as they once were: the exception of the promise. The state may be the older
/// one of the two, as after power loss.
fn is_joint_rollback(
    history: &History,
    acknowledged: &BTreeMap<u64, Vec<u8>>,
    now: &LogFiles,
) -> bool {
    let found = entries(now);
    let was = acknowledged.iter().take(found.len()).eq(found.iter());
    let is_state =
        |then: &LogFiles| now.get(STATE) == then.get(STATE) && entries(then).len() <= found.len();
    was && history.snapshots.iter().any(is_state)
}

/// Restarts the log and writes a little, twice. Returns whether it opened.
fn restart(random: &mut Random, history: &mut History) -> bool {
    let on_damage = *random.pick(&[OnDamage::Refuse, OnDamage::SetAside]);
    let options = LogOptions { on_damage, ..history.options.clone() };
    let Ok(mut log) = history.fixture.try_open(options.clone()) else { return false };
    append(&mut log, history.fixture.clock.unix_nanos());
    log.commit().unwrap();
    if random.below(2) == 0 {
        log.checkpoint().unwrap();
        let frozen = history.fixture.disk.after_kill();
        drop(log);
        history.fixture.disk = frozen;
    } else {
        log.close().unwrap();
    }
    true
}

fn check_seed(seed: u64) -> bool {
    let random = &mut Random(seed << 20);
    let mut history = history(random);
    let acknowledged = entries(&history.fixture.files());
    let steps: Vec<String> = (0..1 + random.below(3)).map(|_| attack(random, &history)).collect();
    let attacked = history.fixture.files();
    if !restart(random, &mut history) {
        return false;
    }
    let files = history.fixture.files();
    let found = entries(&files);
    let changed = acknowledged.iter().find(|(seq, line)| found.get(seq) != Some(line));
    let Some((seq, _)) = changed.filter(|_| !is_joint_rollback(&history, &acknowledged, &attacked))
    else {
        return false;
    };
    for first_key in [None, Some(history.fixture.first_key.clone())] {
        let options = VerifyOptions { first_key, ..history.fixture.options() };
        let report = verify_disk(&history.fixture.disk, &options);
        assert_ne!(
            report.outcome,
            VerifyOutcome::Intact,
            "seed {seed}: entry {seq} was changed by {steps:#?}, {:?}",
            report.warnings
        );
    }
    true
}

#[test]
fn no_random_attack_is_sealed_by_a_restart() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count: u64 = number("RINGSEAL_TEST_ATTACKS").unwrap_or(300);
    let first: u64 = number("RINGSEAL_TEST_SEED").unwrap_or(0);
    let found = (first..first + count).filter(|seed| check_seed(*seed)).count();
    assert!(count < 100 || found as u64 > count / 10, "{found} of {count} changed something");
}
