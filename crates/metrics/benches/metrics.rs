//! What rules cost the writer, and a scrape: `cargo bench -p ringseal-metrics --bench metrics`.
#![allow(missing_docs, reason = "criterion's macros make items without documentation")]
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ringseal::observe::{EventObserver, ObservedEvent, ObservedSite};
use ringseal::sink::{Lines, Now, Sink, SinkCounters, SinkError, WriteError};
use ringseal::{Config, Engine, Output, info};
use ringseal_metrics::{EventMetrics, Rule, RuleSet, TextFormat, render};

/// Times of the observer, taken inside of the writer: each event is observed many times.
struct Timed<O>(O, std::sync::Arc<std::sync::Mutex<Duration>>, u32);

impl<O: EventObserver> EventObserver for Timed<O> {
    fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
        self.0.wants(site)
    }

    fn observe(&mut self, event: &ObservedEvent<'_>) {
        let start = Instant::now();
        for _ in 0..self.2 {
            self.0.observe(black_box(event));
        }
        *self.1.lock().unwrap() += start.elapsed();
    }
}

/// How often each event is observed: starting an engine takes long, and the first event of a series is slower.
const REPEATS: u32 = 1_000_000;

/// Accepts everything.
struct Nowhere;

impl Sink for Nowhere {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn write(&mut self, _: Lines<'_>, _: Now) -> Result<(), WriteError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        SinkCounters::default()
    }
}

fn quiet() -> Config {
    Config::new().output(Output::custom(Nowhere))
}

/// A rule's hit: the time of the observer alone.
fn hit(criterion: &mut Criterion) {
    let rules = [
        ("hit_counter", Rule::counter("payments_total", "paid")),
        ("hit_counter_label", Rule::counter("payments_total", "paid").label("currency")),
        ("hit_histogram_label", Rule::histogram("amount", "paid", "amount").label("currency")),
    ];
    for (name, rule) in rules {
        let metrics = EventMetrics::new(&RuleSet::new().rule(rule)).unwrap();
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|turns| {
                let sum: std::sync::Arc<std::sync::Mutex<Duration>> = std::sync::Arc::default();
                let observer = Timed(metrics.observer(), std::sync::Arc::clone(&sum), REPEATS);
                let engine = Engine::start(quiet().event_observer(observer)).unwrap();
                info!(engine, "paid", currency = "KWD", amount = 2.5);
                engine.flush().unwrap();
                drop(engine);
                let per_call = sum.lock().unwrap().as_secs_f64() / f64::from(REPEATS);
                Duration::from_secs_f64(per_call * turns as f64)
            });
        });
    }
}

/// An event without a rule, from call to line, with an observer and without.
fn miss(criterion: &mut Criterion) {
    let rules = RuleSet::scans();
    let metrics = EventMetrics::new(&rules).unwrap();
    for (name, config) in [("miss_without", quiet()), ("miss_with", metrics.install(quiet()))] {
        let engine = Engine::start(config.ring_bytes(4 << 20)).unwrap();
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|turns| {
                let start = Instant::now();
                for turn in 0..turns {
                    info!(engine, "other", turn, currency = "KWD");
                }
                engine.flush().unwrap();
                start.elapsed()
            });
        });
    }
}

/// A scrape of 10,000 series.
fn scrape(criterion: &mut Criterion) {
    let rules = (0..5).fold(RuleSet::new(), |rules, number| {
        rules.rule(Rule::counter(&format!("seen_{number}_total"), "seen").label("id"))
    });
    let metrics = EventMetrics::new(&rules).unwrap();
    let engine = Engine::start(metrics.install(quiet())).unwrap();
    for id in 0..2_000 {
        info!(engine, "seen", id);
    }
    engine.flush().unwrap();
    for (name, format) in
        [("scrape_10000", TextFormat::Prometheus), ("scrape_10000_open", TextFormat::OpenMetrics)]
    {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| black_box(render(&engine, &metrics, format).len()));
        });
    }
}

criterion_group!(benches, hit, miss, scrape);
criterion_main!(benches);
