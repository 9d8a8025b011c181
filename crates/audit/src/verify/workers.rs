//! Hashes and parses batches ahead of the pass, on as many threads as allowed.
//!
//! With one thread, the pass does all the work itself, batch after batch. With more, helpers take batches in the order
//! of the log and work on them at the same time; whenever the next batch is not ready, the pass works on one too. The
//! pass receives the batches in order, with the same results for any number of threads.
//!
//! Steps that need the order of the log (reading, the hash of a segment, the chain's signatures) take turns: the state
//! of such a step is handed from batch to batch.
//!
//! Promises: at most [`BATCHES_PER_THREAD`] batches per thread, and the one of the pass, are in memory; the batch that
//! is first in order never waits for another one; if a thread panics, the others end.
use std::collections::BTreeMap;
use std::thread::{Builder, Scope};

use parking_lot::{Condvar, Mutex};

use super::super::entry::Parser;
use super::Stop;
use super::hashing::{HashedBatch, SignatureChecker};
use super::source::BatchReader;
use ringseal_base::digest::pair::Stream;

/// Batches that were begun and that the pass has not taken, for each thread.
const BATCHES_PER_THREAD: usize = 2;

/// The work that all threads share.
pub(super) struct Workers<'a> {
    source: Mutex<Source<'a>>,
    board: Mutex<Board>,
    changed: Condvar,
    threads: usize,
    /// Nothing is compared with the hash of the last segment.
    last_segment: usize,
    is_signed: bool,
}

/// The reader, and the index of the batch that it reads next.
struct Source<'a> {
    reader: BatchReader<'a>,
    index: u64,
    is_end: bool,
}

/// What is done, and what may begin.
struct Board {
    whole: Turn<Stream>,
    signatures: Turn<SignatureChecker>,
    /// Finished batches that the pass has not taken, by index.
    ready: BTreeMap<u64, Result<HashedBatch, Stop>>,
    /// Batches that were begun and not taken.
    in_flight: usize,
    /// Index of the next batch of the pass.
    next: u64,
    /// The number of batches, once it is known.
    count: Option<u64>,
    /// The pass has ended, or a thread has panicked.
    is_over: bool,
    /// Batches for reuse.
    spare: Vec<HashedBatch>,
}

/// The state of a step that takes the batches in order.
struct Turn<T> {
    /// `None` while a batch has it.
    state: Option<T>,
    /// Index of the batch that gets it next.
    next: u64,
}

impl<T> Turn<T> {
    fn new(state: Option<T>) -> Turn<T> {
        Turn { state, next: 0 }
    }
}

impl<'a> Workers<'a> {
    /// Reads batches from `source` and checks signatures with `checker`, if there is one.
    pub fn new(
        reader: BatchReader<'a>,
        checker: Option<SignatureChecker>,
        threads: usize,
    ) -> Workers<'a> {
        let last_segment = reader.segments().len().saturating_sub(1);
        let is_signed = checker.is_some();
        let board = Board {
            whole: Turn::new(Some(Stream::new())),
            signatures: Turn::new(checker),
            ready: BTreeMap::new(),
            in_flight: 0,
            next: 0,
            count: None,
            is_over: false,
            spare: Vec::new(),
        };
        Workers {
            source: Mutex::new(Source { reader, index: 0, is_end: false }),
            board: Mutex::new(board),
            changed: Condvar::new(),
            threads: threads.max(1),
            last_segment,
            is_signed,
        }
    }

    /// Starts the helpers and returns the end for the pass. Fewer helpers than wanted make it slower only.
    pub fn start<'s>(&'s self, scope: &'s Scope<'s, '_>) -> Hasher<'s, 'a> {
        for _ in 1..self.threads {
            let help = || {
                let ends = EndsOthers { workers: self, is_pass: false };
                self.help();
                drop(ends);
            };
            if Builder::new().name("ringseal-verify".into()).spawn_scoped(scope, help).is_err() {
                break;
            }
        }
        Hasher { ends: EndsOthers { workers: self, is_pass: true }, parser: Parser::new() }
    }

    fn help(&self) {
        let mut parser = Parser::new();
        loop {
            let mut board = self.board.lock();
            while board.can_continue() && !board.can_begin(self.threads) {
                self.changed.wait(&mut board);
            }
            if !board.can_continue() {
                return;
            }
            self.work_on_next(board, &mut parser);
        }
    }

    /// Reads a batch and works on it, until it is ready for the pass.
    fn work_on_next(&self, mut board: parking_lot::MutexGuard<'_, Board>, parser: &mut Parser) {
        board.in_flight += 1;
        let spare = board.spare.pop().unwrap_or_default();
        drop(board);
        let Some((index, read)) = self.read(spare) else { return };
        let is_error = read.is_err();
        let done = match read {
            Ok(hashed) => self.finish(index, hashed, parser).map(Ok),
            Err(stop) => Some(Err(stop)),
        };
        let mut board = self.board.lock();
        if is_error {
            board.count = Some(index + 1);
        }
        if let Some(done) = done {
            board.ready.insert(index, done);
        }
        drop(board);
        self.changed.notify_all();
    }

    /// The next batch and its index; `None` after the last.
    fn read(&self, mut hashed: HashedBatch) -> Option<(u64, Result<HashedBatch, Stop>)> {
        let mut source = self.source.lock();
        let index = source.index;
        source.reader.recycle(std::mem::take(&mut hashed.batch));
        let read = if source.is_end { Ok(None) } else { source.reader.next() };
        source.is_end |= !matches!(read, Ok(Some(_)));
        match read.transpose() {
            Some(read) => {
                source.index += 1;
                drop(source);
                let with_lists = |batch| HashedBatch { batch, ..hashed };
                Some((index, read.map(with_lists)))
            }
            None => {
                drop(source);
                let mut board = self.board.lock();
                board.in_flight -= 1;
                board.count = Some(board.count.unwrap_or(index));
                drop(board);
                self.changed.notify_all();
                None
            }
        }
    }

    /// Does everything for a batch; `None` if the pass has ended.
    fn finish(
        &self,
        index: u64,
        mut hashed: HashedBatch,
        parser: &mut Parser,
    ) -> Option<HashedBatch> {
        hashed.begin(self.is_signed);
        let is_last = hashed.batch.segment == self.last_segment;
        if !is_last && !self.is_free(index, |board| &mut board.whole) {
            hashed.parse(parser);
            if !self.is_free(index, |board| &mut board.whole) {
                hashed.hash_rest();
            }
        }
        self.in_turn(
            index,
            |board| &mut board.whole,
            |whole| {
                if !is_last {
                    hashed.hash_beside(whole);
                }
            },
        )?;
        hashed.hash_rest();
        hashed.parse(parser);
        if self.is_signed {
            self.in_turn(
                index,
                |board| &mut board.signatures,
                |checker| {
                    hashed.bad_signature = checker.first_invalid(&hashed);
                },
            )?;
        }
        Some(hashed)
    }

    /// Whether the turn is at this batch.
    fn is_free<T>(&self, index: u64, turn: impl Fn(&mut Board) -> &mut Turn<T>) -> bool {
        let mut board = self.board.lock();
        let turn = turn(&mut board);
        turn.next == index && turn.state.is_some()
    }

    /// Calls `step` with the state of the turn when the batches before have had it; `None` if the pass has ended.
    fn in_turn<T>(
        &self,
        index: u64,
        turn: impl Fn(&mut Board) -> &mut Turn<T>,
        step: impl FnOnce(&mut T),
    ) -> Option<()> {
        let mut board = self.board.lock();
        let mut state = loop {
            if board.is_over {
                return None;
            }
            let turn = turn(&mut board);
            if turn.next == index
                && let Some(state) = turn.state.take()
            {
                break state;
            }
            self.changed.wait(&mut board);
        };
        drop(board);
        step(&mut state);
        let mut board = self.board.lock();
        *turn(&mut board) = Turn { state: Some(state), next: index + 1 };
        drop(board);
        self.changed.notify_all();
        Some(())
    }
}

impl Board {
    /// Whether there may be batches to begin.
    fn can_continue(&self) -> bool {
        !self.is_over && self.count.is_none()
    }

    /// Whether the bound on batches in memory allows another one.
    fn can_begin(&self, threads: usize) -> bool {
        let most = if threads == 1 { 1 } else { threads * BATCHES_PER_THREAD };
        self.can_continue() && self.in_flight < most
    }
}

/// The end of the pass.
pub(super) struct Hasher<'s, 'a> {
    ends: EndsOthers<'s, 'a>,
    parser: Parser,
}

impl Hasher<'_, '_> {
    /// The next batch; `None` after the last, and after an error.
    pub fn next(&mut self) -> Result<Option<HashedBatch>, Stop> {
        let workers = self.ends.workers;
        loop {
            let mut board = workers.board.lock();
            let next = board.next;
            if let Some(answer) = board.ready.remove(&next) {
                (board.next, board.in_flight) = (next + 1, board.in_flight - 1);
                drop(board);
                workers.changed.notify_all();
                return answer.map(Some);
            }
            // The scope propagates the panic of a thread.
            if board.is_over || board.count.is_some_and(|count| next >= count) {
                return Ok(None);
            }
            if board.can_begin(workers.threads) {
                workers.work_on_next(board, &mut self.parser);
            } else {
                workers.changed.wait(&mut board);
            }
        }
    }

    /// Returns a batch for reuse.
    pub fn recycle(&mut self, hashed: HashedBatch) {
        self.ends.workers.board.lock().spare.push(hashed);
    }
}

/// Ends all threads when the pass ends, or when a helper panics.
struct EndsOthers<'s, 'a> {
    workers: &'s Workers<'a>,
    is_pass: bool,
}

impl Drop for EndsOthers<'_, '_> {
    fn drop(&mut self) {
        if self.is_pass || std::thread::panicking() {
            self.workers.board.lock().is_over = true;
            self.workers.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::source::segments;
    use super::super::tests::live_log;
    use super::super::tests::support::DIR;
    use super::*;

    /// Calls `check` with the workers of a log of many batches, without signatures.
    fn with_workers(threads: usize, check: impl FnOnce(&Workers<'_>)) {
        let fixture = live_log();
        let segments = segments(&fixture.disk, Path::new(DIR)).unwrap();
        let reader = BatchReader::new(&fixture.disk, Path::new(DIR), &segments);
        check(&Workers::new(reader.with_batch_bytes(300), None, threads));
    }

    #[test]
    fn the_batches_in_memory_are_bounded() {
        for threads in [1, 2, 5] {
            with_workers(threads, |workers| {
                std::thread::scope(|scope| {
                    let mut hasher = workers.start(scope);
                    let (mut batches, most) = (0, BATCHES_PER_THREAD * threads);
                    while let Some(hashed) = hasher.next().unwrap_or_default() {
                        batches += 1;
                        assert!(workers.board.lock().in_flight <= most);
                        hasher.recycle(hashed);
                    }
                    assert!(batches > 30, "{batches}");
                    assert!(workers.board.lock().spare.len() <= most + 1);
                });
            });
        }
    }

    #[test]
    fn an_early_end_stops_the_helpers() {
        with_workers(4, |workers| {
            std::thread::scope(|scope| {
                let mut hasher = workers.start(scope);
                assert!(hasher.next().is_ok_and(|batch| batch.is_some()));
            });
            assert!(workers.board.lock().is_over);
        });
    }

    #[test]
    fn a_panic_of_a_helper_ends_the_pass() {
        with_workers(1, |workers| {
            std::thread::scope(|scope| {
                let mut hasher = workers.start(scope);
                let panics = || {
                    let _ends = EndsOthers { workers, is_pass: false };
                    std::panic::resume_unwind(Box::new("as a bug would"));
                };
                assert!(scope.spawn(panics).join().is_err());
                assert!(hasher.next().is_ok_and(|batch| batch.is_none()));
            });
        });
    }
}
