//! Logs written by the store, read back whole, after changes, and while they change.
use std::cell::RefCell;
use std::ffi::OsString;
use std::io;
#[cfg(feature = "compress")]
use std::sync::Arc;

use parking_lot::Mutex;

use super::*;
use crate::entry::control::RotateReason;
use crate::verify::tests::support::{DIR, Fixture, LogFiles, ORIGIN, disk_of, small_options};
use crate::verify::tests::{live_log, pruned_log};
use ringseal_base::storage::faulty::FaultyDisk;
use ringseal_base::storage::{FileLock, FileStat, OpenMode, StorageFile};

/// A change of a segment's lines.
type Change = fn(&mut Vec<Vec<u8>>);

/// The lines shown, one word per line.
fn shown(storage: &dyn Storage, from_seq: u64) -> Vec<String> {
    let mut shown = Vec::new();
    read_entries(storage, Path::new(DIR), from_seq, &mut |line| {
        shown.push(match line.content {
            LineContent::Entry(entry) => entry.seq.to_string(),
            LineContent::Gap { expected, found } => format!("gap {expected} {found}"),
            LineContent::Malformed(_) => format!("none {}:{}", line.file, line.number),
            LineContent::Unfinished => format!("unfinished {}", line.bytes.len()),
        });
        ControlFlow::Continue(())
    })
    .unwrap();
    shown
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|seq| seq.to_string()).collect()
}

/// Number of lines in all segments.
fn lines_of(files: &LogFiles) -> u64 {
    let segments =
        files.iter().filter(|(name, _)| name.starts_with("audit") && name.ends_with(".jsonl"));
    segments.map(|(_, bytes)| memchr::memchr_iter(b'\n', bytes).count() as u64).sum()
}

fn with_lines(files: &mut LogFiles, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bytes = files.get_mut("audit.log.jsonl").unwrap();
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    change(&mut lines);
    *bytes = lines.concat();
}

#[test]
fn every_entry_is_shown_from_any_start() {
    let fixture = live_log();
    let count = lines_of(&fixture.files());
    for from_seq in (0..count + 2).step_by(3) {
        assert_eq!(shown(&fixture.disk, from_seq), numbers(from_seq..count.max(from_seq)));
    }
}

#[test]
fn reading_ends_when_the_visitor_breaks() {
    let fixture = live_log();
    let mut seen = 0;
    read_entries(&fixture.disk, Path::new(DIR), 3, &mut |_| {
        seen += 1;
        if seen == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, 4);
}

#[test]
fn a_pruned_log_still_names_itself() {
    let (fixture, before) = pruned_log();
    let files = fixture.files();
    assert!(before.len() > files.len(), "something was pruned");
    let all = shown(&fixture.disk, 0);
    let first: u64 = all[0].parse().unwrap();
    assert!(first > 0);
    assert_eq!(all, numbers(first..first + lines_of(&files)));
    assert_eq!(first_start(&fixture.disk, Path::new(DIR)).unwrap().origin, ORIGIN);
    assert_eq!(claimed_root(&fixture.disk, Path::new(DIR)).unwrap(), fixture.root);
}

#[test]
fn rejected_lines_are_shown_and_marked() {
    let fixture = live_log();
    let count = lines_of(&fixture.files());
    let active = fixture.files()["audit.log.jsonl"].clone();
    let first = count - memchr::memchr_iter(b'\n', &active).count() as u64;
    let cases: [(&str, Change, Vec<String>); 5] = [
        (
            "a space after the brace",
            |lines| lines[2].splice(0..1, *b"{ ").for_each(drop),
            vec!["none audit.log.jsonl:3".into(), format!("gap {} {}", first + 2, first + 3)],
        ),
        (
            "deleted",
            |lines| drop(lines.remove(4)),
            vec![format!("gap {} {}", first + 4, first + 5)],
        ),
        (
            "swapped",
            |lines| lines.swap(5, 6),
            vec![
                format!("gap {} {}", first + 5, first + 6),
                format!("gap {} {}", first + 7, first + 5),
                format!("gap {} {}", first + 6, first + 7),
            ],
        ),
        ("torn", |lines| lines.last_mut().unwrap().truncate(20), vec!["unfinished".into()]),
        (
            "too long",
            |lines| lines.push(vec![b'x'; LINE_BYTES_MAX + 7]),
            vec!["none audit.log.jsonl".into()],
        ),
    ];
    for (what, change, expected) in cases {
        let mut files = fixture.files();
        with_lines(&mut files, change);
        let found: Vec<String> = shown(&disk_of(&files), 0)
            .into_iter()
            .filter(|word| word.parse::<u64>().is_err())
            .collect();
        assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.starts_with(expected.as_str()), "{what}: {found}");
        }
    }
}

/// Applies `change` and continues the log while its second entry is shown.
fn shown_while(change: impl Fn(&mut Fixture, &mut crate::store::AuditLog)) -> (Vec<String>, u64) {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    for _ in 0..2 {
        (0..4).for_each(|_| fixture.append(&mut log, 5));
        log.rotate(RotateReason::Manual).unwrap();
        log.maintain().unwrap();
    }
    fixture.append(&mut log, 5);
    let disk = fixture.disk.clone();
    let both = RefCell::new((fixture, log, false));
    let mut seen = Vec::new();
    read_entries(&disk, Path::new(DIR), 0, &mut |line| {
        let (fixture, log, is_done) = &mut *both.borrow_mut();
        match line.content {
            LineContent::Entry(entry) => seen.push(entry.seq.to_string()),
            other => seen.push(format!("{other:?}")),
        }
        if seen.len() == 2 && !std::mem::replace(is_done, true) {
            change(fixture, log);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let next_seq = both.borrow().1.next_seq();
    (seen, next_seq)
}

#[test]
fn a_log_rotating_while_read_shows_entries_once() {
    let (seen, next_seq) = shown_while(|fixture, log| {
        for _ in 0..3 {
            log.rotate(RotateReason::Manual).unwrap();
            log.maintain().unwrap();
            fixture.append(log, 5);
        }
    });
    assert_eq!(seen, numbers(0..next_seq));
}

/// A disk that runs a function when the active segment is first opened.
struct Turning {
    disk: FaultyDisk,
    when_opened: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Storage for Turning {
    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        if path.ends_with("audit.log.jsonl")
            && let Some(turn) = self.when_opened.lock().take()
        {
            turn();
        }
        self.disk.open(path, how)
    }

    fn lock(&self, path: &Path, mode: u32) -> io::Result<FileLock> {
        self.disk.lock(path, mode)
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        self.disk.stat(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &Path, mode: u32) -> io::Result<()> {
        self.disk.create_dir(dir, mode)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

#[test]
fn a_rotation_before_reading_skips_no_entry() {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    log.rotate(RotateReason::Manual).unwrap();
    let from = log.next_seq();
    fixture.append(&mut log, 5);
    let disk = fixture.disk.clone();
    let turn = move || {
        log.rotate(RotateReason::Manual).unwrap();
        drop(log);
    };
    let turning = Turning { disk: disk.clone(), when_opened: Mutex::new(Some(Box::new(turn))) };
    let seen = shown(&turning, from);
    assert!(turning.when_opened.lock().is_none(), "it was opened, and the log has rotated");
    assert_eq!(seen.first(), Some(&from.to_string()));
    assert_eq!(seen, shown(&disk, from));
}

#[cfg(feature = "compress")]
#[test]
fn a_segment_compressed_while_read_is_read() {
    let (seen, next_seq) = shown_while(|fixture, _| {
        let storage: Arc<dyn Storage> = Arc::new(fixture.disk.clone());
        assert_eq!(crate::store::compress_sealed(&storage, Path::new(DIR)).unwrap(), 2);
    });
    assert_eq!(seen, numbers(0..next_seq));
}

#[test]
fn a_directory_without_a_log_has_no_entries() {
    let disk = disk_of(&LogFiles::from([("notes".into(), b"x\n".to_vec())]));
    assert_eq!(shown(&disk, 0), Vec::<String>::new());
    assert!(first_start(&disk, Path::new(DIR)).is_err());
    let disk = disk_of(&LogFiles::from([("audit.log.jsonl".into(), b"x\n".to_vec())]));
    assert_eq!(shown(&disk, 0), ["none audit.log.jsonl:1"]);
    let error = first_start(&disk, Path::new(DIR)).unwrap_err().to_string();
    assert!(error.contains("ringseal.start"), "{error}");
}
