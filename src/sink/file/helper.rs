//! The helper thread of a file sink: everything that may block for long.
//!
//! It prepares the next segment, makes sealed ones durable, compresses them and removes what
//! retention says. The writer hands it jobs through a bounded channel and never waits for room in
//! it: what a job would do can be found out from the directory, so a job that does not fit is done
//! together with the next one. When a rotation comes before the next segment is prepared, the
//! writer prepares it itself (one `open`).
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::{Condvar, Mutex};

use super::config::FileConfig;
use super::names::Names;
use super::seal::Rotation;
use super::segment::Segment;
use super::{prepare, tidy};
use crate::core::Now;
use crate::sink::SinkError;
use crate::storage::Storage;

const JOBS_MAX: usize = 16;

/// What is to be called at each rotation.
pub(super) type Hook = Box<dyn Fn(&Rotation) + Send + Sync>;

/// What the writer asks for.
pub(super) enum Job {
    /// Have a next segment ready.
    Prepare,
    /// This segment is sealed; close it, tell the hook, make it durable, tidy up.
    Sealed(Segment, Rotation),
    /// Close a file that is no longer ours.
    Close(Segment),
    /// Apply retention, finish compressions.
    Tidy,
    /// Say when everything before this is done.
    Barrier(Sender<()>),
}

/// The prepared next segment.
enum Next {
    None,
    /// The helper is making it.
    Working,
    Ready(Segment),
    /// The writer has it, and it may still stand under the hidden name: nobody else makes one.
    Taken,
}

struct State {
    next: Next,
    /// Sealed segments that are not known to survive power loss.
    unsynced: Vec<u64>,
    /// The helper is at it right now.
    syncing: bool,
    last_error: Option<SinkError>,
}

/// What both threads see.
pub(super) struct Shared {
    pub storage: Arc<dyn Storage>,
    pub names: Names,
    pub config: FileConfig,
    // ORDER: Relaxed everywhere for these five: each is a number of its own that publishes nothing
    // else. What the two threads hand each other goes through `state`, the channel, or the file
    // system.
    /// The writer's clock, for retention by age.
    now_unix_nanos: AtomicI64,
    /// The highest number given out.
    last_number: AtomicU64,
    /// Sealed segments removed by retention.
    removed: AtomicU64,
    /// Errors met on the helper thread.
    errors: AtomicU64,
    /// The sink is being dropped: what can be done on the next start is left to it.
    stopping: AtomicBool,
    /// Told of every rotation.
    pub hook: Mutex<Option<Hook>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    pub fn new(storage: Arc<dyn Storage>, names: Names, config: FileConfig) -> Self {
        let state =
            State { next: Next::None, unsynced: Vec::new(), syncing: false, last_error: None };
        Self {
            storage,
            names,
            config,
            now_unix_nanos: AtomicI64::new(0),
            last_number: AtomicU64::new(0),
            removed: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            hook: Mutex::new(None),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// The highest number that a finished rotation has given out. A name with a higher one may
    /// still be the active file.
    pub fn last_number(&self) -> u64 {
        // ORDER: relaxed; a number that only grows; what it counts is behind the lock of `state`.
        self.last_number.load(Ordering::Relaxed)
    }

    /// On start: the highest number that was ever given out.
    pub fn set_last_number(&self, number: u64) {
        // ORDER: relaxed; a number that only grows; what it counts is behind the lock of `state`.
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
        // ORDER: relaxed; a count that stands for itself.
        self.removed.load(Ordering::Relaxed)
    }

    pub fn count_removed(&self) {
        // ORDER: relaxed; a count that stands for itself.
        self.removed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn errors(&self) -> u64 {
        // ORDER: relaxed; a count that stands for itself.
        self.errors.load(Ordering::Relaxed)
    }

    /// Whether long work should stop.
    #[cfg_attr(
        not(feature = "compress"),
        expect(dead_code, reason = "only compression takes long")
    )]
    pub fn stopping(&self) -> bool {
        // ORDER: relaxed; a wish, heard a little later by the helper; `join` orders what matters.
        self.stopping.load(Ordering::Relaxed)
    }

    /// The prepared next segment, or one that is made right here. The writer says with
    /// [`Shared::used_next`] or [`Shared::offer_next`] what became of it.
    pub fn take_next(&self) -> Result<Segment, SinkError> {
        let mut state = self.state.lock();
        while matches!(state.next, Next::Working) {
            self.changed.wait(&mut state);
        }
        if let Next::Ready(segment) = std::mem::replace(&mut state.next, Next::Taken) {
            return Ok(segment);
        }
        drop(state);
        let made = prepare::next_segment(&*self.storage, &self.names, &self.config);
        if made.is_err() {
            self.used_next();
        }
        made
    }

    /// The segment that was taken is in its place, or given up.
    pub fn used_next(&self) {
        self.put(Next::None);
    }

    /// Offers a segment that was found prepared.
    pub fn offer_next(&self, segment: Segment) {
        self.put(Next::Ready(segment));
    }

    /// Forgets the prepared segment: its name is gone.
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

    /// Helper: makes the next segment unless there is one.
    fn prepare(&self) {
        let mut state = self.state.lock();
        if !matches!(state.next, Next::None) {
            return;
        }
        state.next = Next::Working;
        drop(state);
        match prepare::next_segment(&*self.storage, &self.names, &self.config) {
            Ok(segment) => self.put(Next::Ready(segment)),
            Err(error) => {
                self.put(Next::None);
                self.note(error);
            }
        }
    }

    /// Counts an error and keeps it for the writer's next turn.
    pub fn note(&self, error: SinkError) {
        // ORDER: relaxed; a count that stands for itself.
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.state.lock().last_error = Some(error);
    }

    pub fn take_error(&self) -> Option<SinkError> {
        self.state.lock().last_error.take()
    }

    /// Writer: segment `number` is sealed from now on.
    pub fn sealed(&self, number: u64) {
        self.state.lock().unsynced.push(number);
        // ORDER: relaxed; a number that only grows; what it counts is behind the lock of `state`.
        self.last_number.store(number, Ordering::Relaxed);
    }

    /// Makes all sealed segments durable; on whichever thread calls. Waits for the other one if it
    /// is at it.
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
        let result = tidy::sync_segments(self, &numbers);
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
                self.tidy();
            }
            Job::Close(segment) => self.close(segment),
            Job::Tidy => self.tidy(),
            Job::Barrier(done) => {
                let _ = done.send(());
            }
        }
    }

    /// What hangs on the open file, and on the moment.
    fn seal(&self, mut segment: Segment, rotation: &Rotation) {
        if let Err(source) = segment.seal() {
            self.note(SinkError::io("seal", &rotation.sealed, source));
        }
        drop(segment);
        let hook = self.hook.lock();
        if let Some(hook) = &*hook {
            // A hook that panics must not take the helper thread with it.
            let called = catch_unwind(AssertUnwindSafe(|| hook(rotation)));
            if called.is_err() {
                let panicked = std::io::Error::other("the rotation hook panicked");
                self.note(SinkError::io("report", &rotation.sealed, panicked));
            }
        }
    }

    /// A file that others moved away still has lines that a later `sync` promises to have made
    /// durable.
    fn close(&self, mut segment: Segment) {
        if let Err(source) = segment.seal().and_then(|()| segment.sync()) {
            self.note(SinkError::io("close", &self.names.active, source));
        }
    }

    fn tidy(&self) {
        if let Err(error) = tidy::tidy(self) {
            self.note(error);
        }
    }
}

/// The thread and the way to it. Dropping it lets the thread finish what it has been given, but for
/// compressions, and waits for that.
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

    /// Hands a job over if there is room. Otherwise its work is done together with a later job, but
    /// for what hangs on the open file, which is done here.
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

    /// Waits until everything offered so far is done.
    pub fn settle(&self) {
        let (done, wait) = bounded(1);
        if let Some(jobs) = &self.jobs
            && jobs.send(Job::Barrier(done)).is_ok()
        {
            let _ = wait.recv();
        }
    }
}

fn run_all(shared: &Shared, inbox: &Receiver<Job>) {
    for job in inbox {
        shared.run(job);
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // ORDER: relaxed; a wish, heard a little later by the helper; `join` orders what matters.
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
