//! Shared by the tests of the file sink: a clock, lines with a sequence number, and the checker.
use std::fs;
use std::path::{Path, PathBuf};

use crate::core::Batch;
use crate::sink::SinkError;
use crate::sink::file::{FileConfig, FileSink, RotateEvery};
use ringseal_base::Now;

mod crash;
mod faults;
#[cfg(unix)]
mod foreign;
#[cfg(unix)]
mod kill;
mod log_id;
#[cfg(target_os = "linux")]
mod mapped;
mod pages;
mod rotation;
mod survey;
mod survey_files;
#[cfg(target_os = "linux")]
mod survey_kill;
mod table;

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const HOUR: i64 = 3600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

pub(super) fn at(unix_nanos: i64) -> Now {
    Now { ticks: 0, unix_nanos }
}

/// The system's time, because the files on disk carry its times.
pub(super) fn system_now() -> Now {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    at(since.as_nanos() as i64)
}

/// Lines `{"seq":N,"fill":"xxx"}`; `fill` bytes of filling.
pub(super) fn batch_of(from: u64, count: u64, fill: usize) -> Batch {
    let mut batch = Batch::default();
    for seq in from..from + count {
        push_line(&mut batch, seq, fill);
    }
    batch
}

pub(super) fn push_line(batch: &mut Batch, seq: u64, fill: usize) {
    let line = format!("{{\"seq\":{seq},\"fill\":\"{}\"}}\n", "x".repeat(fill));
    batch.bytes_mut().extend_from_slice(line.as_bytes());
    batch.end_line();
}

/// The checker: accepts whole lines of JSON and nothing else; returns their sequence numbers.
pub(super) fn seqs_in(bytes: &[u8]) -> Vec<u64> {
    if bytes.is_empty() {
        return Vec::new();
    }
    assert_eq!(bytes.last(), Some(&b'\n'), "the file ends inside a line");
    assert!(!bytes.contains(&0), "the file has NULs");
    let text = std::str::from_utf8(&bytes[..bytes.len() - 1]).unwrap();
    text.split('\n')
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("not a JSON line ({error}): {line:?}"));
            value["seq"].as_u64().unwrap()
        })
        .collect()
}

pub(super) fn seqs_of(path: &Path) -> Vec<u64> {
    seqs_in(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Sealed segments by number, plain names only.
pub(super) fn sealed_in(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.strip_prefix("app.log.").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        })
        .collect();
    paths.sort();
    paths
}

/// All sequence numbers, sealed segments first, then the active one.
pub(super) fn all_seqs(dir: &Path) -> Vec<u64> {
    let mut seqs: Vec<u64> = sealed_in(dir).iter().flat_map(|path| seqs_of(path)).collect();
    seqs.extend(seqs_of(&dir.join("app.log")));
    seqs
}

pub(super) fn config_in(dir: &Path) -> FileConfig {
    FileConfig::new(dir.join("app.log")).rotate_every(RotateEvery::Never).retain_bytes_max(None)
}

pub(super) fn open(config: FileConfig) -> FileSink {
    FileSink::open(config, system_now()).unwrap()
}
