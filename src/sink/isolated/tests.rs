//! Tests control every inner sink through channels; nothing depends on how long a thread takes.
mod requests;

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::Mutex;

use super::{BUFFERS, IsolatedSink, SinkTimeouts, is_sink_thread};
use crate::core::{Batch, Lines};
use crate::sink::memory::MemorySink;
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::Now;

const AN_HOUR: Duration = Duration::from_secs(3600);

/// A call of the inner sink, sent before it does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Write(usize),
    Flush,
    Sync,
    Reopen,
    Turn(i64),
}

/// The next action of the sink, other than turns.
#[derive(Debug, Clone, Copy)]
enum Step {
    Take,
    /// Take this many lines, then fail.
    Fail(usize),
    Panic,
}

/// Waits for one step a call and executes it. Takes everything once the other end of `steps` is dropped.
struct Scripted {
    seen: Sender<Seen>,
    steps: Receiver<Step>,
    taken: Arc<Mutex<Vec<u8>>>,
    counters: SinkCounters,
}

struct Script {
    seen: Receiver<Seen>,
    steps: Option<Sender<Step>>,
    taken: Arc<Mutex<Vec<u8>>>,
}

fn scripted() -> (Box<dyn Sink>, Script) {
    let (seen_in, seen) = unbounded();
    let (steps, steps_out) = unbounded();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let sink = Scripted {
        seen: seen_in,
        steps: steps_out,
        taken: Arc::clone(&taken),
        counters: SinkCounters::default(),
    };
    (Box::new(sink), Script { seen, steps: Some(steps), taken })
}

impl Script {
    fn step(&self, step: Step) {
        self.steps.as_ref().expect("not open yet").send(step).expect("the sink lives");
    }

    /// From now on the sink takes everything.
    fn open(&mut self) {
        self.steps = None;
    }

    /// Waits for the next call other than a turn.
    fn next(&self) -> Seen {
        loop {
            match self.seen.recv().expect("the sink lives") {
                Seen::Turn(_) => {}
                seen => return seen,
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.taken.lock().clone()).expect("whole lines")
    }
}

impl Scripted {
    fn follow_script(&mut self, seen: Seen) -> Result<(), (usize, SinkError)> {
        let _ = self.seen.send(seen);
        match self.steps.recv() {
            Ok(Step::Take) | Err(_) => Ok(()),
            Ok(Step::Fail(count)) => {
                self.counters.errors += 1;
                let source = std::io::Error::from_raw_os_error(28);
                let target = "scripted".to_owned();
                Err((count, SinkError::Io { action: "write", target, source }))
            }
            Ok(Step::Panic) => panic!("scripted"),
        }
    }

    fn take(&mut self, lines: Lines<'_>) {
        self.taken.lock().extend_from_slice(lines.bytes());
        self.counters.lines += lines.count() as u64;
    }
}

impl Sink for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        let result = self.follow_script(Seen::Write(lines.count()));
        let count = result.as_ref().map_or_else(|(count, _)| *count, |()| lines.count());
        self.take(lines.split_at(count.min(lines.count())).0);
        result.map_err(|(lines_written, cause)| WriteError { lines_written, cause })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.follow_script(Seen::Flush).map_err(|(_, cause)| cause)
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.follow_script(Seen::Sync).map_err(|(_, cause)| cause)
    }

    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        let _ = self.seen.send(Seen::Turn(now.unix_nanos));
        Ok(())
    }

    fn reopen(&mut self, _now: Now) -> Result<(), SinkError> {
        self.follow_script(Seen::Reopen).map_err(|(_, cause)| cause)
    }

    fn counters(&self) -> SinkCounters {
        self.counters
    }
}

/// No timeout passes; retries come at once.
fn long_timeouts() -> SinkTimeouts {
    SinkTimeouts {
        buffer_wait_max: AN_HOUR,
        answer_wait_max: AN_HOUR,
        // A failing test drops its sink while the script still blocks it.
        stop_wait_max: Duration::from_secs(10),
        retry_pause_min: Duration::from_micros(1),
        retry_pause_max: Duration::from_micros(1),
        turn_pause_max: AN_HOUR,
    }
}

fn short_timeouts() -> SinkTimeouts {
    let soon = Duration::from_millis(1);
    SinkTimeouts {
        buffer_wait_max: soon,
        answer_wait_max: soon,
        stop_wait_max: soon,
        ..long_timeouts()
    }
}

fn start(sink: Box<dyn Sink>, bytes_max: usize, timeouts: SinkTimeouts) -> IsolatedSink {
    IsolatedSink::start_with(sink, bytes_max, timeouts).expect("a thread")
}

fn at(unix_nanos: i64) -> Now {
    Now { ticks: unix_nanos as u64, unix_nanos }
}

fn batch_of(texts: impl IntoIterator<Item = String>) -> Batch {
    let mut batch = Batch::default();
    for text in texts {
        batch.bytes_mut().extend_from_slice(text.as_bytes());
        batch.bytes_mut().push(b'\n');
        batch.end_line();
    }
    batch
}

fn numbered(range: std::ops::Range<usize>) -> Batch {
    batch_of(range.map(|number| format!("line {number:06}")))
}

fn text_of(range: std::ops::Range<usize>) -> String {
    range.map(|number| format!("line {number:06}\n")).collect()
}

fn is_stalled<T>(result: &Result<T, SinkError>) -> bool {
    matches!(result, Err(SinkError::Stalled { target }) if target == "scripted")
}

/// Offers lines one at a time until one is refused; returns how many were accepted.
fn fill(sink: &mut IsolatedSink, from: usize) -> (usize, SinkError) {
    for number in from.. {
        if let Err(error) = sink.write(numbered(number..number + 1).lines(), at(0)) {
            assert_eq!(error.lines_written, 0);
            return (number, error.cause);
        }
    }
    unreachable!("a range without an end")
}

/// Waits until the thread has done what was started before.
fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn a_hanging_sink_is_refused_after_its_timeout() {
    let (inner, mut script) = scripted();
    let memory = MemorySink::new();
    let log = memory.log();
    let mut hanging = start(inner, 100, short_timeouts());
    let mut other = start(Box::new(memory), 100, long_timeouts());

    let (count, cause) = fill(&mut hanging, 0);
    assert!(is_stalled::<()>(&Err(cause)));
    assert!(count >= BUFFERS, "each buffer took a line at least, not {count} in all");
    assert!(is_stalled(&hanging.turn(at(0))));
    // A wait would take an hour now.
    hanging.timeouts = long_timeouts();
    let refused = hanging.write(numbered(count..count + 3).lines(), at(0));
    assert!(is_stalled(&refused.map_err(|error| error.cause)));
    assert!(is_stalled(&hanging.flush()));
    assert!(is_stalled(&hanging.reopen(at(0))));

    other.write(numbered(0..500).lines(), at(0)).expect("a buffer comes back");
    other.flush().expect("nothing is wrong with it");
    assert_eq!(log.lines().len(), 500);

    script.open();
    until(|| hanging.turn(at(1)).is_ok());
    until(|| hanging.write(numbered(count..count + 1).lines(), at(1)).is_ok());
    hanging.flush().expect("it takes lines again");
    assert_eq!(script.text(), text_of(0..count + 1));
}

#[test]
fn a_lagging_sink_recovers_after_catching_up() {
    let (inner, mut script) = scripted();
    let mut sink = start(inner, 100, short_timeouts());
    let (count, _) = fill(&mut sink, 0);
    sink.timeouts = long_timeouts();
    assert_eq!(script.next(), Seen::Write(1));
    script.step(Step::Take);
    // One buffer is back: it is used, but a write does not wait for the next.
    assert!(matches!(script.next(), Seen::Write(_)));
    until(|| sink.empty.len() == 1);
    let (count, cause) = fill(&mut sink, count);
    assert!(is_stalled::<()>(&Err(cause)));
    assert!(sink.turn(at(0)).is_ok(), "it stirred");
    script.open();
    sink.flush().expect("it takes everything");
    // More than all buffers hold: the write waits for buffers to return.
    sink.write(numbered(count..count + 500).lines(), at(0)).expect("buffer_wait_max");
    sink.flush().expect("it takes everything");
    assert_eq!(script.text(), text_of(0..count + 500));
}

#[test]
fn lines_of_any_length_keep_their_order() {
    for bytes_max in [1, 7, 64, 100, 1000, 65_536] {
        let memory = MemorySink::new();
        let log = memory.log();
        let mut sink = start(Box::new(memory), bytes_max, long_timeouts());
        let mut oracle = String::new();
        let mut number = 0usize;
        for size in [0, 1, 2, 3, 50, 1, 400, 7] {
            let texts: Vec<String> = (0..size)
                .map(|_| {
                    number += 1;
                    format!("{number}{}", "x".repeat(number * 7919 % 190))
                })
                .collect();
            oracle.extend(texts.iter().map(|text| format!("{text}\n")));
            sink.write(batch_of(texts).lines(), at(number as i64)).expect("a buffer comes back");
        }
        sink.flush().expect("memory does not fail");
        assert_eq!(String::from_utf8(log.bytes()).expect("text"), oracle, "{bytes_max}");
        assert_eq!(sink.counters().lines, number as u64, "{bytes_max}");
    }
}

#[test]
fn lines_after_an_error_are_written_once() {
    for steps in [
        vec![Step::Fail(0)],
        vec![Step::Fail(1)],
        vec![Step::Fail(9), Step::Fail(0), Step::Fail(1)],
        // All lines are in place, and the sink returns an error nevertheless.
        vec![Step::Fail(10)],
        vec![Step::Fail(10), Step::Take, Step::Fail(3), Step::Fail(6)],
        // A sink that miscounts.
        vec![Step::Fail(usize::MAX)],
        vec![Step::Panic, Step::Fail(2), Step::Panic],
        (0..30).map(|count| Step::Fail(count % 3)).collect(),
    ] {
        let (inner, mut script) = scripted();
        let mut sink = start(inner, 10 * "line 000000\n".len() * 4 / 5, long_timeouts());
        for &step in &steps {
            script.step(step);
        }
        script.open();
        let mut offered = 0;
        for _ in 0..10 {
            // A failing sink may refuse lines; the test offers them again.
            until(|| {
                let batch = numbered(offered..100.min(offered + 35));
                let (lines, written) = (batch.lines(), sink.write(batch.lines(), at(0)));
                offered += written.map_or_else(|error| error.lines_written, |()| lines.count());
                offered == 100 || lines.is_empty()
            });
        }
        until(|| sink.flush().is_ok());
        assert_eq!(script.text(), text_of(0..100), "{steps:?}");
    }
}

#[test]
fn an_error_is_reported_until_recovery() {
    let (inner, mut script) = scripted();
    let timeouts =
        SinkTimeouts { retry_pause_min: AN_HOUR, retry_pause_max: AN_HOUR, ..long_timeouts() };
    let mut sink = start(inner, 1000, timeouts);
    sink.write(numbered(0..5).lines(), at(0)).expect("a buffer");
    assert!(sink.turn(at(0)).is_ok());
    script.step(Step::Fail(2));
    until(|| sink.turn(at(0)).is_err());
    let reported = sink.turn(at(0)).expect_err("it still fails");
    assert!(
        matches!(&reported, SinkError::Io { source, .. } if source.raw_os_error() == Some(28)),
        "{reported}"
    );
    assert_eq!(sink.counters().lines, 2);
    // The thread would sleep for an hour; a flush wakes it and fails in its turn.
    script.step(Step::Fail(1));
    assert!(matches!(sink.flush(), Err(SinkError::Io { .. })));
    assert!(sink.turn(at(0)).is_err());
    script.open();
    sink.flush().expect("it has recovered");
    assert!(sink.turn(at(0)).is_ok());
    assert_eq!(script.text(), text_of(0..5));
}

#[test]
fn a_passed_error_is_reported_once() {
    let (inner, mut script) = scripted();
    let mut sink = start(inner, 1000, long_timeouts());
    script.step(Step::Fail(2));
    script.open();
    sink.write(numbered(0..5).lines(), at(0)).expect("a buffer");
    sink.flush().expect("it has recovered by then");
    assert!(matches!(sink.turn(at(0)), Err(SinkError::Io { .. })));
    assert!(sink.turn(at(0)).is_ok());
}

#[test]
fn a_failing_sink_without_buffers_refuses_at_once() {
    let (inner, mut script) = scripted();
    let timeouts =
        SinkTimeouts { retry_pause_min: AN_HOUR, retry_pause_max: AN_HOUR, ..long_timeouts() };
    let mut sink = start(inner, 100, timeouts);
    sink.write(numbered(0..1).lines(), at(0)).expect("a buffer");
    script.step(Step::Fail(0));
    until(|| sink.turn(at(0)).is_err());
    let (count, cause) = fill(&mut sink, 1);
    assert!(matches!(cause, SinkError::Io { .. }), "{cause}");
    script.open();
    sink.flush().expect("it has recovered");
    assert_eq!(script.text(), text_of(0..count));
}

#[test]
fn a_panic_in_a_sink_becomes_an_error() {
    let (inner, mut script) = scripted();
    let timeouts =
        SinkTimeouts { retry_pause_min: AN_HOUR, retry_pause_max: AN_HOUR, ..long_timeouts() };
    let mut sink = start(inner, 1000, timeouts);
    sink.write(numbered(0..3).lines(), at(0)).expect("a buffer");
    script.step(Step::Panic);
    until(|| sink.turn(at(0)).is_err());
    let reported = sink.turn(at(0)).expect_err("it still fails");
    assert!(
        matches!(&reported, SinkError::Panicked { message } if message == "scripted"),
        "{reported}"
    );
    script.step(Step::Take);
    script.step(Step::Panic);
    assert!(matches!(sink.sync(), Err(SinkError::Panicked { .. })));
    script.open();
    sink.sync().expect("it continues");
    assert_eq!(script.text(), text_of(0..3));
}
