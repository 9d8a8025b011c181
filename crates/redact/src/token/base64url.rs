//! Base64 with the alphabet for URLs and without padding (RFC 4648, section 5).
//!
//! Encoding appends to the caller's buffer and allocates nothing else. Decoding accepts one spelling of each value, so
//! that two different texts never decode to the same bytes. Padding is accepted only where a caller strips it.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Appends `bytes` in base64url.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, &b| bits << 8 | u32::from(b));
        let bits = bits << (8 * (3 - three.len()));
        for i in 0..=three.len() {
            out.push(DIGITS[(bits >> (18 - 6 * i) & 63) as usize]);
        }
    }
}

/// Appends the bytes that `text` encodes, or returns the position of the first invalid byte. Bytes appended
/// before an error are kept.
#[cfg(feature = "tokens")]
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), usize> {
    if text.len() % 4 == 1 {
        return Err(text.len() - 1);
    }
    for (index, four) in text.chunks(4).enumerate() {
        let mut bits = 0u32;
        for (i, &b) in four.iter().enumerate() {
            bits |= u32::from(value(b).ok_or(4 * index + i)?) << (18 - 6 * i);
        }
        let bytes = bits.to_be_bytes();
        // The unused bits of the last character must be zero: one spelling per value.
        if four.len() < 4 && bytes[four.len()..].iter().any(|&b| b != 0) {
            return Err(4 * index + four.len() - 1);
        }
        out.extend_from_slice(&bytes[1..four.len()]);
    }
    Ok(())
}

#[cfg(feature = "tokens")]
fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        let vectors = [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, want) in vectors {
            assert_eq!(text(bytes.as_bytes()), want);
        }
        assert_eq!(text(&[0xFB, 0xFF, 0xFE]), "-__-");
    }

    #[cfg(feature = "tokens")]
    mod decoding {
        use proptest::prelude::*;

        use super::super::decode;
        use super::text;

        #[test]
        fn other_spellings_are_refused_where_they_differ() {
            // Padding, the other alphabet, a lone digit, unused bits that are not zero.
            for (bad, at) in
                [("Zg==", 2), ("Z", 0), ("Zm9vZ", 4), ("+_8", 0), ("Zh", 1), ("Zm9", 2)]
            {
                assert_eq!(decode(bad.as_bytes(), &mut Vec::new()), Err(at), "{bad}");
            }
        }

        proptest! {
            #[test]
            fn encoded_bytes_are_decoded(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
                let mut out = Vec::new();
                prop_assert_eq!(decode(text(&bytes).as_bytes(), &mut out), Ok(()));
                prop_assert_eq!(out, bytes);
            }

            #[test]
            fn decoded_text_is_encoded_identically(given in "[A-Za-z0-9_=+-]{0,20}") {
                let mut out = Vec::new();
                if decode(given.as_bytes(), &mut out).is_ok() {
                    prop_assert_eq!(text(&out), given);
                }
            }
        }
    }
}
