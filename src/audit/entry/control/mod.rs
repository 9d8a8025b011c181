//! The entries that a log writes about itself: `docs/audit-format.md`, section 8.
//!
//! Promises: what [`Control::put`] writes, [`Control::read`] reads, and nothing else; members in
//! one order, none more, none less. Both allocate: control entries are rare.
mod put;
mod read;
#[cfg(test)]
mod tests;

pub(in crate::audit) use put::{put_statement_signature, statement_line};
pub(in crate::audit) use read::statement_text;

use super::Scheme;
use crate::digest::Hash;

/// The format that this code writes and reads.
pub const FORMAT: u64 = 1;
/// A prune entry names at most so many segments.
pub const PRUNED_SEGMENTS_MAX: usize = 1000;
/// An integrity entry names at most so many segments.
pub const CHECKED_SEGMENTS_MAX: usize = 100;

/// A closed set of words.
macro_rules! word_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$note])* $variant,)+
        }

        impl $name {
            /// All of them.
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
        /// It had reached its size.
        Size = "size",
        /// Its time was over.
        Time = "time",
        /// Both.
        Both = "both",
        /// Somebody asked for it.
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
        /// Its period was over.
        Periodic = "periodic",
        /// A segment was closed.
        Rotation = "rotation",
        /// Somebody asked for it.
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
        /// CRC-32 of IEEE 802.3: finds accidents only.
        Crc32 = "crc32",
    }
}

word_enum! {
    /// What a check of a segment found.
    CheckStatus {
        /// What was expected.
        Ok = "ok",
        /// Something else.
        Mismatch = "mismatch",
        /// No file.
        Missing = "missing",
        /// A file that could not be read.
        Unreadable = "unreadable",
    }
}

word_enum! {
    /// Why segments were removed.
    PruneReason {
        /// More than so many.
        Count = "count",
        /// Older than so long.
        Age = "age",
        /// More bytes than so many.
        Bytes = "bytes",
        /// Somebody asked for it.
        Manual = "manual",
    }
}

word_enum! {
    /// What opening derived anew.
    Rebuilt {
        /// Hash tiles.
        Tiles = "tiles",
        /// The file `checkpoint`.
        Checkpoint = "checkpoint",
        /// The state of the ratchet.
        ChainKey = "chain.key",
        /// The epoch's key, by finishing a change of epochs that a crash cut short.
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
    /// How a log came to its end.
    StopReason {
        /// It was closed.
        Shutdown = "shutdown",
        /// It was dropped without having been closed.
        Drop = "drop",
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
    /// Which one it is.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Checksum::Sha256(_) => Algorithm::Sha256,
            Checksum::Sha512(_) => Algorithm::Sha512,
            Checksum::Crc32(_) => Algorithm::Crc32,
        }
    }

    /// Lower-case hexadecimal.
    pub fn hex(&self) -> String {
        use crate::digest::text::hex;
        match self {
            Checksum::Sha256(hash) => hex(hash),
            Checksum::Sha512(hash) => hex(hash),
            Checksum::Crc32(crc) => hex(&crc.to_be_bytes()),
        }
    }
}

/// What is known of a sealed segment: of its plain content, whether compressed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its plain name.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: Hash,
    /// Its first entry.
    pub first_seq: u64,
    /// Its last entry.
    pub last_seq: u64,
}

/// A process opened the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
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
    /// The program.
    pub writer: String,
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
    /// SHA-512 or CRC-32 of the previous one, if the log was told to keep them.
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
    /// Where they are now.
    pub kept: String,
    /// Where they were.
    pub from: TornFrom,
    /// At what offset.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: Hash,
}

/// What opening had to repair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// What was cut off.
    pub torn: Vec<TornPiece>,
    /// What was derived anew.
    pub rebuilt: Vec<Rebuilt>,
}

/// Segments are about to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// Everything before this entry may be missing.
    pub before_seq: u64,
    /// Why.
    pub reason: PruneReason,
    /// Which segments.
    pub segments: Vec<SealedSegment>,
}

/// What a check found of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSegment {
    /// Its plain name.
    pub name: String,
    /// By what it was checked.
    pub algorithm: Algorithm,
    /// Length found.
    pub bytes: u64,
    /// What the entry behind it says; `None` for the active one and where nothing says it.
    pub expected: Option<Checksum>,
    /// What was found; `None` if nothing could be read.
    pub found: Option<Checksum>,
    /// The verdict; a line whose leaf hash is not the tree's is a mismatch too.
    pub status: CheckStatus,
}

/// A check of segments against what is expected of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    /// Why it was made.
    pub trigger: Trigger,
    /// By what, where the expected value is known.
    pub algorithm: Algorithm,
    /// Bytes of all segments.
    pub log_bytes: u64,
    /// Entries of all segments.
    pub log_entries: u64,
    /// The segments that were read.
    pub segments: Vec<CheckedSegment>,
}

impl Integrity {
    /// `ok` if every segment is.
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
    /// Whether it ends with a signature of its own, by the epoch's key.
    pub const fn is_statement(&self) -> bool {
        matches!(self, Control::Epoch(_) | Control::Recovery(_) | Control::Prune(_))
    }
}

/// A control entry as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it says.
    pub control: Control,
    /// Its signature, if it is a statement.
    pub signature: Option<[u8; 64]>,
}
