//! Each kind of finding, with its file and line, caused by direct changes of the files.
use proptest::prelude::*;

use super::support::{Fixture, LogFiles, kept_checkpoint, small_options, verify_files};
use super::{assert_intact, live_log};
use crate::entry::control::RotateReason;
use crate::verify::{FindingKind, VerifyOutcome, VerifyReport, WarningKind};

const ACTIVE: &str = "audit.log.jsonl";

/// The names of the sealed segments.
fn sealed(files: &LogFiles) -> Vec<String> {
    files.keys().filter(|name| name.starts_with("audit-0")).cloned().collect()
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Changes the lines of a file.
pub(super) fn edit(files: &mut LogFiles, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut all = lines(&files[name]);
    change(&mut all);
    files.insert(name.to_owned(), all.concat());
}

fn replaced(line: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(line).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

#[track_caller]
pub(super) fn assert_first_bad(
    report: &VerifyReport,
    kind: FindingKind,
    file: &str,
    line: Option<u64>,
) {
    assert_eq!(report.outcome, VerifyOutcome::Tampered, "{:?}", report.problem);
    let found = report.first_bad.as_ref().unwrap();
    assert_eq!((found.kind, found.place.file.as_str()), (kind, file), "{found}");
    assert_eq!(found.place.line, line, "{found}");
}

/// The same line is found with the chain's key and, by the tiles, without it.
#[track_caller]
fn assert_found(
    fixture: &Fixture,
    files: &LogFiles,
    kind: FindingKind,
    file: &str,
    line: Option<u64>,
) {
    let mut options = fixture.options();
    assert_first_bad(&verify_files(files, &options), kind, file, line);
    options.first_key = None;
    assert_first_bad(&verify_files(files, &options), kind, file, line);
}

type Edit = fn(&mut Vec<Vec<u8>>);

/// Changes of lines within a sealed segment: name, change, kind and line of the finding.
const LINE_EDITS: &[(&str, Edit, FindingKind, u64)] = &[
    ("modified", |l| l[9] = replaced(&l[9], "success", "failure"), FindingKind::Modified, 10),
    ("modified time", |l| l[9] = replaced(&l[9], "T15", "T16"), FindingKind::Modified, 10),
    (
        "modified link",
        |l| flip_digit(&mut l[9], "_prev_signature\":\"m1:"),
        FindingKind::Modified,
        10,
    ),
    (
        "modified signature",
        |l| flip_digit(&mut l[9], "\"_signature\":\"m1:"),
        FindingKind::Modified,
        10,
    ),
    ("deleted", |l| drop(l.remove(9)), FindingKind::Deleted, 10),
    ("several deleted", |l| drop(l.drain(9..12)), FindingKind::Deleted, 10),
    ("first deleted", |l| drop(l.remove(0)), FindingKind::Deleted, 1),
    ("swapped", |l| l.swap(9, 10), FindingKind::Reordered, 10),
    (
        "moved back",
        |l| {
            let line = l.remove(9);
            l.insert(14, line)
        },
        FindingKind::Reordered,
        10,
    ),
    (
        "moved forward",
        |l| {
            let line = l.remove(14);
            l.insert(9, line)
        },
        FindingKind::Reordered,
        10,
    ),
    ("duplicated", |l| l.insert(10, l[9].clone()), FindingKind::Duplicated, 11),
    ("duplicated later", |l| l.insert(14, l[9].clone()), FindingKind::Duplicated, 15),
    ("inserted", |l| l.insert(9, replaced(&l[9], "success", "failure")), FindingKind::Inserted, 10),
    (
        "inserted after",
        |l| l.insert(10, replaced(&l[9], "success", "failure")),
        FindingKind::Inserted,
        11,
    ),
    ("an empty line", |l| l.insert(9, b"\n".to_vec()), FindingKind::Malformed, 10),
    (
        "a space",
        |l| l[9] = replaced(&l[9], "\",\"actor", "\", \"actor"),
        FindingKind::Malformed,
        10,
    ),
    ("carriage return", |l| l[9] = replaced(&l[9], "}\n", "}\r\n"), FindingKind::Malformed, 10),
    ("a byte that is not UTF-8", |l| l[9][70] = 0xFF, FindingKind::Malformed, 10),
    ("two lines joined", |l| assert!(l[9].pop().is_some()), FindingKind::Malformed, 10),
    (
        "no newline at the end",
        |l| assert!(l.last_mut().unwrap().pop().is_some()),
        FindingKind::Malformed,
        0,
    ),
];

fn flip_digit(line: &mut [u8], before: &str) {
    let text = std::str::from_utf8(line).unwrap();
    let at = text.find(before).unwrap() + before.len();
    line[at] = if line[at] == b'A' { b'B' } else { b'A' };
}

#[test]
fn a_changed_line_is_found_at_its_place() {
    let fixture = live_log();
    let untouched = fixture.files();
    let name = &sealed(&untouched)[1];
    let count = lines(&untouched[name]).len() as u64;
    for (what, change, kind, line) in LINE_EDITS {
        let mut files = untouched.clone();
        edit(&mut files, name, *change);
        println!("{what}");
        let line = if *line == 0 { count } else { *line };
        assert_found(&fixture, &files, *kind, name, Some(line));
    }
}

#[test]
fn counts_cover_what_precedes_the_first_bad_record() {
    let fixture = live_log();
    let untouched = fixture.files();
    let name = &sealed(&untouched)[1];
    let first = lines(&untouched[&sealed(&untouched)[0]]);
    let sizes = sizes(&untouched);
    for (what, change, _, _) in LINE_EDITS {
        let mut files = untouched.clone();
        edit(&mut files, name, *change);
        let mut options = fixture.options();
        for key in [options.first_key.take(), None] {
            options.first_key = key;
            let report = verify_files(&files, &options);
            let place = report.first_bad.unwrap().place;
            let whole = lines(&files[name]);
            let before = &whole[..place.line.unwrap() as usize - 1];
            let bytes = first.concat().len() + before.concat().len();
            assert_eq!(report.entries, (first.len() + before.len()) as u64, "{what}");
            assert_eq!((report.bytes, report.segments), (bytes as u64, 1), "{what}");
            assert_eq!(place.offset, Some(before.concat().len() as u64), "{what}");
            let sealed = sizes.iter().filter(|size| **size <= report.entries).max().unwrap();
            assert_eq!(report.entries_unsealed, report.entries - sealed, "{what}");
        }
    }
}

#[test]
fn missing_and_swapped_segments_are_found() {
    let fixture = live_log();
    let untouched = fixture.files();
    let names = sealed(&untouched);
    let mut files = untouched.clone();
    files.remove(&names[1]);
    assert_found(&fixture, &files, FindingKind::SegmentMissing, ACTIVE, Some(1));
    let mut files = untouched.clone();
    files.remove(&names[0]);
    assert_found(&fixture, &files, FindingKind::SegmentMissing, &names[1], None);
    let mut files = untouched.clone();
    let (one, two) = (files[&names[0]].clone(), files[&names[1]].clone());
    files.insert(names[0].clone(), two);
    files.insert(names[1].clone(), one);
    assert_found(&fixture, &files, FindingKind::SegmentsSwapped, &names[0], Some(1));
    let mut files = untouched.clone();
    edit(&mut files, &names[0], |lines| lines.truncate(lines.len() - 2));
    let mut options = fixture.options();
    assert_first_bad(&verify_files(&files, &options), FindingKind::Deleted, &names[0], None);
    options.first_key = None;
    assert_first_bad(&verify_files(&files, &options), FindingKind::Deleted, &names[0], None);
    let mut files = untouched.clone();
    files.insert("audit-00000000000000000007.jsonl".into(), files[&names[0]].clone());
    let found = verify_files(&files, &fixture.options());
    assert_eq!(found.outcome, VerifyOutcome::Tampered);
}

/// One bad record does not hide those behind it.
#[test]
fn all_bad_records_are_listed() {
    let fixture = live_log();
    let mut files = fixture.files();
    let names = sealed(&files);
    edit(&mut files, &names[0], |lines| lines[5] = replaced(&lines[5], "success", "failure"));
    edit(&mut files, &names[1], |lines| {
        lines[9] = replaced(&lines[9], "success", "failure");
        lines[14] = b"{}\n".to_vec();
    });
    edit(&mut files, ACTIVE, |lines| drop(lines.remove(6)));
    let mut options = fixture.options();
    for key in [options.first_key.take(), None] {
        options.first_key = key;
        let report = verify_files(&files, &options);
        assert_first_bad(&report, FindingKind::Modified, &names[0], Some(6));
        let listed: Vec<(FindingKind, &str, Option<u64>)> = report
            .more_bad
            .iter()
            .map(|found| (found.kind, found.place.file.as_str(), found.place.line))
            .collect();
        for expected in [
            (FindingKind::Modified, names[1].as_str(), Some(10)),
            (FindingKind::Malformed, names[1].as_str(), Some(15)),
            (FindingKind::Deleted, ACTIVE, Some(7)),
        ] {
            assert!(listed.contains(&expected), "{expected:?} in {listed:?}");
        }
        assert!(listed.len() <= 6, "{listed:?}");
    }
}

#[test]
fn a_tail_cut_below_a_checkpoint_is_found() {
    let fixture = live_log();
    let mut files = fixture.files();
    edit(&mut files, ACTIVE, |lines| lines.truncate(lines.len() - 8));
    assert_found(&fixture, &files, FindingKind::TailTruncated, ACTIVE, None);
    files.remove(ACTIVE);
    let last = sealed(&files).pop().unwrap();
    assert_found(&fixture, &files, FindingKind::TailTruncated, &last, None);
    // Only the unsealed tail is cut: this leaves no trace.
    let mut files = fixture.files();
    edit(&mut files, ACTIVE, |lines| lines.truncate(lines.len() - 3));
    assert_intact(&verify_files(&files, &fixture.options()));
}

#[test]
fn changed_checkpoints_are_found() {
    let fixture = live_log();
    let untouched = fixture.files();
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut files = untouched.clone();
        edit(&mut files, "checkpoints", |lines| change(lines));
        verify_files(&files, &fixture.options())
    };
    let flip = |line: &mut Vec<u8>, at: usize| {
        line[at] = if line[at] == b'A' { b'B' } else { b'A' };
    };
    let report = with(&|l| flip(&mut l[10], 40));
    assert_first_bad(&report, FindingKind::BadSignature, "checkpoints", Some(7));
    let report = with(&|l| flip(&mut l[2], 10));
    assert_first_bad(&report, FindingKind::BadSignature, "checkpoints", Some(1));
    let report = with(&|l| l[1] = b"01\n".to_vec());
    assert_first_bad(&report, FindingKind::BadCheckpoint, "checkpoints", Some(1));
    let report = with(&|l| l[0] = b"other.example\n".to_vec());
    assert_first_bad(&report, FindingKind::BadCheckpoint, "checkpoints", Some(1));
    let report = with(&|l| {
        let second: Vec<_> = l.drain(6..12).collect();
        l.splice(12..12, second);
    });
    assert_first_bad(&report, FindingKind::BadCheckpoint, "checkpoints", Some(13));
    let mut files = untouched.clone();
    files.remove("checkpoints");
    // The first event after an opening that no checkpoint covers.
    let report = verify_files(&files, &fixture.options());
    assert_first_bad(&report, FindingKind::Unsealed, &sealed(&files)[0], Some(3));
    let mut files = untouched.clone();
    files.insert("checkpoint".into(), b"something else\n".to_vec());
    assert_first_bad(
        &verify_files(&files, &fixture.options()),
        FindingKind::BadCheckpoint,
        "checkpoint",
        None,
    );
    let mut files = untouched.clone();
    files.remove("checkpoint");
    let report = verify_files(&files, &fixture.options());
    assert_intact(&report);
    assert_eq!(report.notes, ["checkpoint is missing"]);
}

/// The sizes of all checkpoints.
fn sizes(files: &LogFiles) -> Vec<u64> {
    let text = String::from_utf8(files["checkpoints"].clone()).unwrap();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Removes each note whose size satisfies `is_removed` from `checkpoints`.
fn without_notes(files: &mut LogFiles, is_removed: impl Fn(u64) -> bool) {
    let text = String::from_utf8(files["checkpoints"].clone()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let notes = lines.chunks(6).filter(|note| !is_removed(note[1].trim().parse().unwrap()));
    let kept: String = notes.flatten().copied().collect();
    files.insert("checkpoints".into(), kept.into_bytes());
}

#[test]
fn an_unsealed_epoch_is_found() {
    let fixture = live_log();
    let mut files = fixture.files();
    let name = sealed(&files)[0].clone();
    let size = lines(&files[&name]).len() as u64;
    without_notes(&mut files, |found| found == size);
    assert_first_bad(
        &verify_files(&files, &fixture.options()),
        FindingKind::Unsealed,
        &name,
        Some(size),
    );
}

/// A log that is intact, with these kinds of warnings.
#[track_caller]
fn assert_warned(report: &VerifyReport, kinds: &[WarningKind]) {
    assert_intact(report);
    let mut found: Vec<WarningKind> = report.warnings.iter().map(|one| one.kind).collect();
    found.dedup();
    assert_eq!(found, kinds, "{:?}", report.warnings);
}

#[test]
fn checkpoint_gaps_are_warnings() {
    let fixture = live_log();
    let untouched = fixture.files();
    let mut options = fixture.options();
    assert_warned(&verify_files(&untouched, &options), &[]);
    let late = options.now_unix_nanos.unwrap() + 700 * 1_000_000_000;
    options.now_unix_nanos = Some(late);
    let report = verify_files(&untouched, &options);
    assert_warned(&report, &[WarningKind::Stale]);
    assert_eq!(report.warnings[0].place.seq, Some(report.entries));
    options.gap_seconds_max = Some(1000);
    assert_warned(&verify_files(&untouched, &options), &[]);
    options.now_unix_nanos = Some(i64::MAX);
    assert_warned(&verify_files(&untouched, &options), &[WarningKind::Stale]);
    options.now_unix_nanos = None;
    options.gap_seconds_max = Some(1);
    let report = verify_files(&untouched, &options);
    assert_warned(&report, &[WarningKind::GapTime, WarningKind::Stale]);
    options.gap_seconds_max = None;
    options.gap_entries_max = Some(2);
    assert_warned(&verify_files(&untouched, &options), &[WarningKind::GapEntries]);
    // Checkpoints within an epoch are removed. More entries are then between the remaining ones than twice the promised
    // number.
    let mut files = untouched.clone();
    let sizes = sizes(&files);
    without_notes(&mut files, |size| sizes[1..3].contains(&size));
    let report = verify_files(&files, &fixture.options());
    assert_warned(&report, &[WarningKind::GapEntries]);
    // A later finding is reported all the same.
    edit(&mut files, ACTIVE, |lines| lines[3] = replaced(&lines[3], "success", "failure"));
    let report = verify_files(&files, &fixture.options());
    assert_first_bad(&report, FindingKind::Modified, ACTIVE, Some(4));
    assert_eq!(report.warnings[0].kind, WarningKind::GapEntries);
}

#[test]
fn a_closed_log_without_final_checkpoint_is_unsealed() {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    fixture.append(&mut log, 5);
    log.close().unwrap();
    let mut files = fixture.files();
    assert_intact(&verify_files(&files, &fixture.options()));
    let size = lines(&files[ACTIVE]).len() as u64;
    without_notes(&mut files, |found| found == size);
    files.remove("checkpoint");
    assert_first_bad(
        &verify_files(&files, &fixture.options()),
        FindingKind::Unsealed,
        ACTIVE,
        Some(size),
    );
}

#[test]
fn tiles_that_contradict_entries_are_bad() {
    let fixture = live_log();
    let mut files = fixture.files();
    let size = verify_files(&files, &fixture.options()).tree_size - 3;
    let name = format!("tile/0/000.p/{size}");
    files.get_mut(&name).unwrap()[5 * 32] ^= 1;
    assert_found(&fixture, &files, FindingKind::BadTile, &name, None);
    files.get_mut(&name).unwrap().push(0);
    assert_found(&fixture, &files, FindingKind::BadTile, &name, None);
    // What a crash leaves, and a missing tile: tiles can be rebuilt from entries.
    let whole = fixture.files()[&name].clone();
    let zeros = [&whole[..whole.len() - 100], &[0; 100][..]].concat();
    for torn in [Some(whole[..100].to_vec()), Some(Vec::new()), Some(zeros), None] {
        match torn {
            Some(bytes) => drop(files.insert(name.clone(), bytes)),
            None => drop(files.remove(&name)),
        }
        let report = verify_files(&files, &fixture.options());
        assert_intact(&report);
        assert_eq!(report.notes, ["1 tiles could not be read"]);
    }
}

#[test]
fn removals_without_a_prune_entry_are_found() {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    for _ in 0..4 {
        (0..4).for_each(|_| fixture.append(&mut log, 5));
        log.rotate(RotateReason::Manual).unwrap();
        log.maintain().unwrap();
    }
    log.prune(40).unwrap();
    log.maintain().unwrap();
    log.close().unwrap();
    let untouched = fixture.files();
    assert_intact(&verify_files(&untouched, &fixture.options()));
    let names = sealed(&untouched);
    // One more segment than the prune entry names.
    let mut files = untouched.clone();
    files.remove(&names[0]);
    assert_found(&fixture, &files, FindingKind::SegmentMissing, &names[1], Some(1));
    let mut files = untouched.clone();
    files.remove("kept.jsonl");
    assert_found(&fixture, &files, FindingKind::SegmentMissing, &names[0], None);
    let mut files = untouched.clone();
    edit(&mut files, "kept.jsonl", |lines| lines[0] = replaced(&lines[0], "T15", "T16"));
    assert_found(&fixture, &files, FindingKind::Modified, "kept.jsonl", Some(1));
}

#[test]
fn a_known_checkpoint_reveals_a_rolled_back_log() {
    let (fixture, (early, late)) =
        super::live_log_and(|fixture| (fixture.files(), fixture.clock.clone()));
    drop(late);
    let mut options = fixture.options();
    options.gap_seconds_max = Some(u64::MAX);
    assert_intact(&verify_files(&early, &options));
    options.known_checkpoints.push(kept_checkpoint(&fixture.files()));
    assert_first_bad(&verify_files(&early, &options), FindingKind::RolledBack, ACTIVE, None);
    assert_intact(&verify_files(&fixture.files(), &options));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A flipped bit anywhere in the checked files, with and without the chain's key: never intact, never a panic.
    /// (Without the key, the bytes after the last checkpoint are not protected.)
    #[test]
    fn no_bit_flip_in_a_log_is_intact(seed in any::<u64>(), bit in 0u8..8, has_key in any::<bool>()) {
        thread_local! {
            static WORLD: Fixture = live_log();
        }
        WORLD.with(|fixture| {
            let mut files = fixture.files();
            let mut options = fixture.options();
            let size = verify_files(&files, &options).tree_size;
            let latest = format!("tile/0/000.p/{}", size - 3);
            if !has_key {
                options.first_key = None;
                edit(&mut files, ACTIVE, |lines| lines.truncate(lines.len() - 3));
            }
            let names: Vec<String> = files
                .keys()
                .filter(|name| {
                    name.ends_with(".jsonl") || name.starts_with("checkpoint") || **name == latest
                })
                .cloned()
                .collect();
            let total: u64 = names.iter().map(|name| files[name].len() as u64).sum();
            let mut at = seed % total;
            for name in &names {
                let bytes = files.get_mut(name).unwrap();
                if at < bytes.len() as u64 {
                    bytes[at as usize] ^= 1 << bit;
                    break;
                }
                at -= bytes.len() as u64;
            }
            let report = verify_files(&files, &options);
            // The flip hit the last newline: an unfinished line or note at the end is reported as a note.
            let is_torn = report.notes.iter().any(|note| note.contains("unfinished"));
            assert!(report.outcome == VerifyOutcome::Tampered || is_torn, "{report:?}");
        });
    }
}
