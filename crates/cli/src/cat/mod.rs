//! `ringseal cat`: reads logs back, formatted or unchanged, once or following.
//!
//! Memory is constant: one read buffer per log, which grows for a long line up to a limit, and one output buffer. Lines
//! are parsed only if a filter, the merge of several logs, the console format or `--json` needs it.
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use ringseal::Level;
use ringseal::internals::core::backoff::Backoff;
use ringseal::sink::file::reader::Gap;

use crate::console::{self, Color, ExitStatus, Failure, write_stderr};
use crate::line::{KeyOptions, LineParser};
use crate::progress::Progress;
use crate::size::{format_bytes, format_count, parse_bytes};
use crate::time::{Moment, write_millis};

mod console_format;
mod error_text;
mod filter;
mod log_opener;
mod merge;
mod shown_time;
mod trace;

pub(crate) use console_format::{ConsoleOptions, ConsoleWriter, is_word, write_key};
pub(crate) use filter::parse_level;
use filter::{FieldTest, Filter, Verdict};
pub(crate) use log_opener::{LogOpener, Reading, contains_audit_log, unix_nanos_now};
use merge::{Merge, MergeStep};
pub(crate) use shown_time::ShownTime;
use trace::Trace;

const EXAMPLES: &str = "\
Examples:
  ringseal cat /var/log/app                      all logs of a directory
  ringseal cat -f /var/log/app/app.log           follow one through rotations
  ringseal cat --sealed app.log --since 2h       with its sealed segments
  ringseal cat logs --level warn --grep timeout  warn and above with that text
  ringseal cat logs --field http.status=500 --json
                                                 JSON for another program
  ringseal cat shop.log pay.log --trace 0af7651916cd43dd8448eb211c80319c
                                                 one trace, as a tree of spans
  ringseal cat logs -n 20 --local                the last 20, in local time
  ringseal cat logs --field error --field 'path~=/api/*'
                                                 with an error and such a path
  zcat old.gz | ringseal cat -                   standard input

Several logs are merged by the time in their lines. Times may be RFC 3339, RFC 2822, those of syslog and \
of access logs, and numbers of seconds to nanoseconds; without a zone they are in UTC.

A line without a level, time or field does not pass a filter on it. With --since and --until, the number \
of lines without a time that is understood is reported on standard error. Lines of text that have neither \
level nor time, such as a stack trace, pass --level, --since, --until and --field if the line before them \
does. --grep looks at each line separately.

JSON after a prefix (CRI, Compose, syslog ...) is JSON; --json prints it without the prefix. UTF-16, \
UTF-32, gzip and zstd are decoded, in files that are named and in standard input.

Exit codes: 0 all read, 1 something could not be read or was too long to be shown whole (reported on \
standard error), 2 wrong usage or nothing to read.";

/// Shows logs in a readable format, or filters them for other programs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Log files, directories with logs (`*.log` and their sealed segments), or `-` for standard
    /// input.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Wait for new lines at the end, through rotations.
    #[arg(short, long)]
    follow: bool,
    /// Read the sealed segments of a FILE too, oldest first. (Those of a DIR are always read.)
    #[arg(long)]
    sealed: bool,
    /// Only lines of this level and above: trace, debug, info, warn, error, critical.
    #[arg(short, long, value_name = "LEVEL", value_parser = parse_level)]
    level: Option<Level>,
    /// Only lines from this moment on: RFC 3339, a date (UTC), or a duration before now such as 15m, 2h, 3d.
    #[arg(long, value_name = "MOMENT")]
    since: Option<Moment>,
    /// Only lines before this moment.
    #[arg(long, value_name = "MOMENT")]
    until: Option<Moment>,
    /// Only lines that contain this text, byte for byte as in the file.
    #[arg(short, long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only lines that have this field, in which it has this value, or in which it matches this pattern (`*` for any
    /// text, `?` for a character). Dots reach into nested fields. May be given several times.
    #[arg(long = "field", value_name = "KEY[=VALUE|~=PATTERN]", value_parser = FieldTest::parse)]
    fields: Vec<FieldTest>,
    /// Only the last lines, this many of those that pass the filters. With --follow, then all new ones.
    #[arg(short = 'n', long, value_name = "COUNT")]
    last: Option<usize>,
    /// Show times in the local zone (`TZ`, or the system's), in the readable format.
    #[arg(long, conflicts_with_all = ["json", "raw"])]
    local: bool,
    /// For other programs: only lines that are JSON objects, as in the file, without padding and prefix, and repaired
    /// where a strict reader would refuse them. The number of other lines is reported on standard error.
    #[arg(long)]
    json: bool,
    /// All lines as in the file, JSON or not, without padding.
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Show only the beginning of a longer line, or nothing with --json, and report file and line on standard error.
    /// Trailing blanks do not count. Memory is up to about three times this per log.
    #[arg(long, value_name = "BYTES", default_value = "256MiB", value_parser = parse_line_bytes)]
    line_bytes_max: usize,
    /// Show one trace as a tree of spans with durations, and the events of each span under it. With --json, one object.
    #[arg(
        long,
        value_name = "ID",
        value_parser = trace::parse_id,
        conflicts_with_all = ["follow", "level", "grep", "fields", "last", "local", "raw"]
    )]
    trace: Option<String>,
    #[command(flatten)]
    keys: KeyOptions,
    /// Also show the engine's own fields in the readable format: run_id, schema_version, seq.
    #[arg(short, long)]
    all: bool,
}

/// Upper bound of `--line-bytes-max`.
const LINE_BYTES_MAX: u64 = 1 << 30;

pub(crate) fn parse_line_bytes(text: &str) -> Result<usize, String> {
    let bytes = parse_bytes(text)?;
    let fits = (1..=LINE_BYTES_MAX).contains(&bytes).then(|| usize::try_from(bytes).ok()).flatten();
    fits.ok_or_else(|| "expected 1 B to 1 GiB".into())
}

/// Runs the command.
///
/// # Errors
/// If nothing could be read or the output could not be written.
pub fn run(args: &Args, color: Color) -> Result<ExitStatus, Failure> {
    let now = unix_nanos_now();
    check_time_range(args.since, args.until, now)?;
    let mut opener = LogOpener::new(&Reading {
        follow: args.follow,
        sealed: args.sealed,
        line_bytes_max: args.line_bytes_max,
        since: args.since.map(|moment| moment.unix_nanos(now)),
    });
    let parser = || LineParser::new(now).with_keys(&args.keys);
    let merge = Merge::new(opener.open_all(&args.paths)?, args.follow, parser());
    if let Some(id) = &args.trace {
        let trace = Trace::new(id, parser());
        return show_trace(args, trace, merge, Progress::new(opener.total_bytes), now);
    }
    let printer = Printer {
        out: io::BufWriter::with_capacity(256 * 1024, io::stdout().lock()),
        filter: Filter::new(args, now, parser()),
        console_writer: (!args.json && !args.raw).then(|| {
            ConsoleWriter::new(ConsoleOptions::of(color, args.all), shown_time(args), parser())
        }),
        json_parser: args.json.then(|| LineParser::new(now)),
    };
    let progress = if args.follow { Progress::hidden() } else { Progress::new(opener.total_bytes) };
    let last = args.last.map(Last::new);
    let mut cat =
        Cat { printer, last, opener, progress, args, skipped: 0, untimed: 0, findings: false };
    cat.run(merge)?;
    cat.end_last()?;
    cat.printer.out.flush()?;
    cat.report_skipped();
    Ok(if cat.findings { ExitStatus::Findings } else { ExitStatus::Success })
}

/// Collects the lines of a trace and shows them.
fn show_trace(
    args: &Args,
    mut trace: Trace,
    mut merge: Merge,
    mut progress: Progress,
    now: i64,
) -> Result<ExitStatus, Failure> {
    let nanos = |moment: Option<Moment>| moment.map(|moment| moment.unix_nanos(now));
    let (since, until) = (nanos(args.since), nanos(args.until));
    let in_range = |time: Option<i64>| {
        since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && until.is_none_or(|until| time.is_some_and(|time| time < until))
    };
    let mut findings = false;
    let mut report = |message: String| {
        write_stderr(message);
        findings = true;
    };
    let logs = merge.log_names();
    loop {
        match merge.next_step() {
            Ok(MergeStep::Line(log, line)) => {
                progress.add(line.len() + 1);
                trace.add(line, || logs.get(log).cloned().unwrap_or_default(), in_range);
            }
            Ok(MergeStep::Gap(log, gap)) => {
                report(format!("{}: {}", merge.path(log).display(), describe_gap(gap)));
            }
            Ok(MergeStep::Idle | MergeStep::End) => break,
            Err(error) => report(error.to_string()),
        }
    }
    drop(progress);
    if trace.left_out > 0 {
        let (kept, more) = (format_count(trace.lines() as u64), format_count(trace.left_out));
        report(format!("the trace has {more} lines more than the {kept} that are shown"));
    }
    if trace.lines() == 0 {
        report("no line of this trace was found".into());
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.json {
        true => trace.write_json(&mut out)?,
        false => trace.write(&mut out)?,
    }
    out.flush()?;
    Ok(if findings { ExitStatus::Findings } else { ExitStatus::Success })
}

fn shown_time(args: &Args) -> ShownTime {
    if args.local { ShownTime::local() } else { ShownTime::Utc }
}

/// Refuses a time range that cannot contain a line.
pub(crate) fn check_time_range(
    since: Option<Moment>,
    until: Option<Moment>,
    now: i64,
) -> Result<(), Failure> {
    let (Some(since), Some(until)) = (since, until) else { return Ok(()) };
    let (since, until) = (since.unix_nanos(now), until.unix_nanos(now));
    if since < until {
        return Ok(());
    }
    let text = |nanos| String::from_utf8_lossy(&write_millis(nanos)).into_owned();
    let (since, until) = (text(since), text(until));
    let relation = if since == until { "equals" } else { "is after" };
    Err(Failure::Message(format!(
        "--since ({since}) {relation} --until ({until}), which is exclusive: no line is in this range"
    )))
}

/// Filters lines and writes them.
struct Printer<W: Write> {
    out: W,
    filter: Filter,
    console_writer: Option<ConsoleWriter>,
    /// With --json, to print only what a strict reader accepts.
    json_parser: Option<LineParser>,
}

impl<W: Write> Printer<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some(console_writer) = &mut self.console_writer {
            return console_writer.write(line, &mut self.out);
        }
        match &mut self.json_parser {
            Some(parser) => self.out.write_all(parser.parse(line).text.trim().as_bytes())?,
            None => self.out.write_all(line.trim_ascii())?,
        }
        self.out.write_all(b"\n")
    }
}

/// The last lines that pass the filters, while it is unknown whether more follow.
struct Last {
    lines: VecDeque<Vec<u8>>,
    count: usize,
}

impl Last {
    fn new(count: usize) -> Self {
        Self { lines: VecDeque::new(), count }
    }

    /// Keeps a line in place of the oldest one.
    fn push(&mut self, line: &[u8]) {
        let is_full = self.lines.len() >= self.count;
        let mut kept = if is_full { self.lines.pop_front() } else { None }.unwrap_or_default();
        kept.clear();
        if self.count > 0 {
            kept.extend_from_slice(line);
            self.lines.push_back(kept);
        }
    }
}

struct Cat<'a, W: Write> {
    printer: Printer<W>,
    /// With --last, until the end of what is there.
    last: Option<Last>,
    opener: LogOpener,
    progress: Progress,
    args: &'a Args,
    /// Lines that `--json` skipped because they are not JSON.
    skipped: u64,
    /// Lines that --since and --until hide because their time is missing or not understood.
    untimed: u64,
    findings: bool,
}

impl<W: Write> Cat<'_, W> {
    fn run(&mut self, mut merge: Merge) -> io::Result<()> {
        let mut pauses = IDLE_PAUSES;
        loop {
            match merge.next_step() {
                Ok(MergeStep::Line(log, line)) => {
                    self.progress.add(line.len() + 1);
                    pauses.reset();
                    if let Some(beginning) = beginning_if_too_long(line, self.args.line_bytes_max) {
                        let is_shown = self.write_beginning(log, beginning)?;
                        self.report_too_long(&merge.place(log), is_shown)?;
                    } else {
                        self.line(log, line)?;
                    }
                }
                Ok(MergeStep::Idle) => {
                    self.end_last()?;
                    self.printer.out.flush()?;
                    merge.add(self.opener.open_new());
                    console::pause(pauses.next_pause())?;
                }
                Ok(MergeStep::Gap(index, gap)) => {
                    let path = merge.path(index);
                    self.report(format!("{}: {}", path.display(), describe_gap(gap)))?;
                }
                Ok(MergeStep::End) => return Ok(()),
                Err(error) => {
                    self.report(error.to_string())?;
                    if self.args.follow {
                        console::pause(pauses.next_pause())?;
                    }
                }
            }
        }
    }

    fn show(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.last {
            Some(last) => {
                last.push(line);
                Ok(())
            }
            None => self.printer.write(line),
        }
    }

    /// Shows the lines that were kept; later ones are shown at once.
    fn end_last(&mut self) -> io::Result<()> {
        let Some(last) = self.last.take() else { return Ok(()) };
        last.lines.iter().try_for_each(|line| self.printer.write(line))
    }

    fn line(&mut self, log: usize, line: &[u8]) -> io::Result<()> {
        match self.printer.filter.evaluate(log, line) {
            Verdict::Show => self.show(line),
            Verdict::Hide => Ok(()),
            Verdict::NoTime => {
                self.untimed += 1;
                if self.args.follow && self.untimed == 1 {
                    self.progress.suspended(|| write_stderr(UNTIMED));
                }
                Ok(())
            }
            Verdict::NotJson => {
                self.skipped += 1;
                // Following does not end, so the count could never be reported.
                if self.args.follow && self.skipped == 1 {
                    self.progress.suspended(|| write_stderr(SKIPPED));
                }
                Ok(())
            }
        }
    }

    /// Filters and writes the beginning of a line that is too long; returns whether it was shown.
    fn write_beginning(&mut self, log: usize, line: &[u8]) -> io::Result<bool> {
        let is_shown = self.printer.filter.evaluate_beginning(log, line) == Verdict::Show;
        if is_shown {
            self.show(line)?;
        }
        Ok(is_shown)
    }

    fn report_too_long(&mut self, place: &str, is_shown: bool) -> io::Result<()> {
        let limit = format_bytes(self.args.line_bytes_max as u64);
        let shown = if is_shown { "only its beginning is shown" } else { "not shown" };
        self.report(format!("{place}: longer than {limit} (--line-bytes-max), {shown}"))
    }

    fn report_skipped(&self) {
        for (count, what) in [(self.skipped, SKIPPED), (self.untimed, UNTIMED)] {
            if count > 0 && !self.args.follow {
                write_stderr(format_args!("{what}: {}", format_count(count)));
            }
        }
    }

    /// Reports unreadable data on standard error, in order with the lines.
    fn report(&mut self, message: String) -> io::Result<()> {
        self.printer.out.flush()?;
        self.progress.suspended(|| write_stderr(message));
        self.findings = true;
        Ok(())
    }
}

const SKIPPED: &str = "skipped lines that are not JSON (--raw shows them)";
const UNTIMED: &str =
    "lines not shown because their time is missing or not understood (--since, --until)";

/// Trailing blanks that do not count towards a line's length: lines are padded to a page at most.
const PADDING_BYTES_MAX: usize = 4096;

/// The number of bytes to read of a line: one more than a whole line may have, so that a cut line is recognized.
fn read_bytes_max(line_bytes_max: usize) -> usize {
    line_bytes_max.saturating_add(PADDING_BYTES_MAX).saturating_add(1)
}

/// Returns the beginning of a line that exceeds the limit, or `None` for a line that does not.
pub(crate) fn beginning_if_too_long(line: &[u8], line_bytes_max: usize) -> Option<&[u8]> {
    let is_whole = line.len() < read_bytes_max(line_bytes_max);
    let bytes = if is_whole { line.trim_ascii_end().len() } else { line.len() };
    (bytes > line_bytes_max).then(|| &line[..char_boundary(line, line_bytes_max)])
}

/// The last position up to `at` that does not split a character; `at` itself if this is not UTF-8.
pub(crate) fn char_boundary(line: &[u8], at: usize) -> usize {
    let continues = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let is_within = |at: &usize| line.get(*at).is_some_and(continues);
    // A character has four bytes at most.
    (at.saturating_sub(3)..=at).rev().find(|at| !is_within(at)).unwrap_or(at)
}

pub(crate) fn describe_gap(gap: Gap) -> String {
    match gap {
        Gap::Removed { segments, next } => {
            let number = if segments == 1 {
                "1 sealed segment was".into()
            } else {
                format!("{segments} sealed segments were")
            };
            format!("{number} removed before being read; continuing with number {next}")
        }
        Gap::Truncated { read_bytes, found_bytes } => format!(
            "was truncated or rewritten (read {read_bytes} bytes, found {found_bytes}); reading from its start"
        ),
        Gap::Unknown { next } => format!(
            "was removed while being read; sealed segments before number {next} may be missing"
        ),
        other => format!("{other:?}"),
    }
}

/// How long to wait for new lines: short after a line, then longer.
const IDLE_PAUSES: Backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(200));
