//! How far a sink is, for the next start.
//!
//! Promise: lines of an earlier run that a sink takes are not counted as this run's. While it takes them, this run's
//! record is closed: it names no place, so that its number of lines counts whatever the sink's files have.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ManagedSink;
use crate::recover::engine_file::SharedCommit;
use crate::recover::spool::Spool;
use crate::sink::commit::{Commit, Place};

/// Takes no notice of a sink's progress.
pub(in crate::writer) struct NoCommit;

impl Commit for NoCommit {
    fn publish(&self, _: u64, _: Place) {}
}

impl ManagedSink {
    /// How many lines it has in place.
    pub(in crate::writer) fn lines(&self) -> u64 {
        match self.sink.lines_done() {
            Some(lines) => lines,
            // A stream need not count.
            None if self.log_id().is_none() => self.taken,
            None => self.sink.counters().lines,
        }
    }

    /// Whether it has a queue.
    pub(in crate::writer) fn is_queued(&self) -> bool {
        self.sink.lines_done().is_some()
    }

    /// Whether it tells by itself how far it is.
    pub(in crate::writer) fn publishes(&self) -> bool {
        self.log_id().is_some() || self.sink.lines_done().is_some()
    }

    /// From now on, a sink of files tells this how far it is.
    pub(in crate::writer) fn attach(&mut self, commit: Box<dyn Commit>) {
        // A sink that panics is seen at the next write.
        let _ = catch_unwind(AssertUnwindSafe(|| self.sink.attach(commit)));
    }

    /// From now on, how far the sink is goes to this record.
    pub(in crate::writer) fn set_commit(
        &mut self,
        commit: SharedCommit,
        spool: Spool,
        next_line: u64,
    ) {
        match self.publishes() {
            true => self.attach(Box::new(commit.again())),
            false => commit.publish(self.lines(), Place::default()),
        }
        (self.commit, self.spool, self.next_line) = (Some(commit), Some(spool), next_line);
    }

    /// The lines that follow are those of an earlier run: the record stays as it is, whatever follows in the file.
    /// Called when the sink has written what it was given.
    pub(in crate::writer) fn pause_commit(&mut self) {
        self.paused_at.get_or_insert(self.taken);
        if let Some(commit) = self.commit.as_ref().filter(|_| self.publishes()) {
            commit.publish(self.lines(), Place::default());
        }
    }

    /// Whether the lines that it takes are those of an earlier run.
    pub(in crate::writer) fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// The lines that follow are this run's again; those since the pause are not counted.
    pub(in crate::writer) fn resume_commit(&mut self) {
        let Some(paused_at) = self.paused_at.take() else { return };
        let others = self.taken - paused_at;
        match &mut self.commit {
            Some(commit) => {
                commit.pass_over(others);
                let commit = commit.again();
                match self.publishes() {
                    true => self.attach(Box::new(commit)),
                    false => commit.publish(self.lines(), Place::default()),
                }
            }
            None => self.attach(Box::new(NoCommit)),
        }
    }
}
