//! What a log is told when it is opened.
use crate::audit::chain::RATCHET_MAX;
use crate::audit::entry::control::Algorithm;
use crate::audit::entry::{LINE_BYTES_MAX, Scheme};
use crate::audit::keys::ChainKey;

/// How a log behaves. What concerns its first entry (`scheme`, `ratchet`) is decided once for ever.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// How entries are chained. It must be what the log's first entry says.
    pub scheme: Scheme,
    /// Entries per key of the chain, for a new log; an older one keeps its own.
    pub ratchet: u64,
    /// K_0 from `audit.mac`: only to go on when `keys/chain.key` was lost.
    pub first_key: Option<ChainKey>,
    /// A segment is closed when it has reached this size; it may exceed it by one commit.
    pub segment_bytes_max: u64,
    /// A segment is closed when it is so old.
    pub segment_seconds_max: Option<u64>,
    /// A checkpoint is made at least so often.
    pub checkpoint_seconds: u64,
    /// A checkpoint is made after so many entries.
    pub checkpoint_entries: u64,
    /// An epoch lasts at most so long.
    pub epoch_seconds_max: u64,
    /// The chain's key on disk is at most so much older than the one in memory.
    pub chain_key_seconds: u64,
    /// Entries that wait for their commit take at most so many bytes.
    pub staged_bytes_max: usize,
    /// The checksum of integrity checks.
    pub integrity_algorithm: Algorithm,
    /// A check on its own account reads at most so many bytes of sealed segments, and goes on where
    /// the one before stopped. A manual one reads all.
    pub integrity_bytes_max: u64,
    /// Which segments stay.
    pub retain: Retain,
    /// `service` of `audit-integrity.log`.
    pub service: String,
    /// `service_instance` of `audit-integrity.log`.
    pub service_instance: String,
}

/// Which sealed segments stay. By default all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retain {
    /// At most so many.
    pub segments_max: Option<u64>,
    /// None whose successor was begun so long ago.
    pub seconds_max: Option<u64>,
    /// At most so many bytes, before compression.
    pub bytes_max: Option<u64>,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            scheme: Scheme::Mac,
            ratchet: 1,
            first_key: None,
            segment_bytes_max: 10_485_760,
            segment_seconds_max: None,
            checkpoint_seconds: 300,
            checkpoint_entries: 65_536,
            epoch_seconds_max: 86_400,
            chain_key_seconds: 1,
            staged_bytes_max: 4 * LINE_BYTES_MAX,
            integrity_algorithm: Algorithm::Sha256,
            integrity_bytes_max: 64 << 20,
            retain: Retain::default(),
            service: String::new(),
            service_instance: String::new(),
        }
    }
}

impl LogOptions {
    /// What is out of range, if anything: the field and what was expected.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let wrong = [
            (!(1..=RATCHET_MAX).contains(&self.ratchet), "ratchet", "1 to 65536"),
            (self.segment_bytes_max == 0, "segment_bytes_max", "1 or more"),
            (self.segment_seconds_max == Some(0), "segment_seconds_max", "1 or more"),
            (self.checkpoint_seconds == 0, "checkpoint_seconds", "1 or more"),
            (self.checkpoint_entries == 0, "checkpoint_entries", "1 or more"),
            (self.epoch_seconds_max == 0, "epoch_seconds_max", "1 or more"),
            (self.staged_bytes_max < 2 * LINE_BYTES_MAX, "staged_bytes_max", "2097152 or more"),
        ];
        wrong
            .iter()
            .find(|(is_wrong, ..)| *is_wrong)
            .map(|(_, field, expected)| (*field, *expected))
    }
}
