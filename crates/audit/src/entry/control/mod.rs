//! Control entries, which a log writes about itself: `docs/audit-format.md`, section 8.
//!
//! Promises: [`Control::read`] accepts exactly what [`Control::put`] writes: the same members in the same
//! order. Both allocate: control entries are rare.
mod put;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use put::{put_statement_signature, statement_line};
pub(crate) use read::statement_text;

use super::Scheme;
use ringseal_base::digest::Hash;

/// The format that this code writes. It also reads format 1.
pub const FORMAT: u64 = 2;
/// Greatest number in a control entry.
pub(crate) const NUMBER_MAX: u64 = i64::MAX as u64;
/// Greatest number of logs set aside before one.
pub(crate) const CONTINUED_MAX: usize = 1000;
/// Greatest number of segments in a prune entry.
pub const PRUNED_SEGMENTS_MAX: usize = 1000;
/// Greatest number of segments in an integrity entry.
pub const CHECKED_SEGMENTS_MAX: usize = 100;

/// Defines an enum whose variants are written as fixed words.
macro_rules! word_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$note])* $variant,)+
        }

        impl $name {
            /// All variants.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Its word in entries.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }
    };
}

word_enum! {
    /// Why a segment was closed.
    RotateReason {
        /// It reached its size limit.
        Size = "size",
        /// It reached its time limit.
        Time = "time",
        /// Both.
        Both = "both",
        /// The application requested it.
        Manual = "manual",
        /// Opening found no active segment.
        Recovery = "recovery",
    }
}

word_enum! {
    /// Why integrity was checked.
    Trigger {
        /// The log was opened.
        Startup = "startup",
        /// The period elapsed.
        Periodic = "periodic",
        /// A segment was closed.
        Rotation = "rotation",
        /// The application requested it.
        Manual = "manual",
        /// The log is about to be closed.
        Shutdown = "shutdown",
    }
}

word_enum! {
    /// A checksum of a segment.
    Algorithm {
        /// SHA-256.
        Sha256 = "sha256",
        /// SHA-512.
        Sha512 = "sha512",
        /// CRC-32 of IEEE 802.3: detects corruption only.
        Crc32 = "crc32",
    }
}

word_enum! {
    /// The result of a check of a segment.
    CheckStatus {
        /// The expected checksum.
        Ok = "ok",
        /// Another checksum.
        Mismatch = "mismatch",
        /// The file is missing.
        Missing = "missing",
        /// The file could not be read.
        Unreadable = "unreadable",
    }
}

word_enum! {
    /// Why segments were removed.
    PruneReason {
        /// More segments than the limit.
        Count = "count",
        /// Older than the limit.
        Age = "age",
        /// More bytes than the limit.
        Bytes = "bytes",
        /// The application requested it.
        Manual = "manual",
    }
}

word_enum! {
    /// What opening the log derived again.
    Rebuilt {
        /// Hash tiles.
        Tiles = "tiles",
        /// The file `checkpoint`.
        Checkpoint = "checkpoint",
        /// The state of the ratchet.
        ChainKey = "chain.key",
        /// The epoch's key: opening finished a change of epochs that a crash had interrupted.
        EpochKey = "epoch.key",
    }
}

word_enum! {
    /// Where torn bytes were found.
    TornFrom {
        /// At the end of the active segment.
        Active = "audit.log.jsonl",
        /// At the end of the list of checkpoints.
        Checkpoints = "checkpoints",
    }
}

word_enum! {
    /// How a log was closed.
    StopReason {
        /// It was closed explicitly.
        Shutdown = "shutdown",
        /// It was dropped without being closed.
        Drop = "drop",
    }
}

word_enum! {
    /// Where the writer keeps the protected state of the log.
    StatePlace {
        /// In the log's own directory: an older copy of the directory includes an older state.
        Log = "log",
        /// In a directory outside the log's.
        Separate = "separate",
    }
}

word_enum! {
    /// How a log that is opened differs from the state that its last writer left.
    MismatchKind {
        /// Its entries are not those that were written.
        Changed = "changed",
        /// Entries are missing at its end.
        Cut = "cut",
        /// The state is missing.
        NoState = "no_state",
        /// The state is not one that a writer with the log's keys left.
        BadState = "bad_state",
    }
}

/// A checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256.
    Sha256(Hash),
    /// SHA-512.
    Sha512([u8; 64]),
    /// CRC-32.
    Crc32(u32),
}

impl Checksum {
    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Checksum::Sha256(_) => Algorithm::Sha256,
            Checksum::Sha512(_) => Algorithm::Sha512,
            Checksum::Crc32(_) => Algorithm::Crc32,
        }
    }

    /// Lower-case hexadecimal.
    pub fn hex(&self) -> String {
        use ringseal_base::digest::text::hex;
        match self {
            Checksum::Sha256(hash) => hex(hash),
            Checksum::Sha512(hash) => hex(hash),
            Checksum::Crc32(crc) => hex(&crc.to_be_bytes()),
        }
    }
}

/// Name, size, hash and entries of a sealed segment, all of its uncompressed content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its plain name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Hash,
    /// Its first entry.
    pub first_seq: u64,
    /// Its last entry.
    pub last_seq: u64,
}

/// A process opened the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The format of the entries from here on: 1 or 2.
    pub format: u64,
    /// The log's name: the origin of its checkpoints.
    pub origin: String,
    /// How its entries are chained.
    pub scheme: Scheme,
    /// Entries per key of the ratchet; 0 without a key.
    pub ratchet: u64,
    /// Seconds between checkpoints that the writer promises.
    pub checkpoint_seconds: u64,
    /// Entries between checkpoints that the writer promises.
    pub checkpoint_entries: u64,
    /// Verifier key of the epoch.
    pub public_key: String,
    /// The writing program.
    pub writer: String,
    /// Where the protected state is. Format 1 has none and does not write this.
    pub state: StatePlace,
    /// The log that was set aside before this one, in the first entry only.
    pub continued: Option<Continued>,
}

/// A log that was set aside because it was damaged, as the first entry of the log that continues it names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continued {
    /// The directory of its files, within the log's.
    pub dir: String,
    /// Its entries, as far as they were known.
    pub entries: u64,
    /// The root hash of these entries.
    pub tree_root: Hash,
    /// Its epoch.
    pub epoch: u64,
    /// How many keys of the chain it and its predecessors had used, the oldest first; empty without a key.
    pub chain_keys: Vec<u64>,
    /// What was wrong with it.
    pub damage: String,
}

/// The first entry of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentStart {
    /// From 1; the log's first segment has no such entry.
    pub number: u64,
    /// Why the previous one was closed.
    pub reason: RotateReason,
    /// The previous one.
    pub previous: SealedSegment,
    /// SHA-512 or CRC-32 of the previous one, if the log is configured to keep them.
    pub extra: Option<Checksum>,
}

/// The last entry of an epoch: names the next one's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Number of the next epoch.
    pub number: u64,
    /// Verifier key of the epoch that ends.
    pub old_key: String,
    /// Verifier key of the epoch that begins.
    pub new_key: String,
}

/// Bytes that recovery cut off and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornPiece {
    /// The file that holds them now.
    pub kept: String,
    /// The file that held them before.
    pub from: TornFrom,
    /// Their offset in that file.
    pub offset: u64,
    /// Their number.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: Hash,
}

/// What opening the log repaired, and how the log differed from the protected state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// What was cut off.
    pub torn: Vec<TornPiece>,
    /// What was derived again.
    pub rebuilt: Vec<Rebuilt>,
    /// The difference from the state that the last writer left.
    pub mismatch: Option<StateMismatch>,
}

/// A log that is not as its last writer left it. Unknown numbers and hashes are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateMismatch {
    /// The difference.
    pub kind: MismatchKind,
    /// Entries according to the state.
    pub expected_entries: u64,
    /// The root hash of these entries according to the state.
    pub expected_root: Hash,
    /// Entries found.
    pub found_entries: u64,
    /// The root hash of the entries found, of at most `expected_entries` if that is known.
    pub found_root: Hash,
}

impl std::fmt::Display for StateMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (expected, found) = (self.expected_entries, self.found_entries);
        match self.kind {
            MismatchKind::Changed => write!(
                f,
                "the first {expected} entries are not those that the last writer left: they were changed while no \
                 process had the log open"
            ),
            MismatchKind::Cut => write!(
                f,
                "expected {expected} entries as the last writer left them, found {found}: the end was cut off while \
                 no process had the log open"
            ),
            MismatchKind::NoState => {
                write!(
                    f,
                    "expected the protected state of the log, found none beside {found} entries"
                )
            }
            MismatchKind::BadState => write!(
                f,
                "the protected state of the log was not written with its keys; found {found} entries"
            ),
        }
    }
}

/// Segments are about to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// Entries before this one may be missing.
    pub before_seq: u64,
    /// Why.
    pub reason: PruneReason,
    /// Which segments.
    pub segments: Vec<SealedSegment>,
    /// The policy, and the tree of all entries up to the last removed one. Format 1 does not write them.
    pub terms: Option<PruneTerms>,
}

/// What a prune entry promises about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneTerms {
    /// Most segments to keep.
    pub segments_max: Option<u64>,
    /// Segments are kept until their successor is this old.
    pub seconds_max: Option<u64>,
    /// Most bytes to keep.
    pub bytes_max: Option<u64>,
    /// Root hash of the tree of all entries before `before_seq`.
    pub tree_root: Hash,
}

/// The result of a check of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSegment {
    /// Its plain name.
    pub name: String,
    /// The algorithm of the check.
    pub algorithm: Algorithm,
    /// Length found.
    pub bytes: u64,
    /// The checksum in the entry after the segment; `None` for the active segment and if no checksum is recorded.
    pub expected: Option<Checksum>,
    /// The checksum found; `None` if the file could not be read.
    pub found: Option<Checksum>,
    /// The result; a line whose leaf hash differs from the tree is also a mismatch.
    pub status: CheckStatus,
}

/// A check of segments against their expected checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    /// Its trigger.
    pub trigger: Trigger,
    /// The algorithm where the expected value is known.
    pub algorithm: Algorithm,
    /// Bytes of all segments.
    pub log_bytes: u64,
    /// Entries of all segments.
    pub log_entries: u64,
    /// The segments that were read.
    pub segments: Vec<CheckedSegment>,
}

impl Integrity {
    /// `Ok` if every segment is `Ok`, otherwise `Mismatch`.
    pub fn status(&self) -> CheckStatus {
        let ok = self.segments.iter().all(|segment| segment.status == CheckStatus::Ok);
        if ok { CheckStatus::Ok } else { CheckStatus::Mismatch }
    }
}

/// A control entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// A process opened the log.
    Start(Start),
    /// A segment begins.
    Segment(SegmentStart),
    /// An epoch ends.
    Epoch(Epoch),
    /// Opening repaired something.
    Recovery(Recovery),
    /// Segments are about to be removed.
    Prune(Prune),
    /// Segments were checked.
    Integrity(Integrity),
    /// The log was closed.
    Stop(StopReason),
}

impl Control {
    /// Whether it ends with a statement signature by the epoch's key. In format 1, starts and stops do not.
    pub const fn is_statement(&self) -> bool {
        match self {
            Control::Start(start) => start.format > 1,
            Control::Epoch(_) | Control::Recovery(_) | Control::Prune(_) | Control::Stop(_) => true,
            Control::Segment(_) | Control::Integrity(_) => false,
        }
    }
}

/// A control entry with its statement signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The control entry.
    pub control: Control,
    /// The signature, if the entry is a statement.
    pub signature: Option<[u8; 64]>,
    /// The first format that has this form of the entry.
    pub format: u64,
}
