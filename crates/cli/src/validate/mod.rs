//! `ringseal validate`: checks that the lines of logs fit a schema or a taxonomy, and names what does not.
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ringseal::internals::printable::Printable;
use ringseal::sink::file::reader::{logs_in, segments_of};

use crate::console::{ExitStatus, Failure, write_stderr};
use crate::input::{self, Refuse};
use crate::size::format_count;

mod ecs;
mod taxonomy;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    /// The path of the field, with dots.
    field: String,
    /// What the schema or the taxonomy expects.
    expected: String,
    /// What is there.
    found: String,
}

const EXAMPLES: &str = "\
Examples:
  ringseal validate app.log           the lines of one file
  ringseal validate /var/log/app      all logs of a directory, with sealed ones
  my-service | ringseal validate -    standard input
  LOG_FORMAT=ecs ringseal demo --seconds 1
  ringseal validate ringseal-demo     lines of the demo
  ringseal validate app.log --taxonomy docs/events.md
                                      required fields of the events

Each problem is one line: file, line, field, what the schema expects, and what was found. A line must be a \
JSON object with @timestamp, log.level and ecs.version. No path may be there twice, dotted or nested. Where \
the schema has an object, there must be one, where it has a field, a value of its type. Fields that the \
schema does not have are accepted.

With --taxonomy, a line of an event must have the fields that its type requires, at the root or, in the ECS, below \
extra or labels. A type that the taxonomy lacks is a problem if it is in event_type or looks like UPLOAD_FAILED.

Exit codes: 0 every line fits, 1 a line does not, 2 wrong usage or something could not be read.";

/// Checks that the lines of logs fit the Elastic Common Schema, or a taxonomy of events.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Log files, directories with logs (`*.log` and their sealed segments), or `-` for standard input. UTF-16,
    /// UTF-32, gzip and zstd are decoded.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// The format that the lines must have. Default: ecs; with --taxonomy, any JSON.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Event types and the fields that each requires: a file in JSON ({"event_types": {"UPLOAD_FAILED": ["tracker"]}}),
    /// a page in Markdown with tables, or Rust sources with `domain_events!`.
    #[arg(long, value_name = "FILE|DIR")]
    taxonomy: Option<PathBuf>,
    /// Report this many problems and count the others.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    problems_max: u64,
}

/// A format that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The Elastic Common Schema 1.12.
    Ecs,
}

/// The longest line that is checked.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Runs the command.
///
/// # Errors
/// If a file cannot be read, or the output cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let taxonomy = args.taxonomy.as_deref().map(taxonomy::Checker::of_file).transpose()?;
    let is_ecs = args.format == Some(Format::Ecs) || taxonomy.is_none();
    let files = files_of(&args.paths)?;
    let mut run = Run {
        out: BufWriter::new(io::stdout().lock()),
        ecs: is_ecs.then(ecs::Checker::default),
        taxonomy,
        problems_max: args.problems_max,
        lines: 0,
        bad_lines: 0,
        problems: 0,
    };
    let mut is_unreadable = false;
    for path in &files {
        let name = if path.as_os_str() == "-" {
            "standard input".into()
        } else {
            path.display().to_string()
        };
        match open(path) {
            Ok(text) => {
                if let Err(error) = run.file(&name, text)? {
                    write_stderr(format_args!("{name}: {error}"));
                    is_unreadable = true;
                }
            }
            Err(error) => {
                write_stderr(format_args!("{name}: {error}"));
                is_unreadable = true;
            }
        }
    }
    run.end(files.len())?;
    match (is_unreadable, run.problems) {
        (true, _) => Err(Failure::Message("not everything could be read".into())),
        (false, 0) => Ok(ExitStatus::Success),
        _ => Ok(ExitStatus::Findings),
    }
}

/// The files that the arguments name.
fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        let before = files.len();
        let mut add = |file: PathBuf| {
            if seen.insert(file.clone()) {
                files.push(file);
            }
        };
        if !path.is_dir() {
            add(path.clone());
            continue;
        }
        for log in logs_in(path).map_err(Failure::of)? {
            segments_of(&log).map_err(Failure::of)?.into_iter().for_each(|file| add(file.path));
        }
        if files.len() == before {
            let dir = path.display();
            return Err(Failure::of(format!(
                "no log in {dir}: expected file names ending in .log"
            )));
        }
    }
    Ok(files)
}

fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let from: Box<dyn Read + Send> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    Ok(input::open(from, Refuse::Signatures)?.text)
}

/// The state of a check.
struct Run<W: Write> {
    out: W,
    ecs: Option<ecs::Checker>,
    taxonomy: Option<taxonomy::Checker>,
    problems_max: u64,
    lines: u64,
    bad_lines: u64,
    problems: u64,
}

impl<W: Write> Run<W> {
    /// Checks the lines of a file. The inner error is one of reading.
    fn file(&mut self, name: &str, text: Box<dyn Read + Send>) -> io::Result<io::Result<()>> {
        let mut text = BufReader::with_capacity(256 << 10, text);
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            match text.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return Ok(Err(error)),
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.line(name, number, &line)?;
        }
        Ok(Ok(()))
    }

    fn line(&mut self, name: &str, number: u64, line: &[u8]) -> io::Result<()> {
        self.lines += 1;
        let line = line.trim_ascii();
        let mut problems = Vec::new();
        if let Some(ecs) = &mut self.ecs {
            problems.extend_from_slice(ecs.line(line));
        }
        if let Some(taxonomy) = &mut self.taxonomy {
            taxonomy.line(line, &mut problems);
        }
        self.bad_lines += u64::from(!problems.is_empty());
        for Problem { field, expected, found } in problems {
            self.problems += 1;
            if self.problems > self.problems_max {
                continue;
            }
            let (name, field, found) = (Printable(name), Printable(&field), Printable(&found));
            writeln!(self.out, "{name}:{number}: {field}: expected {expected}, found {found}")?;
        }
        Ok(())
    }

    /// Writes the counts.
    fn end(&mut self, files: usize) -> io::Result<()> {
        let lines = format_count(self.lines);
        let of = |count: u64, what: &str| {
            format!("{} {what}{}", format_count(count), if count == 1 { "" } else { "s" })
        };
        let files = of(files as u64, "file");
        if self.problems == 0 {
            let version = ringseal::internals::encode::ecs::ECS_VERSION;
            let what = match (&self.ecs, &self.taxonomy) {
                (Some(_), Some(_)) => format!("ECS {version} and the taxonomy"),
                (_, Some(_)) => "the taxonomy".into(),
                _ => format!("ECS {version}"),
            };
            writeln!(self.out, "{lines} lines in {files} fit {what}")?;
        } else {
            let (problems, bad) = (of(self.problems, "problem"), of(self.bad_lines, "line"));
            writeln!(self.out, "{problems} in {bad} of {lines}, in {files}")?;
            if self.problems > self.problems_max {
                let listed = format_count(self.problems_max);
                writeln!(self.out, "listed: the first {listed}; --problems-max lists more")?;
            }
        }
        self.out.flush()
    }
}
