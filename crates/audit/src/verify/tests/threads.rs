//! The report does not depend on the number of threads, nor on how the log is divided among them.
//!
//! `support::verify_files`, which most tests of the verifier use, compares the reports of one thread and of several.
//! Here are logs that are damaged by a table of changes and at random, and the calls of the progress.
use proptest::prelude::*;

use super::support::{DIR, LogFiles, disk_of, verify_files};
use super::*;

/// The reports with the chain's key and without it; each is the same for any division.
fn reports(files: &LogFiles, fixture: &Fixture) -> [VerifyReport; 2] {
    let keyed = fixture.options();
    let public = VerifyOptions { first_key: None, ..keyed.clone() };
    [keyed, public].map(|options| verify_files(files, &options))
}

/// The lines of a file, which keep their newlines.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// One change of a segment's lines.
#[derive(Debug, Clone, Copy)]
enum Change {
    Flip(usize),
    Remove,
    Repeat,
    SwapWithNext,
    CutHalf,
    Zero,
    JoinWithNext,
    Empty,
}

impl Change {
    fn apply(self, lines: &mut Vec<Vec<u8>>, at: usize) {
        let count = lines.len();
        let Some(line) = lines.get_mut(at) else { return };
        match self {
            // An earlier change may have left nothing of the line.
            Change::Flip(byte) => {
                let byte = byte % line.len().max(1);
                line.get_mut(byte).into_iter().for_each(|byte| *byte ^= 1);
            }
            Change::Remove => drop(lines.remove(at)),
            Change::Repeat => {
                let copy = line.clone();
                lines.insert(at, copy);
            }
            Change::SwapWithNext if at + 1 < count => lines.swap(at, at + 1),
            Change::SwapWithNext => {}
            Change::CutHalf => line.truncate(line.len() / 2),
            Change::Zero => line.iter_mut().skip(20).take(20).for_each(|byte| *byte = 0),
            Change::JoinWithNext => drop(line.pop()),
            Change::Empty => lines.insert(at, b"\n".to_vec()),
        }
    }

    fn all() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => any::<usize>().prop_map(Change::Flip),
            1 => Just(Change::Remove),
            1 => Just(Change::Repeat),
            1 => Just(Change::SwapWithNext),
            1 => Just(Change::CutHalf),
            1 => Just(Change::Zero),
            1 => Just(Change::JoinWithNext),
            1 => Just(Change::Empty),
        ]
    }
}

/// The files with one segment's lines changed; `file` counts the segments.
fn changed(files: &LogFiles, file: usize, at: usize, change: Change) -> LogFiles {
    let mut files = files.clone();
    let segments: Vec<_> = files.keys().filter(|name| name.ends_with("jsonl")).cloned().collect();
    let bytes = files.get_mut(&segments[file % segments.len()]).unwrap();
    let mut lines = lines(bytes);
    let at = at % lines.len().max(1);
    change.apply(&mut lines, at);
    *bytes = lines.concat();
    files
}

#[test]
fn every_damage_has_one_report_on_any_threads() {
    let fixture = live_log();
    let files = fixture.files();
    let changes = [
        ("nothing", Change::SwapWithNext, usize::MAX),
        ("a byte of the text", Change::Flip(60), 7),
        ("a byte of the signature", Change::Flip(usize::MAX - 10), 7),
        ("a line removed", Change::Remove, 7),
        ("a line twice", Change::Repeat, 7),
        ("two lines swapped", Change::SwapWithNext, 7),
        ("half of a line", Change::CutHalf, 7),
        ("zeros", Change::Zero, 7),
        ("a missing newline", Change::JoinWithNext, 7),
        ("an empty line", Change::Empty, 7),
        ("the first line", Change::Flip(60), 0),
        ("the first line removed", Change::Remove, 0),
    ];
    for segment in 0..3 {
        for (what, change, at) in changes {
            let damaged = match what {
                "nothing" => files.clone(),
                _ => changed(&files, segment, at, change),
            };
            let [keyed, _] = reports(&damaged, &fixture);
            let is_torn = segment == 2 && matches!(change, Change::Zero);
            let is_intact = keyed.outcome == VerifyOutcome::Intact;
            assert!(is_intact == (damaged == files) || is_torn, "{what} in {segment}: {keyed:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn random_damages_have_one_report_on_any_threads(
        damages in prop::collection::vec((any::<usize>(), any::<usize>(), Change::all()), 1..4)
    ) {
        let fixture = live_log();
        let mut files = fixture.files();
        for (file, at, change) in damages {
            files = changed(&files, file, at, change);
        }
        reports(&files, &fixture);
    }
}

#[test]
fn progress_is_the_same_on_any_threads() {
    let fixture = live_log();
    let calls = |threads| {
        let mut calls = Vec::new();
        let division = Division { threads, batch_bytes: 900 };
        let disk = disk_of(&fixture.files());
        verify_divided(&disk, Path::new(DIR), &fixture.options(), division, &mut |now| {
            calls.push((now.bytes_done, now.bytes_total, now.entries, now.file.to_owned()));
        });
        calls
    };
    let alone = calls(1);
    assert!(alone.len() > 10, "{}", alone.len());
    assert_eq!(calls(2), alone);
    assert_eq!(calls(5), alone);
}
