//! Rotation: the active segment gets its permanent name, and the prepared one takes its place.
//!
//! With hard links there is an active file at every moment: the file gets a second name first, then the prepared one is
//! renamed over the first. The next start completes a rotation that a crash interrupted between the two
//! ([`super::recover`]). A file system without hard links gets two renames, with a moment without an active file
//! between them.
use std::io;
use std::path::{Path, PathBuf};

use super::FileSink;
use super::helper::Job;
use super::names::NUMBER_MAX;
use super::recover::stat_or_missing;
use super::segment::Segment;
use crate::sink::SinkError;
use ringseal_base::Now;
use ringseal_base::storage::FileKind;

/// Why a segment was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationReason {
    /// The next line would have exceeded [`FileConfig::rotate_bytes_max`](super::FileConfig).
    Size,
    /// Its period was over.
    Time,
    /// Both.
    Both,
}

impl RotationReason {
    /// `size`, `time` or `both`.
    pub const fn as_str(self) -> &'static str {
        match self {
            RotationReason::Size => "size",
            RotationReason::Time => "time",
            RotationReason::Both => "both",
        }
    }
}

/// One rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The sealed segment; it may be compressed or removed soon afterwards.
    pub sealed: PathBuf,
    /// The file that receives lines from then on.
    pub active: PathBuf,
    /// Why.
    pub reason: RotationReason,
    /// Length of the sealed segment in bytes.
    pub len_bytes: u64,
}

/// How long a failed rotation is postponed; lines are written to the full segment meanwhile.
const RETRY_NANOS: i64 = 1_000_000_000;

impl FileSink {
    /// Seals the active segment and continues with the next one. An error is only recorded: the sink continues with its
    /// current segment and tries again after a second.
    pub(super) fn rotate(&mut self, now: Now, reason: RotationReason) {
        if let Err(error) = self.try_rotate(now, reason) {
            self.postpone_rotation(now, error);
        }
    }

    pub(super) fn postpone_rotation(&mut self, now: Now, error: SinkError) {
        self.rotate_not_before_unix_nanos = Some(now.unix_nanos.saturating_add(RETRY_NANOS));
        self.record_error(error);
    }

    /// Whether the last rotation failed so recently that the next must wait.
    pub(super) fn rotation_is_postponed(&self, now: Now) -> bool {
        // A clock that was set back must not extend the wait.
        self.rotate_not_before_unix_nanos.is_some_and(|then| {
            now.unix_nanos < then && then.saturating_sub(now.unix_nanos) <= RETRY_NANOS
        })
    }

    fn try_rotate(&mut self, now: Now, reason: RotationReason) -> Result<(), SinkError> {
        let next = self.shared.take_next()?;
        let half = match self.give_sealed_name() {
            Ok(half) => half,
            Err(error) => {
                self.shared.offer_next(next);
                return Err(error);
            }
        };
        let next = match self.promote_next(next) {
            Ok(next) => next,
            Err(error) => {
                self.shared.used_next();
                self.undo_sealed_name(half);
                return Err(error);
            }
        };
        self.shared.used_next();
        self.half_rotated = None;
        self.rotate_not_before_unix_nanos = None;
        self.counters.rotations += 1;
        self.shared.sealed(half.number);
        let period = self.period_of_new(&next, now);
        if let Some(sealed) = self.replace_active(next, period) {
            let names = &self.shared.names;
            let rotation = Rotation {
                sealed: names.sealed(half.number),
                active: names.active.clone(),
                reason,
                len_bytes: sealed.len,
            };
            self.helper.offer(Job::Sealed(sealed, rotation));
        }
        self.helper.offer(Job::Prepare);
        Ok(())
    }

    /// First step: the permanent name.
    fn give_sealed_name(&mut self) -> Result<HalfRotated, SinkError> {
        if let Some(half) = self.half_rotated {
            return Ok(half);
        }
        loop {
            let number = self.next_number;
            if number > NUMBER_MAX {
                let path = self.shared.names.active.clone();
                return Err(SinkError::NumbersUsedUp { path, number_max: NUMBER_MAX });
            }
            let sealed = self.shared.names.sealed(number);
            self.next_number += 1;
            match self.link_or_rename(&sealed) {
                Ok(linked) => {
                    let half = HalfRotated { number, linked };
                    self.half_rotated = Some(half);
                    if let Err(error) = self.expect_own(&sealed) {
                        // Something else had the active name. The next write looks at what it is.
                        self.undo_sealed_name(half);
                        return Err(SinkError::io("seal as", &sealed, error));
                    }
                    return Ok(half);
                }
                // Another process created that file; its number is taken.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    self.next_number = number;
                    return Err(SinkError::io("seal as", &sealed, source));
                }
            }
        }
    }

    /// Returns whether the file still has its active name, too.
    fn link_or_rename(&self, sealed: &Path) -> io::Result<bool> {
        let (storage, names) = (&*self.shared.storage, &self.shared.names);
        match storage.link(&names.active, sealed) {
            Err(error) if no_hard_links(&error) => {
                if stat_or_missing(storage.stat(sealed))?.is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                self.expect_own(&names.active)?;
                storage.rename(&names.active, sealed).map(|()| false)
            }
            result => result.map(|()| true),
        }
    }

    /// Whether a name refers to the open active file.
    fn expect_own(&self, path: &Path) -> io::Result<()> {
        let stat = self.shared.storage.stat(path)?;
        if stat.kind == FileKind::Regular && stat.id == self.active_id {
            return Ok(());
        }
        Err(io::Error::other("another file is in place of the active one"))
    }

    /// The second step failed: the file continues under the active name alone. Its number is not assigned again,
    /// because a reader may have seen it.
    fn undo_sealed_name(&mut self, half: HalfRotated) {
        let (storage, names) = (&*self.shared.storage, &self.shared.names);
        let sealed = names.sealed(half.number);
        let back = if half.linked {
            storage.remove(&sealed)
        } else {
            storage.rename(&sealed, &names.active)
        };
        // If that fails too, the next rotation begins with the second step.
        if back.is_ok() {
            self.half_rotated = None;
        }
    }

    /// Second step: the prepared file under the active name.
    fn promote_next(&mut self, next: Segment) -> Result<Segment, SinkError> {
        let shared = &self.shared;
        let (storage, names) = (&*shared.storage, &shared.names);
        let next = match self.is_prepared(&next) {
            true => next,
            // Something else has its name. It is set aside or removed, and another file created.
            false => {
                drop(next);
                shared.take_next()?
            }
        };
        let next = match storage.rename(&names.next, &names.active) {
            // The prepared file was removed: create another one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                drop(next);
                let next = shared.take_next()?;
                storage.rename(&names.next, &names.active).map(|()| next)
            }
            result => result.map(|()| next),
        };
        next.map_err(|source| SinkError::io("rename to", &names.active, source))
    }

    /// Whether the hidden name still refers to the prepared file. A missing one is created again by the caller.
    fn is_prepared(&self, next: &Segment) -> bool {
        let own = next.stat().ok().and_then(|stat| stat.id);
        match self.shared.storage.stat(&self.shared.names.next) {
            Ok(stat) => stat.kind == FileKind::Regular && stat.id == own,
            Err(_) => true,
        }
    }
}

/// The active file has its permanent name, but no new file has replaced it under the active name yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct HalfRotated {
    pub number: u64,
    /// The file still has the active name as well.
    pub linked: bool,
}

/// FAT, some network and FUSE file systems.
fn no_hard_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied | io::ErrorKind::TooManyLinks
    )
}
