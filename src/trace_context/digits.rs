//! Hexadecimal digits in lower case to bytes. Any other character is refused, upper case and signs too.
//!
//! Promises: nothing allocates; ids take a few vector instructions on x86-64.

/// The value of each digit; [`NO_DIGIT`] for other bytes.
static VALUES: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

const NO_DIGIT: u8 = 0xFF;

/// The byte of two digits.
#[inline(always)]
pub(super) fn byte(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| VALUES[usize::from(digit)]);
    (high | low != NO_DIGIT).then_some(high << 4 | low)
}

/// The bytes of a trace id.
#[inline(always)]
pub(super) fn sixteen_bytes(digits: &[u8; 32]) -> Option<[u8; 16]> {
    #[cfg(target_arch = "x86_64")]
    return ringseal_base::simd::unhex16(digits);
    #[cfg(not(target_arch = "x86_64"))]
    return bytes(digits.as_chunks().0);
}

/// The bytes of a span id.
#[inline(always)]
pub(super) fn eight_bytes(digits: &[u8; 16]) -> Option<[u8; 8]> {
    #[cfg(target_arch = "x86_64")]
    return ringseal_base::simd::unhex8(digits);
    #[cfg(not(target_arch = "x86_64"))]
    return bytes(digits.as_chunks().0);
}

/// The bytes of `N` pairs of digits.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn bytes<const N: usize>(pairs: &[[u8; 2]]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (to, pair) in bytes.iter_mut().zip(pairs) {
        *to = byte(*pair)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_in_every_place() {
        for at in 0..32 {
            for other in 0..=255u8 {
                let mut digits = *b"0123456789abcdef9876543210fedcba";
                digits[at] = other;
                let expected = bytes(digits.as_chunks().0);
                assert_eq!(sixteen_bytes(&digits), expected, "{other} at {at}");
                let is_digit = matches!(other, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(expected.is_some(), is_digit);
                let half: &[u8; 16] = digits[16 * (at / 16)..].first_chunk().expect("half");
                assert_eq!(eight_bytes(half), bytes(half.as_chunks().0), "{other} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn digits_are_read_as_they_are_written(id: u128, half: u64) {
            let digits = format!("{id:032x}{half:016x}");
            let (first, last) = digits.as_bytes().split_at(32);
            let first: &[u8; 32] = first.try_into().expect("32 digits");
            let last: &[u8; 16] = last.try_into().expect("16 digits");
            prop_assert_eq!(sixteen_bytes(first), Some(id.to_be_bytes()));
            prop_assert_eq!(eight_bytes(last), Some(half.to_be_bytes()));
        }
    }
}
