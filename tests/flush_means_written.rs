//! Events logged before a flush are in the file when it returns; a flush is bounded, whatever a sink does.
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringseal::{Config, Engine, FlushError, Level, Output, Overflow, WaitStrategy, info};
use support::{Behaviour, Gate, TestSink, events_of, named, numbers, own};

#[test]
fn a_flushed_or_synced_line_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = Engine::start(Config::new().file(&path)).unwrap();
    for number in 0..200 {
        info!(engine, "step", number);
        if number % 2 == 0 { engine.flush() } else { engine.sync() }.unwrap();
        let events = events_of(&path);
        assert_eq!(events.last().unwrap()["number"], number);
        assert_eq!(events.len(), number + 1);
    }
}

/// Runs a future on this thread, which parks while it waits.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn an_awaited_flush_means_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = Engine::start(Config::new().file(&path)).unwrap();
    let logger = engine.logger();
    for number in 0..100 {
        info!(logger, "step", number);
        block_on(logger.flush_async()).unwrap();
        assert_eq!(events_of(&path).len(), number + 1);
    }
    let unfinished: Vec<_> = (0..500).map(|_| logger.flush_async()).collect();
    assert!(unfinished.into_iter().all(|flush| block_on(flush).is_ok()));
    engine.stop().unwrap();
    assert_eq!(block_on(logger.flush_async()), Err(FlushError::Stopped));
}

#[test]
fn a_logger_controls_its_engine() {
    fn check<T: Clone + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = Engine::start(Config::new().file(&path)).unwrap();
    let logger = engine.logger();
    check(&engine);
    check(&logger);
    info!(logger, "step", number = 0);
    logger.flush().unwrap();
    assert_eq!(logger.metrics().events.total(), 1);
    logger.set_filter("off".parse().unwrap());
    info!(logger, "step", number = 1);
    logger.set_filter("info".parse().unwrap());
    logger.sync().unwrap();
    logger.reopen().unwrap();
    let clone = engine.clone();
    drop(engine);
    info!(logger, "step", number = 2);
    assert_eq!(numbers(&named(&events_of(&path), "step"), "number"), [0]);
    drop(clone);
    assert_eq!(numbers(&named(&events_of(&path), "step"), "number"), [0, 2]);
    assert_eq!(logger.flush(), Err(FlushError::Stopped));
}

#[test]
fn a_flush_covers_a_new_threads_first_event() {
    // A probabilistic check: the critical moment is a few instructions long.
    const THREADS: u64 = 150;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let config = Config::new().file(&path).ring_bytes(4096).writer_wait(WaitStrategy::Spin);
    let engine = Engine::start(config).unwrap();
    let is_over = AtomicBool::new(false);
    let (done, next) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        // One thread keeps calling, so that the writer is processing a call when a lane arrives.
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                let _ = engine.metrics();
            }
        });
        for number in 0..THREADS {
            let (engine, path, is_over, done) = (&engine, &path, &is_over, done.clone());
            scope.spawn(move || {
                info!(engine, "step", number);
                engine.flush().unwrap();
                let text = std::fs::read_to_string(path).unwrap();
                done.send(text.lines().count() as u64).unwrap();
                // The next thread must not reuse its lane.
                while !is_over.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(50));
                }
            });
            let lines = next.recv().unwrap();
            if lines != number + 1 {
                is_over.store(true, Ordering::SeqCst);
            }
            assert_eq!(lines, number + 1);
        }
        is_over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_flush_covers_earlier_events_of_other_threads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = Engine::start(Config::new().file(&path)).unwrap();
    let logged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    info!(engine, "step");
                    logged.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..50 {
            let before = logged.load(Ordering::SeqCst);
            engine.flush().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u64;
            assert!(lines >= before, "{lines} lines of {before}");
        }
    });
    engine.stop().unwrap();
    assert_eq!(events_of(&path).len(), 4000);
}

#[test]
fn many_concurrent_flushes_are_all_answered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let engine = Engine::start(Config::new().file(&path)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for number in 0..100 {
                    info!(engine, "step", thread, number);
                    engine.flush().unwrap();
                }
            });
        }
    });
    assert_eq!(own(&events_of(&path)).len(), 800);
}

#[test]
fn a_failed_flush_is_reported_and_delivered_later() {
    let behaviour = Arc::new(Behaviour::default());
    let (sink, log) = TestSink::boxed("unreliable", &behaviour);
    let engine = Engine::start(Config::new().output(Output::custom(sink))).unwrap();
    behaviour.fails.store(true, Ordering::SeqCst);
    info!(engine, "step", number = 1);
    match engine.flush() {
        Err(FlushError::Sinks(message)) => assert!(message.contains("unreliable"), "{message}"),
        other => panic!("{other:?}"),
    }
    behaviour.fails.store(false, Ordering::SeqCst);
    info!(engine, "step", number = 2);
    engine.flush().unwrap();
    let events = support::parse(&log.bytes());
    assert_eq!(numbers(&named(&events, "step"), "number"), [1, 2]);
}

#[test]
fn flush_and_drop_are_bounded_when_sinks_hang() {
    let gate = Gate::closed();
    let (sink, _) = TestSink::gated(&gate);
    let config = Config::new().output(Output::custom(sink)).overflow([Overflow::Lose; 6]);
    let bound = Duration::from_millis(100);
    let engine = Engine::start(config.flush_timeout(bound).shutdown_timeout(bound)).unwrap();
    info!(engine, "step");
    let start = Instant::now();
    assert_eq!(engine.flush(), Err(FlushError::Timeout));
    assert_eq!(engine.sync(), Err(FlushError::Timeout));
    drop(engine);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    gate.open();
}

/// With any policy for full rings: a panic may be the end of the process.
#[test]
fn a_panic_is_bounded_when_everything_blocks() {
    let gate = Gate::closed();
    let (sink, _) = TestSink::gated(&gate);
    let mut overflow = [Overflow::Lose; 6];
    overflow[Level::Error as usize] = Overflow::Wait(Duration::from_secs(3600));
    let bound = Duration::from_secs(1);
    let config = Config::new().output(Output::custom(sink)).ring_bytes(4096).overflow(overflow);
    let engine = Engine::start(config.flush_timeout(bound).shutdown_timeout(bound)).unwrap();
    // The writer hangs in the sink before the ring is filled.
    info!(engine, "first");
    assert_eq!(engine.flush(), Err(FlushError::Timeout));
    (0..1000).for_each(|_| info!(engine, "step", text = "some text that takes space"));
    let start = Instant::now();
    let panicked = std::panic::catch_unwind(|| panic!("scripted"));
    assert!(
        panicked.is_err() && start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    gate.open();
    let lost = engine.metrics().lost;
    assert_eq!(lost.of(Level::Error), 1, "it is counted: {lost:?}");
}

#[test]
fn a_drop_is_bounded_when_closing_hangs() {
    let gate = Gate::closed();
    let behaviour = Behaviour { drop_gate: Some(Arc::clone(&gate)), ..Behaviour::default() };
    let (sink, log) = TestSink::boxed("slow_to_close", &Arc::new(behaviour));
    let config =
        Config::new().output(Output::custom(sink)).shutdown_timeout(Duration::from_secs(2));
    let engine = Engine::start(config).unwrap();
    info!(engine, "step");
    let start = Instant::now();
    engine.stop().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(log.lines().len(), 1);
    gate.open();
}

#[test]
fn a_thousand_unanswered_requests_still_time_out() {
    let gate = Gate::closed();
    let (sink, _) = TestSink::gated(&gate);
    let bound = Duration::ZERO;
    let config =
        Config::new().output(Output::custom(sink)).flush_timeout(bound).shutdown_timeout(bound);
    let engine = Engine::start(config).unwrap();
    info!(engine, "step");
    support::wait_until("the writer waits at the gate", || gate.waiting() > 0);
    for _ in 0..1500 {
        assert_eq!(engine.flush(), Err(FlushError::Timeout));
    }
    gate.open();
}
