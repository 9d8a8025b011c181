//! Logs that the real writer wrote, whole and touched.
mod forger;
mod kinds;
mod matrix;
mod moving;
mod whose;
pub(crate) mod world;

use std::path::Path;

use super::*;
use crate::audit::entry::Scheme;
use crate::audit::entry::control::RotateReason;
use crate::audit::store::LogOptions;
use world::{DIR, World, anchor, disk_of, small, verified};

fn intact(report: &Report) {
    assert_eq!(report.outcome, Outcome::Intact, "{:?} {:?}", report.first_bad, report.problem);
}

/// Three segments, as many epochs, a tail that no checkpoint covers yet.
pub(crate) fn live() -> World {
    live_since(|_| ()).0
}

/// The same, and what `look` saw of it when its first segment was not yet closed.
fn live_since<T>(look: impl Fn(&World) -> T) -> (World, T) {
    let mut early = None;
    let mut world = World::new();
    let mut log = world.open(small());
    for _ in 0..2 {
        (0..4).for_each(|_| world.append(&mut log, 5));
        early.get_or_insert_with(|| look(&world));
        log.rotate(RotateReason::Manual).unwrap();
        log.maintain().unwrap();
    }
    (0..4).for_each(|_| world.append(&mut log, 5));
    log.checkpoint().unwrap();
    log.maintain().unwrap();
    world.remember();
    world.append(&mut log, 3);
    // Not closed: what follows is the log as it is while it lives.
    let frozen = world.disk.after_kill();
    drop(log);
    world.disk = frozen;
    (world, early.unwrap())
}

#[test]
fn a_living_log_is_intact() {
    let world = live();
    let report = verified(&world.files(), &world.options());
    intact(&report);
    assert!(report.chain_checked);
    assert_eq!((report.segments, report.entries_unsealed, report.epochs), (3, 3, 3));
    assert_eq!(report.entries, report.tree_size);
    assert_eq!(report.notes, Vec::<String>::new());
    let bytes: usize = world
        .files()
        .iter()
        .filter_map(|(name, bytes)| name.ends_with("jsonl").then_some(bytes.len()))
        .sum();
    assert_eq!(report.bytes, bytes as u64);
}

#[test]
fn a_closed_and_reopened_log_is_intact() {
    let mut world = World::new();
    for _ in 0..3 {
        let mut log = world.open(small());
        (0..4).for_each(|_| world.append(&mut log, 5));
        log.close().unwrap();
        // Nobody was running: no gap.
        world.clock.advance(100_000 * 1_000_000_000);
        let report = verified(&world.files(), &world.options());
        intact(&report);
        assert_eq!(report.entries_unsealed, 0);
    }
}

/// Producers' times come out of order by as much as their threads wait. Summing every step forward
/// would make hours of it.
#[test]
fn times_that_come_out_of_order_make_no_gap() {
    use crate::core::clock::Clock;
    let mut world = World::new();
    let mut log = world.open(LogOptions::default());
    for number in 0..200 {
        let late = if number % 2 == 0 { 10_000_000_000 } else { 0 };
        world::append(&mut log, world.clock.unix_nanos() - late);
        world.clock.advance(1_000_000);
    }
    log.commit().unwrap();
    log.close().unwrap();
    intact(&verified(&world.files(), &world.options()));
}

#[test]
fn without_the_first_key_checkpoints_alone_tell() {
    let world = live();
    let mut options = world.options();
    options.first_key = None;
    let report = verified(&world.files(), &options);
    intact(&report);
    assert!(!report.chain_checked);
}

#[test]
fn a_log_without_a_key_is_intact() {
    let mut world = World::new();
    let options = LogOptions { scheme: Scheme::Hash, ..small() };
    let mut log = world.open(options);
    (0..10).for_each(|_| world.append(&mut log, 5));
    log.close().unwrap();
    let mut options = world.options();
    options.first_key = None;
    let report = verified(&world.files(), &options);
    intact(&report);
    assert!(report.chain_checked);
}

/// A log whose first segments are gone, and its files before they went.
pub(crate) fn pruned() -> (World, world::FilesOf) {
    let mut world = World::new();
    let mut log = world.open(small());
    for _ in 0..4 {
        (0..4).for_each(|_| world.append(&mut log, 5));
        log.rotate(RotateReason::Manual).unwrap();
        log.maintain().unwrap();
    }
    let before = world.files();
    assert!(log.prune(70).unwrap() > 0);
    log.maintain().unwrap();
    log.close().unwrap();
    (world, before)
}

#[test]
fn a_pruned_log_is_intact_and_its_removed_epochs_are_followed() {
    let (world, before) = pruned();
    let mut options = world.options();
    options.known_checkpoints.push(anchor(&before));
    for key in [Some(world.first_key.clone()), None] {
        options.first_key = key;
        let report = verified(&world.files(), &options);
        intact(&report);
        assert!(report.entries_pruned > 0 && report.entries > 0);
        assert_eq!((report.known_checkpoints, report.epochs), (1, 5));
    }
}

#[cfg(feature = "compress")]
#[test]
fn compressed_segments_read_alike() {
    use std::io::Write;
    let world = live();
    let mut files = world.files();
    let plain = verified(&files, &world.options());
    let sealed: Vec<String> =
        files.keys().filter(|name| name.starts_with("audit-0")).cloned().collect();
    assert_eq!(sealed.len(), 2);
    for name in sealed {
        let bytes = files.remove(&name).unwrap();
        let mut packed = Vec::new();
        // Two members: what a compressor that was interrupted and went on may leave.
        for part in bytes.chunks(bytes.len() / 2 + 1) {
            let mut encoder = flate2::write::GzEncoder::new(&mut packed, Default::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        }
        files.insert(format!("{name}.gz"), packed);
    }
    assert_eq!(verified(&files, &world.options()), plain);
    let name = files.keys().find(|name| name.ends_with(".gz")).unwrap().clone();
    let bytes = files.get_mut(&name).unwrap();
    let len = bytes.len();
    bytes[len / 2] ^= 1;
    let report = verified(&files, &world.options());
    assert_eq!(report.outcome, Outcome::Tampered, "{report:?}");
}

#[test]
fn an_unfinished_line_at_the_end_is_a_note() {
    let world = live();
    let mut files = world.files();
    let whole = verified(&files, &world.options());
    let active = files.get_mut("audit.log.jsonl").unwrap();
    active.extend_from_slice(b"{\"seq\":9");
    let report = verified(&files, &world.options());
    intact(&report);
    assert_eq!(report.notes, ["audit.log.jsonl ends with 8 bytes of an unfinished line"]);
    assert_eq!(report.entries, whole.entries);
    files.get_mut("checkpoints").unwrap().extend_from_slice(b"test.example");
    let report = verified(&files, &world.options());
    intact(&report);
    assert_eq!(report.notes.len(), 2);
}

#[test]
fn what_cannot_be_checked_is_neither_intact_nor_tampered() {
    let world = live();
    let unchecked = |report: Report, reason: &str| {
        assert_eq!(report.outcome, Outcome::Unchecked, "{report:?}");
        assert!(report.problem.as_ref().unwrap().contains(reason), "{report:?}");
    };
    let mut reports = Vec::new();
    for call in 0..30 {
        let disk = disk_of(&world.files());
        disk.set_faults(crate::storage::faulty::Faults {
            fail_call: Some((call, std::io::ErrorKind::PermissionDenied)),
            ..Default::default()
        });
        reports.push(verify(&disk, Path::new(DIR), &world.options(), &mut |_| ()));
    }
    // A look at whether the log moves may fail: then it is read, or read again.
    reports.retain(|report| report.outcome != Outcome::Intact);
    assert!(reports.len() >= 15, "{}", reports.len());
    reports.into_iter().for_each(|report| unchecked(report, "permission denied"));
    unchecked(verified(&Default::default(), &world.options()), "no audit log");
    let mut options = world.options();
    let note = b"not a note".to_vec();
    options.known_checkpoints.push(KnownCheckpoint { name: "mine".into(), note });
    unchecked(verified(&world.files(), &options), "the known checkpoint mine");
    // The real file system: a directory that is not there.
    let missing = Path::new("/nonexistent/audit");
    let report = verify(&crate::storage::OsStorage, missing, &world.options(), &mut |_| ());
    unchecked(report, "/nonexistent/audit");
}

#[test]
fn progress_goes_up_to_the_end() {
    let world = live();
    let mut last = 0;
    let mut total = 0;
    let report = verify(&disk_of(&world.files()), Path::new(DIR), &world.options(), &mut |at| {
        assert!(at.bytes_done >= last && at.bytes_done <= at.bytes_total);
        (last, total) = (at.bytes_done, at.bytes_total);
    });
    assert_eq!((last, total), (report.bytes, report.bytes));
}

#[test]
fn reports_are_json() {
    let world = live();
    let mut files = world.files();
    let value: serde_json::Value =
        serde_json::from_str(&verified(&files, &world.options()).to_json()).unwrap();
    assert_eq!(value["outcome"], "intact");
    assert_eq!(value["first_bad"], serde_json::Value::Null);
    files.get_mut("audit.log.jsonl").unwrap()[30] = b'"';
    let report = verified(&files, &world.options());
    let value: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(value["outcome"], "tampered");
    assert_eq!(value["first_bad"]["kind"], "malformed");
    assert_eq!(value["first_bad"]["file"], "audit.log.jsonl");
    assert_eq!(value["first_bad"]["line"], 1);
}
