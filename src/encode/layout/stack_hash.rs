//! `stack_hash`: equal for errors that are the same failure, regardless of numbers and addresses in their texts.
use sha2::{Digest, Sha256};

use ringseal_base::digest::text::hex_byte;
use ringseal_base::value::{ValueRef, Values};

/// The first 16 hexadecimal digits of the SHA-256 of the target, the event's name, and the error's type and texts, in
/// which every run of digits and every long hexadecimal word is replaced by `#`.
pub(super) fn stack_hash(target: &[u8], event: &[u8], parts: Values<'_>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in [target, event] {
        hasher.update(part);
        hasher.update([0]);
    }
    for part in parts.map_while(Result::ok) {
        // Of a cause, the message counts.
        let text = match part {
            ValueRef::Error(mut parts) => parts.nth(1).and_then(Result::ok),
            ValueRef::Map(_) => continue,
            text => Some(text),
        };
        if let Some(ValueRef::Str(text) | ValueRef::StrCut(text, _)) = text {
            hash_normalised(text, &mut hasher);
        }
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let mut hex = [0; 16];
    for (digits, byte) in hex.as_chunks_mut().0.iter_mut().zip(digest) {
        *digits = hex_byte(byte);
    }
    hex
}

/// Hashes `text` with the parts that vary between two occurrences replaced by `#`.
fn hash_normalised(text: &[u8], hasher: &mut Sha256) {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut rest = text;
    while !rest.is_empty() {
        let len = rest.iter().take_while(|byte| word(byte)).count();
        let (head, tail) = rest.split_at(len.max(1));
        rest = tail;
        let digits = head.iter().filter(|byte| byte.is_ascii_digit()).count();
        let hex = head.len() >= 8 && head.iter().all(u8::is_ascii_hexdigit);
        if digits > 0 && (digits == head.len() || hex || head.starts_with(b"0x")) {
            hasher.update(b"#");
        } else {
            hasher.update(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::stack_hash;
    use ringseal_base::limits::Limits;
    use ringseal_base::value::{ValueWriter, Values};

    fn hash(parts: &[&str]) -> [u8; 16] {
        let mut bytes = [0; 1024];
        let mut out = ValueWriter::new(&mut bytes, Limits::default());
        parts.iter().for_each(|part| out.str(part));
        let len = out.len_bytes();
        stack_hash(b"app", b"failed", Values(&bytes[..len]))
    }

    #[test]
    fn numbers_and_addresses_do_not_change_the_hash() {
        let one = hash(&["IoError", "cannot open 17 at 0x7f00aa: timeout after 300 ms"]);
        let other = hash(&["IoError", "cannot open 4 at 0x12: timeout after 2 ms"]);
        assert_eq!(one, other);
        assert!(one.iter().all(u8::is_ascii_hexdigit));
    }

    #[test]
    fn type_text_and_cause_change_the_hash() {
        let one = hash(&["IoError", "timeout"]);
        for parts in
            [&["OsError", "timeout"][..], &["IoError", "refused"], &["IoError", "timeout", "x"]]
        {
            assert_ne!(one, hash(parts), "{parts:?}");
        }
    }
}
