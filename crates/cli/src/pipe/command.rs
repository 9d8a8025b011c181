//! Passes standard input through an engine into rotating files.
use std::io;
use std::time::Duration;

use ringseal::sink::file::FileSink;
use ringseal::system::{Clock, SystemClock};
use ringseal::{Config, Engine, Filter, Level, LevelFilter, Output, Overflow};

use super::event_fields::{EngineSink, limits};
use super::retrying_sink::RetryingSink;
use super::sampling::SamplingOptions;
use super::stoppable_input::{Signals, StoppableInput};
use super::summary::{Compressed, Summary};
use super::{Counts, Input, Reading};
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::input::{self, Refuse};
use crate::log_file_options::LogFileOptions;
use crate::redact::{KeyMask, RuleOptions};

const EXAMPLES: &str = "\
Examples:
  my-service 2>&1 | ringseal pipe --dir /var/log/my-service
  my-service | ringseal pipe --dir logs --rotate-bytes 64MiB --keep 20
  ringseal pipe --dir x-logs --format text < old.log && ringseal cat x-logs
  my-service | ringseal pipe --dir logs --preset payments --profile audit
  my-service | ringseal pipe --dir logs --sample-levels debug=1%

Each line becomes one JSON line, in order. Nothing is lost: if the disk refuses writes, pipe retries and \
reads no further input, so the writing program blocks. On SIGTERM, SIGINT or SIGHUP it reads what is \
already in the pipe, writes it and ends; writes that fail are then retried for 3 more seconds. A second \
signal ends it at once.

How a line that is a JSON object is mapped, also after a prefix (CRI, Compose, syslog, journald, \
`@cee:`, a time or a level), which becomes `line_prefix`:
  timestamp  the time of arrival, which `cat --since` and `--until` use. The
             line's own time (`timestamp`, `@timestamp`, `time`, `ts` ...: the
             first that is a time) is kept as `original_timestamp`.
  level      a word in any case (warning, WRN, fatal, notice ...) or a number
             (pino: 30 info; syslog, Python, OpenTelemetry ...) in the level
             key of any well-known logger: `level`, `log.level`, `severity`,
             `levelname`, `@l` ... Without one: info. A level that is not
             understood: warn, so that sampling keeps the line; its text is
             kept as a field.
  event      from `event`, `message`, `msg` or `fields.message` and others:
             the first that is a string. Without any: --event-name.
  others     unchanged, numbers as written. A key that the engine uses itself
             (`target`, `run_id`, `seq` ...) gets the prefix `original_`. Of
             duplicate keys, the last counts.

A line of text becomes `message`, with the level that its format has at its beginning: Python, Logback, \
log4j, logrus, Apache, nginx, systemd, klog, .NET, Rails, env_logger, PostgreSQL and others; never a word \
of the message. Private keys and values of sensitive keys that span lines of text are masked.

UTF-16 and UTF-32 are decoded; gzip and zstd are unpacked; other compressed input is refused.

All segments are kept unless a --keep option limits them; a long-running service needs one.

Secrets and personal data are masked by the standard rules, by the rules you choose, or not at all with \
--no-redact. With a --sample option, part of the events below warn is dropped and counted; kept lines \
carry their sampling rate, and `ringseal.suppressed` reports what a limit dropped.

Exit codes: 0 end of input and every line written, 1 something is missing or could not be read (reported \
on standard error), 2 wrong usage or the log could not be opened, 128 plus the signal's number (143 for \
SIGTERM) if a signal ended it and every line that was read is written.";

/// Practically unlimited.
const NO_TIMEOUT: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Writes standard input into rotating files, line by line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    files: LogFileOptions,
    #[command(flatten)]
    input: Input,
    /// The `target` of every line: its source.
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    target: String,
    /// Write everything unmasked.
    #[arg(long, conflicts_with = "RuleOptions")]
    no_redact: bool,
    #[command(flatten)]
    rules: RuleOptions,
    #[command(flatten)]
    sampling: SamplingOptions,
    /// Print no summary if every line is written.
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// If the log cannot be opened.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let signals = Signals::install().map_err(Failure::of)?;
    let engine = start(args, &signals)?;
    let mut counts = Counts::default();
    let key_mask = if args.no_redact { None } else { Some(KeyMask::of(args.rules.compile()?)) };
    let reading = Reading { now: SystemClock.now().unix_nanos, key_mask };
    let read = {
        let logger = engine.logger();
        let mut events = EngineSink::new(&logger, &args.target);
        let from = Box::new(StoppableInput::new(io::stdin(), &signals));
        input::open(from, Refuse::Signatures).and_then(|mut from| {
            super::run(&mut from.text, &args.input, reading, &mut events, &mut counts)
        })
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
    let compressed = args.files.compress.then(|| Compressed::of(&summary.path)).flatten();
    problems.extend(stopped.err().map(|error| format!("stopping: {error}")));
    if !args.quiet || !problems.is_empty() {
        write_stderr(format_args!("{summary}{}", compressed.unwrap_or_default()));
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
        // A record may take at most a quarter of the ring.
        .ring_bytes(limits.record_bytes_max as usize * 4)
        .overflow([Overflow::Wait(NO_TIMEOUT); Level::COUNT])
        .flush_timeout(NO_TIMEOUT)
        .shutdown_timeout(NO_TIMEOUT)
        .output(Output::custom(RetryingSink::new(sink, signals.watch(), FileSink::wait_idle)));
    Engine::start(config).map_err(Failure::of)
}
