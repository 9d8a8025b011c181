//! How far a sink of a dead run is.
//!
//! Promises: nothing is changed. A log is asked only if it has the identity that the home names.
use std::io;
use std::path::{Path, PathBuf};

use super::dead::DeadHome;
use super::engine_file::State;
use super::stage_lengths::stage_lengths;
use crate::sink::file::{Surveyed, read_log_id, survey};

/// How far a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkPlace {
    /// The number of the first line that is missing.
    pub lines: u64,
    /// Lines from there on that may be in place.
    pub unsure: u64,
    /// Lines of the stage that are in place, if an earlier recovery had begun to write it.
    pub stage_done: Option<u64>,
    /// Whether the sink writes a file that was not found: moved, removed, or under another path.
    pub is_log_missing: bool,
}

/// The path in the name of a sink that writes files.
fn log_path(sink_name: &str) -> Option<&Path> {
    sink_name.strip_prefix("file:").map(Path::new)
}

/// How far sink number `sink` is.
///
/// # Errors
/// If the log is there and cannot be read.
pub fn sink_place(home: &DeadHome, sink: usize) -> io::Result<SinkPlace> {
    let image = &home.image.sinks[sink];
    let log = find_log(home, sink)?;
    let is_log_missing = image.facts.log_id.is_some() && log.is_none();
    let place = |lines, unsure, stage_done| SinkPlace { lines, unsure, stage_done, is_log_missing };
    Ok(match home.image.state {
        Some(State::Delivering) => {
            let done = stage_done(home, sink, log.as_deref())?;
            place(image.stage_first, image.staged_unsure, Some(done))
        }
        Some(State::Collecting) => place(image.stage_first, image.staged_unsure, None),
        _ => {
            let (lines, unsure) = lines_written(home, sink, log.as_deref())?;
            place(lines, unsure, None)
        }
    })
}

/// How many lines of a sink are in place that nobody has recovered yet, and how many after them may be. `log` is the
/// file of the log, if the sink has one that can be read.
///
/// # Errors
/// If a file cannot be read.
pub fn lines_written(home: &DeadHome, sink: usize, log: Option<&Path>) -> io::Result<(u64, u64)> {
    let image = &home.image.sinks[sink];
    let Some(path) = log else {
        // A stream cannot be read, so how much a write call has written that had begun is unknown.
        let committed = image.committed.lines;
        return Ok((committed, image.offered.saturating_sub(committed)));
    };
    let (table, spool) = (home.lines(image.facts.output), home.spool(sink)?);
    let mut length =
        |line| spool.line_bytes(line).or_else(|| table.line(line).map(|entry| entry.line_bytes));
    Ok(match survey(&**home.storage(), path, &image.committed, &mut length)? {
        Surveyed::Found { lines, is_exact: true } | Surveyed::Lost { lines } => (lines, 0),
        // Lines of others were among them: those after the last one that was found may be in place, too.
        Surveyed::Found { lines, is_exact: false } => (lines, u64::MAX),
    })
}

/// The log of a sink, if its identity is the one in the home.
fn find_log(home: &DeadHome, sink: usize) -> io::Result<Option<PathBuf>> {
    let facts = &home.image.sinks[sink].facts;
    let (Some(id), Some(path)) = (facts.log_id, log_path(&facts.name)) else { return Ok(None) };
    match read_log_id(&**home.storage(), path) {
        Ok(found) => Ok((found == Some(id)).then(|| path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// How many lines of a stage are in place; `log` as for [`lines_written`].
///
/// # Errors
/// If a file cannot be read.
pub fn stage_done(home: &DeadHome, sink: usize, log: Option<&Path>) -> io::Result<u64> {
    let image = &home.image.sinks[sink];
    let Some(path) = log else {
        return Ok(image.committed.lines.saturating_sub(image.stage_first));
    };
    let lengths = stage_lengths(&**home.storage(), &home.stage(sink), image.stage_bytes)?;
    let mut length = |line: u64| {
        let index = usize::try_from(line.checked_sub(image.stage_first)?).ok()?;
        lengths.get(index).copied()
    };
    let lines = match survey(&**home.storage(), path, &image.committed, &mut length)? {
        Surveyed::Found { lines, .. } | Surveyed::Lost { lines } => lines,
    };
    Ok(lines.saturating_sub(image.stage_first))
}
