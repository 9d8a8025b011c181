//! Interference by other processes with a log's files while it is written, on real files.
use std::io::{self, Write};

use super::*;
use crate::sink::Sink;

fn write(sink: &mut FileSink, from: u64, count: u64) {
    sink.write(batch_of(from, count, 40).lines(), system_now()).unwrap();
}

fn active(dir: &Path) -> PathBuf {
    dir.join("app.log")
}

#[test]
fn a_deleted_file_is_created_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 3);
    fs::remove_file(active(dir.path())).unwrap();
    write(&mut sink, 3, 3);
    assert_eq!(seqs_of(&active(dir.path())), [3, 4, 5]);
    assert_eq!(sink.counters().reopened, 1);
}

#[test]
fn a_moved_file_keeps_its_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 3);
    fs::rename(active(dir.path()), dir.path().join("moved")).unwrap();
    write(&mut sink, 3, 3);
    assert_eq!(seqs_of(&dir.path().join("moved")), [0, 1, 2]);
    assert_eq!(seqs_of(&active(dir.path())), [3, 4, 5]);
    assert_eq!(sink.counters().reopened, 1);
}

#[test]
fn a_replaced_file_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 3);
    fs::rename(active(dir.path()), dir.path().join("moved")).unwrap();
    fs::write(active(dir.path()), b"{\"seq\":100}\n{\"seq\":10").unwrap();
    write(&mut sink, 3, 1);
    assert_eq!(seqs_of(&active(dir.path())), [100, 3]);
    assert_eq!(fs::read(dir.path().join("app.log.torn")).unwrap(), b"{\"seq\":10\n");
    assert_eq!(sink.counters().torn_bytes, 9);
}

#[test]
fn a_file_truncated_to_zero_takes_new_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 100);
    fs::write(active(dir.path()), b"").unwrap();
    write(&mut sink, 100, 3);
    assert_eq!(seqs_of(&active(dir.path())), [100, 101, 102]);
    assert_eq!(sink.counters().reopened, 1);
    assert_eq!(sink.counters().torn_bytes, 0);
}

#[test]
fn a_truncated_line_costs_no_later_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 100);
    let file = fs::OpenOptions::new().write(true).open(active(dir.path())).unwrap();
    file.set_len(290).unwrap();
    write(&mut sink, 100, 3);
    let seqs = seqs_of(&active(dir.path()));
    assert!(seqs.ends_with(&[100, 101, 102]) && seqs.starts_with(&[0, 1, 2]), "{seqs:?}");
    assert!(sink.counters().torn_bytes > 0);
}

#[test]
fn foreign_lines_stay_and_their_fragments_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 1);
    let mut other = fs::OpenOptions::new().append(true).open(active(dir.path())).unwrap();
    other.write_all(b"{\"seq\":50}\n").unwrap();
    write(&mut sink, 1, 1);
    other.write_all(b"{\"seq\":51").unwrap();
    write(&mut sink, 2, 1);
    assert_eq!(seqs_of(&active(dir.path())), [0, 50, 1, 2]);
    assert_eq!(sink.counters().torn_bytes, 9);
    assert_eq!(sink.counters().reopened, 0);
}

#[test]
fn a_deleted_idle_file_returns_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    sink.turn(system_now()).unwrap();
    fs::remove_file(active(dir.path())).unwrap();
    sink.turn(at(system_now().unix_nanos + 2 * SECOND)).unwrap();
    assert!(seqs_of(&active(dir.path())).is_empty());
}

#[test]
fn a_removed_directory_is_recreated_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("a/b");
    let mut sink = open(config_in(&logs).rotate_bytes_max(500));
    write(&mut sink, 0, 3);
    sink.wait_idle();
    fs::remove_dir_all(dir.path().join("a")).unwrap();
    write(&mut sink, 3, 20);
    sink.wait_idle();
    assert_eq!(all_seqs(&logs), (3..23).collect::<Vec<_>>());
    assert_mode(&logs, 0o700);
    assert_mode(&active(&logs), 0o644);
}

#[cfg(unix)]
fn assert_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, mode);
}

#[cfg(not(unix))]
fn assert_mode(_path: &Path, _mode: u32) {}

#[test]
fn modes_ignore_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let config = config_in(&logs).dir_mode(0o770).file_mode(0o666).rotate_bytes_max(500);
    let mut sink = open(config);
    write(&mut sink, 0, 20);
    sink.wait_idle();
    assert_mode(&logs, 0o770);
    for path in sealed_in(&logs).into_iter().chain([active(&logs)]) {
        assert_mode(&path, 0o666);
    }
}

#[test]
fn a_file_as_parent_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    let config = FileConfig::new(dir.path().join("file/app.log"));
    let Err(error) = FileSink::open(config, system_now()) else { panic!("opened") };
    assert!(matches!(error, SinkError::Io { .. }), "{error}");
}

#[test]
fn invalid_settings_are_named() {
    let interval = RotateEvery::Interval(std::time::Duration::ZERO);
    let cases = [
        (FileConfig::new("x/app.log").rotate_every(interval), "rotate_every"),
        (FileConfig::new("x/app.log").file_mode(0o100_644), "file_mode"),
        (FileConfig::new("/"), "path"),
        (FileConfig::new("x/.."), "path"),
        (FileConfig::new(""), "path"),
    ];
    for (config, expected) in cases {
        match FileSink::open(config, system_now()) {
            Err(SinkError::Config { field, .. }) => assert_eq!(field, expected),
            Err(error) => panic!("{expected}: {error}"),
            Ok(_) => panic!("{expected}: opened"),
        }
    }
}

#[test]
fn a_torn_tail_is_cut_counted_and_kept() {
    let whole = "{\"seq\":0}\n{\"seq\":1}\n";
    let long = "y".repeat(50_000);
    let cases: [(&str, &[u8], &[u8]); 8] = [
        ("a fragment", b"{\"seq\":2", b"{\"seq\":2\n"),
        ("NULs", b"\0\0\0\0\0", b""),
        ("a fragment, then NULs", b"{\"se\0\0\0", b"{\"se\n"),
        ("NULs, then a fragment", b"\0\0\0{\"se", b"{\"se\n"),
        ("spaces put in front of a line that never came", b"     ", b""),
        ("one NUL", b"\0", b""),
        (
            "half a character",
            "{\"seq\":2,\"é".as_bytes().split_last().unwrap().1,
            b"{\"seq\":2,\"\xc3\n",
        ),
        ("a long fragment", long.as_bytes(), long.as_bytes()),
    ];
    for (what, tail, kept) in cases {
        let dir = tempfile::tempdir().unwrap();
        fs::write(active(dir.path()), [whole.as_bytes(), tail].concat()).unwrap();
        let mut sink = open(config_in(dir.path()));
        assert_eq!(fs::read(active(dir.path())).unwrap(), whole.as_bytes(), "{what}");
        assert_eq!(sink.counters().torn_bytes, tail.len() as u64, "{what}");
        let aside = fs::read(dir.path().join("app.log.torn")).unwrap_or_default();
        assert_eq!(aside.trim_ascii_end(), kept.trim_ascii_end(), "{what}");
        write(&mut sink, 2, 1);
        assert_eq!(seqs_of(&active(dir.path())), [0, 1, 2], "{what}");
    }
}

#[test]
fn a_file_with_only_a_fragment_starts_empty() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(active(dir.path()), vec![0; 100_000]).unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 1);
    assert_eq!(seqs_of(&active(dir.path())), [0]);
}

#[test]
fn a_half_finished_rotation_is_completed_on_start() {
    for next in [None, Some(&b""[..])] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(active(dir.path()), b"{\"seq\":0}\n").unwrap();
        fs::hard_link(active(dir.path()), dir.path().join("app.log.000007")).unwrap();
        if let Some(next) = next {
            fs::write(dir.path().join(".app.log.next"), next).unwrap();
        }
        let mut sink = open(config_in(dir.path()).rotate_bytes_max(60));
        write(&mut sink, 1, 2);
        assert_eq!(seqs_of(&dir.path().join("app.log.000007")), [0]);
        assert_eq!(seqs_of(&dir.path().join("app.log.000008")), [1]);
        assert_eq!(seqs_of(&active(dir.path())), [2]);
    }
}

#[test]
fn a_taken_segment_number_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(100));
    fs::write(dir.path().join("app.log.000001"), b"mine\n").unwrap();
    write(&mut sink, 0, 2);
    assert_eq!(fs::read(dir.path().join("app.log.000001")).unwrap(), b"mine\n");
    assert_eq!(seqs_of(&dir.path().join("app.log.000002")), [0]);
}

#[test]
fn reopen_follows_logrotate() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()));
    write(&mut sink, 0, 1);
    fs::rename(active(dir.path()), dir.path().join("rotated")).unwrap();
    sink.reopen(system_now()).unwrap();
    assert!(active(dir.path()).exists(), "reopen makes the file at once");
    write(&mut sink, 1, 1);
    assert_eq!(seqs_of(&dir.path().join("rotated")), [0]);
    assert_eq!(seqs_of(&active(dir.path())), [1]);
}

#[test]
fn constant_interference_never_joins_or_repeats_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(20_000));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let path = active(dir.path());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                turn += 1;
                let _ = match turn % 4 {
                    0 => fs::remove_file(&path),
                    1 => fs::rename(&path, dir.path().join("moved")),
                    2 => fs::OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(0)),
                    _ => fs::OpenOptions::new()
                        .write(true)
                        .open(&path)
                        .and_then(|file| file.set_len(file.metadata()?.len() / 2)),
                };
                std::thread::yield_now();
            }
        });
        for round in 0..2_000 {
            let batch = batch_of(round * 10, 10, 60);
            if let Err(error) = sink.write(batch.lines(), system_now()) {
                // Interfered with several times within one call.
                let SinkError::Io { source, .. } = &error.cause else { panic!("{}", error.cause) };
                assert_eq!(source.kind(), io::ErrorKind::NotFound, "{}", error.cause);
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    sink.write(batch_of(1_000_000, 1, 60).lines(), system_now()).unwrap();
    // Each file ascends without a repetition; its last line may have been halved after our last write to it.
    let mut files = sealed_in(dir.path());
    files.push(path);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let seqs = seqs_in(&bytes[..whole]);
        assert!(seqs.is_sorted_by(|one, two| one < two), "{}", file.display());
    }
}

#[test]
fn a_second_sink_on_one_path_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(config_in(dir.path()));
    match FileSink::open(config_in(dir.path()), system_now()) {
        Err(SinkError::InUse { path }) => assert_eq!(path, active(dir.path())),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("two sinks on one path rename files over each other's lines"),
    }
    drop(first);
    open(config_in(dir.path()));
}

/// A real full disk: a small tmpfs, if the test may mount one.
#[test]
#[cfg(target_os = "linux")]
fn a_full_tmpfs_recovers_when_space_returns() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) = SmallMount::mount_at(dir.path()) else { return };
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(0));
    let batch = batch_of(0, 3_000, 100);
    let error = sink.write(batch.lines(), system_now()).unwrap_err();
    let SinkError::Io { ref source, .. } = error.cause else { panic!("{}", error.cause) };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    let in_place: Vec<u64> = (0..error.lines_written as u64).collect();
    assert!(!in_place.is_empty());
    assert_eq!(seqs_of(&active(dir.path())), in_place);
    fs::rename(active(dir.path()), dir.path().join("gone")).unwrap();
    fs::remove_file(dir.path().join("gone")).unwrap();
    let rest = batch.lines().split_at(error.lines_written).1.split_at(100).0;
    // The space is free once the helper thread has closed the deleted file: the first attempt may come too early.
    if sink.write(rest, system_now()).is_err() {
        sink.wait_idle();
        sink.write(rest, system_now()).unwrap();
    }
    let from = error.lines_written as u64;
    assert_eq!(seqs_of(&active(dir.path())), (from..from + 100).collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
pub(super) struct SmallMount(PathBuf);

#[cfg(target_os = "linux")]
impl SmallMount {
    /// 200 KiB; `None` if mounting is not allowed.
    pub fn mount_at(dir: &Path) -> Option<SmallMount> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=200k", "tmpfs"])
            .arg(dir)
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| SmallMount(dir.to_owned()))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallMount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
