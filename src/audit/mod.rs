//! The audit log: a chain of entries, one Merkle tree over all of them, signed checkpoints.
//!
//! `docs/audit-format.md` is the format, byte by byte. [`entry`] writes and parses lines, [`chain`]
//! signs them.

pub mod chain;
pub mod entry;
