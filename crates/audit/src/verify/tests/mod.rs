//! Verification of logs that the real writer wrote, unchanged and changed.
mod claimed_numbers;
mod forger;
#[cfg(feature = "compress")]
mod format_1;
mod honest;
mod kinds;
mod log_in_use;
mod matrix;
mod more_rows;
mod random_attacks;
pub(crate) mod restart;
pub(crate) mod support;
mod threads;
mod wrong_key;

use std::path::Path;

use super::*;
use crate::entry::Scheme;
use crate::entry::control::RotateReason;
use crate::store::LogOptions;
use support::{DIR, Fixture, disk_of, kept_checkpoint, small_options, verify_files};

fn assert_intact(report: &VerifyReport) {
    assert_eq!(
        report.outcome,
        VerifyOutcome::Intact,
        "{:?} {:?}",
        report.first_bad,
        report.problem
    );
}

/// A log with three segments, three epochs, and a tail that no checkpoint covers yet.
pub(crate) fn live_log() -> Fixture {
    live_log_and(|_| ()).0
}

/// The same, and the result of `look` before its first segment was closed.
fn live_log_and<T>(look: impl Fn(&Fixture) -> T) -> (Fixture, T) {
    let mut early = None;
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    for _ in 0..2 {
        (0..4).for_each(|_| fixture.append(&mut log, 5));
        early.get_or_insert_with(|| look(&fixture));
        log.rotate(RotateReason::Manual).unwrap();
        log.maintain().unwrap();
    }
    (0..4).for_each(|_| fixture.append(&mut log, 5));
    log.checkpoint().unwrap();
    log.maintain().unwrap();
    fixture.remember();
    fixture.append(&mut log, 3);
    // Not closed: the copy is the log while it is in use.
    let frozen = fixture.disk.after_kill();
    drop(log);
    fixture.disk = frozen;
    (fixture, early.unwrap())
}

#[test]
fn an_open_log_is_intact() {
    let fixture = live_log();
    let report = verify_files(&fixture.files(), &fixture.options());
    assert_intact(&report);
    assert!(report.chain_checked);
    assert_eq!((report.segments, report.entries_unsealed, report.epochs), (3, 3, 3));
    assert_eq!(report.entries, report.tree_size);
    assert_eq!(report.notes, Vec::<String>::new());
    let bytes: usize = fixture
        .files()
        .iter()
        .filter_map(|(name, bytes)| name.ends_with("jsonl").then_some(bytes.len()))
        .sum();
    assert_eq!(report.bytes, bytes as u64);
}

#[test]
fn a_closed_and_reopened_log_is_intact() {
    let mut fixture = Fixture::new();
    for _ in 0..3 {
        let mut log = fixture.open(small_options());
        (0..4).for_each(|_| fixture.append(&mut log, 5));
        log.close().unwrap();
        // No process was running: no gap.
        fixture.clock.advance(100_000 * 1_000_000_000);
        let report = verify_files(&fixture.files(), &fixture.options());
        assert_intact(&report);
        assert_eq!(report.entries_unsealed, 0);
    }
}

/// Times of producers arrive out of order, by as long as their threads wait. A sum of all forward steps would be hours.
#[test]
fn out_of_order_times_make_no_gap() {
    use ringseal_base::clock::Clock;
    let mut fixture = Fixture::new();
    let mut log = fixture.open(LogOptions::default());
    for number in 0..200 {
        let late = if number % 2 == 0 { 10_000_000_000 } else { 0 };
        support::append(&mut log, fixture.clock.unix_nanos() - late);
        fixture.clock.advance(1_000_000);
    }
    log.commit().unwrap();
    log.close().unwrap();
    assert_intact(&verify_files(&fixture.files(), &fixture.options()));
}

#[test]
fn without_the_first_key_the_chain_is_unchecked() {
    let fixture = live_log();
    let mut options = fixture.options();
    options.first_key = None;
    let report = verify_files(&fixture.files(), &options);
    assert_intact(&report);
    assert!(!report.chain_checked);
}

#[test]
fn a_log_without_a_key_is_intact() {
    let mut fixture = Fixture::new();
    let options = LogOptions { scheme: Scheme::Hash, ..small_options() };
    let mut log = fixture.open(options);
    (0..10).for_each(|_| fixture.append(&mut log, 5));
    log.close().unwrap();
    let mut options = fixture.options();
    options.first_key = None;
    let report = verify_files(&fixture.files(), &options);
    assert_intact(&report);
    assert!(report.chain_checked);
}

/// A log whose first segments were pruned, and its files before that.
pub(crate) fn pruned_log() -> (Fixture, support::LogFiles) {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    for _ in 0..4 {
        (0..4).for_each(|_| fixture.append(&mut log, 5));
        log.rotate(RotateReason::Manual).unwrap();
        log.maintain().unwrap();
    }
    let before = fixture.files();
    assert!(log.prune(70).unwrap() > 0);
    log.maintain().unwrap();
    log.close().unwrap();
    (fixture, before)
}

#[test]
fn a_pruned_log_is_intact_across_removed_epochs() {
    let (fixture, before) = pruned_log();
    let mut options = fixture.options();
    options.known_checkpoints.push(kept_checkpoint(&before));
    for key in [Some(fixture.first_key.clone()), None] {
        options.first_key = key;
        let report = verify_files(&fixture.files(), &options);
        assert_intact(&report);
        assert!(report.entries_pruned > 0 && report.entries > 0);
        assert_eq!((report.known_checkpoints, report.epochs), (1, 5));
    }
}

#[cfg(feature = "compress")]
#[test]
fn compressed_segments_verify_like_plain_ones() {
    use std::io::Write;
    let fixture = live_log();
    let mut files = fixture.files();
    let plain = verify_files(&files, &fixture.options());
    let sealed: Vec<String> =
        files.keys().filter(|name| name.starts_with("audit-0")).cloned().collect();
    assert_eq!(sealed.len(), 2);
    for name in sealed {
        let bytes = files.remove(&name).unwrap();
        let mut packed = Vec::new();
        // Two members, as an interrupted and resumed compressor may write.
        for part in bytes.chunks(bytes.len() / 2 + 1) {
            let mut encoder = flate2::write::GzEncoder::new(&mut packed, Default::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        }
        files.insert(format!("{name}.gz"), packed);
    }
    assert_eq!(verify_files(&files, &fixture.options()), plain);
    let name = files.keys().find(|name| name.ends_with(".gz")).unwrap().clone();
    let bytes = files.get_mut(&name).unwrap();
    let len = bytes.len();
    bytes[len / 2] ^= 1;
    let report = verify_files(&files, &fixture.options());
    assert_eq!(report.outcome, VerifyOutcome::Tampered, "{report:?}");
}

#[test]
fn an_unfinished_last_line_is_a_note() {
    let fixture = live_log();
    let mut files = fixture.files();
    let whole = verify_files(&files, &fixture.options());
    let active = files.get_mut("audit.log.jsonl").unwrap();
    active.extend_from_slice(b"{\"seq\":9");
    let report = verify_files(&files, &fixture.options());
    assert_intact(&report);
    assert_eq!(report.notes, ["audit.log.jsonl ends with 8 bytes of an unfinished line"]);
    assert_eq!(report.entries, whole.entries);
    files.get_mut("checkpoints").unwrap().extend_from_slice(b"test.example");
    let report = verify_files(&files, &fixture.options());
    assert_intact(&report);
    assert_eq!(report.notes.len(), 2);
}

#[test]
fn an_unreadable_log_is_neither_intact_nor_tampered() {
    let fixture = live_log();
    let unchecked = |report: VerifyReport, reason: &str| {
        assert_eq!(report.outcome, VerifyOutcome::Unchecked, "{report:?}");
        assert!(report.problem.as_ref().unwrap().contains(reason), "{report:?}");
    };
    let mut reports = Vec::new();
    for call in 0..30 {
        let disk = disk_of(&fixture.files());
        disk.set_faults(ringseal_base::storage::faulty::Faults {
            fail_call: Some((call, std::io::ErrorKind::PermissionDenied)),
            ..Default::default()
        });
        reports.push(verify(&disk, Path::new(DIR), &fixture.options(), &mut |_| ()));
    }
    // A failure of the check for changes leads to another attempt, which may succeed.
    reports.retain(|report| report.outcome != VerifyOutcome::Intact);
    assert!(reports.len() >= 15, "{}", reports.len());
    reports.into_iter().for_each(|report| unchecked(report, "permission denied"));
    unchecked(verify_files(&Default::default(), &fixture.options()), "no audit log");
    let mut options = fixture.options();
    let note = b"not a note".to_vec();
    options.known_checkpoints.push(KnownCheckpoint { name: "mine".into(), note });
    unchecked(verify_files(&fixture.files(), &options), "the known checkpoint mine");
    // The real file system: a directory that does not exist.
    let missing = Path::new("/nonexistent/audit");
    let report =
        verify(&ringseal_base::storage::OsStorage, missing, &fixture.options(), &mut |_| ());
    unchecked(report, "/nonexistent/audit");
}

#[test]
fn progress_increases_to_the_total() {
    let fixture = live_log();
    let mut last = 0;
    let mut total = 0;
    let report =
        verify(&disk_of(&fixture.files()), Path::new(DIR), &fixture.options(), &mut |at| {
            assert!(at.bytes_done >= last && at.bytes_done <= at.bytes_total);
            (last, total) = (at.bytes_done, at.bytes_total);
        });
    assert_eq!((last, total), (report.bytes, report.bytes));
}

#[test]
fn reports_are_json() {
    let fixture = live_log();
    let mut files = fixture.files();
    let value: serde_json::Value =
        serde_json::from_str(&verify_files(&files, &fixture.options()).to_json()).unwrap();
    assert_eq!(value["outcome"], "intact");
    assert_eq!(value["first_bad"], serde_json::Value::Null);
    files.get_mut("audit.log.jsonl").unwrap()[30] = b'"';
    let report = verify_files(&files, &fixture.options());
    let value: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(value["outcome"], "tampered");
    assert_eq!(value["first_bad"]["kind"], "malformed");
    assert_eq!(value["first_bad"]["file"], "audit.log.jsonl");
    assert_eq!(value["first_bad"]["line"], 1);
}

#[test]
fn the_page_lists_every_kind_exactly_once() {
    let page = include_str!("../../../../../docs/audit-tamper.md");
    let listed = page.split_once("## What each kind means").unwrap().1;
    let listed = listed.split_once("\n## ").unwrap().0;
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` | ")?.0.to_owned());
    let listed: Vec<String> = listed.lines().filter_map(row).collect();
    let all: Vec<String> = FindingKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    assert_eq!(listed, all);
}
