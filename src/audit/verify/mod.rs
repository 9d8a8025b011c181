//! Verifying a log: one pass over all segments, against its own checkpoints and those kept elsewhere.
//!
//! [`verify`] follows `docs/audit-format.md`, section 11, and uses the one parser of entries. It
//! reads and never writes. The [`VerifyReport`] says intact, tampered (with the first bad record: file,
//! line, number, [`FindingKind`]) or unchecked.
//!
//! Promises: memory is flat in the length of the log; whatever the files hold, it ends, and does not
//! panic. It blocks on the disk and uses three threads while it runs. What it cannot detect is told
//! in `docs/audit-format.md` and published, cell by cell, in `docs/audit-tamper.md`.
//!
//! The first bad record is found by the strongest evidence at hand. With the chain's first key or a
//! hash chain each line stands for itself. Without, a line that differs from its tile is *suspect*
//! until the next checkpoint says which of the two is wrong.
use std::io;
use std::path::Path;

use super::keys::ChainKey;
use super::note::Verifier;
use crate::storage::Storage;

pub(super) mod checkpoints;
mod classify;
mod control_state;
mod hashing;
mod kept_entries;
mod leaf_hashes;
mod report;
pub(super) mod source;
pub(super) mod stable_read;
#[cfg(test)]
pub(crate) mod tests;
mod tile_check;
mod walk;
mod wrong_key;

pub use report::{Finding, FindingKind, NOTES_MAX, Place, VerifyOutcome, VerifyReport};

/// A checkpoint that somebody kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCheckpoint {
    /// What to call it in reports.
    pub name: String,
    /// The signed note.
    pub note: Vec<u8>,
}

/// What the verifier knows beforehand.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The key of epoch 0, from `audit.pub`: the root of all trust. Its name is the log's origin.
    pub root: Verifier,
    /// The chain's first key, from `audit.mac`. Without it signatures of the chain are not checked,
    /// and only checkpoints tell.
    pub first_key: Option<ChainKey>,
    /// Checkpoints kept elsewhere.
    pub known_checkpoints: Vec<KnownCheckpoint>,
    /// The present, nanoseconds since 1970: how long the tail has been without a checkpoint. `None`
    /// does not ask.
    pub now_unix_nanos: Option<i64>,
    /// Greatest time between checkpoints; by default twice what the log promises.
    pub gap_seconds_max: Option<u64>,
    /// Greatest number of entries between checkpoints; by default twice what the log promises.
    pub gap_entries_max: Option<u64>,
}

impl VerifyOptions {
    /// Nothing is known but the public key.
    pub fn new(root: Verifier) -> VerifyOptions {
        VerifyOptions {
            root,
            first_key: None,
            known_checkpoints: Vec::new(),
            now_unix_nanos: None,
            gap_seconds_max: None,
            gap_entries_max: None,
        }
    }
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress<'a> {
    /// Bytes of files that are done.
    pub bytes_done: u64,
    /// Bytes of all segments on disk.
    pub bytes_total: u64,
    /// Entries that are done.
    pub entries: u64,
    /// The segment that is being read.
    pub file: &'a str,
}

/// Verifies the log in `dir`. `progress` is called for each quarter of a mebibyte or so.
///
/// The log may be in use. Where it moved on while something was found, it is read again from the beginning, and
/// progress with it: only a log that stands still is called tampered. One that never does is unchecked.
pub fn verify(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> VerifyReport {
    let verify_once = || one_pass(storage, dir, options, progress);
    stable_read::until_stable(storage, dir, verify_once, |report| {
        report.outcome == VerifyOutcome::Intact
    })
    .unwrap_or_else(|| {
        let mut report = VerifyReport::new(options.root.name());
        report.problem = Some(stable_read::never_stable(dir));
        report
    })
}

fn one_pass(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> VerifyReport {
    let mut report = VerifyReport::new(options.root.name());
    match walk::run(storage, dir, options, &mut report, progress) {
        Ok(()) => report.outcome = VerifyOutcome::Intact,
        Err(Stop::Tampered(finding)) => {
            report.outcome = VerifyOutcome::Tampered;
            let wrong_key = wrong_key::diagnose(storage, dir, options, &finding, progress);
            report.first_bad = Some(wrong_key.unwrap_or(*finding));
        }
        Err(Stop::Unchecked { reason }) => report.problem = Some(reason),
    }
    report
}

/// Why verifying ends early.
#[derive(Debug)]
pub(super) enum Stop {
    Tampered(Box<Finding>),
    Unchecked { reason: String },
}

impl Stop {
    fn io(path: &Path, error: &io::Error) -> Stop {
        Stop::Unchecked { reason: format!("{}: {error}", path.display()) }
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Stop {
        Stop::Tampered(Box::new(finding))
    }
}
