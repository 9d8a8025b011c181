//! Opens the logs that the arguments name and, when following, those that appear later.
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringseal::audit::store::names::{ACTIVE, parse_sealed};
use ringseal::sink::file::reader::{ReadFrom, Reader, ReaderOptions, logs_in, segments_of};

use super::{Args, read_bytes_max};
use crate::console::{Failure, write_stderr};

/// The time by which a file's modification time may be older than its last line: mapped writes update it late, and
/// clocks step.
const MODIFIED_SLACK: Duration = Duration::from_secs(600);

/// Opens logs.
pub(super) struct LogOpener {
    options: ReaderOptions,
    sealed: bool,
    /// Directories in which logs may still appear.
    watched: Vec<PathBuf>,
    opened: BTreeSet<PathBuf>,
    /// Total length of the opened files.
    pub(super) total_bytes: u64,
}

impl LogOpener {
    /// `since`: lines before this moment are not needed; nanoseconds since 1970-01-01T00:00:00Z.
    pub(super) fn new(args: &Args, since: Option<i64>) -> Self {
        let line_bytes_max = read_bytes_max(args.line_bytes_max);
        let mut options =
            ReaderOptions::default().follow(args.follow).line_bytes_max(line_bytes_max);
        let since = since.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos);
        if let Some(since) = since.and_then(|since| since.checked_sub(MODIFIED_SLACK)) {
            options = options.modified_since(UNIX_EPOCH + since);
        }
        let opened = BTreeSet::new();
        Self { options, sealed: args.sealed, watched: Vec::new(), opened, total_bytes: 0 }
    }

    /// Opens a reader for every log that the arguments name.
    pub(super) fn open_all(&mut self, paths: &[PathBuf]) -> Result<Vec<Reader>, Failure> {
        let mut readers = Vec::new();
        for path in paths {
            if path.as_os_str() == "-" {
                let stream = Box::new(io::stdin());
                readers.push(Reader::from_stream("standard input", stream, self.options.clone()));
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
        Reader::open(path, self.options.clone().start(start)).map_err(Failure::of)
    }
}

/// Returns whether `dir` has segments of an audit log, which `cat` does not show.
fn contains_audit_log(dir: &Path) -> bool {
    let is_segment = |name: &str| name == ACTIVE || parse_sealed(name).is_some();
    std::fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_segment))
    })
}

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub(super) fn unix_nanos_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}
