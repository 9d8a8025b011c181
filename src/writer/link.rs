//! The state that the writer shares with producers and with the engine.
//!
//! Promises: a log call touches only atomics here. The channels are for the control plane.
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use parking_lot::Mutex;

use super::control::{Control, FlushError};
use super::stderr::Stderr;
use crate::core::lane_contexts::ContextBudget;
use crate::metrics::{LaneCounters, RedactionMetrics, SinkMetrics, WriterCounters};
use crate::recover::lane_file::LaneFile;
use crate::ringbuf::Consumer;
use crate::sync::CachePadded;
#[cfg(target_os = "linux")]
use ringseal_base::storage::mmap::ForkMark;

/// The reading half of a new lane, for the writer.
#[derive(Debug)]
pub struct NewLane {
    /// The ring's reading half.
    pub consumer: Consumer,
    /// The counters of its producer.
    pub counters: Arc<LaneCounters>,
    /// Its file, if its ring outlives the process.
    pub file: Option<Box<LaneFile>>,
}

/// The time as the writer last published it.
#[derive(Debug, Default)]
pub struct CoarseTime(CachePadded<AtomicU64>);

impl CoarseTime {
    /// Ticks, or 0 while the writer sleeps.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        // ORDER: relaxed; the value is independent of other data.
        self.0.0.load(Ordering::Relaxed)
    }

    /// Publishes the time; 0 means that it is no longer updated.
    pub fn publish(&self, ticks: u64) {
        // ORDER: relaxed; pairs with `get`, nothing else is published.
        self.0.0.store(ticks, Ordering::Relaxed);
    }
}

thread_local! {
    /// The address of the link whose writer runs on this thread. Without a destructor, because it is also read while
    /// the process exits, after the thread's other locals.
    static WRITER_OF: Cell<usize> = const { Cell::new(0) };
}

/// The shared side of a writer.
#[derive(Debug)]
pub struct Link {
    control: Sender<Control>,
    lanes: Sender<NewLane>,
    /// Whether a channel contains a message.
    called: AtomicBool,
    asleep: AtomicBool,
    closed: AtomicBool,
    /// The process in which the writer runs, and a mark that detects a fork without a system call.
    process: u32,
    #[cfg(target_os = "linux")]
    mark: Option<ForkMark>,
    /// Events that were lost because no lane could be created.
    pub unplaced: Arc<LaneCounters>,
    thread: Mutex<Option<Thread>>,
    /// The time as of the writer's last turn.
    pub coarse: CoarseTime,
    /// Room for contexts in the lanes.
    pub contexts: ContextBudget,
    /// The writer's counters.
    pub counters: WriterCounters,
    /// Nanoseconds per tick of the producers' clock, as the bits of a double; 0 before it is measured.
    nanos_per_tick: AtomicU64,
    /// Events lost in all lanes, so that one load shows the writer whether there is anything to report.
    losses: AtomicU64,
    /// The sinks' health and counts. The writer updates them on request and from time to time.
    pub sinks: Mutex<Vec<SinkMetrics>>,
    /// The counts of the redaction, updated at the same times.
    pub redaction: Mutex<RedactionMetrics>,
    /// For reports that the engine cannot write to its log.
    pub(crate) stderr: Arc<Stderr>,
}

/// The writer's ends of the channels.
#[derive(Debug)]
pub struct Inbox {
    /// Requests.
    pub control: Receiver<Control>,
    /// New lanes.
    pub lanes: Receiver<NewLane>,
}

impl Link {
    /// A link and the writer's ends of it.
    pub fn new() -> (Arc<Link>, Inbox) {
        let (control, control_inbox) = bounded(1024);
        let (lanes, lanes_inbox) = unbounded();
        let link = Link {
            control,
            lanes,
            called: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            process: std::process::id(),
            // Without a mark the process id is compared.
            #[cfg(target_os = "linux")]
            mark: ForkMark::new().ok(),
            unplaced: Arc::default(),
            thread: Mutex::new(None),
            coarse: CoarseTime::default(),
            contexts: ContextBudget::new(),
            counters: WriterCounters::default(),
            nanos_per_tick: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            sinks: Mutex::new(Vec::new()),
            redaction: Mutex::default(),
            stderr: Arc::default(),
        };
        (Arc::new(link), Inbox { control: control_inbox, lanes: lanes_inbox })
    }

    /// Makes the caller the writer's thread, so that it can be woken.
    pub fn set_thread(&self, thread: Thread) {
        *self.thread.lock() = Some(thread);
        WRITER_OF.set(self.address());
    }

    /// Whether the caller is the writer thread, which cannot answer its own requests.
    pub fn is_writer_thread(&self) -> bool {
        WRITER_OF.get() == self.address()
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Sends a request and wakes the writer.
    pub fn call(&self, request: Control) -> Result<(), FlushError> {
        if self.is_forked() {
            return Err(FlushError::Forked);
        }
        self.control.try_send(request).map_err(|error| match error {
            // A thousand requests are unanswered.
            TrySendError::Full(_) => FlushError::Timeout,
            TrySendError::Disconnected(_) => FlushError::Stopped,
        })?;
        self.notify();
        Ok(())
    }

    /// Whether this process was forked from the one in which the writer runs. It has a copy of the rings that no thread
    /// reads.
    #[inline]
    pub fn is_forked(&self) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(mark) = &self.mark {
            return !mark.is_same_process();
        }
        std::process::id() != self.process
    }

    /// Whether the rings will never be read again, because the writer has ended or this is a forked child. May make a
    /// system call; not for hot paths.
    pub fn is_closed(&self) -> bool {
        // ORDER: relaxed; a stale value only makes a producer wait a moment longer, within its bound.
        self.closed.load(Ordering::Relaxed) || self.is_forked()
    }

    /// Marks that the writer has ended.
    pub(super) fn close(&self) {
        // ORDER: relaxed; see `is_closed`.
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Sends a lane to the writer. Fails if the writer has ended.
    pub fn add_lane(&self, lane: NewLane) -> Result<(), NewLane> {
        self.lanes.send(lane).map_err(|error| error.0)?;
        // ORDER: release pairs with the acquire swap in `take_call`. No wake-up: the first events of a lane can wait as
        // long as all others.
        self.called.store(true, Ordering::Release);
        Ok(())
    }

    fn notify(&self) {
        // ORDER: release pairs with the acquire swap in `take_call`: the request is in the channel.
        self.called.store(true, Ordering::Release);
        self.unpark();
    }

    fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock() {
            thread.unpark();
        }
    }

    /// Wakes the writer if it sleeps, for a producer that waits for space.
    pub fn wake_if_asleep(&self) {
        // ORDER: relaxed; the waiting producer repeats a missed wake-up.
        if self.asleep.load(Ordering::Relaxed) {
            self.asleep.store(false, Ordering::Relaxed);
            self.unpark();
        }
    }

    /// Sets the length of a tick.
    pub fn set_nanos_per_tick(&self, nanos: f64) {
        // ORDER: relaxed; the value is independent of other data.
        self.nanos_per_tick.store(nanos.to_bits(), Ordering::Relaxed);
    }

    /// Nanoseconds per tick; 0 before the first measurement.
    #[inline]
    pub fn nanos_per_tick(&self) -> f64 {
        // ORDER: relaxed; see `set_nanos_per_tick`.
        f64::from_bits(self.nanos_per_tick.load(Ordering::Relaxed))
    }

    /// Notes that a lane has counted a loss.
    pub fn note_loss(&self) {
        // ORDER: release pairs with the acquire load in `losses`: the lane's own counts can be seen.
        self.losses.fetch_add(1, Ordering::Release);
    }

    /// How many losses have been noted.
    #[inline]
    pub fn losses(&self) -> u64 {
        // ORDER: acquire pairs with the release in `note_loss`.
        self.losses.load(Ordering::Acquire)
    }

    /// Whether a request or a lane has arrived since the last call.
    #[inline]
    pub fn take_call(&self) -> bool {
        // ORDER: relaxed load first, so that a turn without a call costs no locked instruction; acquire on the swap
        // pairs with the release stores in `notify` and `add_lane`.
        self.called.load(Ordering::Relaxed) && self.called.swap(false, Ordering::Acquire)
    }

    /// Whether a request or a lane is waiting.
    pub fn is_called(&self) -> bool {
        // ORDER: acquire pairs with the release store in `notify`.
        self.called.load(Ordering::Acquire)
    }

    /// Whether the writer may keep sleeping, because no producer has woken it.
    pub fn may_sleep(&self) -> bool {
        // ORDER: relaxed; see `wake_if_asleep`.
        self.asleep.load(Ordering::Relaxed)
    }

    /// Sets whether the writer sleeps.
    pub fn set_asleep(&self, asleep: bool) {
        // ORDER: relaxed; see `wake_if_asleep`.
        self.asleep.store(asleep, Ordering::Relaxed);
    }
}
