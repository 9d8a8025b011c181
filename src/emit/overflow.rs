//! What happens when a ring is full.
//!
//! Promises: a lost event is counted at once. Waiting is bounded by the policy. Only a waiting producer makes system
//! calls: to wake the writer, and to sleep. After a wait that timed out, a lane loses events without waiting until
//! there is space again, so a dead sink costs a thread one wait, not one per event.
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lane::{Lane, WriteResult};
use crate::core::level::Level;
use crate::writer::link::Link;

/// Policy for one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Drop the event at once and count it as lost.
    Lose,
    /// Wait for space, at most this long, then drop the event and count it as lost.
    Wait(Duration),
}

impl Overflow {
    /// The default: up to 100 ms.
    pub const DEFAULT: Overflow = Overflow::Wait(Duration::from_millis(100));

    /// The default for every level.
    pub const fn default_levels() -> [Overflow; Level::COUNT] {
        [Overflow::DEFAULT; Level::COUNT]
    }

    /// Never waits below error; error and critical wait as by default.
    pub const fn latency_levels() -> [Overflow; Level::COUNT] {
        let mut levels = [Overflow::Lose; Level::COUNT];
        levels[Level::Error as usize] = Overflow::DEFAULT;
        levels[Level::Critical as usize] = Overflow::DEFAULT;
        levels
    }
}

/// Calls `write` until there is space or the policy's time is over; then counts the event as lost.
#[cold]
#[inline(never)]
pub(super) fn retry(
    lane: &mut Lane,
    link: &Arc<Link>,
    policy: Overflow,
    level: Level,
    write: &mut dyn FnMut(&mut Lane) -> WriteResult,
) {
    let wait_max = match policy {
        Overflow::Wait(wait_max) if !lane.is_losing() => wait_max,
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
            WriteResult::Written | WriteResult::NotKept | WriteResult::Refused => return,
            WriteResult::TooLong => return lane.lose(level),
            WriteResult::Full => {}
        }
        if start.elapsed() >= wait_max || link.is_closed() {
            lane.set_losing();
            return lane.lose(level);
        }
    }
}

/// The longest pause. Many waiting threads must leave a core to the writer.
const PAUSE_MAX: Duration = Duration::from_millis(2);

/// Pauses for the writer: longer with each round.
pub(crate) fn pause(round: u32) {
    match round {
        0..4 => std::thread::yield_now(),
        _ => std::thread::sleep(
            (Duration::from_micros(20) * (1 << (round - 4).min(7))).min(PAUSE_MAX),
        ),
    }
}
