//! SIGKILL of a real process that publishes to a file in memory: the survey counts exactly the lines in its log.
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::sink::Sink;
use crate::sink::commit::{Commit, Place};
use crate::sink::file::{Committed, Surveyed, WriteMode, survey};
use ringseal_base::storage::shared_file::SharedFile;
use ringseal_base::storage::{FileId, OsStorage};

const DIR: &str = "RINGSEAL_TEST_SURVEY_DIR";
const BASE: &str = "RINGSEAL_TEST_SURVEY_BASE";
const MAPPED: &str = "RINGSEAL_TEST_SURVEY_MAPPED";
const NAME: &str = "sink::file::tests::survey_kill::lines_of_a_killed_process_are_counted";
const RECORD: &str = "record";

/// Two slots of four words after the number of the valid one.
struct Record(SharedFile);

impl Commit for Record {
    fn publish(&self, lines: u64, place: Place) {
        let next = self.0.load(0) + 1;
        let FileId { device, inode } = place.file.unwrap();
        let words = [lines, device, inode, place.len_bytes];
        for (index, word) in words.into_iter().enumerate() {
            self.0.store(slot(next) + 8 * index, word);
        }
        self.0.publish(0, next);
    }
}

fn slot(number: u64) -> usize {
    8 + 32 * (number % 2) as usize
}

fn read_record(dir: &Path) -> Committed {
    let bytes = fs::read(dir.join(RECORD)).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert!(word(0) > 0, "nothing was published");
    let at = slot(word(0));
    let file = Some(FileId { device: word(at + 8), inode: word(at + 16) });
    Committed { lines: word(at), place: Place { file, len_bytes: word(at + 24) } }
}

fn config(dir: &Path, mapped: bool) -> FileConfig {
    let mode = if mapped { WriteMode::Mmap } else { WriteMode::Append };
    let mut config = config_in(&dir.join("logs")).write_mode(mode).rotate_bytes_max(1 << 20);
    config.discards_torn = true;
    config
}

/// Lines of different lengths; every hundredth is longer than a page.
fn fill(seq: u64) -> usize {
    if seq.is_multiple_of(100) { 9_000 } else { 100 + (seq % 50) as usize }
}

/// The child: writes from `base` on until it is killed.
fn write_until_killed(dir: &Path, base: u64, mapped: bool) -> ! {
    let mut sink = open(config(dir, mapped));
    sink.attach(Box::new(Record(SharedFile::create(&dir.join(RECORD), 4096).unwrap())));
    let mut seq = base;
    loop {
        let mut batch = Batch::default();
        (seq..seq + 1_000).for_each(|seq| push_line(&mut batch, seq, fill(seq)));
        sink.write(batch.lines(), system_now()).unwrap();
        seq += 1_000;
    }
}

/// Runs a process for a while and kills it; returns how many lines are in the log then.
fn run_and_kill(dir: &Path, base: u64, mapped: bool, millis: u64) -> u64 {
    let _ = fs::remove_file(dir.join(RECORD));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME]).env(DIR, dir).env(BASE, base.to_string());
    if mapped {
        child.env(MAPPED, "1");
    }
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..10_000 {
        if dir.join(RECORD).exists() && read_lines(dir) > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap();
    let committed = read_record(dir);
    let mut line_bytes = |n| {
        let mut batch = Batch::default();
        push_line(&mut batch, base + n, fill(base + n));
        Some(batch.len_bytes() as u32)
    };
    let active = dir.join("logs/app.log");
    let surveyed = survey(&OsStorage, &active, &committed, &mut line_bytes).unwrap();
    drop(open(config(dir, mapped)));
    let seqs = all_seqs(&dir.join("logs"));
    assert!(seqs.iter().copied().eq(0..seqs.len() as u64), "mapped {mapped}, from {base}");
    let lines = seqs.len() as u64 - base;
    assert_eq!(
        surveyed,
        Surveyed::Found { lines, is_exact: true },
        "mapped {mapped}: {committed:?}"
    );
    assert!(!dir.join("logs/app.log.torn").exists());
    seqs.len() as u64
}

/// The number of published lines, while the child is writing.
fn read_lines(dir: &Path) -> u64 {
    let bytes = fs::read(dir.join(RECORD)).unwrap_or_default();
    bytes.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word)).saturating_sub(1)
}

#[test]
fn lines_of_a_killed_process_are_counted() {
    if let Some(dir) = std::env::var_os(DIR) {
        let base = std::env::var(BASE).unwrap().parse().unwrap();
        write_until_killed(Path::new(&dir), base, std::env::var_os(MAPPED).is_some());
    }
    for mapped in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut lines = 0;
        for round in 0..10 {
            lines = run_and_kill(dir.path(), lines, mapped, round * 3);
        }
        assert!(lines >= 5_000, "{lines}");
    }
}
