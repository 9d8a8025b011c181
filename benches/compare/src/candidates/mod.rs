//! All candidates, and the only list of their names.
//!
//! To add one: a file with a type that implements `Candidate`, its `mod` line, and its type in the
//! list below.

mod emit;
mod fast_log;
mod ferrilog;
mod flexi_logger;
mod floors;
mod ftlog;
mod json_ring;
mod log4rs;
mod logforth;
mod quill;
mod ring_floor;
pub mod ringseal;
mod slog;
mod spdlog;
mod tracing;

use std::path::{Path, PathBuf};

use crate::candidate::{Candidate, Format, Kind};
use crate::family::Group;
use crate::measure::{self, Amounts, Latency, Measured, Throughput};

/// A candidate with its measuring loops, compiled for it.
#[derive(Debug)]
pub struct Entry {
    /// See `Candidate`.
    pub name: &'static str,
    /// See `Candidate`.
    pub kind: Kind,
    /// See `Candidate`.
    pub group: Group,
    /// See `Candidate`.
    pub format: Format,
    /// See `Candidate`.
    pub crate_name: &'static str,
    /// Measures the producer's side.
    pub latency: fn(&Path, Amounts, f64) -> Measured<Latency>,
    /// Measures end to end.
    pub throughput: fn(&Path, Amounts) -> Measured<Throughput>,
}

impl Entry {
    /// Whether it writes lines, so that its throughput can be measured.
    pub fn writes(&self) -> bool {
        self.format != Format::Nothing
    }

    /// Whether it is measured by the driver of `peer`, which may be missing.
    pub fn is_peer(&self) -> bool {
        self.group == Group::Cpp
    }

    /// The version that was built, from the lock file; `None` for floors.
    pub fn version(&self) -> Option<&'static str> {
        let lock = include_str!("../../Cargo.lock");
        let (_, after) =
            lock.split_once(&format!("name = \"{}\"\nversion = \"", self.crate_name))?;
        after.split('"').next()
    }
}

const fn entry<C: Candidate>() -> Entry {
    Entry {
        name: C::NAME,
        kind: C::KIND,
        group: C::GROUP,
        format: C::FORMAT,
        crate_name: C::CRATE,
        latency: measure::latency::<C>,
        throughput: measure::throughput::<C>,
    }
}

/// A candidate that the driver in C++ measures; see `peer`.
const fn quill_entry<S: quill::Sink>() -> Entry {
    Entry {
        name: S::NAME,
        kind: Kind::Rival,
        group: Group::Cpp,
        format: S::FORMAT,
        crate_name: "",
        latency: quill::latency::<S>,
        throughput: quill::throughput::<S>,
    }
}

/// Every candidate: floors first, then the experiments, ringseal, and rivals.
pub const ALL: &[Entry] = &[
    entry::<floors::Empty>(),
    entry::<floors::Rdtsc>(),
    entry::<floors::EncCoarse>(),
    entry::<floors::EncPlain>(),
    entry::<ring_floor::Ring<ring_floor::Plainly>>(),
    entry::<ring_floor::Ring<ring_floor::Lazier>>(),
    entry::<json_ring::RingJson<json_ring::Short>>(),
    entry::<json_ring::RingJson<json_ring::Same>>(),
    entry::<floors::EncSame>(),
    entry::<ring_floor::Ring<ring_floor::Same>>(),
    entry::<ring_floor::Ring<ring_floor::Asleep>>(),
    entry::<ring_floor::Ring<ring_floor::Coarse>>(),
    entry::<json_ring::RingJson<json_ring::Asleep>>(),
    entry::<json_ring::RingJson<json_ring::Redacted>>(),
    entry::<ringseal::Ringseal<false, false>>(),
    entry::<ringseal::Ringseal<true, false>>(),
    entry::<ringseal::Ringseal<false, true>>(),
    entry::<ringseal::Unredacted<true>>(),
    entry::<ringseal::Unredacted<false>>(),
    entry::<ringseal::Explicit<false>>(),
    entry::<ringseal::Explicit<true>>(),
    entry::<ringseal::Disabled>(),
    entry::<ferrilog::Ferrilog<{ ferrilog::FLUSH_DEFAULT }>>(),
    entry::<ferrilog::Ferrilog<{ ferrilog::FLUSH_1MIB }>>(),
    entry::<spdlog::Spdlog>(),
    entry::<fast_log::FastLog>(),
    entry::<slog::Slog>(),
    entry::<logforth::Logforth>(),
    entry::<ftlog::Ftlog>(),
    entry::<flexi_logger::FlexiAsync>(),
    entry::<flexi_logger::FlexiBuffer>(),
    entry::<log4rs::Log4rs>(),
    entry::<emit::Emit>(),
    entry::<tracing::Tracing>(),
    quill_entry::<quill::Json>(),
    quill_entry::<quill::Text>(),
];

/// The candidate of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

/// The files in `dir`, for candidates that choose their file names.
fn files_in(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let describe = |e: std::io::Error| format!("{}: {e}", dir.display());
    let mut files = std::fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(describe)?;
    files.sort();
    Ok(files)
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
