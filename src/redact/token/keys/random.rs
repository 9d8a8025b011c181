//! Where nonces and new keys come from.

use std::io;

/// Random bytes. Tests bring their own.
pub trait Randomness: Send + Sync {
    /// Fills `bytes`. Whoever can foretell them can break what is made from them.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The operating system's random bytes: `getrandom(2)` and its kin. Blocks until the system has gathered
/// enough entropy after its start, never later.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }
}
