//! HKDF-SHA-256 (RFC 5869): derives keys from keys.
//!
//! Promises: no allocation. The caller must overwrite the returned keys; nothing here does.
use super::{Hash, HmacSha256};

/// HKDF-Extract: a pseudorandom key from input key material. An empty salt means 32 zeros.
pub fn extract(salt: &[u8], input: &[u8]) -> Hash {
    HmacSha256::new(salt).of(input)
}

/// HKDF-Expand to 32 bytes: `T(1)` of the RFC.
///
/// ```
/// use ringseal_base::digest::hkdf;
/// let next = hkdf::expand(&[7; 32], b"ratchet");
/// let mut two = [0; 64];
/// hkdf::expand_into(&[7; 32], b"ratchet", &mut two).unwrap();
/// assert_eq!(two[..32], next);
/// ```
pub fn expand(key: &Hash, info: &[u8]) -> Hash {
    let hmac = HmacSha256::new(key);
    let mut inner = hmac.begin();
    inner.update(info);
    inner.update(&[1]);
    hmac.finish(inner)
}

/// HKDF-Expand was asked for more than 255 × 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// Requested bytes.
    pub bytes: usize,
}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected a request of at most 8160 bytes from HKDF, found {}", self.bytes)
    }
}

impl std::error::Error for TooLong {}

/// HKDF-Expand: fills `out`. `key` is a pseudorandom key of at least 32 bytes.
pub fn expand_into(key: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), TooLong> {
    if out.len() > 255 * 32 {
        return Err(TooLong { bytes: out.len() });
    }
    let hmac = HmacSha256::new(key);
    let mut previous: Option<Hash> = None;
    for (chunk, counter) in out.chunks_mut(32).zip(1u8..=255) {
        let mut inner = hmac.begin();
        if let Some(previous) = &previous {
            inner.update(previous);
        }
        inner.update(info);
        inner.update(&[counter]);
        let block = hmac.finish(inner);
        chunk.copy_from_slice(&block[..chunk.len()]);
        previous = Some(block);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::text::hex;

    /// RFC 5869, A.1 to A.3: input, salt, info, pseudorandom key, output.
    #[test]
    fn the_vectors_of_rfc_5869() {
        let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
        let cases = [
            (
                vec![0x0B; 22],
                range(0, 0x0C),
                range(0xF0, 0xF9),
                "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf\
                 34007208d5b887185865",
            ),
            (
                range(0, 0x4F),
                range(0x60, 0xAF),
                range(0xB0, 0xFF),
                "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c\
                 59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71\
                 cc30c58179ec3e87c14c01d5c1f3434f1d87",
            ),
            (
                vec![0x0B; 22],
                vec![],
                vec![],
                "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d\
                 9d201395faa4b61a96c8",
            ),
        ];
        for (input, salt, info, prk, okm) in cases {
            let key = extract(&salt, &input);
            assert_eq!(hex(&key), prk);
            let mut out = vec![0; okm.len() / 2];
            expand_into(&key, &info, &mut out).unwrap();
            assert_eq!(hex(&out), okm);
            assert_eq!(hex(&expand(&key, &info)), okm[..64]);
        }
    }

    #[test]
    fn an_output_above_the_rfcs_limit_is_refused() {
        assert!(expand_into(&[0; 32], b"", &mut [0; 255 * 32]).is_ok());
        let refused = expand_into(&[0; 32], b"", &mut [0; 255 * 32 + 1]);
        assert_eq!(refused, Err(TooLong { bytes: 8161 }));
    }
}
