//! The helper thread of a file sink: everything that may block for long.
//!
//! It prepares the next segment, makes sealed segments durable, compresses them and applies retention. The writer sends
//! jobs through a bounded channel and never waits for space in it: the work of a job can be derived from the directory,
//! so a job that does not fit is done together with the next one. If a rotation is due before the next segment is
//! prepared, the writer prepares it (one `open`).
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::{Condvar, Mutex};

use super::config::FileConfig;
use super::log_id::LogId;
use super::names::Names;
use super::rotate::Rotation;
use super::segment::Segment;
use super::{cleanup, next_segment};
use crate::sink::SinkError;
use ringseal_base::Now;
use ringseal_base::own_thread;
use ringseal_base::process::file_size::block_in_this_thread;
use ringseal_base::storage::Storage;

const JOBS_MAX: usize = 16;
/// Errors that wait for the writer. It takes one a turn.
const ERRORS_MAX: usize = 16;

/// Called at each rotation.
pub(super) type Hook = Box<dyn Fn(&Rotation) + Send + Sync>;

/// A job from the writer.
pub(super) enum Job {
    /// Prepare a next segment.
    Prepare,
    /// This segment is sealed: close it, call the hook, make it durable, clean up.
    Sealed(Segment, Rotation),
    /// Close a file that is no longer ours.
    Close(Segment),
    /// Apply retention, finish compressions.
    CleanUp,
    /// Report when everything before this is done.
    Barrier(Sender<()>),
}

/// The prepared next segment.
enum Next {
    None,
    /// The helper is making it.
    Working,
    Ready(Segment),
    /// The writer has it, and it may still have the hidden name: no other thread creates one.
    Taken,
}

struct State {
    next: Next,
    /// Sealed segments that may not survive power loss yet.
    unsynced: Vec<u64>,
    /// The helper is syncing right now.
    syncing: bool,
    /// For the writer, the oldest first.
    errors: VecDeque<SinkError>,
}

/// The state that both threads share.
pub(super) struct Shared {
    pub storage: Arc<dyn Storage>,
    pub names: Names,
    pub config: FileConfig,
    // ORDER: Relaxed everywhere for these six: each is an independent number that publishes nothing else. What the two
    // threads exchange goes through `state`, the channel, or the file system.
    /// The writer's clock, for retention by age.
    now_unix_nanos: AtomicI64,
    /// The highest number that has been assigned.
    last_number: AtomicU64,
    /// Sealed segments removed by retention.
    removed: AtomicU64,
    /// Their bytes.
    removed_bytes: AtomicU64,
    /// Errors on the helper thread.
    errors: AtomicU64,
    /// The sink is being dropped: work that the next start can do is skipped.
    stopping: AtomicBool,
    /// The identity of the log, once it is known.
    pub log_id: OnceLock<LogId>,
    /// Called at every rotation.
    pub hook: Mutex<Option<Hook>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    pub fn new(storage: Arc<dyn Storage>, names: Names, config: FileConfig) -> Self {
        let state = State {
            next: Next::None,
            unsynced: Vec::new(),
            syncing: false,
            errors: VecDeque::new(),
        };
        Self {
            storage,
            names,
            config,
            now_unix_nanos: AtomicI64::new(0),
            last_number: AtomicU64::new(0),
            removed: AtomicU64::new(0),
            removed_bytes: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            log_id: OnceLock::new(),
            hook: Mutex::new(None),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// The highest number that a finished rotation has assigned. A name with a higher number may still be the active
    /// file.
    pub fn last_number(&self) -> u64 {
        // ORDER: relaxed; a number that only grows; the list that it describes is protected by the lock of `state`.
        self.last_number.load(Ordering::Relaxed)
    }

    /// On start: the highest number that was ever assigned.
    pub fn set_last_number(&self, number: u64) {
        // ORDER: relaxed; a number that only grows; the list that it describes is protected by the lock of `state`.
        self.last_number.store(number, Ordering::Relaxed);
    }

    pub fn now_unix_nanos(&self) -> i64 {
        // ORDER: relaxed; a time that may be late by a turn; nothing is published through it.
        self.now_unix_nanos.load(Ordering::Relaxed)
    }

    pub fn set_now(&self, now: Now) {
        // ORDER: relaxed; a time that may be late by a turn; nothing is published through it.
        self.now_unix_nanos.store(now.unix_nanos, Ordering::Relaxed);
    }

    pub fn removed(&self) -> u64 {
        // ORDER: relaxed; an independent count.
        self.removed.load(Ordering::Relaxed)
    }

    pub fn removed_bytes(&self) -> u64 {
        // ORDER: relaxed; an independent count.
        self.removed_bytes.load(Ordering::Relaxed)
    }

    pub fn count_removed(&self, len_bytes: u64) {
        // ORDER: relaxed; independent counts. The bytes first: a reader of both never sees a segment without them.
        self.removed_bytes.fetch_add(len_bytes, Ordering::Relaxed);
        self.removed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn errors(&self) -> u64 {
        // ORDER: relaxed; an independent count.
        self.errors.load(Ordering::Relaxed)
    }

    /// Whether long work should stop.
    #[cfg_attr(
        not(feature = "compress"),
        expect(dead_code, reason = "only compression takes long")
    )]
    pub fn stopping(&self) -> bool {
        // ORDER: relaxed; a request that the helper sees a little later; `join` orders what matters.
        self.stopping.load(Ordering::Relaxed)
    }

    /// Returns the prepared next segment, or creates one. The writer then calls [`Shared::used_next`] if the
    /// segment is in its place or was abandoned, or [`Shared::offer_next`] to return it.
    pub fn take_next(&self) -> Result<Segment, SinkError> {
        let mut state = self.state.lock();
        while matches!(state.next, Next::Working) {
            self.changed.wait(&mut state);
        }
        if let Next::Ready(segment) = std::mem::replace(&mut state.next, Next::Taken) {
            return Ok(segment);
        }
        drop(state);
        let made = next_segment::create(self);
        if made.is_err() {
            self.used_next();
        }
        made
    }

    /// The segment that was taken is in its place, or was abandoned.
    pub fn used_next(&self) {
        self.put(Next::None);
    }

    /// Offers a segment that was found prepared.
    pub fn offer_next(&self, segment: Segment) {
        self.put(Next::Ready(segment));
    }

    /// Forgets the prepared segment: its name was removed.
    pub fn discard_next(&self) {
        let mut state = self.state.lock();
        if matches!(state.next, Next::Ready(_)) {
            state.next = Next::None;
        }
    }

    fn put(&self, next: Next) {
        self.state.lock().next = next;
        self.changed.notify_all();
    }

    /// Helper: creates the next segment unless one exists.
    fn prepare(&self) {
        let mut state = self.state.lock();
        if !matches!(state.next, Next::None) {
            return;
        }
        state.next = Next::Working;
        drop(state);
        match next_segment::create(self) {
            Ok(segment) => self.put(Next::Ready(segment)),
            Err(error) => {
                self.put(Next::None);
                self.record_error(error);
            }
        }
    }

    /// Counts an error and keeps it for the writer's next turns, up to [`ERRORS_MAX`].
    pub fn record_error(&self, error: SinkError) {
        // ORDER: relaxed; an independent count.
        self.errors.fetch_add(1, Ordering::Relaxed);
        let errors = &mut self.state.lock().errors;
        if errors.len() < ERRORS_MAX {
            errors.push_back(error);
        }
    }

    pub fn take_error(&self) -> Option<SinkError> {
        self.state.lock().errors.pop_front()
    }

    /// Writer: segment `number` is sealed from now on.
    pub fn sealed(&self, number: u64) {
        self.state.lock().unsynced.push(number);
        // ORDER: relaxed; a number that only grows; the list that it describes is protected by the lock of `state`.
        self.last_number.store(number, Ordering::Relaxed);
    }

    /// Makes all sealed segments durable, on the calling thread. Waits for the other thread if it is syncing.
    pub fn sync_sealed(&self) -> Result<(), SinkError> {
        let mut state = self.state.lock();
        while state.syncing {
            self.changed.wait(&mut state);
        }
        let numbers = std::mem::take(&mut state.unsynced);
        if numbers.is_empty() {
            return Ok(());
        }
        state.syncing = true;
        drop(state);
        let result = cleanup::sync_segments(self, &numbers);
        let mut state = self.state.lock();
        state.syncing = false;
        if result.is_err() {
            state.unsynced.extend(numbers);
        }
        drop(state);
        self.changed.notify_all();
        result
    }

    fn run(&self, job: Job) {
        match job {
            Job::Prepare => self.prepare(),
            Job::Sealed(segment, rotation) => {
                self.seal(segment, &rotation);
                self.clean_up();
            }
            Job::Close(segment) => self.close(segment),
            Job::CleanUp => self.clean_up(),
            Job::Barrier(done) => {
                let _ = done.send(());
            }
        }
    }

    /// Does what needs the open file, and calls the hook at once.
    fn seal(&self, mut segment: Segment, rotation: &Rotation) {
        if let Err(source) = segment.seal() {
            self.record_error(SinkError::io("seal", &rotation.sealed, source));
        }
        drop(segment);
        let hook = self.hook.lock();
        if let Some(hook) = &*hook {
            // A panicking hook must not end the helper thread.
            let called = catch_unwind(AssertUnwindSafe(|| hook(rotation)));
            if called.is_err() {
                let panicked = std::io::Error::other("the rotation hook panicked");
                self.record_error(SinkError::io("report", &rotation.sealed, panicked));
            }
        }
    }

    /// A file that others moved still has lines that a later `sync` promises to have made durable.
    fn close(&self, mut segment: Segment) {
        if let Err(source) = segment.seal().and_then(|()| segment.sync()) {
            self.record_error(SinkError::io("close", &self.names.active, source));
        }
    }

    fn clean_up(&self) {
        if let Err(error) = self.keep_log_id() {
            self.record_error(error);
        }
        if let Err(error) = cleanup::clean_up(self) {
            self.record_error(error);
        }
    }
}

/// The thread and its queue. Dropping it waits until the thread has finished its jobs, except compressions.
pub(super) struct Helper {
    shared: Arc<Shared>,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    pub fn start(shared: &Arc<Shared>) -> std::io::Result<Helper> {
        let (jobs, inbox) = bounded(JOBS_MAX);
        let theirs = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("ringseal-file".to_owned())
            .spawn(move || run_all(&theirs, &inbox))?;
        Ok(Helper { shared: Arc::clone(shared), jobs: Some(jobs), thread: Some(thread) })
    }

    /// Sends a job if there is space. Otherwise a later job does its work, except what needs the open file: that is
    /// done here.
    pub fn offer(&self, job: Job) {
        let Some(jobs) = &self.jobs else { return };
        match jobs.try_send(job) {
            Err(TrySendError::Full(Job::Sealed(segment, rotation))) => {
                self.shared.seal(segment, &rotation);
            }
            Err(TrySendError::Full(Job::Close(segment))) => self.shared.close(segment),
            _ => {}
        }
    }

    /// Waits until all jobs so far are done.
    pub fn wait_idle(&self) {
        let (done, wait) = bounded(1);
        if let Some(jobs) = &self.jobs
            && jobs.send(Job::Barrier(done)).is_ok()
        {
            let _ = wait.recv();
        }
    }
}

fn run_all(shared: &Shared, inbox: &Receiver<Job>) {
    block_in_this_thread();
    own_thread::mark();
    for job in inbox {
        shared.run(job);
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // ORDER: relaxed; a request that the helper sees a little later; `join` orders what matters.
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
