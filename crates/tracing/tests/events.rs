//! Events of `tracing` arrive as events of the engine: name, fields, level, place, context.
use std::error::Error;
use std::fmt;

use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{Config, Context, Level, Sampling, fields};
use ringseal_tracing::{subscriber, unknown_spans};
use tracing::field::Empty;

/// Runs `action` with a subscriber; returns the events.
fn captured(action: impl FnOnce()) -> Capture {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Trace));
    tracing::subscriber::with_default(subscriber(engine.logger()), action);
    capture
}

/// The event of this name.
fn one(name: &str, action: impl FnOnce()) -> CapturedEvent {
    captured(action).event(name)
}

#[derive(Debug)]
struct Broken(std::num::ParseIntError);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn each_kind_of_value_keeps_its_kind() {
    let event = one("all kinds", || {
        tracing::info!(
            int = -1,
            uint = u64::MAX,
            wide = i128::MIN,
            wider = u128::MAX,
            float = 1.5,
            yes = true,
            text = "a \"text\"",
            shown = %"shown",
            listed = ?[1, 2],
            wrapped = tracing::field::debug(Some(1)),
            wrapped_too = tracing::field::display("x"),
            absent = None::<u64>,
            empty = Empty,
            there = Some(3),
            "all kinds"
        );
    });
    assert_eq!((event["int"].as_i64(), event["uint"].as_u64()), (Some(-1), Some(u64::MAX)));
    let text = format!("{event:?}");
    assert!(
        text.contains(&i128::MIN.to_string()) && text.contains(&u128::MAX.to_string()),
        "{text}"
    );
    assert_eq!((event["float"].as_f64(), event["yes"].as_bool()), (Some(1.5), Some(true)));
    assert_eq!((event.text("text"), event.text("shown")), ("a \"text\"", "shown"));
    assert_eq!((event.text("listed"), event.text("wrapped")), ("[1, 2]", "Some(1)"));
    assert_eq!((event.text("wrapped_too"), event["there"].as_i64()), ("x", Some(3)));
    assert!(event.get("absent").is_none() && event.get("empty").is_none());
}

#[test]
fn the_message_is_the_name_wherever_it_is() {
    let cases: [(&str, fn()); 8] = [
        ("plain", || tracing::info!("plain")),
        ("with 7 args", || tracing::info!("with {} args", 7)),
        ("{braces}", || tracing::info!("{{braces}}")),
        ("as a field", || tracing::info!(a = 1, message = "as a field")),
        ("shown", || tracing::info!(message = %"shown")),
        ("17", || tracing::info!(message = 17)),
        ("true", || tracing::info!(message = true)),
        ("before the fields", || tracing::info!({ a = 1 }, "before the fields")),
    ];
    for (name, log) in cases {
        assert_eq!(one(name, log).level(), Some(Level::Info), "{name}");
    }
}

#[test]
fn an_event_without_message_names_its_site() {
    let event = one("paid", || tracing::info!(name: "paid", amount = 100));
    assert_eq!(event["amount"], 100);
    let events = captured(|| tracing::info!(amount = 100)).events();
    let event = events.iter().find(|event| event.get("amount").is_some()).unwrap();
    assert!(event.name().starts_with("event crates/tracing/tests/events.rs:"), "{}", event.name());
}

#[test]
fn levels_and_targets_are_those_of_the_call() {
    let events = captured(|| {
        tracing::trace!("at trace");
        tracing::debug!("at debug");
        tracing::info!(target: "shop::orders", "at info");
        tracing::warn!("at warn");
        tracing::error!("at error");
        tracing::error!(critical = true, "at critical");
        tracing::error!(critical = false, "not critical");
        tracing::error!(target: "shop::critical", "critical by target");
        tracing::info!(critical = true, "critical at any level");
    })
    .events();
    let level = |name: &str| events.iter().find(|event| event.name() == name).unwrap().level();
    let expected = [
        ("at trace", Level::Trace),
        ("at debug", Level::Debug),
        ("at info", Level::Info),
        ("at warn", Level::Warn),
        ("at error", Level::Error),
        ("at critical", Level::Critical),
        ("not critical", Level::Error),
        ("critical by target", Level::Critical),
        ("critical at any level", Level::Critical),
    ];
    for (name, expected) in expected {
        assert_eq!(level(name), Some(expected), "{name}");
    }
    let target = |name: &str| events.iter().find(|event| event.name() == name).unwrap().target();
    assert_eq!((target("at info"), target("at warn")), ("shop::orders", module_path!()));
}

#[test]
fn errors_keep_their_causes() {
    let broken = Broken("x".parse::<u8>().unwrap_err());
    let event = one("failed", || {
        tracing::error!(error = &broken as &(dyn Error + 'static), "failed");
    });
    let text = format!("{event:?}");
    assert!(text.contains("broken") && text.contains("invalid digit"), "{text}");
}

#[test]
fn more_fields_than_usual_are_all_there() {
    let event = one("many", || {
        tracing::info!(
            a1 = 1,
            a2 = 2,
            a3 = 3,
            a4 = 4,
            a5 = 5,
            a6 = 6,
            a7 = 7,
            a8 = 8,
            a9 = 9,
            a10 = 10,
            a11 = 11,
            a12 = 12,
            a13 = 13,
            a14 = 14,
            a15 = 15,
            a16 = 16,
            a17 = 17,
            a18 = 18,
            a19 = 19,
            a20 = 20,
            a21 = 21,
            a22 = 22,
            a23 = 23,
            a24 = 24,
            a25 = 25,
            a26 = 26,
            a27 = 27,
            a28 = 28,
            a29 = 29,
            a30 = 30,
            "many"
        );
    });
    assert!((1..=30).all(|index| event[format!("a{index}").as_str()] == index));
}

#[test]
fn of_repeated_keys_the_last_stays() {
    assert_eq!(one("repeated", || tracing::info!(a = 1, b = 2, a = 3, "repeated"))["a"], 3);
}

#[test]
fn values_and_messages_are_redacted() {
    let text = format!(
        "{:?}",
        captured(|| {
            tracing::info!(password = "hunter2", "mail to {}", "ann@example.com");
            let span = tracing::info_span!("login", token = "s3cr3t-t0ken-value");
            span.in_scope(|| tracing::info!(user = ?("bob@example.com", 1), "inside"));
        })
        .events()
    );
    for secret in ["hunter2", "ann@", "s3cr3t", "bob@"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_context_of_the_engine_rides_along() {
    let request = Context::new().with(fields! { request_id = "r-17" }).child();
    let capture = captured(|| {
        request.run(|| {
            tracing::info!("outside");
            tracing::info_span!("query").in_scope(|| tracing::info!("inside"));
        });
    });
    let (outside, inside) = (capture.event("outside"), capture.event("inside"));
    assert_eq!((outside.text("request_id"), inside.text("request_id")), ("r-17", "r-17"));
    assert_eq!(outside.text("trace_id"), inside.text("trace_id"));
    assert_ne!(outside.text("span_id"), inside.text("span_id"));
}

#[test]
fn a_suppressed_context_suppresses_bridged_events() {
    let capture = captured(|| {
        Context::current().suppressed().run(|| tracing::info!("suppressed"));
        tracing::info!("written");
    });
    assert!(capture.events_named("suppressed").is_empty());
    assert_eq!(capture.events_named("written").len(), 1);
}

#[test]
fn sampling_thins_events_by_level() {
    let config = Config::new().sampling(Sampling::new().level(Level::Info, 0.0).unwrap());
    let (engine, capture) = Capture::start_with(config);
    tracing::subscriber::with_default(subscriber(engine.logger()), || {
        (0..100).for_each(|turn| tracing::info!(turn, "thinned"));
        tracing::warn!("kept");
    });
    assert!(capture.events_named("thinned").is_empty());
    assert_eq!(capture.events_named("kept").len(), 1);
}

#[test]
fn bound_fields_of_the_logger_ride_along() {
    let (engine, capture) = Capture::start();
    let log = engine.logger().bind(fields! { service = "shop" });
    tracing::subscriber::with_default(subscriber(log), || tracing::info!("bound"));
    assert_eq!(capture.event("bound").text("service"), "shop");
}

#[test]
fn a_record_of_log_keeps_its_target() {
    let capture = captured(|| {
        tracing_log::format_trace(
            &log::Record::builder()
                .args(format_args!("mail to {}", "ann@example.com"))
                .level(log::Level::Warn)
                .target("old::library")
                .module_path(Some("old::library"))
                .file(Some("old.rs"))
                .line(Some(7))
                .build(),
        )
        .unwrap();
    });
    let events = capture.events();
    let event = events.iter().find(|event| event.target() == "old::library").expect("it is logged");
    assert_eq!(event.level(), Some(Level::Warn));
    assert!(event.name().starts_with("mail to ") && !event.name().contains("ann@"), "{event:?}");
    assert!(event.get("log.target").is_none());
}

#[test]
fn an_event_names_its_parent_or_none() {
    let capture = captured(|| {
        let (one, other) = (tracing::info_span!("one", a = 1), tracing::info_span!("other", b = 2));
        let _inside = one.enter();
        tracing::info!(parent: &other, "of the other");
        tracing::info!(parent: None, "of none");
        tracing::info!("of the current");
    });
    let event = |name: &str| capture.event(name);
    assert_eq!(
        (event("of the other").get("a").is_some(), event("of the other")["b"].as_i64()),
        (false, Some(2))
    );
    assert!(event("of none").get("a").is_none() && event("of none").get("trace_id").is_none());
    assert_eq!(event("of the current")["a"], 1);
}

#[test]
fn an_unknown_span_is_counted() {
    use tracing::Subscriber;
    let (engine, _capture) = Capture::start();
    let subscriber = subscriber(engine.logger());
    let before = unknown_spans();
    for id in [1, 77, u64::MAX] {
        let id = tracing::span::Id::from_u64(id);
        subscriber.enter(&id);
        subscriber.exit(&id);
        subscriber.clone_span(&id);
        assert!(!subscriber.try_close(id));
    }
    assert!(unknown_spans() >= before + 12);
}

/// With several subscribers, each is asked about each event.
#[test]
fn beside_another_subscriber_critical_events_pass() {
    let start = |filter: &str| Capture::start_with(Config::new().filter(filter.parse().unwrap()));
    let ((engine, capture), (other, _)) = (start("critical"), start("off"));
    let _other = tracing::Dispatch::new(subscriber(other.logger()));
    tracing::subscriber::with_default(subscriber(engine.logger()), || {
        tracing::error!(critical = true, "very bad");
        tracing::error!(critical = false, "bad");
    });
    assert_eq!(capture.events_named("very bad").len(), 1);
    assert!(capture.events_named("bad").is_empty());
}
