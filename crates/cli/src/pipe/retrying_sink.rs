//! A sink that retries failed writes until they succeed, so that nothing is lost.
//!
//! While it retries, the ring fills up, reading stops, and the program that writes into the pipe blocks. The first
//! error is reported on standard error. After `is_ending` returns true (a signal came), writes are retried for a few
//! more seconds; the engine counts what was not written.
use std::time::{Duration, Instant};

use ringseal::internals::core::backoff::Backoff;
use ringseal::sink::Lines;
use ringseal::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal::system::{Clock, Now, SystemClock};

use crate::console::write_stderr;

const RETRY_PAUSE_MIN: Duration = Duration::from_millis(10);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long writes are retried after a signal.
const ENDING_MAX: Duration = Duration::from_secs(3);

/// Wraps a sink and retries its writes; see the module.
pub(super) struct RetryingSink<S, E> {
    sink: S,
    is_ending: E,
    /// Waits for the work that the sink still has to do when it is dropped: compressing sealed segments.
    finish: fn(&S),
    pause_max: Duration,
    ending_max: Duration,
    ending_since: Option<Instant>,
    has_reported: bool,
}

impl<S, E> Drop for RetryingSink<S, E> {
    fn drop(&mut self) {
        (self.finish)(&self.sink);
    }
}

impl<S: Sink, E: FnMut() -> bool + Send> RetryingSink<S, E> {
    pub(super) fn new(sink: S, is_ending: E, finish: fn(&S)) -> Self {
        Self {
            sink,
            is_ending,
            finish,
            pause_max: RETRY_PAUSE_MAX,
            ending_max: ENDING_MAX,
            ending_since: None,
            has_reported: false,
        }
    }

    fn may_retry(&mut self) -> bool {
        if (self.is_ending)() && self.ending_since.is_none() {
            self.ending_since = Some(Instant::now());
        }
        self.ending_since.is_none_or(|since| since.elapsed() < self.ending_max)
    }

    fn report_once(&mut self, error: &SinkError) {
        if !self.has_reported {
            self.has_reported = true;
            write_stderr(format_args!("{error}; waiting until it works again"));
        }
    }
}

impl<S: Sink, E: FnMut() -> bool + Send> Sink for RetryingSink<S, E> {
    fn name(&self) -> &str {
        self.sink.name()
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        let mut backoff = Backoff::new(RETRY_PAUSE_MIN.min(self.pause_max), self.pause_max);
        let (mut rest, mut now) = (lines, now);
        loop {
            let WriteError { lines_written, cause } = match self.sink.write(rest, now) {
                Ok(()) => break,
                Err(error) => error,
            };
            rest = rest.split_at(lines_written.min(rest.count())).1;
            if !self.may_retry() {
                let lines_written = lines.count() - rest.count();
                return Err(WriteError { lines_written, cause });
            }
            self.report_once(&cause);
            std::thread::sleep(backoff.next_pause());
            now = SystemClock.now();
        }
        if std::mem::take(&mut self.has_reported) {
            write_stderr(format_args!("{}: works again, nothing was lost", self.sink.name()));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.sink.flush()
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.sink.sync()
    }

    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        // An error that matters recurs when lines are written, and is retried there.
        if let Err(error) = self.sink.turn(now) {
            self.report_once(&error);
        }
        while let Some(warning) = self.sink.warning() {
            self.report_once(&warning);
        }
        Ok(())
    }

    fn reopen(&mut self, now: Now) -> Result<(), SinkError> {
        self.sink.reopen(now)
    }

    fn counters(&self) -> SinkCounters {
        self.sink.counters()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};

    use ringseal::sink::Batch;

    use super::*;

    /// Fails `refusals` times, after writing one line each time.
    struct Refusing {
        refusals: u32,
        taken: Vec<u8>,
    }

    impl Sink for Refusing {
        fn name(&self) -> &str {
            "refusing"
        }

        fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
            if self.refusals == 0 {
                self.taken.extend_from_slice(lines.bytes());
                return Ok(());
            }
            self.refusals -= 1;
            let (first, _) = lines.split_at(1);
            self.taken.extend_from_slice(first.bytes());
            let full = io::Error::from(io::ErrorKind::StorageFull);
            let cause = SinkError::io("write to", "app.log".as_ref(), full);
            Err(WriteError { lines_written: 1, cause })
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }

        fn sync(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }

    fn batch(lines: u32) -> Batch {
        let mut batch = Batch::default();
        for line in 0..lines {
            batch.bytes_mut().extend_from_slice(format!("{line}\n").as_bytes());
            batch.end_line();
        }
        batch
    }

    const NOW: Now = Now { ticks: 1, unix_nanos: 1 };

    #[test]
    fn retries_neither_lose_nor_duplicate_lines() {
        let sink = Refusing { refusals: 3, taken: Vec::new() };
        let mut retrying = RetryingSink::new(sink, || false, |_| ());
        retrying.pause_max = Duration::ZERO;
        retrying.write(batch(6).lines(), NOW).expect("waits until it works");
        assert_eq!(retrying.sink.taken, b"0\n1\n2\n3\n4\n5\n");
    }

    #[test]
    fn a_signal_ends_retries_with_the_written_count() {
        let ending = AtomicBool::new(false);
        let sink = Refusing { refusals: u32::MAX, taken: Vec::new() };
        let mut retrying = RetryingSink::new(sink, || ending.swap(true, Ordering::Relaxed), |_| ());
        (retrying.pause_max, retrying.ending_max) = (Duration::ZERO, Duration::ZERO);
        let error = retrying.write(batch(6).lines(), NOW).expect_err("gives up");
        assert_eq!((error.lines_written, &*retrying.sink.taken), (2, &b"0\n1\n"[..]));
    }
}
