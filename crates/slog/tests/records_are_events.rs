//! Records of slog are events of the engine: level, target, message and the pairs of all loggers.
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use ringseal::sink::memory::MemorySink;
use ringseal::sink::{Lines, Now, Sink, SinkCounters, SinkError, WriteError};
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{Config, Context, Engine, Output, Sampling, bridge, fields};
use ringseal_slog::Drain;
use slog::{FnValue, Level, Logger, o};

fn start() -> (Engine, Capture, Logger) {
    start_with(Config::new())
}

fn start_with(config: Config) -> (Engine, Capture, Logger) {
    let (engine, capture) = Capture::start_with(config);
    let log = Logger::root(Drain::new(engine.logger()), o!());
    (engine, capture, log)
}

fn last(capture: &Capture, name: &str) -> CapturedEvent {
    capture.events_named(name).pop().unwrap_or_else(|| panic!("no event {name:?}"))
}

#[test]
fn level_and_target_are_those_of_the_record() {
    let (_engine, capture, log) = start();
    for (level, expected) in [
        (Level::Critical, "critical"),
        (Level::Error, "error"),
        (Level::Warning, "warn"),
        (Level::Info, "info"),
        (Level::Debug, "debug"),
        (Level::Trace, "trace"),
    ] {
        let name = format!("at {expected}");
        // One place for all levels.
        let location = slog::RecordStatic { location: &LOCATION, tag: "", level };
        log.log(&slog::Record::new(&location, &format_args!("at {expected}"), slog::b!()));
        let event = last(&capture, &name);
        assert_eq!((event.text("level"), event.text("target")), (expected, "shop::orders"));
    }
    slog::info!(log, "of here");
    assert_eq!(last(&capture, "of here").text("target"), module_path!());
    slog::info!(log, # "a tag", "with a tag");
    assert_eq!(last(&capture, "with a tag").text("target"), "a tag");
}

static LOCATION: slog::RecordLocation = slog::RecordLocation {
    file: "orders.rs",
    line: 7,
    column: 1,
    function: "",
    module: "shop::orders",
};

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
    for turn in 0..3 {
        slog::info!(
            log, "all kinds";
            "u8" => 7u8, "i8" => -7i8, "u16" => 7u16, "i16" => -7i16, "u32" => 7u32, "i32" => -7i32,
            "i64" => i64::MIN, "u64" => u64::MAX, "u128" => u128::MAX, "i128" => i128::MIN, "usize" => 7usize,
            "isize" => -7isize, "f32" => 0.5f32, "f64" => -1.25, "nan" => f64::NAN, "yes" => true, "char" => 'ß',
            "text" => "constant", "owned" => format!("turn {turn}"), "none" => None::<u64>, "some" => Some(1),
            "unit" => (), "display" => %std::net::Ipv4Addr::LOCALHOST, "debug" => ?Some(1),
            "failure" => #Broken(std::io::Error::other("inner")), "dotted.key" => 2,
            "lazy" => FnValue(|_| turn + 1)
        );
        let event = last(&capture, "all kinds");
        for (key, expected) in [
            ("u8", "7"),
            ("i8", "-7"),
            ("u16", "7"),
            ("i16", "-7"),
            ("u32", "7"),
            ("i32", "-7"),
            ("i64", "-9223372036854775808"),
            ("u64", "18446744073709551615"),
            ("u128", "340282366920938463463374607431768211455"),
            ("i128", "-170141183460469231731687303715884105728"),
            ("usize", "7"),
            ("isize", "-7"),
            ("f32", "0.5"),
            ("f64", "-1.25"),
            ("nan", "NaN"),
            ("yes", "true"),
            ("char", "ß"),
            ("text", "constant"),
            ("some", "1"),
            ("display", "127.0.0.1"),
            ("debug", "Some(1)"),
            ("failure.message", "broken"),
            ("dotted.key", "2"),
        ] {
            assert_eq!(event.text(key), expected, "{key}");
        }
        let expected = (format!("turn {turn}"), (turn + 1).to_string());
        assert_eq!((event.text("owned").to_owned(), event.text("lazy").to_owned()), expected);
        let line = capture.lines().pop().unwrap();
        for part in [r#""none":null"#, r#""unit":null"#, r#""yes":true"#, "inner", r#""u64":1844"#]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn of_repeated_keys_the_nearest_stays() {
    let (_engine, capture, root) = start();
    let parent = root.new(o!("a" => "parent", "b" => "parent", "c" => "parent"));
    let child = parent.new(o!("b" => "child", "c" => "child", "b" => "child, later"));
    // The same call by loggers with other pairs, in turns.
    for _ in 0..3 {
        for (log, expected) in [
            (&root, [None, None, Some("record, later")]),
            (&parent, [Some("parent"), Some("parent"), Some("record, later")]),
            (&child, [Some("parent"), Some("child, later"), Some("record, later")]),
        ] {
            slog::info!(log, "repeated"; "c" => "record", "c" => "record, later");
            let event = last(&capture, "repeated");
            let found = ["a", "b", "c"].map(|key| event.get(key).map(|_| event.text(key)));
            assert_eq!(found, expected);
            assert_eq!(capture.lines().pop().unwrap().matches("\"c\":").count(), 1);
        }
    }
}

/// Fifty keys, each of another length.
static KEYS: [&str; 50] = {
    let all = "01234567890123456789012345678901234567890123456789";
    let mut keys = [""; 50];
    let mut index = 0;
    while index < 50 {
        keys[index] = all.split_at(index + 1).0;
        index += 1;
    }
    keys
};

/// More than the comparison of keys holds without an allocation; each key twice.
#[test]
fn many_pairs_are_each_logged_once() {
    struct Many(usize);
    impl slog::KV for Many {
        fn serialize(&self, _: &slog::Record<'_>, out: &mut dyn slog::Serializer) -> slog::Result {
            let keys = KEYS[..self.0].iter().chain(&KEYS[..self.0]).enumerate();
            { keys }.try_for_each(|(index, key)| out.emit_usize(key, index))
        }
    }
    let (_engine, capture, log) = start();
    for count in [50, 1, 40, 50] {
        slog::info!(log, "many"; Many(count));
        let (event, line) = (last(&capture, "many"), capture.lines().pop().unwrap());
        for (index, key) in KEYS[..count].iter().enumerate() {
            assert_eq!(event.text(key), index.to_string());
            assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{key}: {line}");
        }
    }
}

/// What could be serialized is logged, with the reason that the rest is missing.
#[test]
fn a_pair_that_fails_is_reported() {
    struct Fails;
    impl slog::KV for Fails {
        fn serialize(&self, _: &slog::Record<'_>, out: &mut dyn slog::Serializer) -> slog::Result {
            out.emit_u8("before", 1)?;
            Err(slog::Error::Other)
        }
    }
    let (_engine, capture, log) = start();
    for _ in 0..2 {
        slog::info!(log, "incomplete"; Fails);
        let event = last(&capture, "incomplete");
        assert_eq!(event.text("before"), "1");
        assert!(event.text("slog.error").contains("serialization"), "{event:?}");
    }
}

#[test]
fn any_message_and_key_is_an_event() {
    let (_engine, capture, log) = start();
    for message in ["{braces} {}", "", "a\"b\\c\nd\u{0}", "ünï", &"x".repeat(5000)] {
        slog::info!(log, "{}", message);
        slog::info!(log, "{}", message; "message" => "a field", "msg" => 1);
        let events = capture.events();
        let [.., bare, with_pairs] = &events[..] else { panic!("no events") };
        assert_eq!((bare.name(), with_pairs.name()), (message, message));
        assert_eq!(with_pairs.text("message"), "a field");
    }
    slog::info!(log, "reserved"; "level" => "b", "target" => "c", "event" => "d", "" => "e");
    let line = capture.lines().pop().unwrap();
    assert!([r#""b""#, r#""c""#, r#""d""#].iter().all(|value| line.contains(value)), "{line}");
}

#[test]
fn a_disabled_record_is_not_formatted() {
    struct Never;
    impl fmt::Display for Never {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("formatted")
        }
    }
    let (engine, capture, log) = start_with(Config::new().filter("info".parse().unwrap()));
    let drain = Drain::new(engine.logger());
    let enabled = |level| slog::Drain::is_enabled(&drain, level);
    assert!(enabled(Level::Info) && !enabled(Level::Debug));
    (0..2).for_each(|_| slog::debug!(log, "{}", Never; "value" => %Never));
    let counts = (0..4).map(|turn| {
        engine.set_filter(if turn % 2 == 0 { "info" } else { "debug" }.parse().unwrap());
        slog::debug!(log, "reloaded");
        capture.events_named("reloaded").len()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [0, 1, 1, 2], "a reload reaches a site at once");
}

#[test]
fn a_value_may_log() {
    struct Chatty(Logger);
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            slog::info!(self.0, "inner"; "id" => 1);
            f.write_str("said")
        }
    }
    let (_engine, capture, log) = start();
    slog::info!(log, "outer {}", Chatty(log.clone()); "value" => %Chatty(log.clone()));
    assert_eq!(last(&capture, "outer said").text("value"), "said");
    assert_eq!(last(&capture, "inner").text("id"), "1");
}

/// The address and the length are those of the first tag, the content is not.
#[test]
fn tags_of_run_time_are_compared_by_content() {
    let (_engine, capture, log) = start();
    let mut tag = String::from("alpha");
    for _ in 0..3 {
        for name in ["alpha", "gamma", "delta"] {
            tag.replace_range(.., name);
            let place = slog::RecordStatic { location: &LOCATION, tag: &tag, level: Level::Info };
            log.log(&slog::Record::new(&place, &format_args!("of {name}"), slog::b!()));
            assert_eq!(last(&capture, &format!("of {name}")).text("target"), name);
        }
    }
}

/// Tags without number take a bounded memory: their events are logged by a slower way, and counted.
#[test]
fn tags_without_number_are_logged_and_counted() {
    let (_engine, capture, log) = start();
    let log = log.new(o!("service" => "shop"));
    for id in 0..2000 {
        let tag = format!("tag{id}");
        let place = slog::RecordStatic { location: &LOCATION, tag: &tag, level: Level::Info };
        log.log(&slog::Record::new(&place, &format_args!("of {tag}"), slog::b!("id" => id)));
    }
    assert!((1..2000).contains(&ringseal_slog::events_without_site()));
    for (id, event) in capture.events().iter().enumerate() {
        let expected = (format!("of tag{id}"), format!("tag{id}"), id.to_string());
        let found =
            (event.name().to_owned(), event.text("target").to_owned(), event.text("id").to_owned());
        assert_eq!((found, event.text("service")), (expected, "shop"));
    }
}

macro_rules! thousand_sites {
    ($log:expr; $($a:tt)*) => {$( thousand_sites!(@hundred $log, $a; 0 1 2 3 4 5 6 7 8 9); )*};
    (@hundred $log:expr, $a:tt; $($b:tt)*) => {$( thousand_sites!(@ten $log, $a, $b; 0 1 2 3 4 5 6 7 8 9); )*};
    (@ten $log:expr, $a:tt, $b:tt; $($c:tt)*) => {$(
        slog::info!($log, concat!("site ", $a, $b, $c); "id" => 100 * $a + 10 * $b + $c);
    )*};
}

/// More than the table of a thread holds; all on one line of the source.
#[test]
fn a_thousand_sites_stay_apart() {
    let (_engine, capture, log) = start();
    for _ in 0..3 {
        thousand_sites!(log; 0 1 2 3 4 5 6 7 8 9);
    }
    let events = capture.events();
    assert_eq!(events.len(), 3000);
    for (index, event) in events.iter().enumerate() {
        let id = index % 1000;
        assert_eq!((event.name(), event.text("id")), (&*format!("site {id:03}"), &*id.to_string()));
    }
    let names: BTreeSet<_> = events.iter().map(|event| event.name().to_owned()).collect();
    assert_eq!(names.len(), 1000);
}

#[test]
fn contexts_and_bound_fields_ride_along() {
    let (engine, capture) = Capture::start();
    let bound = engine.logger().bind(fields! { service = "shop" });
    let log = Logger::root(Drain::new(bound), o!("tenant" => "of the logger"));
    Context::current()
        .with(fields! { tenant = "ambient", user = "7" })
        .run(|| slog::info!(log, "inside"));
    let event = last(&capture, "inside");
    assert_eq!((event.text("service"), event.text("tenant")), ("shop", "of the logger"));
}

#[test]
fn messages_and_pairs_are_redacted() {
    let (_engine, capture, log) = start();
    let word = ["hunter", "2hunter2"].concat();
    let log = log.new(o!("token" => word.clone()));
    let pair = ["password", &word].join("=");
    slog::info!(log, "login with {}", pair; "note" => &pair);
    let name = "password";
    slog::info!(log, "plain"; name => &word);
    let lines = capture.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| !line.contains(&word)), "{lines:?}");
}

/// A sink whose library logs, on the engine's thread.
struct LoggingSink(Arc<Mutex<Option<Logger>>>, MemorySink);

impl Sink for LoggingSink {
    fn name(&self) -> &str {
        "logging"
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        if let Some(log) = &*self.0.lock().unwrap() {
            slog::error!(log, "about the write");
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
    let shared = Arc::new(Mutex::new(None));
    let memory = MemorySink::new();
    let lines = memory.log();
    let sink = LoggingSink(Arc::clone(&shared), memory);
    let engine = Engine::start(Config::new().output(Output::custom(sink))).unwrap();
    let log = Logger::root(Drain::new(engine.logger()), o!());
    *shared.lock().unwrap() = Some(log.clone());
    let before = bridge::suppressed_events();
    slog::info!(log, "one");
    (0..5).for_each(|_| engine.flush().unwrap());
    assert!(bridge::suppressed_events() > before);
    assert!(lines.lines().iter().all(|line| !line.contains("about the write")));
    shared.lock().unwrap().take();
}

#[test]
fn samples_and_the_end_apply_to_records() {
    let limit = Sampling::new().limit(1, std::time::Duration::from_secs(86_400)).unwrap();
    let (engine, capture, log) = start_with(Config::new().sampling(limit));
    (0..10).for_each(|id| slog::info!(log, "limited {}", id));
    assert_eq!(capture.lines().len(), 1, "by its call site");
    slog::Drain::flush(&Drain::new(engine.logger())).unwrap();
    let drain = Drain::new(engine.logger());
    engine.stop().unwrap();
    slog::error!(log, "after the end");
    assert!(capture.lines().iter().all(|line| !line.contains("after the end")));
    assert!(
        slog::Drain::flush(&drain).is_err() && !slog::Drain::is_enabled(&drain, Level::Critical)
    );
}

#[cfg(feature = "nested-values")]
#[test]
fn serialized_values_are_trees() {
    #[derive(Clone, serde::Serialize)]
    struct Order {
        id: u64,
        items: Vec<String>,
    }
    let (_engine, capture, log) = start();
    slog::info!(log, "ordered"; "order" => slog::Serde(Order { id: 7, items: vec!["tea".into()] }));
    assert!(capture.lines()[0].contains(r#""order":{"id":7,"items":["tea"]}"#));
}
