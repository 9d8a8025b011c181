//! Memory of idle and ended lanes.
use super::*;
use crate::writer::report;

const LOOK: u64 = 600 * MILLI;

impl Harness {
    fn lanes(&self) -> usize {
        self.writer.lanes.len()
    }

    fn resident_bytes(&self) -> usize {
        self.writer.lanes.iter().map(|lane| lane.consumer.resident_bytes()).sum()
    }
}

/// Events that fill the ring once around, in turns.
fn go_around(harness: &mut Harness, lane: &mut TestLane) {
    for number in 0..2000 {
        lane.event_at(harness.clock.ticks(), number);
        if number % 100 == 0 {
            harness.step();
        }
    }
    harness.step();
}

#[test]
fn an_ended_lane_outlives_its_last_event() {
    let mut harness = Harness::new();
    let (mut ended, running) = (harness.lane(1), harness.lane(2));
    ended.event_at(harness.clock.ticks(), 0);
    harness.lose(&ended, Level::Warn);
    drop(ended);
    harness.step_after(LOOK);
    harness.step_after(LOOK);
    assert_eq!((harness.lanes(), harness.link.counters.lanes.get()), (1, 1));
    assert_eq!(harness.steps(), [(1, 0)]);
    assert_eq!(harness.named(report::LOST.metadata().event).len(), 1);
    drop(running);
    harness.step_after(LOOK);
    assert_eq!(harness.lanes(), 0);
}

#[test]
fn an_ended_lane_that_waits_for_order_stays() {
    let mut harness = Harness::new();
    let (mut ended, _running) = (harness.lane(1), harness.lane(2));
    harness.step();
    // Later than the turn: the event waits for the reorder window.
    ended.event_at(harness.clock.ticks() + 2 * LOOK, 0);
    drop(ended);
    harness.step_after(LOOK);
    assert_eq!((harness.lanes(), harness.steps().len()), (2, 0));
    harness.step_after(2 * LOOK);
    harness.step_after(LOOK);
    assert_eq!((harness.lanes(), harness.steps()), (1, vec![(1, 0)]));
}

#[test]
fn an_idle_ring_gives_its_memory_back() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(1);
    go_around(&mut harness, &mut lane);
    assert_eq!(harness.resident_bytes(), 1 << 16);
    harness.step_after(LOOK);
    harness.step_after(LOOK);
    assert!(harness.resident_bytes() <= 4096, "{}", harness.resident_bytes());
    go_around(&mut harness, &mut lane);
    assert_eq!(harness.steps().len(), 4000);
}

#[test]
fn a_busy_ring_keeps_its_memory() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(1);
    for _ in 0..5 {
        go_around(&mut harness, &mut lane);
        harness.step_after(LOOK);
        assert_eq!(harness.resident_bytes(), 1 << 16);
    }
}

#[test]
fn repeated_bursts_get_memory_ahead() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(1);
    let mut burst = |harness: &mut Harness| {
        (0..150).for_each(|number| lane.event_at(harness.clock.ticks(), number));
        harness.step();
        (harness.resident_bytes(), lane.producer.position())
    };
    let (resident, written) = burst(&mut harness);
    assert_eq!(resident, written, "a single burst takes its own bytes");
    let (resident, written) = burst(&mut harness);
    assert_eq!(resident, written * 2);
}
