//! Base58 with a checksum, as Bitcoin writes private keys.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Version, 32 bytes of key, a byte for compressed public keys, four bytes of checksum.
pub(super) const BYTES: usize = 38;
const VERSION: u8 = 0x80;

/// Whether `text` is a private key with a valid checksum.
pub(super) fn is_private_key(text: &[u8]) -> bool {
    let compressed = text.len() == 52;
    let Some(bytes) = decode(text) else { return false };
    // A key without the byte for compression is one byte shorter.
    let bytes = &bytes[usize::from(!compressed)..];
    let (body, checksum) = bytes.split_at(bytes.len() - 4);
    body[0] == VERSION
        && (!compressed || body[33] == 1)
        && Sha256::digest(Sha256::digest(body)).starts_with(checksum)
}

/// The number that `text` writes, as big-endian bytes; `None` for another digit or a larger number.
fn decode(text: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0u8; BYTES];
    for byte in text {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        let mut carry = digit;
        for place in bytes.iter_mut().rev() {
            carry += usize::from(*place) * 58;
            // The low eight bits.
            *place = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::is_private_key;

    #[test]
    fn only_keys_with_a_valid_checksum_count() {
        let key = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn";
        assert!(is_private_key(key.as_bytes()));
        assert!(is_private_key(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"));
        assert!(!is_private_key(key.replace("sVHn", "sVHo").as_bytes()));
        assert!(!is_private_key(key.replace('K', "0").as_bytes()));
        assert!(!is_private_key(&[b'z'; 52]));
    }
}
