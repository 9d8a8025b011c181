//! A limit per call site: events over it are counted, and the log reports the count.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringseal::system::ManualClock;
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{Config, Engine, Level, Sampling, debug, fields, info, warn};

/// A trace id with this randomness.
fn trace_id(randomness: u64) -> String {
    format!("4bf92f3577b34da6a3{randomness:014x}")
}

fn limited() -> (Engine, Capture, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000_000_000));
    let sampling = Sampling::new().limit(3, Duration::from_secs(1)).unwrap();
    let config = Config::new().level(Level::Trace).panic_hook(false).sampling(sampling);
    let (engine, capture) = Capture::start_with(config.clock_for_tests(Arc::clone(&clock) as _));
    (engine, capture, clock)
}

/// The log in short: names, and reports of suppressed events.
fn summary(capture: &Capture) -> Vec<String> {
    let short = |event: &CapturedEvent| match event.get_text("suppressed") {
        Some(count) => format!(
            "{count} {} {} {}",
            event.text("suppressed_target"),
            event.text("suppressed_event"),
            event.text("suppressed_level")
        ),
        None => event.text("event").to_owned(),
    };
    capture.events().iter().map(short).collect()
}

#[test]
fn suppressed_events_are_reported_later() {
    let (engine, capture, clock) = limited();
    let log = |calls: u32| (0..calls).for_each(|n| info!(target: "shop", engine, "poll", n));
    log(10);
    clock.advance(999_000_000);
    log(5);
    clock.advance(1_000_000);
    log(2);
    warn!(engine, "others are not limited");
    clock.advance(5_000_000_000);
    log(4);
    let id = trace_id((1 << 56) - 1);
    let log_own = || debug!(target: "shop", engine, "own trace id", trace_id = id);
    for _ in 0..5 {
        log_own();
        engine.logger().dynamic(Level::Info, "run", "time", &|_| ());
    }
    clock.advance(1_000_000_000);
    log_own();
    let metrics = engine.metrics();
    let by_limit: Vec<_> = metrics.sampled_out_by_rule.iter().map(|rule| &*rule.rule).collect();
    assert_eq!(by_limit, ["limit"]);
    assert_eq!(metrics.sampled_out.of(Level::Info), 12 + 1 + 2);
    drop(engine);
    let mut expected = vec!["poll"; 3];
    expected.extend(["12 shop poll info", "poll", "poll", "others are not limited"]);
    expected.extend(["poll"; 3]);
    expected.extend(["own trace id", "time", "own trace id", "time", "own trace id", "time"]);
    expected.extend(["2 shop own trace id debug", "own trace id"]);
    let found = summary(&capture);
    assert_eq!(found[..expected.len()], expected);
    let mut rest = found[expected.len()..].to_vec();
    rest.sort();
    assert_eq!(rest, ["1 shop poll info", "2 run time info"]);
}

#[test]
fn a_limit_counts_kept_events_only() {
    let sampling = Sampling::new().level(Level::Debug, 0.5).unwrap();
    let sampling = sampling.limit(3, Duration::from_secs(3600)).unwrap();
    let config = Config::new().level(Level::Trace).panic_hook(false).sampling(sampling);
    let (engine, capture) = Capture::start_with(config);
    let [kept, out] = [(1 << 56) - 1, 1].map(trace_id);
    for id in [&out, &kept, &out, &kept, &kept, &kept, &out, &kept] {
        let log = engine.logger().bind(fields! { trace_id = id });
        debug!(log, "bound");
        debug!(engine, "own", trace_id = id);
        log.dynamic(Level::Debug, "run", "dynamic", &|_| ());
        info!(log, "limited only", text = %"formatted");
    }
    engine.flush().unwrap();
    for name in ["bound", "own", "dynamic", "limited only"] {
        let mut events = capture.events();
        events.retain(|event| event.text("event") == name);
        assert_eq!(events.len(), 3, "{name}");
        let rate = (name != "limited only").then_some("0.5");
        assert!(events.iter().all(|event| event.get_text("sample_rate") == rate), "{name}");
    }
    let metrics = engine.metrics();
    let by_rule: Vec<_> = metrics.sampled_out_by_rule.iter().collect();
    let counts = |index: usize| (&*by_rule[index].rule, by_rule[index].sampled_out.total());
    assert_eq!((counts(0), counts(1)), (("level debug", 3 * 3), ("limit", 3 * 2 + 5)));
    drop(engine);
    let suppressed = capture.events().into_iter().filter_map(|event| {
        event
            .get_text("suppressed")
            .map(|count| (event.text("suppressed_event").to_owned(), count.to_owned()))
    });
    let expected = [("bound", "2"), ("dynamic", "2"), ("limited only", "5"), ("own", "2")];
    let expected = expected.map(|(event, count)| (event.to_owned(), count.to_owned()));
    assert_eq!(suppressed.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));
}

#[test]
fn suppressed_counts_are_exact_over_threads() {
    let (engine, capture, clock) = limited();
    for round in 0..5 {
        let log = || (0..200).for_each(|n| info!(engine, "poll", n, round));
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(log))));
        clock.advance(2_000_000_000);
    }
    drop(engine);
    let (mut kept, mut suppressed) = (0, 0);
    for event in capture.events() {
        match event.get_text("suppressed") {
            Some(count) => suppressed += count.parse::<u64>().unwrap(),
            None => kept += 1,
        }
    }
    assert_eq!((kept, suppressed), (5 * 3, 5 * (4 * 200 - 3)));
}
