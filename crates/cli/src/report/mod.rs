//! `ringseal report`: one HTML page about logs, for people who would rather look than read.
//!
//! Promises: reads what `cat` reads, in memory that does not grow with the logs; writes one file, which replaces an
//! older one only when it is complete; takes no lock. What could not be read, or is no event, is counted on the page.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cat::{LogOpener, Reading, check_time_range, parse_line_bytes, unix_nanos_now};
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::line::KeyOptions;
use crate::progress::Progress;
use crate::size::format_count;
use crate::time::Moment;

mod audit_state;
mod count;
pub(crate) mod duration;
pub(crate) mod fields;
mod html;
mod page;
mod scan;
pub(crate) mod table;
mod tables;
mod tally;
pub(crate) mod words;

use count::Selection;
use page::About;
use scan::Scanned;

const EXAMPLES: &str = "\
Examples:
  ringseal report /var/log/app -o report.html    all logs of a directory
  ringseal report a.log b.log --since 2h -o report.html
                                                 the last two hours
  ringseal report logs --audit-key audit.pub -o report.html
                                                 also verify the audit log

The page is one file that needs no server and no network. It has events by level over time, errors by \
stack_hash, the most frequent and rarest events and call sites, the slowest requests and spans, losses, \
sampling and redaction, the state of the audit log, and every line that is not an event. Its filters \
need scripts, its tables do not.

Exit codes: 0 written, 1 written, but something could not be read, or the audit log is not intact, 2 wrong \
usage, or nothing was written.";

/// Makes one HTML page about logs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Log files, directories with logs (`*.log` and their sealed segments), or `-` for standard
    /// input.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// The file to write, or `-` for standard output. An older file is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Only lines from this moment on: RFC 3339, a date (UTC), or a duration before now such as 15m, 2h, 3d.
    #[arg(long, value_name = "MOMENT")]
    since: Option<Moment>,
    /// Only lines before this moment.
    #[arg(long, value_name = "MOMENT")]
    until: Option<Moment>,
    /// Read the sealed segments of a FILE too. (Those of a DIR are always read.)
    #[arg(long)]
    sealed: bool,
    /// The title of the page.
    #[arg(long, value_name = "TEXT", default_value = "Log report")]
    title: String,
    /// Rows of each table.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    rows: usize,
    /// The directory of the audit log. [default: those that are in or beside the logs]
    #[arg(long, value_name = "DIR")]
    audit: Option<PathBuf>,
    /// The public key of the audit log. [default: audit.pub in its directory]
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// A longer line counts as malformed.
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = parse_line_bytes)]
    line_bytes_max: usize,
    #[command(flatten)]
    keys: KeyOptions,
}

/// Runs the command.
///
/// # Errors
/// If nothing could be read or the page could not be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let now = unix_nanos_now();
    check_time_range(args.since, args.until, now)?;
    let nanos = |moment: Option<Moment>| moment.map(|moment| moment.unix_nanos(now));
    let (since, until) = (nanos(args.since), nanos(args.until));
    let line_bytes_max = args.line_bytes_max;
    let reading = Reading { follow: false, sealed: args.sealed, line_bytes_max, since };
    let mut opener = LogOpener::new(&reading);
    let readers = opener.open_all(&args.paths)?;
    let selection = Selection { since, until, now, keys: args.keys.clone() };
    let mut progress = Progress::without_output(opener.total_bytes);
    let scanned = scan::scan(readers, &selection, line_bytes_max, &mut progress)?;
    drop(progress);
    let audits = audit_state::find(&args.paths, args.audit.as_deref(), args.audit_key.as_deref());
    let is_found = args.audit.is_none() || !audits.is_empty();
    let is_bad =
        !scanned.errors.is_empty() || audits.iter().any(|audit| audit.result == "TAMPERED");
    scanned.errors.iter().for_each(write_stderr);
    let summary = summary(&scanned);
    let about = About {
        title: &args.title,
        sources: args.paths.iter().map(|path| path.display().to_string()).collect(),
        now,
        rows_max: args.rows,
    };
    let page = page::render(&about, scanned, &audits);
    write_page(&args.output, page.as_bytes())?;
    if args.output.as_os_str() != "-" {
        write_stderr(format_args!("{}: {summary}", args.output.display()));
    }
    if let (false, Some(dir)) = (is_found, &args.audit) {
        return Err(Failure::Message(format!(
            "{}: expected an audit log, found none",
            dir.display()
        )));
    }
    Ok(if is_bad { ExitStatus::Findings } else { ExitStatus::Success })
}

fn summary(scanned: &Scanned) -> String {
    let lines = &scanned.tally.lines;
    let malformed = lines.broken + lines.cut;
    format!(
        "{} lines, {} events, {} malformed",
        format_count(lines.total),
        format_count(lines.events),
        format_count(malformed)
    )
}

/// Writes beside the file first, so that a reader never sees half a page.
fn write_page(path: &Path, page: &[u8]) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        let mut out = io::stdout().lock();
        out.write_all(page)?;
        return Ok(out.flush()?);
    }
    let failed =
        |error: io::Error| Failure::Message(format!("cannot write {}: {error}", path.display()));
    if path.exists() && !path.is_file() {
        std::fs::write(path, page).map_err(failed)?;
        return Ok(());
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(page).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
