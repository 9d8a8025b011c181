//! A sink on a thread of its own.
//!
//! Promises: whatever the inner sink does (crawl, hang, fail, panic), the caller waits for it no
//! longer than [`Bounds`] say: `patience` a write, `answer_wait_max` a flush, sync or reopen,
//! `stop_wait_max` at the end. A sink that is known to hang is refused at once until it stirs.
//! Lines keep their order, and none is lost or repeated as long as the inner sink tells the truth
//! about how many it took; a panic halfway through a call can repeat what that call had taken.
//!
//! Memory: [`BUFFERS`] buffers are taken at the start and go round between the two threads; nothing
//! is allocated after that, except for a line longer than a buffer (its buffer grows and stays so),
//! for errors, and for the answer to a flush, sync or reopen. Buffers are sent on at once while
//! fewer than two are on their way; beyond that, lines gather in one until it is full or a turn
//! comes, so a sink that is slow per call gets fewer and larger batches.
//!
//! When full: a write waits for a buffer up to `patience`. After it waited in vain, writes take
//! what is free without waiting until the thread has caught up. Errors of the inner sink are
//! retried on its thread with growing pauses, the lines kept; [`Sink::turn`] tells them meanwhile,
//! and a write that finds no buffer does.
//!
//! A crash loses what is in the buffers: a line is in place for good only after a flush.
mod worker;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use self::worker::{Call, Farewell, Job, Shared, What, Worker};
use crate::core::{Batch, Lines, Now};
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};

pub use self::worker::is_sink_thread;

/// How many buffers go round.
pub const BUFFERS: usize = 4;
/// Flushes and the like that may wait for the thread besides full buffers.
const CALLS_MAX: usize = 4;
/// So many buffers may be on their way before lines gather in the next.
const SENT_SOON_MAX: usize = 2;
/// Ends of lines are kept as `u32`.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// How long an [`Isolated`] waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// A write, for a buffer to come back.
    pub patience: Duration,
    /// A flush, sync or reopen, for its answer.
    pub answer_wait_max: Duration,
    /// The end, for what is queued to be written.
    pub stop_wait_max: Duration,
    /// The thread, after the first error of a row.
    pub retry_pause_min: Duration,
    /// The thread, after many errors.
    pub retry_pause_max: Duration,
    /// The thread, between two turns of the inner sink.
    pub turn_pause_max: Duration,
}

impl Default for Bounds {
    /// 100 ms, 5 s, 5 s, 10 ms, 1 s, 100 ms.
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(100),
            answer_wait_max: Duration::from_secs(5),
            stop_wait_max: Duration::from_secs(5),
            retry_pause_min: Duration::from_millis(10),
            retry_pause_max: Duration::from_secs(1),
            turn_pause_max: Duration::from_millis(100),
        }
    }
}

/// The thread has let a bound pass.
#[derive(Debug, Clone, Copy)]
struct Stall {
    /// The thread's beats before the wait; it stirs when they differ.
    beats: u64,
    since: Instant,
}

/// A sink on a thread of its own. See the module.
///
/// ```
/// use ringseal::sink::{Batch, Now};
/// use ringseal::internals::sink::isolated::Isolated;
/// use ringseal::sink::Sink;
/// use ringseal::sink::memory::MemorySink;
/// let inner = MemorySink::new();
/// let log = inner.log();
/// let mut sink = Isolated::start(Box::new(inner), 65_536)?;
/// let mut batch = Batch::default();
/// batch.bytes_mut().extend_from_slice(b"{\"event\":\"started\"}\n");
/// batch.end_line();
/// sink.write(batch.lines(), Now { ticks: 0, unix_nanos: 0 }).unwrap();
/// sink.flush().unwrap();
/// assert_eq!(log.lines(), ["{\"event\":\"started\"}"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Isolated {
    name: String,
    bounds: Bounds,
    batch_bytes_max: usize,
    batch_lines_max: usize,
    /// To the thread; gone once it was asked to stop.
    jobs: Option<Sender<Job>>,
    /// Emptied buffers, from the thread.
    empty: Receiver<Batch>,
    /// Lines that are not on their way yet.
    open: Option<Batch>,
    shared: Arc<Shared>,
    farewell: Receiver<Farewell>,
    thread: Option<JoinHandle<()>>,
    stall: Option<Stall>,
    /// A write has waited in vain and the thread has not caught up since.
    is_behind: bool,
    lines_taken: u64,
    now: Option<Now>,
}

impl std::fmt::Debug for Isolated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Isolated")
            .field("name", &self.name)
            .field("stall", &self.stall)
            .field("is_behind", &self.is_behind)
            .finish_non_exhaustive()
    }
}

impl Isolated {
    /// Starts a thread for `sink`. Each buffer holds `batch_bytes_max` and a quarter.
    ///
    /// Fails when the system gives no thread; `sink` is dropped then.
    pub fn start(sink: Box<dyn Sink>, batch_bytes_max: usize) -> io::Result<Isolated> {
        Self::start_with(sink, batch_bytes_max, Bounds::default())
    }

    /// The same with bounds of the caller's choice.
    pub fn start_with(
        sink: Box<dyn Sink>,
        batch_bytes_max: usize,
        bounds: Bounds,
    ) -> io::Result<Isolated> {
        // The writer closes its batch with the line that crosses its bound; the quarter takes that
        // line in.
        let batch_bytes_max = batch_bytes_max.clamp(1, BATCH_BYTES_MAX);
        let batch_bytes_max = batch_bytes_max + batch_bytes_max / 4;
        let batch_lines_max = batch_bytes_max / 32 + 1;
        let (jobs, inbox) = bounded(BUFFERS + 2 * CALLS_MAX);
        let (emptied, empty) = bounded(BUFFERS);
        for _ in 0..BUFFERS {
            let _ = emptied.try_send(Batch::with_capacity(batch_bytes_max, batch_lines_max));
        }
        let (goodbye, farewell) = bounded(1);
        let name = sink.name().to_owned();
        let shared = Arc::new(Shared::new(sink.counters()));
        let worker = Worker::new(sink, Arc::clone(&shared), inbox, emptied, bounds);
        let thread = std::thread::Builder::new()
            .name("ringseal-sink".to_owned())
            .spawn(move || worker.run(&goodbye))?;
        Ok(Isolated {
            name,
            bounds,
            batch_bytes_max,
            batch_lines_max,
            jobs: Some(jobs),
            empty,
            open: None,
            shared,
            farewell,
            thread: Some(thread),
            stall: None,
            is_behind: false,
            lines_taken: 0,
            now: None,
        })
    }

    fn stalled(&self) -> SinkError {
        SinkError::Stalled { target: self.name.clone() }
    }

    /// Whether the thread has not stirred since a bound passed.
    fn is_stalled(&mut self) -> bool {
        self.stall = self.stall.filter(|stall| stall.beats == self.shared.beats());
        self.stall.is_some()
    }

    /// The open buffer, or a free one. `deadline` is shared by all buffers of a write.
    fn take_buffer(&mut self, deadline: &mut Option<Instant>) -> Result<Batch, SinkError> {
        if let Some(batch) = self.open.take() {
            return Ok(batch);
        }
        if let Ok(batch) = self.empty.try_recv() {
            return Ok(batch);
        }
        if let Some(error) = self.shared.failing() {
            return Err(error);
        }
        if self.is_behind {
            return Err(self.stalled());
        }
        self.wait_for_buffer(deadline)
    }

    #[cold]
    fn wait_for_buffer(&mut self, deadline: &mut Option<Instant>) -> Result<Batch, SinkError> {
        // Before the wait: the thread has work, so unless it hangs its beats will differ some time
        // after this.
        let stall = Stall { beats: self.shared.beats(), since: Instant::now() };
        let deadline = *deadline.get_or_insert(stall.since + self.bounds.patience);
        self.empty.recv_deadline(deadline).map_err(|_| {
            self.stall = Some(stall);
            self.is_behind = true;
            self.shared.failing().unwrap_or_else(|| self.stalled())
        })
    }

    /// How many of `lines` go into `batch`; one that is longer than any buffer goes into an empty
    /// one.
    fn count_fitting(&self, batch: &Batch, lines: Lines<'_>) -> usize {
        let bytes = self.batch_bytes_max.saturating_sub(batch.len_bytes());
        let count = self.batch_lines_max.saturating_sub(batch.lines().count());
        let fitting = lines.count_within(bytes).min(count);
        if fitting == 0 && batch.is_empty() { 1 } else { fitting }
    }

    fn buffers_sent(&self) -> usize {
        BUFFERS.saturating_sub(self.empty.len() + usize::from(self.open.is_some()))
    }

    /// Sends the open buffer on, unless enough are on their way for the thread to be busy.
    fn send_soon(&mut self) -> Result<(), SinkError> {
        if self.buffers_sent() < SENT_SOON_MAX { self.send() } else { Ok(()) }
    }

    /// Sends the open buffer on. There is room: see `CALLS_MAX` and `call`.
    fn send(&mut self) -> Result<(), SinkError> {
        let (Some(jobs), Some(now)) = (&self.jobs, self.now) else {
            return Ok(());
        };
        let Some(batch) = self.open.take() else {
            return Ok(());
        };
        match jobs.try_send(Job::Lines(batch, now)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                if let Job::Lines(batch, _) = job {
                    self.open = Some(batch);
                }
                Err(self.stalled())
            }
        }
    }

    fn call(&mut self, what: What) -> Result<(), SinkError> {
        // Requests whose caller has gone still stand in the queue; with this bound they leave room
        // for all buffers.
        let is_full = |jobs: &Sender<Job>| jobs.len() >= BUFFERS + CALLS_MAX;
        if self.is_stalled() || self.jobs.as_ref().is_none_or(is_full) {
            return Err(self.stalled());
        }
        self.send()?;
        // Before the request: see `wait_for_buffer`.
        let stall = Stall { beats: self.shared.beats(), since: Instant::now() };
        let (answer, wait) = bounded(1);
        let call = Job::Call(Call { what, now: self.now, answer });
        if self.jobs.as_ref().is_none_or(|jobs| jobs.try_send(call).is_err()) {
            return Err(self.stalled());
        }
        wait.recv_deadline(stall.since + self.bounds.answer_wait_max).unwrap_or_else(|_| {
            self.stall = Some(stall);
            Err(self.stalled())
        })
    }

    /// Lets the thread finish, within bounds; says what is lost or may be.
    fn stop(&mut self) -> Option<String> {
        let _ = self.send();
        self.jobs.as_ref()?;
        let until = self.stop_at();
        self.shared.set_stop_at(until);
        // The thread finds the queue closed once it has taken everything, and at once when it
        // waits.
        self.jobs = None;
        if let Ok(farewell) = self.farewell.recv_deadline(until) {
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
            return self.loss(&farewell);
        }
        let missing = self.lines_taken.saturating_sub(self.shared.lines_written());
        let name = &self.name;
        Some(format!("{name} hangs and is left behind; up to {missing} lines may be missing"))
    }

    /// A sink that already hung through part of its time gets the rest of it, and a moment.
    fn stop_at(&mut self) -> Instant {
        let now = Instant::now();
        let whole = now + self.bounds.stop_wait_max;
        if !self.is_stalled() {
            return whole;
        }
        let rest = self.stall.map_or(whole, |stall| stall.since + self.bounds.stop_wait_max);
        rest.max(now + self.bounds.patience).min(whole)
    }

    fn loss(&self, farewell: &Farewell) -> Option<String> {
        let error = farewell.error.as_ref()?;
        let missing = self.lines_taken.saturating_sub(self.shared.lines_written());
        Some(format!("{} failed to the end, {missing} lines are missing: {error}", self.name))
    }
}

impl Sink for Isolated {
    fn name(&self) -> &str {
        &self.name
    }

    /// After `Ok` the lines are in buffers, not yet with the inner sink.
    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        self.now = Some(now);
        self.is_behind &= self.buffers_sent() > 0;
        let mut deadline = None;
        let mut lines_written = 0;
        let mut rest = lines;
        while !rest.is_empty() {
            let mut batch = self
                .take_buffer(&mut deadline)
                .map_err(|cause| WriteError { lines_written, cause })?;
            let (head, tail) = rest.split_at(self.count_fitting(&batch, rest));
            append(&mut batch, head);
            self.open = Some(batch);
            lines_written += head.count();
            self.lines_taken += head.count() as u64;
            rest = tail;
            if !rest.is_empty() {
                self.send().map_err(|cause| WriteError { lines_written, cause })?;
            }
        }
        self.send_soon().map_err(|cause| WriteError { lines_written, cause })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.call(What::Flush)
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.call(What::Sync)
    }

    /// Sends gathered lines on and tells how the thread is doing; the inner sink's turns are taken
    /// there.
    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        self.now = Some(now);
        self.shared.offer_now(now);
        self.send_soon()?;
        if self.is_stalled() {
            return Err(self.stalled());
        }
        self.shared.take_trouble().map_or(Ok(()), Err)
    }

    fn reopen(&mut self, now: Now) -> Result<(), SinkError> {
        self.now = Some(now);
        self.call(What::Reopen)
    }

    /// The inner sink's, as of its thread's last job.
    fn counters(&self) -> SinkCounters {
        self.shared.counters()
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        if let Some(said) = self.stop() {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(io::stderr(), "ringseal: {said}");
        }
    }
}

fn append(batch: &mut Batch, lines: Lines<'_>) {
    let mut start = 0;
    for index in 0..lines.count() {
        let end = lines.end(index);
        batch.bytes_mut().extend_from_slice(&lines.bytes()[start..end]);
        batch.end_line();
        start = end;
    }
}
