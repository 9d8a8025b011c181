//! Compares a rate with 56 bits of randomness, and generates randomness.
use crate::core::sampling::trace::RANDOM_BITS;

/// Whether an event with this randomness (56 bits) is kept at this rate.
///
/// Follows OpenTelemetry's consistent probability sampling (specification, "TraceState: Probability Sampling"): with
/// the rejection threshold T = (1 − rate) · 2⁵⁶, randomness R is kept if R ≥ T. So a trace that is kept at one rate is
/// kept at every higher rate, on every host and by every program that follows the specification.
///
/// ```
/// use ringseal::sample::keeps;
/// let randomness = 0xc0_0000_0000_0000; // 0.75 of the range
/// assert!(keeps(0.5, randomness) && keeps(0.25, randomness) && !keeps(0.2, randomness));
/// ```
#[inline]
pub fn keeps(rate: f64, randomness: u64) -> bool {
    randomness & (WHOLE - 1) >= threshold(rate)
}

/// The T of [`keeps`]: 0 keeps all, 2⁵⁶ nothing.
#[inline]
pub(crate) fn threshold(rate: f64) -> u64 {
    // Saturates: a rate above 1 keeps all; a rate below 0 and NaN keep nothing.
    WHOLE - ((rate * WHOLE as f64) as u64).min(WHOLE)
}

const WHOLE: u64 = 1 << RANDOM_BITS;

/// Randomness for events without a trace id: SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence that depends only on the seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 56 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.word() >> (64 - RANDOM_BITS)
    }

    /// The next 64 bits.
    #[inline]
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }
}
