//! Tests that capture events do not see each other's, however many run at once, and captured values keep their types.
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringseal::testing::{self, Capture, CapturedEvent, CapturedValue};
use ringseal::{Config, Engine, Level, Sampling, critical, debug, error, fields, info, trace};

/// More than the engines that have a bit of their own in the call sites' verdicts.
const THREADS: u32 = 64;

fn numbers(events: &[CapturedEvent]) -> Vec<u64> {
    events.iter().filter_map(|event| event["number"].as_u64()).collect()
}

/// What code under test does: it uses the global engine.
fn code_under_test(number: u32) {
    info!("step", number);
    trace!("detail", number);
}

#[test]
fn each_of_many_captures_has_only_its_events() {
    let all_started = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let all_started = &all_started;
            scope.spawn(move || {
                let captures = [0, 1, 2].map(|_| Capture::start());
                all_started.wait();
                for number in 0..20 {
                    for (index, (engine, _)) in captures.iter().enumerate() {
                        info!(engine, "mine", thread, index, number);
                        let log = engine.logger().bind(fields! { bound = number });
                        debug!(log, "bound", thread, index, number, text = %"formatted");
                    }
                }
                for (index, (_, capture)) in captures.iter().enumerate() {
                    let events = capture.events();
                    assert_eq!(events.len(), 40, "{events:?}");
                    let is_mine = |event: &CapturedEvent| {
                        event["thread"] == thread && event["index"] == index
                    };
                    assert!(events.iter().all(is_mine), "{events:?}");
                    let expected: Vec<u64> = (0..20).collect();
                    assert_eq!(numbers(&capture.events_named("mine")), expected, "in their order");
                    assert_eq!(numbers(&capture.events_named("bound")), expected);
                }
            });
        }
    });
}

#[test]
fn each_thread_has_its_own_default_engine() {
    let all_started = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let all_started = &all_started;
            scope.spawn(move || {
                let ((), capture) = testing::with_default(|| {
                    all_started.wait();
                    (0..20).for_each(|number| code_under_test(thread * 100 + number));
                });
                code_under_test(9999);
                let expected: Vec<u64> = (0..20).map(|n| u64::from(thread * 100 + n)).collect();
                assert_eq!(numbers(&capture.events_named("step")), expected);
                assert_eq!(numbers(&capture.events_named("detail")), expected);
            });
        }
    });
}

#[test]
fn a_default_engine_wins_over_the_global_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let global = ringseal::init(Config::new().file(&path)).unwrap();
    code_under_test(5001);
    let ((), capture) = testing::with_default(|| {
        code_under_test(5002);
        // An explicit logger is not replaced.
        info!(global, "step", number = 5003);
        code_under_test(5004);
    });
    code_under_test(5005);
    std::thread::scope(|scope| {
        let (engine, _capture) = Capture::start();
        let _default = testing::set_default(&engine);
        scope.spawn(|| code_under_test(5006));
    });
    assert_eq!(numbers(&capture.events()), [5002, 5002, 5004, 5004]);
    global.stop().unwrap();
    let lines = std::fs::read_to_string(&path).unwrap();
    let found =
        [5001, 5002, 5003, 5004, 5005, 5006].map(|n| lines.contains(&format!("\"number\":{n}}}")));
    assert_eq!(found, [true, false, true, false, true, true], "{lines}");
    assert!(!lines.contains("\"detail\""), "the global filter applies: {lines}");
}

#[test]
fn guards_may_end_in_any_order() {
    let [(one, first), (two, second)] = [0, 1].map(|_| Capture::start());
    let outer = testing::set_default(&one);
    code_under_test(1);
    let inner = testing::set_default(&two);
    code_under_test(2);
    drop(outer);
    code_under_test(3);
    drop(inner);
    code_under_test(4);
    assert_eq!(numbers(&first.events_named("step")), [1]);
    assert_eq!(numbers(&second.events_named("step")), [2, 3]);
}

#[test]
fn a_default_engine_ends_with_a_panic() {
    let (engine, capture) = Capture::start();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _default = testing::set_default(&engine);
        code_under_test(1);
        panic!("expected in the output of this test");
    }));
    assert!(result.is_err());
    code_under_test(2);
    assert_eq!(numbers(&capture.events_named("step")), [1]);
    assert_eq!(capture.events().len(), 2, "panics are not reported");
}

/// Runs a future as a current-thread runtime does.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[test]
fn a_default_engine_lasts_across_awaits() {
    let (engine, capture) = Capture::start();
    block_on(async {
        let _default = testing::set_default(&engine);
        for number in 0..3 {
            code_under_test(number);
            let mut is_first = true;
            std::future::poll_fn(|_| match std::mem::take(&mut is_first) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
        }
    });
    assert_eq!(numbers(&capture.events_named("step")), [0, 1, 2]);
}

#[test]
fn an_event_inside_a_value_is_captured() {
    struct Chatty;
    impl std::fmt::Display for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("inner");
            f.write_str("outer")
        }
    }
    let ((), capture) = testing::with_default(|| info!("chatty", value = %Chatty));
    assert_eq!(capture.event("chatty")["value"], "outer");
    capture.event("inner");
}

#[test]
fn a_default_engine_is_filtered_and_sampled() {
    let rest: Vec<(Engine, Capture)> = (0..40).map(|_| Capture::start()).collect();
    let sampling = ringseal::Sampling::new().level(Level::Info, 0.0).unwrap();
    let config = Config::new().filter("info,captures_are_separate::quiet=error".parse().unwrap());
    let (engine, capture) = Capture::start_with(config.sampling(sampling));
    let _default = testing::set_default(&engine);
    info!("sampled out");
    error!("kept");
    debug!("below the level");
    ringseal::warn!(target: "captures_are_separate::quiet", "below the level");
    critical!(target: "captures_are_separate::quiet", "kept, too");
    let names: Vec<_> = capture.events().iter().map(|event| event.name().to_owned()).collect();
    assert_eq!(names, ["kept", "kept, too"]);
    assert_eq!(engine.metrics().sampled_out.of(Level::Info), 1);
    assert!(rest.iter().all(|(_, capture)| capture.events().is_empty()));
}

#[test]
fn both_constructors_have_the_same_defaults() {
    for (engine, capture) in [Capture::start(), Capture::start_with(Config::new())] {
        trace!(engine, "finest");
        let _ = std::thread::spawn(|| panic!("expected in the output of this test")).join();
        assert_eq!(capture.events().len(), 1, "all levels, and no panics of others");
    }
}

#[test]
fn values_keep_their_types() {
    let (engine, capture) = Capture::start();
    let error = std::io::Error::other("x");
    let (list, none) = ([1.5, 2.0], None::<u8>);
    info!(
        engine,
        "typed",
        a = 1.5,
        b = "1.5",
        c = 7,
        d = -7,
        e = true,
        f = "true",
        list,
        none,
        error
    );
    drop(engine);
    let event = capture.event("typed");
    assert_eq!(event["a"], 1.5);
    assert_eq!(event["b"], "1.5");
    assert_ne!(event["a"], "1.5");
    assert_ne!(event["b"], 1.5);
    assert_eq!((event["c"].as_u64(), event["d"].as_i64()), (Some(7), Some(-7)));
    assert_eq!((event["d"].as_u64(), event["a"].as_i64()), (None, None));
    assert!(event["e"] == true && event["f"] != true && event["f"] == "true");
    assert_eq!(event["list"][0], 1.5);
    assert_eq!(event["none"], CapturedValue::Null);
    assert_eq!(event["error"]["message"], "x");
    assert_eq!(event["error"].get("absent"), None);
    assert_eq!((event.text("a"), event.text("b"), event.text("list")), ("1.5", "1.5", "[1.5,2.0]"));
    assert_eq!((event.name(), event.level()), ("typed", Some(Level::Info)));
    assert_eq!(event.target(), "captures_are_separate");
}

#[test]
fn a_search_that_fails_lists_what_there_is() {
    let config = Config::new().event_key("message").format(ringseal::Format::Console);
    let (engine, capture) = Capture::start_with(config);
    (0..2).for_each(|number| info!(engine, "twice", number));
    info!(engine, "once");
    assert_eq!(capture.event("once").name(), "once");
    assert_eq!(capture.events_named("twice").len(), 2);
    let text = |action: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(action)).unwrap_err();
        *panic.downcast::<String>().unwrap()
    };
    let several = text(&|| drop(capture.event("twice")));
    assert!(several.contains("found several") && several.contains("\"once\""), "{several}");
    let none = text(&|| drop(capture.event("other")));
    assert!(none.contains("found none") && none.contains("\"twice\""), "{none}");
    let no_key = text(&|| assert_eq!(capture.event("once")["user"], 1));
    assert!(no_key.contains("\"user\"") && no_key.contains("schema_version"), "{no_key}");
}

/// Handles outlive their engine, and the next engine gets its place among the engines.
#[test]
fn a_stopped_engine_changes_no_other() {
    let limit = |count| Sampling::new().limit(count, Duration::from_secs(3600)).unwrap();
    let log = |log: &ringseal::Logger| info!(log, "poll");
    let (stopped, _capture) = Capture::start();
    let handle = stopped.logger();
    stopped.stop().unwrap();
    let (engine, capture) = Capture::start_with(Config::new().sampling(limit(3)));
    handle.set_filter("off".parse().unwrap());
    handle.set_sampling(limit(1));
    // These calls do not use up the limit of the other engine, either.
    (0..5).for_each(|_| log(&handle));
    (0..3).for_each(|_| log(&engine.logger()));
    engine.flush().unwrap();
    assert_eq!(capture.events_named("poll").len(), 3);
}
