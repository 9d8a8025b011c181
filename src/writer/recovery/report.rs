//! What recovery has found and done.
use std::path::PathBuf;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::recover::engine_image::EngineImage;
use crate::recover::oom::OomKills;
use crate::writer::{Writer, report};
use ringseal_base::clock::Now;

/// What was recovered of a run that was killed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredRun {
    /// The run's identifier.
    pub run_id: String,
    /// Its process.
    pub pid: u32,
    /// Why it ended: `out_of_memory` if the kernel has ended a process of its memory group since it began, otherwise
    /// `ended_without_stop`: killed, crashed, or ended without dropping the engine.
    pub cause: &'static str,
    /// Lines that were written to this run's sinks; with several sinks, those of the sink that missed most.
    pub lines: u64,
    /// Lines of streams that the run may have written itself. They are marked `"recovered":"maybe_repeated"`.
    pub lines_maybe_repeated: u64,
    /// Bytes in rings that are no records.
    pub unreadable_bytes: u64,
    /// Events that the run lost and had not reported.
    pub lost: u64,
    /// The time of its first recovered event, in nanoseconds since 1970; 0 if there is none.
    pub from_unix_nanos: i64,
    /// The time of its last recovered event.
    pub to_unix_nanos: i64,
    /// Lanes whose events could not be kept, because there was no room for their rings.
    pub unbacked_lanes: u64,
    /// Why recovery has failed. The run's home is left to the next start.
    pub error: Option<String>,
    /// Where the home is now, after recovery has failed three times.
    pub set_aside: Option<PathBuf>,
}

impl RecoveredRun {
    /// Of a home, before anything is recovered.
    pub(super) fn of(image: &EngineImage) -> RecoveredRun {
        RecoveredRun {
            run_id: image.run.run_id.clone(),
            pid: image.run.pid,
            cause: match OomKills::now().happened_since(image.oom_kills) {
                true => "out_of_memory",
                false => "ended_without_stop",
            },
            unbacked_lanes: image.unbacked,
            ..RecoveredRun::default()
        }
    }
}

/// What a start has recovered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The runs, oldest first.
    pub runs: Vec<RecoveredRun>,
    /// Homes that were left alone, with the reason.
    pub left: Vec<(PathBuf, String)>,
}

impl RecoveryReport {
    /// Lines of all runs.
    pub fn lines(&self) -> u64 {
        self.runs.iter().map(|run| run.lines).sum()
    }
}

/// The report, once it is complete.
#[derive(Debug, Default)]
pub struct RecoveryState {
    report: Mutex<Option<RecoveryReport>>,
    left: Mutex<Vec<(PathBuf, String)>>,
    finished: Condvar,
}

impl RecoveryState {
    /// Notes a home that is left alone.
    pub fn note_left(&self, home: PathBuf, reason: String) {
        self.left.lock().push((home, reason));
    }

    /// Publishes the report.
    pub fn finish(&self, runs: Vec<RecoveredRun>) {
        let left = self.left.lock().clone();
        *self.report.lock() = Some(RecoveryReport { runs, left });
        self.finished.notify_all();
    }

    /// The report, if recovery has ended.
    pub fn report(&self) -> Option<RecoveryReport> {
        self.report.lock().clone()
    }

    /// Waits at most this long for the end of recovery.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut report = self.report.lock();
        self.finished.wait_while_for(&mut report, |report| report.is_none(), timeout);
        report.is_some()
    }
}

impl Writer {
    /// Reports, before the recovered lines, what follows.
    pub(super) fn tell_recovered(&mut self, run: &RecoveredRun, now: Now) {
        if run.lines == 0 && run.lost == 0 && run.unreadable_bytes == 0 && run.unbacked_lanes == 0 {
            return;
        }
        let time =
            |nanos: i64| (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000) as u32);
        let (from, to) = (time(run.from_unix_nanos), time(run.to_unix_nanos));
        self.processor.own_event(&report::RECOVERED, now, &mut |out| {
            out.str(&run.run_id);
            out.u64(run.pid.into());
            out.str(run.cause);
            out.u64(run.lines);
            out.u64(run.lines_maybe_repeated);
            out.u64(run.unreadable_bytes);
            out.u64(run.lost);
            out.u64(run.unbacked_lanes);
            out.time(from.0, from.1);
            out.time(to.0, to.1);
        });
        self.processor.deliver(now);
        let counters = &self.link.counters;
        counters.recovered_lines.add(run.lines);
        counters.recovered_maybe_repeated.add(run.lines_maybe_repeated);
        counters.recovered_unreadable_bytes.add(run.unreadable_bytes);
    }

    /// Reports a failure.
    pub(super) fn tell(&mut self, run: &RecoveredRun, now: Now) {
        let Some(error) = &run.error else { return };
        let place =
            run.set_aside.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        self.link.stderr.write(format_args!("cannot recover run {}: {error}", run.run_id));
        self.processor.own_event(&report::RECOVERY_FAILED, now, &mut |out| {
            out.str(&run.run_id);
            out.str(error);
            out.str(&place);
        });
        self.processor.deliver(now);
    }
}
