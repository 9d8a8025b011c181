//! What every line has beside the event's own fields: static fields, the run, and how missing and special values look.
use ringseal::testing::Capture;
use ringseal::value::Map;
use ringseal::{Config, Format, Level, LevelCase, LevelWords, LineKey, Output, RunId, Subsecond};
use ringseal::{debug, fields, info, warn};

const LAYOUTS: [bool; 2] = [false, true];

#[test]
fn static_fields_give_way_to_others() {
    for sort_keys in LAYOUTS {
        let config = Config::new()
            .sort_keys(sort_keys)
            .fields(fields! { service.name = "shop", environment = "test", zone = 1 })
            .fields(fields! { environment = "staging", level = "kept apart" });
        let (engine, capture) = Capture::start_with(config);
        let log = engine.logger().bind(fields! { zone = 2, user.id = 42 });
        for _ in 0..2 {
            info!(engine, "plain", n = 1);
            info!(engine, "own", environment = "canary", n = 2);
            info!(log, "bound", n = 3, list = [1, 2]);
            info!(log, "both", zone = 3, environment = None::<u8>);
            engine.logger().dynamic(ringseal::Level::Info, "run", "dynamic", &|out| {
                out.entry("zone", &4);
            });
            log.dynamic(ringseal::Level::Info, "run", "bound dynamic", &|out| out.entry("n", &5));
        }
        for (name, environment, zone) in [
            ("plain", "staging", "1"),
            ("own", "canary", "1"),
            ("bound", "staging", "2"),
            ("both", "null", "3"),
            ("dynamic", "staging", "4"),
            ("bound dynamic", "staging", "2"),
        ] {
            let events = capture.events_named(name);
            assert_eq!(events.len(), 2, "{name}");
            for event in events {
                let found = ["service.name", "environment", "zone", "field.level", "level"];
                let found = found.map(|key| event.text(key));
                assert_eq!(found, ["shop", environment, zone, "kept apart", "info"], "{name}");
                let mut keys: Vec<_> = event.fields().iter().map(|(key, _)| key).collect();
                assert!(!sort_keys || keys.is_sorted());
                keys.sort();
                keys.dedup();
                assert_eq!(keys.len(), event.fields().len(), "each key once");
            }
        }
        assert_eq!(capture.events_named("bound")[1].text("list"), "[1,2]");
        assert_eq!(capture.events_named("bound")[1]["user.id"], 42);
    }
}

#[test]
fn static_fields_are_redacted_by_current_rules() {
    let config = Config::new().fields(fields! { owner = "ann@example.com", password = "hunter2" });
    let (engine, capture) = Capture::start_with(config);
    info!(engine, "before");
    engine.set_redaction(None).unwrap();
    info!(engine, "after");
    let shown = |name| ["owner", "password"].map(|key| capture.event(name).text(key).to_owned());
    assert_eq!(shown("before"), ["<email>", "***REDACTED***"]);
    assert_eq!(shown("after"), ["ann@example.com", "hunter2"]);
    assert_eq!(capture.event("ringseal.redaction_changed").text("owner"), "ann@example.com");
}

#[test]
fn static_fields_are_in_console_lines() {
    let memory = ringseal::sink::memory::MemorySink::new();
    let lines = memory.log();
    let config = Config::new()
        .fields(fields! { service = "shop", zone = 1 })
        .output(Output::custom(memory).format(Format::Console));
    let engine = ringseal::Engine::start(config).unwrap();
    info!(engine.logger().bind(fields! { zone = 2 }), "seen", n = 3);
    drop(engine);
    let line = lines.lines().remove(0);
    assert!(
        line.ends_with("seen n=3 zone=2 service=shop target=lines_have_chosen_members"),
        "{line}"
    );
}

#[test]
fn the_run_is_in_the_chosen_lines() {
    for (run_id, in_boot, in_others) in [
        (RunId::EveryLine, true, true),
        (RunId::BootEvent, true, false),
        (RunId::Off, false, false),
    ] {
        for sort_keys in LAYOUTS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("app.log");
            let config = Config::new().run_id(run_id).run_id_value("run-7").sort_keys(sort_keys);
            let engine = ringseal::init(config.file(&path)).unwrap();
            info!("seen", run_id = "of the user");
            engine.logger().dynamic(ringseal::Level::Info, "run", "dynamic", &|_| ());
            assert_eq!(engine.run_id(), "run-7");
            drop(engine);
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 3, "{text}");
            for (line, expected) in lines.iter().zip([in_boot, in_others, in_others]) {
                let found = ["\"run_id\":\"run-7\"", "\"schema_version\":1"];
                assert_eq!(found.map(|member| line.contains(member)), [expected; 2], "{line}");
            }
            assert!(lines[1].contains("\"field.run_id\":\"of the user\""), "the same keys always");
        }
    }
}

#[test]
fn fields_without_a_value_can_be_left_out() {
    for sort_keys in LAYOUTS {
        let config = Config::new().omit_none(true).sort_keys(sort_keys);
        let config = config.fields(fields! { zone = None::<u8>, host = "h1" });
        let (engine, capture) = Capture::start_with(config);
        let log = engine.logger().bind(fields! { trace_id = None::<&str>, user.id = 42 });
        debug!(log, "first", a = None::<u8>, b = 1, c = Some(2));
        debug!(log, "middle", a = 1, b = (), c = "x");
        debug!(log, "all", a = None::<&str>, user.id = None::<u8>);
        debug!(log, "nested", list = [None, Some(1)], map = Map(&[("a", &None::<u8>)]));
        log.dynamic(ringseal::Level::Info, "run", "dynamic", &|out| out.entry("a", &None::<u8>));
        let own = |name: &str| -> Vec<String> {
            let event = capture.event(name);
            let keys = event.fields().iter().map(|(key, _)| key.as_str());
            let mut own: Vec<_> = keys.filter(|key| key.len() <= 4 || *key == "user.id").collect();
            own.sort_unstable();
            own.into_iter().map(|key| format!("{key}={}", event.text(key))).collect()
        };
        assert_eq!(own("first"), ["b=1", "c=2", "host=h1", "user.id=42"]);
        assert_eq!(own("middle"), ["a=1", "c=x", "host=h1", "user.id=42"]);
        assert_eq!(own("all"), ["host=h1"], "an own field replaces a bound one, even by nothing");
        let nested = ["host=h1", "list=[null,1]", "map={\"a\":null}", "user.id=42"];
        assert_eq!(own("nested"), nested, "only whole fields are left out");
        assert_eq!(own("dynamic"), ["host=h1", "user.id=42"]);
        let bound_again = log.bind(fields! { user.id = None::<u8> });
        debug!(bound_again, "bound again");
        debug!(log.unbind("user.id").unbind("absent"), "unbound");
        assert_eq!(
            (own("bound again"), own("unbound")),
            (vec!["host=h1".into()], vec!["host=h1".into()])
        );
    }
    let (engine, capture) = Capture::start();
    info!(engine, "seen", a = None::<u8>);
    assert!(capture.event("seen")["a"].is_null(), "by default they are null");
}

#[test]
fn special_floats_look_the_same_everywhere() {
    const SPECIAL: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    const TEXTS: [&str; 3] = ["NaN", "inf", "-inf"];
    for sort_keys in LAYOUTS {
        let memory = ringseal::sink::memory::MemorySink::new();
        let console = memory.log();
        let config = Config::new()
            .sort_keys(sort_keys)
            .fields(fields! { fixed = f64::NAN })
            .output(Output::custom(memory).format(Format::Console));
        let (engine, capture) = Capture::start_with(config);
        let log = engine.logger().bind(fields! { bound = f64::NEG_INFINITY });
        for (value, text) in SPECIAL.into_iter().zip(TEXTS) {
            let map = Map(&[("x", &value)]);
            info!(
                log,
                "special",
                value,
                single = value as f32,
                list = [value],
                some = Some(value),
                map
            );
            log.dynamic(ringseal::Level::Info, "run", "special", &|out| {
                ["value", "single", "some"].iter().for_each(|key| out.entry(key, &value));
                out.entry("list", &[value]);
                out.entry("map", &Map(&[("x", &value)]));
            });
            for event in capture.events_named("special").iter().rev().take(2) {
                assert_eq!(event["value"], text);
                assert_eq!(event["single"], text);
                assert_eq!(event["some"], text);
                assert_eq!(event["list"][0], text);
                assert_eq!(event["map"]["x"], text);
                assert_eq!((event.text("bound"), event.text("fixed")), ("-inf", "NaN"));
            }
            let line = console.lines().pop().unwrap();
            for member in [" value=", " single=", " some=", " list=[", " map={\"x\":"] {
                assert!(line.contains(&format!("{member}\"{text}\"")), "{member}: {line}");
            }
        }
    }
}

/// The name, the level and the fields are read back in every format, and with other keys.
#[test]
fn captures_read_every_format() {
    type Set = fn(Config) -> Config;
    let renamed: Set = |config| {
        let config = config.rename_key(LineKey::Level, "severity").event_key("text");
        config.rename_key(LineKey::Target, "logger.name").level_words(LevelWords::Warning)
    };
    let settings: [Set; 3] = [|config| config, renamed, |config| config.sort_keys(true)];
    for format in Format::ALL {
        for set in settings {
            let (engine, capture) = Capture::start_with(set(Config::new().format(*format)));
            let http = Map(&[("method", &"POST")]);
            warn!(target: "shop::pay", engine, "paid", amount = 100, http = Map(&[("request", &http)]));
            let event = capture.event("paid");
            assert_eq!(event.level(), Some(Level::Warn), "{format:?}");
            let has_target = !matches!(
                format,
                Format::Structlog | Format::DashtamCi | Format::DashtamCloudWatch
            );
            assert_eq!(event.target(), if has_target { "shop::pay" } else { "" }, "{format:?}");
            let fields = match format {
                Format::CloudDogJson | Format::Ecs => "extra.",
                _ => "",
            };
            assert_eq!(event[&*format!("{fields}amount")], 100, "{format:?}");
            // In ECS, `http` is an object of the line.
            let http = if *format == Format::CloudDogJson { "extra.http" } else { "http" };
            assert_eq!(event[http]["request"]["method"], "POST", "{format:?}");
            assert_eq!(event.text(&format!("{http}.request.method")), "POST", "{format:?}");
        }
    }
}

/// Digits and words of the lines, where they are chosen and where not.
#[test]
fn digits_and_words_can_be_chosen() {
    type Set = fn(Config) -> Config;
    let rows: [(&str, Set, Format, [&str; 2]); 8] = [
        ("json", |it| it, Format::Json, [r#""2026-03-01T09:30:00.123456Z""#, r#""warn""#]),
        (
            "json, chosen",
            |it| it.level_words(LevelWords::Warning).subsecond(Subsecond::Millis),
            Format::Json,
            [r#""2026-03-01T09:30:00.123Z""#, r#""warning""#],
        ),
        (
            "json, upper",
            |it| it.level_case(LevelCase::Upper).level_words(LevelWords::Warning),
            Format::Json,
            [r#""2026-03-01T09:30:00.123456Z""#, r#""WARNING""#],
        ),
        ("console", |it| it, Format::Console, ["2026-03-01T09:30:00.123Z ", "[WARN    ]"]),
        (
            "console, chosen",
            |it| it.level_words(LevelWords::Warning).subsecond(Subsecond::Nanos),
            Format::Console,
            ["2026-03-01T09:30:00.123456789Z ", "[WARNING ]"],
        ),
        (
            "a profile, chosen",
            |it| it.level_words(LevelWords::Warn).subsecond(Subsecond::Nanos),
            Format::DashtamCloudWatch,
            [r#""2026-03-01T09:30:00.123456789Z""#, r#""WARN""#],
        ),
        (
            "a collected profile, chosen",
            |it| it.level_case(LevelCase::Upper).subsecond(Subsecond::Micros),
            Format::Structlog,
            [r#""2026-03-01T09:30:00.123456Z""#, r#""WARNING""#],
        ),
        (
            "a text profile, chosen",
            |it| it.subsecond(Subsecond::Millis),
            Format::CloudDogText,
            ["[2026-03-01T09:30:00.123Z] ", "] WARNING  "],
        ),
    ];
    for (name, set, format, expected) in rows {
        let memory = ringseal::sink::memory::MemorySink::new();
        let log = memory.log();
        let clock = ringseal::system::ManualClock::at(1_772_357_400_123_456_789);
        let config = set(Config::new().format(format).panic_hook(false));
        let config = config.clock_for_tests(std::sync::Arc::new(clock));
        let engine = ringseal::Engine::start(config.output(Output::custom(memory))).unwrap();
        warn!(engine, "seen");
        engine.stop().unwrap();
        let lines = log.lines();
        for part in expected {
            assert!(lines[0].contains(part), "{name}: {part} in {}", lines[0]);
        }
    }
}
