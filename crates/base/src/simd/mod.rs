//! Vector instructions, and a cursor over a vector's spare capacity.
//!
//! The encoder classifies bytes while it copies them ([`Cursor`]). Redaction, hashing and the audit log pass separate
//! loops to [`run()`].
//!
//! Promises: every function here is safe to call with any argument, except the few that are marked `unsafe`
//! and stay inside this module. Only [`Cursor`] allocates, when its vector is full. Nothing blocks.
//!
//! Unsafe code is confined to this module because the safe version is measurably slower: an event of six
//! fragments and five values takes 25 ns this way, and 41 ns through `Vec::extend_from_slice` or an index into a
//! zeroed buffer (`benches/encode.rs`, group `event`). Each file with unsafe code lists its invariants.
#[cfg(all(target_arch = "x86_64", ringseal_avx512))]
#[clippy::msrv = "1.89"]
mod avx512;
mod block;
pub mod byte_class;
mod copy;
mod cursor;
#[cfg(target_arch = "x86_64")]
mod detect;
mod hex;
mod kernel;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod sha256;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use cursor::{Cursor, Room, SLACK};
#[cfg(target_arch = "x86_64")]
pub use hex::{hex16, unhex8, unhex16};
#[cfg(any(test, feature = "test-support"))]
pub use kernel::run_baseline;
pub use kernel::{Kernel, mask64, run};
pub use lanes::{ByteSets, Exact, Load64, Lookup};
pub use sha256::compress_pair as compress_sha256_pair;

#[cfg(target_arch = "aarch64")]
use neon::Neon as Native;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use portable::Words as Native;
#[cfg(target_arch = "x86_64")]
use x86::Sse2 as Native;

#[cfg(test)]
mod tests;
