//! Within a thread the order is exact; across threads a later event comes later in the log.
mod support;

use std::sync::mpsc;

use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Engine, Level, Output, Overflow, Timestamps, info};
use support::{named, parse};

const PATIENT: [Overflow; Level::COUNT] =
    [Overflow::Wait(std::time::Duration::from_secs(30)); Level::COUNT];

#[test]
fn order_within_a_thread_is_exact() {
    const THREADS: u64 = 6;
    const EVENTS: u64 = 3000;
    for timestamps in [Timestamps::Exact, Timestamps::Coarse] {
        let sink = MemorySink::new();
        let log = sink.log();
        let config = Config::new().output(Output::custom(sink)).timestamps(timestamps);
        // A small ring, so that laps end and threads wait.
        let config = config.ring_bytes(16 << 10).overflow(PATIENT);
        let engine = Engine::start(config).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let engine = &engine;
                scope.spawn(move || {
                    for number in 0..EVENTS {
                        let text = "x".repeat((number % 97) as usize);
                        info!(engine, "step", thread, number, text);
                    }
                });
            }
        });
        engine.stop().unwrap();
        let events = parse(&log.bytes());
        assert_eq!(events.len() as u64, THREADS * EVENTS);
        let mut next = [0; THREADS as usize];
        let mut last_time = vec![String::new(); THREADS as usize];
        for event in &events {
            let thread = event["thread"].as_u64().unwrap() as usize;
            assert_eq!(event["number"], next[thread], "thread {thread}, {timestamps:?}");
            next[thread] += 1;
            let time = event["timestamp"].as_str().unwrap();
            assert!(last_time[thread].as_str() <= time, "time runs backwards in thread {thread}");
            time.clone_into(&mut last_time[thread]);
        }
    }
}

#[test]
fn an_answer_never_precedes_its_question() {
    const ROUNDS: u64 = 5000;
    let sink = MemorySink::new();
    let log = sink.log();
    let engine =
        Engine::start(Config::new().output(Output::custom(sink)).overflow(PATIENT)).unwrap();
    let (ask, asked) = mpsc::sync_channel(1);
    let (answer, answered) = mpsc::sync_channel(1);
    std::thread::scope(|scope| {
        let engine = &engine;
        scope.spawn(move || {
            engine.prepare_thread();
            for round in asked {
                info!(engine, "answered", round);
                answer.send(round).unwrap();
            }
        });
        scope.spawn(move || {
            engine.prepare_thread();
            for round in 0..ROUNDS {
                info!(engine, "asked", round);
                ask.send(round).unwrap();
                assert_eq!(answered.recv().unwrap(), round);
            }
        });
    });
    engine.stop().unwrap();
    let events = parse(&log.bytes());
    assert_eq!(named(&events, "answered").len() as u64, ROUNDS);
    for (index, event) in events.iter().enumerate() {
        let expected = if index % 2 == 0 { "asked" } else { "answered" };
        assert_eq!(
            (event["event"].as_str(), event["round"].as_u64()),
            (Some(expected), Some(index as u64 / 2)),
            "line {index}"
        );
    }
}
