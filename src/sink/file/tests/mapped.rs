//! The mapped write method on real files: the same promises, except for what a reader may see during a copy.
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::faults::SmallMount;
use super::*;
use crate::sink::Sink;
use crate::sink::file::WriteMode;
use ringseal_base::storage::faulty::FaultyDisk;

fn mapped_in(dir: &Path) -> FileConfig {
    config_in(dir).write_mode(WriteMode::Mmap)
}

#[test]
fn mapped_segments_survive_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut seq = 0;
    for _ in 0..5 {
        let mut sink = open(mapped_in(dir.path()).rotate_bytes_max(300_000));
        for count in [1, 50, 3_000] {
            sink.write(batch_of(seq, count, 150).lines(), system_now()).unwrap();
            seq += count;
        }
        assert_eq!(sink.counters().padding_bytes, 0);
    }
    assert_eq!(all_seqs(dir.path()), (0..seq).collect::<Vec<_>>());
    for path in sealed_in(dir.path()) {
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.len() <= 300_000);
        assert!(metadata.blocks() * 512 <= 300_000 + 8_192, "blocks beyond the data were kept");
    }
}

#[test]
fn an_unlimited_mapped_segment_moves_its_window() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let mut sink = open(mapped_in(dir.path()).rotate_bytes_max(0));
    let batch = batch_of(0, 100, 99_000);
    for _ in 0..15 {
        sink.write(batch.lines(), system_now()).unwrap();
    }
    let len = fs::metadata(dir.path().join("app.log")).unwrap().len();
    assert_eq!(len, 15 * batch.len_bytes() as u64);
    assert!(len > 2 * (64 << 20));
    let bytes = fs::read(dir.path().join("app.log")).unwrap();
    assert!(bytes.chunks(batch.len_bytes()).all(|part| part == batch.lines().bytes()));
}

#[test]
fn truncation_during_copies_never_kills_or_repeats() {
    for base in [None, Some("/dev/shm")] {
        let dir = base.map_or_else(tempfile::tempdir, tempfile::tempdir_in);
        let Ok(dir) = dir else { continue };
        let mut sink = open(mapped_in(dir.path()).rotate_bytes_max(3_000_000));
        let path = dir.path().join("app.log");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut turn = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    turn += 1;
                    let Ok(file) = fs::OpenOptions::new().write(true).open(&path) else { continue };
                    let len = file.metadata().map_or(0, |metadata| metadata.len());
                    let _ = file.set_len(if turn.is_multiple_of(3) { 0 } else { len / 2 });
                    std::thread::yield_now();
                }
            });
            for round in 0..300 {
                let batch = batch_of(round * 3_000, 3_000, 150);
                if let Err(error) = sink.write(batch.lines(), system_now()) {
                    let SinkError::Io { source, .. } = &error.cause else {
                        panic!("{}", error.cause)
                    };
                    assert_eq!(source.kind(), io::ErrorKind::NotFound, "{}", error.cause);
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert!(sink.counters().reopened > 0);
        let whole = batch_of(10_000_000, 1, 10);
        sink.write(whole.lines(), system_now()).unwrap();
        for path in sealed_in(dir.path()).into_iter().chain([path]) {
            let seqs = whole_seqs_of(&path);
            assert!(seqs.is_sorted_by(|one, two| one < two), "{}", path.display());
        }
    }
}

/// A file that was halved after our last write to it may end inside a line.
fn whole_seqs_of(path: &Path) -> Vec<u64> {
    let bytes = fs::read(path).unwrap();
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    seqs_in(&bytes[..whole])
}

#[test]
fn a_full_disk_returns_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) = SmallMount::mount_at(dir.path()) else { return };
    let mut sink = open(mapped_in(dir.path()));
    let batch = batch_of(0, 3_000, 100);
    let mut rest = batch.lines();
    let mut in_place = 0;
    for _ in 0..3 {
        let error = sink.write(rest, system_now()).unwrap_err();
        let SinkError::Io { ref source, .. } = error.cause else { panic!("{}", error.cause) };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        in_place += error.lines_written as u64;
        rest = rest.split_at(error.lines_written).1;
        assert_eq!(seqs_of(&dir.path().join("app.log")), (0..in_place).collect::<Vec<_>>());
    }
    assert!(in_place > 800, "{in_place} lines of 130 bytes in 200 KiB");
}

#[test]
fn a_killed_copys_zeros_are_cut_on_start() {
    // Not only at the end: a long copy need not go from front to back.
    for hole in [100..400, 450..100_000, 9_000..9_001] {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = batch_of(0, 700, 100).lines().bytes().to_vec();
        let hole = hole.start..hole.end.min(bytes.len());
        bytes[hole.clone()].fill(0);
        fs::write(dir.path().join("app.log"), &bytes).unwrap();
        let mut sink = open(mapped_in(dir.path()));
        sink.write(batch_of(10_000, 1, 10).lines(), system_now()).unwrap();
        let seqs = seqs_of(&dir.path().join("app.log"));
        let whole = memchr::memrchr(b'\n', &bytes[..hole.start]).map_or(0, |at| at + 1);
        let kept = seqs_in(&bytes[..whole]).len() as u64;
        assert_eq!(seqs, (0..kept).chain([10_000]).collect::<Vec<_>>());
        assert_eq!(sink.counters().torn_bytes, (bytes.len() - whole) as u64);
    }
}

#[test]
fn unmappable_files_are_appended_to() {
    let dir = Path::new("/logs");
    let disk = FaultyDisk::new(dir);
    let config = mapped_in(dir).rotate_bytes_max(5_000);
    let mut sink = FileSink::open_on(Arc::new(disk.clone()), config, at(0)).unwrap();
    for round in 0..10 {
        sink.write(batch_of(round * 30, 30, 40).lines(), at(0)).unwrap();
    }
    let total: usize = disk
        .files()
        .iter()
        .filter(|(path, _)| !path.to_str().unwrap().contains("/."))
        .map(|(_, bytes)| seqs_in(bytes).len())
        .sum();
    assert_eq!(total, 300);
}

/// `cargo test --release --lib -- --ignored --nocapture append_and_mapped_throughput`
#[test]
#[ignore = "a measurement, not a promise"]
fn append_and_mapped_throughput() {
    for base in ["/tmp", "/dev/shm"] {
        for round in 0..3 {
            for (name, mode, align) in [
                ("append", WriteMode::Append, true),
                ("append, page_align off", WriteMode::Append, false),
                ("mmap", WriteMode::Mmap, false),
            ] {
                let dir = tempfile::tempdir_in(base).unwrap();
                let config = config_in(dir.path()).write_mode(mode).page_align(align);
                let mut sink = open(config.retain_segments_max(Some(2)));
                let batch = batch_of(0, 5_000, 190);
                let begin = std::time::Instant::now();
                let mut slowest = std::time::Duration::ZERO;
                for _ in 0..400 {
                    let one = std::time::Instant::now();
                    sink.write(batch.lines(), system_now()).unwrap();
                    slowest = slowest.max(one.elapsed());
                }
                let bytes = 400.0 * batch.len_bytes() as f64;
                let rate = bytes / begin.elapsed().as_secs_f64() / 1e9;
                let rotations = sink.counters().rotations;
                println!(
                    "{base} {round} {name}: {rate:.2} GB/s, {rotations} rotations, {slowest:?}"
                );
            }
        }
    }
}
