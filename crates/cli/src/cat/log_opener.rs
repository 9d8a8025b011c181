//! Opens the logs that the arguments name and, when following, those that appear later.
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringseal::audit::store::names::{ACTIVE, parse_sealed};
use ringseal::sink::file::reader::{
    ReadFrom, Reader, ReaderOptions, SegmentFile, logs_in, segments_of,
};

use super::read_bytes_max;
use crate::console::{Failure, write_stderr};
use crate::input::{self, Refuse};
use crate::line::LineParser;

/// The time by which a file's modification time may be older than its last line: mapped writes update it late, and
/// clocks step.
const MODIFIED_SLACK: Duration = Duration::from_secs(600);

/// How logs are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Whether to continue at the end.
    pub(crate) follow: bool,
    /// Whether a file is read with its sealed segments.
    pub(crate) sealed: bool,
    /// The longest line that is returned whole.
    pub(crate) line_bytes_max: usize,
    /// Lines before this moment are not needed; nanoseconds since 1970-01-01T00:00:00Z.
    pub(crate) since: Option<i64>,
}

/// Opens logs.
pub(crate) struct LogOpener {
    options: ReaderOptions,
    /// Lines before this moment are not needed; nanoseconds since 1970-01-01T00:00:00Z.
    since: Option<i64>,
    sealed: bool,
    /// Directories in which logs may still appear.
    watched: Vec<PathBuf>,
    opened: BTreeSet<PathBuf>,
    /// Total length of the opened files.
    pub(crate) total_bytes: u64,
}

impl LogOpener {
    /// An opener for these logs.
    pub(crate) fn new(reading: &Reading) -> Self {
        let line_bytes_max = read_bytes_max(reading.line_bytes_max);
        let options =
            ReaderOptions::default().follow(reading.follow).line_bytes_max(line_bytes_max);
        let (watched, opened) = (Vec::new(), BTreeSet::new());
        let Reading { since, sealed, .. } = *reading;
        Self { options, since, sealed, watched, opened, total_bytes: 0 }
    }

    /// Opens a reader for every log that the arguments name.
    pub(crate) fn open_all(&mut self, paths: &[PathBuf]) -> Result<Vec<Reader>, Failure> {
        let mut readers = Vec::new();
        for path in paths {
            if path.as_os_str() == "-" {
                let input = input::open(Box::new(io::stdin()), Refuse::Signatures);
                let input = input.map_err(|error| failed(path, &error))?;
                let options = self.options.clone();
                readers.push(Reader::from_stream("standard input", input.text, options));
            } else if path.is_dir() {
                self.open_dir(path, &mut readers)?;
            } else {
                let start = if self.sealed { ReadFrom::Oldest } else { ReadFrom::Active };
                readers.push(self.open(path, start)?);
            }
        }
        Ok(readers)
    }

    fn open_dir(&mut self, dir: &Path, readers: &mut Vec<Reader>) -> Result<(), Failure> {
        let before = readers.len();
        let is_audit = contains_audit_log(dir);
        for log in logs_in(dir).map_err(Failure::of)? {
            readers.push(self.open(&log, ReadFrom::Oldest)?);
            self.opened.insert(log);
        }
        if self.options.follow {
            self.watched.push(dir.to_path_buf());
        } else if readers.len() == before {
            let dir = dir.display();
            return Err(Failure::of(match is_audit {
                true => format!("{dir} holds an audit log: `ringseal audit show {dir}` shows it"),
                false => format!("no log in {dir}: expected file names ending in .log"),
            }));
        }
        if is_audit {
            let dir = dir.display();
            write_stderr(format_args!(
                "{dir} also holds an audit log: `ringseal audit show {dir}` shows its entries"
            ));
        }
        Ok(())
    }

    /// Opens logs that have appeared in the followed directories.
    pub(super) fn open_new(&mut self) -> Vec<Reader> {
        let mut readers = Vec::new();
        // Errors are ignored: a directory may be listed next time, and a log may have been removed again.
        let logs = self.watched.iter().filter_map(|dir| logs_in(dir).ok()).flatten();
        let new: Vec<_> = logs.filter(|log| !self.opened.contains(log)).collect();
        for log in new {
            if let Ok(reader) = self.open(&log, ReadFrom::Oldest) {
                readers.push(reader);
                self.opened.insert(log);
            }
        }
        readers
    }

    fn open(&mut self, path: &Path, start: ReadFrom) -> Result<Reader, Failure> {
        let segments = segments_of(path).unwrap_or_default();
        let counted =
            segments.iter().filter(|file| start == ReadFrom::Oldest || file.number.is_none());
        self.total_bytes += counted.map(|file| file.len_bytes).sum::<u64>();
        let is_single = start == ReadFrom::Active || segments.len() == 1;
        let may_be_decoded = is_single && !self.options.follow && path.is_file();
        if may_be_decoded && let Some(text) = decoded(path)? {
            let name = path.display().to_string();
            return Ok(Reader::from_stream(&name, text, self.options.clone()));
        }
        let mut options = self.options.clone().start(start);
        if let Some(moment) = self.since.and_then(|since| skip_before(&segments, since)) {
            options = options.modified_since(moment);
        }
        Reader::open(path, options).map_err(Failure::of)
    }
}

/// A file that is compressed or in another encoding, as text; `None` for other files, which are read as they are.
fn decoded(path: &Path) -> Result<Option<Box<dyn io::Read + Send>>, Failure> {
    let opened = File::open(path).and_then(|file| input::open(Box::new(file), Refuse::Signatures));
    match opened {
        Ok(input) if input.is_unpacked || input.encoding.is_some() => Ok(Some(input.text)),
        Ok(_) => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "standard input".into() } else { path.display().to_string() };
    Failure::of(format_args!("{name}: {error}"))
}

/// The moment such that sealed segments last modified before it have no line from `since` on.
///
/// A modification time proves nothing: files are copied, restored and touched. So the segment after the last one that
/// would be skipped must itself begin before `since`. If it does not, or its time is not understood, every segment is
/// read.
fn skip_before(segments: &[SegmentFile], since: i64) -> Option<SystemTime> {
    let before =
        u64::try_from(since).ok().map(Duration::from_nanos)?.checked_sub(MODIFIED_SLACK)?;
    let moment = UNIX_EPOCH + before;
    let is_old = |segment: &SegmentFile| {
        let modified = std::fs::metadata(&segment.path).and_then(|metadata| metadata.modified());
        segment.number.is_some() && modified.is_ok_and(|modified| modified < moment)
    };
    let last = segments.iter().rposition(is_old)?;
    let next = first_time(&segments.get(last + 1)?.path)?;
    (i128::from(next) < before.as_nanos() as i128).then_some(moment)
}

/// The time of the first line that has one, among the first lines of a file.
fn first_time(path: &Path) -> Option<i64> {
    let file = File::open(path).ok()?;
    let input = input::open(Box::new(file), Refuse::Signatures).ok()?;
    let mut head = Vec::new();
    input.text.take(FIRST_BYTES).read_to_end(&mut head).ok()?;
    let mut parser = LineParser::new(unix_nanos_now());
    let mut lines = head.split(|byte| *byte == b'\n');
    lines.find_map(|line| parser.parse(line).time().unix_nanos())
}

/// The length of the beginning in which [`first_time`] searches.
const FIRST_BYTES: u64 = 64 << 10;

/// Returns whether `dir` has segments of an audit log, which `cat` does not show.
pub(crate) fn contains_audit_log(dir: &Path) -> bool {
    let is_segment = |name: &str| name == ACTIVE || parse_sealed(name).is_some();
    std::fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_segment))
    })
}

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub(crate) fn unix_nanos_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}
