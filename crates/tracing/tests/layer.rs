//! The layer works beside other layers, under its filter and under theirs.
#![cfg(feature = "layer")]
use std::sync::{Arc, Mutex};

use ringseal::testing::Capture;
use ringseal::{Config, Level};
use tracing::{info, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{fmt, registry};

/// What another layer has seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Seen {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0.lock().unwrap().push(event.metadata().level().to_string());
    }
}

#[test]
fn fields_and_ids_are_those_of_the_subscriber() {
    let (engine, capture) = Capture::start();
    let subscriber = registry().with(ringseal_tracing::layer(engine.logger()));
    tracing::subscriber::with_default(subscriber, || {
        let outer = info_span!("outer", one = 1, late = tracing::field::Empty);
        let _outer = outer.enter();
        let inner = info_span!("inner", two = 2);
        let _inner = inner.enter();
        outer.record("late", 3);
        info!("inside");
    });
    let event = capture.event("inside");
    assert_eq!(["one", "two", "late"].map(|key| event[key].as_i64().unwrap()), [1, 2, 3]);
    let ends: Vec<_> =
        capture.events_named("span.end").iter().map(|end| end.text("span").to_owned()).collect();
    assert_eq!(ends, ["inner", "outer"]);
    assert_eq!(event.text("span_id").len(), 16);
}

#[test]
fn what_the_engine_drops_reaches_other_layers() {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Error));
    let (log, seen) = (engine.logger(), Seen::default());
    let ours = ringseal_tracing::layer(log.clone()).with_filter(ringseal_tracing::filter(log));
    tracing::subscriber::with_default(registry().with(ours).with(seen.clone()), || {
        tracing::debug!("for others");
        tracing::error!("for all");
    });
    assert_eq!(*seen.0.lock().unwrap(), ["DEBUG", "ERROR"]);
    assert!(capture.events_named("for others").is_empty());
    assert_eq!(capture.events_named("for all").len(), 1);
}

#[test]
fn what_others_drop_reaches_the_engine() {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Debug));
    let log = engine.logger();
    let ours = ringseal_tracing::layer(log.clone()).with_filter(ringseal_tracing::filter(log));
    let others = fmt::layer().with_writer(std::io::sink).with_filter(LevelFilter::ERROR);
    tracing::subscriber::with_default(registry().with(others).with(ours), || {
        tracing::debug!("for us");
    });
    assert_eq!(capture.events_named("for us").len(), 1);
}

/// Registries with per-layer filters lose spans after an `enabled!` whose answer was no, unless spans are asked about
/// each time.
#[test]
fn a_question_about_an_event_hides_no_span() {
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    let ours = ringseal_tracing::layer(log.clone()).with_filter(ringseal_tracing::filter(log));
    let others = Seen::default().with_filter(LevelFilter::TRACE);
    tracing::subscriber::with_default(registry().with(ours).with(others), || {
        for turn in 0..3 {
            assert!(tracing::enabled!(tracing::Level::TRACE));
            info_span!("asked", turn).in_scope(|| info!(turn, "inside"));
        }
    });
    let events = capture.events_named("inside");
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| !event.text("span_id").is_empty()));
    assert_eq!(capture.events_named("span.end").len(), 3);
}

#[test]
fn two_engines_in_a_registry_have_own_spans() {
    let ((one, one_log), (other, other_log)) = (Capture::start(), Capture::start());
    let layers = registry()
        .with(ringseal_tracing::layer(one.logger()))
        .with(ringseal_tracing::layer(other.logger()));
    tracing::subscriber::with_default(layers, || {
        info_span!("shared", id = 7).in_scope(|| info!("inside"));
    });
    for log in [one_log, other_log] {
        assert_eq!(log.event("inside")["id"], 7);
        assert_eq!(log.events_named("span.end").len(), 1);
    }
}
