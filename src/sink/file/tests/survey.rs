//! In the life of a log, each call once is killed at each byte; the survey counts exactly the lines in place, and
//! writing the rest makes each line exist once.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::sink::Sink;
use crate::sink::commit::{Commit, Place};
use crate::sink::file::{Committed, Surveyed, WriteMode, survey};
use ringseal_base::storage::faulty::{Faults, FaultyDisk};
use ringseal_base::storage::{OpenMode, Storage, append_all};

const DIR: &str = "/logs";
const ACTIVE: &str = "/logs/app.log";

/// What was published before the process died.
#[derive(Clone)]
pub(super) struct Record {
    disk: FaultyDisk,
    /// The number of the disk's call that kills the process.
    killed: u64,
    last: Arc<Mutex<Option<Committed>>>,
}

impl Record {
    pub(super) fn new(disk: &FaultyDisk, killed: u64) -> Record {
        Record { disk: disk.clone(), killed, last: Arc::default() }
    }

    pub(super) fn last(&self) -> Committed {
        let nothing = Committed { lines: 0, place: Place::default() };
        self.last.lock().unwrap_or(nothing)
    }
}

impl Commit for Record {
    fn publish(&self, lines: u64, place: Place) {
        if self.disk.calls() <= self.killed {
            *self.last.lock() = Some(Committed { lines, place });
        }
    }
}

/// The lives of a log: how it is written, and how long its lines are.
#[derive(Debug, Clone)]
struct Life {
    config: FileConfig,
    no_links: bool,
    batches: u64,
    batch_lines: u64,
    fill: fn(u64) -> usize,
    torn_step: usize,
}

impl Life {
    fn lines(&self) -> u64 {
        self.batches * self.batch_lines
    }

    fn batch(&self, from: u64, until: u64) -> Batch {
        let mut batch = Batch::default();
        (from..until).for_each(|seq| push_line(&mut batch, seq, (self.fill)(seq)));
        batch
    }

    fn line_bytes(&self, seq: u64) -> Option<u32> {
        (seq < self.lines()).then(|| self.batch(seq, seq + 1).len_bytes() as u32)
    }

    /// Opens the log on the disk and writes from `from` on; gives up at the first error.
    fn live(&self, disk: &FaultyDisk, killed: u64, from: u64) -> Record {
        let record = Record::new(disk, killed);
        let opened = FileSink::open_on(Arc::new(disk.clone()), self.config.clone(), at(0));
        let Ok(mut sink) = opened else { return record };
        sink.attach(Box::new(record.clone()));
        let mut seq = from;
        while seq < self.lines() {
            let now = at((seq as i64 + 1) * SECOND);
            disk.set_time(now.unix_nanos);
            let until = (seq + self.batch_lines).min(self.lines());
            if sink.write(self.batch(seq, until).lines(), now).is_err() {
                break;
            }
            sink.wait_idle();
            seq = until;
        }
        record
    }

    fn survey(&self, disk: &FaultyDisk, committed: &Committed) -> Surveyed {
        survey(disk, Path::new(ACTIVE), committed, &mut |seq| self.line_bytes(seq)).unwrap()
    }

    /// Kills the life at one call after some bytes of it; returns how many bytes the disk has then.
    fn kill_at(&self, call: u64, torn: usize) -> usize {
        let what = format!("killed at call {call} after {torn} bytes of {self:?}");
        let disk = new_disk();
        let kill_call = Some((call, torn));
        disk.set_faults(Faults { kill_call, no_links: self.no_links, ..Faults::default() });
        let committed = self.live(&disk, call, 0).last();
        let left = disk.after_kill();
        let surveyed = self.survey(&left, &committed);
        let in_place = whole_lines(&left);
        let expected = match committed.place.file {
            None => Surveyed::Lost { lines: 0 },
            Some(_) => Surveyed::Found { lines: in_place, is_exact: true },
        };
        assert_eq!((surveyed, in_place >= committed.lines), (expected, true), "{what}");
        self.live(&left, u64::MAX, in_place);
        assert_eq!(read_all(&left), (0..self.lines()).collect::<Vec<_>>(), "{what}");
        assert!(!left.files().contains_key(Path::new("/logs/app.log.torn")), "{what}");
        disk.all_bytes().iter().map(Vec::len).sum()
    }

    /// Kills it at every call, after every number of bytes that makes a difference.
    fn kill_everywhere(&self) {
        let disk = new_disk();
        disk.set_faults(Faults { no_links: self.no_links, ..Faults::default() });
        let committed = self.live(&disk, u64::MAX, 0).last();
        assert_eq!(read_all(&disk), (0..self.lines()).collect::<Vec<_>>());
        let all = Surveyed::Found { lines: self.lines(), is_exact: true };
        assert_eq!((self.survey(&disk, &committed), committed.lines), (all, self.lines()));
        for call in 0..disk.calls() {
            let mut before = None;
            for torn in (0..).step_by(self.torn_step) {
                let bytes = self.kill_at(call, torn);
                if before.replace(bytes) == Some(bytes) {
                    break;
                }
            }
        }
    }
}

fn new_disk() -> FaultyDisk {
    FaultyDisk::new(Path::new(DIR))
}

fn base_config() -> FileConfig {
    let mut config = config_in(Path::new(DIR)).compress(cfg!(feature = "compress"));
    config.discards_torn = true;
    config
}

/// Whole lines in all plain files, each file once.
fn whole_lines(disk: &FaultyDisk) -> u64 {
    let mut files = BTreeMap::new();
    for (path, bytes) in disk.files().into_iter().filter(|(path, _)| is_segment(path)) {
        let gz = path.extension().is_some_and(|extension| extension == "gz");
        let bytes = if gz { unpacked(&bytes) } else { bytes };
        // The name of the first line tells the file: two names of one file, two forms of one segment.
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let seqs = seqs_in(&bytes[..whole]);
        if let Some(first) = seqs.first() {
            files.insert(*first, seqs.len() as u64);
        }
    }
    files.values().sum()
}

fn is_segment(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("app.log")
}

#[cfg(feature = "compress")]
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

#[cfg(not(feature = "compress"))]
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// All lines of all files in the order of their numbers, the active file last.
fn read_all(disk: &FaultyDisk) -> Vec<u64> {
    let mut segments: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (path, bytes) in disk.files().into_iter().filter(|(path, _)| is_segment(path)) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let plain = name.trim_end_matches(".gz");
        let bytes = if name == plain { bytes } else { unpacked(&bytes) };
        let key = if name == "app.log" { "app.log.~" } else { plain };
        segments.insert(key.to_owned(), seqs_in(&bytes));
    }
    segments.into_values().flatten().collect()
}

fn short_lines() -> Life {
    let config = base_config();
    let fill = |seq: u64| (seq % 3) as usize;
    Life { config, no_links: false, batches: 5, batch_lines: 4, fill, torn_step: 1 }
}

#[test]
fn kills_around_rotations_by_size_are_exact() {
    for no_links in [false, true] {
        for write_mode in modes() {
            // A rotation inside of the second and the fourth batch.
            let config = base_config().write_mode(write_mode).rotate_bytes_max(170);
            Life { config, no_links, ..short_lines() }.kill_everywhere();
        }
    }
}

#[test]
fn kills_around_rotations_by_time_are_exact() {
    for no_links in [false, true] {
        let interval = RotateEvery::Interval(Duration::from_secs(8));
        let config = base_config().rotate_every(interval);
        Life { config, no_links, ..short_lines() }.kill_everywhere();
    }
}

#[test]
fn kills_inside_padded_pages_are_exact() {
    let fill = |seq: u64| [900, 3_900, 1_700, 2_300][(seq % 4) as usize];
    let config = base_config().rotate_bytes_max(20_000);
    let life = Life { config, batches: 4, fill, torn_step: 509, ..short_lines() };
    let disk = new_disk();
    life.live(&disk, u64::MAX, 0);
    assert!(disk.all_bytes().iter().any(|bytes| bytes.windows(3).any(|part| part == b"  \n")));
    life.kill_everywhere();
}

#[test]
fn kills_inside_very_long_lines_are_exact() {
    let fill = |seq: u64| [70_000, 10, 200_000, 65_510][(seq % 4) as usize];
    let config = base_config().rotate_bytes_max(300_000);
    Life { config, batches: 2, fill, torn_step: 65_536, ..short_lines() }.kill_everywhere();
}

fn modes() -> Vec<WriteMode> {
    let mapped = cfg!(target_os = "linux").then_some(WriteMode::Mmap);
    [WriteMode::Append].into_iter().chain(mapped).collect()
}

pub(super) fn append_to(disk: &FaultyDisk, path: &str, bytes: &[u8]) {
    let mut file = disk.open(Path::new(path), OpenMode::Append).unwrap();
    append_all(&mut *file, bytes).unwrap();
}

/// Compares each publication with the disk at that moment.
struct Checking {
    record: Record,
    life: Life,
    calls: Arc<Mutex<u64>>,
}

impl Commit for Checking {
    fn publish(&self, lines: u64, place: Place) {
        self.record.publish(lines, place);
        let surveyed =
            self.life.survey(&self.record.disk.after_kill(), &Committed { lines, place });
        assert_eq!(surveyed, Surveyed::Found { lines, is_exact: true });
        *self.calls.lock() += 1;
    }
}

#[test]
fn every_publication_is_true_at_once() {
    let life = short_lines();
    let disk = new_disk();
    let record = Record::new(&disk, u64::MAX);
    let calls = Arc::new(Mutex::new(0));
    let config = base_config().rotate_bytes_max(170);
    let mut sink = FileSink::open_on(Arc::new(disk.clone()), config, at(0)).unwrap();
    sink.attach(Box::new(Checking {
        record: record.clone(),
        life: life.clone(),
        calls: calls.clone(),
    }));
    assert_eq!(*calls.lock(), 1);
    for seq in 0..life.lines() {
        match seq % 5 {
            1 => append_to(&disk, ACTIVE, b"{\"seq\":90,\"other\":true}\n"),
            2 => append_to(&disk, ACTIVE, b"{\"seq\":"),
            3 => disk.rename(Path::new(ACTIVE), Path::new("/logs/moved")).unwrap(),
            4 => {
                let mut file = disk.open(Path::new(ACTIVE), OpenMode::Append).unwrap();
                file.set_len(20).unwrap();
            }
            _ => sink.reopen(at(0)).unwrap(),
        }
        sink.write(life.batch(seq, seq + 1).lines(), at(0)).unwrap();
        assert_eq!(record.last().lines, seq + 1);
    }
    assert!(*calls.lock() > life.lines() * 3 / 2, "{}", calls.lock());
}

#[test]
fn a_changed_active_file_is_published() {
    let disk = new_disk();
    let config = base_config().rotate_every(RotateEvery::Hourly);
    let mut sink = FileSink::open_on(Arc::new(disk.clone()), config, at(0)).unwrap();
    let record = Record::new(&disk, u64::MAX);
    sink.attach(Box::new(record.clone()));
    let expect_active = |lines| {
        let stat = disk.stat(Path::new(ACTIVE)).unwrap();
        let place = Place { file: stat.id, len_bytes: stat.len };
        assert_eq!(record.last(), Committed { lines, place });
    };
    expect_active(0);
    sink.write(batch_of(0, 3, 10).lines(), at(0)).unwrap();
    expect_active(3);
    // A rotation without a write, and a file that was moved away, looked for by an idle sink.
    sink.turn(at(HOUR)).unwrap();
    assert_eq!(sink.counters().rotations, 1);
    expect_active(3);
    disk.rename(Path::new(ACTIVE), Path::new("/logs/moved")).unwrap();
    sink.turn(at(HOUR + 2 * SECOND)).unwrap();
    expect_active(3);
    disk.put(Path::new(ACTIVE), b"{\"seq\":90}\n");
    sink.reopen(at(HOUR)).unwrap();
    expect_active(3);
}
