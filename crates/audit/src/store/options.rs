//! The options of a log.
use std::path::PathBuf;

use crate::chain::RATCHET_MAX;
use crate::entry::control::Algorithm;
use crate::entry::{LINE_BYTES_MAX, Scheme};
use crate::keys::ChainKey;

/// Options of a log. Those that its first entry records (`scheme`, `ratchet`) cannot be changed later.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// How entries are chained. Must match the log's first entry.
    pub scheme: Scheme,
    /// Entries per key of the chain, for a new log; an existing log keeps its own value.
    pub ratchet: u64,
    /// K_0 from `audit.mac`: needed only to continue after `keys/chain.key` was lost.
    pub first_key: Option<ChainKey>,
    /// What opening does with a log that is damaged or was cut off.
    pub on_damage: OnDamage,
    /// The directory of the host's keys and of the protected state; `keys` below the log's by default. One outside the
    /// log's directory is not rolled back together with the log.
    pub state_dir: Option<PathBuf>,
    /// A segment is closed when it reaches this size; it may exceed it by one commit.
    pub segment_bytes_max: u64,
    /// A segment is closed at this age.
    pub segment_seconds_max: Option<u64>,
    /// Longest time between checkpoints.
    pub checkpoint_seconds: u64,
    /// A checkpoint is made after this many entries.
    pub checkpoint_entries: u64,
    /// Longest duration of an epoch.
    pub epoch_seconds_max: u64,
    /// Longest time by which the chain's key on disk may be older than the one in memory.
    pub chain_key_seconds: u64,
    /// Most bytes of entries staged for a commit.
    pub staged_bytes_max: usize,
    /// The checksum algorithm of integrity checks.
    pub integrity_algorithm: Algorithm,
    /// Most bytes of sealed segments that an automatic check reads; it starts where the previous one stopped. A manual
    /// check reads all.
    pub integrity_bytes_max: u64,
    /// Which sealed segments are kept.
    pub retain: Retain,
    /// `service` of `audit-integrity.log`.
    pub service: String,
    /// `service_instance` of `audit-integrity.log`.
    pub service_instance: String,
}

/// What opening does with a log that cannot be continued, because entries are damaged or missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDamage {
    /// Returns an error. Nothing is changed, so that the damage can be examined.
    #[default]
    Refuse,
    /// Moves the log's files to a directory `aside-<number>` and begins a new log, whose first entry names the state of
    /// the old one. Every verdict on the new log reports this.
    SetAside,
}

/// Which sealed segments are kept. By default all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retain {
    /// At most this many.
    pub segments_max: Option<u64>,
    /// Only segments whose successor was begun less than this long ago.
    pub seconds_max: Option<u64>,
    /// At most this many bytes, before compression.
    pub bytes_max: Option<u64>,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            scheme: Scheme::Mac,
            ratchet: 1,
            first_key: None,
            on_damage: OnDamage::Refuse,
            state_dir: None,
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
    /// The first field that is out of range, and what was expected.
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
