//! Hexadecimal and UUIDs.
//!
//! Promises: only the cursor allocates; no table is used; digits are lower case.
use super::out::Out;

/// The eight hexadecimal digits of four bytes, in order of memory.
///
/// Nibbles are spread over a word, then all eight become ASCII at once.
#[inline(always)]
fn hex4(bytes: [u8; 4]) -> [u8; 8] {
    let x = u64::from(u32::from_le_bytes(bytes));
    let x = (x | x << 16) & 0x0000_FFFF_0000_FFFF;
    let x = (x | x << 8) & 0x00FF_00FF_00FF_00FF;
    let nibbles = ((x >> 4) & 0x000F_000F_000F_000F) | (x & 0x000F_000F_000F_000F) << 8;
    // 1 in each byte from ten on: these skip the 39 characters between '9' and 'a'.
    let letters = ((nibbles + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    (nibbles + 0x3030_3030_3030_3030 + letters * 39).to_le_bytes()
}

/// The 32 digits of 16 bytes.
#[inline(always)]
pub(crate) fn hex16(bytes: &[u8; 16]) -> [[u8; 16]; 2] {
    #[cfg(target_arch = "x86_64")]
    return ringseal_base::simd::hex16(bytes);
    #[cfg(not(target_arch = "x86_64"))]
    return portable_hex16(bytes);
}

#[cfg_attr(all(target_arch = "x86_64", not(test)), allow(dead_code))]
fn portable_hex16(bytes: &[u8; 16]) -> [[u8; 16]; 2] {
    let mut text = [[0; 16]; 2];
    let eights = text.as_flattened_mut().as_chunks_mut::<8>().0;
    for (digits, four) in eights.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *digits = hex4(*four);
    }
    text
}

impl Out<'_> {
    /// Two digits a byte, without quotes or separators.
    #[inline(always)]
    pub fn hex(&mut self, bytes: &[u8]) {
        let (sixteens, rest) = bytes.as_chunks::<16>();
        for sixteen in sixteens {
            hex16(sixteen).iter().for_each(|digits| self.literal(digits));
        }
        let (fours, rest) = rest.as_chunks::<4>();
        for four in fours {
            self.literal(&hex4(*four));
        }
        if !rest.is_empty() {
            let mut four = [0; 4];
            four[..rest.len()].copy_from_slice(rest);
            self.cursor.put(&hex4(four), 2 * rest.len());
        }
    }

    /// A UUID from its bytes in network order, hyphenated (RFC 9562), without quotes.
    #[inline(always)]
    pub fn uuid(&mut self, bytes: &[u8; 16]) {
        const HYPHEN: u128 = b'-' as u128;
        let [first, second] = hex16(bytes).map(u128::from_le_bytes);
        // Writes each part after its hyphen; the next part overwrites the excess bytes.
        self.cursor.put(&(first as u64).to_le_bytes(), 8);
        self.cursor.put(&((first >> 56 & !0xFF | HYPHEN) as u64).to_le_bytes(), 5);
        self.cursor.put(&((first >> 88 & !0xFF | HYPHEN) as u64).to_le_bytes(), 5);
        self.cursor.put(&((second << 8 | HYPHEN) as u64).to_le_bytes(), 5);
        self.cursor.put(&(second >> 24 & !0xFF | HYPHEN).to_le_bytes(), 13);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8]) {
        let mut line = Vec::new();
        Out::new(&mut line).hex(bytes);
        if let Some(sixteen) = bytes.first_chunk() {
            assert_eq!(portable_hex16(sixteen), hex16(sixteen));
        }
        let oracle: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(String::from_utf8(line).unwrap(), oracle);
    }

    #[test]
    fn every_byte_in_every_place() {
        for byte in 0..=255u8 {
            for place in 0..23 {
                let mut bytes = [0x5A; 23];
                bytes[place] = byte;
                check(&bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_hexadecimal(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            check(&bytes);
        }

        #[test]
        fn any_uuid(number: u128) {
            let mut line = Vec::new();
            Out::new(&mut line).uuid(&number.to_be_bytes());
            let digits = format!("{number:032x}");
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            prop_assert_eq!(String::from_utf8(line).unwrap(), parts.join("-"));
        }
    }
}
