//! Ids as hexadecimal digits, without an allocation.

/// Up to 32 digits.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    digits: [u8; 32],
    len: usize,
}

impl Hex {
    /// The digits of at most 16 bytes.
    pub(crate) fn of(bytes: &[u8]) -> Hex {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = Hex { digits: [0; 32], len: 0 };
        for (pair, byte) in hex.digits.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
            hex.len += 2;
        }
        hex
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Hex;

    #[test]
    fn bytes_have_two_digits() {
        assert_eq!(Hex::of(&[0, 0x1f, 0xa0]).as_str(), "001fa0");
        assert_eq!(Hex::of(&[0xff; 16]).as_str(), "ff".repeat(16));
        assert_eq!(Hex::of(&[1; 20]).as_str().len(), 32);
    }
}
