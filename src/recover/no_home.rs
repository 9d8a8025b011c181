//! On this system rings are always in private memory: no home is ever made.
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::engine_file::{EngineFile, RunFacts, SinkFacts};
#[cfg(feature = "audit")]
use super::journal::{AuditProgress, JOURNAL, Journal};
use super::lane_file::LaneFile;
use super::line_file::LineFile;
use super::spool::Spool;
pub use super::writer_home::{OutputTables, WriterHome};
use crate::ringbuf::{Consumer, Producer};
use ringseal_base::storage::shared_file::SharedFile;

/// The home of an engine; there is none.
#[derive(Debug)]
pub struct Home {}

impl Home {
    /// An error.
    pub fn create(
        _: &Path,
        _: &str,
        _: &RunFacts,
        _: (&[SinkFacts], OutputTables),
    ) -> io::Result<WriterHome> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// An error.
    pub fn new_ring(&self, _: usize) -> io::Result<(Producer, Consumer, LaneFile)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Counts nothing.
    pub fn note_unbacked(&self) {}

    /// None.
    pub fn unbacked(&self) -> u64 {
        0
    }

    /// Never.
    pub fn is_incomplete(&self) -> bool {
        false
    }

    /// A journal that is never used.
    #[cfg(feature = "audit")]
    pub fn journal(&self, progress: &AuditProgress) -> Journal {
        Journal::new(self.spool(JOURNAL), progress.clone())
    }

    /// A progress that nobody reads.
    #[cfg(feature = "audit")]
    pub fn audit_progress(&self) -> AuditProgress {
        let file = SharedFile::private(64).expect("memory for a home that there is not");
        AuditProgress::new(Arc::new(file))
    }

    /// Spools that are never used.
    pub fn spool(&self, sink: usize) -> Spool {
        let engine = SharedFile::private(64).expect("memory for a home that there is not");
        Spool::new(Arc::new(engine), 0, Path::new(""), sink)
    }

    /// Removes nothing.
    pub fn remove(&self) {}
}
