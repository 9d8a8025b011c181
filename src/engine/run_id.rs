//! The identifier of a run: a UUID, version 4 (RFC 9562), once per engine.
use std::hash::{BuildHasher, RandomState};

use ringseal_base::digest::text::hex_byte;

/// Generates an identifier. Its randomness is that of the standard library's hash keys, which come from the system.
pub(super) fn generate() -> String {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random_word().to_le_bytes());
    bytes[8..].copy_from_slice(&random_word().to_le_bytes());
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend(hex_byte(*byte).map(char::from));
    }
    text
}

/// 64 bits from the system, through the standard library's hash keys.
pub(super) fn random_word() -> u64 {
    RandomState::new().hash_one((std::process::id(), std::time::Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::generate;

    #[test]
    fn a_run_id_is_a_unique_uuid_v4() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| generate()).collect();
        assert_eq!(ids.len(), 1000);
        for id in &ids {
            assert_eq!(id.len(), 36);
            assert_eq!(id.as_bytes()[14], b'4');
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }
}
