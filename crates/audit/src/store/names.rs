//! File names in a log's directory: `docs/audit-format.md`, section 1.
use crate::entry::control::TornFrom;

/// The active segment.
pub const ACTIVE: &str = "audit.log.jsonl";
/// The latest checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// Every checkpoint.
pub const CHECKPOINTS: &str = "checkpoints";
/// Control entries of segments that were removed.
pub const KEPT: &str = "kept.jsonl";
/// The lock file of the process that writes.
pub const LOCK: &str = "audit.lock";
/// Results of integrity checks, human-readable.
pub const INTEGRITY_LOG: &str = "audit-integrity.log";
/// The directory of torn bytes.
pub const TORN_DIR: &str = "torn";
/// The directory of the host's keys.
pub const KEYS_DIR: &str = "keys";
/// The directory of the tiles.
pub const TILE_DIR: &str = "tile";
/// The current epoch's key.
pub const EPOCH_KEY: &str = "keys/epoch.key";
/// The next epoch's key, while the epoch changes.
pub const EPOCH_NEXT: &str = "keys/epoch.next";
/// The protected state.
pub const STATE: &str = "keys/state";
/// What a log continues that was set aside, and the signed changes of keys before it.
pub const CONTINUED: &str = "continued-from";
/// The same while the old log is being set aside.
pub(super) const CONTINUED_NEXT: &str = "continued-from.next";
/// The key of the chain that follows after the log is set aside.
pub(super) const CHAIN_NEXT: &str = "keys/chain.next";
/// The signed checkpoint over a stop entry, while the entry is being written.
pub const CHECKPOINT_NEXT: &str = "checkpoint.next";
/// The key of the chain.
pub const CHAIN_KEY: &str = "keys/chain.key";

/// The plain name of the sealed segment that begins with entry `first_seq`.
pub fn sealed_name(first_seq: u64) -> String {
    format!("audit-{first_seq:020}.jsonl")
}

/// The first entry of a sealed segment, parsed from its name, and whether the file is compressed.
///
/// ```
/// use ringseal_audit::store::names::parse_sealed;
/// assert_eq!(parse_sealed("audit-00000000000000000042.jsonl.gz"), Some((42, true)));
/// assert_eq!(parse_sealed("audit-42.jsonl"), None);
/// ```
pub fn parse_sealed(name: &str) -> Option<(u64, bool)> {
    let rest = name.strip_prefix("audit-")?;
    let (digits, end) = rest.split_at_checked(20)?;
    let compressed = match end {
        ".jsonl" => false,
        ".jsonl.gz" => true,
        _ => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(|first_seq| (first_seq, compressed))
}

/// The original place of torn bytes, encoded in their file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TornName {
    /// The entry that would have been next.
    pub seq: u64,
    /// The file that held them.
    pub from: TornFrom,
    /// Byte offset in that file.
    pub offset: u64,
    /// Counts torn pieces of the same place, from 0.
    pub piece: u64,
}

impl TornName {
    /// The file name within the directory of torn bytes.
    pub fn name(&self) -> String {
        let from = if self.from == TornFrom::Active { "active" } else { "checkpoints" };
        format!("{:020}-{from}-{}-{}.bin", self.seq, self.offset, self.piece)
    }

    /// Parses such a name.
    pub fn parse(name: &str) -> Option<TornName> {
        let mut parts = name.strip_suffix(".bin")?.split('-');
        let mut next = || parts.next();
        let seq = next()?.parse().ok()?;
        let from = match next()? {
            "active" => TornFrom::Active,
            "checkpoints" => TornFrom::Checkpoints,
            _ => return None,
        };
        let torn =
            TornName { seq, from, offset: next()?.parse().ok()?, piece: next()?.parse().ok()? };
        (torn.name() == name).then_some(torn)
    }
}
