//! Order, turn by turn: exact within a lane, and by time across lanes for events within the reorder window.
use super::*;

#[test]
fn lines_of_all_lanes_are_ordered_by_time() {
    let mut harness = Harness::new();
    let mut lanes: Vec<TestLane> = (0..7).map(|number| harness.lane(number)).collect();
    // A fixed shuffle: each event belongs to some lane, times grow by 0 to 3 ticks.
    let mut state = 12345_u64;
    let mut ticks = harness.clock.ticks();
    let mut expected = Vec::new();
    for number in 0..2000 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lane = (state >> 33) as usize % lanes.len();
        ticks += state >> 62;
        lanes[lane].event_at(ticks, number);
        expected.push((ticks, lane as u64, number));
    }
    harness.clock.advance(100_000);
    harness.step();
    // Oracle: sorted by time; among equal times each lane keeps its own order, which is that of the numbers.
    let time_of = |number: u64| expected[number as usize].0;
    let steps = harness.steps();
    assert_eq!(steps.len(), expected.len());
    assert!(steps.is_sorted_by_key(|&(_, number)| time_of(number)));
    for lane in 0..lanes.len() as u64 {
        let own = steps.iter().filter(|step| step.0 == lane).map(|step| step.1);
        assert!(own.is_sorted());
    }
}

#[test]
fn an_event_waits_for_the_reorder_window() {
    let mut harness = Harness::new();
    let (mut fast, mut slow) = (harness.lane(0), harness.lane(1));
    harness.clock.advance(MILLI);
    let now = harness.clock.ticks();
    fast.event_at(now, 1);
    let turn = harness.step();
    assert!(turn.is_waiting && turn.records == 0, "{turn:?}");
    // Its timestamp was taken earlier, and it is published only now, within the reorder window.
    harness.clock.advance(REORDER_WINDOW / 2);
    slow.event_at(now - 1, 0);
    assert_eq!(harness.step().records, 0);
    assert_eq!(harness.step_after(REORDER_WINDOW / 2).records, 2);
    assert_eq!(harness.steps(), [(1, 0), (0, 1)]);
}

#[test]
fn an_event_after_the_reorder_window_is_kept() {
    let mut harness = Harness::new();
    let (mut fast, mut slow) = (harness.lane(0), harness.lane(1));
    harness.clock.advance(MILLI);
    let then = harness.clock.ticks();
    fast.event_at(then, 1);
    harness.step_after(REORDER_WINDOW);
    slow.event_at(then - 5, 0);
    harness.step_after(REORDER_WINDOW);
    assert_eq!(harness.steps(), [(0, 1), (1, 0)]);
}

#[test]
fn a_single_lane_does_not_wait() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    lane.event_at(harness.clock.ticks(), 1);
    assert_eq!(harness.step().records, 1);
    assert_eq!(harness.steps(), [(0, 1)]);
}

#[test]
fn a_lane_wraps_its_ring_many_times() {
    let mut harness = Harness::new();
    let (mut one, mut other) = (harness.lane(0), harness.lane(1));
    let mut number = 0;
    for _ in 0..200 {
        for _ in 0..37 {
            harness.clock.advance(10);
            let ticks = harness.clock.ticks();
            let lane = if number % 3 == 0 { &mut other } else { &mut one };
            lane.event_at(ticks, number);
            number += 1;
        }
        harness.step_after(REORDER_WINDOW);
    }
    let numbers: Vec<u64> = harness.steps().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, (0..number).collect::<Vec<_>>());
}

#[test]
fn an_eighth_full_ring_is_reported_as_pressed() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let ticks = harness.clock.ticks();
    lane.event_at(ticks, 0);
    assert!(!harness.step().is_pressed);
    for number in 1..500 {
        lane.event_at(ticks, number);
    }
    assert!(harness.step().is_pressed);
    assert!(!harness.step().is_pressed);
}

#[test]
fn a_full_ring_skips_the_reorder_window() {
    let mut harness = Harness::new();
    let (mut lane, _other) = (harness.lane(0), harness.lane(1));
    let ahead = harness.clock.ticks() + 3600 * 1000 * MILLI;
    lane.event_at(ahead, 0);
    assert_eq!(harness.step().records, 0);
    for number in 1..900 {
        lane.event_at(ahead, number);
    }
    harness.step();
    assert_eq!(harness.steps().len(), 900);
}

/// A clock whose ticks can be reset.
#[derive(Debug)]
struct Resettable(std::sync::atomic::AtomicU64);

impl Clock for Resettable {
    fn ticks(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn unix_nanos(&self) -> i64 {
        START
    }
}

#[test]
fn a_counter_reset_delays_no_events() {
    let clock = Arc::new(Resettable(3_600_000_000_000.into()));
    let mut harness = Harness::with_clock(Arc::clone(&clock) as _);
    let (mut lane, _other) = (harness.lane(0), harness.lane(1));
    lane.event_at(clock.ticks(), 0);
    let before = harness.writer.step(clock.ticks());
    assert!(before.is_waiting);
    // Resumed from sleep.
    clock.0.store(5, Ordering::SeqCst);
    harness.writer.step(5);
    assert_eq!(harness.steps(), [(0, 0)]);
    lane.event_at(6, 1);
    harness.writer.step(6 + REORDER_WINDOW);
    assert_eq!(harness.steps(), [(0, 0), (0, 1)]);
    for event in harness.named("step") {
        assert_eq!(&event["timestamp"].as_str().unwrap()[..19], "2023-11-14T22:13:20");
    }
    assert_eq!(harness.link.counters.snapshot().clock_steps, 1);
    // A small step back, as between two cores, is ignored.
    harness.writer.step(1);
    assert_eq!(harness.link.counters.snapshot().clock_steps, 1);
}

#[test]
fn time_never_runs_backwards_within_a_lane() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let now = harness.clock.ticks();
    for (number, ticks) in [now + 5000, now + 2000, now + 9000].into_iter().enumerate() {
        lane.event_at(ticks, number as u64);
    }
    harness.step_after(MILLI);
    let events = harness.named("step");
    assert!(events.is_sorted_by_key(|event| event["timestamp"].as_str().unwrap().to_owned()));
    assert_eq!(harness.steps(), [(0, 0), (0, 1), (0, 2)]);
}
