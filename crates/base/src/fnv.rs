//! FNV-1a, a fast hash without any resistance against chosen inputs.
//!
//! Promises: safe code; nothing allocates or blocks.

/// The 64-bit FNV-1a hash of `bytes`.
///
/// ```
/// use ringseal_base::fnv::fnv1a;
/// assert_eq!(fnv1a([]), 0xcbf2_9ce4_8422_2325);
/// assert_eq!(fnv1a(*b"a"), 0xaf63_dc4c_8601_ec8c);
/// ```
#[inline]
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
