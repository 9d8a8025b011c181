//! Finds the ends of strings and numbers.
use super::{Expected, JsonError};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The closing quote of a string whose first byte is at `at`, and whether the string has escapes.
pub(super) fn string(bytes: &[u8], at: usize) -> Result<(usize, bool), JsonError> {
    let mut at = at;
    let mut escaped = false;
    loop {
        at = plain_until(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(bytes, at + 1)?;
            }
            _ => return Err(error(bytes, at, Expected::ClosingQuote)),
        }
    }
}

/// The position of the first quote, backslash or control character from `at` on, or the end.
fn plain_until(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    let rest = bytes.get(at..).unwrap_or_default();
    let (chunks, _) = rest.as_chunks::<8>();
    for chunk in chunks {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// The high bit of each byte that is special, right up to and including the lowest such byte; bits
/// above it may be wrong. (Bit tricks: has-zero and has-less of Sean Anderson's "Bit Twiddling
/// Hacks".)
fn special_bytes(word: u64) -> u64 {
    let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
    let quote = zero_in(word ^ (ONES * b'"' as u64));
    let backslash = zero_in(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGHS
}

/// The end of the escape whose backslash is just before `at`.
fn escape(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let unit = four_hex(bytes, at + 1)?;
            match unit {
                0xD800..=0xDBFF => low_surrogate(bytes, at + 5),
                0xDC00..=0xDFFF => Err(error(bytes, at, Expected::HighSurrogate)),
                _ => Ok(at + 5),
            }
        }
        _ => Err(error(bytes, at, Expected::Escape)),
    }
}

fn low_surrogate(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let marked = bytes.get(at) == Some(&b'\\') && bytes.get(at + 1) == Some(&b'u');
    if !marked {
        return Err(error(bytes, at, Expected::LowSurrogateEscape));
    }
    match four_hex(bytes, at + 2)? {
        0xDC00..=0xDFFF => Ok(at + 6),
        _ => Err(error(bytes, at, Expected::LowSurrogate)),
    }
}

/// The value of four hexadecimal digits at `at`.
pub(super) fn four_hex(bytes: &[u8], at: usize) -> Result<u32, JsonError> {
    let mut unit = 0;
    for place in at..at + 4 {
        let digit = bytes.get(place).and_then(|&byte| char::from(byte).to_digit(16));
        let Some(digit) = digit else {
            return Err(error(bytes, place, Expected::HexDigit));
        };
        unit = unit * 16 + digit;
    }
    Ok(unit)
}

/// The end of a number that starts at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
            return Err(error(bytes, at + 1, Expected::NoLeadingZero));
        }
        Some(b'0') => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = digits(bytes, at)?;
    }
    Ok(at)
}

/// The end of one or more digits.
fn digits(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Err(error(bytes, at, Expected::Digit));
    }
    Ok(at + count)
}

fn error(bytes: &[u8], at: usize, expected: Expected) -> JsonError {
    JsonError { at, expected, found: bytes.get(at).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_at_once_agree_with_one() {
        for special in 0..=255_u8 {
            for place in 0..20 {
                for second in [b'"', b'\\', 0x1f, 0x21, 0x80, 0xff, b'a'] {
                    let mut bytes = [b'x'; 24];
                    bytes[place] = special;
                    bytes[place + 1] = second;
                    let slow = bytes.iter().position(|&byte| is_special(byte)).unwrap_or(24);
                    assert_eq!(plain_until(&bytes, 0), slow, "{bytes:?}");
                }
            }
        }
    }
}
