//! Why a record cannot be written as a line.
use std::fmt;

use ringseal_base::value::ReadError;

/// Why a record cannot be written.
#[derive(Debug)]
pub(super) enum RecordProblem {
    /// No call site has this id.
    Callsite(u32),
    /// Its values cannot be read.
    Values(ReadError),
}

impl From<ReadError> for RecordProblem {
    fn from(error: ReadError) -> Self {
        RecordProblem::Values(error)
    }
}

impl fmt::Display for RecordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordProblem::Callsite(id) => write!(f, "unknown call site {id}"),
            RecordProblem::Values(error) => error.fmt(f),
        }
    }
}
