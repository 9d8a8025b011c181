//! The demo's report.
use std::fmt;
use std::path::PathBuf;

use ringseal::Level;
use ringseal::Metrics;

use super::service::SAMPLED_ONE_IN;
use crate::size::{format_bytes, format_count};
use crate::stopwatch::{Lap, Percentiles, format_nanos};

/// The measurements of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) threads: usize,
    /// Description of the run's settings.
    pub(super) setup: String,
    /// The reason for an early end.
    pub(super) stopped_early: Option<String>,
    pub(super) path: PathBuf,
    pub(super) lap: Lap,
    pub(super) latency: Percentiles,
    /// Time of the two clock readings around a call, in nanoseconds.
    pub(super) clock_nanos: f64,
    pub(super) metrics: Metrics,
    pub(super) files: u64,
}

impl Report {
    fn events(&self) -> u64 {
        self.metrics.events.total()
    }

    fn bytes(&self) -> u64 {
        self.metrics.sinks.iter().map(|sink| sink.bytes).sum()
    }

    /// Events per second of wall time, from the first call until everything was in the files.
    fn events_per_second(&self) -> f64 {
        self.events() as f64 / self.lap.wall.as_secs_f64().max(1e-9)
    }

    /// Bytes per second of wall time.
    fn bytes_per_second(&self) -> f64 {
        self.bytes() as f64 / self.lap.wall.as_secs_f64().max(1e-9)
    }

    /// Nanoseconds of CPU time per event.
    fn cpu_nanos_per_event(&self) -> Option<f64> {
        let cpu = self.lap.cpu?;
        (self.events() > 0).then(|| cpu.as_nanos() as f64 / self.events() as f64)
    }

    fn bytes_per_event(&self) -> u64 {
        self.bytes() / self.events().max(1)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.lap.wall.as_secs_f64();
        let noun = if self.threads == 1 { "thread" } else { "threads" };
        writeln!(f, "run         {} {noun}, {seconds:.1} s, {}", self.threads, self.setup)?;
        if let Some(reason) = &self.stopped_early {
            writeln!(f, "            stopped early: {reason}")?;
        }
        let (events, bytes) = (format_count(self.events()), format_bytes(self.bytes()));
        let path = self.path.display();
        writeln!(f, "written     {events} events, {bytes} in {} files, {path}", self.files)?;
        writeln!(
            f,
            "throughput  {} events/s, {}/s, {} bytes an event",
            format_count(self.events_per_second() as u64),
            format_bytes(self.bytes_per_second() as u64),
            self.bytes_per_event(),
        )?;
        self.write_latency(f)?;
        f.write_str("lost        ")?;
        for (index, level) in Level::ALL.into_iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{} {level}", format_count(self.metrics.lost.of(level)))?;
        }
        let waits = format_count(self.metrics.waits);
        writeln!(f, "\nwaits       {waits} calls found their ring full and waited for space")?;
        match self.cpu_nanos_per_event() {
            Some(nanos) => writeln!(
                f,
                "cpu         {} an event (user and system time of all threads, including the service's)",
                format_nanos(nanos)
            ),
            None => writeln!(f, "cpu         not reported by this system"),
        }
    }
}

impl Report {
    fn write_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Percentiles { count, p50, p90, p99, p999, max } = self.latency;
        let [p50, p90, p99, p999, max] = [p50, p90, p99, p999, max].map(format_nanos);
        let (count, clock) = (format_count(count), format_nanos(self.clock_nanos));
        writeln!(f, "a call took p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, max {max}")?;
        writeln!(
            f,
            "            (one call in {SAMPLED_ONE_IN} is timed, {count} in all; includes {clock} for \
             reading the clock twice,\n            waits for space and time in which the thread was \
             not running)"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ringseal::SinkMetrics;

    use super::*;

    fn report() -> Report {
        let mut metrics = Metrics::default();
        metrics.events.0 = [100, 200, 300, 50, 250, 100];
        metrics.lost.0[3] = 1234;
        let mut sink = SinkMetrics::default();
        sink.bytes = 250_000;
        metrics.sinks = vec![sink];
        let cpu = Some(Duration::from_micros(800));
        let lap = Lap { wall: Duration::from_millis(500), cpu, nanos_per_tick: 1.0 };
        Report {
            threads: 2,
            setup: "full speed".into(),
            stopped_early: None,
            path: "d/ringseal-demo.log".into(),
            lap,
            latency: Percentiles { count: 58, p50: 20.0, p90: 40.0, p99: 1e3, p999: 1e6, max: 1e9 },
            clock_nanos: 13.0,
            metrics,
            files: 3,
        }
    }

    #[test]
    fn rates_are_per_second_and_per_event() {
        let report = report();
        assert_eq!(report.events_per_second(), 2000.0);
        assert_eq!(report.bytes_per_second(), 500_000.0);
        assert_eq!(report.cpu_nanos_per_event(), Some(800.0));
        assert_eq!(report.bytes_per_event(), 250);
    }

    #[test]
    fn a_run_without_events_has_zero_rates() {
        let mut report = report();
        report.metrics = Metrics::default();
        report.lap.wall = Duration::ZERO;
        assert_eq!((report.events_per_second(), report.cpu_nanos_per_event()), (0.0, None));
        assert_eq!(report.bytes_per_event(), 0);
    }

    #[test]
    fn losses_are_reported_for_every_level() {
        let shown = report().to_string();
        let lost = "lost        0 trace, 0 debug, 0 info, 1,234 warn, 0 error, 0 critical\n";
        assert!(shown.contains(lost), "{shown}");
        assert!(shown.contains("2,000 events/s"), "{shown}");
        assert!(shown.contains("p99.9 1.0 ms, max 1.0 s"), "{shown}");
    }
}
