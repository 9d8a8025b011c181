//! The logger of the process: `log::max_level` is that of the engine's filter at every moment.
use std::time::Duration;

use log::LevelFilter;
use ringseal::Config;
use ringseal::levels::{LevelRequest, QuietTargets};
use ringseal::testing::Capture;

#[test]
fn the_level_follows_the_filter() {
    let config = Config::new().filter("info".parse().unwrap());
    let quiet = QuietTargets::dependencies();
    let (engine, capture) = Capture::start_with(config.quiet_targets(quiet));
    assert_eq!(log::max_level(), LevelFilter::Off);
    ringseal_log::init(engine.logger()).unwrap();
    let error = ringseal_log::init(engine.logger()).unwrap_err().to_string();
    assert!(error.contains("installed before"), "{error}");
    for (filter, expected) in [
        ("info", LevelFilter::Info),
        ("warn,shop::db=trace", LevelFilter::Trace),
        ("warn,shop::db=debug", LevelFilter::Debug),
        ("warn,shop::db=off", LevelFilter::Warn),
        ("error", LevelFilter::Error),
        ("critical", LevelFilter::Error),
        ("off", LevelFilter::Off),
        ("off,shop=warn", LevelFilter::Warn),
        ("info", LevelFilter::Info),
    ] {
        engine.set_filter(filter.parse().unwrap());
        assert_eq!(log::max_level(), expected, "{filter}");
    }
    engine
        .override_levels(LevelRequest::new("debug", Duration::from_secs(600), "alice").unwrap())
        .unwrap();
    assert_eq!(log::max_level(), LevelFilter::Debug);
    log::debug!("logged for a time");
    engine.restore_levels("alice");
    assert_eq!(log::max_level(), LevelFilter::Info);
    log::debug!("not logged");
    // Noisy targets are quiet, unless a directive names them.
    log::info!(target: "hyper::client", "of hyper {}", 1);
    log::warn!(target: "hyper::client", "of hyper {}", 2);
    engine.set_filter("info,hyper=info".parse().unwrap());
    log::info!(target: "hyper::client", "of hyper {}", 3);
    change_from_many_threads(&engine);
    log::logger().flush();
    let names = |event: &ringseal::testing::CapturedEvent| event.name().to_owned();
    let events = capture.events();
    let names: Vec<_> =
        events.iter().map(names).filter(|name| !name.starts_with("ringseal.")).collect();
    assert_eq!(names, ["logged for a time", "of hyper 2", "of hyper 3"]);
    engine.stop().unwrap();
    assert_eq!(log::max_level(), LevelFilter::Off);
}

/// The level is that of the filter in force, whichever change was the last.
fn change_from_many_threads(engine: &ringseal::Engine) {
    let levels = ["trace", "debug", "info", "warn", "error"];
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for turn in 0..50 {
                    engine.set_filter(levels[(turn + thread) % levels.len()].parse().unwrap());
                }
            });
        }
    });
    let in_force = engine.levels().in_force.most_verbose().to_string();
    assert_eq!(log::max_level().to_string().to_lowercase(), in_force);
}
