//! What a vector of bytes can do, whatever its instructions; and the portable one.
//!
//! Promises: safe code, no memory, no state. Bits and flags stand in the order of the bytes, the
//! first one lowest.

/// A vector of bytes of which a class of bytes can be told.
pub(crate) trait Lanes: Copy {
    /// Bytes equal to `byte`, which is ASCII.
    fn equal(self, byte: u8) -> Self;
    /// Bytes below 0x20.
    fn control(self) -> Self;
    /// Bytes below 0x20 and bytes from 0x80 on: one signed comparison.
    fn control_or_wide(self) -> Self;
    /// Either flag.
    fn or(self, other: Self) -> Self;
    /// Flags to bits, the first byte lowest. Beside a true flag there may be false ones.
    fn mask(self) -> u64;
    /// Whether there is a flag.
    #[inline(always)]
    fn any(self) -> bool {
        self.mask() != 0
    }
}

/// Bytes that a copy must stop at. A class is a type, so that each copy is compiled for one.
pub(crate) trait Class {
    /// The flags of this class.
    fn flags<L: Lanes>(block: L) -> L;
}

/// Lanes without false flags, and more questions to them.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) trait Exact: Lanes {
    /// Both flags, or the bits that both have.
    fn and(self, other: Self) -> Self;
    /// All bytes with the bits of `byte` set.
    fn with_bits(self, byte: u8) -> Self;
    /// Bytes from `first` to `last`.
    fn within(self, first: u8, last: u8) -> Self;
    /// ASCII bytes above `byte`, which is ASCII.
    fn ascii_above(self, byte: u8) -> Self;
}

/// Lanes that can look each byte up in a table of sixteen.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) trait Lookup: Exact {
    /// Sixteen values, as often as there is room.
    type Table: Copy;
    /// The table of `values`.
    fn table(values: &[u8; 16]) -> Self::Table;
    /// The value of each byte's low four bits, and 0 for bytes from 0x80 on.
    fn of_low(self, table: Self::Table) -> Self;
    /// The value of each byte's high four bits.
    fn of_high(self, table: Self::Table) -> Self;
    /// The bits of each byte that `byte` has too.
    fn masked(self, byte: u8) -> Self;
    /// Each byte plus `byte`, or 255.
    fn plus(self, byte: u8) -> Self;
    /// Moves bits up by `BITS`; what enters a byte from below may be anything.
    fn up<const BITS: i32>(self) -> Self;
    /// The top bit of each byte.
    fn tops(self) -> u64;
}

/// Lanes that 64 bytes can be read into.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) trait Load64: Lanes {
    /// Reads them.
    fn load(bytes: &[u8; 64]) -> Self;
}

/// Work on 64 bytes at a time that is compiled for each set of instructions.
///
/// Every function that it calls with a `V` must be `#[inline(always)]`: only so is it compiled with
/// the instructions that `V` stands for.
pub(crate) trait Kernel {
    /// What the work gives.
    type Out;
    /// Where bytes can be looked up.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    fn with_lookup<V: Lookup + Load64>(self) -> Self::Out;
    /// Where they can only be compared.
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
    fn with_exact<V: Exact + Load64>(self) -> Self::Out;
    /// Where nothing is known.
    #[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
    fn portable(self) -> Self::Out;
}

/// 64 bytes in as many blocks as it takes.
#[derive(Clone, Copy)]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) struct Wide<L, const N: usize>(pub(super) [L; N]);

#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
impl<L: Lanes, const N: usize> Wide<L, N> {
    #[inline(always)]
    fn each(self, of: impl Fn(L) -> L) -> Self {
        Wide(self.0.map(of))
    }

    #[inline(always)]
    fn pairs(self, other: Self, of: impl Fn(L, L) -> L) -> Self {
        Wide(::core::array::from_fn(|i| of(self.0[i], other.0[i])))
    }

    #[inline(always)]
    fn bits(self, of: impl Fn(L) -> u64) -> u64 {
        let all = self.0.into_iter().enumerate();
        all.fold(0, |bits, (i, lanes)| bits | of(lanes) << (64 / N * i))
    }
}

impl<L: Lanes, const N: usize> Lanes for Wide<L, N> {
    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        self.each(|lanes| lanes.equal(byte))
    }

    #[inline(always)]
    fn control(self) -> Self {
        self.each(L::control)
    }

    #[inline(always)]
    fn control_or_wide(self) -> Self {
        self.each(L::control_or_wide)
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.pairs(other, L::or)
    }

    #[inline(always)]
    fn mask(self) -> u64 {
        self.bits(L::mask)
    }
}

impl<L: Exact, const N: usize> Exact for Wide<L, N> {
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self.pairs(other, L::and)
    }

    #[inline(always)]
    fn with_bits(self, byte: u8) -> Self {
        self.each(|lanes| lanes.with_bits(byte))
    }

    #[inline(always)]
    fn within(self, first: u8, last: u8) -> Self {
        self.each(|lanes| lanes.within(first, last))
    }

    #[inline(always)]
    fn ascii_above(self, byte: u8) -> Self {
        self.each(|lanes| lanes.ascii_above(byte))
    }
}

impl<L: Lookup, const N: usize> Lookup for Wide<L, N> {
    type Table = L::Table;

    #[inline(always)]
    fn table(values: &[u8; 16]) -> L::Table {
        L::table(values)
    }

    #[inline(always)]
    fn of_low(self, table: L::Table) -> Self {
        self.each(|lanes| lanes.of_low(table))
    }

    #[inline(always)]
    fn of_high(self, table: L::Table) -> Self {
        self.each(|lanes| lanes.of_high(table))
    }

    #[inline(always)]
    fn masked(self, byte: u8) -> Self {
        self.each(|lanes| lanes.masked(byte))
    }

    #[inline(always)]
    fn plus(self, byte: u8) -> Self {
        self.each(|lanes| lanes.plus(byte))
    }

    #[inline(always)]
    fn up<const BITS: i32>(self) -> Self {
        self.each(L::up::<BITS>)
    }

    #[inline(always)]
    fn tops(self) -> u64 {
        self.bits(L::tops)
    }
}

/// The portable block: two words, one flag bit a byte.
#[derive(Clone, Copy)]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
pub(crate) struct Words(pub(super) u64, pub(super) u64);

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
