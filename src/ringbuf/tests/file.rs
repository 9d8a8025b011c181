//! A ring in a file, and the reader of such a file, which a process uses that did not make the ring.
//!
//! # Invariants
//! 1. A test makes one ring of a file at a time, and otherwise only reads the file.
#![allow(unsafe_code)]
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use crate::ringbuf::control::{
    CLAIM_AT, CONTROL_BYTES, HEAD_AT, SHARED_DATA_AT, TAIL_AT, WATERMARK_AT,
};
use crate::ringbuf::{Consumer, Producer, ring_in};
use ringseal_base::storage::region::Region;

/// A ring in a new file without a name.
pub(crate) fn ring_in_file(capacity: usize) -> (Producer, Consumer, File) {
    let file = tempfile::tempfile().unwrap();
    let (producer, consumer) = ring_over(&file, capacity);
    (producer, consumer, file)
}

/// An empty ring in `file`.
pub(crate) fn ring_over(file: &File, capacity: usize) -> (Producer, Consumer) {
    // SAFETY: (1) is the contract.
    let region =
        unsafe { Region::shared(file, 0, SHARED_DATA_AT + capacity, SHARED_DATA_AT) }.unwrap();
    ring_in(region, SHARED_DATA_AT).unwrap()
}

/// What the file of a ring contains at one moment.
#[derive(Debug, Clone)]
pub(crate) struct RingImage {
    pub(crate) tail: usize,
    pub(crate) head: usize,
    watermark: usize,
    data: Vec<u8>,
}

impl RingImage {
    /// Reads the file, in any order: nothing writes it meanwhile.
    pub(crate) fn read(file: &File) -> RingImage {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            file.read_exact_at(&mut bytes, at as u64).unwrap();
            u64::from_le_bytes(bytes) as usize
        };
        let mut data = vec![0; file.metadata().unwrap().len() as usize - SHARED_DATA_AT];
        file.read_exact_at(&mut data, SHARED_DATA_AT as u64).unwrap();
        RingImage { tail: word(TAIL_AT), head: word(HEAD_AT), watermark: word(WATERMARK_AT), data }
    }

    /// The bytes from `start` on that are published, in at most two stretches, each with its first position.
    pub(crate) fn published(&self, start: usize) -> Vec<(usize, &[u8])> {
        let capacity = self.data.len();
        assert!(self.head <= self.tail && self.tail <= self.head + capacity);
        assert!((self.head..=self.tail).contains(&start));
        let lap_end = (start | (capacity - 1)) + 1;
        let stretch = |range: Range<usize>| {
            let at = range.start % capacity;
            (range.start, &self.data[at..at + range.len()])
        };
        let mut stretches = Vec::new();
        if self.tail > lap_end {
            stretches.push(stretch(start..self.watermark));
            stretches.push(stretch(lap_end..self.tail));
        } else {
            stretches.push(stretch(start..self.tail));
        }
        stretches.retain(|(_, bytes)| !bytes.is_empty());
        stretches
    }
}

fn put(producer: &mut Producer, byte: u8, len: usize) -> bool {
    let Some(mut grant) = producer.grant(len) else { return false };
    grant.bytes_mut().fill(byte);
    grant.commit(len);
    true
}

fn put_number(producer: &mut Producer, number: u64) -> bool {
    let Some(mut grant) = producer.grant(40) else { return false };
    grant.bytes_mut()[..8].copy_from_slice(&number.to_le_bytes());
    grant.commit(40);
    true
}

fn take(consumer: &mut Consumer, len: usize) {
    consumer.poll();
    assert!(consumer.readable().len() >= len);
    consumer.advance(len);
    consumer.release();
}

fn word(file: &File, at: usize) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at as u64).unwrap();
    u64::from_le_bytes(bytes)
}

#[test]
fn the_words_and_data_are_at_their_places() {
    let (mut producer, mut consumer, file) = ring_in_file(4096);
    let words = || [128, 256, 384].map(|at| word(&file, at));
    assert_eq!((words(), word(&file, CLAIM_AT)), ([0, 0, 0], 0));
    assert!(put(&mut producer, 7, 24));
    assert_eq!(words(), [24, 0, 0]);
    assert_eq!(word(&file, 65_536), u64::from_le_bytes([7; 8]));
    take(&mut consumer, 24);
    assert_eq!(words(), [24, 0, 24]);
    assert!(put(&mut producer, 8, 4000));
    take(&mut consumer, 4000);
    // 72 bytes are left in the lap; a record of 80 is in the next one.
    assert!(put(&mut producer, 9, 80));
    assert_eq!(words(), [4096 + 80, 4024, 4024]);
    assert_eq!(word(&file, 65_536), u64::from_le_bytes([9; 8]));
    let image = RingImage::read(&file);
    assert_eq!(image.published(4024), [(4096, &[9; 80][..])]);
}

#[test]
fn nothing_but_words_and_data_is_written() {
    let (mut producer, mut consumer, file) = ring_in_file(4096);
    for lap in 0..20 {
        while put(&mut producer, lap, 1000) {}
        take(&mut consumer, 1000);
    }
    let mut control = vec![0; SHARED_DATA_AT];
    file.read_exact_at(&mut control, 0).unwrap();
    for at in [TAIL_AT, WATERMARK_AT, HEAD_AT, CLAIM_AT] {
        control[at..at + 8].fill(0);
    }
    assert!(control.iter().all(|byte| *byte == 0));
}

#[test]
fn a_region_of_wrong_length_is_refused() {
    for (len_bytes, data_at) in [
        (CONTROL_BYTES, CONTROL_BYTES),
        (CONTROL_BYTES + 32, CONTROL_BYTES),
        (CONTROL_BYTES + 96, CONTROL_BYTES),
        (CONTROL_BYTES + 64, CONTROL_BYTES - 64),
        (CONTROL_BYTES + 68, CONTROL_BYTES + 4),
        (64, CONTROL_BYTES),
        (64, 0),
    ] {
        let region = Region::new(len_bytes).unwrap();
        let error = ring_in(region, data_at).unwrap_err().to_string();
        assert!(error.contains(&format!("it has {len_bytes} bytes")), "{error}");
    }
    let region = Region::new(CONTROL_BYTES + 64).unwrap();
    assert_eq!(ring_in(region, CONTROL_BYTES).unwrap().0.capacity_bytes(), 64);
}

#[test]
fn a_trimmed_file_ring_keeps_unread_bytes() {
    let (mut producer, mut consumer, file) = ring_in_file(1 << 16);
    producer.populate();
    assert!(put(&mut producer, 5, 1024) && put(&mut producer, 6, 1024));
    take(&mut consumer, 1024);
    assert!(consumer.has_fresh_pages());
    consumer.trim();
    assert!(consumer.resident_bytes() < 1 << 16 && !consumer.is_lost());
    assert_eq!(word(&file, 65_536 + 1024), u64::from_le_bytes([6; 8]));
    take(&mut consumer, 1024);
    assert!(put(&mut producer, 7, 1024));
}

/// The path of the file, for the process that is killed.
const KILLED: &str = "RINGSEAL_TEST_KILLED_RING";

/// Commits numbers until it is killed; each is printed after its commit.
fn commit_until_killed(path: &str) -> ! {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let (mut producer, mut consumer) = ring_over(&file, 1 << 16);
    for number in 0u64.. {
        while !put_number(&mut producer, number) {
            take(&mut consumer, 40);
        }
        println!("committed {number}");
    }
    unreachable!("numbers do not end");
}

#[test]
fn a_killed_process_leaves_its_commits() {
    if let Ok(path) = std::env::var(KILLED) {
        commit_until_killed(&path);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    for printed in [1, 1700, 5000] {
        let test = "ringbuf::tests::file::a_killed_process_leaves_its_commits";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(KILLED, file.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut last = None;
        for _ in 0..printed {
            last = lines.by_ref().map_while(Result::ok).find_map(number_of);
        }
        child.kill().unwrap();
        let _ = child.wait();
        // What it printed before it died.
        let last = lines.map_while(Result::ok).filter_map(number_of).last().or(last).unwrap();
        let image = RingImage::read(file.as_file());
        let numbers: Vec<u64> = image
            .published(image.head)
            .iter()
            .flat_map(|(_, bytes)| bytes.chunks(40))
            .map(|record| u64::from_le_bytes(*record.first_chunk().unwrap()))
            .collect();
        let (first, newest) = (numbers[0], *numbers.last().unwrap());
        assert!(numbers.iter().copied().eq(first..=newest), "{numbers:?}");
        // It may have been killed between a commit and its print, or in the middle of one.
        assert!(
            newest == last || newest == last + 1,
            "{newest} is in the ring, {last} was reported"
        );
        assert!(image.published(image.head).iter().all(|(_, bytes)| bytes.len() % 40 == 0));
    }
}

fn number_of(line: String) -> Option<u64> {
    line.strip_prefix("committed ")?.parse().ok()
}
