//! Things that others put in place of a log's files: none is sealed, followed or removed, no line is lost, and every
//! later start succeeds.
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Command;

use super::*;
use crate::sink::Sink;

/// What is put there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Thing {
    LinkToFile,
    DanglingLink,
    Directory,
    FullDirectory,
    Pipe,
    Socket,
}

const THINGS: [Thing; 6] = [
    Thing::LinkToFile,
    Thing::DanglingLink,
    Thing::Directory,
    Thing::FullDirectory,
    Thing::Pipe,
    Thing::Socket,
];

impl Thing {
    fn put(self, path: &Path, victim: &Path) {
        match self {
            Thing::LinkToFile => symlink(victim, path).unwrap(),
            Thing::DanglingLink => symlink("/nowhere/at/all", path).unwrap(),
            Thing::Directory => fs::create_dir(path).unwrap(),
            Thing::FullDirectory => {
                fs::create_dir(path).unwrap();
                fs::write(path.join("inside"), b"kept").unwrap();
            }
            Thing::Pipe => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            Thing::Socket => drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
        }
    }

    fn is_at(self, path: &Path) -> bool {
        let Ok(metadata) = fs::symlink_metadata(path) else { return false };
        let kind = metadata.file_type();
        match self {
            Thing::LinkToFile | Thing::DanglingLink => kind.is_symlink(),
            Thing::Directory => kind.is_dir(),
            Thing::FullDirectory => fs::read(path.join("inside")).is_ok_and(|text| text == b"kept"),
            Thing::Pipe => kind.is_fifo(),
            Thing::Socket => kind.is_socket(),
        }
    }
}

struct Log {
    dir: tempfile::TempDir,
    victim: PathBuf,
}

impl Log {
    fn new() -> Log {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::create_dir(dir.path().join("logs")).unwrap();
        fs::write(&victim, b"not a log").unwrap();
        Log { dir, victim }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.logs().join(name)
    }

    fn logs(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    fn open(&self) -> FileSink {
        open(config_in(&self.logs()).rotate_bytes_max(1_000))
    }

    fn put(&self, thing: Thing, name: &str) {
        let path = self.at(name);
        let _ = fs::remove_file(&path);
        thing.put(&path, &self.victim);
    }

    fn put_aside(&self, thing: Thing, name: &str) -> bool {
        thing.is_at(&self.at(&format!("{name}.aside-1")))
    }

    fn expect_lines(&self, count: u64, what: &str) {
        assert_eq!(all_seqs(&self.logs()), (0..count).collect::<Vec<_>>(), "{what}");
        assert_eq!(fs::read(&self.victim).unwrap(), b"not a log", "{what}");
    }
}

fn write(sink: &mut FileSink, from: u64, count: u64) {
    sink.write(batch_of(from, count, 60).lines(), system_now()).unwrap();
}

const NAMES: [&str; 9] = [
    "app.log",
    ".app.log.next",
    ".app.log.last",
    ".app.log.last.partial",
    ".app.log.000001.gz.partial",
    ".app.log.lock",
    "app.log.torn",
    "app.log.000001",
    "app.log.000002.gz",
];

#[test]
fn a_restart_survives_foreign_things_under_every_name() {
    for thing in THINGS {
        for name in NAMES {
            let what = format!("{thing:?} at {name}");
            let log = Log::new();
            // Without a sealed segment, so that none is replaced.
            let mut sink = log.open();
            write(&mut sink, 0, 3);
            drop(sink);
            let active = fs::read(log.at("app.log")).unwrap();
            log.put(thing, name);
            let mut sink = log.open();
            write(&mut sink, 3, 20);
            sink.sync().unwrap_or_else(|error| panic!("{what}: {error}"));
            drop(sink);
            assert!(log.put_aside(thing, name), "{what}");
            if name == "app.log" {
                // The file with the first lines was removed to make room.
                fs::write(log.at("app.log.000000"), &active).unwrap();
            }
            log.expect_lines(23, &what);
        }
    }
}

#[test]
fn a_running_log_seals_nothing_foreign() {
    for thing in THINGS {
        for name in ["app.log", ".app.log.next"] {
            let what = format!("{thing:?} at {name}");
            let log = Log::new();
            let mut sink = log.open();
            sink.wait_idle();
            write(&mut sink, 0, 3);
            fs::rename(log.at(name), log.at("app.log.000000")).unwrap();
            log.put(thing, name);
            write(&mut sink, 3, 50);
            sink.wait_idle();
            assert!(log.put_aside(thing, name), "{what}");
            let reported = sink.warning().unwrap();
            assert!(matches!(reported, SinkError::SetAside { .. }), "{what}: {reported}");
            drop(sink);
            log.expect_lines(53, &what);
            drop(log.open());
        }
    }
}

/// A thing that appears between the check before the write and the rotation after it.
#[test]
fn a_rotation_looks_at_what_it_seals() {
    for thing in THINGS {
        let log = Log::new();
        let mut sink = log.open();
        write(&mut sink, 0, 3);
        fs::rename(log.at("app.log"), log.at("app.log.000000")).unwrap();
        log.put(thing, "app.log");
        sink.rotate(system_now(), crate::sink::file::RotationReason::Size);
        assert!(thing.is_at(&log.at("app.log")), "{thing:?}");
        assert!(!log.at("app.log.000001").exists(), "{thing:?}");
        write(&mut sink, 3, 3);
        assert!(log.put_aside(thing, "app.log"), "{thing:?}");
        drop(sink);
        log.expect_lines(6, &format!("{thing:?}"));
    }
}

#[test]
fn a_foreign_segment_blocks_neither_retention_nor_sync() {
    for thing in THINGS {
        let log = Log::new();
        let mut sink =
            open(config_in(&log.logs()).rotate_bytes_max(500).retain_segments_max(Some(2)));
        write(&mut sink, 0, 20);
        sink.wait_idle();
        let newest = sealed_in(&log.logs()).pop().unwrap();
        fs::remove_file(&newest).unwrap();
        thing.put(&newest, &log.victim);
        sink.sync().unwrap();
        write(&mut sink, 20, 20);
        sink.wait_idle();
        sink.sync().unwrap();
        assert_eq!(sealed_in(&log.logs()).len(), 2, "{thing:?}");
        assert!(sealed_in(&log.logs()).iter().all(|path| path.is_file()), "{thing:?}");
    }
}

#[test]
fn a_path_without_log_is_refused_unchanged() {
    for thing in THINGS {
        let log = Log::new();
        log.put(thing, "app.log");
        for _ in 0..2 {
            let error = FileSink::open(config_in(&log.logs()), system_now()).err().unwrap();
            assert!(matches!(error, SinkError::NotAFile { .. }), "{thing:?}: {error}");
            assert!(thing.is_at(&log.at("app.log")), "{thing:?}");
            assert_eq!(fs::read_dir(log.logs()).unwrap().count(), 1, "{thing:?}");
        }
    }
    for (path, found) in [("/dev/null", "a device"), ("/proc/self", "a symbolic link")] {
        let error = FileSink::open(FileConfig::new(path), system_now()).err().unwrap();
        assert!(error.to_string().ends_with(found), "{error}");
    }
}

#[test]
fn things_set_aside_do_not_replace_each_other() {
    let log = Log::new();
    let mut sink = log.open();
    for round in 0..3 {
        write(&mut sink, round, 1);
        fs::rename(log.at("app.log"), log.at(&format!("app.log.00000{round}"))).unwrap();
        fs::create_dir(log.at("app.log")).unwrap();
    }
    write(&mut sink, 3, 1);
    for number in 1..=3 {
        assert!(log.at(&format!("app.log.aside-{number}")).is_dir());
    }
}

/// Something that puts a link there every second must not fill the directory.
#[test]
fn things_set_aside_are_bounded() {
    let log = Log::new();
    drop(log.open());
    for number in 1..=100 {
        fs::write(log.at(&format!("app.log.aside-{number}")), b"").unwrap();
    }
    let mut next = 0;
    for thing in THINGS {
        log.put(thing, "app.log");
        let mut sink = log.open();
        write(&mut sink, next, 1);
        let report = sink.warning().unwrap();
        let is_kept = matches!(thing, Thing::Directory | Thing::FullDirectory);
        match report {
            SinkError::SetAside { aside, .. } if is_kept => assert!(thing.is_at(&aside)),
            SinkError::RemovedForeign { kept: 100, .. } if !is_kept => {
                assert!(log.at("app.log").is_file());
            }
            other => panic!("{thing:?}: {other}"),
        }
        drop(sink);
        fs::rename(log.at("app.log"), log.at(&format!("app.log.00000{next}"))).unwrap();
        next += 1;
    }
    drop(log.open());
    log.expect_lines(next, "all things");
    let kept = fs::read_dir(log.logs())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().contains("aside-"));
    assert_eq!(kept.count(), 102);
}

#[test]
fn a_lock_file_has_the_mode_set() {
    let owner = |config: FileConfig| config.file_mode(0o666);
    let group = |config: FileConfig| config.lock_mode(0o660);
    for (config, expected) in [(owner as fn(_) -> _, 0o600), (group, 0o660)] {
        let log = Log::new();
        let mode = || fs::metadata(log.at(".app.log.lock")).unwrap().permissions().mode() & 0o7777;
        drop(open(config(config_in(&log.logs()))));
        assert_eq!(mode(), expected);
        fs::set_permissions(log.at(".app.log.lock"), fs::Permissions::from_mode(0o666)).unwrap();
        drop(open(config(config_in(&log.logs()))));
        assert_eq!(mode(), expected);
    }
}

#[test]
fn numbers_at_the_limit_are_an_error() {
    let log = Log::new();
    fs::write(log.at("app.log.999999999999"), b"").unwrap();
    fs::write(log.at("app.log.18446744073709551615"), b"{\"seq\":900}\n").unwrap();
    let mut sink = log.open();
    write(&mut sink, 0, 30);
    assert_eq!(seqs_of(&log.at("app.log")), (0..30).collect::<Vec<_>>());
    let error = sink.warning().unwrap();
    assert!(
        matches!(error, SinkError::NumbersUsedUp { number_max: 999_999_999_999, .. }),
        "{error}"
    );
    fs::remove_file(log.at("app.log.999999999999")).unwrap();
    drop(sink);
}
