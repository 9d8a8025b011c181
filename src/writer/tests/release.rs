//! Ring space is given back only after delivery: at every moment at which the process could be killed, the lines that
//! are in place and the records in the rings together are all events, each once.
use super::*;
use crate::core::record::Record;
#[cfg(all(target_os = "linux", not(miri)))]
use crate::ringbuf::tests::file::{RingImage, ring_in_file};
use ringseal_base::value::{ValueRef, Values};

/// A writer whose outputs have these sinks and levels.
fn writer(
    outputs: Vec<(LevelFilter, Vec<Box<dyn Sink>>)>,
    batch_bytes_max: usize,
) -> (Writer, Arc<Link>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(START));
    let (link, inbox) = Link::new();
    let output = |(level, sinks)| {
        let layout = Layout::Json(Box::new(JsonLayout::new(JsonOptions::default())));
        OutputConfig { layout, level, filter: None, sinks }
    };
    let config = WriterConfig {
        outputs: outputs.into_iter().map(output).collect(),
        batch_bytes_max,
        held_bytes_max: 1 << 20,
        reorder_window_nanos: REORDER_WINDOW,
        publishes_time: false,
        static_fields: Vec::new(),
        hooks: Vec::new(),
        observing: Default::default(),
        redaction: RedactionConfig::default(),
    };
    let mut writer = Writer::new(config, Arc::clone(&link), inbox, Arc::clone(&clock) as _);
    writer.step(clock.ticks());
    registry::assign_id(&INFO);
    (writer, link, clock)
}

/// A lane whose ring has `capacity` bytes.
fn lane_with(
    link: &Link,
    producer: Producer,
    consumer: crate::ringbuf::Consumer,
    number: u64,
) -> TestLane {
    let counters = Arc::new(LaneCounters::default());
    link.add_lane(NewLane { consumer, counters: Arc::clone(&counters), file: None }).unwrap();
    TestLane { producer, counters, number }
}

/// Every third event is a warning.
fn level_of(number: u64) -> Level {
    if number.is_multiple_of(3) { Level::Warn } else { Level::Info }
}

/// Logs an event with padding, if the ring has space.
fn log(lane: &mut TestLane, ticks: u64, number: u64, padding: usize) -> bool {
    let Some(mut grant) = lane.producer.grant(HEADER_BYTES + padding + 64) else { return false };
    let (head, payload) = grant.bytes_mut().split_at_mut(HEADER_BYTES);
    let mut out = ValueWriter::new(payload, Limits::default());
    out.u64(lane.number);
    out.u64(number);
    out.str(&"x".repeat(padding));
    let len = out.len_bytes();
    let len = Header { level: level_of(number), ..event_header(ticks) }.write(head, len);
    grant.commit(len);
    true
}

/// The numbers of a stretch of records.
fn numbers_of(mut bytes: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        let record = Record::read(bytes).expect("whole records");
        let Some(Ok(ValueRef::U64(number))) = Values(record.payload).nth(1) else {
            panic!("the second value is the number")
        };
        numbers.push(number);
        bytes = &bytes[record.len_bytes..];
    }
    numbers
}

/// What a process leaves that is killed at one moment.
#[cfg(all(target_os = "linux", not(miri)))]
struct Moment {
    /// The output whose sink was called, and how many of its lines were in place.
    output: usize,
    lines: usize,
    rings: Vec<RingImage>,
}

#[cfg(all(target_os = "linux", not(miri)))]
#[derive(Default)]
struct Scene {
    files: Mutex<Vec<std::fs::File>>,
    moments: Mutex<Vec<Moment>>,
    /// Lane and number of each line in place, per output.
    lines: Mutex<[Vec<(u64, u64)>; 2]>,
}

/// Notes what is left at each moment of a write: before it, after each of some lines, after it.
#[cfg(all(target_os = "linux", not(miri)))]
struct Witness(Arc<Scene>, usize);

#[cfg(all(target_os = "linux", not(miri)))]
impl Sink for Witness {
    fn name(&self) -> &str {
        "witness"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        let Witness(scene, output) = self;
        let rings: Vec<RingImage> = scene.files.lock().iter().map(RingImage::read).collect();
        let in_place = &mut scene.lines.lock()[*output];
        let count = lines.count();
        for written in [0, 1, count / 2, count - 1, count] {
            let lines = in_place.len() + written.min(count);
            scene.moments.lock().push(Moment { output: *output, lines, rings: rings.clone() });
        }
        for line in std::str::from_utf8(lines.bytes()).unwrap().lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let number = |key: &str| event[key].as_u64().unwrap();
            in_place.push((number("lane"), number("number")));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Kills at every write of rings of different lengths, and at the end of every turn.
#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_killed_writer_leaves_each_event_once() {
    for (capacity, padding) in [(4096, 0), (4096, 900), (1 << 14, 0), (1 << 16, 300)] {
        let scene = Arc::new(Scene::default());
        let sink = |output| vec![Box::new(Witness(Arc::clone(&scene), output)) as Box<dyn Sink>];
        let outputs = vec![
            (LevelFilter::AtLeast(Level::Trace), sink(0)),
            (LevelFilter::AtLeast(Level::Warn), sink(1)),
        ];
        let (mut writer, link, clock) = writer(outputs, 4096);
        let mut lanes = Vec::new();
        for number in 0..3 {
            let (producer, consumer, file) = ring_in_file(capacity);
            scene.files.lock().push(file);
            lanes.push(lane_with(&link, producer, consumer, number));
        }
        // The positions at which the records of each lane end.
        let mut ends = [const { Vec::new() }; 3];
        for turn in 0..40usize {
            for (index, lane) in lanes.iter_mut().enumerate() {
                for _ in 0..(turn * (index + 1)) % 9 {
                    if log(lane, clock.ticks(), ends[index].len() as u64, padding) {
                        ends[index].push(lane.producer.position());
                    }
                    clock.advance(10);
                }
            }
            clock.advance(REORDER_WINDOW / 2);
            let first = scene.moments.lock().len();
            writer.step(clock.ticks());
            let rings: Vec<RingImage> = scene.files.lock().iter().map(RingImage::read).collect();
            for output in 0..2 {
                let lines = scene.lines.lock()[output].len();
                scene.moments.lock().push(Moment { output, lines, rings: rings.clone() });
            }
            let in_place = scene.lines.lock().clone();
            for moment in &scene.moments.lock()[first..] {
                check_moment(moment, &in_place[moment.output], &ends);
            }
        }
        assert!(ends.iter().all(|ends| ends.len() > 30), "{ends:?}");
    }
}

/// Lines in place, and records after the last one that a line was made from, are all events of the output, each once
/// and in order.
#[cfg(all(target_os = "linux", not(miri)))]
fn check_moment(moment: &Moment, lines: &[(u64, u64)], ends: &[Vec<usize>; 3]) {
    for (lane, ring) in moment.rings.iter().enumerate() {
        let takes = |number: &u64| moment.output == 0 || level_of(*number) == Level::Warn;
        let in_place = lines[..moment.lines].iter().filter(|(of, _)| *of == lane as u64);
        let mut numbers: Vec<u64> = in_place.map(|(_, number)| *number).collect();
        let start = numbers.last().map_or(0, |number| ends[lane][*number as usize]).max(ring.head);
        let stretches = ring.published(start);
        numbers.extend(stretches.iter().flat_map(|(_, bytes)| numbers_of(bytes)).filter(takes));
        let expected: Vec<u64> = (0..ends[lane].len() as u64).filter(takes).collect();
        assert_eq!(numbers, expected, "output {}, lane {lane}", moment.output);
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_writer_dropped_mid_turn_leaves_its_records() {
    let script = Arc::new(Script::default());
    let sink = Box::new(ScriptedSink(Arc::clone(&script)));
    let (mut writer, link, clock) =
        writer(vec![(LevelFilter::AtLeast(Level::Trace), vec![sink])], 1 << 16);
    let (producer, consumer, file) = ring_in_file(1 << 16);
    let mut lane = lane_with(&link, producer, consumer, 0);
    let log_one = |number| {
        assert!(log(&mut lane, clock.ticks(), number, 0));
        lane.producer.position() as u64
    };
    let ends: Vec<u64> = (0..100).map(log_one).collect();
    writer.accept_lanes(clock.now());
    writer.drain(clock.now(), u64::MAX, &mut Turn::default());
    // The table has the place of each line's record, and the line's length.
    let output = &writer.processor.outputs[0];
    let entries = output.lines.unreleased();
    assert!(entries.iter().map(|entry| entry.end_position).eq(ends));
    assert!(entries.iter().all(|entry| entry.lane == 1));
    let lines = output.batch.lines();
    let line_ends = entries.iter().scan(0, |end, entry| {
        *end += entry.line_bytes as usize;
        Some(*end)
    });
    assert!(line_ends.eq((0..100).map(|line| lines.end(line))));
    drop(writer);
    assert!(script.bytes.lock().is_empty());
    let image = RingImage::read(&file);
    let stretches = image.published(image.head);
    assert!(stretches.iter().flat_map(|(_, bytes)| numbers_of(bytes)).eq(0..100));
}

/// Where a writer hands its lines to a sink that holds them, drops them, or takes them.
#[test]
fn a_failing_sink_pins_no_ring() {
    for held_bytes_max in [0, 1 << 20] {
        let mut harness = Harness::with(4096, held_bytes_max, LevelFilter::AtLeast(Level::Trace));
        let mut lane = harness.lane(0);
        harness.script.fails.store(true, Ordering::SeqCst);
        for number in 0..10_000 {
            lane.event_at(harness.clock.ticks(), number);
            if number % 100 == 99 {
                harness.step_after(MILLI);
                assert_eq!(lane.producer.used_bytes(), 0);
            }
        }
    }
}

/// A sink that waits in each write until it may go on.
struct Gate {
    entered: crossbeam_channel::Sender<()>,
    may_return: Receiver<()>,
}

impl Sink for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn write(&mut self, _lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        let _ = self.entered.send(());
        let _ = self.may_return.recv();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_blocked_write_keeps_its_ring_bytes() {
    let (entered, is_inside) = bounded(0);
    let (let_return, may_return) = bounded(0);
    let sink = Box::new(Gate { entered, may_return });
    let (mut writer, link, clock) =
        writer(vec![(LevelFilter::AtLeast(Level::Trace), vec![sink])], 4096);
    let (producer, consumer) = ring(4096);
    let mut lane = lane_with(&link, producer, consumer, 0);
    let mut number = 0;
    while log(&mut lane, clock.ticks(), number, 0) {
        number += 1;
    }
    let used = lane.producer.used_bytes();
    let ticks = clock.ticks();
    let thread = std::thread::spawn(move || writer.step(ticks));
    // A delivery for each quarter of the ring: nothing of it is given back before its write returns.
    let mut released = 0;
    for _ in 0..3 {
        is_inside.recv().unwrap();
        let now_released = used - lane.producer.used_bytes();
        // From the second write on, a quarter, and at most one record more.
        let expected = if released == 0 && now_released == 0 { 0..=0 } else { 1024..=1024 + 64 };
        assert!(expected.contains(&(now_released - released)), "{now_released} after {released}");
        released = now_released;
        let_return.send(()).unwrap();
    }
    assert!(released > 0);
    // The further writes do not wait.
    drop((is_inside, let_return));
    assert_eq!(thread.join().unwrap().records, number);
    assert_eq!(lane.producer.used_bytes(), 0);
}

/// Producers that wait for space, in rings that are as small as possible for their records.
#[test]
fn waiting_producers_always_get_space() {
    for (capacity, padding, fails) in [
        (4096, 0, false),
        (4096, 880, false),
        (4096, 1900, false),
        (4096, 880, true),
        (1 << 14, 3900, false),
    ] {
        let script = Arc::new(Script::default());
        script.fails.store(fails, Ordering::SeqCst);
        let sinks = || vec![Box::new(ScriptedSink(Arc::clone(&script))) as Box<dyn Sink>];
        let outputs = vec![
            (LevelFilter::AtLeast(Level::Warn), sinks()),
            (LevelFilter::AtLeast(Level::Trace), sinks()),
        ];
        let (mut writer, link, clock) = writer(outputs, 4096);
        let producers: Vec<_> = (0..3)
            .map(|number| {
                let (producer, consumer) = ring(capacity);
                let mut lane = lane_with(&link, producer, consumer, number);
                let clock = Arc::clone(&clock);
                std::thread::spawn(move || {
                    for number in 0..400 {
                        while !log(&mut lane, clock.ticks(), number, padding) {
                            std::thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let start = std::time::Instant::now();
        let mut records = 0;
        while records < 3 * 400 {
            clock.advance(1000);
            records += writer.step(clock.ticks()).records;
            assert!(
                start.elapsed().as_secs() < 120,
                "{records} records of ({capacity}, {padding})"
            );
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        let (reply, answer) = bounded(1);
        link.call(Control::Stop(reply)).unwrap();
        assert!(writer.step(clock.ticks()).is_stopped);
        assert_eq!(answer.try_recv().unwrap().is_err(), fails);
        let dropped = link.counters.snapshot().dropped.total();
        let lines = script.writes.lock().iter().map(|(lines, _)| *lines as u64).sum::<u64>();
        let (warnings, reports) = (3 * 134, lines + dropped - 3 * 400 - 3 * 134);
        assert!(reports <= 4 * u64::from(fails), "{warnings} warnings, {reports} reports");
    }
}

/// The table is full long before the batch when lines are short, and reports of losses need no ring.
#[test]
fn a_full_table_of_lines_delivers() {
    let mut harness = Harness::with(1 << 24, 1 << 20, LevelFilter::AtLeast(Level::Trace));
    let mut lane = harness.lane(0);
    harness.writer.processor.outputs[0].lines = super::super::line_table::LineTable::new(1);
    for number in 0..300 {
        lane.event_at(harness.clock.ticks(), number);
    }
    harness.step();
    let writes: Vec<usize> = harness.script.writes.lock().iter().map(|(lines, _)| *lines).collect();
    assert_eq!(writes, [256, 44]);
    let lanes: Vec<TestLane> = (1..1000).map(|number| harness.lane(number)).collect();
    harness.step();
    lanes.iter().for_each(|lane| harness.lose(lane, Level::Warn));
    harness.step();
    assert_eq!(harness.named("ringseal.lost").len(), 999);
    lanes.iter().for_each(|lane| harness.lose(lane, Level::Warn));
    drop(lanes);
    harness.step_after(1_000 * MILLI);
    assert_eq!(harness.named("ringseal.lost").len(), 2 * 999);
    assert_eq!(harness.writer.lanes.len(), 1);
}
