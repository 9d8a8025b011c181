//! What the writer shares with producers and with whoever controls it.
//!
//! Promises: everything that a log call touches here is an atomic. The channel belongs to the control plane.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use parking_lot::Mutex;

use super::control::{Control, FlushError};
use super::stderr::Stderr;
use crate::metrics::{LaneCounters, RedactionMetrics, SinkMetrics, WriterCounters};
use crate::ringbuf::Consumer;
#[cfg(target_os = "linux")]
use crate::storage::mmap::ForkMark;
use crate::sync::CachePadded;

/// A new lane's reading half, on its way to the writer.
#[derive(Debug)]
pub struct NewLane {
    /// The ring's reading half.
    pub consumer: Consumer,
    /// What its producer counts.
    pub counters: Arc<LaneCounters>,
}

/// The time as the writer last published it.
#[derive(Debug, Default)]
pub struct CoarseTime(CachePadded<AtomicU64>);

impl CoarseTime {
    /// Ticks, or 0 while the writer sleeps.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        // ORDER: relaxed; a number that stands for itself.
        self.0.0.load(Ordering::Relaxed)
    }

    /// Publishes the time; 0 says that it stands still from now on.
    pub fn publish(&self, ticks: u64) {
        // ORDER: relaxed; pairs with `get`, nothing else is published.
        self.0.0.store(ticks, Ordering::Relaxed);
    }
}

/// The shared side of a writer.
#[derive(Debug)]
pub struct Link {
    control: Sender<Control>,
    lanes: Sender<NewLane>,
    /// Something is waiting in one of the channels.
    called: AtomicBool,
    asleep: AtomicBool,
    closed: AtomicBool,
    /// The process in which the writer runs, and a mark that tells it without asking the kernel.
    process: u32,
    #[cfg(target_os = "linux")]
    mark: Option<ForkMark>,
    /// Events lost where no lane could be had at all.
    pub unplaced: Arc<LaneCounters>,
    thread: Mutex<Option<Thread>>,
    /// The time as of the writer's last turn.
    pub coarse: CoarseTime,
    /// What the writer counts.
    pub counters: WriterCounters,
    /// How long a tick of the producers' clock is, as the bits of a double; 0 before it has been measured.
    nanos_per_tick: AtomicU64,
    /// Events lost in all lanes: one look tells the writer whether there is anything to report.
    losses: AtomicU64,
    /// The sinks' health and counts, renewed by the writer when somebody asks or now and then.
    pub sinks: Mutex<Vec<SinkMetrics>>,
    /// What redaction has found, renewed likewise.
    pub redaction: Mutex<RedactionMetrics>,
    /// Where this engine reports what it cannot log.
    pub(crate) stderr: Arc<Stderr>,
}

/// The writer's ends of the channels.
#[derive(Debug)]
pub struct Inbox {
    /// What the writer is asked to do.
    pub control: Receiver<Control>,
    /// Lanes it does not know yet.
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
            // Systems without it ask the kernel.
            #[cfg(target_os = "linux")]
            mark: ForkMark::new().ok(),
            unplaced: Arc::default(),
            thread: Mutex::new(None),
            coarse: CoarseTime::default(),
            counters: WriterCounters::default(),
            nanos_per_tick: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            sinks: Mutex::new(Vec::new()),
            redaction: Mutex::default(),
            stderr: Arc::default(),
        };
        (Arc::new(link), Inbox { control: control_inbox, lanes: lanes_inbox })
    }

    /// Says which thread is the writer, so that it can be woken.
    pub fn set_thread(&self, thread: Thread) {
        *self.thread.lock() = Some(thread);
    }

    /// Whether the caller is the writer itself, which cannot answer its own requests.
    pub fn is_writer_thread(&self) -> bool {
        let thread = self.thread.lock();
        thread.as_ref().is_some_and(|thread| thread.id() == std::thread::current().id())
    }

    /// Sends a request and wakes the writer.
    pub fn call(&self, request: Control) -> Result<(), FlushError> {
        if self.is_forked() {
            return Err(FlushError::Forked);
        }
        self.control.try_send(request).map_err(|error| match error {
            // It has not got round to the last thousand.
            TrySendError::Full(_) => FlushError::Timeout,
            TrySendError::Disconnected(_) => FlushError::Stopped,
        })?;
        self.announce();
        Ok(())
    }

    /// Whether this is a child of the process in which the writer runs. A child has a copy of the rings and nobody
    /// who reads them.
    #[inline]
    pub fn is_forked(&self) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(mark) = &self.mark {
            return !mark.is_same_process();
        }
        std::process::id() != self.process
    }

    /// Whether nobody will ever look into the rings again: the writer has ended, or this is a forked child. May ask
    /// the kernel; not for hot paths.
    pub fn is_closed(&self) -> bool {
        // ORDER: relaxed; whoever reads too early waits a moment longer, within its bound.
        self.closed.load(Ordering::Relaxed) || self.is_forked()
    }

    /// Says that the writer has ended.
    pub(super) fn close(&self) {
        // ORDER: relaxed; see `is_closed`.
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Hands a lane to the writer. Fails when the writer is gone.
    pub fn add_lane(&self, lane: NewLane) -> Result<(), NewLane> {
        self.lanes.send(lane).map_err(|error| error.0)?;
        // ORDER: release pairs with the acquire swap in `take_call`. No wake: a new lane's first events can wait as
        // long as any other's.
        self.called.store(true, Ordering::Release);
        Ok(())
    }

    fn announce(&self) {
        // ORDER: release pairs with the acquire swap in `take_call`: the request is in the channel.
        self.called.store(true, Ordering::Release);
        self.unpark();
    }

    fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock() {
            thread.unpark();
        }
    }

    /// Wakes the writer if it sleeps: for a producer that has no room left and waits for it.
    pub fn wake_if_asleep(&self) {
        // ORDER: relaxed; a wake that is missed is repeated by the waiting producer.
        if self.asleep.load(Ordering::Relaxed) {
            self.asleep.store(false, Ordering::Relaxed);
            self.unpark();
        }
    }

    /// Says how long a tick is.
    pub fn set_nanos_per_tick(&self, nanos: f64) {
        // ORDER: relaxed; a number that stands for itself.
        self.nanos_per_tick.store(nanos.to_bits(), Ordering::Relaxed);
    }

    /// How long a tick is; 0 before anybody has measured it.
    #[inline]
    pub fn nanos_per_tick(&self) -> f64 {
        // ORDER: relaxed; see `set_nanos_per_tick`.
        f64::from_bits(self.nanos_per_tick.load(Ordering::Relaxed))
    }

    /// Says that a lane has counted a loss.
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

    /// Whether a request or a lane has come since the last time this was asked.
    #[inline]
    pub fn take_call(&self) -> bool {
        // ORDER: relaxed load first, so that a turn without a call costs no locked instruction; acquire on the swap
        // pairs with the release stores in `announce` and `add_lane`.
        self.called.load(Ordering::Relaxed) && self.called.swap(false, Ordering::Acquire)
    }

    /// Whether a call is waiting.
    pub fn is_called(&self) -> bool {
        // ORDER: acquire pairs with the release store in `announce`.
        self.called.load(Ordering::Acquire)
    }

    /// Whether the writer may go on sleeping: nobody has woken it in between.
    pub fn may_sleep(&self) -> bool {
        // ORDER: relaxed; see `wake_if_asleep`.
        self.asleep.load(Ordering::Relaxed)
    }

    /// Says whether the writer is about to sleep.
    pub fn set_asleep(&self, asleep: bool) {
        // ORDER: relaxed; see `wake_if_asleep`.
        self.asleep.store(asleep, Ordering::Relaxed);
    }
}
