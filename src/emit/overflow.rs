//! What happens when a ring is full.
//!
//! Promises: losing is immediate and counted. Waiting is bounded by the policy; it is the only thing on the
//! producer's side that may enter the kernel (to wake the writer, and to sleep). After a wait in vain a lane loses
//! without waiting until there is room again, so that a dead sink costs a thread one bound, not one per event.
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lane::{Lane, Written};
use crate::core::level::Level;
use crate::writer::link::Link;

/// Policy for one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Give the event up at once and count it.
    Lose,
    /// Wait for room, at most this long, then give the event up and count it.
    Wait(Duration),
}

impl Overflow {
    /// The default: up to 100 ms.
    pub const DEFAULT: Overflow = Overflow::Wait(Duration::from_millis(100));

    /// The default for every level.
    pub const fn default_levels() -> [Overflow; Level::COUNT] {
        [Overflow::DEFAULT; Level::COUNT]
    }

    /// Never waits below error; errors wait as by default.
    pub const fn latency_levels() -> [Overflow; Level::COUNT] {
        let mut levels = [Overflow::Lose; Level::COUNT];
        levels[Level::Error as usize] = Overflow::DEFAULT;
        levels[Level::Critical as usize] = Overflow::DEFAULT;
        levels
    }
}

/// Tries again until there is room or the policy's patience ends; counts what is lost.
#[cold]
#[inline(never)]
pub(super) fn retry(
    lane: &mut Lane,
    link: &Arc<Link>,
    policy: Overflow,
    level: Level,
    write: &mut dyn FnMut(&mut Lane) -> Written,
) {
    let patience = match policy {
        Overflow::Wait(patience) if !lane.is_losing() => patience,
        _ => return lane.lose(level),
    };
    lane.counters.waits.add(1);
    let start = Instant::now();
    let mut round = 0u32;
    loop {
        link.wake_if_asleep();
        pause(round);
        round += 1;
        match write(lane) {
            Written::Done => return,
            Written::TooLong | Written::NotPlain => return lane.lose(level),
            Written::Full => {}
        }
        if start.elapsed() >= patience || link.is_closed() {
            lane.set_losing();
            return lane.lose(level);
        }
    }
}

/// The longest pause: many threads that wait for one writer must leave it a core to work on.
const PAUSE_MAX: Duration = Duration::from_millis(2);

/// Gives way to the writer, for longer and longer.
pub(crate) fn pause(round: u32) {
    match round {
        0..4 => std::thread::yield_now(),
        _ => std::thread::sleep(
            (Duration::from_micros(20) * (1 << (round - 4).min(7))).min(PAUSE_MAX),
        ),
    }
}
