//! Requests, turns, memory and the end of an isolated sink.
use super::*;

/// Panics in calls where a sink is not expected to.
struct PanickingSink;

impl Sink for PanickingSink {
    fn name(&self) -> &str {
        "panicking"
    }

    fn write(&mut self, _lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        assert!(is_sink_thread());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        assert!(!is_sink_thread(), "no counters here");
        SinkCounters::default()
    }
}

impl Drop for PanickingSink {
    fn drop(&mut self) {
        panic!("no end either");
    }
}

#[test]
fn panics_while_counting_and_closing_are_caught() {
    let mut sink = start(Box::new(PanickingSink), 1000, long_timeouts());
    sink.write(numbered(0..3).lines(), at(0)).expect("a buffer");
    sink.flush().expect("a panic in `counters` is no failed flush");
    assert!(!is_sink_thread());
    assert_eq!(sink.stop(), None);
}

#[test]
fn a_flush_waits_for_everything_queued() {
    let (inner, mut script) = scripted();
    let taken = Arc::clone(&script.taken);
    let mut sink = start(inner, 1000, long_timeouts());
    sink.write(numbered(0..20).lines(), at(0)).expect("a buffer");
    sink.write(numbered(20..45).lines(), at(0)).expect("a buffer");
    let (started, is_started) = unbounded();
    let flush = std::thread::spawn(move || {
        let _ = started.send(());
        sink.flush().map(|()| taken.lock().len())
    });
    is_started.recv().expect("the thread runs");
    assert!(matches!(script.next(), Seen::Write(_)));
    script.open();
    let len = flush.join().expect("no panic").expect("nothing is wrong");
    assert_eq!(len, text_of(0..45).len());
}

#[test]
fn requests_and_lines_keep_their_order() {
    let (inner, mut script) = scripted();
    script.open();
    let mut sink = start(inner, 1000, long_timeouts());
    sink.write(numbered(0..3).lines(), at(0)).expect("a buffer");
    sink.flush().expect("nothing is wrong");
    sink.reopen(at(1)).expect("nothing is wrong");
    sink.write(numbered(3..4).lines(), at(2)).expect("a buffer");
    sink.sync().expect("nothing is wrong");
    drop(sink);
    let seen: Vec<Seen> = script.seen.iter().collect();
    let order =
        [Seen::Write(3), Seen::Flush, Seen::Reopen, Seen::Write(1), Seen::Sync, Seen::Flush];
    assert_eq!(seen, order);
}

#[test]
fn a_reopen_reaches_a_failing_sink_first() {
    let (inner, mut script) = scripted();
    let timeouts =
        SinkTimeouts { retry_pause_min: AN_HOUR, retry_pause_max: AN_HOUR, ..long_timeouts() };
    let mut sink = start(inner, 1000, timeouts);
    script.step(Step::Fail(1));
    sink.write(numbered(0..3).lines(), at(0)).expect("a buffer");
    until(|| sink.turn(at(0)).is_err());
    script.open();
    sink.reopen(at(1)).expect("that is the cure");
    assert_eq!(script.next(), Seen::Write(3));
    assert_eq!(script.next(), Seen::Reopen);
    assert_eq!(script.next(), Seen::Write(2));
    assert!(sink.turn(at(1)).is_ok());
}

#[test]
fn a_late_answer_reaches_no_later_request() {
    let (inner, mut script) = scripted();
    let mut sink = start(inner, 1000, short_timeouts());
    assert!(is_stalled(&sink.flush()));
    assert!(is_stalled(&sink.sync()), "at once: it is known to hang");
    sink.timeouts = long_timeouts();
    script.step(Step::Fail(0));
    until(|| sink.turn(at(0)).is_ok());
    script.step(Step::Take);
    sink.flush().expect("its own answer, not the late one");
    script.open();
}

#[test]
fn abandoned_requests_take_no_buffer_slots() {
    let (inner, mut script) = scripted();
    let mut sink = start(inner, 100, short_timeouts());
    for _ in 0..50 {
        assert!(is_stalled(&sink.flush()));
        // Simulates a thread that made progress in between and hung again.
        sink.stall = None;
    }
    let (count, cause) = fill(&mut sink, 0);
    assert!(count >= BUFFERS && is_stalled::<()>(&Err(cause)), "{count}");
    script.open();
    sink.timeouts = long_timeouts();
    until(|| sink.flush().is_ok());
    assert_eq!(script.text(), text_of(0..count));
}

#[test]
fn single_lines_gather_while_the_sink_is_busy() {
    let (inner, mut script) = scripted();
    let mut sink = start(inner, 4000, long_timeouts());
    for number in 0..100 {
        sink.write(numbered(number..number + 1).lines(), at(0)).expect("a buffer is free");
    }
    script.step(Step::Take);
    script.step(Step::Take);
    assert_eq!([script.next(), script.next()], [Seen::Write(1), Seen::Write(1)]);
    until(|| sink.empty.len() >= 2);
    sink.turn(at(0)).expect("nothing is wrong");
    assert_eq!(script.next(), Seen::Write(98));
    script.open();
    sink.flush().expect("nothing is wrong");
    assert_eq!(script.text(), text_of(0..100));
}

#[test]
fn buffers_keep_their_memory() {
    let memory = MemorySink::new();
    let log = memory.log();
    let mut sink = start(Box::new(memory), 300, long_timeouts());
    for number in 0..1000 {
        // Very short lines: their ends must not outgrow the buffer either.
        let lines = batch_of((0..number % 50).map(|line| line.to_string()));
        sink.write(lines.lines(), at(0)).expect("a buffer comes back");
    }
    sink.flush().expect("nothing is wrong");
    assert_eq!(log.lines().len(), (0..1000).map(|number| number % 50).sum::<usize>());
    let buffers: Vec<Batch> = sink.empty.try_iter().collect();
    assert_eq!(buffers.len(), BUFFERS);
    let fresh = Batch::with_capacity(375, 375 / 32 + 1);
    for buffer in buffers {
        assert_eq!(format!("{buffer:?}"), format!("{fresh:?}"), "empty");
        assert_eq!(buffer.capacity_bytes(), fresh.capacity_bytes());
    }
}

#[test]
fn the_inner_sinks_turns_have_the_latest_time() {
    let (inner, script) = scripted();
    let timeouts = SinkTimeouts { turn_pause_max: Duration::from_micros(100), ..long_timeouts() };
    let mut sink = start(inner, 1000, timeouts);
    for unix_nanos in [1, 7, 50] {
        sink.turn(at(unix_nanos)).expect("nothing is wrong");
        until(|| script.seen.recv().expect("the sink lives") == Seen::Turn(unix_nanos));
    }
    drop(script);
    drop(sink);
}

#[test]
fn the_inner_sink_gets_no_unknown_time() {
    let (inner, mut script) = scripted();
    script.open();
    let mut sink =
        start(inner, 1000, SinkTimeouts { turn_pause_max: Duration::ZERO, ..long_timeouts() });
    sink.flush().expect("nothing is wrong");
    assert_eq!(script.seen.recv(), Ok(Seen::Flush));
    assert!(script.seen.is_empty());
}

#[test]
fn dropping_drains() {
    let (inner, mut script) = scripted();
    let mut sink = start(inner, 1000, long_timeouts());
    sink.write(numbered(0..40).lines(), at(0)).expect("a buffer");
    sink.write(numbered(40..41).lines(), at(0)).expect("a buffer");
    // An error in between does not end it.
    script.step(Step::Fail(1));
    script.open();
    drop(sink);
    assert_eq!(script.text(), text_of(0..41));
    assert!(script.seen.iter().any(|seen| seen == Seen::Flush), "and flushes");
}

#[test]
fn dropping_a_hanging_sink_is_bounded() {
    let (inner, mut script) = scripted();
    let mut sink =
        start(inner, 1000, SinkTimeouts { stop_wait_max: Duration::ZERO, ..long_timeouts() });
    sink.write(numbered(0..7).lines(), at(0)).expect("a buffer");
    let message = sink.stop().expect("it hangs");
    assert!(message.contains("scripted") && message.contains("up to 7 lines"), "{message}");
    assert!(is_stalled(&sink.flush()));
    assert_eq!(sink.stop(), None, "once is enough");
    // An abandoned thread still writes its lines if it can.
    script.open();
    until(|| script.text() == text_of(0..7));
}

#[test]
fn dropping_a_failing_sink_reports_missing_lines() {
    let (inner, script) = scripted();
    let timeouts =
        SinkTimeouts { retry_pause_min: AN_HOUR, retry_pause_max: AN_HOUR, ..long_timeouts() };
    let mut sink = start(inner, 1000, SinkTimeouts { stop_wait_max: AN_HOUR / 2, ..timeouts });
    script.step(Step::Fail(3));
    script.step(Step::Fail(1));
    sink.write(numbered(0..7).lines(), at(0)).expect("a buffer");
    let message = sink.stop().expect("it fails");
    assert!(
        message.contains("3 lines are missing") && message.contains("cannot write"),
        "{message}"
    );
    assert_eq!(script.text(), text_of(0..4));
}
