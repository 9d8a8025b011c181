//! The writer's own thread: turn after turn, and how it waits in between.
//!
//! A writer that reads close behind the producers makes every log call dearer, because the ring's cache lines move
//! back and forth; one that sleeps long lets a burst fill its ring. So it goes on at once only while rings fill up,
//! sleeps half a millisecond as long as something comes, and twice as long after each turn that found nothing, up to
//! a bound that keeps an idle process below 0.1 % of a core.
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::link::Link;
use super::{Turn, Writer};
use crate::core::clock::Clock;

/// How the writer waits between turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Sleeps, from `min` while events come to `max` when none do.
    Sleep {
        /// While events come.
        min: Duration,
        /// When none have come for a while.
        max: Duration,
    },
    /// Never sleeps: a core of its own for the writer.
    Spin,
}

impl Default for WaitStrategy {
    fn default() -> Self {
        WaitStrategy::Sleep { min: Duration::from_micros(500), max: Duration::from_millis(100) }
    }
}

/// How the thread is set up.
#[derive(Debug, Clone, Default)]
pub struct ThreadConfig {
    /// The thread's name.
    pub name: String,
    /// How it waits.
    pub wait: WaitStrategy,
    /// The core to run on. Needs the feature `affinity`.
    pub cpu: Option<usize>,
}

/// Starts the thread; `make` builds the writer on it.
pub fn spawn(
    config: ThreadConfig,
    link: Arc<Link>,
    clock: Arc<dyn Clock>,
    make: impl FnOnce() -> Writer + Send + 'static,
) -> std::io::Result<WriterThread> {
    // The system's names end at a NUL; the standard library panics over one.
    let name = config.name.replace('\0', "");
    let (alive, ended) = bounded(0);
    let handle = std::thread::Builder::new().name(name).spawn(move || {
        // Dropped last, after the writer with its sinks.
        let _alive: Sender<()> = alive;
        #[cfg(feature = "affinity")]
        if let Some(cpu) = config.cpu
            && let Err(error) = pin(cpu)
        {
            link.stderr.write(format_args!("cannot run the writer on core {cpu}: {error}"));
        }
        run(make(), &link, &*clock, config.wait);
    })?;
    Ok(WriterThread { handle, ended })
}

/// The running thread.
#[derive(Debug)]
pub struct WriterThread {
    handle: JoinHandle<()>,
    ended: Receiver<()>,
}

impl WriterThread {
    /// Waits for its end, at most `patience`: sinks are closed there, and one that hangs must not hang the host. Says
    /// whether it has ended.
    pub fn join(self, patience: Duration) -> bool {
        let is_ended = matches!(
            self.ended.recv_timeout(patience),
            Err(crossbeam_channel::RecvTimeoutError::Disconnected)
        );
        if is_ended {
            // A panic of its own has been reported by the hook.
            let _ = self.handle.join();
        }
        is_ended
    }
}

fn run(mut writer: Writer, link: &Link, clock: &dyn Clock, wait: WaitStrategy) {
    link.set_thread(std::thread::current());
    let mut pause = Duration::ZERO;
    loop {
        let turn = writer.step(clock.ticks());
        if turn.is_stopped {
            break;
        }
        match wait {
            WaitStrategy::Spin => std::hint::spin_loop(),
            WaitStrategy::Sleep { min, max } => {
                pause = next_pause(turn, pause, min, max);
                if !pause.is_zero() {
                    sleep(link, clock, pause, writer.publishes_time() && pause <= min);
                }
            }
        }
    }
    link.coarse.publish(0);
}

/// How long to sleep after `turn`, when the last sleep was `last`.
fn next_pause(turn: Turn, last: Duration, min: Duration, max: Duration) -> Duration {
    if turn.is_pressed {
        return Duration::ZERO;
    }
    if turn.records > 0 || turn.is_waiting {
        return min;
    }
    last.saturating_mul(2).min(max).max(min)
}

/// How often a writer that publishes the time wakes to do so. With the kernel's slack of 50 µs for timers this keeps
/// the promised 100 µs; it touches no ring.
const PUBLISH_PAUSE: Duration = Duration::from_micros(25);

fn sleep(link: &Link, clock: &dyn Clock, pause: Duration, publishes_time: bool) {
    let start = std::time::Instant::now();
    link.set_asleep(true);
    loop {
        // A writer that sleeps long leaves producers to their own clocks.
        link.coarse.publish(if publishes_time { clock.ticks() } else { 0 });
        if link.is_called() {
            break;
        }
        let left = pause.saturating_sub(start.elapsed());
        if left.is_zero() {
            break;
        }
        std::thread::park_timeout(if publishes_time { left.min(PUBLISH_PAUSE) } else { left });
        if !link.may_sleep() {
            break;
        }
    }
    link.set_asleep(false);
}

#[cfg(feature = "affinity")]
fn pin(cpu: usize) -> std::io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

#[cfg(test)]
mod tests {
    use super::{Turn, next_pause};
    use std::time::Duration;

    #[test]
    fn the_writer_hurries_under_pressure_and_calms_down_step_by_step() {
        let (min, max) = (Duration::from_micros(20), Duration::from_millis(10));
        let idle = Turn::default();
        let busy = Turn { records: 1, ..idle };
        let pressed = Turn { is_pressed: true, ..busy };
        assert_eq!(next_pause(pressed, max, min, max), Duration::ZERO);
        assert_eq!(next_pause(busy, max, min, max), min);
        assert_eq!(next_pause(idle, Duration::ZERO, min, max), min);
        assert_eq!(next_pause(idle, min, min, max), min * 2);
        assert_eq!(next_pause(idle, max, min, max), max);
    }

    #[test]
    fn bounds_the_wrong_way_round_or_without_end_bring_nothing_down() {
        let (min, max) = (Duration::from_secs(1), Duration::from_millis(1));
        assert_eq!(next_pause(Turn::default(), min, min, max), min);
        let for_ever = next_pause(Turn::default(), Duration::MAX, min, Duration::MAX);
        assert_eq!(for_ever, Duration::MAX);
    }
}
