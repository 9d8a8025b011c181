//! Base58 with a checksum (Base58Check), as Bitcoin writes addresses and private keys.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// The version of Bitcoin's private keys.
const PRIVATE_KEY: u8 = 0x80;

/// Whether `text` is a private key with a valid checksum: version, 32 bytes, and a 1 if the public key is compressed.
pub(super) fn is_private_key(text: &[u8]) -> bool {
    match text.len() {
        52 => checked::<38>(text).is_some_and(|bytes| bytes[0] == PRIVATE_KEY && bytes[33] == 1),
        51 => checked::<37>(text).is_some_and(|bytes| bytes[0] == PRIVATE_KEY),
        _ => false,
    }
}

/// The bytes that `text` writes, if the last four are a checksum of the others.
pub(super) fn checked<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0u8; BYTES];
    for byte in text {
        let mut carry = DIGITS.iter().position(|digit| digit == byte)?;
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
    let (body, checksum) = bytes.split_last_chunk::<4>()?;
    Sha256::digest(Sha256::digest(body)).starts_with(checksum).then_some(bytes)
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
