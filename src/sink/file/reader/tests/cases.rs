//! Failures, one by one.
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::{Gap, LogReadError, ReadFrom, Reader, ReaderOptions, Step};
#[cfg(feature = "compress")]
use super::model::gzip;

fn log() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("app.log");
    (dir, path)
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("to open");
    file.write_all(text.as_bytes()).expect("to write");
}

fn sealed(path: &Path, number: u64) -> PathBuf {
    PathBuf::from(format!("{}.{number:06}", path.display()))
}

fn follow() -> ReaderOptions {
    ReaderOptions::default().follow(true)
}

fn open(path: &Path, options: ReaderOptions) -> Reader {
    Reader::open(path, options).expect("a log")
}

/// Everything up to idle or the end: lines, and gaps and errors as text.
fn drain(reader: &mut Reader) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match reader.next_line() {
            Ok(Step::Line(line)) => seen.push(String::from_utf8_lossy(line).into_owned()),
            Ok(Step::Gap(gap)) => seen.push(format!("{gap:?}")),
            Ok(Step::Idle | Step::End) => return seen,
            Err(error) => seen.push(format!("error: {error}")),
        }
    }
}

#[test]
fn a_follower_waits_for_a_missing_log() {
    let (_dir, path) = log();
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), [""; 0]);
    append(&path, "one\n");
    assert_eq!(drain(&mut reader), ["one"]);
}

#[test]
fn a_missing_log_is_an_error_without_following() {
    let (_dir, path) = log();
    let error = Reader::open(&path, ReaderOptions::default()).expect_err("nothing there");
    assert!(matches!(error, LogReadError::NotFound { .. }), "{error}");
    let error = Reader::open("..", ReaderOptions::default()).expect_err("no file name");
    assert!(matches!(error, LogReadError::NoFileName { .. }), "{error}");
}

#[test]
fn a_follower_waits_for_a_missing_directory() {
    let (dir, _) = log();
    let path = dir.path().join("later").join("app.log");
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), [""; 0]);
    fs::create_dir(dir.path().join("later")).expect("a directory");
    append(&path, "one\n");
    assert_eq!(drain(&mut reader), ["one"]);
}

#[test]
fn an_unterminated_last_line_waits_for_its_end() {
    let (_dir, path) = log();
    append(&path, "one\ntwo");
    assert_eq!(drain(&mut open(&path, ReaderOptions::default())), ["one", "two"]);
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), ["one"]);
    append(&path, " and a half\n");
    assert_eq!(drain(&mut reader), ["two and a half"]);
}

#[test]
fn a_tail_of_nuls_is_never_returned() {
    let (_dir, path) = log();
    append(&path, "one\ntw");
    let file = OpenOptions::new().write(true).open(&path).expect("to open");
    file.set_len(5000).expect("to grow");
    let mut reader = open(&path, follow().read_bytes(64));
    for _ in 0..100 {
        assert!(drain(&mut reader).len() <= 1);
    }
    assert_eq!(reader.counters().lines, 1);
    std::os::unix::fs::FileExt::write_all_at(&file, b"o\nthree\n", 6).expect("to write");
    assert_eq!(drain(&mut reader), ["two", "three"]);
    assert_eq!(drain(&mut open(&path, ReaderOptions::default())), ["one", "two", "three"]);
    fs::rename(&path, sealed(&path, 1)).expect("to rename");
    append(&path, "four\n");
    assert_eq!(drain(&mut reader), ["four"]);
}

#[test]
fn bytes_after_a_nul_are_returned_eventually() {
    let (_dir, path) = log();
    append(&path, "one\n\0\0\0\n");
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), ["one"]);
    let mut polls = 0;
    while drain(&mut reader).is_empty() {
        polls += 1;
        assert!(polls < 1000, "a file that holds NULs for good must not stop its reader");
    }
    append(&path, "two\n");
    assert_eq!(drain(&mut reader), ["two"]);
    assert_eq!(drain(&mut open(&path, ReaderOptions::default())), ["one", "\0\0\0", "two"]);
}

#[test]
fn a_recovered_torn_line_mixes_with_no_other() {
    let (_dir, path) = log();
    append(&path, "one\n{\"torn\":");
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), ["one"]);
    OpenOptions::new().write(true).open(&path).expect("to open").set_len(4).expect("to cut");
    append(&path, "two\n");
    assert_eq!(drain(&mut reader), ["two"]);
}

#[test]
fn a_truncated_file_is_reread_and_reported() {
    let (_dir, path) = log();
    append(&path, "one\ntwo\n");
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), ["one", "two"]);
    fs::write(&path, "new\n").expect("to rewrite");
    let gap = Gap::Truncated { read_bytes: 8, found_bytes: 4 };
    assert_eq!(drain(&mut reader), [format!("{gap:?}"), "new".into()]);
    assert_eq!(reader.counters().truncations, 1);
}

#[test]
fn a_truncated_and_regrown_file_is_noticed() {
    let (_dir, path) = log();
    append(&path, "one\ntwo\n");
    let mut reader = open(&path, follow());
    drain(&mut reader);
    fs::write(&path, "other\nlines\nthan before\n").expect("to rewrite");
    let seen = drain(&mut reader);
    assert!(seen[0].starts_with("Truncated"), "{seen:?}");
    assert_eq!(seen[1..], ["other", "lines", "than before"]);
}

#[test]
fn removed_segments_are_counted() {
    let (_dir, path) = log();
    fs::write(sealed(&path, 1), "one\n").expect("to write");
    append(&path, "active\n");
    let mut reader = open(&path, follow().read_bytes(4));
    assert_eq!(reader.next_line().expect("a line"), Step::Line(b"one"));
    fs::write(sealed(&path, 5), "five\n").expect("to write");
    let gap = Gap::Removed { segments: 3, next: 5 };
    assert_eq!(drain(&mut reader), [format!("{gap:?}"), "five".into(), "active".into()]);
    assert_eq!(reader.counters().segments_removed, 3);
}

#[cfg(feature = "compress")]
#[test]
fn a_damaged_compressed_segment_is_reported_and_skipped() {
    let (_dir, path) = log();
    let lines: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    let mut gz = gzip(lines.as_bytes());
    gz.truncate(gz.len() / 2);
    fs::write(sealed(&path, 1).with_extension("000001.gz"), gz).expect("to write");
    append(&path, "active\n");
    for options in [ReaderOptions::default(), follow()] {
        let seen = drain(&mut open(&path, options));
        assert_eq!(seen[0], "line 0");
        assert!(seen[seen.len() - 2].contains("gzip"), "{:?}", &seen[seen.len() - 2..]);
        assert_eq!(seen[seen.len() - 1], "active");
    }
}

#[test]
fn a_failed_rotation_repeats_no_line() {
    let (_dir, path) = log();
    append(&path, "one\n");
    fs::hard_link(&path, sealed(&path, 1)).expect("to link");
    let mut early = open(&path, follow());
    assert_eq!(drain(&mut early), ["one"]);
    // The rename failed; the writer continued and sealed the file under the next number.
    append(&path, "two\n");
    assert_eq!(drain(&mut early), ["two"]);
    fs::hard_link(&path, sealed(&path, 2)).expect("to link");
    fs::remove_file(&path).expect("to remove");
    append(&path, "three\n");
    assert_eq!(drain(&mut early), ["three"]);
    assert_eq!(drain(&mut open(&path, ReaderOptions::default())), ["one", "two", "three"]);
}

#[test]
fn a_file_moved_by_logrotate_is_read_first() {
    let (dir, path) = log();
    append(&path, "one\n");
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), ["one"]);
    let moved = dir.path().join("app.log.1");
    fs::rename(&path, &moved).expect("to rename");
    append(&moved, "two\n");
    assert_eq!(drain(&mut reader), ["two"], "its writer has not opened the new file yet");
    append(&moved, "three\n");
    append(&path, "four\n");
    assert_eq!(drain(&mut reader), ["three", "four"]);
}

#[test]
fn sealed_segments_alone_are_a_log() {
    let (_dir, path) = log();
    fs::write(sealed(&path, 3), "three\n").expect("to write");
    fs::write(sealed(&path, 4), "four\n").expect("to write");
    assert_eq!(drain(&mut open(&path, ReaderOptions::default())), ["three", "four"]);
    let mut reader = open(&path, follow());
    assert_eq!(drain(&mut reader), ["three", "four"]);
    append(&path, "active\n");
    assert_eq!(drain(&mut reader), ["active"]);
}

#[test]
fn reading_can_start_at_the_active_file() {
    let (_dir, path) = log();
    fs::write(sealed(&path, 7), "old\n").expect("to write");
    append(&path, "now\n");
    assert_eq!(drain(&mut open(&path, ReaderOptions::default().start(ReadFrom::Active))), ["now"]);
    let mut reader = open(&path, follow().start(ReadFrom::Active));
    assert_eq!(drain(&mut reader), ["now"]);
    for (number, line) in [(8, "next\n"), (9, "last\n")] {
        fs::hard_link(&path, sealed(&path, number)).expect("to link");
        fs::remove_file(&path).expect("to remove");
        append(&path, line);
    }
    assert_eq!(drain(&mut reader), ["next", "last"]);
}

#[cfg(feature = "compress")]
#[test]
fn one_sealed_segment_can_be_read_alone() {
    let (_dir, path) = log();
    fs::write(sealed(&path, 1), "one\n").expect("to write");
    let gz = PathBuf::from(format!("{}.gz", sealed(&path, 2).display()));
    fs::write(&gz, gzip(b"two\n")).expect("to write");
    append(&path, "active\n");
    let alone = || ReaderOptions::default().start(ReadFrom::Active);
    assert_eq!(drain(&mut open(&sealed(&path, 1), alone())), ["one"]);
    assert_eq!(drain(&mut open(&gz, alone())), ["two"]);
}

#[test]
fn a_fast_growing_log_still_ends() {
    let (_dir, path) = log();
    append(&path, "one\ntwo\n");
    let mut reader = open(&path, ReaderOptions::default().read_bytes(4));
    let mut seen = Vec::new();
    while let Step::Line(line) = reader.next_line().expect("a line") {
        seen.push(String::from_utf8_lossy(line).into_owned());
        append(&path, "more\nand more\n");
    }
    assert_eq!(seen, ["one", "two"]);
}

#[test]
fn an_overlong_line_is_cut_and_counted() {
    let (_dir, path) = log();
    append(&path, &format!("short\n{}\nlast\n", "x".repeat(100_000)));
    let mut reader = open(&path, ReaderOptions::default().read_bytes(1000).line_bytes_max(5000));
    assert_eq!(drain(&mut reader), ["short", &"x".repeat(5000), "last"]);
    assert_eq!(reader.counters().lines_cut, 1);
}

#[test]
fn segments_before_a_moment_are_skipped() {
    let (_dir, path) = log();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    for number in 1..=3 {
        fs::write(sealed(&path, number), format!("{number}\n")).expect("to write");
    }
    for number in 1..=2 {
        let file = OpenOptions::new().write(true).open(sealed(&path, number)).expect("to open");
        file.set_modified(old).expect("to set the time");
    }
    append(&path, "active\n");
    let from =
        |seconds| ReaderOptions::default().modified_since(old + Duration::from_secs(seconds));
    assert_eq!(drain(&mut open(&path, from(1))), ["3", "active"]);
    assert_eq!(drain(&mut open(&path, from(0))), ["1", "2", "3", "active"]);
}

#[test]
fn a_stream_is_read_to_its_end() {
    let stream = Box::new(&b"one\ntwo"[..]);
    let mut reader = Reader::from_stream("standard input", stream, follow());
    assert_eq!(drain(&mut reader), ["one", "two"]);
    assert_eq!(reader.next_line().expect("the end"), Step::End);
    assert_eq!(reader.path(), Path::new("standard input"));
}

#[cfg(not(feature = "compress"))]
#[test]
fn a_build_without_gzip_reports_compressed_segments() {
    let (_dir, path) = log();
    fs::write(format!("{}.gz", sealed(&path, 1).display()), "whatever").expect("to write");
    append(&path, "active\n");
    for options in [ReaderOptions::default(), follow()] {
        let seen = drain(&mut open(&path, options));
        assert!(seen[0].contains("feature `compress`"), "{seen:?}");
        assert_eq!(seen[1..], ["active"]);
    }
}

/// What cannot be a segment is named once, and everything else is read.
#[cfg(unix)]
#[test]
fn foreign_segments_are_named_and_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, line) in [("app.log.000001", "one"), ("app.log.000004", "four"), ("app.log", "last")]
    {
        std::fs::write(at(name), format!("{line}\n")).unwrap();
    }
    std::fs::create_dir(at("app.log.000002")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(at("app.log.000003")).status().unwrap();
    assert!(pipe.success());
    std::fs::write(at("app.log.18446744073709551615"), "far\n").unwrap();
    let mut reader = Reader::open(at("app.log"), ReaderOptions::default()).unwrap();
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    loop {
        match reader.next_line() {
            Ok(Step::Line(line)) => lines.push(String::from_utf8(line.to_vec()).unwrap()),
            Ok(Step::End) => break,
            Ok(_) => {}
            Err(error) => errors.push(error.to_string()),
        }
    }
    assert_eq!(lines, ["one", "four", "last"]);
    errors.sort_unstable();
    for (error, expected) in errors.iter().zip([
        "app.log.000002 is not read: expected a segment of the log, found a directory",
        "app.log.000003 is not read: expected a segment of the log, found a pipe, socket or device",
        "app.log.18446744073709551615 is not read: expected a segment of the log, found a segment number above \
         999999999999",
    ]) {
        assert!(error.ends_with(expected), "{error}");
    }
    assert_eq!(errors.len(), 3);
}
