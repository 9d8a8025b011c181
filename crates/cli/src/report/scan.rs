//! Reads logs on one thread and counts their lines on others.
//!
//! Promises: memory is a few chunks of lines for each thread. Chunks are passed to threads in turn, and their counts
//! are joined in order, so that the same log gives the same page on the same machine. A full queue makes the reader
//! wait. An error of one log is kept, and the others are read.
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

use ringseal::sink::file::reader::{Reader, Step};

use super::count::{Counter, Selection};
use super::tally::Tally;
use crate::cat::{beginning_if_too_long, describe_gap};
use crate::console::Failure;
use crate::progress::Progress;

/// The length from which a chunk is passed on.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that wait for a thread.
const QUEUE_CHUNKS: usize = 2;
const THREADS_MAX: usize = 8;

/// Whole lines of one file.
struct Chunk {
    file: Arc<PathBuf>,
    bytes: Vec<u8>,
    lines: Vec<Place>,
}

/// The end of a line in its chunk, its number in the file, and whether it is only the beginning of a line.
#[derive(Clone, Copy)]
struct Place {
    end: usize,
    number: u64,
    is_cut: bool,
}

/// What was read.
pub struct Scanned {
    /// The counts.
    pub tally: Tally,
    /// What could not be read.
    pub errors: Vec<String>,
    /// Bytes read.
    pub bytes: u64,
    /// Files read.
    pub files: u64,
}

/// How many threads count.
fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get).clamp(1, THREADS_MAX)
}

/// Reads all logs to their ends.
///
/// # Errors
/// If a thread cannot be started.
pub fn scan(
    readers: Vec<Reader>,
    selection: &Selection,
    line_bytes_max: usize,
    progress: &mut Progress,
) -> Result<Scanned, Failure> {
    thread::scope(|scope| {
        let started: Result<Vec<_>, _> = (0..threads()).map(|_| start(scope, selection)).collect();
        let (queues, counters): (Vec<_>, Vec<_>) = started?.into_iter().unzip();
        let mut feeder =
            Feeder { queues, next: 0, line_bytes_max, errors: Vec::new(), bytes: 0, files: 0 };
        readers.into_iter().for_each(|reader| feeder.read(reader, progress));
        let Feeder { errors, bytes, files, queues, .. } = feeder;
        drop(queues);
        let mut tally = Tally::new();
        for counter in counters {
            match counter.join() {
                Ok(counted) => tally.merge(counted),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(Scanned { tally, errors, bytes, files })
    })
}

type Started<'scope> = (SyncSender<Chunk>, ScopedJoinHandle<'scope, Tally>);

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    selection: &Selection,
) -> Result<Started<'scope>, Failure> {
    let (sender, receiver) = sync_channel(QUEUE_CHUNKS);
    let counter = Counter::new(selection);
    let thread = thread::Builder::new().name("ringseal-report".into());
    let thread = thread.spawn_scoped(scope, move || count(counter, &receiver));
    Ok((
        sender,
        thread.map_err(|error| Failure::of(format_args!("cannot start a thread: {error}")))?,
    ))
}

fn count(mut counter: Counter, chunks: &Receiver<Chunk>) -> Tally {
    for chunk in chunks {
        let mut start = 0;
        for Place { end, number, is_cut } in chunk.lines {
            let place = || format!("{}:{number}", chunk.file.display());
            counter.add(&chunk.bytes[start..end], is_cut, &place);
            start = end;
        }
    }
    counter.tally
}

struct Feeder {
    queues: Vec<SyncSender<Chunk>>,
    next: usize,
    line_bytes_max: usize,
    errors: Vec<String>,
    bytes: u64,
    files: u64,
}

/// Failed reads in a row after which a log is given up.
const ERRORS_MAX: u32 = 3;

impl Feeder {
    fn read(&mut self, mut reader: Reader, progress: &mut Progress) {
        let mut chunk =
            Chunk { file: Arc::new(reader.path()), bytes: Vec::new(), lines: Vec::new() };
        let mut segments = 0;
        let mut errors_in_row = 0;
        loop {
            let step = reader.next_line();
            match step {
                Ok(Step::Line(line)) => {
                    errors_in_row = 0;
                    progress.add(line.len() + 1);
                    let beginning = beginning_if_too_long(line, self.line_bytes_max);
                    let is_cut = beginning.is_some();
                    let kept = beginning.unwrap_or(line);
                    let kept = if is_cut { &kept[..kept.len().min(CHUNK_BYTES)] } else { kept };
                    let before = chunk.bytes.len();
                    chunk.bytes.extend_from_slice(kept);
                    if reader.counters().segments != segments {
                        segments = reader.counters().segments;
                        let bytes = chunk.bytes.split_off(before);
                        self.pass(&mut chunk);
                        (chunk.bytes, chunk.file) = (bytes, Arc::new(reader.path()));
                    }
                    chunk.lines.push(Place {
                        end: chunk.bytes.len(),
                        number: reader.line_number(),
                        is_cut,
                    });
                    if chunk.bytes.len() >= CHUNK_BYTES {
                        self.pass(&mut chunk);
                    }
                }
                Ok(Step::Gap(gap)) => {
                    self.errors.push(format!("{}: {}", reader.path().display(), describe_gap(gap)));
                }
                Ok(Step::Idle | Step::End) => break,
                Err(error) => {
                    self.errors.push(error.to_string());
                    errors_in_row += 1;
                    if errors_in_row >= ERRORS_MAX {
                        break;
                    }
                }
            }
        }
        self.pass(&mut chunk);
        self.bytes += reader.counters().bytes;
        self.files += reader.counters().segments.max(1);
    }

    fn pass(&mut self, chunk: &mut Chunk) {
        let file = Arc::clone(&chunk.file);
        let empty = Chunk {
            file,
            bytes: Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8),
            lines: Vec::new(),
        };
        let full = std::mem::replace(chunk, empty);
        if full.lines.is_empty() {
            return;
        }
        let turn = self.next % self.queues.len().max(1);
        self.next = turn + 1;
        // A thread that has panicked is found when it is joined.
        let _ = self.queues.get(turn).map(|queue| queue.send(full));
    }
}
