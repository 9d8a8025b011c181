//! Delivery: when batches go to the sinks, which lines are held, retried and dropped, and when requests are answered.
use super::*;

#[test]
fn a_batch_is_delivered_when_full_or_ended() {
    let mut harness = Harness::with(4096, 1 << 20, LevelFilter::AtLeast(Level::Trace));
    let mut lane = harness.lane(0);
    for number in 0..3 {
        lane.event_at(harness.clock.ticks(), number);
    }
    harness.step();
    assert_eq!(harness.script.writes.lock().len(), 1);
    for number in 3..303 {
        lane.event_at(harness.clock.ticks(), number);
    }
    harness.step();
    let writes = harness.script.writes.lock().clone();
    assert_eq!(writes.iter().map(|(lines, _)| lines).sum::<usize>(), 303);
    let line = writes[0].1 / 3;
    for (_, bytes) in &writes[1..writes.len() - 1] {
        assert!((4096..4096 + 2 * line).contains(bytes), "{writes:?}");
    }
    harness.step();
    assert_eq!(
        harness.script.writes.lock().len(),
        writes.len(),
        "a turn without lines writes nothing"
    );
}

#[test]
fn retry_pauses_double_up_to_a_second() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    harness.script.fails.store(true, Ordering::SeqCst);
    lane.event_at(harness.clock.ticks(), 0);
    harness.step();
    for _ in 0..6000 {
        harness.step_after(MILLI);
    }
    let at = harness.script.refused_at.lock().clone();
    let pauses: Vec<i64> = at.windows(2).map(|pair| (pair[1] - pair[0]) / MILLI as i64).collect();
    assert_eq!(pauses[..8], [10, 20, 40, 80, 160, 320, 640, 1000]);
    assert!(pauses[8..].iter().all(|pause| *pause == 1000), "{pauses:?}");
    // After the recovery the lines are written once and in order. Failure and recovery were reported once each.
    harness.script.fails.store(false, Ordering::SeqCst);
    lane.event_at(harness.clock.ticks(), 1);
    for _ in 0..1001 {
        harness.step_after(MILLI);
    }
    assert_eq!(harness.steps(), [(0, 0), (0, 1)]);
    assert_eq!(harness.named("ringseal.sink_failed").len(), 1);
    let recovered = harness.named("ringseal.sink_recovered");
    assert_eq!((recovered.len(), &recovered[0]["dropped_lines"]), (1, &0.into()));
    assert!(recovered[0]["failing_ms"].as_u64().unwrap() >= 6000, "{recovered:?}");
}

#[test]
fn a_clock_step_does_not_extend_a_pause() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    harness.script.fails.store(true, Ordering::SeqCst);
    lane.event_at(harness.clock.ticks(), 0);
    harness.step();
    harness.script.fails.store(false, Ordering::SeqCst);
    harness.clock.step_to(0);
    for _ in 0..2000 {
        harness.step_after(MILLI);
    }
    assert_eq!(harness.steps(), [(0, 0)]);
}

#[test]
fn a_sink_with_failing_turns_gets_its_lines() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    harness.script.turn_fails.store(true, Ordering::SeqCst);
    for number in 0..50 {
        lane.event_at(harness.clock.ticks(), number);
        harness.step_after(100 * MILLI);
    }
    // The longest pause is over, and all lines are written.
    for _ in 0..11 {
        harness.step_after(100 * MILLI);
    }
    assert_eq!(harness.steps(), (0..50).map(|number| (0, number)).collect::<Vec<_>>());
    assert_eq!(harness.named("ringseal.sink_failed").len(), 1);
    assert_eq!(harness.link.counters.snapshot().dropped.total(), 0);
}

#[test]
fn a_failing_sink_lets_the_writer_sleep() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    harness.script.fails.store(true, Ordering::SeqCst);
    lane.event_at(harness.clock.ticks(), 0);
    harness.step();
    assert_eq!(harness.step_after(1000), Turn::default());
}

#[test]
fn lines_above_the_bound_are_dropped_and_counted() {
    let mut harness = Harness::with(1 << 16, 2000, LevelFilter::AtLeast(Level::Trace));
    let mut lane = harness.lane(0);
    harness.script.fails.store(true, Ordering::SeqCst);
    for number in 0..100 {
        lane.event_at(harness.clock.ticks(), number);
        harness.step();
    }
    harness.script.fails.store(false, Ordering::SeqCst);
    harness.ask(Control::Flush).unwrap();
    let events = harness.events();
    let held = harness.steps();
    assert!((5..30).contains(&held.len()), "{}", held.len());
    let in_order: Vec<_> = (0..held.len() as u64).map(|number| (0, number)).collect();
    assert_eq!(held, in_order, "the oldest are kept, without a gap");
    let metrics = harness.link.counters.snapshot();
    assert_eq!(metrics.dropped.of(Level::Info), 100 - held.len() as u64);
    assert_eq!(metrics.events.total(), events.len() as u64 + metrics.dropped.total());
    let reported = &harness.named("ringseal.sink_recovered")[0]["dropped_lines"];
    assert_eq!(reported.as_u64(), Some(metrics.dropped.total()));
}

#[test]
fn requests_are_answered_after_their_work() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let (mut late, ticks) = (harness.lane(1), harness.clock.ticks());
    for (number, request) in
        [Control::Flush as fn(_) -> _, Control::Sync, Control::Report].into_iter().enumerate()
    {
        let number = number as u64;
        lane.event_at(ticks, number);
        // A request does not wait for the reorder window of earlier events.
        late.event_at(ticks + REORDER_WINDOW * 10, number);
        harness.ask(request).unwrap();
        assert_eq!(harness.steps().len() as u64, 2 * (number + 1));
    }
    assert_eq!(*harness.script.flushes.lock(), ["flush", "flush", "sync"]);
    let metrics = harness.link.sinks.lock().clone();
    assert!(metrics[0].is_healthy && metrics[0].name == "scripted");
}

#[test]
fn a_request_covers_lanes_sent_before_it() {
    let mut harness = Harness::new();
    harness.step();
    let mut lane = harness.lane(0);
    lane.event_at(harness.clock.ticks(), 7);
    harness.ask(Control::Flush).unwrap();
    assert_eq!(harness.steps(), [(0, 7)]);
}

#[test]
fn a_flush_retries_a_failing_sink_at_once() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    harness.script.fails.store(true, Ordering::SeqCst);
    lane.event_at(harness.clock.ticks(), 0);
    let Err(FlushError::Sinks(said)) = harness.ask(Control::Flush) else {
        panic!("it cannot work")
    };
    assert!(said.contains("scripted") && said.contains("held"), "{said}");
    harness.script.fails.store(false, Ordering::SeqCst);
    harness.ask(Control::Flush).unwrap();
    assert_eq!(harness.steps(), [(0, 0)]);
}

#[test]
fn a_stop_drains_syncs_and_counts_held_lines() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    lane.event_at(harness.clock.ticks(), 0);
    let answer = harness.call(Control::Stop);
    assert!(harness.step().is_stopped);
    assert_eq!(answer.try_recv().unwrap(), Ok(()));
    assert_eq!(harness.steps(), [(0, 0)]);
    assert_eq!(*harness.script.flushes.lock(), ["flush", "sync"]);

    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    harness.script.fails.store(true, Ordering::SeqCst);
    lane.event_at(harness.clock.ticks(), 0);
    assert!(matches!(harness.ask(Control::Stop), Err(FlushError::Sinks(_))));
    let metrics = harness.link.counters.snapshot();
    assert_eq!(metrics.dropped.of(Level::Info), 1);
    assert_eq!(metrics.events.total(), metrics.dropped.total());
}

#[test]
fn a_stopped_writer_refuses_requests_and_lanes() {
    let harness = Harness::new();
    let link = Arc::clone(&harness.link);
    assert!(!link.is_closed());
    drop(harness);
    assert!(link.is_closed());
    let (reply, _answer) = bounded(1);
    assert_eq!(link.call(Control::Flush(reply)), Err(FlushError::Stopped));
    let (_producer, consumer) = ring(4096);
    assert!(link.add_lane(NewLane { consumer, counters: Arc::default(), file: None }).is_err());
}

#[test]
fn a_batch_ends_with_its_last_line() {
    let mut batch = Batch::default();
    for line in ["a\n", "bb\n", "c\n"] {
        batch.bytes_mut().extend_from_slice(line.as_bytes());
        batch.end_line();
    }
    batch.bytes_mut().extend_from_slice(b"half");
    batch.abandon_line();
    let (head, tail) = batch.lines().split_at(1);
    assert_eq!((head.bytes(), tail.bytes(), tail.end(0)), (&b"a\n"[..], &b"bb\nc\n"[..], 3));
}

/// A directory that is away: the sink fails, works for a moment, fails again.
#[test]
fn a_flapping_sink_is_reported_once_per_state() {
    let mut harness = Harness::new();
    for round in 0..600 {
        harness.script.turn_fails.store(round % 2 == 0, Ordering::SeqCst);
        harness.step_after(80 * MILLI);
    }
    harness.script.turn_fails.store(false, Ordering::SeqCst);
    for _ in 0..200 {
        harness.step_after(100 * MILLI);
    }
    let (failed, recovered) =
        (harness.named("ringseal.sink_failed"), harness.named("ringseal.sink_recovered"));
    assert!((1..=2).contains(&failed.len()), "{failed:?}");
    assert_eq!(failed.len(), recovered.len());
    let failures: u64 = recovered.iter().map(|event| event["failures"].as_u64().unwrap()).sum();
    assert!(failures >= 20, "{recovered:?}");
}

#[test]
fn a_recovery_on_trial_is_reported_last() {
    let mut harness = Harness::new();
    for fails in [true, false, true, false] {
        harness.script.turn_fails.store(fails, Ordering::SeqCst);
        harness.step_after(1_000 * MILLI);
    }
    assert_eq!(harness.named("ringseal.sink_failed").len(), 2);
    assert_eq!(harness.named("ringseal.sink_recovered").len(), 1);
    let _answer = harness.call(Control::Stop);
    harness.step();
    assert_eq!(harness.named("ringseal.sink_recovered").len(), 2);
}

#[test]
fn removed_segments_are_reported_once_a_minute() {
    let mut harness = Harness::new();
    let remove = |harness: &Harness, segments: u64| {
        let mut counters = harness.script.counters.lock();
        counters.removed += segments;
        counters.removed_bytes += segments * 1000;
    };
    remove(&harness, 2);
    harness.step_after(1_100 * MILLI);
    for _ in 0..30 {
        remove(&harness, 1);
        harness.step_after(1_100 * MILLI);
    }
    let reports = || harness.named("ringseal.segments_removed");
    assert_eq!(reports().len(), 1);
    assert_eq!((&reports()[0]["segments"], &reports()[0]["bytes"]), (&2.into(), &2000.into()));
    harness.step_after(60_000 * MILLI);
    let reports = harness.named("ringseal.segments_removed");
    assert_eq!((reports.len(), &reports[1]["segments"]), (2, &30.into()));
    harness.step_after(120_000 * MILLI);
    assert_eq!(harness.named("ringseal.segments_removed").len(), 2, "nothing new");
    // What is left is reported at the end.
    remove(&harness, 4);
    harness.step_after(1_100 * MILLI);
    remove(&harness, 3);
    let _answer = harness.call(Control::Stop);
    harness.step();
    let reports = harness.named("ringseal.segments_removed");
    let sum: u64 = reports.iter().map(|event| event["segments"].as_u64().unwrap()).sum();
    assert_eq!((sum, &reports[2]["sink"]), (39, &"scripted".into()));
}
