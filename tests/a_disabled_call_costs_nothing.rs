//! The arguments of a disabled call are not evaluated, whatever disables the call.
use std::cell::Cell;

use ringseal::testing::Capture;
use ringseal::{Config, Engine, Filter, Level, LevelFilter, Output, critical, debug, info, trace};

/// Counts how often it is evaluated.
fn touch(count: &Cell<u32>) -> u32 {
    count.set(count.get() + 1);
    count.get()
}

#[test]
fn arguments_of_a_disabled_call_are_not_evaluated() {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Info));
    let count = Cell::new(0);
    for _ in 0..1000 {
        debug!(engine, "off", plain = touch(&count), shown = %touch(&count), dbg = ?touch(&count));
        trace!(engine, "off", user.id = touch(&count), "quoted key" = touch(&count));
    }
    assert_eq!(count.get(), 0);
    info!(engine, "on", value = touch(&count));
    assert_eq!(count.get(), 1, "and once, not twice, where it is enabled");
    engine.flush().unwrap();
    assert_eq!(capture.events().len(), 1);
}

#[test]
fn nothing_is_evaluated_without_a_running_engine() {
    let count = Cell::new(0);
    let log = |count: &Cell<u32>| critical!("global", value = touch(count));
    log(&count);
    assert_eq!(count.get(), 0, "before init");
    let engine = ringseal::init(Config::new().output(Output::custom(memory()))).unwrap();
    log(&count);
    assert_eq!(count.get(), 1);
    drop(engine);
    log(&count);
    assert_eq!(count.get(), 1, "after the guard is gone");
}

#[test]
fn a_changed_filter_reaches_known_call_sites() {
    let config = Config::new().level(Level::Info);
    let (engine, capture) = Capture::start_with(config);
    let count = Cell::new(0);
    let log = || debug!(engine, "seen", value = touch(&count));
    log();
    engine.set_filter(Filter::new(LevelFilter::AtLeast(Level::Debug)));
    log();
    engine.set_filter("info,a_disabled_call_costs_nothing=trace".parse().unwrap());
    log();
    engine.set_filter("trace,a_disabled_call_costs_nothing=off".parse().unwrap());
    log();
    assert_eq!(count.get(), 2);
    engine.flush().unwrap();
    let seen = capture.events().iter().filter(|event| event.text("event") == "seen").count();
    assert_eq!(seen, 2);
}

#[test]
fn each_engine_has_its_own_verdict() {
    let (loud, _) = Capture::start();
    let quiet =
        Engine::start(Config::new().level(Level::Error).output(Output::custom(memory()))).unwrap();
    let count = Cell::new(0);
    for engine in [&loud, &quiet, &loud] {
        info!(engine, "shared_site", value = touch(&count));
    }
    assert_eq!(count.get(), 2);
}

fn memory() -> Box<dyn ringseal::sink::Sink> {
    Box::new(ringseal::sink::memory::MemorySink::new())
}
