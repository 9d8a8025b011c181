//! What the writer gets of a home, and what it needs in it.
use std::sync::Arc;

use super::engine_file::EngineFile;
use super::home::Home;
use super::line_file::LineFile;

/// What the writer has of a home.
#[derive(Debug)]
pub struct WriterHome {
    /// The home.
    pub home: Arc<Home>,
    /// Run, clock and sinks.
    pub engine: EngineFile,
    /// The table of each output's lines.
    pub lines: Vec<LineFile>,
}

/// The tables of lines that a home needs.
#[derive(Debug, Clone, Copy)]
pub struct OutputTables {
    /// How many outputs there are.
    pub count: usize,
    /// Lines of each half of a table.
    pub lines_max: usize,
}
