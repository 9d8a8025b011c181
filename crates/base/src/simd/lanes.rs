//! The operations of a vector of bytes, independent of the instruction set.
//!
//! Promises: safe code without state; nothing allocates or blocks. Bits and flags are in the order of the bytes,
//! the first one lowest.

/// A vector of bytes that can be classified.
pub trait Lanes: Copy {
    /// Bytes equal to `byte`, which is ASCII.
    fn equal(self, byte: u8) -> Self;
    /// Bytes below 0x20.
    fn control(self) -> Self;
    /// Bytes below 0x20 and bytes from 0x80 on: one signed comparison.
    fn control_or_wide(self) -> Self;
    /// Either flag.
    fn or(self, other: Self) -> Self;
    /// Flags as bits, the first byte lowest. Flags beside a true one may be wrong.
    fn mask(self) -> u64;
    /// Whether any flag is set.
    #[inline(always)]
    fn any(self) -> bool {
        self.mask() != 0
    }
}

/// Lanes whose flags are exact, with more comparisons.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub trait Exact: Lanes {
    /// Both flags.
    fn and(self, other: Self) -> Self;
    /// All bytes with the bits of `byte` set.
    fn with_bits(self, byte: u8) -> Self;
    /// Bytes from `first` to `last`.
    fn within(self, first: u8, last: u8) -> Self;
    /// ASCII bytes above `byte`, which is ASCII.
    fn ascii_above(self, byte: u8) -> Self;
}

/// Eight sets of ASCII bytes, a bit each, as lookup tables.
///
/// A set consists of all combinations of its high nibbles and its low nibbles, so two tables of sixteen suffice.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub struct ByteSets {
    /// For each low nibble, the sets that it may belong to.
    pub(super) low: [u8; 16],
    /// For each high nibble, the sets that it may belong to.
    pub(super) high: [u8; 16],
    /// For each byte, its sets, in two halves.
    pub(super) ascii: [[u8; 64]; 2],
}

impl ByteSets {
    /// At most eight sets, each given as its high and its low nibbles. The first one gets bit 0.
    pub const fn new<const N: usize>(sets: [(&[u8], &[u8]); N]) -> ByteSets {
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

/// Vectors whose bytes can be looked up in tables.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub trait Lookup: Copy {
    /// The tables of eight sets in registers.
    type Table: Copy;
    /// Loads the tables.
    fn table(sets: &ByteSets) -> Self::Table;
    /// The sets that each byte belongs to; none for bytes from 0x80 on.
    fn lookup(self, table: Self::Table) -> Self;
    /// The bytes that have any of `bits`.
    fn any_of(self, bits: u8) -> u64;
    /// The bytes that have any of `bits`, or for which `one` and `other` have a bit in common.
    fn any_of_or_common(self, bits: u8, one: Self, other: Self) -> u64;
    /// The bits that each byte has in common with the byte of `other`.
    fn common(self, other: Self) -> Self;
    /// All bytes with these bits set.
    fn with(self, bits: u8) -> Self;
    /// The bytes that are ASCII and above `byte`, which is ASCII.
    fn above(self, byte: u8) -> u64;
    /// The bytes that are `byte`, which is ASCII.
    fn only(self, byte: u8) -> u64;
    /// The bytes that are `byte` or the next one, which are ASCII.
    fn either(self, byte: u8) -> u64;
}

/// Lanes that can look up nibbles.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub trait Shuffle: Exact {
    /// Two tables of sixteen.
    type Table: Copy;
    /// Loads the tables.
    fn load_table(sets: &ByteSets) -> Self::Table;
    /// See [`Lookup::lookup`].
    fn shuffled(self, table: Self::Table) -> Self;
    /// The bits that each byte has in common with `byte`.
    fn masked(self, byte: u8) -> Self;
    /// Each byte plus `byte`, at most 255.
    fn plus(self, byte: u8) -> Self;
    /// Sets the top bit of exactly the bytes that have any of `bits`.
    #[inline(always)]
    fn raised(self, bits: u8) -> Self {
        let lowest = bits & bits.wrapping_neg();
        // If `bits` are all bits from some position up, no lower bit can carry that far.
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
    fn lookup(self, table: Self::Table) -> Self {
        self.shuffled(table)
    }

    #[inline(always)]
    fn any_of(self, bits: u8) -> u64 {
        self.raised(bits).mask()
    }

    #[inline(always)]
    fn any_of_or_common(self, bits: u8, one: Self, other: Self) -> u64 {
        self.masked(bits).or(one.and(other)).plus(0x7F).mask()
    }

    #[inline(always)]
    fn common(self, other: Self) -> Self {
        self.and(other)
    }

    #[inline(always)]
    fn with(self, bits: u8) -> Self {
        self.with_bits(bits)
    }

    #[inline(always)]
    fn above(self, byte: u8) -> u64 {
        self.ascii_above(byte).mask()
    }

    #[inline(always)]
    fn only(self, byte: u8) -> u64 {
        self.equal(byte).mask()
    }

    #[inline(always)]
    fn either(self, byte: u8) -> u64 {
        self.equal(byte).or(self.equal(byte + 1)).mask()
    }
}

/// Lanes that 64 bytes can be loaded into.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub trait Load64: Copy {
    /// Loads the bytes.
    fn load(bytes: &[u8; 64]) -> Self;
}

/// Two vectors side by side.
#[derive(Clone, Copy)]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub struct Pair<L>(pub(super) L, pub(super) L);

/// Methods that apply to both halves.
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
        fn lookup(self, table: L::Table);
        fn with(self, bits: u8);
    }

    #[inline(always)]
    fn table(sets: &ByteSets) -> L::Table {
        L::table(sets)
    }

    #[inline(always)]
    fn common(self, other: Self) -> Self {
        Pair(self.0.common(other.0), self.1.common(other.1))
    }

    #[inline(always)]
    fn any_of(self, bits: u8) -> u64 {
        self.0.any_of(bits) | self.1.any_of(bits) << size_of::<L>()
    }

    #[inline(always)]
    fn any_of_or_common(self, bits: u8, one: Self, other: Self) -> u64 {
        let high = self.1.any_of_or_common(bits, one.1, other.1);
        self.0.any_of_or_common(bits, one.0, other.0) | high << size_of::<L>()
    }

    #[inline(always)]
    fn above(self, byte: u8) -> u64 {
        self.0.above(byte) | self.1.above(byte) << size_of::<L>()
    }

    #[inline(always)]
    fn only(self, byte: u8) -> u64 {
        self.0.only(byte) | self.1.only(byte) << size_of::<L>()
    }

    #[inline(always)]
    fn either(self, byte: u8) -> u64 {
        self.0.either(byte) | self.1.either(byte) << size_of::<L>()
    }
}
