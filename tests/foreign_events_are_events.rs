//! Events of other logging interfaces are events like those of the macros: in every format, under every condition.
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use ringseal::Maybe;
use ringseal::bridge::{self, BridgedSpan, Site, SiteMeta};
use ringseal::sink::memory::{MemoryLog, MemorySink};
use ringseal::sink::{Lines, Now, Sink, SinkCounters, SinkError, WriteError};
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::value::DisplayValue;
use ringseal::{
    Config, Context, Engine, Format, Level, Logger, Output, Sampling, SpanLines, fields, info,
};
use serde_json::Value;

const META: SiteMeta<'static> = SiteMeta::new(Level::Info, "shop::orders", "event shop.rs:7")
    .at("shop.rs", 7)
    .keys(&["id", "message", "state"])
    .message("message");

fn site(meta: &SiteMeta<'_>) -> &'static Site {
    Site::intern(meta).expect("few sites")
}

fn started(config: Config, format: Format) -> (Engine, MemoryLog) {
    let memory = MemorySink::new();
    let log = memory.log();
    let output = Output::custom(memory).format(format);
    (Engine::start(config.output(output)).unwrap(), log)
}

/// The last event of this name.
fn last(capture: &Capture, name: &str) -> CapturedEvent {
    capture.events_named(name).pop().expect("the event is logged")
}

/// Logs the three kinds of events: in order, out of order, with nothing but a name.
fn log_three(log: &Logger) {
    let site = site(&META);
    site.emit(log, &|event| {
        event.field("id", &7);
        event.field("message", &DisplayValue(format_args!("order {} filled", 7)));
        event.field("state", &"new");
    });
    site.emit(log, &|event| {
        event.field("state", &"old");
        event.field("message", &"out of order");
        event.field("other", &true);
    });
    site.emit(log, &|_| {});
}

#[test]
fn each_format_shows_the_message_as_the_name() {
    let formats = [
        (Format::Json, "event"),
        (Format::Ecs, "message"),
        (Format::Structlog, "event"),
        (Format::StdlibJson, "message"),
        (Format::DashtamCi, "message"),
        (Format::CloudDogJson, "message"),
    ];
    for (format, name_key) in formats {
        let (engine, log) = started(Config::new(), format);
        log_three(&engine.logger());
        engine.flush().unwrap();
        let lines: Vec<Value> =
            log.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let names: Vec<&str> =
            lines.iter().filter_map(|line| line[name_key].as_str()).rev().take(3).collect();
        let expected = ["event shop.rs:7", "out of order", "order 7 filled"];
        assert_eq!(names, expected, "{format:?}: {lines:?}");
        let filled = &lines[lines.len() - 3];
        let text = filled.to_string();
        assert!(text.contains("\"new\"") && text.contains('7'), "{format:?}: {text}");
        assert_eq!(text.matches("order 7 filled").count(), 1, "{format:?}: {text}");
    }
}

#[test]
fn text_formats_show_the_message_as_the_name() {
    for format in [Format::Console, Format::DashtamDev, Format::CloudDogText] {
        let (engine, log) = started(Config::new(), format);
        log_three(&engine.logger());
        engine.flush().unwrap();
        let lines = log.lines();
        assert!(lines.iter().any(|line| line.contains("order 7 filled")), "{format:?}: {lines:?}");
        assert!(!lines.concat().contains("message="), "{format:?}: {lines:?}");
    }
}

#[test]
fn sites_that_no_macro_would_accept_are_events() {
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    let long = "k".repeat(70_000);
    let keys = [
        ("repeated", &["a", "b", "a"][..]),
        ("an empty key", &["", "b"][..]),
        ("a long key", &[long.as_str(), "b"][..]),
        ("keys of the line", &["event", "level", "b"][..]),
    ];
    for (case, keys) in keys {
        let meta = SiteMeta::new(Level::Warn, "{target}", "{braces} {}").keys(keys);
        let site = site(&meta);
        assert!(site.is_enabled(&log), "{case}");
        site.emit(&log, &|event| {
            keys.iter().enumerate().for_each(|(index, key)| event.field(key, &index));
        });
        let index = keys.iter().position(|key| *key == "b").unwrap();
        assert_eq!(last(&capture, "{braces} {}")["b"], index as i64, "{case}");
    }
}

#[test]
fn of_repeated_keys_the_last_value_stays() {
    let (engine, capture) = Capture::start();
    let site = site(&SiteMeta::new(Level::Info, "t", "repeated").keys(&["a", "a"]));
    site.emit(&engine.logger(), &|event| {
        event.field("a", &1);
        event.field("a", &2);
    });
    assert_eq!(capture.event("repeated")["a"], 2);
}

#[test]
fn absent_values_leave_no_key() {
    let (engine, capture) = Capture::start();
    site(&META).emit(&engine.logger(), &|event| {
        event.field("id", &Maybe::<u64>(None));
        event.field("message", &"absent");
    });
    let event = capture.event("absent");
    assert!(event.get("id").is_none() && event.get("state").is_none());
}

#[test]
fn contexts_and_bound_fields_ride_along() {
    let (engine, capture) = Capture::start();
    let log = engine.logger().bind(fields! { tenant = "acme" });
    let request = Context::new().with(fields! { request_id = "r-1" }).child();
    request.run(|| log_three(&log));
    for name in ["order 7 filled", "out of order", "event shop.rs:7"] {
        let event = capture.event(name);
        assert_eq!((event.text("tenant"), event.text("request_id")), ("acme", "r-1"), "{name}");
        assert_eq!(event.text("trace_id").len(), 32, "{name}");
    }
}

#[test]
fn values_and_messages_are_redacted() {
    let (engine, capture) = Capture::start();
    let site = site(
        &SiteMeta::new(Level::Info, "t", "s").keys(&["message", "password"]).message("message"),
    );
    site.emit(&engine.logger(), &|event| {
        event.field("message", &"mail to ann@example.com");
        event.field("password", &"hunter2");
    });
    site.emit(&engine.logger(), &|event| {
        event.field("password", &"hunter2");
        event.field("message", &"mail to bob@example.com");
    });
    let text = format!("{:?}", capture.events());
    for secret in ["ann@", "bob@", "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_disabled_event_is_not_filled() {
    let memory = MemorySink::new();
    let engine =
        Engine::start(Config::new().level(Level::Warn).output(Output::custom(memory))).unwrap();
    let log = engine.logger();
    assert!(!site(&META).is_enabled(&log));
    site(&META).emit(&log, &|_| panic!("the event is disabled"));
}

/// Logs while it is shown.
struct Logs<'l>(&'l Logger);

impl fmt::Display for Logs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        site(&META).emit(self.0, &|event| event.field("message", &"inner"));
        f.write_str("outer")
    }
}

#[test]
fn a_value_may_log() {
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    site(&META).emit(&log, &|event| event.field("message", &DisplayValue(Logs(&log))));
    let count = |name: &str| capture.events_named(name).len();
    assert_eq!((count("outer"), count("inner")), (1, 1));
}

/// Whatever the kind of the value, and in both forms.
#[test]
fn events_longer_than_the_last_are_whole() {
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    let (listed, free): (SiteMeta<'_>, _) = (SiteMeta::new(Level::Info, "t", "listed"), "free");
    let sites = [site(&listed.keys(&["text", "last"])), site(&listed.message(free))];
    for (is_display, site) in
        [(false, sites[0]), (true, sites[0]), (false, sites[1]), (true, sites[1])]
    {
        for len in [1, 100, 200, 3_000, 6_000, 10, 60_000] {
            let (calls, text) = (Cell::new(0), "x".repeat(len));
            site.emit(&log, &|event| {
                calls.set(calls.get() + 1);
                match is_display {
                    false => event.field("text", &text.as_str()),
                    true => event.field("text", &DisplayValue(&text)),
                }
                event.field("last", &7);
            });
            assert!(calls.get() <= 6, "{len}: {} calls", calls.get());
            let event = last(&capture, "listed");
            assert!(event.text("text").len() >= len.min(8_000), "{len}, {is_display}");
            assert_eq!(event.text("last"), "7", "{len}, {is_display}");
        }
    }
}

#[test]
fn samples_thin_foreign_events_in_both_forms() {
    let sampling = Sampling::new().level(Level::Info, 0.0).unwrap();
    let (engine, log) = started(Config::new().sampling(sampling), Format::Json);
    log_three(&engine.logger());
    engine.flush().unwrap();
    assert!(!log.lines().concat().contains("shop::orders"), "{:?}", log.lines());
}

/// The rule for successes reads a field, wherever it is in the record.
#[test]
fn success_sampling_reads_the_type_in_each_form() {
    let sampling = Sampling::new().success(1e-9).unwrap();
    let meta = SiteMeta::new(Level::Info, "t", "typed").message("message");
    let keys = meta.keys(&["message", "event_type", "n"]);
    for (case, site) in [("with keys", site(&keys)), ("without keys", site(&meta))] {
        for (kind, name) in [("ORDER_OK", "ORDER_LATE"), ("ORDER_LATE", "ORDER_OK")] {
            let (first, last) = (("event_type", kind), ("message", name));
            for fields in [[last, first], [first, last]] {
                let config = Config::new().sampling(sampling.clone());
                let (engine, capture) = Capture::start_with(config);
                site.emit(&engine.logger(), &|event| {
                    fields.iter().for_each(|(key, value)| event.field(key, value));
                });
                let count = capture.events_named(name).len();
                assert_eq!(count, usize::from(kind == "ORDER_LATE"), "{case}: {fields:?}");
            }
        }
    }
}

/// Targets of `log` are texts of run time.
#[test]
fn targets_and_names_are_redacted_in_each_form() {
    let meta = |target| SiteMeta::new(Level::Info, target, "site of eve@example.com");
    let keys = &["message", "password"];
    let listed = site(&meta("peer ann@example.com").keys(keys).message("message"));
    let unnamed = site(&meta("peer bob@example.com").keys(&["password"]));
    let span = BridgedSpan::intern(&meta("peer cid@example.com")).expect("few sites");
    for format in [Format::Json, Format::Ecs, Format::Structlog, Format::Console] {
        for sorted in [false, true] {
            let (engine, lines) = started(Config::new().sort_keys(sorted), format);
            let log = engine.logger();
            let (name, password) = (("message", "tried hunter2x"), ("password", "hunter2x"));
            for fields in [[name, password], [password, name]] {
                listed.emit(&log, &|event| {
                    fields.iter().for_each(|(key, value)| event.field(key, value));
                });
            }
            unnamed.emit(&log, &|event| event.field("password", &"hunter2x"));
            drop(span.begin(&log, None, None));
            engine.flush().unwrap();
            let text = lines.lines().concat();
            for secret in ["ann@", "bob@", "cid@", "eve@", "hunter2x"] {
                assert!(!text.contains(secret), "{format:?}: {text}");
            }
            assert_eq!(text.matches("tried ").count(), 2, "{format:?}: {text}");
        }
    }
}

type Talk = fn(&Logger);

/// A sink whose library logs about each batch.
struct Talkative {
    memory: MemorySink,
    log: Arc<std::sync::OnceLock<Logger>>,
    talk: Talk,
}

impl Sink for Talkative {
    fn name(&self) -> &str {
        "talkative"
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        if let Some(log) = self.log.get() {
            (self.talk)(log);
        }
        self.memory.write(lines, now)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        self.memory.counters()
    }
}

#[test]
fn a_sink_that_logs_feeds_no_loop() {
    let ways: [(&str, Talk); 4] = [
        ("a site", |log| {
            site(&META).emit(log, &|event| event.field("message", &"about the batch"))
        }),
        ("no site", |log| log.dynamic(Level::Info, "library", "about the batch", &|_| ())),
        ("a span", |log| {
            let meta = SiteMeta::new(Level::Info, "library", "about the batch");
            drop(BridgedSpan::intern(&meta).expect("few sites").begin(log, None, None));
        }),
        ("a span that fails", |log| {
            let meta = SiteMeta::new(Level::Info, "library", "about the batch");
            BridgedSpan::intern(&meta).expect("few sites").begin(log, None, None).fail(&fmt::Error);
        }),
    ];
    for (way, talk) in ways {
        let (log, memory) = (Arc::new(std::sync::OnceLock::new()), MemorySink::new());
        let lines = memory.log();
        let sink = Talkative { memory, log: Arc::clone(&log), talk };
        let engine = Engine::start(Config::new().output(Output::custom(sink))).unwrap();
        log.set(engine.logger()).unwrap();
        let before = bridge::suppressed_events();
        info!(engine, "one");
        engine.flush().unwrap();
        assert!(bridge::suppressed_events() > before, "{way}");
        engine.stop().unwrap();
        assert!(!lines.lines().concat().contains("about the batch"), "{way}");
    }
}

#[test]
fn equal_descriptions_are_one_site() {
    let text = String::from("shop::orders");
    let same = SiteMeta::new(Level::Info, &text, "event shop.rs:7")
        .at("shop.rs", 7)
        .keys(&["id", "message", "state"])
        .message("message");
    assert!(std::ptr::eq(site(&META), site(&same)));
    let other = SiteMeta::new(Level::Warn, &text, "event shop.rs:7");
    assert!(!std::ptr::eq(site(&META), site(&other)));
}

#[test]
fn a_foreign_span_has_an_end() {
    let (engine, capture) = Capture::start();
    let meta = SiteMeta::new(Level::Info, "shop::db", "query {braces}");
    let site = BridgedSpan::intern(&meta).expect("few sites");
    for (lines, starts) in [(Some(SpanLines::End), 0), (Some(SpanLines::StartAndEnd), 1), (None, 2)]
    {
        let span = site.begin(&engine.logger(), Some(fields! { table = "orders" }), lines);
        drop(span);
        let end = last(&capture, "span.end");
        assert_eq!((end.text("span"), end.text("table")), ("query {braces}", "orders"));
        assert!(end["duration_ms"].as_f64().is_some(), "{end:?}");
        assert_eq!(capture.events_named("span.start").len(), starts);
    }
}

#[test]
fn fields_at_run_time_are_bounded() {
    let (engine, capture) = Capture::start();
    let keys: Vec<String> = (0..20_000).map(|index| format!("key_{index:06}")).collect();
    let many = bridge::fields(&|out| keys.iter().for_each(|key| out.entry(key, &"value")));
    info!(engine.logger().bind(many), "bound");
    let event = capture.event("bound");
    assert!(event.get("key_000000").is_some() && event.get("key_019999").is_none());
}
