//! Reads the entries of a log in order, through the log's parser.
//!
//! [`read_entries`] shows every line of every segment, plain or compressed, including lines that the verifier would
//! reject, marked as such. [`first_start`] returns the log's first entry, which describes the log; [`claimed_root`]
//! returns the key in it. Neither checks a signature.
//!
//! Promises: reads only; holds one batch of lines in memory; reading ends for any content of the files. Blocks on the
//! disk. The log may be written at the same time: when it rotates, reading continues in the new files, and no entry is
//! shown twice.
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use super::entry::control::{Control, Start};
use super::entry::{Entry, LINE_BYTES_MAX, ParseError, ParseErrorKind, Parser};
use super::keys::ChainKey;
use super::note::Verifier;
use super::store::names::KEPT;
use super::verify::Stop;
use super::verify::continued::chain_of;
use super::verify::source::{Batch, BatchReader, Segment, segments, visit_lines};
use ringseal_base::storage::Storage;

/// Rotations after which a reader gives up.
const STARTS_MAX: u32 = 64;

/// Why a log cannot be read: the file, and the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReadError {
    reason: String,
}

impl fmt::Display for LogReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for LogReadError {}

impl From<Stop> for LogReadError {
    fn from(stop: Stop) -> Self {
        let reason = match stop {
            Stop::Tampered(finding) => finding.to_string(),
            Stop::Unchecked { reason } => reason,
        };
        LogReadError { reason }
    }
}

/// A line of a log.
#[derive(Debug, Clone, Copy)]
pub struct LogLine<'a> {
    /// Its file, relative to the log's directory.
    pub file: &'a str,
    /// Its number in that file, from 1.
    pub number: u64,
    /// Its bytes, without the newline.
    pub bytes: &'a [u8],
    /// The kind of line.
    pub content: LineContent<'a>,
}

/// The kind of a line.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum LineContent<'a> {
    /// An entry.
    Entry(Entry<'a>),
    /// The next entry does not follow the previous one. It is shown after this, as an entry.
    Gap {
        /// The expected number.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// Not an entry: the verifier rejects it.
    Malformed(ParseError),
    /// Bytes at the end of the file without a newline: a write in progress, or a torn one.
    Unfinished,
}

/// Passes all lines of the log in `dir` from entry `from_seq` on to `visit`, until it breaks.
pub fn read_entries(
    storage: &dyn Storage,
    dir: &Path,
    from_seq: u64,
    visit: &mut dyn FnMut(LogLine<'_>) -> ControlFlow<()>,
) -> Result<(), LogReadError> {
    let mut reader =
        LogReader { from_seq, has_begun: false, last_seq: None, parser: Parser::new(), visit };
    let mut files = segments(storage, dir)?;
    for _ in 0..STARTS_MAX {
        let mut find_new_segments = || -> Result<Option<Vec<Segment>>, Stop> {
            let now = segments(storage, dir)?;
            let same = now.iter().map(|file| &file.file).eq(files.iter().map(|file| &file.file));
            Ok((!same).then_some(now))
        };
        match reader.read_files(storage, dir, &files, &mut find_new_segments) {
            Ok(None) => return Ok(()),
            Ok(Some(now)) => files = now,
            // The file may have been pruned or compressed just before it was read.
            Err(stop) => files = find_new_segments()?.ok_or(stop)?,
        }
        reader.resume();
    }
    let reason = format!("{}: rotates faster than it can be read", dir.display());
    Err(LogReadError { reason })
}

/// The log's first entry: its name and how it is chained.
pub fn first_start(storage: &dyn Storage, dir: &Path) -> Result<Start, LogReadError> {
    let wrong = |what: &str| LogReadError {
        reason: format!(
            "{}: expected a log that begins with ringseal.start, {what}",
            dir.display()
        ),
    };
    let mut kept = None;
    visit_lines(storage, dir, KEPT, &mut |line| {
        kept = Some(line.to_vec());
        false
    })?;
    let files = segments(storage, dir)?;
    let batch = BatchReader::new(storage, dir, &files).next()?;
    let first = batch.as_ref().filter(|batch| !batch.lines.is_empty()).map(|batch| batch.line(0));
    let line = kept.as_deref().or(first).ok_or_else(|| wrong("found no entry"))?;
    let mut parser = Parser::new();
    let entry = parser.entry(line).map_err(|error| wrong(&error.to_string()))?;
    match Control::read(&entry).map(|statement| statement.control) {
        Ok(Control::Start(start)) if entry.seq == 0 => Ok(start),
        _ => Err(wrong(&format!("found entry {} of type {}", entry.seq, entry.event_type))),
    }
}

/// The chain's key of entry `seq` of the log in `dir`, from the first key in `audit.mac`. `None` if the log has no such
/// key: it is chained by plain hashes, or the logs before it, which were set aside, had too many entries to follow.
///
/// # Errors
/// If the log's first entry cannot be read.
pub fn chain_key(
    storage: &dyn Storage,
    dir: &Path,
    first_key: &ChainKey,
    seq: u64,
) -> Result<Option<ChainKey>, LogReadError> {
    let start = first_start(storage, dir)?;
    Ok(chain_of(&start, Some(first_key)).and_then(|mut chain| chain.key(seq)))
}

/// The key of epoch 0 that the log itself names. Anyone who can write the log can replace it: use it for making proofs,
/// which are then checked with the checker's own `audit.pub`.
pub fn claimed_root(storage: &dyn Storage, dir: &Path) -> Result<Verifier, LogReadError> {
    let start = first_start(storage, dir)?;
    Verifier::parse(&start.public_key)
        .map_err(|error| LogReadError { reason: format!("{}: {error}", dir.display()) })
}

/// Returns the current segments if they have changed.
type FindNewSegments<'m> = &'m mut dyn FnMut() -> Result<Option<Vec<Segment>>, Stop>;

struct LogReader<'s> {
    /// Lines before this entry are skipped, until it or a later one is found.
    from_seq: u64,
    has_begun: bool,
    /// The last entry shown.
    last_seq: Option<u64>,
    parser: Parser,
    visit: &'s mut dyn FnMut(LogLine<'_>) -> ControlFlow<()>,
}

impl LogReader<'_> {
    /// Continues after the last entry shown, with other files.
    fn resume(&mut self) {
        self.from_seq = self.last_seq.map_or(self.from_seq, |last| last.saturating_add(1));
        self.has_begun = false;
    }

    /// Reads all files. Returns the current segments if they have changed and the rest of the entries is in them.
    fn read_files(
        &mut self,
        storage: &dyn Storage,
        dir: &Path,
        files: &[Segment],
        find_new_segments: FindNewSegments<'_>,
    ) -> Result<Option<Vec<Segment>>, Stop> {
        let is_before = |file: &Segment| file.first_seq.is_some_and(|seq| seq <= self.from_seq);
        let skipped = files.iter().rposition(is_before).unwrap_or(0);
        let files = files.get(skipped..).unwrap_or_default();
        let mut source = BatchReader::new(storage, dir, files);
        while let Some(batch) = source.next()? {
            let Some(file) = files.get(batch.segment) else { break };
            if batch.lines_before == 0
                && file.first_seq.is_none()
                && self.is_gap(batch.line(0))
                && let Some(now) = find_new_segments()?
            {
                return Ok(Some(now));
            }
            if self.visit_batch(&batch, &file.file).is_break() {
                break;
            }
            source.recycle(batch);
        }
        Ok(None)
    }

    /// Whether requested entries are missing before this line.
    fn is_gap(&mut self, line: &[u8]) -> bool {
        let expected = self.last_seq.map_or(self.from_seq, |last| last.saturating_add(1));
        self.parser.entry(line).is_ok_and(|entry| entry.seq > expected)
    }

    fn visit_batch(&mut self, batch: &Batch, file: &str) -> ControlFlow<()> {
        let mut number = batch.lines_before;
        for at in 0..batch.lines.len() {
            number += 1;
            self.visit_line(file, number, batch.line(at))?;
        }
        let rest = |bytes, content| LogLine { file, number: number + 1, bytes, content };
        if batch.is_too_long {
            let error = ParseError { at: LINE_BYTES_MAX, kind: ParseErrorKind::TooLong };
            (self.visit)(rest(&[], LineContent::Malformed(error)))?;
        } else if !batch.torn().is_empty() {
            (self.visit)(rest(batch.torn(), LineContent::Unfinished))?;
        }
        ControlFlow::Continue(())
    }

    fn visit_line(&mut self, file: &str, number: u64, bytes: &[u8]) -> ControlFlow<()> {
        let line = |content| LogLine { file, number, bytes, content };
        let entry = match self.parser.entry(bytes) {
            Ok(entry) => entry,
            Err(error) => return (self.visit)(line(LineContent::Malformed(error))),
        };
        self.has_begun |= entry.seq >= self.from_seq;
        if !self.has_begun {
            return ControlFlow::Continue(());
        }
        let expected = self.last_seq.map(|last| last.saturating_add(1));
        if let Some(expected) = expected.filter(|expected| *expected != entry.seq) {
            (self.visit)(line(LineContent::Gap { expected, found: entry.seq }))?;
        }
        self.last_seq = Some(entry.seq);
        (self.visit)(line(LineContent::Entry(entry)))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
