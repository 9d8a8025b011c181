//! Records of `log` are events of the engine: level, target, message and pairs, under every condition.
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use log::kv::{self, Source, VisitSource};
use log::{Level, LevelFilter, Log, Record};
use ringseal::sink::memory::MemorySink;
use ringseal::sink::{Lines, Now, Sink, SinkCounters, SinkError, WriteError};
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{Config, Context, EcsOptions, Engine, Format, Output, Sampling, bridge, fields};
use ringseal_log::Bridge;

/// A bridge to an engine that captures all levels. The tests set no level of `log` but the highest.
fn start() -> (Engine, Capture, Bridge) {
    start_with(Config::new())
}

fn start_with(config: Config) -> (Engine, Capture, Bridge) {
    log::set_max_level(LevelFilter::Trace);
    let (engine, capture) = Capture::start_with(config);
    let bridge = Bridge::new(engine.logger());
    (engine, capture, bridge)
}

fn last(capture: &Capture, name: &str) -> CapturedEvent {
    capture.events_named(name).pop().unwrap_or_else(|| panic!("no event {name:?}"))
}

#[test]
fn level_and_target_are_those_of_the_record() {
    let (_engine, capture, log) = start();
    let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];
    for level in levels {
        for target in [module_path!(), "shop::orders", "with spaces", ""] {
            log::log!(logger: log, target: target, level, "{level} of {target}");
            let event = last(&capture, &format!("{level} of {target}"));
            let expected = level.as_str().to_lowercase();
            assert_eq!((event.text("level"), event.text("target")), (&*expected, target));
        }
    }
}

#[derive(Debug)]
struct Broken(std::io::Error);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn pairs_are_fields_with_their_types() {
    let (_engine, capture, log) = start();
    let text = String::from("run time");
    let error = Broken(std::io::Error::other("inner"));
    let address = std::net::Ipv4Addr::LOCALHOST;
    // At several levels and with other targets: each is a site of its kind.
    for level in [Level::Error, Level::Debug] {
        for target in ["a", "b::c"] {
            log::log!(
                logger: log, target: target, level,
                u8 = 7u8, i64 = i64::MIN, u64 = u64::MAX, u128 = u128::MAX, i128 = i128::MIN, f32 = 0.5f32,
                f64 = -1.25, nan = f64::NAN, yes = true, char = 'ß', constant = "text", text,
                debug:? = Some(1), display:% = address, failure:err = error, "quoted key" = 1, "dotted.key" = 2;
                "all kinds"
            );
            let event = last(&capture, "all kinds");
            for (key, expected) in [
                ("u8", "7"),
                ("i64", "-9223372036854775808"),
                ("u64", "18446744073709551615"),
                ("u128", "340282366920938463463374607431768211455"),
                ("i128", "-170141183460469231731687303715884105728"),
                ("f32", "0.5"),
                ("f64", "-1.25"),
                ("nan", "NaN"),
                ("yes", "true"),
                ("char", "ß"),
                ("constant", "text"),
                ("text", "run time"),
                ("debug", "Some(1)"),
                ("display", "127.0.0.1"),
                ("failure.message", "broken"),
                ("quoted key", "1"),
                ("dotted.key", "2"),
            ] {
                assert_eq!(event.text(key), expected, "{key}");
            }
            let line = capture.lines().pop().unwrap();
            assert!(line.contains(r#""u64":18446744073709551615,"u128":3402"#), "numbers: {line}");
            assert!(line.contains(r#""yes":true"#) && line.contains("inner"), "{line}");
        }
    }
}

/// The keys of the line's own members and of the message are fields like others, or renamed.
#[test]
fn repeated_and_reserved_keys_lose_nothing() {
    let (_engine, capture, log) = start();
    log::info!(logger: log, a = 1, b = 2, a = 3; "repeated");
    let event = last(&capture, "repeated");
    assert_eq!((event.text("a"), event.text("b")), ("3", "2"), "the last one stays");
    log::info!(logger: log, message = "a field", x = 1; "with a message");
    let event = last(&capture, "with a message");
    assert_eq!((event.text("message"), event.text("x")), ("a field", "1"));
    log::info!(logger: log, log = "a", target = "b", level = "c", event = "d"; "reserved");
    let line = capture.lines().pop().unwrap();
    let values = [r#""a""#, r#""b""#, r#""c""#, r#""d""#];
    assert!(values.iter().all(|value| line.contains(value)) && line.contains("reserved"), "{line}");
}

#[test]
fn any_message_is_an_event_name() {
    let (_engine, capture, log) = start();
    let long = "x".repeat(100_000);
    for message in ["{braces} {}", "", "a\"b\\c\nd\u{0}", "ünï", "%s", &long] {
        log::info!(logger: log, "{message}");
        log::info!(logger: log, n = 1; "{message}");
        let events = capture.events();
        let [.., bare, with_pairs] = &events[..] else { panic!("no events") };
        let kept = message.len().min(1000);
        for event in [bare, with_pairs] {
            assert_eq!(event.name().get(..kept), message.get(..kept), "{message:.40}");
        }
    }
    log::info!(logger: log, "{{constant}}");
    last(&capture, "{constant}");
}

#[test]
fn critical_is_a_pair_or_a_target() {
    let (engine, capture, log) = start();
    let expect =
        |name: &str, level: &str| assert_eq!(last(&capture, name).text("level"), level, "{name}");
    for is_critical in [true, false] {
        log::error!(logger: log, critical = is_critical; "by a pair {is_critical}");
        log::warn!(logger: log, id = 7, critical = is_critical; "of a warning {is_critical}");
    }
    expect("by a pair true", "critical");
    expect("by a pair false", "error");
    expect("of a warning true", "critical");
    expect("of a warning false", "warn");
    log::error!(logger: log, critical = "true"; "of a text");
    expect("of a text", "error");
    for (target, level) in
        [("shop::critical", "critical"), ("critical", "error"), ("shop::critical::x", "error")]
    {
        log::error!(logger: log, target: target, "by target {target}");
        expect(&format!("by target {target}"), level);
    }
    log::warn!(logger: log, target: "shop::critical", "a warning");
    expect("a warning", "warn");
    engine.set_filter("critical".parse().unwrap());
    let enabled =
        |target| log.enabled(&log::Metadata::builder().level(Level::Error).target(target).build());
    assert!(enabled("shop::critical") && !enabled("shop"));
}

#[test]
fn a_disabled_record_is_not_formatted() {
    let (engine, capture, log) =
        start_with(Config::new().filter("info,noisy=off".parse().unwrap()));
    struct Never;
    impl fmt::Display for Never {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("formatted")
        }
    }
    for _ in 0..2 {
        log::debug!(logger: log, "{Never}");
        log::error!(logger: log, target: "noisy::part", value:% = Never; "{Never}");
    }
    engine.set_filter("debug".parse().unwrap());
    let calls = (0..4).map(|turn| {
        engine.set_filter(if turn % 2 == 0 { "info" } else { "debug" }.parse().unwrap());
        log::debug!(logger: log, "reloaded");
        capture.events_named("reloaded").len()
    });
    assert_eq!(calls.collect::<Vec<_>>(), [0, 1, 1, 2], "a reload reaches a site at once");
}

#[test]
fn a_value_may_log() {
    thread_local! {
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }
    static LOG: OnceLock<Bridge> = OnceLock::new();
    struct Chatty;
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let depth = DEPTH.get();
            if depth < 3 {
                DEPTH.set(depth + 1);
                log::info!(logger: LOG.get().unwrap(), inner:% = Chatty; "level {}", depth + 1);
                DEPTH.set(depth);
            }
            f.write_str("said")
        }
    }
    let (_engine, capture, log) = start();
    let log = LOG.get_or_init(|| log);
    log::info!(logger: log, outer:% = Chatty; "outer {Chatty}");
    assert_eq!(last(&capture, "outer said").text("outer"), "said");
    for depth in 1..=3 {
        assert_eq!(last(&capture, &format!("level {depth}")).text("inner"), "said");
    }
}

#[test]
fn a_panicking_value_leaves_nothing() {
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in a value")
        }
    }
    let (_engine, capture, log) = start();
    let result = std::panic::catch_unwind(|| log::info!(logger: log, value:% = Panics; "{Panics}"));
    assert!(result.is_err());
    log::info!(logger: log, "after");
    assert_eq!(capture.lines().len(), 1);
    last(&capture, "after");
}

/// The address and the length are those of the first target, the content is not.
#[test]
fn targets_of_run_time_are_compared_by_content() {
    let (_engine, capture, log) = start();
    let mut target = String::from("alpha");
    for round in 0..3 {
        for name in ["alpha", "gamma", "delta"] {
            target.replace_range(.., name);
            log::info!(logger: log, target: &target, round; "of {name}");
            assert_eq!(last(&capture, &format!("of {name}")).text("target"), name);
        }
    }
}

macro_rules! thousand_sites {
    ($log:expr, $count:expr; $($a:tt)*) => { thousand_sites!(@ten $log, $count; $($a)*) };
    (@ten $log:expr, $count:expr; $($a:tt)*) => {$(
        thousand_sites!(@hundred $log, $count, $a; 0 1 2 3 4 5 6 7 8 9);
    )*};
    (@hundred $log:expr, $count:expr, $a:tt; $($b:tt)*) => {$(
        thousand_sites!(@sites $log, $count, $a, $b; 0 1 2 3 4 5 6 7 8 9);
    )*};
    (@sites $log:expr, $count:expr, $a:tt, $b:tt; $($c:tt)*) => {$(
        log::info!(logger: $log, id = 100 * $a + 10 * $b + $c; concat!("site ", $a, $b, $c));
        $count += 1;
    )*};
}

/// More than the table of a thread holds.
#[test]
fn a_thousand_sites_stay_apart() {
    let (_engine, capture, log) = start();
    let mut count = 0;
    for _ in 0..3 {
        thousand_sites!(log, count; 0 1 2 3 4 5 6 7 8 9);
    }
    let events = capture.events();
    assert_eq!((count, events.len()), (3000, 3000));
    for (index, event) in events.iter().enumerate() {
        let id = index % 1000;
        assert_eq!((event.name(), event.text("id")), (&*format!("site {id:03}"), &*id.to_string()));
    }
    let names: BTreeSet<_> = events.iter().map(|event| event.name().to_owned()).collect();
    assert_eq!(names.len(), 1000);
}

#[test]
fn threads_share_sites_without_mixing_them() {
    let (_engine, capture, log) = start();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || {
                (0..100).for_each(
                    |id| log::info!(logger: log, thread, id; "thread {thread} event {id}"),
                );
            });
        }
    });
    let events = capture.events();
    assert_eq!(events.len(), 800);
    for event in events {
        let expected = format!("thread {} event {}", event.text("thread"), event.text("id"));
        assert_eq!(event.name(), expected);
    }
}

/// What other bridges pass on: nothing is static, and the keys differ from record to record.
#[test]
fn records_of_run_time_are_events() {
    struct Pairs(Vec<(String, i64)>);
    impl Source for Pairs {
        fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
            self.0.iter().try_for_each(|(key, value)| {
                visitor.visit_pair(key.as_str().into(), (*value).into())
            })?;
            Err(kv::Error::msg("ends with an error"))
        }
    }
    let (_engine, capture, log) = start();
    for id in 0..20i64 {
        let pairs =
            Pairs((0..=id).map(|index| (format!("key{}", (index + id) % 40), index)).collect());
        let file = format!("file{id}.rs");
        log.log(
            &Record::builder()
                .args(format_args!("record {id}"))
                .level(Level::Info)
                .target("foreign")
                .file(Some(&file))
                .line(Some(id as u32))
                .module_path(Some("of::run::time"))
                .key_values(&pairs)
                .build(),
        );
        let event = last(&capture, &format!("record {id}"));
        assert_eq!(event.text("target"), "foreign");
        for (key, value) in &pairs.0 {
            assert_eq!(event.text(key), value.to_string(), "{key} of {id}");
        }
    }
    for is_critical in [false, true] {
        let pairs = [("id", 1), ("critical", is_critical.into())];
        let pairs = &pairs[..if is_critical { 2 } else { 1 }];
        let pairs: Vec<_> =
            pairs.iter().map(|(key, value)| (*key, kv::Value::from(*value == 1))).collect();
        let mut record = Record::builder();
        record.level(Level::Warn).target("foreign").key_values(&pairs);
        log.log(&record.args(format_args!("critical {is_critical}")).build());
        let expected = if is_critical { "critical" } else { "warn" };
        assert_eq!(last(&capture, &format!("critical {is_critical}")).text("level"), expected);
    }
    log.log(&Record::builder().args(format_args!("nothing else")).build());
    assert_eq!(last(&capture, "nothing else").text("level"), "info");
}

#[test]
fn contexts_and_bound_fields_ride_along() {
    log::set_max_level(LevelFilter::Trace);
    let (engine, capture) = Capture::start();
    let log = Bridge::new(engine.logger().bind(fields! { service = "shop" }));
    Context::current().with(fields! { tenant = "acme" }).run(|| {
        log::info!(logger: log, "bare");
        log::info!(logger: log, tenant = "own"; "with pairs");
    });
    let event = last(&capture, "bare");
    assert_eq!((event.text("service"), event.text("tenant")), ("shop", "acme"));
    assert_eq!(last(&capture, "with pairs").text("tenant"), "own", "the record's pair is nearer");
}

#[test]
fn messages_and_pairs_are_redacted() {
    let (_engine, capture, log) = start();
    let word = ["hunter", "2hunter2"].concat();
    let pair = ["password", &word].join("=");
    let name = "password";
    let pairs = [(name, word.as_str())];
    let record = Record::builder().args(format_args!("plain")).key_values(&pairs).build();
    log.log(&record);
    log::info!(logger: log, "login with {pair}");
    log::info!(logger: log, message = 1, note = pair; "{pair}");
    let lines = capture.lines();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| !line.contains(&word)), "{lines:?}");
}

#[test]
fn the_place_is_shown_where_formats_have_it() {
    log::set_max_level(LevelFilter::Trace);
    let memory = MemorySink::new();
    let lines = memory.log();
    let ecs = EcsOptions::new().call_site(true);
    let config = Config::new().format(Format::Ecs).ecs(ecs);
    let engine = Engine::start(config.output(Output::custom(memory))).unwrap();
    let log = Bridge::new(engine.logger());
    log::info!(logger: log, id = 7; "placed");
    let line = line!() - 1;
    log.log(&Record::builder().args(format_args!("of run time")).build());
    engine.flush().unwrap();
    let lines = lines.lines();
    let origin = format!(r#""origin":{{"file":{{"name":"{}","line":{line}}}}}"#, file!());
    assert!(lines[0].contains(&origin), "{}", lines[0]);
    assert!(!lines[1].contains("origin"), "a record of run time has no place: {}", lines[1]);
}

/// A sink whose library logs, on the engine's thread.
struct LoggingSink(Arc<Mutex<Option<Bridge>>>, MemorySink);

impl Sink for LoggingSink {
    fn name(&self) -> &str {
        "logging"
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        if let Some(log) = &*self.0.lock().unwrap() {
            log::error!(logger: log, "about the write");
        }
        self.1.write(lines, now)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        self.1.counters()
    }
}

#[test]
fn a_sink_that_logs_feeds_no_loop() {
    log::set_max_level(LevelFilter::Trace);
    let log = Arc::new(Mutex::new(None));
    let memory = MemorySink::new();
    let lines = memory.log();
    let sink = LoggingSink(Arc::clone(&log), memory);
    let engine = Engine::start(Config::new().output(Output::custom(sink))).unwrap();
    let bridge = Bridge::new(engine.logger());
    *log.lock().unwrap() = Some(bridge.clone());
    let before = bridge::suppressed_events();
    log::info!(logger: bridge, "one");
    (0..5).for_each(|_| engine.flush().unwrap());
    assert!(bridge::suppressed_events() > before);
    assert!(lines.lines().iter().all(|line| !line.contains("about the write")));
    log.lock().unwrap().take();
}

#[test]
fn samples_and_the_end_apply_to_records() {
    let limit = Sampling::new().limit(1, std::time::Duration::from_secs(86_400)).unwrap();
    let (engine, capture, log) = start_with(Config::new().sampling(limit));
    (0..10).for_each(|id| log::info!(logger: log, "limited {id}"));
    assert_eq!(capture.lines().len(), 1, "by its call site");
    log.flush();
    engine.stop().unwrap();
    log::error!(logger: log, "after the end");
    assert!(capture.lines().iter().all(|line| !line.contains("after the end")));
}
