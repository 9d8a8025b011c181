//! Overrides of levels: their beginning, their end, what they lie over, and requests for them.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{LevelError, LevelRequest};
use crate::core::{Level, LevelFilter};
use crate::engine::{Config, Engine};
use crate::testing::Capture;
use ringseal_base::clock::ManualClock;

const MINUTE: Duration = Duration::from_secs(60);

fn start(filter: &str) -> (Engine, Capture, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(1_772_357_400_000_000_000));
    let config = Config::new().filter(filter.parse().unwrap());
    let (engine, capture) = Capture::start_with(config.clock_for_tests(Arc::clone(&clock) as _));
    (engine, capture, clock)
}

fn request(directives: &str) -> LevelRequest {
    LevelRequest::new(directives, MINUTE, "alice").unwrap()
}

fn in_force(engine: &Engine) -> String {
    engine.levels().in_force.to_string()
}

fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(60), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The events of changes, in short.
fn changes(capture: &Capture) -> Vec<String> {
    let events = capture.events();
    let own = events.iter().filter(|event| event.name().starts_with("ringseal.level_"));
    own.map(|event| {
        let last = if event.get("until").is_some() { "until" } else { "reason" };
        let name = &event.name()["ringseal.level_".len()..];
        let text = |key: &str| event.text(key).to_owned();
        format!("{name} {}: {} > {}, {}", text("by"), text("from"), text("to"), text(last))
    })
    .collect()
}

#[test]
fn an_override_ends_when_its_time_is_over() {
    let (engine, capture, clock) = start("info,app::db=warn");
    let state = engine.override_levels(request("debug,app=trace")).unwrap();
    assert_eq!(state.in_force.to_string(), "debug,app=trace,app::db=warn");
    assert_eq!(state.configured.to_string(), "info,app::db=warn");
    let active = state.active.clone().unwrap();
    assert_eq!(
        (&*active.directives, &*active.by, active.left),
        ("debug,app=trace", "alice", MINUTE)
    );
    assert_eq!(
        state.to_json(),
        r#"{"configured":"info,app::db=warn","in_force":"debug,app=trace,app::db=warn","override":{"directives":"#.to_owned()
            + r#""debug,app=trace","by":"alice","until":"2026-03-01T09:31:00.000Z","left_s":60}}"#
    );
    assert!(engine.logger().is_enabled(Level::Trace, "app::http"));
    clock.advance(59_999_999_999);
    assert_eq!(in_force(&engine), "debug,app=trace,app::db=warn");
    clock.advance(1);
    wait_until("the end of the override", || engine.levels().active.is_none());
    assert_eq!(in_force(&engine), "info,app::db=warn");
    assert!(!engine.logger().is_enabled(Level::Debug, "app::http"));
    wait_until("the event of the end", || changes(&capture).len() == 2);
    assert_eq!(
        changes(&capture),
        [
            "changed alice: info,app::db=warn > debug,app=trace,app::db=warn, 2026-03-01T09:31:00.000000000Z",
            "restored alice: debug,app=trace,app::db=warn > info,app::db=warn, expired",
        ]
    );
}

#[test]
fn a_second_override_replaces_the_first() {
    let (engine, capture, clock) = start("info");
    engine.override_levels(request("debug")).unwrap();
    clock.advance(30_000_000_000);
    let longer = LevelRequest::new("a=trace", 2 * MINUTE, "bob").unwrap();
    engine.override_levels(longer).unwrap();
    assert_eq!(in_force(&engine), "info,a=trace", "nothing is left of the first");
    // The end of the first.
    clock.advance(31_000_000_000);
    std::thread::yield_now();
    assert_eq!(in_force(&engine), "info,a=trace");
    clock.advance(90_000_000_000);
    wait_until("the end of the second", || in_force(&engine) == "info");
    wait_until("the event of the end", || changes(&capture).len() == 3);
    let changes = changes(&capture);
    assert!(changes[1].starts_with("changed bob: debug > info,a=trace"), "{changes:?}");
    assert_eq!(changes[2], "restored bob: info,a=trace > info, expired");
}

#[test]
fn a_reload_changes_what_is_below() {
    let (engine, capture, _) = start("info");
    engine.override_levels(request("a=trace")).unwrap();
    engine.set_filter("error,b=warn".parse().unwrap());
    assert_eq!(in_force(&engine), "error,a=trace,b=warn");
    assert_eq!(capture.event("ringseal.filter_changed").text("filter"), "error,b=warn");
    assert!(engine.restore_levels("carol"));
    assert_eq!(in_force(&engine), "error,b=warn");
    assert!(!engine.restore_levels("carol"), "there is none any more");
    assert_eq!(
        changes(&capture)[1],
        "restored carol: error,a=trace,b=warn > error,b=warn, cancelled"
    );
}

#[test]
fn an_override_ends_with_its_engine() {
    let (engine, capture, _) = start("info");
    let logger = engine.logger();
    engine.override_levels(request("debug")).unwrap();
    engine.stop().unwrap();
    assert_eq!(changes(&capture)[1], "restored alice: debug > info, stopped");
    assert!(matches!(logger.override_levels(request("debug")), Err(LevelError::Stopped)));
    assert!(!logger.levels().in_force.may_pass(Level::Debug));
    assert_eq!(logger.most_verbose(), LevelFilter::Off);
}

#[test]
fn the_thread_exists_only_during_an_override() {
    let (engine, _, clock) = start("info");
    let is_watched = || engine.logger().shared.levels.layers.lock().is_watched;
    assert!(!is_watched());
    for _ in 0..3 {
        engine.override_levels(request("debug")).unwrap();
        engine.override_levels(request("trace")).unwrap();
        assert!(is_watched());
        clock.advance(60_000_000_000);
        wait_until("the thread has ended", || !is_watched());
    }
    engine.override_levels(request("debug")).unwrap();
    engine.restore_levels("alice");
    wait_until("the thread has ended", || !is_watched());
}

#[test]
fn callbacks_see_each_change_when_made() {
    let (engine, _, clock) = start("info");
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let other = Arc::new(AtomicU32::new(0));
    let (log, logger) = (Arc::clone(&seen), engine.logger());
    engine.on_filter_change(move || log.lock().push(logger.most_verbose().to_string()));
    engine.on_filter_change(|| panic!("of a callback"));
    let count = Arc::clone(&other);
    engine.on_filter_change(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    engine.set_filter("warn,a=debug".parse().unwrap());
    engine.override_levels(request("trace")).unwrap();
    clock.advance(60_000_000_000);
    wait_until("the end of the override", || seen.lock().len() == 3);
    engine.stop().unwrap();
    assert_eq!(*seen.lock(), ["debug", "trace", "debug", "off"]);
    assert_eq!(other.load(Ordering::SeqCst), 4, "callbacks after one that panics are called");
    assert_eq!(Arc::strong_count(&seen), 1, "a stopped engine keeps no callback");
}

#[test]
fn a_callback_may_change_the_filter() {
    let (engine, _, _) = start("info");
    let calls = Arc::new(AtomicU32::new(0));
    let (count, logger) = (Arc::clone(&calls), engine.logger());
    engine.on_filter_change(move || {
        count.fetch_add(1, Ordering::SeqCst);
        logger.set_filter("error".parse().unwrap());
    });
    engine.set_filter("debug".parse().unwrap());
    assert_eq!(in_force(&engine), "error");
    assert!(calls.load(Ordering::SeqCst) < 100, "not called without end");
}

#[test]
fn noisy_targets_stay_quiet_across_changes() {
    let quiet = "hyper=warn".parse().unwrap();
    let config = Config::new().filter("info".parse().unwrap()).quiet_targets(quiet);
    let (engine, capture) = Capture::start_with(config);
    let enables = |target: &str| engine.logger().is_enabled(Level::Info, target);
    assert_eq!((enables("app"), enables("hyper::client")), (true, false));
    engine.set_filter("debug".parse().unwrap());
    assert!(!enables("hyper::client"));
    assert_eq!(capture.event("ringseal.filter_changed").text("filter"), "debug");
    engine.override_levels(request("trace")).unwrap();
    assert!(!enables("hyper::client"));
    engine.override_levels(request("hyper=info")).unwrap();
    assert!(enables("hyper::client"));
    engine.restore_levels("alice");
    assert!(!enables("hyper::client"));
    engine.set_filter("hyper=info,error".parse().unwrap());
    assert_eq!((enables("app"), enables("hyper::client")), (false, true));
}

#[test]
fn requests_are_read_from_queries() {
    for (text, directives, seconds, by) in [
        ("level=debug&target=shop&for=10m&by=alice", "shop=debug", 600, "alice"),
        ("?level=debug&by=alice", "debug", 600, "alice"),
        ("by=al%20ice+b&level=TRACE&for=90", "trace", 90, "al ice b"),
        ("directives=info%2Cshop%3A%3Adb%3Ddebug&for=1h30m&by=x", "info,shop::db=debug", 5400, "x"),
        ("level=off&target=shop::db&target=&for=1d&by=x", "", 0, ""),
        ("level=off&target=shop::db&for=1d&by=j%C3%BCrg", "shop::db=off", 86_400, "jürg"),
        ("level=warn&target=&for=&by=x", "warn", 600, "x"),
    ] {
        let request = LevelRequest::from_query(text);
        if directives.is_empty() {
            assert!(request.is_err(), "{text}");
            continue;
        }
        let request = request.unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = (&*request.overlay.to_string(), request.lasts.as_secs(), &*request.by);
        assert_eq!(found, (directives, seconds, by), "{text}");
    }
    let by = LevelRequest::from_query_by("level=debug&by=mallory", "alice").unwrap().by;
    assert_eq!(by, "alice", "an authenticated name comes first");
}

#[test]
fn an_invalid_request_names_its_field() {
    let long = format!("level=debug&by={}", "x".repeat(129));
    let huge = "x".repeat(5000);
    for (text, named) in [
        ("", "field `level` is missing"),
        ("target=shop&by=a", "field `level` is missing"),
        ("level=debug", "field `by` is missing"),
        ("level=debug&by=+", "field `by` is missing"),
        ("level=loud&by=a", "found \"loud\""),
        ("level=shop=debug&by=a", "field `level`"),
        ("level=loud&target=shop&by=a", "\"loud\" is not a level"),
        ("level=debug&target=a,b&by=a", "one target"),
        ("level=debug&level=info&by=a", "the field once"),
        ("level=debug&directives=info&by=a", "beside `directives`"),
        ("target=a&directives=info&by=a", "beside `directives`"),
        ("directives=inof&by=a", "similar to `info`"),
        ("directives=,&by=a", "such as `shop=debug`"),
        ("level=debug&for=never&by=a", "field `for`"),
        ("level=debug&for=0&by=a", "at most 24 hours"),
        ("level=debug&for=25h&by=a", "at most 24 hours"),
        ("level=debug&for=99999999999999999999d&by=a", "field `for`"),
        ("level=debug&for=10ß&by=a", "field `for`"),
        ("level=debug&until=10&by=a", "field `until`"),
        ("level=%zz&by=a", "percent-encoded"),
        ("level=debug&by=%ff", "percent-encoded"),
        ("{\"level\":\"debug\"}", "one of the fields"),
        (&long, "128 bytes"),
        (&huge, "4096 bytes"),
    ] {
        let error = LevelRequest::from_query(text).unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}
