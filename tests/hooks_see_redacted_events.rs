//! Hooks and providers see each event as the rules have left it, and what they add is redacted.
use std::sync::mpsc::channel;

use ringseal::testing::Capture;
use ringseal::{Config, Context, Correlation, Format, HookedEvent, Level, fields, info, warn};

fn start(hook: impl FnMut(&mut HookedEvent<'_>) + Send + 'static) -> (ringseal::Engine, Capture) {
    Capture::start_with(Config::new().event_hook(hook))
}

#[test]
fn a_hook_sees_no_secret() {
    let (sender, seen) = channel();
    let (engine, capture) = start(move |event| {
        let texts: Vec<_> = event.keys().map(|key| (key.to_owned(), event.text(key))).collect();
        sender.send((event.name().to_owned(), texts)).unwrap();
        event.set("added", &"write to ann@example.com");
        event.set("password", &"hunter3");
    });
    let log = engine.logger().bind(fields! { tenant = "acme" });
    Context::new().with(fields! { request = 7 }).run(|| {
        info!(log, "paid", password = "hunter2", note = "card 4111 1111 1111 1111", amount = 3);
    });
    let event = capture.event("paid");
    let (name, texts) = seen.recv().unwrap();
    assert_eq!(name, "paid");
    let texts: Vec<_> =
        texts.iter().map(|(key, text)| (key.as_str(), text.as_deref().unwrap())).collect();
    assert_eq!(
        texts[1..],
        [("note", "card <card>"), ("amount", "3"), ("tenant", "acme"), ("request", "7")]
    );
    assert!(!texts[0].1.contains("hunter2"));
    assert_eq!(event.text("added"), "write to <email>");
    assert!(!event.text("password").contains("hunter3"));
    assert_eq!(
        (event.text("amount"), event.text("tenant"), event.text("request")),
        ("3", "acme", "7")
    );
}

#[test]
fn a_hook_changes_removes_and_drops() {
    let (engine, capture) = start(|event| match event.name() {
        "dropped" => event.drop_event(),
        "changed" => {
            assert!(event.set("amount", &4) && event.remove("tenant") && !event.remove("tenant"));
            assert!(event.add("more", &[1, 2]) && !event.add("more", &1));
        }
        _ => {}
    });
    let log = engine.logger().bind(fields! { tenant = "acme" });
    let ids = Correlation::new([7; 16], [0; 16]);
    ids.run(|| {
        for name in 0..3 {
            match name {
                0 => info!(log, "dropped", amount = 3),
                1 => info!(log, "changed", amount = 3),
                _ => info!(log, "unchanged", amount = 3),
            }
        }
    });
    let events = capture.events();
    let names: Vec<_> = events.iter().map(|event| event.name()).collect();
    assert_eq!(names, ["changed", "unchanged"]);
    let (changed, unchanged) = (&events[0], &events[1]);
    assert_eq!((changed.text("amount"), changed.get("tenant").is_some()), ("4", false));
    assert_eq!((changed.text("more"), changed.text("trace_id")), ("[1,2]", &*"07".repeat(16)));
    assert_eq!((unchanged.text("amount"), unchanged.text("tenant")), ("3", "acme"));
    assert_eq!(engine.metrics().hook_dropped, 1);
}

#[test]
fn a_provider_overrides_nothing() {
    let config = Config::new().fields(fields! { region = "eu" }).field_provider(|fields| {
        for key in ["level", "timestamp", "event", "trace_id", "tenant", "request", "own"] {
            assert!(!fields.add(key, &"provided"), "{key}");
        }
        assert!(fields.add("server_id", &"a1"));
    });
    let (engine, capture) = Capture::start_with(config);
    let log = engine.logger().bind(fields! { tenant = "acme" });
    Context::new().with(fields! { request = 7 }).run(|| warn!(log, "seen", own = 1));
    let event = capture.event("seen");
    let seen =
        ["level", "tenant", "request", "own", "server_id", "region"].map(|key| event.text(key));
    assert_eq!(seen, ["warn", "acme", "7", "1", "a1", "eu"]);
}

#[test]
fn a_faulty_hook_is_left_out_and_reported() {
    let config = Config::new()
        .panic_hook(false)
        .event_hook(|event| {
            event.set("first", &1);
        })
        .event_hook(|event| {
            event.set("half", &1);
            event.drop_event();
            panic!("on purpose");
        })
        .field_provider(|fields| {
            fields.add("last", &1);
        });
    let (engine, capture) = Capture::start_with(config);
    for turn in 0..3 {
        info!(engine, "seen", turn);
    }
    engine.flush().unwrap();
    let events = capture.events_named("seen");
    assert_eq!(events.len(), 3);
    for event in events {
        let has = ["first", "half", "last"].map(|key| event.get(key).is_some());
        assert_eq!(has, [true, false, true]);
    }
    let reports = capture.events_named("ringseal.hook_failed");
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].level(), reports[0].text("hook")), (Some(Level::Error), "2"));
    assert_eq!(engine.metrics().hooks_left_out, 3);
}

#[test]
fn changes_are_bounded() {
    let (engine, capture) = start(|event| {
        let set = (0..100).filter(|index| event.set(&format!("key{index}"), &"x".repeat(10_000)));
        assert_eq!(set.count(), 64);
    });
    info!(engine, "seen");
    let event = capture.event("seen");
    assert!(event.get("key63").is_some() && event.get("key64").is_none());
    assert!(event.text("key0").len() < 5000);
}

#[test]
fn every_layout_has_what_a_hook_adds() {
    for format in [Format::Json, Format::Console, Format::Ecs] {
        let sink = ringseal::sink::memory::MemorySink::new();
        let log = sink.log();
        let output = ringseal::Output::custom(sink).format(format);
        let config = Config::new().output(output).event_hook(|event| {
            event.set("added", &"by the hook");
        });
        let engine = ringseal::Engine::start(config).unwrap();
        info!(engine, "seen", own = 1);
        engine.flush().unwrap();
        let lines = log.lines();
        let line = lines.iter().find(|line| line.contains("seen")).unwrap();
        assert!(line.contains("by the hook"), "{format:?}: {line}");
    }
}

/// A hook that adds a field leaves those of the contexts where the layout has them.
#[test]
fn contexts_stay_contexts() {
    let lines = |config: Config| {
        let sink = ringseal::sink::memory::MemorySink::new();
        let log = sink.log();
        let output = ringseal::Output::custom(sink).format(Format::Ecs);
        let engine = ringseal::Engine::start(config.output(output)).unwrap();
        let user = ringseal::value::Map(&[("plan", &"free")]);
        Context::new()
            .with(fields! { user_id = 7, user = user })
            .run(|| info!(engine, "seen", own = 1));
        engine.flush().unwrap();
        let line = log.lines().into_iter().find(|line| line.contains("seen")).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()
    };
    let plain = lines(Config::new());
    let hooked = lines(Config::new().field_provider(|fields| {
        fields.add("zone", &"a");
    }));
    assert_eq!((&plain["user"], &plain["client"]), (&hooked["user"], &hooked["client"]));
    assert_eq!(hooked["extra"]["zone"], "a");
}
