//! An observer sees each accepted event after redaction; what is written does not depend on whether it works.
use std::sync::mpsc::{Sender, channel};

use ringseal::observe::{EventObserver, ObservedEvent, ObservedSite, ObservedValue};
use ringseal::testing::Capture;
use ringseal::value::Map;
use ringseal::{Config, Context, Correlation, Level, Sampling, fields, info};

/// Sends what `see` makes of each event whose name is not `ignored`.
struct Probe<T>(Sender<T>, fn(&ObservedEvent<'_>) -> T);

impl<T: Send> EventObserver for Probe<T> {
    fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
        site.name != "ignored"
    }

    fn observe(&mut self, event: &ObservedEvent<'_>) {
        self.0.send((self.1)(event)).unwrap();
    }
}

fn text(event: &ObservedEvent<'_>, key: &str) -> String {
    match event.get(key) {
        Some(ObservedValue::Text(text)) => text.to_owned(),
        other => format!("{other:?}"),
    }
}

fn keyed(event: &ObservedEvent<'_>) -> Vec<String> {
    let name = event.site().name.to_owned();
    let keys = ["note", "password", "tenant", "request", "none"];
    std::iter::once(name).chain(keys.map(|key| text(event, key))).collect()
}

#[test]
fn an_observer_sees_no_secret() {
    let (sender, seen) = channel();
    let (engine, _capture) =
        Capture::start_with(Config::new().event_observer(Probe(sender, keyed)));
    let log = engine.logger().bind(fields! { tenant = "acme" });
    Context::new().with(fields! { request = "r7" }).run(|| {
        for _ in 0..2 {
            info!(log, "paid", password = "hunter2", note = "card 4111 1111 1111 1111");
            info!(log, "ignored", password = "hunter2");
        }
    });
    log.dynamic(Level::Info, "shop", "run_time", &|out| out.entry("note", &"to ann@example.com"));
    log.dynamic(Level::Info, "shop", "ignored", &|out| out.entry("note", &1));
    engine.flush().unwrap();
    let seen: Vec<Vec<String>> = seen.try_iter().collect();
    assert_eq!(seen.len(), 3);
    assert_eq!((&*seen[0][0], &*seen[0][1]), ("paid", "card <card>"));
    assert!(!seen[0][2].contains("hunter2"));
    assert_eq!(seen[0][3..], ["acme", "r7", "None"]);
    assert_eq!(seen[1], seen[0]);
    assert_eq!((&*seen[2][0], &*seen[2][1], &*seen[2][3]), ("run_time", "to <email>", "acme"));
}

#[test]
fn only_accepted_events_are_observed() {
    let (sender, seen) = channel();
    let config = Config::new()
        .sampling(Sampling::new().success(0.5).unwrap())
        .event_hook(|event| {
            if event.name() == "dropped" {
                event.drop_event();
            }
            event.set("added", &"by the hook");
        })
        .event_observer(Probe(sender, |event| {
            (event.site().name.to_owned(), text(event, "added"), event.weight())
        }));
    let (engine, capture) = Capture::start_with(config);
    info!(engine, "dropped");
    for _ in 0..64 {
        info!(engine, "kept", event_type = "PAY_OK");
    }
    engine.flush().unwrap();
    let seen: Vec<(String, String, f64)> = seen.try_iter().collect();
    assert_eq!(seen.len(), capture.events_named("kept").len(), "{seen:?}");
    assert!(seen.len() < 64 && !seen.is_empty());
    let kept = ("kept".to_owned(), "by the hook".to_owned(), 2.0);
    assert!(seen.iter().all(|event| *event == kept), "{seen:?}");
}

#[test]
fn values_have_their_types() {
    let (sender, seen) = channel();
    let config = Config::new().event_observer(Probe(sender, |event| {
        let numbers = ["a", "b", "c", "d"].map(|key| match event.get(key) {
            Some(ObservedValue::Signed(number)) => number as f64,
            Some(ObservedValue::Unsigned(number)) => number as f64,
            Some(ObservedValue::Float(number) | ObservedValue::Seconds(number)) => number,
            other => panic!("{other:?}"),
        });
        (numbers, event.at(0).is_some(), event.trace_id(), event.level())
    }));
    let (engine, _capture) = Capture::start_with(config);
    Correlation::new([7; 16], [1; 16]).run(|| {
        let d = std::time::Duration::from_millis(250);
        info!(engine, "typed", a = -3, b = u64::MAX, c = 0.5, d);
    });
    engine.flush().unwrap();
    let (numbers, has_first, trace_id, level) = seen.recv().unwrap();
    assert_eq!(numbers, [-3.0, u64::MAX as f64, 0.5, 0.25]);
    assert_eq!((has_first, trace_id, level), (true, Some([7; 16]), Level::Info));
}

/// Panics at the second event.
struct Faulty(u32);

impl EventObserver for Faulty {
    fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
        site.name == "seen"
    }

    fn observe(&mut self, _: &ObservedEvent<'_>) {
        self.0 += 1;
        assert!(self.0 < 2, "on purpose");
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        assert!(self.0 < 2, "on purpose, once more");
    }
}

#[test]
fn a_panic_changes_no_line() {
    let config = Config::new().panic_hook(false).unwritten_field("_metrics");
    let (engine, capture) = Capture::start_with(config.event_observer(Faulty(0)));
    let log = engine.logger();
    let metrics = || Map(&[("http.request.duration", &123)]);
    for turn in 0..5 {
        info!(engine, "seen", turn, _metrics = metrics(), last = true);
        info!(engine, "other", _metrics = metrics(), turn);
        log.dynamic(Level::Info, "shop", "run_time", &|out| {
            out.entry("_metrics", &1);
            out.entry("turn", &turn);
        });
        engine.flush().unwrap();
    }
    for name in ["seen", "other", "run_time"] {
        let events = capture.events_named(name);
        assert_eq!(events.len(), 5, "{name}");
        for (turn, event) in events.iter().enumerate() {
            assert!(event.get("_metrics").is_none(), "{name} {turn}");
            assert_eq!(event["turn"], turn, "{name}");
        }
    }
    assert_eq!(capture.events_named("ringseal.observer_failed").len(), 1);
    // The second to the fifth of `seen`, and run-time events after the panic, for which it cannot be asked.
    assert_eq!(engine.metrics().observer_left_out, 8);
}
