//! Compares the lines read with the lines written.
use std::fmt;
use std::path::{Path, PathBuf};

use ringseal::Metrics;
use ringseal::sink::file::reader::segments_of;

use super::Counts;
use crate::size::{format_bytes, format_count};

/// The name of the limit among the sampling rules.
const LIMIT: &str = "limit";

/// The counts and errors of a finished run.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) counts: Counts,
    /// The engine's counters after the flush.
    pub(super) metrics: Metrics,
    pub(super) path: PathBuf,
    /// Why reading stopped before the end of the input.
    pub(super) read_error: Option<String>,
    /// Why flushing failed.
    pub(super) flush_error: Option<String>,
}

impl Summary {
    /// Returns all problems; empty if each line that was read is written.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(error) = &self.read_error {
            problems.push(format!("reading standard input: {error}"));
        }
        if let Some(error) = &self.flush_error {
            problems.push(format!("flushing: {error}"));
        }
        let metrics = &self.metrics;
        let must_be_zero = [
            ("events lost at a full ring", metrics.lost.total()),
            ("events discarded", metrics.discarded.total()),
            ("lines dropped by the sink", metrics.dropped.total()),
            ("records that could not be read", metrics.record_errors),
        ];
        let found = must_be_zero.iter().filter(|(_, count)| *count > 0);
        problems.extend(found.map(|(what, count)| format!("{what}: {count}")));
        self.compare(&mut problems);
        problems
    }

    /// The number of events that a limit dropped.
    fn limited(&self) -> u64 {
        let rules = self.metrics.sampled_out_by_rule.iter();
        rules.filter(|rule| rule.rule == LIMIT).map(|rule| rule.sampled_out.total()).sum()
    }

    fn compare(&self, problems: &mut Vec<String>) {
        let (counts, metrics) = (&self.counts, &self.metrics);
        if counts.events != counts.lines {
            problems.push(format!("{} lines became {} events", counts.lines, counts.events));
        }
        // The engine's own events: a clock step, a failed sink, events dropped by a limit, segments removed.
        let events = metrics.events.total();
        let kept = counts.events.saturating_sub(metrics.sampled_out.total());
        let own = events.saturating_sub(kept);
        // There is at most one `ringseal.suppressed` per event that a limit dropped, and at most one
        // `ringseal.segments_removed` per segment.
        let removed: u64 = metrics.sinks.iter().map(|sink| sink.removed).sum();
        let more_max = self.limited().saturating_add(removed);
        let expected = metrics.clock_steps..=metrics.clock_steps.saturating_add(more_max);
        let explained = expected.contains(&own) || metrics.sink_errors > 0;
        if events < kept || !explained {
            problems.push(format!("expected {kept} lines for the kept events, found {events}"));
        }
        let in_place: u64 = metrics.sinks.iter().map(|sink| sink.lines).sum();
        if in_place != events {
            problems.push(format!("of {events} lines, {in_place} are in place"));
        }
        for sink in metrics.sinks.iter().filter(|sink| !sink.is_healthy) {
            problems.push(format!("{} is failing", sink.name));
        }
    }
}

/// The sealed segments after a run that compresses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Compressed {
    compressed: usize,
    plain: usize,
}

impl Compressed {
    /// Counts them; `None` if the directory cannot be listed.
    pub(super) fn of(log: &Path) -> Option<Self> {
        let segments = segments_of(log).ok()?;
        let sealed = || segments.iter().filter(|segment| segment.number.is_some());
        let compressed = sealed().filter(|segment| segment.compressed).count();
        Some(Self { compressed, plain: sealed().count() - compressed })
    }
}

impl fmt::Display for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.compressed > 0 {
            write!(f, ", {} sealed segments compressed", format_count(self.compressed as u64))?;
        }
        match self.plain {
            0 => Ok(()),
            plain => write!(f, ", {plain} not yet compressed"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (counts, metrics) = (&self.counts, &self.metrics);
        writeln!(f, "{counts}, {} read", format_bytes(counts.bytes))?;
        for sink in &metrics.sinks {
            let (lines, bytes) = (format_count(sink.lines), format_bytes(sink.bytes));
            let files = sink.rotations + 1;
            let noun = if files == 1 { "file" } else { "files" };
            write!(f, "{lines} lines, {bytes} written to {files} {noun}, ")?;
            write!(f, "{}", self.path.display())?;
            if sink.removed > 0 {
                write!(f, "; {} older removed", sink.removed)?;
            }
            if sink.errors > 0 {
                write!(f, "; {} write errors", sink.errors)?;
            }
        }
        // Cut by the input side, or by the engine if a line did not fit a record.
        let cut = counts.truncated + metrics.truncated.total();
        let lost = metrics.lost.total();
        write!(f, "; {cut} cut, {lost} lost, {} waits for room", metrics.waits)?;
        let masked = metrics.redaction.hits.iter().map(|rule| rule.hits).sum();
        let values = if masked == 1 { "value masked" } else { "values masked" };
        let more = [(masked, values), (metrics.sampled_out.total(), "dropped by sampling")];
        for (count, what) in more.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {} {what}", format_count(*count))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ringseal::{RuleMetrics, SinkMetrics};

    use super::*;

    fn summary(lines: u64, events: u64, written: u64, in_place: u64) -> Summary {
        let mut metrics = Metrics::default();
        metrics.events.0[2] = written;
        let mut sink = SinkMetrics::default();
        (sink.is_healthy, sink.lines) = (true, in_place);
        metrics.sinks = vec![sink];
        let counts = Counts { lines, events, ..Counts::default() };
        Summary { counts, metrics, path: "app.log".into(), read_error: None, flush_error: None }
    }

    #[test]
    fn a_missing_line_is_a_problem() {
        let cases = [
            ((0, 0, 0, 0), 0),
            ((7, 7, 7, 7), 0),
            ((7, 6, 6, 6), 1),
            ((7, 7, 6, 6), 1),
            ((7, 7, 8, 8), 1),
            ((7, 7, 7, 6), 1),
            ((7, 7, 7, 8), 1),
        ];
        for ((lines, events, written, in_place), problems) in cases {
            let summary = summary(lines, events, written, in_place);
            assert_eq!(summary.problems().len(), problems, "{summary:?}");
        }
    }

    #[test]
    fn a_clock_step_event_is_not_a_problem() {
        let mut summary = summary(7, 7, 8, 8);
        summary.metrics.clock_steps = 1;
        assert_eq!(summary.problems(), Vec::<String>::new());
    }

    #[test]
    fn only_a_limit_explains_additional_events() {
        let cases = [
            ("level info", 2, 5, 0),
            ("level info", 2, 4, 1),
            ("level info", 2, 6, 1),
            ("limit", 2, 5, 0),
            ("limit", 2, 7, 0),
            ("limit", 2, 8, 1),
            ("limit", 2, 4, 1),
        ];
        for (name, sampled_out, written, problems) in cases {
            let mut summary = summary(7, 7, written, written);
            summary.metrics.sampled_out.0[2] = sampled_out;
            let mut rule = RuleMetrics::default();
            (rule.rule, rule.sampled_out) = (name.into(), summary.metrics.sampled_out);
            summary.metrics.sampled_out_by_rule = vec![rule];
            assert_eq!(summary.problems().len(), problems, "{summary:?}");
            assert!(summary.to_string().contains("2 dropped by sampling"), "{summary}");
        }
    }

    #[test]
    fn each_kind_of_loss_is_one_problem() {
        type Change = fn(&mut Summary);
        let changes: [Change; 7] = [
            |summary| summary.metrics.lost.0[0] = 1,
            |summary| summary.metrics.discarded.0[0] = 1,
            |summary| summary.metrics.dropped.0[0] = 1,
            |summary| summary.metrics.record_errors = 1,
            |summary| summary.metrics.sinks[0].is_healthy = false,
            |summary| summary.read_error = Some("x".into()),
            |summary| summary.flush_error = Some("x".into()),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut summary = summary(7, 7, 7, 7);
            change(&mut summary);
            assert_eq!(summary.problems().len(), 1, "change {index}");
        }
    }
}
