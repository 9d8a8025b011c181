//! `ringseal peek`: shows the events that wait in the rings of a process, live or killed.
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use ringseal::internals::recover::{DeadHome, From, Showing, Shown, TakeLine, show};
use ringseal::internals::writer::RedactionConfig;
use ringseal::system::{Clock, SystemClock};
use ringseal::{Level, LevelFilter};

use crate::cat::{ConsoleOptions, ConsoleWriter, ShownTime, parse_level};
use crate::console::{Color, ExitStatus, Failure, write_stderr};
use crate::line::LineParser;
use crate::redact::RuleOptions;
use crate::rings::homes::{self, Home, Status};

const EXAMPLES: &str = "\
Examples:
  ringseal peek 4711                     what process 4711 has not written yet
  ringseal peek /dev/shm/shop            of the only home in a directory
  ringseal peek 4711 --history -l debug  with what is still in its rings
  ringseal peek 4711 --history --thread main --json

Nothing is changed, and the process is not disturbed. Events come in order of time. Those that are shown may \
be in the log already: ring space is given back some time after a line is written. `ringseal recover \
--dry-run` counts what is missing.

--history also shows what was given back and is not overwritten yet, in each thread up to the last MiB or \
so. Where an output of the program takes fewer levels than its filter lets pass, this is the only place in \
which the other events are found: a flight recorder. An event whose context was defined before the oldest \
record in the ring is shown without it.

Events are redacted by the default rules, or those given with --preset and --rules.

Exit codes: 0 everything was shown, 1 something could not be read (reported on standard error), 2 wrong \
usage, or no such home.";

/// Shows the events that wait in the rings of a live or killed process.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A home, a directory with one home, the number of a process, or the identifier of a run; the last two in the
    /// default directory. [default: the only home there]
    #[arg(value_name = "HOME|DIR|PID")]
    home: Option<PathBuf>,
    /// Also show what is still in the rings although it was given back.
    #[arg(long)]
    history: bool,
    /// Only events of this level and above: trace, debug, info, warn, error, critical.
    #[arg(short, long, value_name = "LEVEL", value_parser = parse_level)]
    level: Option<Level>,
    /// Only events in the rings of this thread, by its number or name.
    #[arg(long, value_name = "THREAD")]
    thread: Option<String>,
    /// JSON lines for other programs, as a log file has them.
    #[arg(long, conflicts_with_all = ["local", "all"])]
    json: bool,
    /// Show times in the local zone.
    #[arg(long)]
    local: bool,
    /// Also show the engine's own fields in the readable format.
    #[arg(short, long)]
    all: bool,
    /// Show events as they were logged, with secrets and personal data.
    #[arg(long, conflicts_with = "RuleOptions")]
    unredacted: bool,
    #[command(flatten)]
    rules: RuleOptions,
}

/// Runs the command.
///
/// # Errors
/// If there is no such home or it cannot be read.
pub fn run(args: &Args, color: Color) -> Result<ExitStatus, Failure> {
    let home = only_home(args)?;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Message(format!("{}: {error}", home.dir.display()))
    };
    if let Status::Unreadable(reason) = &home.status {
        return Err(failed(reason));
    }
    let showing = showing(args, home.is_live())?;
    let looked = DeadHome::look(&homes::storage(), &home.dir);
    let looked = looked.map_err(|error| failed(&homes::reason(error)))?;
    let printer = Arc::new(std::sync::Mutex::new(Printer::new(args, color)));
    let shown = match show(&looked, &showing, take(&printer)) {
        Ok(shown) => shown,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error.into()),
        Err(error) => return Err(failed(&error)),
    };
    lock(&printer).out.flush()?;
    Ok(report(shown))
}

fn lock(printer: &std::sync::Mutex<Printer>) -> std::sync::MutexGuard<'_, Printer> {
    printer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn take(printer: &Arc<std::sync::Mutex<Printer>>) -> TakeLine {
    let printer = Arc::clone(printer);
    Box::new(move |line| lock(&printer).write(line))
}

/// The home that the argument names.
fn only_home(args: &Args) -> Result<Home, Failure> {
    let dir = match &args.home {
        Some(home) => home.clone(),
        None => homes::default_dir()?,
    };
    let mut found = homes::resolve(&dir)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::Message(format!("{}: expected a home, found none", dir.display()))),
        count => {
            let names: Vec<String> =
                found.iter().map(|home| home.dir.display().to_string()).collect();
            Err(Failure::Message(format!(
                "{}: expected one home, found {count}; name one of them:\n{}",
                dir.display(),
                names.join("\n")
            )))
        }
    }
}

fn showing(args: &Args, is_live: bool) -> Result<Showing, Failure> {
    Ok(Showing {
        from: if args.history { From::History } else { From::Head },
        is_live,
        level: LevelFilter::AtLeast(args.level.unwrap_or(Level::Trace)),
        redaction: redaction(args.unredacted, &args.rules)?,
        thread: args.thread.clone(),
        mark: None,
    })
}

/// How events are redacted.
pub(crate) fn redaction(is_off: bool, rules: &RuleOptions) -> Result<RedactionConfig, Failure> {
    let rules = if is_off { None } else { Some(rules.compile()?) };
    Ok(RedactionConfig { rules, tokenizer: None })
}

fn report(shown: Shown) -> ExitStatus {
    if shown.unreadable > 0 {
        write_stderr(format_args!("{} records or rings cannot be read", shown.unreadable));
    }
    if shown.busy_lanes > 0 {
        write_stderr(format_args!(
            "the rings of {} threads changed faster than they could be read, or ended",
            shown.busy_lanes
        ));
    }
    let is_whole = shown.unreadable + shown.busy_lanes == 0;
    if is_whole { ExitStatus::Success } else { ExitStatus::Findings }
}

/// Writes lines to standard output.
struct Printer {
    out: io::BufWriter<io::Stdout>,
    /// `None`: as they are.
    console: Option<ConsoleWriter>,
}

impl Printer {
    fn new(args: &Args, color: Color) -> Printer {
        let time = if args.local { ShownTime::local() } else { ShownTime::Utc };
        let parser = LineParser::new(SystemClock.now().unix_nanos);
        let options = ConsoleOptions::of(color, args.all);
        Printer {
            out: io::BufWriter::with_capacity(256 * 1024, io::stdout()),
            console: (!args.json).then(|| ConsoleWriter::new(options, time, parser)),
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.console {
            Some(console) => console.write(line.trim_ascii_end(), &mut self.out),
            None => self.out.write_all(line),
        }
    }
}
