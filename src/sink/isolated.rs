//! A sink on a separate thread.
//!
//! Promises: however slowly the inner sink works, and whether it hangs, fails or panics, the caller waits for it no
//! longer than [`SinkTimeouts`] allow: `buffer_wait_max` for a write, `answer_wait_max` for a flush, sync or reopen,
//! `stop_wait_max` at the end. Calls to a sink that is known to hang are refused at once until it makes progress. Lines
//! keep their order, and none is lost or repeated as long as the inner sink reports correctly how many it accepted; a
//! panic during a call can repeat what that call had accepted.
//!
//! Memory: [`BUFFERS`] buffers are allocated at the start and circulate between the two threads. After that, only a
//! line longer than a buffer (its buffer stays larger), an error, and the answer to a flush, sync or reopen allocate.
//! Buffers are sent at once while fewer than two are in flight; beyond that, lines collect in one buffer until it is
//! full or a turn comes, so that a sink with a high cost per call gets fewer and larger batches.
//!
//! When full: a write waits for a buffer up to `buffer_wait_max`. After such a wait has timed out, writes use free
//! buffers without waiting until the thread has caught up. The thread keeps the lines of a failed write and retries
//! with growing pauses; meanwhile [`Sink::turn`] returns the error, and so does a write that finds no buffer.
//!
//! A crash loses what is in the buffers: a line is permanently in place only after a flush.
mod worker;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use self::worker::{Call, FinalReport, Job, Request, Shared, Worker};
use crate::core::{Batch, Lines};
use crate::sink::commit::Commit;
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::Now;

pub use self::worker::is_sink_thread;

/// Number of buffers that circulate.
pub const BUFFERS: usize = 4;
/// Flushes, syncs and reopens that may be queued in addition to full buffers.
const CALLS_MAX: usize = 4;
/// If this many buffers are in flight, lines collect in the next one.
const SENT_SOON_MAX: usize = 2;
/// Ends of lines are kept as `u32`.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// How long an [`IsolatedSink`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkTimeouts {
    /// A write, for a free buffer.
    pub buffer_wait_max: Duration,
    /// A flush, sync or reopen, for its answer.
    pub answer_wait_max: Duration,
    /// A drop, for queued lines to be written.
    pub stop_wait_max: Duration,
    /// The thread, after the first error of a series.
    pub retry_pause_min: Duration,
    /// The thread, after many errors; the longest pause.
    pub retry_pause_max: Duration,
    /// The thread, between two turns of the inner sink.
    pub turn_pause_max: Duration,
}

impl Default for SinkTimeouts {
    /// 100 ms, 5 s, 5 s, 10 ms, 1 s, 100 ms.
    fn default() -> Self {
        Self {
            buffer_wait_max: Duration::from_millis(100),
            answer_wait_max: Duration::from_secs(5),
            stop_wait_max: Duration::from_secs(5),
            retry_pause_min: Duration::from_millis(10),
            retry_pause_max: Duration::from_secs(1),
            turn_pause_max: Duration::from_millis(100),
        }
    }
}

/// The thread has exceeded a timeout.
#[derive(Debug, Clone, Copy)]
struct Stall {
    /// The thread's heartbeats before the wait; a different count means progress.
    heartbeats: u64,
    since: Instant,
}

/// A sink on a separate thread. See the module.
///
/// ```
/// use ringseal::sink::{Batch, Now};
/// use ringseal::internals::sink::isolated::IsolatedSink;
/// use ringseal::sink::Sink;
/// use ringseal::sink::memory::MemorySink;
/// let inner = MemorySink::new();
/// let log = inner.log();
/// let mut sink = IsolatedSink::start(Box::new(inner), 65_536)?;
/// let mut batch = Batch::default();
/// batch.bytes_mut().extend_from_slice(b"{\"event\":\"started\"}\n");
/// batch.end_line();
/// sink.write(batch.lines(), Now { ticks: 0, unix_nanos: 0 }).unwrap();
/// sink.flush().unwrap();
/// assert_eq!(log.lines(), ["{\"event\":\"started\"}"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct IsolatedSink {
    name: String,
    log_id: Option<[u8; 16]>,
    timeouts: SinkTimeouts,
    batch_bytes_max: usize,
    batch_lines_max: usize,
    /// The queue to the thread; `None` after the thread was asked to stop.
    jobs: Option<Sender<Job>>,
    /// Emptied buffers, from the thread.
    empty: Receiver<Batch>,
    /// Lines that have not been sent yet.
    open: Option<Batch>,
    shared: Arc<Shared>,
    final_report: Receiver<FinalReport>,
    thread: Option<JoinHandle<()>>,
    stall: Option<Stall>,
    /// A write has timed out and the thread has not caught up since.
    is_lagging: bool,
    lines_taken: u64,
    now: Option<Now>,
    /// Receives the loss at the end.
    report: Report,
}

/// Receives a message about lines that are missing when a sink has been dropped. It may quote an address with a
/// password: the receiver redacts it.
pub type Report = Box<dyn Fn(&str) + Send + Sync>;

impl std::fmt::Debug for IsolatedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IsolatedSink")
            .field("name", &self.name)
            .field("stall", &self.stall)
            .field("is_lagging", &self.is_lagging)
            .finish_non_exhaustive()
    }
}

impl IsolatedSink {
    /// Starts a thread for `sink`. Each buffer holds `batch_bytes_max` and a quarter.
    ///
    /// Fails if the system cannot start a thread; `sink` is dropped then.
    pub fn start(sink: Box<dyn Sink>, batch_bytes_max: usize) -> io::Result<IsolatedSink> {
        Self::start_with(sink, batch_bytes_max, SinkTimeouts::default())
    }

    /// The same with other timeouts.
    pub fn start_with(
        sink: Box<dyn Sink>,
        batch_bytes_max: usize,
        timeouts: SinkTimeouts,
    ) -> io::Result<IsolatedSink> {
        // The writer closes its batch with the line that crosses its bound; the quarter takes that line.
        let batch_bytes_max = batch_bytes_max.clamp(1, BATCH_BYTES_MAX);
        let batch_bytes_max = batch_bytes_max + batch_bytes_max / 4;
        let batch_lines_max = batch_bytes_max / 32 + 1;
        let (jobs, inbox) = bounded(BUFFERS + 2 * CALLS_MAX);
        let (emptied, empty) = bounded(BUFFERS);
        for _ in 0..BUFFERS {
            let _ = emptied.try_send(Batch::with_capacity(batch_bytes_max, batch_lines_max));
        }
        let (last_words, final_report) = bounded(1);
        let name = sink.name().to_owned();
        let log_id = sink.log_id();
        let shared = Arc::new(Shared::new(sink.counters()));
        let worker = Worker::new(sink, Arc::clone(&shared), inbox, emptied, timeouts);
        let thread = std::thread::Builder::new()
            .name("ringseal-sink".to_owned())
            .spawn(move || worker.run(&last_words))?;
        Ok(IsolatedSink {
            name,
            log_id,
            timeouts,
            batch_bytes_max,
            batch_lines_max,
            jobs: Some(jobs),
            empty,
            open: None,
            shared,
            final_report,
            thread: Some(thread),
            stall: None,
            is_lagging: false,
            lines_taken: 0,
            now: None,
            report: Box::new(|_| ()),
        })
    }

    /// Reports to `report` which lines are missing when the sink is dropped. Without it, only the counters show them.
    #[must_use]
    pub fn reporting_to(mut self, report: Report) -> Self {
        self.report = report;
        self
    }

    fn stalled(&self) -> SinkError {
        SinkError::Stalled { target: self.name.clone() }
    }

    /// Whether the thread has made no progress since a timeout.
    fn is_stalled(&mut self) -> bool {
        self.stall = self.stall.filter(|stall| stall.heartbeats == self.shared.heartbeats());
        self.stall.is_some()
    }

    /// Returns the open buffer, or a free one. All buffers of a write share `deadline`.
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
        if self.is_lagging {
            return Err(self.stalled());
        }
        self.wait_for_buffer(deadline)
    }

    #[cold]
    fn wait_for_buffer(&mut self, deadline: &mut Option<Instant>) -> Result<Batch, SinkError> {
        // Read before the wait: the thread has work, so its heartbeats will differ at some time after this unless it
        // hangs.
        let stall = Stall { heartbeats: self.shared.heartbeats(), since: Instant::now() };
        let deadline = *deadline.get_or_insert(stall.since + self.timeouts.buffer_wait_max);
        self.empty.recv_deadline(deadline).map_err(|_| {
            self.stall = Some(stall);
            self.is_lagging = true;
            self.shared.failing().unwrap_or_else(|| self.stalled())
        })
    }

    /// How many of `lines` fit into `batch`; a line longer than any buffer goes into an empty one.
    fn count_fitting(&self, batch: &Batch, lines: Lines<'_>) -> usize {
        let bytes = self.batch_bytes_max.saturating_sub(batch.len_bytes());
        let count = self.batch_lines_max.saturating_sub(batch.lines().count());
        let fitting = lines.count_within(bytes).min(count);
        if fitting == 0 && batch.is_empty() { 1 } else { fitting }
    }

    fn buffers_sent(&self) -> usize {
        BUFFERS.saturating_sub(self.empty.len() + usize::from(self.open.is_some()))
    }

    /// Sends the open buffer, unless enough are in flight to keep the thread busy.
    fn send_soon(&mut self) -> Result<(), SinkError> {
        if self.buffers_sent() < SENT_SOON_MAX { self.send() } else { Ok(()) }
    }

    /// Sends the open buffer. The queue has a free slot: see `CALLS_MAX` and `call`.
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

    fn call(&mut self, request: Request) -> Result<(), SinkError> {
        // Requests whose caller has timed out are still queued; this bound leaves slots for all buffers.
        let is_full = |jobs: &Sender<Job>| jobs.len() >= BUFFERS + CALLS_MAX;
        if self.is_stalled() || self.jobs.as_ref().is_none_or(is_full) {
            return Err(self.stalled());
        }
        self.send()?;
        // Before the request: see `wait_for_buffer`.
        let stall = Stall { heartbeats: self.shared.heartbeats(), since: Instant::now() };
        let (answer, wait) = bounded(1);
        let call = Job::Call(Call { request, now: self.now, answer });
        if self.jobs.as_ref().is_none_or(|jobs| jobs.try_send(call).is_err()) {
            return Err(self.stalled());
        }
        wait.recv_deadline(stall.since + self.timeouts.answer_wait_max).unwrap_or_else(|_| {
            self.stall = Some(stall);
            Err(self.stalled())
        })
    }

    /// Lets the thread finish within its timeout; returns what is, or may be, lost.
    fn stop(&mut self) -> Option<String> {
        let _ = self.send();
        self.jobs.as_ref()?;
        let until = self.stop_deadline();
        self.shared.set_stop_at(until);
        // The thread sees the closed queue once it has processed everything, and at once if it is waiting.
        self.jobs = None;
        if let Ok(final_report) = self.final_report.recv_deadline(until) {
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
            return self.loss(&final_report);
        }
        let missing = self.lines_taken.saturating_sub(self.shared.lines_written());
        let name = &self.name;
        let lines = if missing == 1 { "line" } else { "lines" };
        Some(format!("{name} hangs and is abandoned; up to {missing} {lines} may be missing"))
    }

    /// A sink that has already been hanging for part of its timeout gets the remaining time, but at least one buffer
    /// wait.
    fn stop_deadline(&mut self) -> Instant {
        let now = Instant::now();
        let whole = now + self.timeouts.stop_wait_max;
        if !self.is_stalled() {
            return whole;
        }
        let rest = self.stall.map_or(whole, |stall| stall.since + self.timeouts.stop_wait_max);
        rest.max(now + self.timeouts.buffer_wait_max).min(whole)
    }

    fn loss(&self, final_report: &FinalReport) -> Option<String> {
        let error = final_report.error.as_ref()?;
        let missing = self.lines_taken.saturating_sub(self.shared.lines_written());
        let (name, lines) = (&self.name, if missing == 1 { "line is" } else { "lines are" });
        Some(format!("{name} failed until the end; {missing} {lines} missing: {error}"))
    }
}

impl Sink for IsolatedSink {
    fn name(&self) -> &str {
        &self.name
    }

    /// After `Ok` the lines are in buffers, not yet in the inner sink.
    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        self.now = Some(now);
        self.is_lagging &= self.buffers_sent() > 0;
        let mut deadline = None;
        let mut lines_written = 0;
        let mut rest = lines;
        while !rest.is_empty() {
            let mut batch = self
                .take_buffer(&mut deadline)
                .map_err(|cause| WriteError { lines_written, cause })?;
            let (head, tail) = rest.split_at(self.count_fitting(&batch, rest));
            batch.append(head);
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
        self.call(Request::Flush)
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.call(Request::Sync)
    }

    /// Sends collected lines and reports the thread's error, if any; the thread takes the inner sink's turns.
    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        self.now = Some(now);
        self.shared.offer_now(now);
        self.send_soon()?;
        if self.is_stalled() {
            return Err(self.stalled());
        }
        self.shared.take_error().map_or(Ok(()), Err)
    }

    fn warning(&mut self) -> Option<SinkError> {
        self.shared.take_warning()
    }

    fn reopen(&mut self, now: Now) -> Result<(), SinkError> {
        self.now = Some(now);
        self.call(Request::Reopen)
    }

    /// The thread attaches it to the inner sink or, if that is a stream, publishes around its calls.
    fn attach(&mut self, commit: Box<dyn Commit>) {
        if let Some(jobs) = &self.jobs {
            // A queue that is full belongs to a sink that hangs: the record then stays at its last state.
            let _ = jobs.try_send(Job::Attach(commit));
        }
    }

    fn log_id(&self) -> Option<[u8; 16]> {
        self.log_id
    }

    fn lines_done(&self) -> Option<u64> {
        Some(self.shared.lines_written())
    }

    /// The inner sink's counters, as of its thread's last job.
    fn counters(&self) -> SinkCounters {
        self.shared.counters()
    }
}

impl Drop for IsolatedSink {
    fn drop(&mut self) {
        if let Some(message) = self.stop() {
            (self.report)(&message);
        }
    }
}
