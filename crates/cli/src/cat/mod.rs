//! `ringseal cat`: reads logs back, for people or as they are, once or following.
//!
//! Memory stays flat: one read buffer per log and one output buffer. Lines are parsed only when a
//! filter, the merging of several logs or the form for people needs it.
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use ringseal::core::LevelFilter;
use ringseal::sink::file::reader::Gap;

use crate::out::{Color, Failure, Outcome, complain};
use crate::progress::Progress;
use crate::time::Moment;

mod filter;
mod merge;
mod open;
mod show;

use filter::Filter;
use merge::{Merge, Turn};
use open::{Opener, unix_nanos_now};
pub(crate) use show::is_word;
use show::{Look, People};

const EXAMPLES: &str = "\
Examples:
  ringseal cat /var/log/app                        every log in a directory, oldest segment first
  ringseal cat -f /var/log/app/app.log             follow one log through its rotations
  ringseal cat --sealed app.log --since 2h         with its sealed segments, the last two hours
  ringseal cat logs --level warn --grep timeout    warnings and graver ones that contain `timeout`
  ringseal cat logs --field http.status=500 --json raw lines with that field, for another program
  zcat old.gz | ringseal cat -                     standard input

Exit codes: 0 all read, 1 something could not be read (said on standard error), 2 wrong usage or nothing to read.
Several logs are merged by the time in their lines.";

/// Shows logs for people, or filters them for programs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Log files, directories with logs (`*.log` and their sealed segments), or `-` for standard
    /// input.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Go on when the end is reached, through rotations.
    #[arg(short, long)]
    follow: bool,
    /// Begin with the sealed segments of a FILE too, oldest first. (Of a DIR they are always read.)
    #[arg(long)]
    sealed: bool,
    /// Only lines of this level or graver: trace, debug, info, warn, error, critical.
    #[arg(short, long, value_name = "LEVEL")]
    level: Option<LevelFilter>,
    /// Only lines from this moment on: RFC 3339, a date (UTC), or a span ago such as 15m, 2h, 3d.
    #[arg(long, value_name = "MOMENT")]
    since: Option<Moment>,
    /// Only lines before this moment.
    #[arg(long, value_name = "MOMENT")]
    until: Option<Moment>,
    /// Only lines that contain this text, byte for byte as it stands in the file.
    #[arg(short, long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only lines in which this field has this value. Dots reach into nested fields. May be given
    /// several times.
    #[arg(long = "field", value_name = "KEY=VALUE", value_parser = filter::parse_field)]
    fields: Vec<(String, String)>,
    /// Lines as they are in the file, without padding, instead of the form for people.
    #[arg(long)]
    json: bool,
    /// In the form for people, show the fields of the engine as well: run_id, schema_version, seq.
    #[arg(short, long)]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// When nothing could be read, or the output could not be written.
pub fn run(args: &Args, color: Color) -> Result<Outcome, Failure> {
    let now = unix_nanos_now();
    let mut opener = Opener::new(args, args.since.map(|moment| moment.unix_nanos(now)));
    let merge = Merge::new(opener.open_all(&args.paths)?, args.follow);
    let printer = Printer {
        out: io::BufWriter::with_capacity(256 * 1024, io::stdout().lock()),
        filter: Filter::new(args, now),
        people: (!args.json).then(|| People::new(Look::of(color, args.all))),
    };
    let progress = if args.follow { Progress::none() } else { Progress::new(opener.total_bytes) };
    let mut cat = Cat { printer, opener, progress, follow: args.follow, findings: false };
    cat.run(merge)?;
    cat.printer.out.flush()?;
    Ok(if cat.findings { Outcome::Findings } else { Outcome::Fine })
}

/// Filters lines and writes them.
struct Printer<W: Write> {
    out: W,
    filter: Filter,
    people: Option<People>,
}

impl<W: Write> Printer<W> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.filter.passes(line) {
            return Ok(());
        }
        match &mut self.people {
            Some(people) => people.write(line, &mut self.out),
            None => {
                self.out.write_all(line.trim_ascii())?;
                self.out.write_all(b"\n")
            }
        }
    }
}

struct Cat<W: Write> {
    printer: Printer<W>,
    opener: Opener,
    progress: Progress,
    follow: bool,
    findings: bool,
}

impl<W: Write> Cat<W> {
    fn run(&mut self, mut merge: Merge) -> io::Result<()> {
        let mut pause = Pause::default();
        loop {
            match merge.next_turn() {
                Ok(Turn::Line(line)) => {
                    self.printer.line(line)?;
                    self.progress.add(line.len() + 1);
                    pause.reset();
                }
                Ok(Turn::Idle) => {
                    self.printer.out.flush()?;
                    merge.add(self.opener.open_new());
                    pause.sleep();
                }
                Ok(Turn::Gap(index, gap)) => {
                    let path = merge.path(index);
                    self.report(format!("{}: {}", path.display(), in_words(gap)))?;
                }
                Ok(Turn::End) => return Ok(()),
                Err(error) => {
                    self.report(error.to_string())?;
                    if self.follow {
                        pause.sleep();
                    }
                }
            }
        }
    }

    /// Says on standard error what could not be read, at its place between the lines.
    fn report(&mut self, message: String) -> io::Result<()> {
        self.printer.out.flush()?;
        self.progress.suspended(|| complain(message));
        self.findings = true;
        Ok(())
    }
}

fn in_words(gap: Gap) -> String {
    match gap {
        Gap::Removed { segments, next } => {
            let number = if segments == 1 {
                "1 sealed segment was".into()
            } else {
                format!("{segments} sealed segments were")
            };
            format!("{number} removed before they could be read; going on with number {next}")
        }
        Gap::Truncated { read_bytes, found_bytes } => format!(
            "was shortened or rewritten (read {read_bytes} bytes, found {found_bytes}); reading from its start"
        ),
        Gap::Unknown { next } => format!(
            "was removed while being read; sealed segments before number {next} may be missing"
        ),
        other => format!("{other:?}"),
    }
}

/// How long to sleep when nothing is new: short after a line, then longer.
#[derive(Debug, Default)]
struct Pause {
    millis: u64,
}

impl Pause {
    const MILLIS_MAX: u64 = 200;

    fn reset(&mut self) {
        self.millis = 0;
    }

    fn sleep(&mut self) {
        self.millis = (self.millis * 2).clamp(10, Self::MILLIS_MAX);
        std::thread::sleep(Duration::from_millis(self.millis));
    }
}
