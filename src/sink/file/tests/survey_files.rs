//! What a survey finds in files that others have changed, and in files that no sink wrote.
use std::collections::HashMap;
use std::sync::Arc;

use super::survey::{Record, append_to};
use super::*;
use crate::sink::Sink;
use crate::sink::commit::Place;
use crate::sink::file::{Committed, Surveyed, survey};
use ringseal_base::storage::faulty::FaultyDisk;
use ringseal_base::storage::{FileId, OpenMode, Storage};

const ACTIVE: &str = "/logs/app.log";
const FOREIGN: &[u8] = b"{\"seq\":1,\"from\":\"another process\"}\n";

/// A log on a disk, and what its sink published before the last writes.
struct Log {
    disk: FaultyDisk,
    committed: Committed,
    line_bytes: HashMap<u64, u32>,
}

impl Log {
    /// Of `in_place` lines, the record has the first `committed`.
    fn new(committed: u64, in_place: u64) -> Log {
        let disk = FaultyDisk::new(Path::new("/logs"));
        let record = Record::new(&disk, u64::MAX);
        let mut log =
            Log { disk: disk.clone(), committed: record.last(), line_bytes: HashMap::new() };
        let config = config_in(Path::new("/logs"));
        let mut sink = FileSink::open_on(Arc::new(disk), config, at(0)).unwrap();
        sink.attach(Box::new(record.clone()));
        log.write(&mut sink, 0, committed);
        log.committed = record.last();
        log.write(&mut sink, committed, in_place - committed);
        // Lines that were lost with the process.
        log.line_bytes.extend((in_place..in_place + 50).map(|seq| (seq, line(seq).len() as u32)));
        log
    }

    fn write(&mut self, sink: &mut FileSink, from: u64, count: u64) {
        for seq in from..from + count {
            let mut batch = Batch::default();
            batch.bytes_mut().extend_from_slice(&line(seq));
            batch.end_line();
            self.line_bytes.insert(seq, batch.len_bytes() as u32);
            sink.write(batch.lines(), at(0)).unwrap();
        }
    }

    fn survey(&self) -> Surveyed {
        let mut line_bytes = |seq| self.line_bytes.get(&seq).copied();
        survey(&self.disk, Path::new(ACTIVE), &self.committed, &mut line_bytes).unwrap()
    }

    fn set_len(&self, len: u64) {
        let mut file = self.disk.open(Path::new(ACTIVE), OpenMode::Append).unwrap();
        file.set_len(len).unwrap();
    }

    fn append(&self, bytes: &[u8]) {
        append_to(&self.disk, ACTIVE, bytes);
    }

    fn rename(&self, from: &str, to: &str) {
        self.disk.rename(Path::new(from), Path::new(to)).unwrap();
    }
}

/// Lines of ten different lengths.
fn line(seq: u64) -> Vec<u8> {
    let fill = "x".repeat((seq % 10) as usize);
    format!("{{\"seq\":{:04},\"fill\":\"{fill}\"}}\n", seq).into_bytes()
}

fn exact(lines: u64) -> Surveyed {
    Surveyed::Found { lines, is_exact: true }
}

fn inexact(lines: u64) -> Surveyed {
    Surveyed::Found { lines, is_exact: false }
}

#[test]
fn lines_of_other_processes_are_passed_over() {
    let log = Log::new(3, 7);
    assert_eq!(log.survey(), exact(7));
    log.append(FOREIGN);
    assert_eq!(log.survey(), inexact(7));
    log.append(&[line(7), FOREIGN.to_vec(), b"\n".to_vec(), line(8), line(9)].concat());
    assert_eq!(log.survey(), inexact(10));
    // A torn line of the sink.
    log.append(&line(10)[..15]);
    assert_eq!(log.survey(), inexact(10));
}

#[test]
fn counting_ends_where_no_length_is_known() {
    let mut log = Log::new(3, 7);
    log.line_bytes.retain(|seq, _| *seq < 5);
    assert_eq!(log.survey(), exact(5));
    log.line_bytes.clear();
    assert_eq!(log.survey(), exact(3));
}

#[test]
fn a_shorter_or_missing_file_is_lost() {
    let lost = Surveyed::Lost { lines: 3 };
    for len in [0, 20] {
        let log = Log::new(3, 7);
        log.set_len(len);
        assert_eq!(log.survey(), lost);
        // The file has grown again, and other text is at the recorded place.
        log.append(&[b'x'; 500]);
        log.append(b"\n");
        assert_eq!(log.survey(), lost);
    }
    let log = Log::new(3, 7);
    log.disk.remove(Path::new(ACTIVE)).unwrap();
    assert_eq!(log.survey(), lost);
    log.disk.put(Path::new(ACTIVE), &line(3));
    assert_eq!(log.survey(), lost);
    let nowhere = FaultyDisk::default();
    let found = survey(&nowhere, Path::new(ACTIVE), &log.committed, &mut |_| Some(1));
    assert_eq!(found.unwrap(), lost);
    let mut log = Log::new(3, 7);
    log.committed.place = Place::default();
    assert_eq!(log.survey(), lost);
}

#[test]
fn a_truncation_to_the_record_loses_no_count() {
    let log = Log::new(3, 7);
    log.set_len(log.committed.place.len_bytes);
    assert_eq!(log.survey(), exact(3));
}

#[test]
fn segments_after_the_record_are_counted() {
    let log = Log::new(3, 7);
    log.rename(ACTIVE, "/logs/app.log.000004");
    assert_eq!(log.survey(), exact(7));
    log.disk.put(Path::new("/logs/app.log.000003"), &line(7));
    log.disk.put(Path::new("/logs/.app.log.next"), &line(11));
    assert_eq!(log.survey(), inexact(7));
    log.disk.put(Path::new("/logs/app.log.000005"), &line(7));
    log.disk.put(Path::new("/logs/app.log.000006.gz"), &line(8));
    log.disk.put(Path::new("/logs/app.log.000010"), &[line(8), line(9)].concat());
    log.disk.put(Path::new(ACTIVE), &line(10));
    assert_eq!(log.survey(), exact(12));
}

#[test]
fn two_names_of_a_file_count_once() {
    let log = Log::new(3, 7);
    for name in ["/logs/app.log.000001", "/logs/.app.log.next"] {
        log.disk.put_link(Path::new(ACTIVE), Path::new(name));
        assert_eq!(log.survey(), exact(7));
    }
}

#[test]
fn nuls_end_the_lines() {
    let log = Log::new(3, 7);
    log.append(&[line(7), vec![0; 9], line(8)].concat());
    assert_eq!(log.survey(), exact(8));
    let log = Log::new(3, 7);
    log.append(&[&line(7)[..10], &[0; 4096]].concat());
    assert_eq!(log.survey(), exact(7));
}

#[test]
fn spaces_around_lines_are_padding() {
    let mut log = Log::new(3, 3);
    let padded = |front, seq, back| {
        let mut bytes = vec![b' '; front];
        bytes.extend_from_slice(line(seq).trim_ascii_end());
        bytes.extend(vec![b' '; back]);
        bytes.push(b'\n');
        bytes
    };
    log.append(&[padded(70_000, 3, 0), padded(0, 4, 65_536), padded(65_535, 5, 65_535)].concat());
    assert_eq!(log.survey(), exact(6));
    // A line that ends in spaces itself, as a text may.
    log.append(&padded(0, 6, 3));
    log.line_bytes.insert(6, line(6).len() as u32 + 2);
    assert_eq!(log.survey(), exact(7));
    log.append(&padded(1, 7, 1));
    log.line_bytes.insert(7, line(7).len() as u32 + 3);
    assert_eq!(log.survey(), inexact(7));
}

#[test]
fn any_bytes_are_surveyed() {
    for seed in 0..400_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let disk = FaultyDisk::new(Path::new("/logs"));
        for name in ["app.log.000001", "app.log.000002", "app.log", ".app.log.next"] {
            let len = if seed % 8 == 0 { 150_000 } else { 300 };
            let bytes: Vec<u8> =
                (0..random(len)).map(|_| b"\n\n  \0xyz"[random(8) as usize]).collect();
            disk.put(&Path::new("/logs").join(name), &bytes);
        }
        let file = Some(FileId { device: 1, inode: random(5) });
        let len_bytes = [random(400), u64::MAX, 0][random(3) as usize];
        let lines = [0, u64::MAX - 1][random(2) as usize];
        let committed = Committed { lines, place: Place { file, len_bytes } };
        let found = survey(&disk, Path::new(ACTIVE), &committed, &mut |_| {
            [None, Some(0), Some(1), Some(4), Some(u32::MAX)][random(5) as usize]
        });
        let (Surveyed::Found { lines: counted, .. } | Surveyed::Lost { lines: counted }) =
            found.unwrap();
        assert!(counted >= lines);
    }
}
