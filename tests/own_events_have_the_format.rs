//! The engine's own events are lines of the chosen format, like all others.
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ringseal::levels::LevelRequest;
use ringseal::redact::RuleSet;
use ringseal::sink::memory::{MemoryLog, MemorySink};
use ringseal::sink::{Lines, Now, Sink, SinkCounters, SinkError, WriteError};
use ringseal::system::ManualClock;
use ringseal::{Config, Engine, Format, Level, LineKey, Output, Overflow, Sampling, info};
use serde_json::Value;
use support::{Gate, wait_until};

/// What a sink does next.
#[derive(Default)]
struct Script {
    fails: AtomicBool,
    warns: AtomicBool,
    removed: AtomicU64,
    gate: Gate,
}

/// A memory sink that fails, warns and removes segments as the script says.
struct Scripted {
    memory: MemorySink,
    script: Arc<Script>,
}

fn error() -> SinkError {
    let source = std::io::Error::other("as the script says");
    SinkError::Io { action: "write", target: "scripted".into(), source }
}

impl Sink for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        self.script.gate.pass();
        if self.script.fails.load(Ordering::SeqCst) {
            return Err(WriteError { lines_written: 0, cause: error() });
        }
        self.memory.write(lines, now)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn warning(&mut self) -> Option<SinkError> {
        self.script.warns.swap(false, Ordering::SeqCst).then(error)
    }

    fn counters(&self) -> SinkCounters {
        let removed = self.script.removed.load(Ordering::SeqCst);
        SinkCounters { removed, removed_bytes: removed * 1000, ..self.memory.counters() }
    }
}

/// The events that the engine writes itself in [`log_all`].
const EVENTS: [&str; 15] = [
    "logging.configured",
    "ringseal.logged_without_engine",
    "ringseal.filter_changed",
    "ringseal.level_changed",
    "ringseal.level_restored",
    "ringseal.sampling_changed",
    "ringseal.redaction_changed",
    "ringseal.suppressed",
    "ringseal.lost",
    "ringseal.panicked",
    "ringseal.sink_failed",
    "ringseal.sink_recovered",
    "ringseal.sink_warning",
    "ringseal.segments_removed",
    "ringseal.clock_stepped",
];

/// Runs a global engine until it has written each of its events; returns the lines.
fn log_all(config: Config, format: Format) -> Vec<String> {
    let script = Arc::new(Script::default());
    let memory = MemorySink::new();
    let log = memory.log();
    let clock = Arc::new(ManualClock::at(1_772_357_400_123_456_789));
    // No engine takes it.
    info!("unheard");
    let config = config
        .format(format)
        .overflow([Overflow::Lose; Level::COUNT])
        .ring_bytes(4096)
        .replace_panic_hook(true)
        .clock_for_tests(Arc::clone(&clock) as _)
        .output(Output::custom(Scripted { memory, script: Arc::clone(&script) }));
    #[cfg(feature = "audit")]
    let dir = tempfile::tempdir().unwrap();
    #[cfg(feature = "audit")]
    let config = config.audit(ringseal::AuditConfig::new(dir.path()));
    let engine = ringseal::init(config).unwrap();
    engine.set_filter("trace".parse().unwrap());
    // The ring is small.
    let _ = engine.flush();
    let request = LevelRequest::new("shop=debug", Duration::from_secs(600), "alice");
    engine.override_levels(request.unwrap()).unwrap();
    assert!(engine.restore_levels("alice"));
    engine.set_redaction(Some(&RuleSet::default())).unwrap();
    let _ = std::thread::spawn(|| panic!("of a thread")).join();
    let until = |name: &str| {
        wait_until(name, || {
            clock.advance(700_000_000);
            // A flush fails as long as the sink does.
            let _ = engine.flush();
            lines(&log).iter().any(|line| line.contains(name))
        });
    };
    until("ringseal.panicked");
    lose(&engine, &script);
    until("ringseal.lost");
    script.fails.store(true, Ordering::SeqCst);
    wait_until("the sink has failed", || {
        info!("for a sink that fails");
        engine.flush().is_err()
    });
    script.fails.store(false, Ordering::SeqCst);
    until("ringseal.sink_recovered");
    script.warns.store(true, Ordering::SeqCst);
    until("ringseal.sink_warning");
    script.removed.store(2, Ordering::SeqCst);
    until("ringseal.segments_removed");
    engine.set_sampling(Sampling::new().limit(1, Duration::from_secs(86_400)).unwrap());
    (0..3).for_each(|turn| info!("limited", turn));
    clock.step_to(1_700_000_000_000_000_000);
    until("ringseal.clock_stepped");
    engine.stop().unwrap();
    lines(&log)
}

/// Fills the ring while the sink is blocked.
fn lose(engine: &Engine, script: &Script) {
    script.gate.close();
    wait_until("events are lost", || {
        (0..200).for_each(|turn| info!("many", turn));
        engine.metrics().lost.total() > 0
    });
    script.gate.open();
}

fn lines(log: &MemoryLog) -> Vec<String> {
    log.lines()
}

/// What lines of a JSON format have: the keys of time, level, target and name, the word for warnings, the object of the
/// fields, the length of a time, and keys that no line has.
struct Row {
    format: Format,
    time: &'static str,
    level: &'static str,
    target: Option<&'static str>,
    name: &'static str,
    warning: &'static str,
    fields: Option<&'static str>,
    time_bytes: usize,
    missing: &'static [&'static str],
}

const CLOUD_DOG: [&str; 11] = [
    "timestamp",
    "level",
    "logger",
    "message",
    "correlation_id",
    "service",
    "service_instance",
    "environment",
    "extra",
    "traceback",
    "sample_rate",
];

const ROWS: [Row; 7] = [
    Row {
        format: Format::Json,
        time: "timestamp",
        level: "level",
        target: Some("target"),
        name: "event",
        warning: "warn",
        fields: None,
        time_bytes: 27,
        missing: &["message", "logger"],
    },
    Row {
        format: Format::Structlog,
        time: "timestamp",
        level: "level",
        target: None,
        name: "event",
        warning: "warning",
        fields: None,
        time_bytes: 24,
        missing: &["message", "logger", "target"],
    },
    Row {
        format: Format::StdlibJson,
        time: "timestamp",
        level: "level",
        target: Some("name"),
        name: "message",
        warning: "warning",
        fields: None,
        time_bytes: 27,
        missing: &["event", "target", "run_id", "schema_version"],
    },
    Row {
        format: Format::DashtamCi,
        time: "timestamp",
        level: "level",
        target: None,
        name: "message",
        warning: "warning",
        fields: None,
        time_bytes: 24,
        missing: &["event", "target", "run_id", "schema_version"],
    },
    Row {
        format: Format::DashtamCloudWatch,
        time: "timestamp",
        level: "level",
        target: None,
        name: "message",
        warning: "WARNING",
        fields: None,
        time_bytes: 24,
        missing: &["event", "target", "run_id", "schema_version"],
    },
    Row {
        format: Format::CloudDogJson,
        time: "timestamp",
        level: "level",
        target: Some("logger"),
        name: "message",
        warning: "WARNING",
        fields: Some("extra"),
        time_bytes: 27,
        missing: &["event", "target", "run_id", "schema_version"],
    },
    Row {
        format: Format::Ecs,
        time: "@timestamp",
        level: "log.level",
        target: Some("log.logger"),
        name: "message",
        warning: "warn",
        fields: Some("extra"),
        time_bytes: 24,
        missing: &["event", "target", "timestamp", "level"],
    },
];

fn check_json(row: &Row, lines: &[String]) {
    let mut names = BTreeSet::new();
    for line in lines {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |key: &str| event[key].as_str().unwrap_or_else(|| panic!("no {key}: {line}"));
        let name = text(row.name);
        assert_eq!(text(row.time).len(), row.time_bytes, "{line}");
        let level: Level = text(row.level).parse().unwrap();
        if level == Level::Warn {
            assert_eq!(text(row.level), row.warning, "{line}");
        }
        if let Some(target) = row.target {
            let expected = match name {
                "logging.configured" => "boot",
                _ if name.starts_with("ringseal.") || name.starts_with("audit_") => "ringseal",
                _ => text(target),
            };
            assert_eq!(text(target), expected, "{line}");
        }
        for key in row.missing {
            assert!(event.get(key).is_none(), "{key}: {line}");
        }
        let fields = row.fields.map_or(&event, |key| &event[key]);
        let key = match name {
            "logging.configured" => "log_level",
            "ringseal.logged_without_engine" => "events",
            "ringseal.filter_changed" => "filter",
            "ringseal.sampling_changed" => "sampling",
            "ringseal.redaction_changed" => "rules_hash",
            "ringseal.suppressed" => "suppressed_event",
            "ringseal.lost" => "lost_info",
            "ringseal.panicked" => "location",
            "ringseal.sink_failed" | "ringseal.sink_warning" => "reason",
            "ringseal.sink_recovered" => "failures",
            "ringseal.segments_removed" => "bytes",
            "ringseal.clock_stepped" => "step_ms",
            "ringseal.level_changed" => "until",
            "ringseal.level_restored" => "to",
            _ => continue,
        };
        assert!(fields.get(key).is_some(), "{key}: {line}");
        if row.format == Format::CloudDogJson {
            let keys = event.as_object().unwrap().keys();
            assert!({ keys }.all(|key| CLOUD_DOG.contains(&key.as_str())), "{line}");
        }
        names.insert(name.to_owned());
    }
    for name in EVENTS {
        assert!(names.contains(name), "{name} is missing in {:?}", row.format);
    }
    check_panic(row, lines);
}

/// The error of a panic has the form that the format gives errors.
fn check_panic(row: &Row, lines: &[String]) {
    let line = lines.iter().find(|line| line.contains("ringseal.panicked")).unwrap();
    let event: Value = serde_json::from_str(line).unwrap();
    assert!(line.contains("of a thread"), "{line}");
    let fields = row.fields.map_or(&event, |key| &event[key]);
    let is_error = |value: &Value| value.is_string() || value.is_object();
    // The message of a panic is a text, which only ECS makes an object.
    assert!(is_error(&fields["error"]) || is_error(&event["error"]), "{line}");
}

fn check_text(format: Format, lines: &[String]) {
    for line in lines {
        let (start, level_at) = match format {
            Format::CloudDogText => ("[2", 30),
            _ => ("2", 26),
        };
        assert!(line.starts_with(start), "{line}");
        let level = line[level_at..level_at + 8].trim_end();
        let word = if format == Format::Console { "WARN" } else { "WARNING" };
        match level.parse::<Level>() {
            Ok(Level::Warn) => assert_eq!(level, word, "{line}"),
            Ok(_) => assert_eq!(level, level.to_uppercase(), "{line}"),
            Err(error) => panic!("{error}: {line}"),
        }
    }
    for name in EVENTS {
        assert!(lines.iter().any(|line| line.contains(name)), "{name} is missing in {format:?}");
    }
}

/// One test, because each part of it has the global engine.
#[test]
fn own_events_are_lines_of_the_format() {
    for format in Format::ALL {
        let lines = log_all(Config::new(), *format);
        match ROWS.iter().find(|row| row.format == *format) {
            Some(row) => check_json(row, &lines),
            None => check_text(*format, &lines),
        }
        #[cfg(feature = "audit")]
        assert!(lines.iter().any(|line| line.contains("audit_keyless")), "{format:?}: {lines:?}");
    }
    let config = Config::new()
        .rename_key(LineKey::Level, "severity")
        .rename_key(LineKey::Target, "logger")
        .rename_key(LineKey::Event, "msg");
    let lines = log_all(config, Format::Json);
    let renamed = Row {
        level: "severity",
        target: Some("logger"),
        name: "msg",
        missing: &["level", "target", "event"],
        ..ROWS[0]
    };
    check_json(&renamed, &lines);
}
