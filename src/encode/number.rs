//! Integers in decimal.
//!
//! Promises: only the cursor allocates. Four digits come from a table of 256 bytes, eight are computed in one word;
//! leading zeros are shifted out, so that no branch depends on the exact length.
//!
//! Source of the digit step: Paul Khuong, "How to print integers really fast" (2017).
use super::out::{Out, Slot};
use ringseal_base::simd::Room;

/// Ten to the eighth.
pub(super) const TEN_8: u64 = 100_000_000;
const TEN_16: u64 = TEN_8 * TEN_8;
/// Eight times `'0'`.
pub(super) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of `value` < 10⁸ as bytes 0..=9, the highest digit in the lowest byte.
///
/// Each step divides every lane at once by multiplying with a rounded-up reciprocal, and puts
/// quotient q and remainder x − n·q side by side: (x << s) − q·((n << s) − 1). The tests try every
/// value of every lane. Vector instructions need fewer steps but have a higher latency; they were
/// measured to be slower between other work.
#[inline(always)]
pub(super) fn digits8(value: u64) -> u64 {
    debug_assert!(value < TEN_8);
    let high = (value * 0xD1B7_1759) >> 45;
    let fours = (value << 32) - high * ((10_000 << 32) - 1);
    let tops = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = (fours << 16) - tops * ((100 << 16) - 1);
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    (twos << 8) - tens * ((10 << 8) - 1)
}

/// The two decimal digits of each number below 100 as bytes 0..=9, the higher digit in the lower byte. Padded to a
/// power of two, so that a masked index needs no check.
static DIGITS2: [u16; 128] = {
    let mut table = [0; 128];
    let mut number = 0;
    while number < 100 {
        table[number] = ((number / 10) | ((number % 10) << 8)) as u16;
        number += 1;
    }
    table
};

/// The two decimal digits of `value` < 100.
#[inline(always)]
pub(super) fn digits2(value: u64) -> u64 {
    u64::from(DIGITS2[value as usize % DIGITS2.len()])
}

/// The four decimal digits of `value` < 10⁴, as those of [`digits8`].
#[inline(always)]
pub(super) fn digits4(value: u64) -> u64 {
    let (high, low) = split2(value);
    digits2(high) | digits2(low) << 16
}

/// `value` / 100 and the remainder, for `value` < 10⁴; the compiler's own division takes more instructions, because it
/// does not know the bound.
#[inline(always)]
pub(super) fn split2(value: u64) -> (u64, u64) {
    let high = (value as u32 * 5_243) >> 19;
    (u64::from(high), u64::from(value as u32 - high * 100))
}

/// The six decimal digits of `value` < 10⁶, as those of [`digits8`].
#[inline(always)]
pub(super) fn digits6(value: u64) -> u64 {
    digits2(value / 10_000) | digits4(value % 10_000) << 16
}

impl Out<'_> {
    /// An unsigned integer.
    #[inline(always)]
    pub fn u64(&mut self, value: u64) {
        self.slot().u64(value);
    }

    /// A signed integer.
    #[inline(always)]
    pub fn i64(&mut self, value: i64) {
        self.slot().i64(value);
    }

    /// An unsigned integer of up to 39 digits.
    #[inline(always)]
    pub fn u128(&mut self, value: u128) {
        self.cursor.with_vec(|line| long(line, value));
    }

    /// A signed integer of up to 39 digits.
    #[inline(always)]
    pub fn i128(&mut self, value: i128) {
        self.cursor.with_vec(|line| long(line, value));
    }
}

impl Slot<'_, '_> {
    /// An unsigned integer.
    #[inline(always)]
    pub fn u64(self, value: u64) {
        self.0.decimal(value);
    }

    /// A signed integer.
    #[inline(always)]
    pub fn i64(self, value: i64) {
        if (value as u64) < 10_000 {
            self.0.leading4::<0>(value as u64);
        } else {
            self.0.minus::<16>(value < 0).decimal(value.unsigned_abs());
        }
    }
}

impl Slot<'_, '_> {
    /// An unsigned integer < 10¹⁶; `false` without effect for others.
    #[inline(always)]
    pub fn try_u64(self, value: u64) -> bool {
        if value < 10_000 {
            self.0.leading4::<0>(value);
            return true;
        }
        if value < TEN_16 {
            self.0.decimal(value);
        }
        value < TEN_16
    }

    /// A signed integer between -10¹⁶ and 10¹⁶; `false` without effect for others.
    #[inline(always)]
    pub fn try_i64(self, value: i64) -> bool {
        if (value as u64) < 10_000 {
            self.0.leading4::<0>(value as u64);
            return true;
        }
        let magnitude = value.unsigned_abs();
        if magnitude < TEN_16 {
            self.0.minus::<16>(value < 0).decimal(magnitude);
        }
        magnitude < TEN_16
    }
}

/// Decimal digits at a cursor with room for them.
pub(super) trait PutDecimal<'c, 'a>: Sized {
    /// An unsigned integer.
    fn decimal(self, value: u64);

    /// `-`, or nothing; without a branch.
    fn minus<const LEFT: usize>(self, negative: bool) -> Room<'c, 'a, LEFT>;

    /// A number < 10⁴ without leading zeros.
    fn leading4<const LEFT: usize>(self, value: u64) -> Room<'c, 'a, LEFT>;

    /// A number < 10⁸ without leading zeros.
    fn leading8<const LEFT: usize>(self, value: u64) -> Room<'c, 'a, LEFT>;

    /// A number < 10⁸ as eight digits.
    fn following8<const LEFT: usize>(self, value: u64) -> Room<'c, 'a, LEFT>;
}

impl<'c, 'a, const CAP: usize> PutDecimal<'c, 'a> for Room<'c, 'a, CAP> {
    #[inline(always)]
    fn decimal(self, value: u64) {
        if value < 10_000 {
            self.leading4::<0>(value);
        } else if value < TEN_8 {
            self.leading8::<0>(value);
        } else if value < TEN_16 {
            self.leading8::<8>(value / TEN_8).following8::<0>(value % TEN_8);
        } else {
            self.cursor().with_vec(|line| long(line, value));
        }
    }

    #[inline(always)]
    fn minus<const LEFT: usize>(self, negative: bool) -> Room<'c, 'a, LEFT> {
        self.put(b"-", usize::from(negative))
    }

    #[inline(always)]
    fn leading4<const LEFT: usize>(self, value: u64) -> Room<'c, 'a, LEFT> {
        if value < 100 {
            let digits = digits2(value) as u16 | 0x3030;
            let skip = 8 * u16::from(value < 10);
            return self.put(&(digits >> skip).to_le_bytes(), 2 - usize::from(value < 10));
        }
        let digits = digits4(value) as u32;
        // The bit at the last digit keeps the one digit that zero needs.
        let skip = (digits | 1 << 24).trailing_zeros() & !7;
        let word = (digits | ZEROS as u32) >> skip;
        self.put(&word.to_le_bytes(), 4 - (skip / 8) as usize)
    }

    #[inline(always)]
    fn leading8<const LEFT: usize>(self, value: u64) -> Room<'c, 'a, LEFT> {
        let digits = digits8(value);
        // The bit at the last digit keeps the one digit that zero needs.
        let skip = (digits | 1 << 56).trailing_zeros() & !7;
        let word = (digits | ZEROS) >> skip;
        self.put(&word.to_le_bytes(), 8 - (skip / 8) as usize)
    }

    #[inline(always)]
    fn following8<const LEFT: usize>(self, value: u64) -> Room<'c, 'a, LEFT> {
        self.put(&(digits8(value) | ZEROS).to_le_bytes(), 8)
    }
}

/// Seventeen digits or more, mostly identifiers. For them, two digits at a time from a table are faster.
#[inline(never)]
fn long<T: itoa::Integer>(line: &mut Vec<u8>, value: T) {
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl Fn(&mut Out<'_>)) -> String {
        let mut line = Vec::new();
        write(&mut Out::new(&mut line));
        String::from_utf8(line).unwrap()
    }

    fn check(value: u128) {
        assert_eq!(written(|out| out.u128(value)), value.to_string());
        let signed = value as i128;
        assert_eq!(written(|out| out.i128(signed)), signed.to_string());
        let value = value as u64;
        assert_eq!(written(|out| out.u64(value)), value.to_string());
        let signed = value as i64;
        assert_eq!(written(|out| out.i64(signed)), signed.to_string());
    }

    #[test]
    fn numbers_around_powers_of_ten_and_two() {
        let tens = (0..=38).map(|power| 10u128.pow(power));
        let twos = (0..=127).map(|power| 1u128 << power);
        for centre in tens.chain(twos).chain([0, u128::MAX]) {
            for delta in -2..=2i128 {
                let value = centre.wrapping_add_signed(delta);
                check(value);
                check(value.wrapping_neg());
            }
        }
    }

    #[test]
    fn four_digits_are_split_exactly() {
        for value in 0..10_000 {
            assert_eq!(split2(value), (value / 100, value % 100));
        }
    }

    #[test]
    fn every_lane_of_the_digit_step_is_exact() {
        for lane in 0..10_000u64 {
            for value in
                [lane, lane * 10_000, lane * 10_001, 99_990_000 + lane, lane * 10_000 + 9_999]
            {
                let digits: Vec<u8> =
                    format!("{value:08}").bytes().map(|digit| digit - b'0').collect();
                assert_eq!(digits8(value).to_le_bytes().as_slice(), digits, "{value}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_number_is_written_as_std_does(value: u128, shift in 0u32..128) {
            check(value >> shift);
        }
    }
}
