//! Standard output and standard error.
//!
//! Promises: a batch is one `write` if the other end accepts it. Only the rest of a partially written line is buffered,
//! and nothing is allocated once that buffer has reached the length of the longest such rest. A full non-blocking pipe,
//! a pipe without a reader and a closed stream are errors, never panics. A partially written line counts as written,
//! and the sink writes its rest before anything else: no line is torn or repeated, even if the caller offers other
//! lines next. A blocking pipe with a slow reader blocks. A crash may leave part of a line in a pipe, as with any
//! stream.
//!
//! The sink duplicates the stream when it is created, so `println!` elsewhere does not mix into a line. A program that
//! later puts another file under descriptor 1 calls [`Sink::reopen`].
use std::io::{self, Write};

use crate::core::Lines;
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::Now;

/// A standard stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// Writes to a standard stream. See the module.
pub struct ConsoleSink {
    stream: Stream,
    out: Box<dyn Write + Send>,
    /// The rest of a partially written line.
    rest: Vec<u8>,
    counters: SinkCounters,
}

impl ConsoleSink {
    /// Opens standard output or standard error; fails if the process was started with it closed.
    pub fn open(stream: Stream) -> Result<Self, SinkError> {
        let out = duplicate(stream).map_err(|source| failed("duplicate", stream, source))?;
        Ok(Self::with_output(stream, out))
    }

    fn with_output(stream: Stream, out: Box<dyn Write + Send>) -> Self {
        Self { stream, out, rest: Vec::new(), counters: SinkCounters::default() }
    }

    /// Writes the rest of a partially written line.
    fn write_rest(&mut self) -> Result<(), SinkError> {
        let (written, error) = write_until_error(&mut *self.out, &self.rest);
        self.rest.drain(..written);
        self.counters.bytes += written as u64;
        match error {
            None => Ok(()),
            Some(source) => Err(self.error(source)),
        }
    }

    fn error(&mut self, source: io::Error) -> SinkError {
        self.counters.errors += 1;
        if !is_temporary(&source) {
            // There is no reader for the rest, and a later reader must not start with half a line.
            self.rest.clear();
        }
        failed("write", self.stream, source)
    }
}

/// A full pipe drains; a broken one does not recover.
fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::StorageFull)
}

fn failed(action: &'static str, stream: Stream, source: io::Error) -> SinkError {
    SinkError::Io { action, target: stream.as_str().to_owned(), source }
}

/// Returns how many bytes were written, and why the next one was not.
fn write_until_error(out: &mut dyn Write, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}

impl Sink for ConsoleSink {
    fn name(&self) -> &str {
        self.stream.as_str()
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        self.write_rest().map_err(|cause| WriteError { lines_written: 0, cause })?;
        let bytes = lines.bytes();
        let (written, error) = write_until_error(&mut *self.out, bytes);
        self.counters.bytes += written as u64;
        let Some(source) = error else {
            self.counters.lines += lines.count() as u64;
            return Ok(());
        };
        let mut lines_written = lines.count_within(written);
        let whole = if lines_written == 0 { 0 } else { lines.end(lines_written - 1) };
        if written > whole {
            self.rest.extend_from_slice(&bytes[written..lines.end(lines_written)]);
            lines_written += 1;
        }
        self.counters.lines += lines_written as u64;
        Err(WriteError { lines_written, cause: self.error(source) })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.write_rest()?;
        self.out.flush().map_err(|source| failed("flush", self.stream, source))
    }

    /// The same as [`Sink::flush`]: a stream has no durability.
    fn sync(&mut self) -> Result<(), SinkError> {
        self.flush()
    }

    fn turn(&mut self, _now: Now) -> Result<(), SinkError> {
        if self.rest.is_empty() { Ok(()) } else { self.write_rest() }
    }

    /// Switches to the current standard output or standard error.
    fn reopen(&mut self, _now: Now) -> Result<(), SinkError> {
        // The rest of a line belongs to the old stream.
        let rest = self.write_rest();
        self.rest.clear();
        self.out =
            duplicate(self.stream).map_err(|error| failed("duplicate", self.stream, error))?;
        rest
    }

    fn counters(&self) -> SinkCounters {
        self.counters
    }
}

/// `std::io::Stdout` buffers lines and treats a closed descriptor as success; a duplicate does neither.
#[cfg(unix)]
fn duplicate(stream: Stream) -> io::Result<Box<dyn Write + Send>> {
    use std::os::fd::AsFd;
    let descriptor = match stream {
        Stream::Stdout => io::stdout().as_fd().try_clone_to_owned()?,
        Stream::Stderr => io::stderr().as_fd().try_clone_to_owned()?,
    };
    Ok(Box::new(std::fs::File::from(descriptor)))
}

#[cfg(not(unix))]
fn duplicate(stream: Stream) -> io::Result<Box<dyn Write + Send>> {
    Ok(match stream {
        Stream::Stdout => Box::new(io::stdout()),
        Stream::Stderr => Box::new(io::stderr()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::core::Batch;

    const NOW: Now = Now { ticks: 0, unix_nanos: 0 };

    /// Accepts a scripted number of bytes a call, or fails as scripted.
    struct Scripted {
        out: Arc<Mutex<Vec<u8>>>,
        script: std::vec::IntoIter<Result<usize, io::ErrorKind>>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = self.script.next().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
            self.out.lock().extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn scripted(script: Vec<Result<usize, io::ErrorKind>>) -> (ConsoleSink, Arc<Mutex<Vec<u8>>>) {
        let out = Arc::new(Mutex::new(Vec::new()));
        let writer = Scripted { out: Arc::clone(&out), script: script.into_iter() };
        (ConsoleSink::with_output(Stream::Stdout, Box::new(writer)), out)
    }

    fn batch(lines: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for line in lines {
            batch.bytes_mut().extend_from_slice(line.as_bytes());
            batch.bytes_mut().push(b'\n');
            batch.end_line();
        }
        batch
    }

    #[test]
    fn a_full_pipe_neither_tears_nor_repeats_lines() {
        let lines = batch(&["first", "second", "third"]);
        let len = lines.lines().bytes().len();
        for cut in 0..len {
            for again in 0..4 {
                let full = Err(io::ErrorKind::WouldBlock);
                let (mut sink, out) = scripted(vec![Ok(cut.max(1)), full, Ok(again.max(1)), full]);
                let mut rest = lines.lines();
                while let Err(error) = sink.write(rest, NOW) {
                    rest = rest.split_at(error.lines_written).1;
                }
                assert_eq!(*out.lock(), b"first\nsecond\nthird\n", "cut at {cut}, then {again}");
                assert_eq!(sink.counters().lines, 3);
                assert_eq!(sink.counters().bytes, len as u64);
            }
        }
    }

    #[test]
    fn a_torn_line_is_finished_before_other_lines() {
        let (mut sink, out) = scripted(vec![Ok(3), Err(io::ErrorKind::WouldBlock)]);
        let error = sink.write(batch(&["first", "second"]).lines(), NOW).unwrap_err();
        assert_eq!(error.lines_written, 1);
        sink.write(batch(&["other"]).lines(), NOW).unwrap();
        assert_eq!(*out.lock(), b"first\nother\n");
    }

    #[test]
    fn an_interrupted_write_is_retried() {
        let (mut sink, out) = scripted(vec![Err(io::ErrorKind::Interrupted), Ok(2)]);
        sink.write(batch(&["line"]).lines(), NOW).unwrap();
        assert_eq!(*out.lock(), b"line\n");
    }

    #[test]
    fn a_broken_pipe_returns_an_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut sink = ConsoleSink::with_output(Stream::Stdout, Box::new(writer));
        let error = sink.write(batch(&["line"]).lines(), NOW).unwrap_err();
        assert_eq!(error.lines_written, 0);
        let SinkError::Io { source, .. } = error.cause else { panic!("{}", error.cause) };
        assert_eq!(source.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_pipe_reader_gets_every_line_once() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = ConsoleSink::with_output(Stream::Stderr, Box::new(writer));
        let reading = std::thread::spawn(move || {
            let mut all = String::new();
            reader.read_to_string(&mut all).map(|_| all)
        });
        let lines: Vec<String> = (0..20_000).map(|seq| format!("line {seq}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        sink.write(batch(&lines).lines(), NOW).unwrap();
        drop(sink);
        let all = reading.join().unwrap().unwrap();
        assert!(all.lines().eq(lines));
    }

    #[test]
    fn standard_error_can_be_opened() {
        assert_eq!(ConsoleSink::open(Stream::Stderr).unwrap().name(), "stderr");
    }
}
