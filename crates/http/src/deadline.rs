//! The end of a request's time.
//!
//! Promises: reads the monotonic clock; nothing allocates or blocks.
use std::io;
use std::time::{Duration, Instant};

/// A moment after which nothing more is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    /// The time that was allowed.
    pub(crate) allowed: Duration,
}

/// A longer time would overflow the clock of some systems.
const ALLOWED_MAX: Duration = Duration::from_secs(24 * 3600);

impl Deadline {
    pub(crate) fn after(allowed: Duration) -> Deadline {
        let allowed = allowed.min(ALLOWED_MAX);
        Deadline { end: Instant::now() + allowed, allowed }
    }

    /// The earlier of two.
    pub(crate) fn or(self, other: Deadline) -> Deadline {
        if other.end < self.end { other } else { self }
    }

    /// The time that is left; an error of kind `TimedOut` if none is.
    pub(crate) fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        // The system refuses a timeout of zero, and rounds one below its unit to it.
        if left < Duration::from_micros(1) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}
