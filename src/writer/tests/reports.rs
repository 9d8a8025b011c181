//! The writer's own events: losses, clock steps, records that cannot be read.
use super::*;

fn lost_by_level(event: &serde_json::Value) -> LevelCounts {
    LevelCounts(Level::ALL.map(|level| event[format!("lost_{level}")].as_u64().unwrap()))
}

#[test]
fn losses_are_reported_once_per_lane() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let other = harness.lane(1);
    lane.record(Header { kind: Kind::Thread, ..event_header(1) }, |out| {
        out.u64(7);
        out.str("worker");
    });
    harness.step_after(MILLI);
    for level in [Level::Info, Level::Info, Level::Error] {
        harness.lose(&lane, level);
    }
    harness.lose(&other, Level::Debug);
    harness.step_after(MILLI);
    harness.step_after(MILLI);
    let reports = harness.named("ringseal.lost");
    assert_eq!(reports.len(), 2);
    assert_eq!(lost_by_level(&reports[0]), LevelCounts([0, 0, 2, 0, 1, 0]));
    assert_eq!((&reports[0]["lost"], &reports[0]["thread"]), (&3.into(), &7.into()));
    assert_eq!(reports[0]["thread_name"], "worker");
    assert_eq!(lost_by_level(&reports[1]), LevelCounts([0, 1, 0, 0, 0, 0]));
    harness.lose(&lane, Level::Info);
    harness.step_after(MILLI);
    let again = &harness.named("ringseal.lost")[2];
    assert_eq!(lost_by_level(again), LevelCounts([0, 0, 1, 0, 0, 0]));
    let seconds = |text: &serde_json::Value| text.as_str().unwrap()[..23].to_owned();
    assert_eq!(seconds(&again["since"]), seconds(&reports[0]["timestamp"]));
}

#[test]
fn losses_without_a_lane_are_reported() {
    let mut harness = Harness::new();
    harness.link.unplaced.lose_shared(Level::Critical);
    harness.step_after(MILLI);
    let reports = harness.named("ringseal.lost");
    assert_eq!(reports.len(), 1);
    assert_eq!(lost_by_level(&reports[0]), LevelCounts([0, 0, 0, 0, 0, 1]));
}

#[test]
fn a_report_below_the_level_is_discarded() {
    let mut harness = Harness::with(1 << 16, 1 << 20, LevelFilter::AtLeast(Level::Error));
    let mut lane = harness.lane(0);
    harness.lose(&lane, Level::Info);
    lane.event_at(harness.clock.ticks(), 0);
    harness.step();
    let metrics = harness.link.counters.snapshot();
    assert_eq!(metrics.discarded, LevelCounts([0, 0, 1, 1, 0, 0]));
    assert_eq!((metrics.events.total(), harness.events().len()), (0, 0));
}

#[test]
fn a_clock_step_is_reported_and_lines_follow() {
    for (step_nanos, millis) in
        [(-3_600_000_000_000_i64, -3_600_000), (86_400_000_000_000, 86_400_000)]
    {
        let mut harness = Harness::new();
        let mut lane = harness.lane(0);
        lane.event_at(harness.clock.ticks(), 0);
        harness.step();
        harness.clock.advance(2_000 * MILLI);
        harness.clock.step_to(harness.clock.unix_nanos() + step_nanos);
        harness.step();
        lane.event_at(harness.clock.ticks(), 1);
        harness.step();
        let stepped = harness.named("ringseal.clock_stepped");
        assert_eq!((stepped.len(), &stepped[0]["step_ms"]), (1, &millis.into()));
        assert_eq!(harness.link.counters.snapshot().clock_steps, 1);
        let times: Vec<String> =
            harness.named("step").iter().map(|event| event["timestamp"].to_string()).collect();
        assert_eq!(times[0] < times[1], step_nanos > 0, "{times:?}");
    }
}

#[test]
fn a_small_drift_is_slewed_without_report() {
    let mut harness = Harness::new();
    for _ in 0..100 {
        harness.clock.advance(1_000 * MILLI);
        harness.clock.step_to(harness.clock.unix_nanos() + 1_000_000);
        harness.step();
    }
    assert_eq!(harness.named("ringseal.clock_stepped").len(), 0);
}

#[test]
fn garbage_is_reported_and_the_lane_continues() {
    for garbage in [[0xFF; 64], [0; 64], [1; 64], [24; 64], [0x80; 64], [0x90; 64]] {
        let mut harness = Harness::new();
        let (mut lane, mut other) = (harness.lane(0), harness.lane(1));
        let ticks = harness.clock.ticks();
        lane.event_at(ticks, 0);
        other.event_at(ticks, 0);
        harness.step_after(MILLI);
        lane.garbage(&garbage);
        other.event_at(ticks, 1);
        // A request takes the record whatever time its garbage states.
        harness.clock.advance(MILLI);
        harness.ask(Control::Flush).unwrap();
        let now = harness.clock.ticks();
        lane.event_at(now, 2);
        other.event_at(now, 2);
        harness.step_after(MILLI);
        let steps = harness.steps();
        for step in [(0, 0), (1, 0), (1, 1), (0, 2), (1, 2)] {
            assert!(steps.contains(&step), "{step:?} is missing after {garbage:?}: {steps:?}");
        }
        let metrics = harness.link.counters.snapshot();
        assert!(metrics.record_errors >= 1);
        assert!(!harness.named("ringseal.record_error").is_empty());
        // The bytes of a record that cannot be read are no time.
        assert!(metrics.writer_lag_nanos_max <= 10 * MILLI, "{metrics:?}");
    }
}

#[test]
fn an_unreadable_record_is_skipped_alone() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let ticks = harness.clock.ticks();
    lane.event_at(ticks, 0);
    lane.record(Header { callsite: 4_000_000_000, ..event_header(ticks) }, |out| out.u64(1));
    lane.record(event_header(ticks), |out| out.u64(1));
    lane.record(event_header(ticks), |_| {});
    lane.record(Header { kind: Kind::Dynamic, ..event_header(ticks) }, |_| {});
    lane.record(Header { kind: Kind::Thread, ..event_header(ticks) }, |out| out.str("no number"));
    lane.event_at(ticks, 1);
    harness.step();
    assert_eq!(harness.steps(), [(0, 0), (0, 1)]);
    assert_eq!(harness.link.counters.snapshot().record_errors, 4);
    assert_eq!(harness.named("ringseal.record_error").len(), 4);
}
