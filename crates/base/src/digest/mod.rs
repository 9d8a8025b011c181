//! Hashes, MACs and text encodings of bytes.
//!
//! [`Sha256`] takes its input in pieces, [`HmacSha256`] (RFC 2104) precomputes its key, [`hkdf`] is RFC 5869, [`Crc32`]
//! is the checksum of gzip, [`text`] encodes bytes as hexadecimal and base64 (RFC 4648).
//!
//! Promises: nothing here blocks, fails or allocates, except for the growth of the vectors that the functions of
//! [`text`] append to. Keys and states derived from keys are overwritten when dropped if one of the features `audit`
//! and `tokens` is on; copies that a move leaves on the stack are not.

mod crc32;
pub mod hkdf;
mod hmac;
pub mod pair;
mod sha256;
pub mod text;

pub use crc32::Crc32;
pub use hmac::HmacSha256;
pub use hmac::wipe;
pub use sha256::Sha256;

/// SHA-512 (FIPS 180-4) from the crate `sha2`.
pub use sha2::Sha512;

/// The 32 bytes of a SHA-256 or of a MAC made with it.
pub type Hash = [u8; 32];

/// Compares two hashes in constant time.
pub fn constant_time_eq(one: &Hash, two: &Hash) -> bool {
    let difference = one.iter().zip(two).fold(0, |bits, (a, b)| bits | (a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_that_differ_in_one_bit_differ() {
        let one: Hash = std::array::from_fn(|at| at as u8);
        assert!(constant_time_eq(&one, &one.clone()));
        for bit in 0..256 {
            let mut two = one;
            two[bit / 8] ^= 1 << (bit % 8);
            assert!(!constant_time_eq(&one, &two), "bit {bit}");
        }
    }
}
