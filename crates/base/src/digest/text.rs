//! Bytes as text: hexadecimal and base64 (RFC 4648).
//!
//! Each value has exactly one spelling: decoding rejects upper-case hexadecimal, missing or needless padding, and
//! unused bits that are not zero. So a changed text never decodes to the same value. Promises: the `put_` functions
//! append to a vector and allocate only if it must grow; decoding into an array allocates nothing.
use std::fmt;

/// The alphabets of base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base64 {
    /// `+` and `/`, padded with `=` (RFC 4648, 4).
    Standard,
    /// `-` and `_`, not padded (RFC 4648, 5).
    Url,
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Not a digit of the alphabet.
const NONE: u8 = 255;

const fn inverse(digits: &[u8; 64]) -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut at = 0;
    while at < 64 {
        table[digits[at] as usize] = at as u8;
        at += 1;
    }
    table
}

static STANDARD_VALUES: [u8; 256] = inverse(STANDARD);
static URL_VALUES: [u8; 256] = inverse(URL);

/// Why a text cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A byte that is not a digit.
    Digit {
        /// Its index in the text.
        at: usize,
    },
    /// An impossible length, or not the expected one.
    Length {
        /// The length of the text in bytes.
        found: usize,
    },
    /// The last digit has unused bits that are not zero, or the padding is wrong.
    NotCanonical,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Digit { at } => write!(f, "byte {at} is not a digit of the alphabet"),
            DecodeError::Length { found } => {
                write!(f, "a text of {found} bytes does not have a valid length")
            }
            DecodeError::NotCanonical => f.write_str("not the canonical spelling of its value"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The two hexadecimal digits of a byte, in lower case.
#[inline]
pub const fn hex_byte(byte: u8) -> [u8; 2] {
    [HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]
}

/// Appends lower-case hexadecimal.
pub fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend_from_slice(&hex_byte(*byte));
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    string(|out| put_hex(bytes, out))
}

/// Decodes lower-case hexadecimal.
pub fn hex_array<const N: usize>(text: &[u8]) -> Result<[u8; N], DecodeError> {
    let digit = |at: usize| match text.get(at) {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'a'..=b'f') => Ok(byte - b'a' + 10),
        _ => Err(DecodeError::Digit { at }),
    };
    if text.len() != 2 * N {
        return Err(DecodeError::Length { found: text.len() });
    }
    let mut out = [0; N];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = digit(2 * at)? << 4 | digit(2 * at + 1)?;
    }
    Ok(out)
}

/// Appends base64.
///
/// ```
/// use ringseal_base::digest::text::{Base64, base64, base64_array};
/// assert_eq!(base64(Base64::Standard, b"f"), "Zg==");
/// assert_eq!(base64(Base64::Url, b"f"), "Zg");
/// assert_eq!(base64_array(Base64::Url, b"Zg"), Ok(*b"f"));
/// ```
pub fn put_base64(how: Base64, bytes: &[u8], out: &mut Vec<u8>) {
    let digits = if how == Base64::Url { URL } else { STANDARD };
    let digit = |bits: u32, place: u32| digits[(bits >> (18 - 6 * place) & 63) as usize];
    let (threes, rest) = bytes.as_chunks::<3>();
    for [a, b, c] in threes {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        out.extend_from_slice(&[digit(bits, 0), digit(bits, 1), digit(bits, 2), digit(bits, 3)]);
    }
    match rest {
        [a] => {
            let bits = u32::from_be_bytes([0, *a, 0, 0]);
            out.extend_from_slice(&[digit(bits, 0), digit(bits, 1)]);
        }
        [a, b] => {
            let bits = u32::from_be_bytes([0, *a, *b, 0]);
            out.extend_from_slice(&[digit(bits, 0), digit(bits, 1), digit(bits, 2)]);
        }
        _ => return,
    }
    if how == Base64::Standard {
        out.extend_from_slice(&b"=="[rest.len() - 1..]);
    }
}

/// Base64.
pub fn base64(how: Base64, bytes: &[u8]) -> String {
    string(|out| put_base64(how, bytes, out))
}

/// Appends the bytes of base64 text; appends nothing on an error.
pub fn decode_base64(how: Base64, text: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let start = out.len();
    let mut push = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok(())
    };
    let result = decode(how, text, &mut push);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Decodes base64 to `N` bytes.
pub fn base64_array<const N: usize>(how: Base64, text: &[u8]) -> Result<[u8; N], DecodeError> {
    if let Some(array) = whole_groups(how, text) {
        return Ok(array);
    }
    let length = DecodeError::Length { found: text.len() };
    let mut array = [0; N];
    let mut filled = 0;
    let mut push = |bytes: &[u8]| {
        let space = array.get_mut(filled..filled + bytes.len()).ok_or(length)?;
        space.copy_from_slice(bytes);
        filled += bytes.len();
        Ok(())
    };
    decode(how, text, &mut push)?;
    if filled == N { Ok(array) } else { Err(length) }
}

/// The values of digits by their place in a group of four; [`NO_DIGIT`] for other bytes.
type Groups = [[u32; 256]; 4];

const NO_DIGIT: u32 = 1 << 31;

const fn groups(digits: &[u8; 64]) -> Groups {
    let mut tables = [[NO_DIGIT; 256]; 4];
    let mut at = 0;
    while at < 256 {
        tables[at % 4][digits[at / 4] as usize] = (at as u32 / 4) << (18 - 6 * (at % 4));
        at += 1;
    }
    tables
}

static STANDARD_GROUPS: Groups = groups(STANDARD);
static URL_GROUPS: Groups = groups(URL);

/// The fast path for valid, unpadded text; `None` for anything else.
fn whole_groups<const N: usize>(how: Base64, text: &[u8]) -> Option<[u8; N]> {
    let tables = if how == Base64::Url { &URL_GROUPS } else { &STANDARD_GROUPS };
    let mut array = [0; N];
    let (threes, last) = array.as_chunks_mut::<3>();
    let (fours, rest) = text.as_chunks::<4>();
    if fours.len() != threes.len() || (how == Base64::Standard && !last.is_empty()) {
        return None;
    }
    let value = |place: usize, byte: u8| tables[place][usize::from(byte)];
    let mut seen = 0;
    for (three, [a, b, c, d]) in threes.iter_mut().zip(fours) {
        let bits = value(0, *a) | value(1, *b) | value(2, *c) | value(3, *d);
        seen |= bits;
        let [_, bytes @ ..] = bits.to_be_bytes();
        *three = bytes;
    }
    let bits = match rest {
        [] => 0,
        [a, b] => value(0, *a) | value(1, *b),
        [a, b, c] => value(0, *a) | value(1, *b) | value(2, *c),
        _ => return None,
    };
    let [_, bytes @ ..] = bits.to_be_bytes();
    let (value, must_be_zero) = bytes.split_at_checked(last.len())?;
    // Two digits encode one byte, three encode two.
    let is_long_enough = rest.len() == last.len() + usize::from(!last.is_empty());
    let is_right = is_long_enough && must_be_zero.iter().all(|byte| *byte == 0);
    last.copy_from_slice(value);
    ((seen | bits) & NO_DIGIT == 0 && is_right).then_some(array)
}

fn decode(
    how: Base64,
    text: &[u8],
    push: &mut dyn FnMut(&[u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let digits = unpadded(how, text)?;
    let table = if how == Base64::Url { &URL_VALUES } else { &STANDARD_VALUES };
    let bits_of = |four: &[u8], start: usize| {
        let mut bits = 0u32;
        for (at, byte) in four.iter().enumerate() {
            let value = table[usize::from(*byte)];
            if value == NONE {
                return Err(DecodeError::Digit { at: start + at });
            }
            bits |= u32::from(value) << (18 - 6 * at);
        }
        Ok(bits.to_be_bytes())
    };
    let (fours, rest) = digits.as_chunks::<4>();
    for (at, four) in fours.iter().enumerate() {
        push(&bits_of(four, at * 4)?[1..])?;
    }
    let tail = bits_of(rest, fours.len() * 4)?;
    let (value, must_be_zero) = match rest.len() {
        0 => return Ok(()),
        2 => (&tail[1..2], &tail[2..]),
        3 => (&tail[1..3], &tail[3..]),
        _ => return Err(DecodeError::Length { found: text.len() }),
    };
    if must_be_zero.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::NotCanonical);
    }
    push(value)
}

/// Removes the padding, which must be present or absent as the alphabet requires.
fn unpadded(how: Base64, text: &[u8]) -> Result<&[u8], DecodeError> {
    if how == Base64::Url {
        return Ok(text);
    }
    if !text.len().is_multiple_of(4) {
        return Err(DecodeError::Length { found: text.len() });
    }
    let one = text.strip_suffix(b"=").unwrap_or(text);
    Ok(one.strip_suffix(b"=").unwrap_or(one))
}

fn string(put: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    put(&mut out);
    // All digits are ASCII.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(how: Base64, text: &str) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::new();
        decode_base64(how, text.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn the_vectors_of_rfc_4648() {
        let known = [
            ("", "", ""),
            ("f", "Zg==", "66"),
            ("fo", "Zm8=", "666f"),
            ("foo", "Zm9v", "666f6f"),
            ("foob", "Zm9vYg==", "666f6f62"),
            ("fooba", "Zm9vYmE=", "666f6f6261"),
            ("foobar", "Zm9vYmFy", "666f6f626172"),
        ];
        for (bytes, standard, as_hex) in known {
            let bytes = bytes.as_bytes();
            assert_eq!(base64(Base64::Standard, bytes), standard);
            assert_eq!(base64(Base64::Url, bytes), standard.trim_end_matches('='));
            assert_eq!(decoded(Base64::Standard, standard).unwrap(), bytes);
            assert_eq!(hex(bytes), as_hex);
        }
        assert_eq!(base64(Base64::Standard, &[0xFB, 0xFF]), "+/8=");
        assert_eq!(base64(Base64::Url, &[0xFB, 0xFF]), "-_8");
    }

    #[test]
    fn only_the_canonical_spelling_is_accepted() {
        use Base64::{Standard, Url};
        let refused = [
            (Standard, "Zg", DecodeError::Length { found: 2 }),
            (Standard, "Zg=", DecodeError::Length { found: 3 }),
            (Standard, "Zh==", DecodeError::NotCanonical),
            (Standard, "Zm9=", DecodeError::NotCanonical),
            (Standard, "Z===", DecodeError::Digit { at: 1 }),
            (Standard, "====", DecodeError::Digit { at: 0 }),
            (Standard, "Zg==Zg==", DecodeError::Digit { at: 2 }),
            (Standard, "Zm9-", DecodeError::Digit { at: 3 }),
            (Standard, "Zm9v\n", DecodeError::Length { found: 5 }),
            (Url, "Zg==", DecodeError::Digit { at: 2 }),
            (Url, "Zh", DecodeError::NotCanonical),
            (Url, "Z", DecodeError::Length { found: 1 }),
            (Url, "Zm9vY", DecodeError::Length { found: 5 }),
            (Url, "Zm9+", DecodeError::Digit { at: 3 }),
            (Url, "Zm 9", DecodeError::Digit { at: 2 }),
        ];
        for (how, text, error) in refused {
            assert_eq!(decoded(how, text), Err(error), "{how:?} {text:?}");
        }
    }

    #[test]
    fn arrays_accept_only_their_own_length() {
        assert_eq!(base64_array(Base64::Url, b"Zm9v"), Ok(*b"foo"));
        for text in ["Zm8", "Zm9vYg", "Zm9vZm9v"] {
            let wrong = base64_array::<3>(Base64::Url, text.as_bytes());
            assert_eq!(wrong, Err(DecodeError::Length { found: text.len() }), "{text}");
        }
        assert_eq!(hex_array(b"00ff"), Ok([0, 255]));
        assert_eq!(hex_array::<2>(b"00f"), Err(DecodeError::Length { found: 3 }));
        assert_eq!(hex_array::<2>(b"00Ff"), Err(DecodeError::Digit { at: 2 }));
    }

    #[test]
    fn fast_decoding_matches_slow_decoding() {
        fn check<const N: usize>(how: Base64, text: &[u8]) {
            let mut slow = Vec::new();
            let is_right = decode_base64(how, text, &mut slow).is_ok() && slow.len() == N;
            match whole_groups::<N>(how, text) {
                Some(array) => assert!(is_right && array[..] == slow, "{text:?}"),
                None => assert!(
                    !is_right || how == Base64::Standard && !N.is_multiple_of(3),
                    "{text:?}"
                ),
            }
        }
        for how in [Base64::Standard, Base64::Url] {
            for len in 0..=12 {
                let bytes: Vec<u8> = (0..len).map(|at: u8| at.wrapping_mul(37) ^ 200).collect();
                let mut text = base64(how, &bytes).into_bytes();
                for at in 0..text.len() {
                    let was = text[at];
                    for byte in 0..=255 {
                        text[at] = byte;
                        check::<3>(how, &text);
                        check::<4>(how, &text);
                        check::<5>(how, &text);
                        check::<6>(how, &text);
                    }
                    text[at] = was;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn accepted_text_encodes_to_itself(text in "[A-Za-z0-9_-]{0,12}") {
            if let Ok(bytes) = decoded(Base64::Url, &text) {
                prop_assert_eq!(base64(Base64::Url, &bytes), text);
            }
        }

        #[test]
        fn bytes_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            for how in [Base64::Standard, Base64::Url] {
                prop_assert_eq!(&decoded(how, &base64(how, &bytes)).unwrap(), &bytes);
            }
        }
    }
}
