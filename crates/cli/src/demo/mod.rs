//! `ringseal demo`: runs a service that takes orders and logs at full speed, then reports and checks every line.
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::value_parser;
use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{Config, Engine, Filter, Level, LevelFilter, Output, Timestamps};

use crate::console::{ExitStatus, Failure, write_stderr};
use crate::histogram::Histogram;
use crate::progress::Meter;
use crate::size::{format_bytes, format_count, parse_bytes};
use crate::stopwatch::{Percentiles, Stopwatch, ticks};

mod audit;
mod canary;
mod check;
mod cleanup;
mod notes;
mod report;
mod service;
mod survive;

use check::CheckedLog;
use report::Report;
use service::{Worker, WorkerResult};

const EXAMPLES: &str = "\
Examples:
  ringseal demo                          10 s at full speed in ./ringseal-demo
  ringseal demo --rate 100000 --latency  cost of a call at a steady rate
  ringseal demo --threads 8 --seconds 3 --bytes-max 1GiB
  ringseal cat ringseal-demo             show what it wrote
  ringseal demo --survive-kill           kill it, run it again: no event is lost
  ringseal audit keygen --dir ./keys && ringseal demo --audit --seconds 3

LOG_FORMAT=ecs writes lines in the Elastic Common Schema, which `ringseal validate` checks.

Logs of earlier demos in the directory are removed first. Made-up secrets of every kind are logged after \
the run, in fields, maps, errors, URLs and values that are cut; no file may contain one. At the end every \
line is read back: it must parse, each thread's numbers must be complete and in order, and the counts must \
equal the engine's.

Exit codes: 0 success, 1 the check failed, 2 wrong usage or could not run.";

/// Maximum length of a segment.
const ROTATE_BYTES: u64 = 64 << 20;
/// How often the end conditions are checked.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Time limit for flush and shutdown.
const DRAIN_MAX: Duration = Duration::from_secs(120);

/// Runs a service that logs at full speed, reports the cost, and checks every line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Directory of the logs; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "ringseal-demo")]
    dir: PathBuf,
    /// Duration of the run.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    seconds: Duration,
    /// Number of threads that log.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = value_parser!(u16).range(1..=512))]
    threads: u16,
    /// Events per second of all threads together. [default: no limit]
    #[arg(long, value_name = "EVENTS", value_parser = value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Stop before the logs grow beyond this, or beyond half of the free space.
    #[arg(long, value_name = "BYTES", default_value = "4GiB", value_parser = parse_bytes)]
    bytes_max: u64,
    /// Drop events below error instead of waiting when a ring is full.
    #[arg(long)]
    latency: bool,
    /// Use the writer's time, at most 100 µs old, for events instead of reading the clock.
    #[arg(long)]
    coarse: bool,
    /// Also write 1000 audit events per second to DIR/audit, and verify the audit log at the end.
    #[arg(long)]
    audit: bool,
    /// Keep events through a kill: the rings are files, and what a killed demo has not written, the next one with this
    /// option writes. The logs of earlier demos stay, and the log calls of killed ones are checked.
    #[arg(long, conflicts_with_all = ["audit", "latency"])]
    survive_kill: bool,
    /// Keys of the audit log, from `ringseal audit keygen`; they are copied. [default: ./keys if it exists, otherwise
    /// the log is keyless]
    #[arg(long, value_name = "DIR", requires = "audit")]
    keys: Option<PathBuf>,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.01..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected 0.01 to 86400 seconds".into())
}

/// Runs the command.
///
/// # Errors
/// If the directory cannot be prepared, or the logs cannot be opened or read back.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.survive_kill {
        return survive::run(args);
    }
    let path = args.dir.join(cleanup::LOG);
    cleanup::remove_old_logs(&args.dir).map_err(Failure::of)?;
    let plan = args.audit.then(|| audit::AuditPlan::prepare(&args.dir, args.keys.as_deref()));
    let plan = plan.transpose()?;
    let config = config(args, &path, plan.as_ref())?;
    let engine = Engine::start(config).map_err(Failure::of)?;
    let limit = SizeLimit::of(args.bytes_max, free_bytes(&args.dir));
    let watch = Stopwatch::start();
    let ServiceResult { done, audited, stopped_early } =
        run_service(args, &engine, (&limit, None), &watch)?;
    let flushed = engine.flush();
    let lap = watch.lap();
    let (run_id, metrics) = (engine.run_id().to_owned(), engine.metrics());
    let planted = canary::plant(&engine);
    let with_canaries = engine.metrics();
    let stopped = engine.stop();

    let mut latency = Histogram::default();
    done.iter().for_each(|done| latency.merge(&done.latency));
    let mut found = CheckedLog::new(done.len());
    found.read(&path, &run_id).map_err(Failure::of)?;
    let mut problems = found.problems(&done, &with_canaries, planted.cut_events);
    let leaks = planted.find_leaks(&args.dir).map_err(Failure::of)?;
    if found.canaries.total() != planted.events {
        let (found, events) = (found.canaries.total(), planted.events);
        problems
            .push(format!("expected {events} events with canaries in the files, found {found}"));
    }
    problems.extend_from_slice(&leaks.leaks);
    let audited = plan.zip(audited).map(|(plan, done)| plan.verify(done)).transpose()?;
    problems.extend(audited.iter().flat_map(audit::AuditReport::problems));
    let report = Report {
        threads: done.len(),
        setup: describe_setup(args),
        stopped_early,
        path,
        lap,
        latency: Percentiles::of(&latency, lap.nanos_per_tick),
        clock_nanos: clock_nanos(lap.nanos_per_tick),
        metrics,
        files: found.files,
    };
    let mut out = io::stdout().lock();
    write!(out, "{report}{leaks}")?;
    if let Some(audited) = &audited {
        write!(out, "{audited}")?;
    }
    let ends = [("flushing", flushed), ("stopping", stopped)];
    let ends = ends.into_iter().filter_map(|(what, end)| Some(format!("{what}: {}", end.err()?)));
    report_check(&mut out, &found, problems.into_iter().chain(ends).collect())
}

fn report_check(
    out: &mut dyn Write,
    found: &CheckedLog,
    problems: Vec<String>,
) -> Result<ExitStatus, Failure> {
    let lines = format_count(found.total());
    if problems.is_empty() {
        writeln!(
            out,
            "checked     {lines} lines parse; every thread's numbers are in order, and the only gaps are events\n            \
             counted as lost; lines and bytes match the engine's counts"
        )?;
        return Ok(ExitStatus::Success);
    }
    writeln!(out, "checked     {lines} lines: FAILED")?;
    out.flush()?;
    problems.iter().for_each(write_stderr);
    Ok(ExitStatus::Findings)
}

fn config(args: &Args, path: &Path, audit: Option<&audit::AuditPlan>) -> Result<Config, Failure> {
    let file = FileConfig::new(path)
        .rotate_bytes_max(ROTATE_BYTES)
        .rotate_every(RotateEvery::Never)
        .retain_bytes_max(None);
    let config = config_of_environment(|name| std::env::var(name).ok())?
        .filter(Filter::new(LevelFilter::AtLeast(Level::Trace)))
        .output(Output::file(file))
        .timestamps(if args.coarse { Timestamps::Coarse } else { Timestamps::Exact })
        .flush_timeout(DRAIN_MAX)
        .shutdown_timeout(DRAIN_MAX);
    let config = if args.latency { config.low_latency() } else { config };
    Ok(match audit {
        Some(plan) => config.audit(plan.config()),
        None => config,
    })
}

/// The variables that the demo reads.
const VARIABLES: [&str; 5] =
    ["LOG_FORMAT", "SERVICE_TYPE", "APP_VERSION", "ENVIRONMENT", "PROJECT_NAME"];

/// The configuration of the environment, as far as it is about the format. The check reads the lines back, so only
/// formats that it understands are accepted.
fn config_of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Config, Failure> {
    let format = variable("LOG_FORMAT").unwrap_or_default();
    if !["", "json", "ecs"].contains(&&*format.trim().to_ascii_lowercase()) {
        let message =
            format!("LOG_FORMAT={format:?}: expected json or ecs, which the demo can read back");
        return Err(Failure::Message(message));
    }
    let read = |name: &str| VARIABLES.contains(&name).then(|| variable(name)).flatten();
    Config::from_variables(read).map_err(Failure::of)
}

fn describe_setup(args: &Args) -> String {
    let pace = match args.rate {
        Some(rate) => format!("{} events/s requested", format_count(rate)),
        None => "full speed".into(),
    };
    let time = if args.coarse { "coarse" } else { "exact" };
    let full = if args.latency { "drops below error" } else { "waits up to 100 ms" };
    format!("{pace}, {time} timestamps, a full ring {full}")
}

/// The result of the service's run.
struct ServiceResult {
    done: Vec<WorkerResult>,
    audited: Option<audit::AuditResult>,
    /// The reason for an early end.
    stopped_early: Option<String>,
}

/// Runs the threads until the time is over or the size limit is reached.
fn run_service(
    args: &Args,
    engine: &Engine,
    (limit, noted): (&SizeLimit, Option<&notes::Notes>),
    watch: &Stopwatch,
) -> Result<ServiceResult, Failure> {
    let (stop, audit) = (AtomicBool::new(false), engine.audit());
    let rate = args.rate.map(|rate| rate as f64 / f64::from(args.threads));
    std::thread::scope(|scope| {
        let start = |number| {
            let worker = Worker::new(engine.logger(), u64::from(number), rate, &stop);
            let worker = worker.noting(noted);
            let builder = std::thread::Builder::new().name(format!("orders-{number}"));
            builder.spawn_scoped(scope, move || worker.run())
        };
        let threads: Result<Vec<_>, _> = (0..args.threads).map(start).collect();
        let auditor = audit.as_ref().map(|audit| scope.spawn(|| audit::emit(audit, &stop)));
        let stopped_early = match &threads {
            Ok(_) => wait_for_end(args.seconds, engine, limit, watch),
            Err(_) => None,
        };
        // ORDER: relaxed; the flag only ends the threads.
        stop.store(true, Ordering::Relaxed);
        let threads = threads.map_err(Failure::of)?;
        let done: Result<Vec<_>, _> = threads.into_iter().map(|thread| thread.join()).collect();
        let panicked = |_| Failure::Message("a thread of the service panicked".into());
        let done = done.map_err(panicked)?;
        let audited = auditor.map(|auditor| auditor.join()).transpose().map_err(panicked)?;
        Ok(ServiceResult { done, audited, stopped_early })
    })
}

/// Waits until the time is over or the size limit is reached; returns the reason for an early end.
fn wait_for_end(
    seconds: Duration,
    engine: &Engine,
    limit: &SizeLimit,
    watch: &Stopwatch,
) -> Option<String> {
    let millis = seconds.as_millis() as u64;
    let mut meter = Meter::new(millis, "logging  {bar:30} {msg}");
    loop {
        let left = seconds.saturating_sub(watch.elapsed());
        if left.is_zero() {
            return None;
        }
        std::thread::sleep(left.min(POLL_INTERVAL));
        let metrics = engine.metrics();
        if metrics.line_bytes >= limit.stop_at_bytes {
            return Some(limit.to_string());
        }
        meter.set(watch.elapsed().as_millis() as u64);
        let events = format_count(metrics.events.total());
        meter.set_message(|| format!("{events} events, {}", format_bytes(metrics.line_bytes)));
    }
}

/// The limit on the size of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SizeLimit {
    bytes_max: u64,
    is_free_space: bool,
    /// Below `bytes_max`: leaves space for the events still in the rings.
    stop_at_bytes: u64,
}

impl SizeLimit {
    fn of(bytes_max: u64, free_bytes: Option<u64>) -> Self {
        let half = free_bytes.map_or(u64::MAX, |bytes| bytes / 2);
        let is_free_space = half < bytes_max;
        let bytes_max = bytes_max.min(half);
        let stop_at_bytes = bytes_max - (bytes_max / 8).min(64 << 20);
        Self { bytes_max, is_free_space, stop_at_bytes }
    }
}

impl std::fmt::Display for SizeLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = if self.is_free_space { "half of the free space" } else { "--bytes-max" };
        write!(f, "the logs are close to {}, {why}", format_bytes(self.bytes_max))
    }
}

#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_dir: &Path) -> Option<u64> {
    None
}

/// The median time of two clock readings with nothing between them.
fn clock_nanos(nanos_per_tick: f64) -> f64 {
    let mut histogram = Histogram::default();
    for _ in 0..10_000 {
        let start = ticks();
        histogram.record(ticks().wrapping_sub(start));
    }
    histogram.quantile(0.5) as f64 * nanos_per_tick
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_half_the_free_space() {
        let gib = 1 << 30;
        let cases = [
            (4 * gib, Some(100 * gib), 4 * gib, false),
            (4 * gib, Some(6 * gib), 3 * gib, true),
            (4 * gib, Some(0), 0, true),
            (4 * gib, None, 4 * gib, false),
        ];
        for (bytes_max, free, expected, is_free_space) in cases {
            let limit = SizeLimit::of(bytes_max, free);
            assert_eq!((limit.bytes_max, limit.is_free_space), (expected, is_free_space));
            assert!(limit.stop_at_bytes <= expected && limit.stop_at_bytes >= expected / 8 * 7);
        }
    }

    #[test]
    fn formats_that_cannot_be_read_back_are_refused() {
        for (format, is_fine) in
            [("", true), ("json", true), (" ECS ", true), ("console", false), ("xml", false)]
        {
            let of = |name: &str| (name == "LOG_FORMAT").then(|| format.to_owned());
            assert_eq!(config_of_environment(of).is_ok(), is_fine, "{format}");
        }
    }

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["", "0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
