//! A follower sees each line exactly once through rotations, and a reader at any moment sees whole lines of JSON and
//! nothing else.
mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use ringseal::sink::file::FileConfig;
use ringseal::sink::file::reader::{Reader, ReaderOptions, Step};
use ringseal::{Config, Engine, Level, Output, Overflow, info};
use support::{parse, wait_until};

const PATIENT: [Overflow; Level::COUNT] =
    [Overflow::Wait(std::time::Duration::from_secs(30)); Level::COUNT];

fn start(path: &Path, rotate_bytes_max: u64) -> Engine {
    let file = FileConfig::new(path).rotate_bytes_max(rotate_bytes_max).retain_bytes_max(None);
    Engine::start(Config::new().output(Output::file(file)).overflow(PATIENT)).unwrap()
}

fn numbers_of(events: &[serde_json::Value]) -> Vec<u64> {
    support::numbers(&support::named(events, "step"), "number")
}

/// A tailer from outside this project, and its output.
struct Tailer {
    process: Child,
    printed: Arc<Mutex<Vec<u8>>>,
    lines: Arc<AtomicU64>,
}

impl Tailer {
    /// `None`, with a printed reason, if the program is missing.
    fn start(command: &mut Command) -> Option<Tailer> {
        let mut process =
            match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
            {
                Ok(process) => process,
                Err(error) => {
                    println!("skipped: {command:?}: {error}");
                    return None;
                }
            };
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let (printed, lines) = (Arc::default(), Arc::default());
        let (bytes, count): (Arc<Mutex<Vec<u8>>>, Arc<AtomicU64>) =
            (Arc::clone(&printed), Arc::clone(&lines));
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
                bytes.lock().append(&mut line);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Some(Tailer { process, printed, lines })
    }

    fn wait_for(&self, lines: u64) {
        wait_until("the tailer prints a line", || self.lines.load(Ordering::SeqCst) >= lines);
    }
}

impl Drop for Tailer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Both tailers follow by name: after a rotation they finish the open file and take the one that has the name *now*.
/// Two rotations between two of their reads hide a whole file from them, whichever program writes it. So the test lets
/// them catch up before the next rotation can come: a chunk is less than half of a segment. A rotation still happens in
/// the middle of a chunk, with lines before and after it that no one waits for.
fn follow_through_rotations(tailer: impl FnOnce(&Path) -> Command) {
    const CHUNK: u64 = 40;
    const CHUNKS: u64 = 60;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = start(&path, 16 << 10);
    info!(engine, "step", number = 0);
    engine.flush().unwrap();
    let Some(tailer) = Tailer::start(&mut tailer(&path)) else { return };
    tailer.wait_for(1);
    for chunk in 0..CHUNKS {
        for number in chunk * CHUNK + 1..=(chunk + 1) * CHUNK {
            info!(engine, "step", number, text = "some text to make it longer");
        }
        // Every second chunk becomes visible line by line, the others at once.
        if chunk % 2 == 0 {
            engine.flush().unwrap();
        }
        tailer.wait_for(1 + (chunk + 1) * CHUNK);
    }
    let rotations = engine.metrics().sinks[0].rotations;
    assert!(rotations >= 20, "{rotations} rotations");
    engine.stop().unwrap();
    let printed = tailer.printed.lock().clone();
    assert_eq!(numbers_of(&parse(&printed)), (0..=CHUNK * CHUNKS).collect::<Vec<_>>());
}

#[test]
fn tail_follows_through_rotations() {
    follow_through_rotations(|path| {
        let mut tail = Command::new("tail");
        tail.args(["-n", "+1", "-F", "-s", "0.01"]).arg(path);
        tail
    });
}

#[test]
fn a_polling_reader_follows_through_rotations() {
    follow_through_rotations(|path| {
        let mut python = Command::new("python3");
        python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/follow.py")).arg(path);
        python
    });
}

#[test]
fn our_own_reader_follows_at_full_speed() {
    const EVENTS: u64 = 60_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = start(&path, 256 << 10);
    let is_over = AtomicBool::new(false);
    let bytes = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reader = Reader::open(&path, ReaderOptions::default().follow(true)).unwrap();
            let mut bytes = Vec::new();
            loop {
                let was_over = is_over.load(Ordering::SeqCst);
                match reader.next_line().unwrap() {
                    Step::Line(line) => {
                        bytes.extend_from_slice(line);
                        bytes.push(b'\n');
                    }
                    Step::Idle if was_over => return bytes,
                    Step::Idle => std::thread::yield_now(),
                    other => panic!("{other:?}"),
                }
            }
        });
        for number in 0..EVENTS {
            info!(engine, "step", number, text = "some text to make it longer");
        }
        engine.flush().unwrap();
        is_over.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    let rotations = engine.metrics().sinks[0].rotations;
    assert!(rotations >= 20, "{rotations} rotations");
    assert_eq!(numbers_of(&parse(&bytes)), (0..EVENTS).collect::<Vec<_>>());
    // And afterwards, from the start.
    engine.stop().unwrap();
    let events = support::events_of_all_segments(&path);
    assert_eq!(numbers_of(&events), (0..EVENTS).collect::<Vec<_>>());
}

#[test]
fn every_observer_sees_whole_lines() {
    const EVENTS: u64 = 40_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = start(&path, 512 << 10);
    let is_over = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let mut reads = 0;
            while !is_over.load(Ordering::SeqCst) {
                // The name always exists: a rotation is a rename over it.
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.contains(&0), "a NUL");
                assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "a torn line");
                let starts_in_time = bytes.len().saturating_sub(20_000);
                let from = bytes[starts_in_time..].iter().position(|byte| *byte == b'\n');
                let from = if starts_in_time == 0 { 0 } else { starts_in_time + from.unwrap() + 1 };
                parse(&bytes[from..]);
                reads += 1;
            }
            reads
        });
        for number in 0..EVENTS {
            // Lines of all lengths up to a page of 4096 bytes. The kernel shows a longer line page by page, and no
            // append can prevent it: the line is whole when its newline is there, and tailers wait for that.
            let text = "x".repeat(if number % 50 == 0 { 3500 } else { number as usize % 200 });
            info!(engine, "step", number, text);
            if number % 500 == 0 {
                std::thread::yield_now();
            }
        }
        engine.flush().unwrap();
        is_over.store(true, Ordering::SeqCst);
        observer.join().unwrap()
    });
    assert!(reads > 10, "only {reads} reads");
    engine.stop().unwrap();
    let events = support::events_of_all_segments(&path);
    assert_eq!(numbers_of(&events), (0..EVENTS).collect::<Vec<_>>());
}
