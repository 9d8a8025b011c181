//! The vector of processors without vector instructions: two words.
//!
//! Promises: safe code; nothing allocates or blocks.
use super::lanes::Lanes;

/// 16 bytes in two words. A flag is the top bit of its byte.
#[derive(Clone, Copy)]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
pub struct Words(pub(super) u64, pub(super) u64);

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
impl Words {
    #[inline(always)]
    pub(super) fn from_words(low: u64, high: u64) -> Self {
        Words(low, high)
    }

    #[inline(always)]
    fn each(self, of: impl Fn(u64) -> u64) -> Self {
        Self::from_words(of(self.0), of(self.1))
    }
}

impl Lanes for Words {
    // The subtractions borrow into the next byte, so that a flag there may be false.
    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        self.each(|word| {
            let differing = word ^ (LOW_BITS * u64::from(byte));
            differing.wrapping_sub(LOW_BITS) & !differing & HIGH_BITS
        })
    }

    #[inline(always)]
    fn control(self) -> Self {
        self.each(|word| word.wrapping_sub(LOW_BITS * 0x20) & !word & HIGH_BITS)
    }

    #[inline(always)]
    fn control_or_wide(self) -> Self {
        self.each(|word| (word.wrapping_sub(LOW_BITS * 0x20) | word) & HIGH_BITS)
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self::from_words(self.0 | other.0, self.1 | other.1)
    }

    #[inline(always)]
    fn mask(self) -> u64 {
        // The eight flags, one a byte, gathered in the product's top byte.
        let gather = |flags: u64| (flags >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        gather(self.0.to_le()) | gather(self.1.to_le()) << 8
    }
}
