//! What to do with what is found on start. One total table, and the mending of tails.
//!
//! The crashes that lead here: between the two steps of a rotation (one inode under two names, or,
//! without hard links, no active file); a power loss that kept some names, lengths and data and
//! lost others; a process killed inside a write. Nothing is ever thrown away but bytes that are no
//! line: NULs and white space. The fragment of a torn line is appended to `app.log.torn`.
use std::io::{self, IoSlice};

use super::names::Names;
use crate::storage::{FileKind, FileStat, OpenHow, Storage, StorageFile};

/// What stands under the active name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActiveSeen {
    Missing,
    /// A file of length 0.
    Empty,
    /// A file with something in it.
    Filled,
    /// A directory, a symbolic link, a device.
    Foreign,
}

/// What stands under the name of the prepared next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextSeen {
    Missing,
    Empty,
    /// Lines that were written after a rotation whose rename a power loss took back.
    Filled,
    Foreign,
}

/// Everything that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub active: ActiveSeen,
    /// The newest sealed segment and the active one are the same inode.
    pub twin: bool,
    pub next: NextSeen,
}

/// What to do about the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Create the active file.
    Create,
    /// Go on with the active file.
    Continue,
    /// The prepared file becomes the active one.
    Promote,
    /// The active file has its sealed name already: put a next one (prepared, or new) in its place.
    FinishRotation,
    /// Seal the active file under the next number, then promote.
    SealAndPromote,
    /// The active name is taken by something that is no file.
    RefuseActive,
    /// The name of the next segment is taken by something that is no file.
    RefuseNext,
}

/// One row of the table: the combinations it covers, and what to do.
pub(super) struct Row {
    pub active: &'static [ActiveSeen],
    pub twin: &'static [bool],
    pub next: &'static [NextSeen],
    pub plan: Plan,
}

const ANY: &[bool] = &[false, true];
const FILES: &[ActiveSeen] = &[ActiveSeen::Empty, ActiveSeen::Filled];
const NOT_FOREIGN: &[ActiveSeen] = &[ActiveSeen::Missing, ActiveSeen::Empty, ActiveSeen::Filled];
const ANY_NEXT: &[NextSeen] =
    &[NextSeen::Missing, NextSeen::Empty, NextSeen::Filled, NextSeen::Foreign];
const NEXT_NOT_FOREIGN: &[NextSeen] = &[NextSeen::Missing, NextSeen::Empty, NextSeen::Filled];

/// The table. Every combination hits exactly one row (a test says so).
pub(super) const TABLE: &[Row] = &[
    Row { active: &[ActiveSeen::Foreign], twin: ANY, next: ANY_NEXT, plan: Plan::RefuseActive },
    Row { active: NOT_FOREIGN, twin: ANY, next: &[NextSeen::Foreign], plan: Plan::RefuseNext },
    // First start, or somebody cleaned up.
    Row {
        active: &[ActiveSeen::Missing],
        twin: ANY,
        next: &[NextSeen::Missing],
        plan: Plan::Create,
    },
    // Without hard links: killed between the two renames. With them: somebody moved the active file
    // away.
    Row {
        active: &[ActiveSeen::Missing],
        twin: ANY,
        next: &[NextSeen::Empty, NextSeen::Filled],
        plan: Plan::Promote,
    },
    // The ordinary restart.
    Row {
        active: FILES,
        twin: &[false],
        next: &[NextSeen::Missing, NextSeen::Empty],
        plan: Plan::Continue,
    },
    // Power loss took both names of a rotation, but not the lines written after it.
    Row {
        active: &[ActiveSeen::Empty],
        twin: &[false],
        next: &[NextSeen::Filled],
        plan: Plan::Promote,
    },
    Row {
        active: &[ActiveSeen::Filled],
        twin: &[false],
        next: &[NextSeen::Filled],
        plan: Plan::SealAndPromote,
    },
    // Killed between link and rename, or power loss took the rename.
    Row { active: FILES, twin: &[true], next: NEXT_NOT_FOREIGN, plan: Plan::FinishRotation },
];

impl Row {
    pub fn covers(&self, seen: Seen) -> bool {
        self.active.contains(&seen.active)
            && self.twin.contains(&seen.twin)
            && self.next.contains(&seen.next)
    }
}

impl Seen {
    /// Looks at the names.
    pub fn look(
        storage: &dyn Storage,
        names: &Names,
        newest_sealed: Option<u64>,
    ) -> io::Result<Seen> {
        let active = stat_or_missing(storage.stat(&names.active))?;
        let next = stat_or_missing(storage.stat(&names.next))?;
        let twin = match (&active, newest_sealed) {
            (Some(active), Some(number)) => stat_or_missing(storage.stat(&names.sealed(number)))?
                .is_some_and(|sealed| sealed.id.is_some() && sealed.id == active.id),
            _ => false,
        };
        Ok(Seen { active: active_seen(active), twin, next: next_seen(next) })
    }

    /// What to do.
    pub fn plan(self) -> Plan {
        // The table is total; were it not, going on with what is there would be the harmless
        // choice.
        TABLE.iter().find(|row| row.covers(self)).map_or(Plan::Continue, |row| row.plan)
    }
}

pub(super) fn stat_or_missing(stat: io::Result<FileStat>) -> io::Result<Option<FileStat>> {
    match stat {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn active_seen(stat: Option<FileStat>) -> ActiveSeen {
    match stat {
        None => ActiveSeen::Missing,
        Some(stat) if stat.kind != FileKind::Regular => ActiveSeen::Foreign,
        Some(stat) if stat.len == 0 => ActiveSeen::Empty,
        Some(_) => ActiveSeen::Filled,
    }
}

fn next_seen(stat: Option<FileStat>) -> NextSeen {
    match active_seen(stat) {
        ActiveSeen::Missing => NextSeen::Missing,
        ActiveSeen::Empty => NextSeen::Empty,
        ActiveSeen::Filled => NextSeen::Filled,
        ActiveSeen::Foreign => NextSeen::Foreign,
    }
}

/// Bytes read at a time when looking for the last newline.
const LOOK_BYTES: usize = 256 * 1024;

/// The bytes after a file's last whole line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where the last whole line ends.
    pub whole_len: u64,
    /// What comes after, NULs and outer white space taken away; at most [`FRAGMENT_BYTES_MAX`] of
    /// it.
    pub fragment: Vec<u8>,
}

/// A fragment longer than this is kept in part only: a tail can be as long as the file.
pub(super) const FRAGMENT_BYTES_MAX: usize = 1 << 20;

/// Nobody clears the file of torn lines; it must not fill the disk.
const TORN_BYTES_MAX: u64 = 16 << 20;

/// Finds the end of the last whole line in the first `len` bytes.
///
/// Lines after a NUL do not count: a copy into a mapping need not go from front to back, and a
/// power loss may keep a later page and lose an earlier one. Such a hole is looked for in the last
/// [`LOOK_BYTES`], which is more than a mapped copy takes at a time.
pub(super) fn tail_of(file: &dyn StorageFile, len: u64) -> io::Result<Tail> {
    let whole_len = end_of_last_line(file, len)?;
    if whole_len == len {
        return Ok(Tail { whole_len, fragment: Vec::new() });
    }
    let torn = usize::try_from(len - whole_len).unwrap_or(usize::MAX).min(FRAGMENT_BYTES_MAX);
    let mut fragment = vec![0; torn];
    let read = read_full(file, &mut fragment, whole_len)?;
    fragment.truncate(read);
    fragment.retain(|&byte| byte != 0);
    Ok(Tail { whole_len, fragment: fragment.trim_ascii().to_vec() })
}

fn end_of_last_line(file: &dyn StorageFile, len: u64) -> io::Result<u64> {
    let mut buffer = vec![0; LOOK_BYTES.min(usize::try_from(len).unwrap_or(LOOK_BYTES))];
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(LOOK_BYTES as u64);
        let part = &mut buffer[..(end - start) as usize];
        let read = read_full(file, part, start)?;
        let sound = &part[..memchr::memchr(0, &part[..read]).unwrap_or(read)];
        if let Some(at) = memchr::memrchr(b'\n', sound) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

pub(super) fn read_full(
    file: &dyn StorageFile,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Appends a fragment to the file of torn lines, as a line of its own.
pub(super) fn keep_fragment(
    storage: &dyn Storage,
    names: &Names,
    mode: u32,
    fragment: &[u8],
) -> io::Result<()> {
    if fragment.is_empty() {
        return Ok(());
    }
    if storage.stat(&names.torn).is_ok_and(|stat| stat.len > TORN_BYTES_MAX) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut file = match storage.open(&names.torn, OpenHow::CreateNew { mode }) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.open(&names.torn, OpenHow::Append)?
        }
        opened => opened?,
    };
    let mut slices = &mut [IoSlice::new(fragment), IoSlice::new(b"\n")][..];
    while !slices.is_empty() {
        match file.append(slices)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => IoSlice::advance_slices(&mut slices, count),
        }
    }
    Ok(())
}
