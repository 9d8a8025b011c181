//! Floating-point numbers as JSON, in the shortest form that reads back as the same value.
//!
//! Promises: only the cursor allocates. The bytes are those of `serde_json`, except that NaN and the infinities, for
//! which JSON has no number, become strings.
use super::number::{PutDecimal, ZEROS, digits2, digits4, digits8, split2};
use super::out::{Out, Slot};
use ringseal_base::simd::Room;

/// 2⁵²: added to a smaller number, it leaves no bits for a fraction.
const TWO_52: f64 = 4_503_599_627_370_496.0;

impl Out<'_> {
    /// A float: `1.0`, `0.5`, `1e300`, `-0.0`; `"NaN"`, `"inf"`, `"-inf"` as strings.
    ///
    /// Most logged numbers have few decimals and do not need the general algorithm. Let v
    /// be the absolute value, k a number of decimals, and m the integer nearest to v·10ᵏ. If
    /// m < 10¹⁴ and the division m / 10ᵏ gives v again, then the decimal D = m / 10ᵏ without
    /// trailing zeros is the shortest that reads back as v:
    ///
    /// - D reads back as v: m and 10ᵏ are exact in binary, IEEE division rounds the true quotient D
    ///   to nearest, ties to even, and so does a correct reader.
    /// - D is the only decimal as short: it has at most 14 significant digits, and no two different
    ///   decimals of at most 15 digits are nearest to the same normal `f64`: 10¹⁵ < 2⁵², the
    ///   condition of Matula's base conversion theorem ("In-and-out conversions", 1968). A shorter
    ///   D' that also reads back as v would contradict this.
    ///
    /// The rounding of m does not matter for correctness: a wrong m fails the division.
    #[inline(always)]
    pub fn f64(&mut self, value: f64) {
        self.slot().f64(value);
    }

    /// A float of single precision, in the shortest form that reads back as the same `f32`.
    ///
    /// As [`Out::f64`], with at most six digits: m and 10ᵏ are exact in `f32` too, so the same
    /// division in `f32` proves the same (10⁶ < 2²³).
    #[inline(always)]
    pub fn f32(&mut self, value: f32) {
        self.slot().f32(value);
    }
}

impl Slot<'_, '_> {
    /// See [`Out::f64`].
    #[inline(always)]
    pub fn f64(self, value: f64) {
        // Four decimals of a number below 10⁴: m is one word of digits.
        match decimal(value.abs(), 1e4, 1e8) {
            Some(scaled) => self.0.tenthousandths(value.is_sign_negative(), scaled),
            None => self.0.cursor().with_vec(|line| general_f64(line, value)),
        }
    }

    /// A float of at most four decimals below 10⁴; `false` without effect for others.
    #[inline(always)]
    pub fn try_f64(self, value: f64) -> bool {
        let scaled = decimal(value.abs(), 1e4, 1e8);
        if let Some(scaled) = scaled {
            self.0.tenthousandths(value.is_sign_negative(), scaled);
        }
        scaled.is_some()
    }

    /// See [`Out::f32`].
    #[inline(always)]
    pub fn f32(self, value: f32) {
        match decimal_f32(value.abs(), 1e4) {
            Some(scaled) => self.0.tenthousandths(value.is_sign_negative(), scaled),
            None => self.0.cursor().with_vec(|line| general_f32(line, value)),
        }
    }
}

/// Fixed-point decimals at a cursor with room for them.
trait PutFloat: Sized {
    /// `scaled` / 10⁴ with one to four decimals; `scaled` < 10⁸.
    fn tenthousandths(self, negative: bool, scaled: u64);

    /// `scaled` / 10⁶ with one to six decimals; `scaled` < 10¹⁴.
    fn millionths(self, negative: bool, scaled: u64);

    /// The digits from the second byte on, without trailing zeros but at least one; the point
    /// replaces the first byte.
    fn decimals(self, digits: u64);
}

impl<const CAP: usize> PutFloat for Room<'_, '_, CAP> {
    #[inline(always)]
    fn tenthousandths(self, negative: bool, scaled: u64) {
        // Divisions of 32 bits take fewer instructions.
        let scaled = scaled as u32;
        let (whole, fraction) = (u64::from(scaled / 10_000), u64::from(scaled % 10_000));
        let room = self.minus::<12>(negative).leading4::<8>(whole);
        let (high, low) = split2(fraction);
        if low != 0 {
            return room.decimals(digits4(fraction) << 8);
        }
        // Two decimals, as prices and percentages have, or one.
        let digits = digits2(high);
        let word = (digits << 8 | ZEROS << 8 | u64::from(b'.')) as u32;
        room.put::<4, 0>(&word.to_le_bytes(), 2 + usize::from(digits > 0xFF));
    }

    #[inline(always)]
    fn millionths(self, negative: bool, scaled: u64) {
        // Eight digits, of which two are leading zeros; the point replaces the second one.
        let decimals = digits8(scaled % 1_000_000) >> 8;
        self.minus::<16>(negative).leading8::<8>(scaled / 1_000_000).decimals(decimals);
    }

    #[inline(always)]
    fn decimals(self, digits: u64) {
        let digits = digits & !0xFF;
        // Swapped, because counting zeros from the other end is slow on older processors.
        let unused = (digits | 1 << 8).swap_bytes().trailing_zeros() / 8;
        let word = digits | (ZEROS & !0xFF) | u64::from(b'.');
        self.put::<8, 0>(&word.to_le_bytes(), 8 - unused as usize);
    }
}

/// The integer m < `end` ≤ 2⁵² with m / `scale` == `value`, if there is one; `value` ≥ 0 or NaN.
#[inline(always)]
fn decimal(value: f64, scale: f64, end: f64) -> Option<u64> {
    let scaled = value * scale;
    let rounded = scaled + TWO_52;
    // The comparison is false for NaN.
    let is_exact = scaled < end && (rounded - TWO_52) / scale == value;
    is_exact.then(|| mantissa(rounded))
}

/// The same for single precision and m < 10⁶.
#[inline(always)]
fn decimal_f32(value: f32, scale: f32) -> Option<u64> {
    let scaled = f64::from(value) * f64::from(scale);
    let rounded = scaled + TWO_52;
    let is_exact = scaled < 1e6 && (rounded - TWO_52) as f32 / scale == value;
    is_exact.then(|| mantissa(rounded))
}

/// A buffer that lies within one cache line.
///
/// The bytes are copied out right after they are written. Across two cache lines, the processor cannot forward the
/// stores to the loads and waits: 40 ns for a number of 17 digits instead of 23.
#[repr(align(64))]
struct OneLine<T>(T);

/// Tries six decimals after up to eight digits, then uses the general algorithm.
#[inline(never)]
fn general_f64(line: &mut Vec<u8>, value: f64) {
    match decimal(value.abs(), 1e6, 1e14) {
        Some(scaled) if !has_exponent(scaled) => {
            Out::new(line).slot().0.millionths(value.is_sign_negative(), scaled);
        }
        _ if value.is_finite() => {
            let mut buffer = OneLine(zmij::Buffer::new());
            line.extend_from_slice(buffer.0.format_finite(value).as_bytes());
        }
        _ => line.extend_from_slice(no_number(value.is_nan(), value < 0.0)),
    }
}

#[inline(never)]
fn general_f32(line: &mut Vec<u8>, value: f32) {
    match decimal_f32(value.abs(), 1e6) {
        Some(scaled) if !has_exponent(scaled) => {
            Out::new(line).slot().0.millionths(value.is_sign_negative(), scaled);
        }
        _ if value.is_finite() => {
            let mut buffer = OneLine(zmij::Buffer::new());
            line.extend_from_slice(buffer.0.format_finite(value).as_bytes());
        }
        _ => line.extend_from_slice(no_number(value.is_nan(), value < 0.0)),
    }
}

/// Whether m / 10⁶ is so small that its usual form has an exponent: 1e-6 to 9e-6.
#[inline(always)]
fn has_exponent(mantissa: u64) -> bool {
    mantissa.wrapping_sub(1) < 9
}

/// The integer m of m + 2⁵².
#[inline(always)]
fn mantissa(rounded: f64) -> u64 {
    rounded.to_bits() & ((1 << 52) - 1)
}

/// The text for numbers that JSON lacks.
#[cold]
fn no_number(is_nan: bool, negative: bool) -> &'static [u8] {
    match (is_nan, negative) {
        (true, _) => b"\"NaN\"",
        (false, false) => b"\"inf\"",
        (false, true) => b"\"-inf\"",
    }
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

    fn check_f64(value: f64) {
        let found = written(|out| out.f64(value));
        assert_eq!(found, serde_json::to_string(&value).unwrap());
        assert_eq!(found.parse::<f64>().unwrap().to_bits(), value.to_bits());
        let mut oracle = ryu::Buffer::new();
        let oracle = oracle.format_finite(value);
        assert_eq!(oracle.parse::<f64>().unwrap().to_bits(), value.to_bits());
        // Signs of exponents differ, digits do not.
        assert_eq!(found.replace("e+", "e"), oracle);
    }

    fn check_f32(value: f32) {
        let found = written(|out| out.f32(value));
        assert_eq!(found, serde_json::to_string(&value).unwrap());
        assert_eq!(found.parse::<f32>().unwrap().to_bits(), value.to_bits());
        let mut oracle = ryu::Buffer::new();
        assert_eq!(found.replace("e+", "e"), oracle.format_finite(value));
    }

    #[test]
    fn numbers_that_json_lacks_become_strings() {
        for (value, text) in
            [(f64::NAN, "\"NaN\""), (f64::INFINITY, "\"inf\""), (f64::NEG_INFINITY, "\"-inf\"")]
        {
            assert_eq!(written(|out| out.f64(value)), text);
            assert_eq!(written(|out| out.f32(value as f32)), text);
            assert_eq!(written(|out| out.f64(-value)).contains("NaN"), value.is_nan());
        }
    }

    #[test]
    fn floats_have_the_shortest_exact_form() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (123.45, "123.45"),
            (0.00001, "0.00001"),
            (0.000001, "1e-6"),
            (100_000_000.0, "100000000.0"),
            (999_999_999.999_999, "999999999.999999"),
        ] {
            assert_eq!(written(|out| out.f64(value)), text);
            check_f64(value);
        }
    }

    #[test]
    fn floats_around_every_limit_of_the_fast_path() {
        let limits = [0.0, 1e-7, 1e-6, 1e-5, 0.1, 1.0, 1e6, 1e8, 1e9, 1e15, 1e16, 2f64.powi(53)];
        for limit in limits {
            let (mut below, mut above) = (limit, limit);
            for _ in 0..200 {
                for value in [below, above] {
                    check_f64(value);
                    check_f64(-value);
                    check_f32(value as f32);
                    check_f32(-value as f32);
                }
                (below, above) = (below.next_down(), above.next_up());
            }
        }
        for value in [f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::EPSILON, 5e-324] {
            check_f64(value);
        }
        for value in [f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::EPSILON, 1e-45] {
            check_f32(value);
        }
    }

    #[test]
    fn all_short_decimals_of_single_precision() {
        for scaled in (0..1_000_000u32).step_by(7) {
            check_f32(scaled as f32 / 1e6);
            check_f32(scaled as f32 / 100.0);
        }
    }

    proptest! {
        #[test]
        fn any_float(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            check_f64(value);
            let value = f32::from_bits(bits as u32);
            prop_assume!(value.is_finite());
            check_f32(value);
        }

        #[test]
        fn any_decimal(mantissa in 0u64..1 << 60, shift in 0u32..60, decimals in 0i32..9) {
            let text = format!("{}e-{decimals}", mantissa >> shift);
            check_f64(text.parse().unwrap());
            check_f32(text.parse().unwrap());
        }

        #[test]
        fn neighbours_of_decimals(mantissa in 0u64..1 << 50, shift in 0u32..50, up: bool) {
            let value = (mantissa >> shift) as f64 / 1e6;
            check_f64(if up { value.next_up() } else { value.next_down() });
        }
    }
}
