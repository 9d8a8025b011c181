//! Where a sink's lines are, published for a later process.
//!
//! Promise of a sink that calls [`Commit::publish`]: at every instant at which the process can be killed, the number of
//! its lines in place is the published number plus the whole lines that it wrote beyond the published place: after that
//! length in that file, then in the files that became active later. The publication may therefore be late, after a
//! write, but never early, and it is exact whenever no call of the sink is running.
//!
//! Publishing allocates nothing, makes no system call and cannot fail.
use ringseal_base::storage::FileId;

/// The end of a log: its file, and the length of that file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// The file; `None` if there is none, or the platform has no identities.
    pub file: Option<FileId>,
    /// Its length in bytes, up to the end of the last whole line.
    pub len_bytes: u64,
}

/// Receives how many lines of a sink are in place.
pub trait Commit: Send {
    /// Called before a write to a stream, of which nobody can tell afterwards how much was written: the number of lines
    /// may become this.
    fn offer(&self, _lines: u64) {}

    /// Called on the writer thread after each write, and whenever the place changed. An implementation stores to memory
    /// and returns.
    fn publish(&self, lines: u64, place: Place);
}
