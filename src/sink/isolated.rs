//! Replaced by the branch that builds it.
use super::{Sink, SinkError, WriteError};
use crate::core::{Lines, Now};
/// A sink on a thread of its own.
pub struct Isolated(Box<dyn Sink>);
impl Isolated {
    /// Starts it.
    pub fn start(sink: Box<dyn Sink>, _batch_bytes_max: usize) -> std::io::Result<Isolated> {
        Ok(Isolated(sink))
    }
}
impl Sink for Isolated {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        self.0.write(lines, now)
    }
    fn flush(&mut self) -> Result<(), SinkError> {
        self.0.flush()
    }
    fn sync(&mut self) -> Result<(), SinkError> {
        self.0.sync()
    }
}
