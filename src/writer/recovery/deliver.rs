//! Writes the stages to the sinks, with the progress in the dead run's own records.
use std::io;

use super::stage::StageReader;
use super::{AdoptedSink, Adoption, RecoveredRun, Recovering};
use crate::core::{Batch, Lines};
use crate::recover::dead::DeadCommit;
use crate::sink::commit::{Commit, Place};
use crate::writer::Writer;
use crate::writer::managed_sink::{ManagedSink, NoCommit};
use ringseal_base::clock::Now;
use ringseal_base::storage::OpenMode;

impl Writer {
    /// Writes the stages.
    pub(super) fn deliver_stages(
        &mut self,
        adoption: &Adoption,
        settings: &Recovering,
        run: &mut RecoveredRun,
    ) -> io::Result<()> {
        let mut most = 0;
        for sink in &adoption.sinks {
            most = most.max(self.deliver_stage(adoption, sink, settings)?);
        }
        run.lines = most;
        Ok(())
    }

    /// Writes one stage; returns how many lines were missing in the sink.
    fn deliver_stage(
        &mut self,
        adoption: &Adoption,
        sink: &AdoptedSink,
        settings: &Recovering,
    ) -> io::Result<u64> {
        let Some(image) = adoption.home.image.sinks.get(sink.dead) else { return Ok(0) };
        if image.stage_bytes == 0 {
            return Ok(0);
        }
        let file = adoption.home.storage().open(&adoption.home.stage(sink.dead), OpenMode::Read)?;
        let mut stage = StageReader::new(file, image.stage_bytes, settings.slice_bytes);
        let mut batch = Batch::default();
        let (mut seen, mut done) = (0, sink.lines_done);
        let mut commit = self.begin_sink(adoption, sink, done, settings.clock.now())?;
        loop {
            stage.next(&mut batch)?;
            if batch.is_empty() {
                break;
            }
            let count = batch.lines().count() as u64;
            let skipped = done.saturating_sub(seen).min(count);
            let (_, lines) = batch.lines().split_at(skipped as usize);
            seen += count;
            done = done.max(seen);
            self.sink_of(sink).take_stage(lines, &commit, settings.clock.now())?;
            if self.has_full_ring(settings) {
                self.end_sink(adoption, sink, settings.clock.now())?;
                self.give_way(settings);
                commit = self.begin_sink(adoption, sink, done, settings.clock.now())?;
            }
        }
        self.end_sink(adoption, sink, settings.clock.now())?;
        Ok(done - sink.lines_done)
    }

    fn sink_of(&mut self, sink: &AdoptedSink) -> &mut ManagedSink {
        &mut self.processor.outputs[sink.output].sinks[sink.sink]
    }

    /// From now on a sink takes lines of its stage, of which it has `done`; its progress goes to this record.
    fn begin_sink(
        &mut self,
        adoption: &Adoption,
        sink: &AdoptedSink,
        done: u64,
        now: Now,
    ) -> io::Result<DeadCommit> {
        let first = adoption.home.image.sinks.get(sink.dead).map_or(0, |image| image.stage_first);
        let target = self.sink_of(sink);
        if target.is_queued() {
            // Lines of the stage must not follow others in the queue: how far the sink is would be unknown.
            target.flush(now, false).0.map_err(io::Error::other)?;
        }
        target.pause_commit();
        let commit = || adoption.home.commit_of(sink.dead, first + done, target.lines());
        let (attached, returned) = (commit(), commit());
        target.attach(Box::new(attached));
        Ok(returned)
    }

    /// Waits until a sink has its lines of the stage. From now on it takes lines of this run.
    fn end_sink(&mut self, adoption: &Adoption, sink: &AdoptedSink, now: Now) -> io::Result<()> {
        let target = self.sink_of(sink);
        // A sink with a queue has its lines in memory until then.
        target.flush(now, false).0.map_err(io::Error::other)?;
        if !target.is_queued() {
            target.attach(Box::new(NoCommit));
        }
        adoption.home.close_commit(sink.dead)?;
        target.resume_commit();
        Ok(())
    }

    /// After a failure: what the sinks write from now on is not the dead run's.
    pub(super) fn end_delivery(&mut self, adoption: &Adoption) {
        for sink in &adoption.sinks {
            let target = self.sink_of(sink);
            if !target.is_paused() {
                continue;
            }
            // A queue may have lines of the stage. This run's record follows them in it.
            if !target.is_queued() {
                target.attach(Box::new(NoCommit));
                // If this fails, lines that have the length of a missing one may be taken for it.
                let _ = adoption.home.close_commit(sink.dead);
            }
            target.resume_commit();
        }
    }
}

impl ManagedSink {
    /// Writes lines of a stage.
    fn take_stage(&mut self, lines: Lines<'_>, commit: &DeadCommit, now: Now) -> io::Result<()> {
        let commit = Some(commit).filter(|_| !self.publishes());
        if let Some(commit) = commit {
            commit.offer(self.lines() + lines.count() as u64);
        }
        self.write_now(lines, now).map_err(io::Error::other)?;
        if let Some(commit) = commit {
            commit.publish(self.lines(), Place::default());
        }
        Ok(())
    }
}
