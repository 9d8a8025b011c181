//! When a sink counts as failing, when it is tried again, and which changes are reported.
//!
//! Promises: a failure is reported once when it begins and once when it ends, with the number of failed calls. A sink
//! that fails again soon after its recovery was reported (a directory that is away, a target that accepts a connection
//! and closes it) must work for a while before its next recovery is reported: 10 seconds, and twice as long each time,
//! up to 5 minutes. A failure that lasts for 10 seconds without a report is reported, and again every 5 minutes. Pauses
//! between attempts grow meanwhile instead of starting again. Lines are passed on in all states but `Failing`. Pure
//! computation on the writer's clock; a clock that is set back extends no pause.
use std::time::Duration;

use ringseal_base::backoff::Backoff;

const RETRY_PAUSE_MIN: Duration = Duration::from_millis(10);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// A failure this soon after a reported recovery belongs to the same trouble.
const SOON_NANOS: i64 = 10_000_000_000;
/// A failure that lasts is reported again after this time.
const REPEATED_NANOS: i64 = 300_000_000_000;
/// The longest time that a sink must work before its recovery is reported.
const TRIAL_NANOS_MAX: i64 = 300_000_000_000;

#[derive(Debug, Clone, Copy)]
enum State {
    Working,
    /// Lines are held. The next attempt is at `retry_at_nanos`.
    Failing {
        retry_at_nanos: i64,
        pause_nanos: i64,
    },
    /// It works again, which is not reported yet.
    OnTrial {
        since_nanos: i64,
    },
}

/// A recovery to be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recovery {
    /// From the first failure to the last one that was followed by a success.
    pub(super) failing_nanos: i64,
    /// Calls that failed.
    pub(super) failures: u64,
}

/// The health of a sink.
#[derive(Debug, Clone, Copy)]
pub(super) struct SinkHealth {
    state: State,
    backoff: Backoff,
    /// The first failure since it last worked, and how many followed.
    failing_since_nanos: i64,
    failures: u64,
    /// When calls began to fail without a success between them, and whether that was reported.
    run_since_nanos: i64,
    is_run_reported: bool,
    /// When a failure was last reported.
    reported_at_nanos: i64,
    /// The end of the last failure.
    works_since_nanos: i64,
    /// When a recovery was last reported.
    recovered_at_nanos: Option<i64>,
    /// How long it must work before the next recovery is reported.
    trial_nanos: i64,
}

impl SinkHealth {
    pub(super) fn new() -> Self {
        Self {
            state: State::Working,
            backoff: Backoff::new(RETRY_PAUSE_MIN, RETRY_PAUSE_MAX),
            failing_since_nanos: 0,
            failures: 0,
            run_since_nanos: 0,
            is_run_reported: false,
            reported_at_nanos: 0,
            works_since_nanos: 0,
            recovered_at_nanos: None,
            trial_nanos: 0,
        }
    }

    /// Whether lines are held.
    pub(super) fn is_failing(&self) -> bool {
        matches!(self.state, State::Failing { .. })
    }

    /// Records a failed call. Returns whether to report that the sink began to fail, or that it fails for long.
    pub(super) fn fail(&mut self, now_nanos: i64) -> bool {
        let is_new = matches!(self.state, State::Working);
        if is_new {
            self.begin(now_nanos);
        }
        if !self.is_failing() {
            (self.run_since_nanos, self.is_run_reported) = (now_nanos, is_new);
        }
        let is_long = !self.is_run_reported
            && now_nanos.saturating_sub(self.run_since_nanos) >= SOON_NANOS
            || now_nanos.saturating_sub(self.reported_at_nanos) >= REPEATED_NANOS;
        let is_reported = is_new || is_long;
        if is_reported {
            (self.is_run_reported, self.reported_at_nanos) = (true, now_nanos);
        }
        self.failures += 1;
        let pause_nanos = self.backoff.next_pause().as_nanos() as i64;
        let retry_at_nanos = now_nanos.saturating_add(pause_nanos);
        self.state = State::Failing { retry_at_nanos, pause_nanos };
        is_reported
    }

    fn begin(&mut self, now_nanos: i64) {
        let is_soon = self
            .recovered_at_nanos
            .is_some_and(|at| (0..SOON_NANOS).contains(&now_nanos.saturating_sub(at)));
        if is_soon {
            self.trial_nanos = (self.trial_nanos * 2).clamp(SOON_NANOS, TRIAL_NANOS_MAX);
        } else {
            self.trial_nanos = 0;
            self.backoff.reset();
        }
        (self.failing_since_nanos, self.failures) = (now_nanos, 0);
    }

    /// Whether a failing sink is to be tried now.
    pub(super) fn is_retry_due(&self, now_nanos: i64) -> bool {
        let State::Failing { retry_at_nanos, pause_nanos } = self.state else { return false };
        // A clock that was set back must not make the pause longer.
        let early = retry_at_nanos.saturating_sub(now_nanos);
        early <= 0 || early > pause_nanos
    }

    /// A failing sink is tried at the next opportunity.
    pub(super) fn retry_at_once(&mut self) {
        if let State::Failing { retry_at_nanos, .. } = &mut self.state {
            *retry_at_nanos = i64::MIN;
        }
    }

    /// A failing sink worked. Returns what to report, unless it has to work for a while first.
    pub(super) fn succeed(&mut self, now_nanos: i64) -> Option<Recovery> {
        self.works_since_nanos = now_nanos;
        self.state = State::OnTrial { since_nanos: now_nanos };
        self.end_trial(now_nanos)
    }

    /// Returns the recovery to report if the sink has worked for long enough.
    pub(super) fn end_trial(&mut self, now_nanos: i64) -> Option<Recovery> {
        let State::OnTrial { since_nanos } = &mut self.state else { return None };
        let works_nanos = now_nanos.saturating_sub(*since_nanos);
        if works_nanos < 0 {
            *since_nanos = now_nanos;
            return None;
        }
        if works_nanos < self.trial_nanos {
            return None;
        }
        Some(self.recover(now_nanos))
    }

    /// The same at the end, when there is no later opportunity.
    pub(super) fn end_trial_now(&mut self, now_nanos: i64) -> Option<Recovery> {
        matches!(self.state, State::OnTrial { .. }).then(|| self.recover(now_nanos))
    }

    fn recover(&mut self, now_nanos: i64) -> Recovery {
        self.state = State::Working;
        self.recovered_at_nanos = Some(now_nanos);
        let failing_nanos = self.works_since_nanos.saturating_sub(self.failing_since_nanos);
        Recovery { failing_nanos, failures: self.failures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: i64 = 1_000_000;
    const SECOND: i64 = 1000 * MILLI;

    /// Reports of a sink that fails and works again at these times, looked at every 10 ms.
    fn reports(calls: &[(i64, bool)], until: i64) -> Vec<(i64, Option<u64>)> {
        let mut health = SinkHealth::new();
        let mut reports = Vec::new();
        for now in (0..until).step_by(10 * MILLI as usize) {
            for &(_, works) in calls.iter().filter(|(at, _)| *at == now) {
                if works && health.is_failing() {
                    reports.extend(health.succeed(now).map(|ended| (now, Some(ended.failures))));
                } else if !works && health.fail(now) {
                    reports.push((now, None));
                }
            }
            reports.extend(health.end_trial(now).map(|ended| (now, Some(ended.failures))));
        }
        reports
    }

    #[test]
    fn one_failure_is_two_reports_at_once() {
        let calls = [(SECOND, false), (2 * SECOND, true)];
        assert_eq!(reports(&calls, 5 * SECOND), [(SECOND, None), (2 * SECOND, Some(1))]);
    }

    #[test]
    fn failures_minutes_apart_are_reported_at_once() {
        let calls = [(0, false), (SECOND, true), (60 * SECOND, false), (61 * SECOND, true)];
        let at: Vec<i64> = reports(&calls, 70 * SECOND).iter().map(|(at, _)| *at).collect();
        assert_eq!(at, [0, SECOND, 60 * SECOND, 61 * SECOND]);
    }

    /// A directory that is away: a call fails, the next works, 160 ms each.
    #[test]
    fn a_flapping_sink_is_reported_once_per_state() {
        let step = 160 * MILLI;
        let calls: Vec<_> = (0..1000).map(|call| (call * step, call % 2 == 1)).collect();
        let ended_at = 999 * step;
        let reports = reports(&calls, ended_at + 60 * SECOND);
        let expected =
            [(0, None), (step, Some(1)), (2 * step, None), (ended_at + 10 * SECOND, Some(499))];
        assert_eq!(reports, expected);
    }

    /// Two single errors, then a full disk for an hour, within the trial.
    #[test]
    fn an_outage_after_single_errors_is_reported() {
        let mut calls = vec![(0, false), (SECOND, true), (2 * SECOND, false), (3 * SECOND, true)];
        calls.extend((4..3600).map(|second| (second * SECOND, false)));
        let reports = reports(&calls, 3600 * SECOND);
        let at: Vec<i64> = reports.iter().map(|(at, _)| *at / SECOND).collect();
        assert_eq!(at[..5], [0, 1, 2, 14, 314], "{at:?}");
        assert_eq!(at.len(), 3 + 3600 / 300, "{at:?}");
    }

    #[test]
    fn each_relapse_doubles_the_trial() {
        let mut health = SinkHealth::new();
        let (mut now, mut trials) = (0, Vec::new());
        for _ in 0..9 {
            assert!(health.fail(now));
            now += SECOND;
            let start = now;
            let mut ended = health.succeed(now);
            while ended.is_none() {
                now += SECOND;
                ended = health.end_trial(now);
            }
            trials.push((now - start) / SECOND);
            now += SECOND;
        }
        assert_eq!(trials, [0, 10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn a_clock_set_back_extends_nothing() {
        let mut health = SinkHealth::new();
        health.fail(100 * SECOND);
        assert!(!health.is_retry_due(100 * SECOND) && health.is_retry_due(SECOND));
        health.succeed(SECOND);
        health.fail(2 * SECOND);
        assert_eq!(health.succeed(100 * SECOND), None);
        assert_eq!(health.end_trial(SECOND), None);
        assert!(health.end_trial(11 * SECOND).is_some());
    }
}
