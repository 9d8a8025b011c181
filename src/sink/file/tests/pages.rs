//! The layout: planned runs against a slow byte-by-byte oracle, and readers that read at random moments.
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::core::Lines;
use crate::sink::Sink;
use crate::sink::file::append::AppendMethod;
use crate::sink::file::pages::{Layout, PAGE_BYTES};
use crate::sink::file::segment::{Appended, WriteMethod};
use ringseal_base::storage::{FileKind, FileStat, StorageFile};

/// A file in memory that takes at most `per_call` bytes a call and is full at `capacity`.
pub(in super::super) struct Memory {
    pub bytes: Vec<u8>,
    pub per_call: usize,
    pub capacity: usize,
}

impl Memory {
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, per_call: usize::MAX, capacity: usize::MAX }
    }
}

impl StorageFile for Memory {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> std::io::Result<usize> {
        let mut space = self.per_call.min(self.capacity.saturating_sub(self.bytes.len()));
        if space == 0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let before = self.bytes.len();
        for slice in slices {
            let taken = space.min(slice.len());
            self.bytes.extend_from_slice(&slice[..taken]);
            space -= taken;
        }
        Ok(self.bytes.len() - before)
    }

    fn position(&self) -> std::io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let from = self.bytes.len().min(offset as usize);
        let count = buffer.len().min(self.bytes.len() - from);
        buffer[..count].copy_from_slice(&self.bytes[from..from + count]);
        Ok(count)
    }

    fn set_len(&mut self, len: u64) -> std::io::Result<()> {
        self.bytes.resize(len as usize, 0);
        Ok(())
    }

    fn stat(&self) -> std::io::Result<FileStat> {
        let len = self.bytes.len() as u64;
        Ok(FileStat {
            id: None,
            kind: FileKind::Regular,
            len,
            links: 1,
            modified_unix_nanos: 0,
            mode: None,
        })
    }

    fn sync(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A batch of lines of these lengths, newline included (the least is 11).
fn batch_with(lengths: &[usize], first_seq: usize) -> Batch {
    let mut batch = Batch::default();
    for (index, &length) in lengths.iter().enumerate() {
        let seq = (first_seq + index).to_string();
        let fill = length.saturating_sub(seq.len() + 20);
        push_line(&mut batch, (first_seq + index) as u64, fill);
    }
    batch
}

/// Appends like the sink until everything is written or it stops.
fn append_all(
    method: &mut AppendMethod,
    file: &mut Memory,
    lines: Lines<'_>,
    len_max: u64,
) -> Appended {
    let mut all = Appended::default();
    let start = file.bytes.len() as u64;
    while all.lines < lines.count() && !all.full && all.error.is_none() {
        let rest = lines.split_at(all.lines).1;
        let done = method.append(file, start + all.bytes, rest, len_max);
        all.add(done.lines, done.bytes as usize, done.padding as usize);
        all.torn_bytes = done.torn_bytes;
        all.full = done.full;
        all.error = done.error;
    }
    all
}

/// What a reader would see if the file ended at `cut`: whole lines, or, if an unexpectedly long line was put on the
/// next page, whole lines and then spaces. A line longer than a page is torn, as documented.
fn check_visible(bytes: &[u8], cut: usize) -> Result<(), String> {
    let whole = memchr::memrchr(b'\n', &bytes[..cut]).map_or(0, |at| at + 1);
    if bytes[whole..cut].iter().all(|&byte| byte == b' ') {
        return Ok(());
    }
    let end = whole + memchr::memchr(b'\n', &bytes[whole..]).unwrap() + 1;
    if bytes[whole..end].trim_ascii_start().len() > PAGE_BYTES {
        return Ok(());
    }
    Err(format!("at {cut} one sees {:?}", String::from_utf8_lossy(&bytes[whole..cut])))
}

fn lengths() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let length = prop_oneof![
        6 => 30_usize..400,
        2 => 30_usize..PAGE_BYTES + 2,
        1 => PAGE_BYTES - 3..PAGE_BYTES + 3,
        1 => PAGE_BYTES..3 * PAGE_BYTES,
    ];
    prop::collection::vec(prop::collection::vec(length, 1..40), 1..6)
}

proptest! {
    #[test]
    fn no_page_boundary_cuts_a_line(batches in lengths(), start in 0_usize..2 * PAGE_BYTES) {
        let mut file = Memory::of(vec![b'-'; start]);
        if start > 0 {
            file.bytes[start - 1] = b'\n';
        }
        let mut method = AppendMethod::new(true);
        let mut seq = 0;
        for lengths in &batches {
            let batch = batch_with(lengths, seq);
            let len = file.bytes.len() as u64;
            let done = append_all(&mut method, &mut file, batch.lines(), u64::MAX);
            prop_assert_eq!(done.lines, lengths.len());
            prop_assert_eq!(done.bytes, file.bytes.len() as u64 - len);
            prop_assert_eq!(done.bytes - done.padding, batch.len_bytes() as u64);
            prop_assert_eq!(file.bytes.last(), Some(&b'\n'), "a batch must end in a newline");
            seq += lengths.len();
        }
        let written = &file.bytes[start..];
        prop_assert_eq!(seqs_in(written), (0..seq as u64).collect::<Vec<_>>());
        let boundary = start.next_multiple_of(PAGE_BYTES);
        for cut in (boundary..file.bytes.len()).step_by(PAGE_BYTES) {
            if let Err(seen) = check_visible(&file.bytes, cut) {
                prop_assert!(false, "{}", seen);
            }
        }
    }

    #[test]
    fn a_short_write_reports_the_exact_whole_lines(
        lengths in prop::collection::vec(30_usize..600, 1..60),
        start in 0_usize..PAGE_BYTES,
        capacity in 0_usize..20_000,
        per_call in 1_usize..5_000,
        page_align: bool,
    ) {
        let mut file = Memory::of(vec![b'\n'; start]);
        file.per_call = per_call;
        file.capacity = start + capacity;
        let batch = batch_with(&lengths, 0);
        let mut method = AppendMethod::new(page_align);
        let done = append_all(&mut method, &mut file, batch.lines(), u64::MAX);
        let end = start + done.bytes as usize;
        prop_assert_eq!(file.bytes.len(), end + done.torn_bytes as usize);
        let in_place: Vec<u64> = (0..done.lines as u64).collect();
        prop_assert_eq!(seqs_in(&file.bytes[start..end]), in_place);
        prop_assert!(!file.bytes[end..].contains(&b'\n'), "a whole line was called torn");
        prop_assert_eq!(done.error.is_none(), done.lines == lengths.len());
    }

    #[test]
    fn the_limit_is_kept_with_all_its_padding(
        lengths in prop::collection::vec(30_usize..5_000, 1..60),
        start in 0_usize..PAGE_BYTES,
        limit in 1_usize..40_000,
    ) {
        let mut file = Memory::of(vec![b'\n'; start]);
        let batch = batch_with(&lengths, 0);
        let mut method = AppendMethod::new(true);
        let done = append_all(&mut method, &mut file, batch.lines(), limit as u64);
        let alone = start == 0 && done.lines == 1;
        prop_assert!(file.bytes.len() <= limit.max(start) || alone);
        prop_assert_eq!(done.full, done.lines < lengths.len());
    }
}

#[test]
fn single_lines_waste_little_space() {
    let mut file = Memory::of(Vec::new());
    let mut method = AppendMethod::new(true);
    let mut padding = 0;
    for seq in 0..5_000 {
        let batch = batch_with(&[150 + (seq * 37) % 100], seq);
        let len = file.bytes.len() as u64;
        padding += method.append(&mut file, len, batch.lines(), u64::MAX).padding;
    }
    let share = padding as f64 / file.bytes.len() as f64;
    assert!(share < 0.04, "{share} of the file is padding");
    // Every boundary follows a newline: with lines of similar length, none was unexpected.
    let surprises =
        file.bytes.chunks_exact(PAGE_BYTES).filter(|page| page.last() != Some(&b'\n')).count();
    assert!(surprises <= 1, "{surprises}");
}

#[test]
fn a_line_that_fits_is_never_moved() {
    let layout = Layout { page_align: true, len_max: u64::MAX, ahead: 0 };
    let batch = batch_with(&[96, 2_000, 2_000], 0);
    let run = layout.next_run(batch.lines(), 0).unwrap();
    assert_eq!((run.count, run.front, run.back), (3, 0, 0));
}

/// Reads a growing file until stopped: returns the number of reads, and the number in which the file did not end in a
/// newline.
fn observe_until(path: &Path, stop: &AtomicBool) -> (u64, u64) {
    use std::io::{Read, Seek, SeekFrom};
    let (mut reads, mut torn) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let mut file = fs::File::open(path).unwrap();
        let len = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(len.saturating_sub(64 * 1024))).unwrap();
        let mut seen = Vec::new();
        file.read_to_end(&mut seen).unwrap();
        reads += 1;
        if seen.is_empty() {
            continue;
        }
        assert!(!seen.contains(&0), "NULs after {reads} reads");
        torn += u64::from(seen.last() != Some(&b'\n'));
    }
    (reads, torn)
}

fn observe_while_writing(dir: &Path, page_align: bool, batches: u64) -> (u64, u64) {
    let config = config_in(dir).page_align(page_align).rotate_bytes_max(0);
    let mut sink = open(config);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| observe_until(&dir.join("app.log"), &stop));
        let mut seq = 0;
        for _ in 0..batches {
            let batch = batch_of(seq, 5_000, 190);
            sink.write(batch.lines(), system_now()).unwrap();
            seq += 5_000;
        }
        stop.store(true, Ordering::Relaxed);
        let reads = looking.join().unwrap();
        assert_eq!(seqs_of(&dir.join("app.log")).len() as u64, seq);
        reads
    })
}

fn temporary_directories() -> Vec<tempfile::TempDir> {
    let memory = tempfile::tempdir_in("/dev/shm").ok();
    std::iter::once(tempfile::tempdir().unwrap()).chain(memory).collect()
}

#[test]
fn a_reader_always_sees_whole_lines() {
    for dir in temporary_directories() {
        let (reads, torn) = observe_while_writing(dir.path(), true, 15);
        assert_eq!(torn, 0, "of {reads} reads, in {}", dir.path().display());
    }
}

/// The reason for the padding: without it, the same reader sees torn lines. The share depends on the machine, so this
/// is a measurement to run by hand: `cargo test --release --lib -- --ignored --nocapture torn_lines_seen`.
#[test]
#[ignore = "a measurement, not a promise"]
fn torn_lines_seen_without_page_align() {
    for dir in temporary_directories() {
        for page_align in [false, true] {
            let (reads, torn) = observe_while_writing(dir.path(), page_align, 400);
            fs::remove_file(dir.path().join("app.log")).unwrap();
            println!("{}: page_align {page_align}: {torn} of {reads}", dir.path().display());
        }
    }
}
