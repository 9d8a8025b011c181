//! Pauses between attempts that double up to a bound.
//!
//! Promises: safe code; nothing allocates or blocks; no clock is read.
use std::time::Duration;

/// The pauses after consecutive failures: the first is `min`, each next one twice as long, up to `max`.
///
/// ```
/// use std::time::Duration;
/// use ringseal_base::backoff::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(25));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(10));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(20));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(25));
/// backoff.reset();
/// assert_eq!(backoff.next_pause(), Duration::from_millis(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses from `min` to `max`.
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        pause
    }

    /// Starts over with the shortest pause, after an attempt that succeeded.
    pub fn reset(&mut self) {
        self.next = self.min;
    }
}
