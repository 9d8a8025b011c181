//! Standard input through an engine into rotating files.
use std::io;
use std::time::Duration;

use ringseal::core::clock::{Clock, SystemClock};
use ringseal::sink::file::FileSink;
use ringseal::{Config, Engine, Filter, Level, LevelFilter, Overflow};

use super::event_fields::{EngineSink, limits};
use super::retrying_sink::RetryingSink;
use super::sampling::SamplingOptions;
use super::stoppable_input::{Signals, Stoppable};
use super::summary::Summary;
use super::{Counts, Input};
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::log_file_options::LogFileOptions;
use crate::redact::RuleOptions;

const EXAMPLES: &str = "\
Examples:
  my-service 2>&1 | ringseal pipe --dir /var/log/my-service
  my-service | ringseal pipe --dir logs --rotate-bytes 64MiB --keep 20
  ringseal pipe --dir x-logs --format text < old.log && ringseal cat x-logs
  my-service | ringseal pipe --dir logs --preset payments --profile audit
  my-service | ringseal pipe --dir logs --sample-levels debug=1%

Each line becomes one JSON line, in order. Nothing is lost: when the disk refuses, pipe waits, and with it \
whoever writes into it. On SIGTERM, SIGINT and SIGHUP it reads what already stands in the pipe, writes it \
and ends; a disk that refuses is waited for 3 seconds more. A second signal ends it at once.

What becomes of a line that is a JSON object:
  timestamp  the time of arrival; `cat --since` and `--until` go by it. The
             line's own `timestamp`, `@timestamp`, `time` or `ts` (the first
             that is there) is kept as `original_timestamp`.
  level      from `level`, `log.level`, `severity` or `lvl`: a word in any
             case (warning, fatal, notice ...) or a number as pino writes it
             (10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 critical);
             otherwise info.
  event      from `event`, `message` or `msg`, the first that is there and a
             string; the others stay fields. Without any: --event-name.
  the rest   stays as it is, numbers in their spelling. What stands under a
             key of the engine's own (`target`, `run_id`, `seq` ...) goes to
             `original_` and the key. Of a key twice, the last counts.

A line of text becomes `message`, with the level that its beginning shows.

Segments stay until a --keep option says otherwise: a live service wants one.

Secrets and personal data are masked by the standard rules, by others when asked for, or with \
--no-redact not at all. With a --sample option, part of the events below warn is left out and counted; \
a kept line tells its rate, and `ringseal.suppressed` what a limit has left out.

Exit codes: 0 end of input and every line in place, 1 something is missing or could not be read \
(said on standard error), 2 wrong usage or the log could not be opened, 128 and the signal's number \
(143 for SIGTERM) when a signal ended it and every line that was read is in place.";

/// As good as for ever.
const PATIENCE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Writes standard input into rotating files, line by line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    files: LogFileOptions,
    #[command(flatten)]
    input: Input,
    /// The `target` of every line: where it comes from.
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    target: String,
    /// Write everything as it came in.
    #[arg(long, conflicts_with = "RuleOptions")]
    no_redact: bool,
    #[command(flatten)]
    rules: RuleOptions,
    #[command(flatten)]
    sampling: SamplingOptions,
    /// Say nothing at the end when every line is in place.
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// When the log cannot be opened.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let signals = Signals::take().map_err(Failure::of)?;
    let engine = start(args, &signals)?;
    let mut counts = Counts::default();
    let read = {
        let logger = engine.logger();
        let mut events = EngineSink::new(&logger, &args.target);
        let mut from = Stoppable::new(io::stdin(), &signals);
        super::run(&mut from, &args.input, &mut events, &mut counts)
    };
    let flushed = engine.sync();
    let summary = Summary {
        counts,
        metrics: engine.metrics(),
        path: args.files.path(),
        read_error: read.err().map(|error| error.to_string()),
        flush_error: flushed.err().map(|error| error.to_string()),
    };
    let stopped = engine.stop();
    let mut problems = summary.problems();
    problems.extend(stopped.err().map(|error| format!("stopping: {error}")));
    if !args.quiet || !problems.is_empty() {
        write_stderr(format_args!("{summary}"));
    }
    for problem in &problems {
        write_stderr(problem);
    }
    Ok(match signals.number() {
        _ if !problems.is_empty() => ExitStatus::Findings,
        Some(number) => ExitStatus::Signal(number),
        None => ExitStatus::Success,
    })
}

fn start(args: &Args, signals: &Signals) -> Result<Engine, Failure> {
    let config = match args.no_redact {
        true => Config::new().no_redaction(),
        false => Config::new().redact(args.rules.rule_set()?),
    };
    let config = config.sampling(args.sampling.policy()?);
    let limits = limits(args.input.line_bytes_max);
    let sink = FileSink::open(args.files.sink_config(), SystemClock.now()).map_err(Failure::of)?;
    let config = config
        .filter(Filter::new(LevelFilter::AtLeast(Level::Trace)))
        .limits(limits)
        // A record is at most a quarter of the ring.
        .ring_bytes(limits.record_bytes_max as usize * 4)
        .overflow([Overflow::Wait(PATIENCE); Level::COUNT])
        .flush_max(PATIENCE)
        .shutdown_max(PATIENCE)
        .sink(Box::new(RetryingSink::new(sink, signals.watch())));
    Engine::start(config).map_err(Failure::of)
}
