//! The audit log: a chain of entries, one Merkle tree over all of them, signed checkpoints.
//!
//! `docs/audit-format.md` is the format, byte by byte. [`entry`] writes and parses lines, [`chain`]
//! signs them, [`store`] is the log on disk. [`merkle`] is the tree of RFC 6962, [`tiles`] its
//! layout on disk (C2SP tlog-tiles), [`note`] and [`checkpoint`] what is signed (C2SP signed-note
//! and tlog-checkpoint), [`keys`] the key files, [`proof`] a proof that stands alone, [`verify`] the
//! check of a whole log.

pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod keys;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod store;
pub mod tiles;
pub mod verify;
