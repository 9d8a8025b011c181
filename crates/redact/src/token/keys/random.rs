//! The source of nonces and new keys.

use std::io;

/// A source of random bytes. Tests use their own.
pub trait Randomness: Send + Sync {
    /// Fills `bytes`. They must be unpredictable: tokens and keys are only as secret as they are.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The operating system's random bytes: `getrandom(2)` and its equivalents. Blocks until the system has
/// gathered enough entropy after its start, never later.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }
}
