//! Whatever is logged or configured, and whatever others do to the files: the host keeps running, every line is valid,
//! and missing events are counted.
mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ringseal::sink::file::FileConfig;
use ringseal::sink::memory::MemorySink;
use ringseal::system::ManualClock;
use ringseal::testing::Capture;
use ringseal::value::{Map, Number, Value, ValueWriter};
use ringseal::{Config, Engine, Level, LevelFilter, Overflow, WaitStrategy, fields, info};
use ringseal::{Format, Limits, LineKey, Output};
use support::{child, events_of, events_of_all_segments, named, numbers, parse, role, wait_until};

const PATIENT: [Overflow; Level::COUNT] = [Overflow::Wait(Duration::from_secs(30)); Level::COUNT];

fn capture() -> (Engine, Capture) {
    Capture::start_with(Config::new().overflow(PATIENT).panic_hook(false))
}

/// A map in a map in a map.
struct Deep(u32);

impl Value for Deep {
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        100 * self.0 as usize
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        match self.0 {
            0 => out.str("bottom"),
            depth => out.map(|out| out.entry("inner", &Deep(depth - 1))),
        }
    }
}

/// Writes without end.
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        loop {
            f.write_str("and on, ")?;
        }
    }
}

/// Always returns an error.
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("half")?;
        Err(std::fmt::Error)
    }
}

#[test]
fn every_value_becomes_a_line_of_valid_json() {
    let (engine, capture) = capture();
    let long = "\u{1F980}\"\\\u{0}".repeat(300_000);
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let control: String = (0..0x20_u8).map(char::from).collect();
    info!(engine, "long", text = long, shown = %long, dbg = ?long);
    info!(engine, "bytes", invalid = b"\xFF\xFE\x80 \xED\xA0\x80 \xF0\x9F".as_slice(), bytes);
    info!(engine, "floats", a = f64::NAN, b = f64::INFINITY, c = -f32::INFINITY, d = 5e-324);
    info!(engine, "numbers", a = Number("1e400"), b = Number("NaN"), c = Number("-"), d = -0.0);
    info!(engine, "control", control, separators = "\u{2028}\u{2029}\u{7F}\u{85}", nul = '\0');
    info!(engine, "deep", deep = Deep(1000));
    info!(engine, "endless", value = %Endless, after = 1);
    info!(engine, "broken", value = %Broken, after = 1);
    info!(engine, "keys", "a \"quoted\" \n key" = 1, "\u{0}" = 3);
    let doubled = Map(&[("same", &1), ("same", &2), ("\n", &3)]);
    info!(engine, "doubled", map = doubled, timestamp = 1, level = "mine", event = doubled);
    let log = engine.logger().bind(fields! { level = "bound", text = long });
    info!(log, "bound", run_id = 1);
    engine.logger().dynamic(Level::Info, "t\n", "name \u{0}\"", &|out| {
        out.entry(&"k".repeat(100_000), &1);
        out.entry("after", &2);
    });
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let events = parse((capture.lines().join("\n") + "\n").as_bytes());
    assert_eq!((events.len(), metrics.lost.total(), metrics.record_errors), (12, 0, 0));
    for name in ["long", "bytes", "deep", "endless", "broken"] {
        assert_eq!(named(&events, name).len(), 1, "{name}");
    }
    for (name, key) in [("endless", "value"), ("long", "text")] {
        let text = named(&events, name)[0][key].as_str().unwrap().to_owned();
        assert!(text.len() < 100_000 && text.contains("truncated"), "{name}: {}", text.len());
    }
    assert_eq!(named(&events, "broken")[0]["after"], 1);
    assert!(metrics.truncated.of(Level::Info) >= 5, "{:?}", metrics.truncated);
}

#[test]
fn an_oversized_event_is_truncated_not_lost() {
    let (engine, capture) = capture();
    let numbers: Vec<u64> = (0..200_000).collect();
    let texts: Vec<String> = (0..20_000).map(|number| format!("text {number}")).collect();
    let map: std::collections::BTreeMap<String, u64> =
        (0..50_000).map(|number| (format!("key {number}"), number)).collect();
    let text = "x".repeat(16_000);
    info!(engine, "array", numbers, after = 1);
    info!(engine, "texts", texts, numbers, after = 1);
    info!(engine, "map", map, after = 1);
    info!(
        engine,
        "strings",
        a = text,
        b = text,
        c = text,
        d = text,
        e = text,
        f = text,
        g = text,
        h = text,
        i = text,
        j = text,
        k = text,
        l = text,
        m = text,
        n = text,
        o = text,
        p = text,
        q = text,
        r = text,
        s = text,
        t = text,
        after = 1
    );
    info!(engine, "all", texts, map, numbers, shown = %Endless, after = 1);
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let lines = capture.lines();
    let events = parse((lines.join("\n") + "\n").as_bytes());
    assert_eq!((events.len(), metrics.lost.total()), (5, 0));
    for event in &events {
        assert_eq!(event["after"], 1, "{}", event["event"]);
    }
    assert_eq!(metrics.truncated.of(Level::Info), 5);
}

#[test]
fn an_oversized_context_is_truncated_and_counted() {
    let (engine, capture) =
        Capture::start_with(Config::new().ring_bytes(4096).overflow(PATIENT).panic_hook(false));
    let text = "x".repeat(1500);
    let log = engine.logger().bind(fields! { first = 1, text, last = 2 });
    for number in 0..10 {
        info!(log, "step", number);
    }
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let events = parse((capture.lines().join("\n") + "\n").as_bytes());
    assert_eq!((events.len(), metrics.lost.total()), (10, 0));
    assert_eq!(events[0]["first"], 1, "what fits is there: {}", events[0]);
    assert!(metrics.truncated.total() >= 1);
}

#[test]
fn a_key_repeated_in_every_line_is_refused() {
    let repeated = |key, one, other, format| {
        format!(
            "expected a different key for each member of a line, found \"{key} for {one} and {other}, in the \
             format {format}\""
        )
    };
    let (json, event, level) = (Format::Json, LineKey::Event, LineKey::Level);
    let mut rows = vec![
        (
            json,
            vec![(event, "")],
            "expected a key that is not empty, found \"no key for event\"".to_owned(),
        ),
        (json, vec![(event, "x"), (LineKey::Error, "x")], repeated("x", "event", "error", "json")),
        (
            Format::StdlibJson,
            vec![(level, "name")],
            repeated("name", "level", "target", "stdlib-json"),
        ),
        (
            Format::Structlog,
            vec![(level, "exception")],
            repeated("exception", "level", "error", "structlog"),
        ),
        (
            Format::DashtamCi,
            vec![(level, "failure_type"), (LineKey::Error, "failure")],
            repeated("failure_type", "level", "error", "dashtam-ci"),
        ),
        (
            Format::CloudDogJson,
            vec![(event, "extra")],
            repeated("extra", "event", "extra", "cloud-dog-json"),
        ),
        (
            Format::CloudDogJson,
            vec![(LineKey::TraceId, "exception")],
            repeated("exception", "trace_id", "error", "cloud-dog-json"),
        ),
    ];
    for key in ["timestamp", "level", "target"] {
        rows.push((json, vec![(event, key)], repeated(key, key, "event", "json")));
    }
    for key in ["run_id", "schema_version", "stack", "sample_rate", "trace_id", "error"] {
        rows.push((json, vec![(event, key)], repeated(key, "event", key, "json")));
    }
    for (format, keys, expected) in rows {
        let start = |config: Config| {
            let config = keys.iter().fold(config, |config, (of, key)| config.rename_key(*of, key));
            Engine::start(config).unwrap_err().to_string()
        };
        let expected = format!("Config::rename_key: {expected}");
        assert_eq!(start(Config::new().format(format)), expected);
        assert_eq!(start(Config::new().output(Output::stderr().format(format))), expected);
    }
    // A member that the format does not have needs no key, and fields are apart from members.
    for (format, of, key) in [
        (Format::DashtamCi, LineKey::Target, "level"),
        (Format::CloudDogJson, LineKey::TraceId, "level"),
        (Format::Console, LineKey::Level, "own"),
    ] {
        let config = Config::new().panic_hook(false).rename_key(of, key);
        let output = Output::custom(MemorySink::new()).format(format);
        drop(Engine::start(config.format(format).output(output)).unwrap());
    }
}

#[test]
fn absurd_settings_bring_nothing_down() {
    let zero = Duration::ZERO;
    let wait = |min, max| WaitStrategy::Sleep { min, max };
    let config = || Config::new().overflow(PATIENT).panic_hook(false);
    for (what, config) in [
        ("a ring of nothing", config().ring_bytes(0)),
        ("a ring of a few bytes", config().ring_bytes(100)),
        ("no lanes", config().rings_max(0)),
        ("no batch", config().batch_bytes_max(0)),
        ("nothing held", config().retry_buffer_bytes_max(0)),
        ("everything held", config().retry_buffer_bytes_max(usize::MAX)),
        ("no reorder window", config().reorder_window(zero)),
        ("bounds the wrong way round", config().writer_wait(wait(Duration::from_millis(5), zero))),
        ("no pause", config().writer_wait(wait(zero, zero))),
        ("pauses for ever", config().writer_wait(wait(Duration::from_micros(1), Duration::MAX))),
        ("no limits", config().limits(Limits::default().with_value_bytes_max(u32::MAX))),
        ("nothing allowed", config().limits(Limits::default().with_value_bytes_max(0))),
        ("an empty thread name", config().thread_name("")),
        ("a NUL in the thread name", config().thread_name("a\0b")),
        ("for ever", config().flush_timeout(Duration::MAX).shutdown_timeout(Duration::MAX)),
    ] {
        let (engine, capture) = Capture::start_with(config);
        std::thread::scope(|scope| {
            scope.spawn(|| info!(engine, "step", number = 0, text = "some text"));
        });
        for number in 1..100 {
            info!(engine, "step", number, text = "some text", shown = %"more");
        }
        engine.flush().unwrap_or_else(|error| panic!("{what}: {error}"));
        let lost = engine.metrics().lost.total();
        engine.stop().unwrap();
        assert_eq!((capture.lines().len(), lost), (100, 0), "{what}");
    }
}

#[test]
fn a_clock_set_back_is_reported_and_survived() {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000_000_000));
    let config = Config::new().clock_for_tests(Arc::clone(&clock) as _).panic_hook(false);
    let (engine, capture) = Capture::start_with(config.overflow(PATIENT));
    for (number, set_to) in
        [None, Some(1_600_000_000), Some(0), Some(-5_000_000_000), Some(4_000_000_000)]
            .into_iter()
            .enumerate()
    {
        clock.advance(2_000_000_000);
        if let Some(seconds) = set_to {
            clock.step_to(seconds * 1_000_000_000);
        }
        engine.flush().unwrap();
        info!(engine, "step", number);
        engine.flush().unwrap();
    }
    engine.stop().unwrap();
    let events = parse((capture.lines().join("\n") + "\n").as_bytes());
    assert_eq!(numbers(&named(&events, "step"), "number"), [0, 1, 2, 3, 4]);
    let years: Vec<&str> = named(&events, "step")
        .iter()
        .map(|event| &event["timestamp"].as_str().unwrap()[..4])
        .collect();
    assert_eq!(years, ["2023", "2020", "1970", "1811", "2096"]);
    assert_eq!(named(&events, "ringseal.clock_stepped").len(), 4);
}

/// A change that another process makes to a log's directory, by name.
type Disaster = fn(&Path);

const DISASTERS: [(&str, Disaster); 7] = [
    ("deleted", |path| std::fs::remove_file(path).unwrap()),
    ("truncated", |path| {
        std::fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap()
    }),
    ("truncated in the middle of a line", |path| {
        std::fs::File::options().write(true).open(path).unwrap().set_len(150).unwrap();
    }),
    ("renamed", |path| std::fs::rename(path, path.with_extension("old")).unwrap()),
    ("replaced by a rename", |path| {
        let other = path.with_extension("other");
        std::fs::write(&other, "").unwrap();
        std::fs::rename(other, path).unwrap();
    }),
    ("its directory removed", |path| {
        wait_until("removed", || std::fs::remove_dir_all(path.parent().unwrap()).is_ok());
    }),
    ("its directory renamed", |path| {
        let dir = path.parent().unwrap();
        std::fs::rename(dir, dir.with_extension("moved")).unwrap();
    }),
];

#[test]
fn files_changed_by_others_are_reopened_and_whole() {
    for (what, disaster) in DISASTERS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/deep/app.log");
        let engine = Engine::start(Config::new().file(&path).overflow(PATIENT)).unwrap();
        for number in 0..50 {
            info!(engine, "step", number);
        }
        engine.flush().unwrap();
        disaster(&path);
        for number in 50..100 {
            info!(engine, "step", number);
            wait_until(what, || engine.flush().is_ok());
        }
        let metrics = engine.metrics();
        engine.stop().unwrap();
        let events = events_of(&path);
        let there = numbers(&named(&events, "step"), "number");
        assert!(there.ends_with(&(50..100).collect::<Vec<_>>()), "{what}: {there:?}");
        assert_eq!((metrics.lost.total(), metrics.dropped.total()), (0, 0), "{what}");
    }
}

/// Removes a log, also when the writer makes it anew, and puts a file in place of its directory.
fn block(path: &Path) {
    let dir = path.parent().unwrap();
    wait_until("the path is blocked", || {
        let _ = std::fs::remove_dir_all(dir);
        std::fs::write(dir, b"").is_ok()
    });
}

#[test]
fn a_blocked_path_fails_the_sink_until_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs/app.log");
    let engine = Engine::start(Config::new().file(&path)).unwrap();
    info!(engine, "step", number = 0);
    engine.flush().unwrap();
    block(&path);
    info!(engine, "step", number = 1);
    let said = engine.flush().unwrap_err().to_string();
    assert!(said.contains("app.log"), "{said}");
    assert!(!engine.metrics().sinks[0].is_healthy);
    std::fs::remove_file(path.parent().unwrap()).unwrap();
    info!(engine, "step", number = 2);
    wait_until("the sink is back", || engine.flush().is_ok());
    assert!(engine.metrics().sinks[0].is_healthy);
    engine.stop().unwrap();
    let events = events_of(&path);
    assert_eq!(numbers(&named(&events, "step"), "number"), [1, 2]);
    assert_eq!(named(&events, "ringseal.sink_failed").len(), 1);
}

/// A file system of half a megabyte, unmounted when dropped.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(at: &Path) -> Option<Small<'_>> {
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(at).output();
        if !output.as_ref().is_ok_and(|output| output.status.success()) {
            println!("skipped: a small file system cannot be mounted here: {output:?}");
            return None;
        }
        Some(Small(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_loses_counted_lines_never_torn() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_small) = Small::mount(dir.path()) else { return };
    let path = dir.path().join("app.log");
    let filler = dir.path().join("filler");
    std::fs::write(&filler, vec![1; 256 << 10]).unwrap();
    let file = FileConfig::new(&path).rotate_bytes_max(0);
    let config =
        Config::new().output(Output::file(file)).overflow(PATIENT).retry_buffer_bytes_max(50_000);
    let engine = Engine::start(config).unwrap();
    for number in 0..3000 {
        info!(engine, "step", number, text = "some text to make it longer");
    }
    let said = engine.flush().unwrap_err().to_string();
    assert!(said.contains("app.log"), "{said}");
    events_of(&path);
    std::fs::remove_file(filler).unwrap();
    wait_until("there is room again", || engine.flush().is_ok());
    for number in 3000..3010 {
        info!(engine, "step", number);
    }
    engine.flush().unwrap();
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let events = events_of_all_segments(&path);
    let there = numbers(&named(&events, "step"), "number");
    assert!(there.ends_with(&(3000..3010).collect::<Vec<_>>()));
    assert!(there.is_sorted_by(|one, next| one < next), "a line twice, or out of order");
    assert!(metrics.dropped.total() > 0);
    assert_eq!(metrics.events.total(), events.len() as u64 + metrics.dropped.total());
}

#[test]
fn a_closed_stderr_does_not_stop_the_writer() {
    if let Some((_, path)) = role() {
        // The parent has closed its end, so a write to stderr fails.
        let engine = Engine::start(
            Config::new()
                .file(&path)
                .output(Output::stderr().format(Format::Console).level(LevelFilter::Off)),
        );
        let engine = engine.unwrap();
        info!(engine, "step", number = 0);
        engine.flush().unwrap();
        block(&path);
        info!(engine, "step", number = 1);
        assert!(engine.flush().is_err());
        std::fs::remove_file(path.parent().unwrap()).unwrap();
        info!(engine, "step", number = 2);
        wait_until("the sink is back", || engine.flush().is_ok());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs/app.log");
    let mut command = child("a_closed_stderr_does_not_stop_the_writer", "closed", &path);
    let mut process = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(process.stderr.take());
    assert!(process.wait().unwrap().success());
    assert_eq!(numbers(&named(&events_of(&path), "step"), "number"), [1, 2]);
}

/// The limit ends a process that writes beyond it, unless the signal is blocked where it writes.
#[cfg(unix)]
#[test]
fn a_file_size_limit_fails_the_sink_only() {
    if let Some((_, path)) = role() {
        let file = FileConfig::new(&path).rotate_bytes_max(0);
        let config = Config::new().output(Output::file(file)).overflow(PATIENT);
        let engine = Engine::start(config.retry_buffer_bytes_max(10_000)).unwrap();
        for number in 0..3000 {
            info!(engine, "step", number, text = "some text to make it longer");
        }
        let said = engine.flush().unwrap_err().to_string();
        assert!(said.contains("app.log"), "{said}");
        let metrics = engine.metrics();
        assert!(metrics.dropped.total() > 0);
        let _ = engine.stop();
        // A start finds files at the limit.
        let engine = Engine::start(Config::new().file(&path)).unwrap();
        info!(engine, "again");
        let _ = engine.stop();
        println!("survived");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let command = child("a_file_size_limit_fails_the_sink_only", "limited", &path);
    let mut shell = Command::new("sh");
    // 100 blocks of 512 bytes, or of 1024.
    shell.args(["-c", "ulimit -f 100; exec \"$@\"", "sh"]).arg(command.get_program());
    shell.args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("survived"), "{output:?}");
    let events = events_of(&path);
    let numbers = numbers(&named(&events, "step"), "number");
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}
