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
    /// Both flags.
    fn and(self, other: Self) -> Self;
    /// All bytes with the bits of `byte` set.
    fn with_bits(self, byte: u8) -> Self;
    /// Bytes from `first` to `last`.
    fn within(self, first: u8, last: u8) -> Self;
    /// ASCII bytes above `byte`, which is ASCII.
    fn ascii_above(self, byte: u8) -> Self;
}

/// Eight sets of ASCII bytes, a bit each, and what finds them.
///
/// A set consists of all pairs of one of its high nibbles with one of its low ones: then two tables of
/// sixteen suffice.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) struct ByteSets {
    /// By a low nibble, the sets that it may be of.
    pub(super) low: [u8; 16],
    /// By a high nibble.
    pub(super) high: [u8; 16],
    /// By the byte, in halves.
    pub(super) ascii: [[u8; 64]; 2],
}

impl ByteSets {
    /// The sets given as high and low nibbles, the first one for bit 0. At most eight.
    pub(crate) const fn new<const N: usize>(sets: [(&[u8], &[u8]); N]) -> ByteSets {
        let mut all = ByteSets { low: [0; 16], high: [0; 16], ascii: [[0; 64]; 2] };
        let mut bit = 0;
        while bit < N {
            let (high, low) = sets[bit];
            let mut i = 0;
            while i < high.len() {
                all.high[high[i] as usize] |= 1 << bit;
                i += 1;
            }
            i = 0;
            while i < low.len() {
                all.low[low[i] as usize] |= 1 << bit;
                i += 1;
            }
            bit += 1;
        }
        let mut byte = 0;
        while byte < 128 {
            all.ascii[byte >> 6][byte & 63] = all.high[byte >> 4] & all.low[byte & 15];
            byte += 1;
        }
        all
    }
}

/// Bytes that can be looked up in tables.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) trait Lookup: Copy {
    /// The tables of eight sets in registers.
    type Table: Copy;
    /// Loads them.
    fn table(sets: &ByteSets) -> Self::Table;
    /// For each byte the sets that it is of; none from 0x80 on.
    fn look(self, table: Self::Table) -> Self;
    /// Which bytes have any of `bits`.
    fn any_of(self, bits: u8) -> u64;
    /// The same, or for which `one` and `other` have a bit in common.
    fn any_of_or_meet(self, bits: u8, one: Self, other: Self) -> u64;
    /// All with these bits.
    fn with(self, bits: u8) -> Self;
    /// Which bytes are ASCII and above `byte`, which is ASCII.
    fn above(self, byte: u8) -> u64;
}

/// Lanes that can look nibbles up.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) trait Shuffle: Exact {
    /// Two tables of sixteen.
    type Table: Copy;
    /// Loads them.
    fn load_table(sets: &ByteSets) -> Self::Table;
    /// See [`Lookup::look`].
    fn shuffled(self, table: Self::Table) -> Self;
    /// The bits of each byte that `byte` has too.
    fn masked(self, byte: u8) -> Self;
    /// Each byte plus `byte`, or 255.
    fn plus(self, byte: u8) -> Self;
    /// Sets the top bit of each byte that has any of `bits`, and of no other.
    #[inline(always)]
    fn raised(self, bits: u8) -> Self {
        let lowest = bits & bits.wrapping_neg();
        // Where these are all the bits from some place on, no other can carry that far.
        let rest = if bits.wrapping_add(lowest) == 0 { self } else { self.masked(bits) };
        rest.plus(0x80 - lowest)
    }
}

impl<L: Shuffle> Lookup for L {
    type Table = <L as Shuffle>::Table;

    #[inline(always)]
    fn table(sets: &ByteSets) -> Self::Table {
        L::load_table(sets)
    }

    #[inline(always)]
    fn look(self, table: Self::Table) -> Self {
        self.shuffled(table)
    }

    #[inline(always)]
    fn any_of(self, bits: u8) -> u64 {
        self.raised(bits).mask()
    }

    #[inline(always)]
    fn any_of_or_meet(self, bits: u8, one: Self, other: Self) -> u64 {
        self.masked(bits).or(one.and(other)).plus(0x7F).mask()
    }

    #[inline(always)]
    fn with(self, bits: u8) -> Self {
        self.with_bits(bits)
    }

    #[inline(always)]
    fn above(self, byte: u8) -> u64 {
        self.ascii_above(byte).mask()
    }
}

/// Lanes that 64 bytes can be read into.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) trait Load64: Copy {
    /// Reads them.
    fn load(bytes: &[u8; 64]) -> Self;
}

/// Two vectors side by side.
#[derive(Clone, Copy)]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) struct Pair<L>(pub(super) L, pub(super) L);

/// Methods that do the same to both.
macro_rules! both {
    ($(fn $method:ident($self:ident $(, $arg:ident: $type:ty)*);)*) => {
        $(
            #[inline(always)]
            fn $method($self $(, $arg: $type)*) -> Self {
                Pair($self.0.$method($($arg),*), $self.1.$method($($arg),*))
            }
        )*
    };
}

impl<L: Lanes> Lanes for Pair<L> {
    both! {
        fn equal(self, byte: u8);
        fn control(self);
        fn control_or_wide(self);
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Pair(self.0.or(other.0), self.1.or(other.1))
    }

    #[inline(always)]
    fn mask(self) -> u64 {
        self.0.mask() | self.1.mask() << size_of::<L>()
    }
}

impl<L: Exact> Exact for Pair<L> {
    both! {
        fn with_bits(self, byte: u8);
        fn within(self, first: u8, last: u8);
        fn ascii_above(self, byte: u8);
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Pair(self.0.and(other.0), self.1.and(other.1))
    }
}

impl<L: Lookup> Lookup for Pair<L> {
    type Table = L::Table;

    both! {
        fn look(self, table: L::Table);
        fn with(self, bits: u8);
    }

    #[inline(always)]
    fn table(sets: &ByteSets) -> L::Table {
        L::table(sets)
    }

    #[inline(always)]
    fn any_of(self, bits: u8) -> u64 {
        self.0.any_of(bits) | self.1.any_of(bits) << size_of::<L>()
    }

    #[inline(always)]
    fn any_of_or_meet(self, bits: u8, one: Self, other: Self) -> u64 {
        let high = self.1.any_of_or_meet(bits, one.1, other.1);
        self.0.any_of_or_meet(bits, one.0, other.0) | high << size_of::<L>()
    }

    #[inline(always)]
    fn above(self, byte: u8) -> u64 {
        self.0.above(byte) | self.1.above(byte) << size_of::<L>()
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
