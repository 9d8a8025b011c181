//! The writer thread, which runs turns and waits between them.
//!
//! A writer that reads shortly after the producers write makes every log call slower, because the ring's cache lines
//! move between the cores. A writer that sleeps long lets a burst fill its ring. So it continues at once only while
//! rings fill up, sleeps half a millisecond as long as records arrive, and doubles the sleep after each turn without
//! records, up to a bound that keeps an idle process below 0.1 % of a core.
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::link::Link;
use super::{Turn, Writer};
use ringseal_base::clock::Clock;
use ringseal_base::own_thread;
use ringseal_base::process::file_size::block_in_this_thread;

/// How the writer waits between turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Sleeps between turns: `min` while events arrive, up to `max` when none do.
    Sleep {
        /// The sleep while events arrive.
        min: Duration,
        /// The longest sleep when no events arrive.
        max: Duration,
    },
    /// Never sleeps, which takes a whole core for the writer.
    Spin,
}

impl Default for WaitStrategy {
    fn default() -> Self {
        WaitStrategy::Sleep { min: Duration::from_micros(500), max: Duration::from_millis(100) }
    }
}

/// Settings of the thread.
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
        // Dropped last, after the writer and its sinks.
        let _alive: Sender<()> = alive;
        block_in_this_thread();
        own_thread::mark();
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
    /// Waits at most `timeout` for the thread to end, because it closes the sinks and a hanging sink must not hang the
    /// host. Returns whether it has ended.
    pub fn join(self, timeout: Duration) -> bool {
        let is_ended = matches!(
            self.ended.recv_timeout(timeout),
            Err(crossbeam_channel::RecvTimeoutError::Disconnected)
        );
        if is_ended {
            // The panic hook has reported a panic of the thread.
            let _ = self.handle.join();
        }
        is_ended
    }
}

fn run(mut writer: Writer, link: &Link, clock: &dyn Clock, wait: WaitStrategy) {
    link.set_thread(std::thread::current());
    let mut pause = Duration::ZERO;
    writer.recover();
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

/// How often a writer that publishes the time wakes up for that. With the kernel's timer slack of 50 µs this keeps the
/// promised 100 µs. It touches no ring.
const PUBLISH_PAUSE: Duration = Duration::from_micros(25);

fn sleep(link: &Link, clock: &dyn Clock, pause: Duration, publishes_time: bool) {
    let start = std::time::Instant::now();
    link.set_asleep(true);
    loop {
        // During a long sleep producers use their own clocks.
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

#[cfg(all(feature = "affinity", not(any(target_os = "linux", target_os = "android"))))]
fn pin(_cpu: usize) -> std::io::Result<()> {
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "this system does not pin threads"))
}

#[cfg(all(feature = "affinity", any(target_os = "linux", target_os = "android")))]
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
    fn pauses_are_zero_under_pressure_and_double_idle() {
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
    fn reversed_and_unlimited_bounds_are_accepted() {
        let (min, max) = (Duration::from_secs(1), Duration::from_millis(1));
        assert_eq!(next_pause(Turn::default(), min, min, max), min);
        let unlimited = next_pause(Turn::default(), Duration::MAX, min, Duration::MAX);
        assert_eq!(unlimited, Duration::MAX);
    }
}
