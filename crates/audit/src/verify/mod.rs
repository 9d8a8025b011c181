//! Verifies a log: one pass over all segments, against its own checkpoints and those kept elsewhere.
//!
//! [`verify`] follows `docs/audit-format.md`, section 11, and uses the parser of [`entry`](super::entry). It
//! reads and never writes. The [`VerifyReport`] is intact, tampered (with the first bad record: file,
//! line, number, [`FindingKind`]) or unchecked.
//!
//! Promises: memory does not grow with the length of the log; for any content of the files, verification
//! ends and does not panic. It blocks on the disk, and shares the work among [`VerifyOptions::threads`] threads; the
//! report does not depend on their number. `docs/audit-format.md` lists what it cannot detect, and
//! `docs/audit-tamper.md` publishes every case.
//!
//! The first bad record is found by the strongest evidence available. With the chain's first key or a hash chain, each
//! line is checked separately. Without these, a line that differs from its tile is *suspect* until the next checkpoint
//! shows whether the line or the tile is wrong.
//!
//! Stages, in the order in which a log passes them:
//! 1. `stable_read` repeats the pass if the log changes while it is read;
//! 2. `source` reads segments as batches of lines; `kept_entries` reads the control entries of removed segments;
//! 3. `workers` passes batches to threads, each of which hashes (`leaf_hashes`) and parses a batch, and checks the
//!    chain's signatures (`hashing`);
//! 4. `walk` checks the entries in order: link and number, then `tile_check` compares the leaf hash with its
//!    tile, `control_state` applies control entries, and `checkpoints` compares the tree with checkpoints;
//! 5. `classify` determines the kind of the first bad record;
//! 6. `walk::finish` checks what depends on the whole log and fills the report;
//! 7. `wrong_key` determines whether only the given key is wrong;
//! 8. `survey` lists what else is bad behind the first bad record.
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use super::keys::ChainKey;
use super::note::Verifier;
use ringseal_base::digest::Hash;
use ringseal_base::storage::Storage;

pub(super) mod checkpoints;
mod classify;
pub(super) mod continued;
mod control_state;
mod files;
mod hashing;
mod kept_entries;
mod leaf_hashes;
mod prunes;
mod report;
mod report_json;
pub(super) mod source;
pub(super) mod stable_read;
mod survey;
#[cfg(test)]
pub(crate) mod tests;
mod tile_check;
mod walk;
mod workers;
mod wrong_key;

pub use report::{
    Finding, FindingKind, NOTES_MAX, Place, PrunedRange, VerifyOutcome, VerifyReport, Warning,
    WarningKind,
};

/// More threads would only wait for the steps that need the order of the log.
const THREADS_MAX: usize = 64;

/// A checkpoint that was kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCheckpoint {
    /// Its name in reports.
    pub name: String,
    /// The signed note.
    pub note: Vec<u8>,
}

/// Keys, known checkpoints and limits for a verification.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The key of epoch 0, from `audit.pub`: the root of all trust. Its name is the log's origin.
    pub root: Verifier,
    /// The chain's first key, from `audit.mac`. Without it the chain's signatures are not checked,
    /// and only checkpoints reveal changes.
    pub first_key: Option<ChainKey>,
    /// Checkpoints kept elsewhere.
    pub known_checkpoints: Vec<KnownCheckpoint>,
    /// The current time, nanoseconds since 1970, for the age of the last checkpoint. `None` skips this
    /// check.
    pub now_unix_nanos: Option<i64>,
    /// Greatest time between checkpoints, in seconds; by default twice what the log promises.
    pub gap_seconds_max: Option<u64>,
    /// Greatest number of entries between checkpoints; by default twice what the log promises.
    pub gap_entries_max: Option<u64>,
    /// Whether entries may have been removed by signed prune entries.
    pub prunes: PrunePolicy,
    /// The root hash of the log set aside that this one is known to continue. A log that continues another one is a
    /// finding: someone damaged entries that had been acknowledged. With this root it is a warning.
    pub accepted_set_aside: Option<Hash>,
    /// Threads that share the work, at most 64; `None`: as many as the processor runs at the same time. The report is
    /// the same for any number; with 1, all work is done by the calling thread.
    pub threads: Option<NonZeroUsize>,
}

/// Which removals of entries are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrunePolicy {
    /// All that a signed entry records. The keys of the host can sign one for the whole past.
    #[default]
    Any,
    /// Only of segments that had been closed for at least this many seconds.
    OlderThan(u64),
    /// None.
    Never,
}

impl VerifyOptions {
    /// Options with the public key alone.
    pub fn new(root: Verifier) -> VerifyOptions {
        VerifyOptions {
            root,
            first_key: None,
            known_checkpoints: Vec::new(),
            now_unix_nanos: None,
            gap_seconds_max: None,
            gap_entries_max: None,
            prunes: PrunePolicy::Any,
            accepted_set_aside: None,
            threads: None,
        }
    }
}

/// How the work of a verification is divided; does not affect the report.
#[derive(Debug, Clone, Copy)]
struct Division {
    /// Threads that share the work.
    threads: usize,
    /// Bytes of lines that a thread works on at a time, about.
    batch_bytes: usize,
}

impl Division {
    fn of(options: &VerifyOptions) -> Division {
        let available = || std::thread::available_parallelism().ok();
        let threads = options.threads.or_else(available).map_or(1, NonZeroUsize::get);
        Division { threads: threads.min(THREADS_MAX), batch_bytes: source::BATCH_BYTES }
    }
}

/// The progress of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress<'a> {
    /// Bytes of files processed so far.
    pub bytes_done: u64,
    /// Bytes of all segments on disk.
    pub bytes_total: u64,
    /// Entries processed so far.
    pub entries: u64,
    /// The segment that is being read.
    pub file: &'a str,
}

/// Verifies the log in `dir`. `progress` is called about every quarter of a mebibyte.
///
/// The log may be in use. If it changed during a pass that found something, the pass (and its progress) starts again:
/// only a log that did not change is reported as tampered. A log that changes during every pass is unchecked.
pub fn verify(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> VerifyReport {
    verify_divided(storage, dir, options, Division::of(options), progress)
}

fn verify_divided(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    division: Division,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> VerifyReport {
    let verify_once = || one_pass(storage, dir, options, division, progress);
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
    division: Division,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> VerifyReport {
    let mut report = VerifyReport::new(options.root.name());
    match walk::run(storage, dir, options, division, &mut report, progress) {
        Ok(()) => report.outcome = VerifyOutcome::Intact,
        Err(Stop::Tampered(finding)) => {
            report.outcome = VerifyOutcome::Tampered;
            let wrong_key =
                wrong_key::diagnose(storage, dir, options, division, &finding, progress);
            let finding = wrong_key.unwrap_or(*finding);
            if ![FindingKind::WrongKey, FindingKind::SetAside].contains(&finding.kind) {
                survey::add_further(storage, dir, options, &finding, &mut report);
            }
            report.first_bad = Some(finding);
        }
        Err(Stop::Unchecked { reason }) => report.problem = Some(reason),
    }
    report
}

/// Why a verification ends early.
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
