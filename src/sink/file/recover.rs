//! Recovery on start: one total table of situations, and the cutting of torn tails.
//!
//! The crashes that lead here: between the two steps of a rotation (one inode under two names, or, without hard links,
//! no active file); a power loss that kept some names, lengths and data and lost others; a process killed inside a
//! write. Only bytes that are not part of a line are ever discarded: NULs and white space. The fragment of a torn line
//! is appended to `app.log.torn`.
use std::io::{self, IoSlice};

use super::names::Names;
use ringseal_base::storage::{
    FileKind, FileStat, OpenMode, Storage, StorageFile, append_slices, read_full,
};

/// The kind of file that the active name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActiveState {
    Missing,
    /// A file of length 0.
    Empty,
    /// A file that is not empty.
    Filled,
    /// A directory, a symbolic link, a device: it is set aside before, unless the path was never a log.
    Foreign,
}

/// The kind of file that the name of the prepared next segment refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextState {
    Missing,
    Empty,
    /// Lines that were written after a rotation whose rename a power loss undid.
    Filled,
}

/// The inputs of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StartState {
    pub active: ActiveState,
    /// The newest sealed segment and the active one are the same inode.
    pub same_inode: bool,
    pub next: NextState,
}

/// What to do about the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Create the active file.
    Create,
    /// Continue with the active file.
    Continue,
    /// The prepared file becomes the active one.
    Promote,
    /// The active file already has its sealed name: put a next one (prepared, or new) in its place.
    FinishRotation,
    /// Seal the active file under the next number, then promote.
    SealAndPromote,
    /// The active name refers to something other than a regular file.
    RefuseActive,
}

/// One row of the table: the combinations it covers, and what to do.
pub(super) struct Row {
    pub active: &'static [ActiveState],
    pub same_inode: &'static [bool],
    pub next: &'static [NextState],
    pub plan: Plan,
}

const ANY: &[bool] = &[false, true];
const FILES: &[ActiveState] = &[ActiveState::Empty, ActiveState::Filled];
const ANY_NEXT: &[NextState] = &[NextState::Missing, NextState::Empty, NextState::Filled];

/// The table. Every combination matches exactly one row (checked by a test).
pub(super) const TABLE: &[Row] = &[
    Row {
        active: &[ActiveState::Foreign],
        same_inode: ANY,
        next: ANY_NEXT,
        plan: Plan::RefuseActive,
    },
    // First start, or the files were removed.
    Row {
        active: &[ActiveState::Missing],
        same_inode: ANY,
        next: &[NextState::Missing],
        plan: Plan::Create,
    },
    // Without hard links: killed between the two renames. With them: the active file was moved away.
    Row {
        active: &[ActiveState::Missing],
        same_inode: ANY,
        next: &[NextState::Empty, NextState::Filled],
        plan: Plan::Promote,
    },
    // An ordinary restart.
    Row {
        active: FILES,
        same_inode: &[false],
        next: &[NextState::Missing, NextState::Empty],
        plan: Plan::Continue,
    },
    // Power loss took both names of a rotation, but not the lines written after it.
    Row {
        active: &[ActiveState::Empty],
        same_inode: &[false],
        next: &[NextState::Filled],
        plan: Plan::Promote,
    },
    Row {
        active: &[ActiveState::Filled],
        same_inode: &[false],
        next: &[NextState::Filled],
        plan: Plan::SealAndPromote,
    },
    // Killed between link and rename, or power loss took the rename.
    Row { active: FILES, same_inode: &[true], next: ANY_NEXT, plan: Plan::FinishRotation },
];

impl Row {
    pub fn covers(&self, seen: StartState) -> bool {
        self.active.contains(&seen.active)
            && self.same_inode.contains(&seen.same_inode)
            && self.next.contains(&seen.next)
    }
}

impl StartState {
    /// Reads the state of the names.
    pub fn read(
        storage: &dyn Storage,
        names: &Names,
        newest_sealed: Option<u64>,
    ) -> io::Result<StartState> {
        let active = stat_or_missing(storage.stat(&names.active))?;
        let next = stat_or_missing(storage.stat(&names.next))?;
        let same_inode = match (&active, newest_sealed) {
            (Some(active), Some(number)) => stat_or_missing(storage.stat(&names.sealed(number)))?
                .is_some_and(|sealed| sealed.id.is_some() && sealed.id == active.id),
            _ => false,
        };
        Ok(StartState { active: active_state(active), same_inode, next: next_state(next) })
    }

    /// The plan for this state.
    pub fn plan(self) -> Plan {
        // The table is total; without a match, continuing with the existing files would be harmless.
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

fn active_state(stat: Option<FileStat>) -> ActiveState {
    match stat {
        None => ActiveState::Missing,
        Some(stat) if stat.kind != FileKind::Regular => ActiveState::Foreign,
        Some(stat) if stat.len == 0 => ActiveState::Empty,
        Some(_) => ActiveState::Filled,
    }
}

fn next_state(stat: Option<FileStat>) -> NextState {
    match active_state(stat) {
        // Foreign things were set aside; another one is looked at when it is in the way.
        ActiveState::Missing | ActiveState::Foreign => NextState::Missing,
        ActiveState::Empty => NextState::Empty,
        ActiveState::Filled => NextState::Filled,
    }
}

/// Bytes read at a time in the search for the last newline.
const TAIL_READ_BYTES: usize = 256 * 1024;

/// The bytes after a file's last whole line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The end of the last whole line.
    pub whole_len: u64,
    /// The bytes after it, without NULs and outer white space; at most [`FRAGMENT_BYTES_MAX`].
    pub fragment: Vec<u8>,
}

/// A longer fragment is kept in part only: a tail can be as long as the file.
pub(super) const FRAGMENT_BYTES_MAX: usize = 1 << 20;

/// The file of torn lines is never removed, so its size is limited.
const TORN_BYTES_MAX: u64 = 16 << 20;

/// Finds the end of the last whole line in the first `len` bytes.
///
/// Lines after a NUL do not count: a copy into a mapping need not go from front to back, and a power loss may keep a
/// later page and lose an earlier one. The search for such a hole covers the last [`TAIL_READ_BYTES`], which is more
/// than a mapped copy takes at a time.
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

/// See [`tail_of`].
pub(super) fn end_of_last_line(file: &dyn StorageFile, len: u64) -> io::Result<u64> {
    let mut buffer = vec![0; TAIL_READ_BYTES.min(usize::try_from(len).unwrap_or(TAIL_READ_BYTES))];
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(TAIL_READ_BYTES as u64);
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

/// Appends a fragment to the file of torn lines, as a separate line.
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
    let mut file = match storage.open(&names.torn, OpenMode::CreateNew { mode }) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.open(&names.torn, OpenMode::Append)?
        }
        opened => opened?,
    };
    append_slices(&mut *file, &mut [IoSlice::new(fragment), IoSlice::new(b"\n")]).1
}
