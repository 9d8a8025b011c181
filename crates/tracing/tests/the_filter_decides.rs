//! A disabled event costs what `tracing` promises, and a change of the filter reaches every call site. One test: the
//! subscriber is that of the process.
use ringseal::testing::Capture;
use ringseal::{Config, Level};
use tracing::level_filters::LevelFilter;

/// One call site for all turns.
fn log(turn: u64) -> bool {
    let mut is_evaluated = false;
    tracing::debug!(
        turn,
        evaluated = {
            is_evaluated = true;
            true
        },
        "turned"
    );
    is_evaluated
}

#[test]
fn the_filter_decides_before_arguments_are_evaluated() {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Info));
    ringseal_tracing::init(engine.logger()).unwrap();
    assert!(ringseal_tracing::init(engine.logger()).is_err(), "the process has one");
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    assert!(!log(1));
    engine.set_filter("info,the_filter_decides=debug".parse().unwrap());
    assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
    assert!(log(2));
    engine.set_filter("error".parse().unwrap());
    assert_eq!(LevelFilter::current(), LevelFilter::ERROR);
    assert!(!log(3));
    assert!(!tracing::enabled!(tracing::Level::WARN));
    engine.set_filter("off".parse().unwrap());
    assert_eq!(LevelFilter::current(), LevelFilter::OFF);
    engine.set_filter("trace".parse().unwrap());
    assert!(log(4));
    let turns: Vec<_> = capture
        .events_named("turned")
        .iter()
        .map(|event| event["turn"].as_i64().unwrap())
        .collect();
    assert_eq!(turns, [2, 4]);
}
