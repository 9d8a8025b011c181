//! Promise: an event of known series allocates nothing. Counted by a global allocator, on the writer's thread.
use ringseal::observe::{EventObserver, ObservedEvent, ObservedSite};
use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Correlation, Engine, Output, info};
use ringseal_counting_allocator::allocations;
use ringseal_metrics::{EventMetrics, Rule, RuleSet, TextFormat, render};

fn log(engine: &Engine, turns: u32) {
    for turn in 0..turns {
        let ids = Correlation::new([7; 16], [1; 16]);
        ids.run(|| {
            info!(
                engine,
                "paid",
                currency = "KWD",
                code = turn % 8,
                took_ms = 0.5 * f64::from(turn)
            );
        });
        info!(engine, "unmeasured", turn);
    }
    engine.flush().unwrap();
}

/// Counts what the rules' observer allocates.
struct Counting<O>(O, std::sync::Arc<std::sync::atomic::AtomicU64>);

impl<O: EventObserver> EventObserver for Counting<O> {
    fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
        self.0.wants(site)
    }

    fn observe(&mut self, event: &ObservedEvent<'_>) {
        let ((), count) = allocations(|| self.0.observe(event));
        self.1.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn known_series_allocate_nothing() {
    let rules = RuleSet::new()
        .rule(Rule::counter("payments_total", "paid").label("currency").label("code"))
        .rule(Rule::histogram("pay_duration_seconds", "paid", "took_ms").label("currency"));
    let metrics = EventMetrics::new(&rules).unwrap();
    let count = std::sync::Arc::default();
    let observer = Counting(metrics.observer(), std::sync::Arc::clone(&count));
    let config = Config::new().output(Output::custom(MemorySink::new())).event_observer(observer);
    let engine = Engine::start(config).unwrap();
    log(&engine, 100);
    let before = count.load(std::sync::atomic::Ordering::Relaxed);
    assert!(before > 0, "the first events make series");
    log(&engine, 1_000);
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), before);
    let text = render(&engine, &metrics, TextFormat::Prometheus);
    assert!(text.contains("pay_duration_seconds_count{currency=\"KWD\"} 1100\n"), "{text}");
}
