//! The writer's part of the home: what the next start finds if this process is killed.
//!
//! Promises: per delivery some stores, per definition of a context a copy, and nothing per event but the entry of its
//! line. The order of a delivery is that of `drain.rs`: lines into the sinks, whose progress is noted; then what was
//! reported of losses; then ring space is given back; then the table of lines starts over.
use super::Writer;
use super::lane_reader::LaneReader;
use super::recovery::Recovering;
use super::report;
use crate::recover::home::WriterHome;
use ringseal_base::clock::Now;

impl Writer {
    /// Writes what the next start needs into `home`.
    #[must_use]
    pub fn with_home(mut self, mut home: Option<WriterHome>) -> Self {
        let tables = home.iter_mut().flat_map(|home| std::mem::take(&mut home.lines));
        for (output, table) in self.processor.outputs.iter_mut().zip(tables) {
            output.lines.set_file(table);
        }
        self.home = home;
        // Recovery of earlier runs precedes the first turn, and may take long.
        self.keep_clock(self.clock.ticks());
        self
    }

    /// Recovers these homes before the first turn.
    #[must_use]
    pub fn with_recovery(mut self, recovering: Option<Recovering>) -> Self {
        self.recovering = recovering;
        self
    }

    /// From now on, the sinks' progress goes to this run's home.
    pub(super) fn attach_commits(&mut self) {
        let Some(WriterHome { home, engine, .. }) = &self.home else { return };
        let mut number = 0;
        for output in &mut self.processor.outputs {
            let first = output.lines.next_line();
            for sink in &mut output.sinks {
                let base = sink.lines().wrapping_sub(first);
                sink.set_commit(
                    engine.commit_of(number).with_base(base),
                    home.spool(number),
                    first,
                );
                number += 1;
            }
        }
    }

    /// Notes the clock. Returns the time.
    fn keep_clock(&mut self, ticks: u64) -> Now {
        let calibration = self.processor.calibration;
        let now = Now { ticks, unix_nanos: calibration.unix_nanos(ticks) };
        if let Some(WriterHome { engine, .. }) = &mut self.home {
            engine.set_clock(&calibration, now);
        }
        now
    }

    /// Notes the clock, losses without a lane, and lanes that do not outlive the process. Once a second.
    #[cold]
    pub(super) fn keep_home(&mut self, ticks: u64) {
        let now = self.keep_clock(ticks);
        let Some(WriterHome { home, engine, .. }) = &mut self.home else { return };
        engine.set_unplaced(self.unplaced.counters.lost.get(), self.unplaced.lost_reported);
        for lane in &mut self.lanes {
            let is_file_lost = lane.memory.file.as_ref().is_some_and(|file| file.is_lost());
            if !lane.memory.is_lost && (lane.consumer.is_lost() || is_file_lost) {
                lane.memory.is_lost = true;
                home.note_unbacked();
            }
            if lane.memory.file.is_some() {
                // Another process may have overwritten it.
                lane.consumer.restore_head();
            }
        }
        // All lanes count if what they have in common is incomplete.
        let are_lines_lost = self.processor.outputs.iter().any(|output| output.lines.is_lost());
        let is_incomplete = are_lines_lost || home.is_incomplete();
        let shared = if is_incomplete { self.lanes.len() as u64 } else { 0 };
        let unbacked = home.unbacked().max(shared);
        let known = self.link.counters.lanes_unbacked.get();
        if unbacked > known {
            self.link.counters.lanes_unbacked.set(unbacked);
            self.processor.own_event(&report::RING_UNBACKED, now, &mut |out| {
                out.u64(unbacked);
                out.str("the ring directory had no room, or its files were cut off");
            });
        }
    }

    /// At the end: removes the home if the sinks have everything.
    pub(super) fn leave_home(&mut self) {
        let are_rings_empty = self.lanes.iter_mut().all(|lane| lane.consumer.poll() == 0);
        let mut sinks = self.processor.outputs.iter_mut().flat_map(|output| &mut output.sinks);
        let has_all = are_rings_empty && sinks.all(|sink| sink.has_all());
        if has_all && let Some(WriterHome { home, .. }) = self.home.take() {
            home.remove();
        }
    }
}

impl LaneReader {
    /// Gives the space of everything that was read back, after the sinks have its lines.
    #[inline]
    pub(super) fn release(&mut self) {
        if self.memory.file.is_some() {
            self.note_release();
        }
        self.consumer.release();
        if let Some(file) = &self.memory.file
            && file.is_compaction_due()
        {
            self.compact();
        }
    }

    fn note_release(&mut self) {
        let told = self.memory.lost_reported;
        if let Some(file) = &mut self.memory.file {
            file.set_told(told);
        }
    }

    /// Replaces the log of contexts by the contexts as they are now.
    #[cold]
    fn compact(&mut self) {
        let position = self.consumer.head_position() as u64;
        let memory = &mut self.memory;
        let Some(file) = &mut memory.file else { return };
        let (contexts, ambient) = (&memory.contexts, &memory.ambient_contexts);
        let (thread, name) = (memory.thread, &*memory.thread_name);
        file.compact(position, |put| {
            put(&super::context_table::thread_record(thread, name));
            contexts.put_records(false, put);
            ambient.put_records(true, put);
        });
    }
}
