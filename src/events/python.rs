//! Numbers, truth values and texts as Python prints them, for messages that services in both languages share.
use std::fmt::{self, Write};

/// The longest float: a sign, 17 digits, a point, and an exponent or leading zeros.
const FLOAT_BYTES_MAX: usize = 32;

/// `150.0`, `1e+16`, `1e-05`, `nan`, `inf`.
pub(super) fn float(
    f: &mut fmt::Formatter<'_>,
    value: impl fmt::Debug + Copy + Into<f64>,
) -> fmt::Result {
    let wide: f64 = value.into();
    if wide.is_nan() {
        return f.write_str("nan");
    }
    // Rust's `Debug` has Python's shortest digits, and changes to an exponent at the same numbers.
    let mut text = Stack { bytes: [0; FLOAT_BYTES_MAX], len: 0 };
    write!(text, "{value:?}")?;
    let text = std::str::from_utf8(&text.bytes[..text.len]).map_err(|_| fmt::Error)?;
    match text.split_once('e') {
        None => f.write_str(text),
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            write!(f, "{digits}e{sign}{exponent:0>2}")
        }
    }
}

/// `True` or `False`.
pub(super) fn bool(f: &mut fmt::Formatter<'_>, value: bool) -> fmt::Result {
    f.write_str(if value { "True" } else { "False" })
}

/// A text in quotes, as in a list: in single ones, or in double ones if only single ones are in the text.
pub(super) fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                write!(f, "\\x{:02x}", u32::from(c))?
            }
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

struct Stack {
    bytes: [u8; FLOAT_BYTES_MAX],
    len: usize,
}

impl Write for Stack {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Float<T>(T);
    impl<T: fmt::Debug + Copy + Into<f64>> fmt::Display for Float<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            float(f, self.0)
        }
    }

    struct Quoted(&'static str);
    impl fmt::Display for Quoted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            quoted(f, self.0)
        }
    }

    /// The right column is what Python 3 prints for `repr`.
    #[test]
    fn values_look_as_python_prints_them() {
        let floats = [
            (150.0, "150.0"),
            (-0.5, "-0.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.2345678901234567e-108, "-1.2345678901234567e-108"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-0.0, "-0.0"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, expected) in floats {
            assert_eq!(Float(value).to_string(), expected);
        }
        assert_eq!(Float(0.1f32).to_string(), "0.1");
        let texts = [
            ("LOW", "'LOW'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("a\\b\n\u{1}ä", "'a\\\\b\\n\\x01ä'"),
        ];
        for (text, expected) in texts {
            assert_eq!(Quoted(text).to_string(), expected);
        }
    }
}
