//! The writer, driven turn by turn; the tests provide rings, clock, sinks and requests.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};
use parking_lot::Mutex;

use super::control::{Control, FlushError};
use super::link::{Link, NewLane};
use super::{OutputConfig, RedactionConfig, Turn, Writer, WriterConfig};
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::{Level, LevelFilter};
use crate::core::record::{HEADER_BYTES, Header, Kind};
use crate::core::registry;
use crate::core::{Batch, Lines};
use crate::encode::layout::{JsonLayout, JsonOptions, Layout};
use crate::metrics::{LaneCounters, LevelCounts};
use crate::ringbuf::{Producer, ring};
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::clock::{Clock, ManualClock, Now};
use ringseal_base::limits::Limits;
use ringseal_base::value::ValueWriter;

#[cfg(not(loom))]
mod cache_lines;
mod contexts;
mod delivery;
mod order;
mod reclaim;
#[cfg(not(loom))]
mod release;
mod reports;

const START: i64 = 1_700_000_000_000_000_000;
const REORDER_WINDOW: u64 = 20_000;
const MILLI: u64 = 1_000_000;

static INFO: Callsite = Callsite::new(Metadata {
    level: Level::Info,
    event: "step",
    target: "test",
    file: file!(),
    line: line!(),
    keys: &["lane", "number"],
});

/// The calls that a [`ScriptedSink`] received, and their times.
#[derive(Debug, Default)]
struct Script {
    fails: AtomicBool,
    turn_fails: AtomicBool,
    bytes: Mutex<Vec<u8>>,
    /// Lines and bytes of each write that succeeded.
    writes: Mutex<Vec<(usize, usize)>>,
    /// The times of writes that were refused.
    refused_at: Mutex<Vec<i64>>,
    flushes: Mutex<Vec<&'static str>>,
    counters: Mutex<SinkCounters>,
}

struct ScriptedSink(Arc<Script>);

impl ScriptedSink {
    fn check(&self) -> Result<(), SinkError> {
        match self.0.fails.load(Ordering::SeqCst) {
            true => Err(SinkError::Stalled { target: "scripted".into() }),
            false => Ok(()),
        }
    }
}

impl Sink for ScriptedSink {
    fn name(&self) -> &str {
        "scripted"
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        if let Err(cause) = self.check() {
            self.0.refused_at.lock().push(now.unix_nanos);
            return Err(WriteError { lines_written: 0, cause });
        }
        self.0.bytes.lock().extend_from_slice(lines.bytes());
        self.0.writes.lock().push((lines.count(), lines.bytes().len()));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.0.flushes.lock().push("flush");
        self.check()
    }

    fn turn(&mut self, _now: Now) -> Result<(), SinkError> {
        match self.0.turn_fails.load(Ordering::SeqCst) {
            true => Err(SinkError::Stalled { target: "a turn".into() }),
            false => Ok(()),
        }
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.0.flushes.lock().push("sync");
        self.check()
    }

    fn counters(&self) -> SinkCounters {
        *self.0.counters.lock()
    }
}

/// A writer and everything around it.
struct Harness {
    writer: Writer,
    link: Arc<Link>,
    clock: Arc<ManualClock>,
    script: Arc<Script>,
}

impl Harness {
    /// Counts a loss as a producer does when it drops an event.
    fn lose(&self, lane: &TestLane, level: Level) {
        lane.counters.lose(level);
        self.link.note_loss();
    }

    fn new() -> Harness {
        Self::with(1 << 16, 1 << 20, LevelFilter::AtLeast(Level::Trace))
    }

    fn with(batch_bytes_max: usize, held_bytes_max: usize, level: LevelFilter) -> Harness {
        let clock = Arc::new(ManualClock::at(START));
        let shared = Arc::clone(&clock) as _;
        Self::build(batch_bytes_max, held_bytes_max, level, clock, shared)
    }

    /// Uses a clock of the test. [`Harness::step`] and its callers need the harness's own clock and must not be used.
    fn with_clock(clock: Arc<dyn Clock>) -> Harness {
        let unused = Arc::new(ManualClock::default());
        Self::build(1 << 16, 1 << 20, LevelFilter::AtLeast(Level::Trace), unused, clock)
    }

    fn build(
        batch_bytes_max: usize,
        held_bytes_max: usize,
        level: LevelFilter,
        clock: Arc<ManualClock>,
        shared_clock: Arc<dyn Clock>,
    ) -> Harness {
        let script = Arc::new(Script::default());
        let (link, inbox) = Link::new();
        let layout = Layout::Json(Box::new(JsonLayout::new(JsonOptions::default())));
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(ScriptedSink(Arc::clone(&script)))];
        let config = WriterConfig {
            outputs: vec![OutputConfig { layout, level, filter: None, sinks }],
            batch_bytes_max,
            held_bytes_max,
            reorder_window_nanos: REORDER_WINDOW,
            publishes_time: false,
            static_fields: Vec::new(),
            hooks: Vec::new(),
            observing: Default::default(),
            redaction: RedactionConfig::default(),
        };
        let first = shared_clock.ticks();
        let mut writer = Writer::new(config, Arc::clone(&link), inbox, shared_clock);
        // The first turn calibrates.
        writer.step(first);
        registry::assign_id(&INFO);
        Harness { writer, link, clock, script }
    }

    fn lane(&self, number: u64) -> TestLane {
        let (producer, consumer) = ring(1 << 16);
        let counters = Arc::new(LaneCounters::default());
        self.link
            .add_lane(NewLane { consumer, counters: Arc::clone(&counters), file: None })
            .unwrap();
        TestLane { producer, counters, number }
    }

    fn step(&mut self) -> Turn {
        self.writer.step(self.clock.ticks())
    }

    /// Lets time pass, then steps.
    fn step_after(&mut self, nanos: u64) -> Turn {
        self.clock.advance(nanos);
        self.step()
    }

    fn call(
        &mut self,
        request: impl FnOnce(crossbeam_channel::Sender<Result<(), FlushError>>) -> Control,
    ) -> Receiver<Result<(), FlushError>> {
        let (reply, answer) = bounded(1);
        self.link.call(request(reply)).unwrap();
        answer
    }

    /// A request, a turn, its answer.
    fn ask(
        &mut self,
        request: impl FnOnce(crossbeam_channel::Sender<Result<(), FlushError>>) -> Control,
    ) -> Result<(), FlushError> {
        let answer = self.call(request);
        self.step();
        answer.try_recv().expect("answered within the turn")
    }

    fn events(&self) -> Vec<serde_json::Value> {
        let bytes = self.script.bytes.lock().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn named(&self, name: &str) -> Vec<serde_json::Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    /// Lane and number of each event, in the order of the lines.
    fn steps(&self) -> Vec<(u64, u64)> {
        let number = |event: &serde_json::Value, key: &str| event[key].as_u64().unwrap();
        let events = self.named("step");
        events.iter().map(|event| (number(event, "lane"), number(event, "number"))).collect()
    }
}

/// The producer's side of a lane, written by hand.
struct TestLane {
    producer: Producer,
    counters: Arc<LaneCounters>,
    number: u64,
}

impl TestLane {
    /// An event of [`INFO`] with this timestamp.
    fn event_at(&mut self, ticks: u64, number: u64) {
        let lane = self.number;
        self.record(event_header(ticks), |out| {
            out.u64(lane);
            out.u64(number);
        });
    }

    fn record(&mut self, header: Header, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        let mut grant = self.producer.grant(512).expect("the ring has space");
        let (head, payload) = grant.bytes_mut().split_at_mut(HEADER_BYTES);
        let mut out = ValueWriter::new(payload, Limits::default());
        fill(&mut out);
        let len = out.len_bytes();
        let len = header.write(head, len);
        grant.commit(len);
    }

    fn raw_record(&mut self, header: Header, payload: &[u8]) {
        let mut grant = self.producer.grant(512).expect("the ring has space");
        let (head, rest) = grant.bytes_mut().split_at_mut(HEADER_BYTES);
        rest[..payload.len()].copy_from_slice(payload);
        let len = header.write(head, payload.len());
        grant.commit(len);
    }

    /// Bytes that are not a record.
    fn garbage(&mut self, bytes: &[u8]) {
        let mut grant = self.producer.grant(bytes.len()).expect("the ring has space");
        grant.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
        grant.commit(bytes.len());
    }
}

fn event_header(ticks: u64) -> Header {
    Header { callsite: INFO.id(), ticks, ..Header::new(Kind::Event, Level::Info) }
}
