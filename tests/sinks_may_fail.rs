//! A slow or failed sink blocks neither producers nor other sinks; the lines that it misses are held, then counted.
mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Engine, Level, Output, Overflow, error, info};
use support::{Behaviour, Gate, TestSink, child, named, numbers, parse, role};

#[test]
fn a_recovered_sink_gets_its_lines() {
    let behaviour = Arc::new(Behaviour::default());
    let (unreliable, failing_log) = TestSink::boxed("unreliable", &behaviour);
    let working = MemorySink::new();
    let working_log = working.log();
    let config = Config::new().output(Output::custom(unreliable)).output(Output::custom(working));
    let engine = Engine::start(config).unwrap();
    info!(engine, "step", number = 0);
    engine.flush().unwrap();
    behaviour.fails.store(true, Ordering::SeqCst);
    for number in 1..1000 {
        info!(engine, "step", number);
    }
    // The flush cannot succeed for both, but the working sink has every line.
    assert!(engine.flush().is_err());
    let wanted: Vec<u64> = (0..1000).collect();
    let events = parse(&working_log.bytes());
    assert_eq!(numbers(&named(&events, "step"), "number"), wanted);
    behaviour.takes.store(17, Ordering::SeqCst);
    behaviour.fails.store(false, Ordering::SeqCst);
    info!(engine, "step", number = 1000);
    support::wait_until("the sink is tried again", || engine.flush().is_ok());
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let events = parse(&failing_log.bytes());
    assert_eq!(numbers(&named(&events, "step"), "number"), (0..=1000).collect::<Vec<_>>());
    assert_eq!((metrics.lost.total(), metrics.dropped.total()), (0, 0));
    assert!(metrics.sink_errors > 0);
}

#[test]
fn lines_over_the_bound_are_dropped_and_counted() {
    let behaviour = Arc::new(Behaviour::default());
    behaviour.fails.store(true, Ordering::SeqCst);
    let (sink, log) = TestSink::boxed("unreliable", &behaviour);
    let engine =
        Engine::start(Config::new().retry_buffer_bytes_max(20_000).output(Output::custom(sink)))
            .unwrap();
    for number in 0..600 {
        info!(engine, "step", number);
        error!(engine, "step", number);
    }
    assert!(engine.flush().is_err());
    behaviour.fails.store(false, Ordering::SeqCst);
    engine.flush().unwrap();
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let events = parse(&log.bytes());
    for level in [Level::Info, Level::Error] {
        let lines = events.iter().filter(|event| event["level"] == level.as_str()).count() as u64;
        assert_eq!(lines + metrics.dropped.of(level), metrics.events.of(level), "{level}");
        assert!(metrics.events.of(level) >= 600, "{level}");
    }
    assert!(metrics.dropped.total() > 100);
    assert_eq!(metrics.events.total(), events.len() as u64 + metrics.dropped.total());
    assert_eq!(metrics.sinks[0].lines_dropped, metrics.dropped.total());
    let reported: u64 =
        numbers(&named(&events, "ringseal.sink_recovered"), "dropped_lines").iter().sum();
    assert_eq!(reported, metrics.dropped.total());
    // The kept lines are the first ones, without a gap.
    let kept = numbers(&named(&events, "step"), "number");
    let in_order: Vec<u64> = (0..kept.len() as u64).map(|index| index / 2).collect();
    assert_eq!(kept, in_order);
}

#[test]
fn a_panicking_sink_counts_as_failed() {
    let behaviour = Arc::new(Behaviour::default());
    let (sink, log) = TestSink::boxed("panicky", &behaviour);
    let engine =
        Engine::start(Config::new().output(Output::custom(sink)).panic_hook(false)).unwrap();
    behaviour.panics.store(true, Ordering::SeqCst);
    info!(engine, "step", number = 0);
    let message = engine.flush().unwrap_err().to_string();
    assert!(message.contains("panicky"), "{message}");
    behaviour.panics.store(false, Ordering::SeqCst);
    info!(engine, "step", number = 1);
    engine.flush().unwrap();
    let events = parse(&log.bytes());
    assert_eq!(numbers(&named(&events, "step"), "number"), [0, 1]);
    let failed = named(&events, "ringseal.sink_failed");
    assert!(failed[0]["reason"].as_str().unwrap().contains("this sink panics"), "{failed:?}");
}

#[test]
fn a_sink_that_overstates_its_count_is_corrected() {
    struct Liar;
    impl ringseal::sink::Sink for Liar {
        fn name(&self) -> &str {
            "liar"
        }
        fn write(
            &mut self,
            lines: ringseal::sink::Lines<'_>,
            _: ringseal::sink::Now,
        ) -> Result<(), ringseal::sink::WriteError> {
            let cause = ringseal::sink::SinkError::Stalled { target: "liar".into() };
            Err(ringseal::sink::WriteError { lines_written: lines.count() + 1000, cause })
        }
        fn flush(&mut self) -> Result<(), ringseal::sink::SinkError> {
            Ok(())
        }
        fn sync(&mut self) -> Result<(), ringseal::sink::SinkError> {
            Ok(())
        }
    }
    let engine = Engine::start(Config::new().output(Output::custom(Liar))).unwrap();
    for _ in 0..20 {
        info!(engine, "step");
        // Any answer is accepted, but there must be one.
        assert_ne!(engine.flush(), Err(ringseal::FlushError::Stopped));
    }
}

#[test]
fn a_hanging_sink_delays_no_other() {
    let gate = Gate::closed();
    let (stuck, stuck_log) = TestSink::gated(&gate);
    let working = MemorySink::new();
    let working_log = working.log();
    let overflow = [Overflow::Wait(Duration::from_secs(30)); Level::COUNT];
    let bound = Duration::from_millis(200);
    let config = Config::new()
        .output(Output::custom(stuck))
        .output(Output::custom(working))
        .overflow(overflow);
    let config = config.ring_bytes(64 << 10).flush_timeout(bound);
    let engine = Engine::start(config).unwrap();
    let start = Instant::now();
    for number in 0..5000 {
        info!(engine, "step", number);
    }
    support::wait_until("the working sink has everything", || {
        let _ = engine.flush();
        let bytes = working_log.bytes();
        bytes.windows(6).filter(|window| window == b"\"step\"").count() == 5000
    });
    // A producer that had to wait for the hanging sink would wait 30 s.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(engine.metrics().lost.total(), 0);
    gate.open();
    support::wait_until("the stuck sink has caught up", || engine.flush().is_ok());
    engine.stop().unwrap();
    let wanted: Vec<u64> = (0..5000).collect();
    for log in [working_log, stuck_log] {
        let events = parse(&log.bytes());
        assert_eq!(numbers(&named(&events, "step"), "number"), wanted);
    }
}

#[test]
fn a_sink_may_log_into_its_own_engine() {
    use parking_lot::Mutex;
    struct Chatty(Arc<Mutex<Option<ringseal::Logger>>>, u32);
    impl ringseal::sink::Sink for Chatty {
        fn name(&self) -> &str {
            "chatty"
        }
        fn write(
            &mut self,
            _: ringseal::sink::Lines<'_>,
            _: ringseal::sink::Now,
        ) -> Result<(), ringseal::sink::WriteError> {
            self.1 += 1;
            if let Some(log) = &*self.0.lock()
                && self.1 < 50
            {
                info!(log, "wrote", batch = self.1);
            }
            Ok(())
        }
        fn flush(&mut self) -> Result<(), ringseal::sink::SinkError> {
            Ok(())
        }
        fn sync(&mut self) -> Result<(), ringseal::sink::SinkError> {
            Ok(())
        }
    }
    let place = Arc::new(Mutex::new(None));
    let config = Config::new().output(Output::custom(Chatty(Arc::clone(&place), 0)));
    let engine = Engine::start(config).unwrap();
    *place.lock() = Some(engine.logger());
    info!(engine, "step");
    support::wait_until("the echo is over", || engine.metrics().events.total() == 50);
    engine.stop().unwrap();
}

#[test]
fn stderr_names_the_sink_that_lost_lines() {
    const TEST: &str = "stderr_names_the_sink_that_lost_lines";
    if role().is_some() {
        let behaviour = Arc::new(Behaviour::default());
        let (sink, _) = TestSink::boxed("unreliable", &behaviour);
        let engine = Engine::start(Config::new().output(Output::custom(sink))).unwrap();
        engine.flush().unwrap();
        behaviour.fails.store(true, Ordering::SeqCst);
        for number in 0..3 {
            info!(engine, "step", number);
        }
        assert!(engine.stop().is_err());
        return;
    }
    let mut command = child(TEST, "failing", std::path::Path::new(""));
    let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    // The three events and the report of the failure.
    let expected = "ringseal: stopped while unreliable was failing; 4 lines are lost\n";
    assert!(stderr.contains(expected), "{stderr}");
}
