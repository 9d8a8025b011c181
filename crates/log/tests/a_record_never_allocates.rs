//! Promise: a record allocates nothing after the first of its call site and thread. Counted by a global allocator, for
//! one thread.

use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Engine, Output};
use ringseal_counting_allocator::allocations;
use ringseal_log::Bridge;

/// Records of each kind.
fn log_all(log: &Bridge, target: &str, turn: u64) {
    let error = std::fmt::Error;
    log::info!(logger: log, "constant");
    log::info!(logger: log, "turn {turn} of many");
    log::warn!(logger: log, turn, text = "a text", list:? = [1, 2, 3]; "with pairs");
    log::error!(logger: log, critical = true, turn, error:err = error; "critical");
    log::info!(logger: log, turn, turn = 1; "repeated");
    log::info!(logger: log, message = turn; "with a message");
    log::info!(logger: log, target: target, "of a target of run time");
    log::debug!(logger: log, turn; "disabled by the engine {turn}");
    log::trace!(logger: log, "disabled by log {turn}");
}

/// Sites in number beyond the table of the thread.
fn log_from_many(log: &Bridge, turn: u64) {
    for line in 0..1000 {
        let mut record = log::Record::builder();
        record.file_static(Some(file!())).line(Some(line)).target(module_path!());
        record.module_path_static(Some(module_path!()));
        log::Log::log(log, &record.args(format_args!("site {line} in {turn}")).build());
    }
}

#[test]
fn records_allocate_nothing_after_the_first() {
    log::set_max_level(log::LevelFilter::Debug);
    let config = Config::new().output(Output::custom(MemorySink::new()));
    let engine = Engine::start(config.ring_bytes(16 << 20)).unwrap();
    let log = Bridge::new(engine.logger());
    let target = String::from("shop::run_time");
    let log_all = |turn| {
        log_all(&log, &target, turn);
        log_from_many(&log, turn);
    };
    // The second time, the sites know how long their events are.
    log_all(0);
    log_all(1);
    engine.flush().unwrap();
    for turn in 2..20 {
        assert_eq!(allocations(|| log_all(turn)), ((), 0));
        engine.flush().unwrap();
    }
    assert_eq!(engine.metrics().lost.total(), 0);
}
