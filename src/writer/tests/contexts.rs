//! The tables of contexts that a lane's definitions fill.
use super::*;
use crate::core::context::NUMBERS;
use crate::core::record::{ExtraFlags, Slots};

fn define(lane: &mut TestLane, number: u16, value: u64) {
    define_with(lane, Header { slots: Slots::new(number, 0), ..event_header(1) }, 1 + value, value);
}

/// The values of an event.
fn two_zeros(out: &mut ValueWriter<'_>) {
    out.u64(0);
    out.u64(0);
}

/// Defines a context of this id in place of no other.
fn define_with(lane: &mut TestLane, header: Header, id: u64, value: u64) {
    let mut entries = [0; 64];
    let mut out = ValueWriter::new(&mut entries, Limits::default());
    out.entry("bound", &value);
    let len = out.len_bytes();
    let payload = [&id.to_le_bytes(), &entries[..len]].concat();
    lane.raw_record(Header { kind: Kind::Context, callsite: 0, ..header }, &payload);
}

#[test]
fn a_context_holds_until_its_number_is_reused() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let log = |lane: &mut TestLane, context: u16| {
        let header = Header { slots: Slots::new(context, 0), ..event_header(1) };
        lane.record(header, |out| {
            out.u64(0);
            out.u64(u64::from(context));
        });
    };
    for number in 1..NUMBERS as u16 {
        define(&mut lane, number, u64::from(number) * 10);
    }
    for context in [1, NUMBERS as u16 - 1, 2, 0] {
        log(&mut lane, context);
    }
    define(&mut lane, 1, 99);
    log(&mut lane, 1);
    // Context numbers that are undefined or impossible: the event is written without bound fields.
    let beyond = NUMBERS as u16;
    for number in [beyond, u16::MAX] {
        define(&mut lane, number, 1);
        log(&mut lane, number);
    }
    harness.step();
    let bound: Vec<Option<u64>> =
        harness.named("step").iter().map(|event| event["bound"].as_u64()).collect();
    let last = (NUMBERS as u64 - 1) * 10;
    assert_eq!(bound, [Some(10), Some(last), Some(20), None, Some(99), None, None]);
    assert_eq!(harness.link.counters.snapshot().record_errors, 0);
}

#[test]
fn a_definition_gives_way_to_another() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let log = |lane: &mut TestLane, context: u16| {
        lane.record(Header { slots: Slots::new(context, 0), ..event_header(1) }, two_zeros);
    };
    define(&mut lane, 7, 70);
    log(&mut lane, 7);
    let header =
        Header { kind: Kind::Context, slots: Slots::new(9, 0), callsite: 7, ..event_header(1) };
    let mut entries = [0; 64];
    let mut out = ValueWriter::new(&mut entries, Limits::default());
    out.entry("bound", &90);
    let len = out.len_bytes();
    lane.raw_record(header, &[&91u64.to_le_bytes(), &entries[..len]].concat());
    log(&mut lane, 9);
    // Given way: shown without fields, never with those of another.
    log(&mut lane, 7);
    harness.step();
    let bound: Vec<Option<u64>> =
        harness.named("step").iter().map(|event| event["bound"].as_u64()).collect();
    assert_eq!(bound, [Some(70), Some(90), None]);
}

#[test]
fn a_new_thread_has_no_contexts() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    define(&mut lane, 7, 70);
    lane.record(Header { kind: Kind::Thread, ..event_header(1) }, |out| {
        out.u64(2);
        out.str("next");
    });
    lane.record(Header { slots: Slots::new(7, 0), ..event_header(1) }, two_zeros);
    harness.step();
    assert_eq!(harness.named("step")[0]["bound"].as_u64(), None);
}

/// The second lane's definition is a copy of the first one's, unless its ring has cut it.
#[test]
fn a_context_looks_the_same_in_each_lane() {
    let mut harness = Harness::new();
    let mut lanes = [harness.lane(0), harness.lane(1)];
    for (lane, id) in lanes.iter_mut().zip([5, 5]) {
        define_with(lane, Header { slots: Slots::new(3, 0), ..event_header(1) }, id, 50);
    }
    // The same place among those remembered, and a definition that was cut differently.
    define_with(&mut lanes[0], Header { slots: Slots::new(4, 0), ..event_header(1) }, 5 + 256, 60);
    define_with(&mut lanes[1], Header { slots: Slots::new(4, 0), ..event_header(1) }, 5, 51);
    for lane in &mut lanes {
        for context in [3, 4] {
            lane.record(Header { slots: Slots::new(context, 0), ..event_header(2) }, two_zeros);
        }
    }
    harness.step_after(MILLI);
    let mut bound: Vec<Option<u64>> =
        harness.named("step").iter().map(|event| event["bound"].as_u64()).collect();
    bound.sort();
    assert_eq!(bound, [Some(50), Some(50), Some(51), Some(60)]);
}

#[test]
fn each_lane_has_its_own_contexts() {
    let mut harness = Harness::new();
    let (mut one, mut other) = (harness.lane(0), harness.lane(1));
    define(&mut one, 3, 1);
    define(&mut other, 3, 2);
    for lane in [&mut one, &mut other] {
        let number = lane.number;
        lane.record(Header { slots: Slots::new(3, 0), ..event_header(2) }, |out| {
            out.u64(number);
            out.u64(0);
        });
    }
    harness.step_after(MILLI);
    for event in harness.named("step") {
        assert_eq!(event["bound"].as_u64(), event["lane"].as_u64().map(|lane| lane + 1));
    }
}

#[test]
fn a_cut_bound_field_counts_as_truncated() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    define_with(
        &mut lane,
        Header { slots: Slots::new(1, 0), is_cut: true, ..event_header(1) },
        1,
        1,
    );
    lane.event_at(1, 0);
    harness.step();
    assert_eq!(harness.link.counters.snapshot().truncated.of(Level::Info), 1);
}

/// The `bound` and the `ambient` of the events so far.
fn contexts(harness: &Harness) -> Vec<(Option<u64>, Option<u64>)> {
    let events = harness.named("step");
    events.iter().map(|event| (event["bound"].as_u64(), event["ambient"].as_u64())).collect()
}

/// Defines an ambient context of the id in place of the one in slot `evicted`.
fn define_ambient(lane: &mut TestLane, number: u16, evicted: u32, value: u64) {
    let mut entries = [0; 64];
    let mut out = ValueWriter::new(&mut entries, Limits::default());
    out.entry("ambient", &value);
    let len = out.len_bytes();
    let header = Header {
        callsite: evicted,
        slots: Slots::new(0, number),
        ..Header::new(Kind::Context, Level::Info)
    };
    lane.raw_record(header, &[&(1000 + value).to_le_bytes(), &entries[..len]].concat());
}

#[test]
fn the_two_tables_do_not_evict_each_other() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let log = |lane: &mut TestLane, bound, ambient| {
        let slots = Slots::new(bound, ambient);
        lane.record(Header { slots, ..event_header(1) }, two_zeros);
    };
    define(&mut lane, 7, 70);
    define_ambient(&mut lane, 7, 0, 71);
    [(7, 7), (7, 0), (0, 7)]
        .into_iter()
        .for_each(|(bound, ambient)| log(&mut lane, bound, ambient));
    define_ambient(&mut lane, 9, 7, 90);
    [(7, 7), (7, 9), (9, 9)]
        .into_iter()
        .for_each(|(bound, ambient)| log(&mut lane, bound, ambient));
    lane.record(Header { kind: Kind::Thread, ..event_header(1) }, |out| out.u64(2));
    log(&mut lane, 7, 9);
    harness.step();
    let expected = [
        (Some(70), Some(71)),
        (Some(70), None),
        (None, Some(71)),
        (Some(70), None),
        (Some(70), Some(90)),
        (None, Some(90)),
        (None, None),
    ];
    assert_eq!(contexts(&harness), expected);
}

/// A definition may be among the skipped records, and its slot would show the context before it.
#[test]
fn no_context_outlives_records_that_were_skipped() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    define(&mut lane, 7, 70);
    define_ambient(&mut lane, 7, 0, 71);
    let both = Header { slots: Slots::new(7, 7), ..event_header(1) };
    lane.record(both, two_zeros);
    lane.garbage(&[0xFF; 32]);
    define(&mut lane, 7, 80);
    harness.step();
    lane.record(both, two_zeros);
    define(&mut lane, 7, 90);
    lane.record(both, two_zeros);
    harness.step();
    assert_eq!(contexts(&harness), [(Some(70), Some(71)), (None, None), (Some(90), None)]);
    assert_eq!(harness.link.counters.snapshot().record_errors, 1);
}

/// A definition that cannot be read must not leave the one before it in its slot.
#[test]
fn an_unreadable_definition_removes_the_old_one() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    for damaged in [&[][..], &[1; 7], &[1, 0, 0, 0, 0, 0, 0, 0, 9]] {
        define(&mut lane, 7, 70);
        let header = Header { slots: Slots::new(7, 0), ..Header::new(Kind::Context, Level::Info) };
        lane.raw_record(header, damaged);
        lane.record(Header { slots: Slots::new(7, 0), ..event_header(1) }, two_zeros);
    }
    harness.step();
    assert_eq!(contexts(&harness), [(None, None); 3]);
    assert_eq!(harness.link.counters.snapshot().record_errors, 3);
}

#[test]
fn a_correlation_is_shown_on_its_event_only() {
    let mut harness = Harness::new();
    let mut lane = harness.lane(0);
    let header = Header { extras: ExtraFlags::new(false, true), ..event_header(1) };
    lane.raw_record(header, &[&[3, 0][..], &[0xAB; 32]].concat());
    lane.record(event_header(1), two_zeros);
    let mut values = [0; 18];
    let mut out = ValueWriter::new(&mut values, Limits::default());
    two_zeros(&mut out);
    lane.raw_record(header, &[&values[..], &[0xCD; 16], &[1; 8], &[0; 8]].concat());
    lane.raw_record(header, &values);
    harness.step();
    let events = harness.named("step");
    let ids: Vec<_> = events
        .iter()
        .map(|event| (event["trace_id"].as_str(), event["span_id"].as_str()))
        .collect();
    let trace = "cd".repeat(16);
    assert_eq!(ids, [(None, None), (Some(&*trace), Some("0101010101010101"))]);
    assert_eq!(harness.link.counters.snapshot().record_errors, 2, "of the first and the last");
}
