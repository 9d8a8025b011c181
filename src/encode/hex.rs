//! Hexadecimal and UUIDs.
//!
//! Promises: no memory beyond what the cursor needs; no table; lower case.
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

impl Out<'_> {
    /// Two digits a byte, without quotes or separators.
    #[inline(always)]
    pub fn hex(&mut self, bytes: &[u8]) {
        let (fours, rest) = bytes.as_chunks::<4>();
        for four in fours {
            self.cursor.put(&hex4(*four), 8);
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
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
        let [first, second, third, fourth] =
            [hex4([a, b, c, d]), hex4([e, f, g, h]), hex4([i, j, k, l]), hex4([m, n, o, p])];
        const HYPHEN: u64 = b'-' as u64;
        let [second, third] = [second, third].map(u64::from_le_bytes);
        self.literal(&first);
        // A hyphen and four digits each; what overshoots is written over by the next.
        for word in [second << 8, second >> 24, third << 8, third >> 24] {
            self.cursor.put(&(word & !0xFF | HYPHEN).to_le_bytes(), 5);
        }
        self.literal(&fourth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8]) {
        let mut line = Vec::new();
        Out::new(&mut line).hex(bytes);
        let oracle: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(String::from_utf8(line).unwrap(), oracle);
    }

    #[test]
    fn every_byte_in_every_place() {
        for byte in 0..=255u8 {
            for place in 0..9 {
                let mut bytes = [0x5A; 9];
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
