//! Homes that others have damaged or made, and logs that were changed between the kill and the next start. No start
//! fails, what is not understood is left as it is, and everything else is recovered once. The processes are this test
//! program again, in a role.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
#[path = "support/stuck_run.rs"]
mod stuck_run;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use disaster::{Place, TestDir, recovered_count};
use ringseal::RecoveryReport;
use serde_json::Value;
use stuck_run::{ALL, THREADS, WRITTEN, at, correct_checksum, leave_home, patch};

/// Events that the log lacks after the kill.
const MISSING: usize = (ALL - WRITTEN) as usize * THREADS;

fn is_child() -> bool {
    let Some((_, dir)) = support::role() else { return false };
    let place = Place::at(&dir);
    stuck_run::log_until_killed(&place, place.config(0));
}

/// A killed run's home and log, changed by `change`, and what the next start makes of it.
fn changed(test: &str, change: impl FnOnce(&Place, &Path)) -> Option<(TestDir, RecoveryReport)> {
    if is_child() {
        return None;
    }
    let dir = TestDir::new();
    leave_home(test, "stuck", &dir);
    change(&dir, &dir.home());
    let report = dir.recover(1);
    Some((dir, report))
}

fn ticks(place: &Place) -> Vec<Value> {
    let events = support::events_of_all_segments(&place.log());
    events.into_iter().filter(|event| event["event"] == "tick").collect()
}

/// All files of a directory and their bytes.
fn bytes_of(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// The home is left as it is, for this reason, at each start.
fn is_left(test: &str, reason: &str, change: impl FnOnce(&Path)) {
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "stuck", &dir);
    let home = dir.home();
    change(&home);
    let before = bytes_of(&home);
    for life in 1..4 {
        let report = dir.recover(life);
        assert_eq!((report.runs.len(), report.left.len()), (0, 1), "{report:?}");
        assert!(report.left[0].1.contains(reason), "{report:?}");
        assert!(bytes_of(&home) == before, "something was changed");
    }
    assert_eq!(ticks(&dir).len(), WRITTEN as usize * THREADS);
}

#[test]
fn a_newer_version_is_left_alone() {
    is_left("a_newer_version_is_left_alone", "version", |home| {
        patch(&home.join("engine"), |bytes| bytes[at::VERSION] = 2);
    });
}

#[test]
fn another_boot_is_left_alone() {
    is_left("another_boot_is_left_alone", "before the machine started", |home| {
        patch(&home.join("engine"), |bytes| {
            bytes[at::BOOT] ^= 1;
            correct_checksum(bytes);
        });
    });
}

#[test]
fn a_damaged_description_is_left_alone() {
    is_left("a_damaged_description_is_left_alone", "checksum", |home| {
        patch(&home.join("engine"), |bytes| bytes[at::BOOT] ^= 1);
    });
}

#[test]
fn an_unknown_state_is_left_alone() {
    is_left("an_unknown_state_is_left_alone", "state", |home| {
        patch(&home.join("engine"), |bytes| bytes[at::STATE] = 77);
    });
}

#[test]
fn garbage_beside_homes_is_left_alone() {
    let test = "garbage_beside_homes_is_left_alone";
    let garbage = |place: &Place, _: &Path| {
        let rings = &place.rings;
        fs::write(rings.join("a-file"), "garbage").unwrap();
        fs::create_dir(rings.join("a-dir")).unwrap();
        fs::write(rings.join("a-dir/a-file"), "garbage").unwrap();
        fs::create_dir(rings.join("no-home")).unwrap();
        fs::write(rings.join("no-home/engine"), vec![0xA5; 65_536]).unwrap();
        fs::create_dir_all(rings.join("dir-home/engine")).unwrap();
        std::os::unix::fs::symlink("nowhere", rings.join("a-link")).unwrap();
        std::os::unix::fs::symlink(".", rings.join("a-loop")).unwrap();
    };
    let Some((dir, report)) = changed(test, garbage) else { return };
    assert_eq!(report.runs.len(), 1, "{report:?}");
    dir.check(&[dir.life(0)]);
    for name in ["a-file", "a-dir/a-file", "no-home/engine", "dir-home/engine", "a-link", "a-loop"]
    {
        assert!(dir.rings.join(name).symlink_metadata().is_ok(), "{name}");
    }
    assert!((2..=3).contains(&report.left.len()), "{report:?}");
}

#[test]
fn garbage_inside_a_home_is_removed() {
    let garbage = |_: &Place, home: &Path| {
        for name in ["ring-", "ring-x", "ring-99999999999999999999", "lane-7-7", "sites-99", "x"] {
            fs::write(home.join(name), [0xA5; 100]).unwrap();
        }
        fs::write(home.join("ring-77"), []).unwrap();
        fs::write(home.join("ring-78"), vec![0xA5; 65_536 + 4096]).unwrap();
        fs::write(home.join("stage-0"), "an old stage").unwrap();
    };
    let Some((dir, report)) = changed("garbage_inside_a_home_is_removed", garbage) else { return };
    assert!(report.left.is_empty() && report.runs[0].error.is_none(), "{report:?}");
    dir.check(&[dir.life(0)]);
    assert!(dir.homes().is_empty());
}

/// Events whose call sites are unknown cannot be shown; the start goes on.
#[test]
fn a_home_without_sites_is_survived() {
    let remove = |_: &Place, home: &Path| fs::remove_file(home.join("sites-0")).unwrap();
    let Some((dir, report)) = changed("a_home_without_sites_is_survived", remove) else { return };
    assert_eq!(report.runs.len(), 1, "{report:?}");
    let run = &report.runs[0];
    assert!(run.error.is_none() && dir.homes().is_empty(), "{report:?}");
    assert!(run.lines + run.unreadable_bytes + run.lost > 0, "not silently: {report:?}");
}

/// The ring of the thread with this number in its first event. The other ring is intact.
fn one_ring_is_bad(test: &str, change: impl Fn(&mut Vec<u8>)) {
    let damage = |_: &Place, home: &Path| patch(&home.join("ring-1"), change);
    let Some((dir, report)) = changed(test, damage) else { return };
    let run = &report.runs[0];
    assert!(run.error.is_none() && report.left.is_empty(), "{report:?}");
    assert!(dir.homes().is_empty(), "{report:?}");
    let mut whole_threads = 0;
    for thread in 0..THREADS {
        let ticks = ticks(&dir);
        let own: Vec<&Value> = ticks.iter().filter(|tick| tick["thread"] == thread).collect();
        let numbers = support::numbers(&own, "number");
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "twice, or in disorder");
        whole_threads += usize::from(numbers == (0..ALL).collect::<Vec<_>>());
    }
    assert!(whole_threads >= THREADS - 1, "{whole_threads}: {report:?}");
    assert!(run.unreadable_bytes > 0 || whole_threads == THREADS, "not silently: {report:?}");
}

fn set_word(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn impossible_words_spare_other_rings() {
    let test = "impossible_words_spare_other_rings";
    for (place, value) in [
        (384, u64::MAX),
        (384, 1 << 40),
        (384, 12),
        (128, u64::MAX),
        (128, 3),
        (128, 1 << 62),
        (128, 0),
    ] {
        one_ring_is_bad(test, |bytes| set_word(bytes, place, value));
    }
}

#[test]
fn damaged_records_spare_other_rings() {
    let test = "damaged_records_spare_other_rings";
    for byte in [0x00, 0xA5, 0xFF, 0x01] {
        one_ring_is_bad(test, |bytes| bytes[65_536..].fill(byte));
    }
    for start in [0_usize, 3, 17] {
        // Single bytes of records.
        one_ring_is_bad(test, |bytes| {
            bytes[65_536 + start..].iter_mut().step_by(997).for_each(|byte| *byte ^= 0x41);
        });
    }
    one_ring_is_bad(test, |bytes| bytes.truncate(65_536));
    one_ring_is_bad(test, |bytes| bytes.truncate(100));
    one_ring_is_bad(test, Vec::clear);
}

#[test]
fn missing_files_are_survived() {
    let test = "missing_files_are_survived";
    for name in ["lines-0", "lane-0-0", "lane-1-0", "lock"] {
        let remove = |_: &Place, home: &Path| fs::remove_file(home.join(name)).unwrap();
        let Some((dir, report)) = changed(test, remove) else { return };
        assert!(report.runs.iter().all(|run| run.error.is_none()), "{name}: {report:?}");
        dir.check(&[dir.life(0)]);
        assert!(dir.homes().is_empty(), "{name}");
    }
}

/// What was written is gone with the log's file; what was in the rings is recovered once.
fn only_rings_are_left(test: &str, change: fn(&Place)) {
    let Some((dir, report)) = changed(test, |place, _| change(place)) else { return };
    let ticks = ticks(&dir);
    assert_eq!((ticks.len(), recovered_count(&ticks)), (MISSING, MISSING), "{report:?}");
    assert!(dir.homes().is_empty() && report.left.is_empty(), "{report:?}");
}

#[test]
fn a_removed_log_gets_what_was_missing() {
    only_rings_are_left("a_removed_log_gets_what_was_missing", |place| {
        fs::remove_file(place.log()).unwrap();
    });
}

#[test]
fn an_emptied_log_gets_what_was_missing() {
    only_rings_are_left("an_emptied_log_gets_what_was_missing", |place| {
        fs::write(place.log(), "").unwrap();
    });
}

#[test]
fn a_renamed_log_gets_what_was_missing() {
    only_rings_are_left("a_renamed_log_gets_what_was_missing", |place| {
        fs::rename(place.log(), place.dir.join("app.log.bak")).unwrap();
    });
}

#[test]
fn a_copied_log_gets_what_was_missing() {
    only_rings_are_left("a_copied_log_gets_what_was_missing", |place| {
        fs::copy(place.log(), place.dir.join("copy")).unwrap();
        fs::remove_file(place.log()).unwrap();
        fs::write(place.log(), "{\"event\":\"of another program\"}\n".repeat(50)).unwrap();
    });
}

#[test]
fn lines_of_others_do_no_harm() {
    let append = |place: &Place, _: &Path| {
        let mut log = fs::read(place.log()).unwrap();
        for len in 0..400 {
            let line =
                format!("{{\"event\":\"of another program\",\"text\":\"{}\"}}\n", "x".repeat(len));
            log.extend_from_slice(line.as_bytes());
        }
        // In place, as a program that appends does it.
        fs::write(place.log(), log).unwrap();
    };
    let Some((dir, report)) = changed("lines_of_others_do_no_harm", append) else { return };
    dir.check(&[dir.life(0)]);
    assert!(report.left.is_empty() && dir.homes().is_empty(), "{report:?}");
    assert_eq!(report.lines() as usize, MISSING + 1, "the event that the writer was stuck in, too");
}

#[test]
fn a_torn_line_is_written_whole() {
    let tear = |place: &Place, _: &Path| {
        let mut log = fs::read(place.log()).unwrap();
        log.extend_from_slice(b"{\"event\":\"tick\",\"torn");
        fs::write(place.log(), log).unwrap();
    };
    let Some((dir, _)) = changed("a_torn_line_is_written_whole", tear) else { return };
    dir.check(&[dir.life(0)]);
}

/// After three failures, recovery does not try again.
#[test]
fn a_home_that_fails_is_set_aside() {
    let fail = |_: &Place, home: &Path| {
        patch(&home.join("engine"), |bytes| set_word(bytes, at::FAILURES, 3));
    };
    let Some((dir, report)) = changed("a_home_that_fails_is_set_aside", fail) else { return };
    assert_eq!((report.runs.len(), report.left.len()), (0, 1), "{report:?}");
    let home = dir.home();
    assert!(home.to_string_lossy().ends_with(".aside"), "{}", home.display());
    let report = dir.recover(2);
    assert_eq!((report.runs.len(), report.left.len()), (0, 0), "{report:?}");
    assert_eq!(dir.home(), home);
}
