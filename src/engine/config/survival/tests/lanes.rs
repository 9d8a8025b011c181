//! The threads that log, one event after the other. Each thread has its own lane.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::emit::Logger;
use crate::{Context, Level, event, fields};
use ringseal_base::clock::ManualClock;

pub(super) const LANES: usize = 2;

/// Whether an event is in the second log.
pub(super) fn is_warning(number: u64) -> bool {
    number % 4 == 1
}

pub(super) struct Lanes(Vec<Lane>);

struct Lane {
    events: Option<Sender<u64>>,
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Lanes {
    /// Starts the threads; `logged` has how many events each has logged.
    pub(super) fn start(
        logger: &Logger,
        (life, clock): (usize, &Arc<ManualClock>),
        logged: &Arc<[AtomicU64; LANES]>,
    ) -> Lanes {
        let lane = |lane: usize| {
            let (events, requests) = bounded::<u64>(1);
            let (answers, done) = bounded(1);
            let logger = logger.clone();
            let (clock, logged) = (Arc::clone(clock), Arc::clone(logged));
            let thread = std::thread::spawn(move || {
                let bound = logger.bind(fields! { bound = lane });
                for count in requests {
                    for _ in 0..count {
                        let number = logged[lane].load(Ordering::SeqCst);
                        clock.advance(1000);
                        log((&logger, &bound), (life, lane), number);
                        logged[lane].store(number + 1, Ordering::SeqCst);
                    }
                    answers.send(()).unwrap();
                }
            });
            Lane { events: Some(events), done, thread: Some(thread) }
        };
        Lanes((0..LANES).map(lane).collect())
    }

    /// Each thread logs this many events.
    pub(super) fn log(&self, count: u64) {
        for lane in &self.0 {
            lane.events.as_ref().unwrap().send(count).unwrap();
            lane.done.recv().unwrap();
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.events = None;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn log((logger, bound): (&Logger, &Logger), (life, lane): (usize, usize), number: u64) {
    let text = "x".repeat((number * 37 % 90) as usize);
    let text = text.as_str();
    match number % 3 {
        _ if is_warning(number) => event!(bound, Level::Warn, "tick", life, lane, number),
        0 => event!(bound, Level::Info, "tick", life, lane, number, text),
        1 => event!(logger, Level::Info, "tick", life, lane, number, text),
        _ => {
            let _scope = Context::new().with(fields! { request = number }).enter();
            event!(bound, Level::Info, "tick", life, lane, number, text);
        }
    }
}

/// Whether a line has the fields that were bound when its event was logged.
pub(super) fn has_contexts(line: &serde_json::Value, lane: usize, number: u64) -> bool {
    let is_plain = is_warning(number);
    let (has_bound, has_request) = (is_plain || number % 3 != 1, !is_plain && number % 3 == 2);
    line["bound"].as_u64() == has_bound.then_some(lane as u64)
        && line["request"].as_u64() == has_request.then_some(number)
}
