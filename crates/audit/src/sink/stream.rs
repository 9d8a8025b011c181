//! Writes entries to a stream: stdout, a pipe.
use std::io::{self, Write};

use super::{AuditSink, AuditSinkError, SealedEntry};

/// Writes each line and a newline to a stream.
///
/// Nothing can be read back. While the sink exists, each line is written whole and once, across errors: the part of a
/// line that the stream did not accept is kept for the next attempt. Memory: the lines of one batch.
pub struct StreamSink {
    name: String,
    stream: Box<dyn Write + Send>,
    /// Lines accepted and not completely written.
    pending: Vec<u8>,
    /// Bytes of `pending` that have been written.
    written: usize,
    next_seq: Option<u64>,
}

impl StreamSink {
    /// Writes lines to `stream`.
    pub fn new(name: impl Into<String>, stream: Box<dyn Write + Send>) -> Self {
        Self { name: name.into(), stream, pending: Vec::new(), written: 0, next_seq: None }
    }

    /// Writes lines to the standard output.
    pub fn stdout() -> Self {
        Self::new("stdout", Box::new(io::stdout()))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> AuditSinkError {
        AuditSinkError::io(action, self.name.clone(), source)
    }

    fn write_pending(&mut self) -> Result<(), AuditSinkError> {
        while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(self.failed("write to", io::ErrorKind::WriteZero.into())),
                Ok(len) => self.written += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed("write to", error)),
            }
        }
        self.pending.clear();
        self.written = 0;
        Ok(())
    }
}

impl std::fmt::Debug for StreamSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamSink").field("name", &self.name).finish_non_exhaustive()
    }
}

impl AuditSink for StreamSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn next_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        Ok(self.next_seq)
    }

    fn remembers(&self) -> bool {
        false
    }

    fn append(&mut self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        self.write_pending()?;
        for entry in entries {
            if let Some(expected_seq) = self.next_seq {
                if entry.seq < expected_seq {
                    continue;
                }
                if entry.seq > expected_seq {
                    let (target, found_seq) = (self.name.clone(), entry.seq);
                    return Err(AuditSinkError::Gap { target, expected_seq, found_seq });
                }
            }
            self.next_seq = Some(entry.seq.saturating_add(1));
            self.pending.extend_from_slice(entry.line);
            self.pending.push(b'\n');
        }
        self.write_pending()
    }

    fn commit(&mut self) -> Result<(), AuditSinkError> {
        self.write_pending()?;
        self.stream.flush().map_err(|error| self.failed("flush", error))
    }
}
