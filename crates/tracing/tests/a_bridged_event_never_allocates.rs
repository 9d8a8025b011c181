//! Promise: a bridged event allocates nothing after the first of its call site, however deep its spans are. Counted by
//! a global allocator, for one thread.

use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Engine, Output};
use ringseal_counting_allocator::allocations;
use tracing::{info, info_span};

/// Events of each kind.
fn log_all(turn: u64) {
    info!("plain");
    info!(turn, text = "a text", listed = ?[1, 2, 3], "turn {turn} of many");
    info!(turn, turn = 1, "repeated");
    tracing::debug!(turn, "disabled");
    tracing::error!(critical = true, turn, "critical");
}

#[test]
fn events_inside_of_spans_allocate_nothing() {
    let engine = Engine::start(Config::new().output(Output::custom(MemorySink::new()))).unwrap();
    let subscriber = ringseal_tracing::subscriber(engine.logger());
    tracing::subscriber::with_default(subscriber, || {
        let spans = [info_span!("a", a = 1), info_span!("b", b = 2), info_span!("c", c = 3)];
        let _spans = spans.each_ref().map(|span| span.enter());
        log_all(0);
        engine.flush().unwrap();
        for turn in 0..1000 {
            assert_eq!(allocations(|| log_all(turn)), ((), 0));
            if turn % 100 == 0 {
                engine.flush().unwrap();
            }
        }
    });
}
