//! Spans of more threads than a registry of `tracing` holds at once.
use std::sync::{Barrier, Condvar, Mutex};
use std::thread::Builder;
use std::time::Duration;

use ringseal::testing::Capture;
use ringseal_tracing::{Options, SpanEvents, subscriber, unknown_spans};

/// More than 4,096, the usual limit of the slab that holds spans.
const THREADS: usize = 4_400;
/// Far longer than they take, even on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);

#[test]
fn threads_in_thousands_have_spans() {
    let (engine, _capture) = Capture::start();
    let options = Options::new().span_lines(SpanEvents::Off);
    let subscriber = subscriber(engine.logger()).with_options(options);
    let dispatch = tracing::Dispatch::new(subscriber);
    let (begun, changed) = (Mutex::new(0), Condvar::new());
    let end = Barrier::new(THREADS + 1);
    let work = || {
        let span = tracing::dispatcher::with_default(&dispatch, || tracing::info_span!("work"));
        *begun.lock().unwrap() += 1;
        changed.notify_one();
        // The thread lives until all have begun a span.
        end.wait();
        drop(span);
    };
    std::thread::scope(|scope| {
        for index in 0..THREADS {
            let builder = Builder::new().stack_size(128 << 10);
            if let Err(error) = builder.spawn_scoped(scope, work) {
                println!("skipped: {index} threads, then {error}");
                // Those that wait cannot be released otherwise.
                std::process::exit(0);
            }
        }
        let begun = begun.lock().unwrap();
        let waited = changed.wait_timeout_while(begun, WAIT_MAX, |begun| *begun < THREADS);
        let (begun, result) = waited.unwrap();
        if result.timed_out() {
            // The others wait, so that this test cannot end otherwise.
            eprintln!("expected spans of {THREADS} threads, found those of {begun}");
            std::process::exit(1);
        }
        drop(begun);
        end.wait();
    });
    assert_eq!(unknown_spans(), 0);
}
