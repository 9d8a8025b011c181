//! Shared by the integration tests: sinks that a test blocks or breaks, child processes that run the same test binary,
//! and a log reader that accepts only whole lines of JSON.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod typed_events;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use ringseal::sink::memory::{MemoryLog, MemorySink};
use ringseal::sink::{Lines, Now};
use ringseal::sink::{Sink, SinkError, WriteError};
use serde_json::Value;

/// Parses whole lines; anything else fails the test.
pub fn parse(bytes: &[u8]) -> Vec<Value> {
    assert!(!bytes.contains(&0), "a NUL in the log");
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "a torn line at the end");
    let text = std::str::from_utf8(bytes).expect("a log is UTF-8");
    text.lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("not JSON ({error}): {line:?}"));
            assert!(value.is_object(), "not an object: {line:?}");
            value
        })
        .collect()
}

/// The events of a file.
pub fn events_of(path: &Path) -> Vec<Value> {
    parse(&std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The events of a log with all its sealed segments, oldest first.
pub fn events_of_all_segments(path: &Path) -> Vec<Value> {
    use ringseal::sink::file::reader::{Reader, ReaderOptions, Step};
    let mut reader = Reader::open(path, ReaderOptions::default()).expect("the log can be read");
    let mut bytes = Vec::new();
    loop {
        match reader.next_line().expect("the log can be read") {
            Step::Line(line) => {
                bytes.extend_from_slice(line);
                bytes.push(b'\n');
            }
            Step::End => return parse(&bytes),
            other => panic!("{other:?}"),
        }
    }
}

/// The events that a program logged, without the engine's.
pub fn own(events: &[Value]) -> Vec<&Value> {
    events
        .iter()
        .filter(|event| event["target"] != "ringseal" && event["target"] != "boot")
        .collect()
}

/// The events of one name.
pub fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// The numbers under a key, in order.
pub fn numbers(events: &[&Value], key: &str) -> Vec<u64> {
    let number = |event: &&Value| event[key].as_u64();
    events.iter().map(|event| number(event).unwrap_or_else(|| panic!("{event}"))).collect()
}

/// Waits with a deadline for a condition that another process or thread brings about.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A gate that the test opens and closes.
#[derive(Debug, Default)]
pub struct Gate {
    is_closed: Mutex<bool>,
    waiting: AtomicU64,
    changed: Condvar,
}

impl Gate {
    pub fn closed() -> Arc<Gate> {
        Arc::new(Gate { is_closed: Mutex::new(true), ..Gate::default() })
    }

    pub fn open(&self) {
        *self.is_closed.lock() = false;
        self.changed.notify_all();
    }

    pub fn close(&self) {
        *self.is_closed.lock() = true;
    }

    /// How often a thread arrived at the closed gate.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::SeqCst)
    }

    pub fn pass(&self) {
        let mut is_closed = self.is_closed.lock();
        if *is_closed {
            self.waiting.fetch_add(1, Ordering::SeqCst);
        }
        while *is_closed {
            self.changed.wait(&mut is_closed);
        }
    }
}

/// What a write does.
#[derive(Debug, Default)]
pub struct Behaviour {
    pub fails: AtomicBool,
    pub panics: AtomicBool,
    /// Lines that it takes before it fails.
    pub takes: AtomicU64,
    pub gate: Option<Arc<Gate>>,
    /// Passed when the sink is dropped.
    pub drop_gate: Option<Arc<Gate>>,
    pub calls: AtomicU64,
}

/// A memory sink that blocks or fails as its behaviour says.
pub struct TestSink {
    name: &'static str,
    memory: MemorySink,
    behaviour: Arc<Behaviour>,
}

impl TestSink {
    pub fn boxed(name: &'static str, behaviour: &Arc<Behaviour>) -> (Box<dyn Sink>, MemoryLog) {
        let memory = MemorySink::new();
        let log = memory.log();
        (Box::new(TestSink { name, memory, behaviour: Arc::clone(behaviour) }), log)
    }

    /// A sink whose writes wait at `gate`.
    pub fn gated(gate: &Arc<Gate>) -> (Box<dyn Sink>, MemoryLog) {
        let gate = Some(Arc::clone(gate));
        Self::boxed("gated", &Arc::new(Behaviour { gate, ..Behaviour::default() }))
    }

    fn check(&self) -> Result<(), SinkError> {
        self.behaviour.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.behaviour.gate {
            gate.pass();
        }
        assert!(!self.behaviour.panics.load(Ordering::SeqCst), "this sink panics");
        if self.behaviour.fails.load(Ordering::SeqCst) {
            let source = std::io::Error::other("this sink fails");
            return Err(SinkError::Io { action: "write", target: self.name.into(), source });
        }
        Ok(())
    }
}

impl Sink for TestSink {
    fn name(&self) -> &str {
        self.name
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        let Err(cause) = self.check() else { return self.memory.write(lines, now) };
        let takes = self.behaviour.takes.swap(0, Ordering::SeqCst) as usize;
        let (taken, _) = lines.split_at(takes.min(lines.count()));
        self.memory.write(taken, now)?;
        Err(WriteError { lines_written: taken.count(), cause })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.check()
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.check()
    }

    fn counters(&self) -> ringseal::sink::SinkCounters {
        self.memory.counters()
    }
}

impl Drop for TestSink {
    fn drop(&mut self) {
        if let Some(gate) = &self.behaviour.drop_gate {
            gate.pass();
        }
    }
}

const ROLE: &str = "RINGSEAL_TEST_ROLE";
const PLACE: &str = "RINGSEAL_TEST_PLACE";

/// A child process of this test binary that runs only `test`, which reads `role` and `place` from its environment.
pub fn child(test: &str, role: &str, place: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(PLACE, place).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The role and the place, in a child.
pub fn role() -> Option<(String, std::path::PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(PLACE)?.into()))
}
