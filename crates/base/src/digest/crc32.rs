//! CRC-32 of gzip, zip and Ethernet (polynomial 0x04C11DB7, reflected).
//!
//! Detects corruption but not forgery. Promises: no allocation; eight bytes a step ("slicing by 8", Kounavis and Berry,
//! "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation").

const POLYNOMIAL: u32 = 0xEDB8_8320;

/// Row k: the effect of a byte on the checksum k bytes later.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut row = 1;
    while row < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[row - 1][byte];
            tables[row][byte] = before >> 8 ^ tables[0][(before & 255) as usize];
            byte += 1;
        }
        row += 1;
    }
    tables
}

/// A CRC-32 that takes its input in pieces.
///
/// ```
/// let mut crc = ringseal_base::digest::Crc32::new();
/// crc.update(b"123456789");
/// assert_eq!(crc.finish(), 0xCBF4_3926);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Crc32 {
    inverted: u32,
}

impl Crc32 {
    /// The checksum of empty input.
    pub const fn new() -> Crc32 {
        Crc32 { inverted: !0 }
    }

    /// Takes more input.
    pub fn update(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            let mixed = (u64::from_le_bytes(*word) ^ u64::from(self.inverted)).to_le_bytes();
            self.inverted = mixed
                .iter()
                .zip(TABLES.iter().rev())
                .fold(0, |crc, (byte, table)| crc ^ table[usize::from(*byte)]);
        }
        for byte in rest {
            let index = (self.inverted ^ u32::from(*byte)) & 255;
            self.inverted = self.inverted >> 8 ^ TABLES[0][index as usize];
        }
    }

    /// The checksum of all input so far.
    pub const fn finish(self) -> u32 {
        !self.inverted
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Crc32::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, bit by bit.
    fn slow(bytes: &[u8]) -> u32 {
        let mut crc = !0u32;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            }
        }
        !crc
    }

    #[test]
    fn known_answers() {
        for (text, want) in [("", 0), ("123456789", 0xCBF4_3926), ("a", 0xE8B7_BE43)] {
            let mut crc = Crc32::new();
            crc.update(text.as_bytes());
            assert_eq!((crc.finish(), slow(text.as_bytes())), (want, want), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn eight_byte_steps_match_single_bits(
            bytes in prop::collection::vec(any::<u8>(), 0..100), at in 0usize..100
        ) {
            let (one, two) = bytes.split_at(at.min(bytes.len()));
            let mut crc = Crc32::new();
            crc.update(one);
            crc.update(two);
            prop_assert_eq!(crc.finish(), slow(&bytes));
        }
    }
}
