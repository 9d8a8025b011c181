//! The stage: the lines that one sink misses, each with the mark of recovery, in a file of the dead run's home.
//!
//! Promises: lines keep their order. Every line says that it was recovered: a JSON object gets the member `recovered`,
//! any other line ends with the word.
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::core::{Batch, Lines};
use crate::sink::{Sink, SinkError, WriteError};
use ringseal_base::clock::Now;
use ringseal_base::storage::{StorageFile, append_all, read_full};

/// What a stage has.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) error: Option<io::Error>,
}

/// Writes the stage.
pub(super) struct StageSink {
    file: Box<dyn StorageFile>,
    is_json: bool,
    /// Lines that may have been written before.
    unsure_left: u64,
    marked: Vec<u8>,
    staged: Arc<Mutex<Staged>>,
}

impl StageSink {
    pub(super) fn new(
        file: Box<dyn StorageFile>,
        is_json: bool,
        unsure: u64,
    ) -> (StageSink, Arc<Mutex<Staged>>) {
        let staged = Arc::<Mutex<Staged>>::default();
        let again = Arc::clone(&staged);
        (StageSink { file, is_json, unsure_left: unsure, marked: Vec::new(), staged }, again)
    }
}

impl StageSink {
    /// Adds a line of a spool.
    pub(super) fn put(&mut self, line: &[u8]) {
        self.marked.clear();
        self.mark_next(line);
        self.append(1);
    }

    fn mark_next(&mut self, line: &[u8]) {
        let is_unsure = self.unsure_left > 0;
        self.unsure_left -= u64::from(is_unsure);
        mark(line, self.is_json, is_unsure, &mut self.marked);
    }

    fn append(&mut self, lines: u64) {
        let result = append_all(&mut *self.file, &self.marked);
        let mut staged = self.staged.lock();
        staged.lines += lines;
        staged.bytes += self.marked.len() as u64;
        // The caller gives the home up: a stage must not have a hole.
        staged.error = staged.error.take().or(result.err());
    }
}

impl Sink for StageSink {
    fn name(&self) -> &str {
        "stage"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        self.marked.clear();
        for line in lines.bytes().split_inclusive(|byte| *byte == b'\n') {
            self.mark_next(line);
        }
        self.append(lines.count() as u64);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Appends a line with its mark.
pub(super) fn mark(line: &[u8], is_json: bool, is_unsure: bool, out: &mut Vec<u8>) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    match line.trim_ascii_end().strip_suffix(b"}") {
        Some(object) if is_json => {
            out.extend_from_slice(object);
            // An object without members has no comma.
            let separator: &[u8] = if object.ends_with(b"{") { b"" } else { b"," };
            out.extend_from_slice(separator);
            let value: &[u8] = if is_unsure { b"\"maybe_repeated\"" } else { b"true" };
            out.extend_from_slice(b"\"recovered\":");
            out.extend_from_slice(value);
            out.extend_from_slice(b"}\n");
        }
        _ => {
            out.extend_from_slice(line);
            let word: &[u8] =
                if is_unsure { b" recovered=maybe_repeated\n" } else { b" recovered\n" };
            out.extend_from_slice(word);
        }
    }
}

/// Reads a stage line by line.
pub(super) struct StageReader {
    file: Box<dyn StorageFile>,
    at: u64,
    end: u64,
    block_bytes: usize,
}

impl StageReader {
    /// The first `bytes` bytes of a stage, `block_bytes` at a time.
    pub(super) fn new(file: Box<dyn StorageFile>, bytes: u64, block_bytes: usize) -> StageReader {
        StageReader { file, at: 0, end: bytes, block_bytes }
    }

    /// Puts the next lines into `batch`, at least one; none at the end.
    pub(super) fn next(&mut self, batch: &mut Batch) -> io::Result<()> {
        batch.clear();
        let mut block = vec![0; self.block_bytes];
        loop {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let len = block.len().min(left);
            let part = &mut block[..len];
            let read = read_full(&*self.file, part, self.at)?;
            let whole = memchr::memrchr(b'\n', &part[..read]).map_or(0, |at| at + 1);
            if whole > 0 {
                for line in part[..whole].split_inclusive(|byte| *byte == b'\n') {
                    batch.bytes_mut().extend_from_slice(line);
                    batch.end_line();
                }
                self.at += whole as u64;
                return Ok(());
            }
            if read < block.len() {
                // The end, or a stage that was cut off.
                return if read == left && left == 0 {
                    Ok(())
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
            block.resize(2 * len, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_that_it_was_recovered() {
        let marked = |line: &str, is_json, is_unsure| {
            let mut out = Vec::new();
            mark(line.as_bytes(), is_json, is_unsure, &mut out);
            String::from_utf8(out).unwrap()
        };
        for (line, is_json, is_unsure, expected) in [
            ("{\"a\":1}\n", true, false, "{\"a\":1,\"recovered\":true}\n"),
            ("{}\n", true, false, "{\"recovered\":true}\n"),
            ("{\"a\":{}}\n", true, true, "{\"a\":{},\"recovered\":\"maybe_repeated\"}\n"),
            ("INFO done {1}\n", false, false, "INFO done {1} recovered\n"),
            ("INFO done\n", false, true, "INFO done recovered=maybe_repeated\n"),
            ("no object\n", true, false, "no object recovered\n"),
        ] {
            assert_eq!(marked(line, is_json, is_unsure), expected);
        }
    }
}
