//! Rotations of the application's log files: they are passed on to the program and reported in the log.
//!
//! Files are rotated by several threads, which put rotations into a queue of at most 64; the writer takes them out at
//! the end of a turn, and an empty queue costs it one load. Rotations that find the queue full are only counted, which
//! standard error reports. The queue is lost with the process.
//!
//! A report is a line, and a line may rotate a file. So rotations are reported only in a turn in which the program's
//! events were written, too: a file that is full with one line does not rotate for ever.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Writer, report};
use crate::sink::file::Rotation;
use ringseal_base::Now;

/// Rotations that wait for their report.
const WAITING_MAX: usize = 64;

/// A function of the program that is called at each rotation.
pub type RotationHook = Box<dyn Fn(&Rotation) + Send + Sync>;

/// What happens when a file is rotated.
#[derive(Default)]
pub struct Rotations {
    waiting: Mutex<VecDeque<Rotation>>,
    has_waiting: AtomicBool,
    missed: AtomicU64,
    is_reported: bool,
    hooks: Vec<RotationHook>,
}

impl std::fmt::Debug for Rotations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { is_reported, hooks, .. } = self;
        f.debug_struct("Rotations")
            .field("is_reported", is_reported)
            .field("hooks", &hooks.len())
            .finish_non_exhaustive()
    }
}

impl Rotations {
    /// Sets whether rotations are reported in the log.
    pub fn set_reported(&mut self, is_reported: bool) {
        self.is_reported = is_reported;
    }

    /// Adds a function that is called at each rotation.
    pub fn add_hook(&mut self, hook: RotationHook) {
        self.hooks.push(hook);
    }

    /// Whether anything is to be done at a rotation.
    pub fn is_used(&self) -> bool {
        self.is_reported || !self.hooks.is_empty()
    }

    /// Takes note of a rotation, on the thread that rotates.
    pub fn notify(&self, rotation: &Rotation) {
        // Before the program's functions: the file catches and counts their panics.
        if self.is_reported {
            self.push(rotation);
        }
        self.hooks.iter().for_each(|hook| hook(rotation));
    }

    fn push(&self, rotation: &Rotation) {
        let mut waiting = self.waiting.lock();
        if waiting.len() == WAITING_MAX {
            // ORDER: relaxed; a count.
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.push_back(rotation.clone());
        // ORDER: relaxed; the queue's lock orders its content, pairs with the load of `report_rotations`.
        self.has_waiting.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> VecDeque<Rotation> {
        let mut waiting = self.waiting.lock();
        // ORDER: relaxed; written under the lock.
        self.has_waiting.store(false, Ordering::Relaxed);
        std::mem::take(&mut waiting)
    }
}

impl Writer {
    /// Reports these rotations.
    #[must_use]
    pub fn with_rotations(mut self, rotations: Option<Arc<Rotations>>) -> Self {
        self.rotations = rotations;
        self
    }

    /// Reports rotations in the log, if the program's events were written in this turn.
    pub(super) fn report_rotations(&mut self, now: Now, records: u64) {
        let Some(rotations) = &self.rotations else { return };
        // ORDER: relaxed; pairs with the stores in `push` and `take`. A later turn sees what this one misses.
        if records == 0 || !rotations.has_waiting.load(Ordering::Relaxed) {
            return;
        }
        for rotation in rotations.take() {
            let (sealed, active) = (rotation.sealed.display(), rotation.active.display());
            let (sealed, active) = (sealed.to_string(), active.to_string());
            self.processor.own_event(&report::APP_ROTATION, now, &mut |out| {
                out.str("app");
                out.str(&sealed);
                out.str(&active);
                out.str(rotation.reason.as_str());
                out.u64(rotation.len_bytes);
            });
        }
        // ORDER: relaxed; a count.
        let missed = rotations.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            self.link
                .stderr
                .write(format_args!("{missed} rotations of log files are not in the log"));
        }
    }
}
