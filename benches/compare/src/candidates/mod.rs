//! All candidates, and the one place that knows them by name.
//!
//! To add one: a file with a type that implements `Candidate`, its `mod` line, and its type in the
//! list below.

mod ferrilog;
mod floors;
mod ring_floor;
mod tracing;

use std::path::Path;

use crate::candidate::{Candidate, Format, Kind};
use crate::measure::{self, Amounts, Latency, Logged, Throughput};

/// A candidate with its measuring loops, compiled for it.
pub struct Entry {
    /// See `Candidate`.
    pub name: &'static str,
    /// See `Candidate`.
    pub kind: Kind,
    /// See `Candidate`.
    pub format: Format,
    /// See `Candidate`.
    pub crate_name: &'static str,
    /// Measures the producer's side.
    pub latency: fn(&Path, Amounts, f64) -> Result<(Latency, Logged), String>,
    /// Measures end to end.
    pub throughput: fn(&Path, Amounts) -> Result<(Throughput, Logged), String>,
}

impl Entry {
    /// Whether it writes lines, and so has a throughput.
    pub fn writes(&self) -> bool {
        self.format != Format::Nothing
    }

    /// The version that was built, as the lock file has it; `None` for floors.
    pub fn version(&self) -> Option<&'static str> {
        let lock = include_str!("../../Cargo.lock");
        let (_, after) = lock.split_once(&format!("name = \"{}\"\nversion = \"", self.crate_name))?;
        after.split('"').next()
    }
}

const fn entry<C: Candidate>() -> Entry {
    Entry {
        name: C::NAME,
        kind: C::KIND,
        format: C::FORMAT,
        crate_name: C::CRATE,
        latency: measure::latency::<C>,
        throughput: measure::throughput::<C>,
    }
}

/// Every candidate: floors first, then rivals.
pub const ALL: &[Entry] = &[
    entry::<floors::Rdtsc>(),
    entry::<floors::EncCoarse>(),
    entry::<floors::Enc>(),
    entry::<ring_floor::Ring>(),
    entry::<ring_floor::RingJson>(),
    entry::<ring_floor::RingJsonSame>(),
    entry::<ferrilog::Ferrilog>(),
    entry::<tracing::Tracing>(),
];

/// The candidate of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_candidates_share_a_name() {
        for (i, entry) in ALL.iter().enumerate() {
            assert!(ALL[..i].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
    }
}
