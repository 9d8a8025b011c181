//! Promise: a record allocates nothing after the first of its call site and thread. Counted by a global allocator, for
//! one thread.

use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Engine, Output};
use ringseal_counting_allocator::allocations;
use ringseal_slog::Drain;
use slog::{Logger, o};

/// Records of each kind.
fn log_all(log: &Logger, turn: u64) {
    slog::info!(log, "constant");
    slog::info!(log, "turn {} of many", turn);
    slog::warn!(log, "with pairs"; "turn" => turn, "text" => "a text", "list" => ?[1, 2, 3]);
    slog::crit!(log, "critical"; "error" => #std::fmt::Error);
    slog::info!(log, "repeated"; "turn" => turn, "service" => "of the record", "turn" => 1);
    slog::info!(log, # "a tag", "with a tag");
    slog::debug!(log, "disabled {}", turn; "turn" => turn);
}

#[test]
fn records_allocate_nothing_after_the_first() {
    let config = Config::new().output(Output::custom(MemorySink::new()));
    let engine = Engine::start(config.ring_bytes(16 << 20)).unwrap();
    let root = Logger::root(Drain::new(engine.logger()), o!("service" => "shop"));
    let child = root.new(o!("request" => 7, "user" => "ann".to_owned()));
    let log_all = |turn| {
        log_all(&child, turn);
        // The same calls with fewer pairs than at first.
        log_all(&root, turn);
    };
    // The second time, the sites know how long their events are.
    log_all(0);
    log_all(1);
    engine.flush().unwrap();
    for turn in 2..200 {
        assert_eq!(allocations(|| log_all(turn)), ((), 0));
        engine.flush().unwrap();
    }
    assert_eq!(engine.metrics().lost.total(), 0);
}
