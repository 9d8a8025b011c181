//! Reports fields that do not fit the schema of a layout.
//!
//! Promises: a turn without such fields costs one look at each output. Reports are limited; what they do not name is
//! counted.
use super::process::Processor;
use super::report;
use ringseal_base::clock::Now;

/// Reports in each [`WINDOW_NANOS`].
const REPORTS_MAX: u32 = 10;

/// A minute.
const WINDOW_NANOS: i64 = 60_000_000_000;

/// How many reports were written lately.
#[derive(Debug, Default)]
pub(super) struct MisfitReports {
    window_start: i64,
    reports: u32,
}

impl MisfitReports {
    /// Whether one more report may be written.
    fn may_report(&mut self, now: Now) -> bool {
        // The system clock may have been set back.
        let age = now.unix_nanos.saturating_sub(self.window_start);
        if !(0..WINDOW_NANOS).contains(&age) {
            *self = Self { window_start: now.unix_nanos, reports: 0 };
        }
        self.reports += 1;
        self.reports <= REPORTS_MAX
    }
}

impl Processor {
    /// Counts the fields of the last lines that do not fit, and reports those that are new.
    pub(super) fn report_misfits(&mut self, now: Now) {
        for index in 0..self.outputs.len() {
            let (counts, misfits) = self.outputs[index].layout.take_misfits();
            self.tally.ecs_misfits += counts.misfits;
            self.tally.ecs_unplanned += counts.tree_lines;
            for misfit in misfits {
                if !self.misfit_reports.may_report(now) {
                    continue;
                }
                self.own_event(&report::ECS_MISFIT, now, &mut |out| {
                    out.str(&misfit.field);
                    out.str(misfit.expected);
                    out.str(&misfit.found);
                    out.str(&misfit.event);
                    out.str(&misfit.target);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_reports_are_written_in_a_minute() {
        let mut reports = MisfitReports::default();
        let at = |seconds: i64| Now { ticks: 0, unix_nanos: 1_000_000_000 * (1_000_000 + seconds) };
        let mut written = |second| (0..20).filter(|_| reports.may_report(at(second))).count();
        for (second, expected) in [(0, 10), (59, 0), (60, 10), (61, 0), (-3600, 10)] {
            assert_eq!(written(second), expected, "second {second}");
        }
    }
}
