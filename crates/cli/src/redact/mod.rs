//! `ringseal redact`: a filter that masks secrets and personal data in lines of text and JSON.
//!
//! Promises: each line stays one line; text that is not masked is unchanged byte for byte (including bytes that are not
//! UTF-8, NULs, a last line without its newline, `\r\n`); a line that was a JSON map, list or string stays one. Memory
//! is bounded by `--line-bytes-max`: a longer line is not scanned but masked whole, and counted as `overrun`. Input is
//! written as soon as it has been read, so that the filter works in a live pipe. Redacting again changes nothing.
//!
//! A private key may span several lines of text: between its BEGIN and END marks all lines of key are
//! masked. In JSON, each string is scanned separately.
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::console::{ExitStatus, Failure, write_stderr};
use crate::input::{self, Refuse, WideEncoding};
use crate::progress::Progress;

mod copies;
mod dump_block;
pub(crate) mod escape;
mod filter;
mod findings;
mod json_leaves;
pub(crate) mod key_block;
mod key_cache;
mod key_mask;
mod line_reader;
mod next_line;
mod options;
mod report;
#[cfg(test)]
mod tests;

use filter::{Changed, Filter};
use findings::Findings;
pub use key_mask::KeyMask;
use line_reader::{Chunk, LineReader};
pub use options::RuleOptions;
use report::Report;

const EXAMPLES: &str = "\
Examples:
  my-service 2>&1 | ringseal redact > service.log
  ringseal redact --report app.log > clean.log    also print hits by rule
  ringseal redact --preset payments --profile audit < app.log
  git ls-files -z | xargs -0 ringseal redact --check
                                                  a gate for CI

Lines that are JSON, also after a prefix (CRI, Compose, syslog, `@cee:` …), are masked by their keys \
(`\"email\": \"…\"`) and by the content of their strings; all other lines as prose, in which key=value is \
found too. JSON stays JSON; masked numbers become strings. The rest of a line is unchanged, byte for byte. A private key may span lines of text, up to 1 MiB and with up \
to 64 other lines in a row between. Names and addresses in free prose are not found.

UTF-16 and UTF-32 (by their byte order mark, or by the NULs of ASCII) are decoded, and written in the same \
encoding. gzip and zstd are unpacked, and written unpacked. What cannot be searched (xz, bzip2, archives, \
other binary data, damaged data) is an error, never clean.

A rule file:
  presets = [\"default\", \"payments\"]
  profile = \"default\"
  keep = [\"email\"]                # kinds that are not masked
  [keys]
  internal_ref = \"secret\"         # or keep, name, email, phone, card …
  [literals]
  db_password = \"correct-horse\"   # must not appear anywhere, also not
                                  # encoded for URLs, JSON, XML, in base64

Exit codes: 0 success (with --check: nothing to mask), 1 --check found something to mask, 2 wrong \
usage, or something could not be read or written.";

/// Masks secrets and personal data in lines of text and JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, read one after another; `-` or no argument means standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleOptions,
    /// Print hits by rule on standard error at the end.
    #[arg(long)]
    report: bool,
    /// Write no output; report file, line and rule of each value that would be masked, and exit with 1 if there is any.
    #[arg(long)]
    check: bool,
    /// With --check, name at most this many places; the values in all of them are counted.
    #[arg(long, value_name = "COUNT", default_value_t = 20, requires = "check")]
    findings_max: u64,
    /// A longer line is masked whole, and its number reported on standard error. Memory is up to about four
    /// times this.
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = parse_line_bytes)]
    line_bytes_max: usize,
}

/// Upper bound of `--line-bytes-max`: positions in a buffer are 32-bit numbers.
const LINE_BYTES_MAX: u64 = 1 << 30;

fn parse_line_bytes(text: &str) -> Result<usize, String> {
    let bytes = crate::size::parse_bytes(text)?;
    let fits = (1..=LINE_BYTES_MAX).contains(&bytes).then(|| usize::try_from(bytes).ok()).flatten();
    fits.ok_or_else(|| "expected 1 B to 1 GiB".into())
}

/// Runs the command.
///
/// # Errors
/// If the rules are invalid, or the output cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let filter = Filter::new(args.rules.compile()?);
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    let total_bytes = files.iter().filter_map(|path| Some(path.metadata().ok()?.len())).sum();
    let progress = match args.check {
        true => Progress::without_output(total_bytes),
        false => Progress::new(total_bytes),
    };
    let (to, encoded) = (io::stdout().lock(), Vec::new());
    let to = Output { to, is_silent: args.check, encoding: None, encoded };
    let findings = Findings::new(args.findings_max);
    let mut run =
        Run { filter, to, findings, progress, changed: Vec::new(), bytes: 0, failed: false };
    for path in files {
        run.file(path, args)?;
    }
    run.to.to.flush()?;
    let Run { filter, findings, progress, bytes, failed, .. } = run;
    drop(progress);
    if args.report {
        eprint_all(&Report::of(&filter, bytes).to_string());
    }
    let has_findings = args.check && findings.places > 0;
    if has_findings {
        write_stderr(findings.summary(&filter));
    } else if let Some(message) = findings.too_long_unnamed() {
        write_stderr(message);
    }
    match (failed, has_findings) {
        (true, _) => Err(Failure::of("not everything could be read")),
        (false, true) => Ok(ExitStatus::Findings),
        (false, false) => Ok(ExitStatus::Success),
    }
}

/// Writes to standard error, and ignores a failure.
fn eprint_all(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Standard output, or no output.
struct Output<W> {
    to: W,
    is_silent: bool,
    /// The encoding of the input, which the output keeps.
    encoding: Option<WideEncoding>,
    encoded: Vec<u8>,
}

impl<W: Write> Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_silent {
            return Ok(());
        }
        let Some(encoding) = self.encoding else { return self.to.write_all(bytes) };
        self.encoded.clear();
        encoding.encode(bytes, &mut self.encoded);
        self.to.write_all(&self.encoded)
    }
}

struct Run<W> {
    filter: Filter,
    to: Output<W>,
    findings: Findings,
    progress: Progress,
    /// Changed lines, before they are written.
    changed: Vec<u8>,
    bytes: u64,
    failed: bool,
}

impl<W: Write> Run<W> {
    /// Redacts one file. Read errors are reported and remembered; a write error ends the run.
    fn file(&mut self, path: &std::path::Path, args: &Args) -> io::Result<()> {
        let is_stdin = path.as_os_str() == "-";
        let name = if is_stdin { "standard input".into() } else { path.display().to_string() };
        let opened: io::Result<Box<dyn Read + Send>> = match is_stdin {
            true => Ok(Box::new(io::stdin())),
            false => File::open(path).map(|file| Box::new(file) as _),
        };
        let opened = opened.and_then(|from| input::open(from, Refuse::Binary));
        self.filter.restart();
        self.findings.restart(name.clone(), self.filter.lines);
        match opened {
            Ok(input) => {
                self.to.encoding = input.encoding;
                self.stream(LineReader::new(input.text, args.line_bytes_max), &name)
            }
            Err(error) => {
                self.not_read(&name, &error);
                Ok(())
            }
        }
    }

    fn not_read(&mut self, name: &str, error: &io::Error) {
        self.failed = true;
        self.progress.suspended(|| write_stderr(format_args!("{name}: {error}")));
    }

    fn stream(&mut self, mut feed: LineReader<impl Read>, name: &str) -> io::Result<()> {
        loop {
            match feed.next() {
                Ok(Some(step)) => self.step(&step)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.not_read(name, &error);
                    return Ok(());
                }
            }
        }
    }

    fn step(&mut self, step: &Chunk<'_>) -> io::Result<()> {
        self.changed.clear();
        let (findings, progress) = (&mut self.findings, &self.progress);
        match *step {
            Chunk::Lines(lines) => {
                let check = self.to.is_silent;
                let mut hit = |line, filter: &Filter| {
                    if check {
                        findings.add(line, filter, progress);
                    }
                };
                let changed = self.filter.lines(lines, &mut self.changed, &mut hit);
                self.to.write(if changed == Changed::Yes { &self.changed } else { lines })?;
                self.bytes += lines.len() as u64;
                self.progress.add(lines.len());
            }
            Chunk::TooLong(line) => {
                let mut mask = self.filter.too_long(line.is_json);
                match self.to.is_silent {
                    true => findings.add(self.filter.lines, &self.filter, progress),
                    false => findings.too_long(self.filter.lines, line, progress),
                }
                mask.push_str(if line.has_newline { "\n" } else { "" });
                self.to.write(mask.as_bytes())?;
                self.bytes += line.bytes + u64::from(line.has_newline);
                self.progress.add(usize::try_from(line.bytes).unwrap_or(usize::MAX));
            }
        }
        Ok(())
    }
}
