//! Chains of entries for tests, without a key: `docs/audit-format.md`, sections 2 to 4.
use sha2::{Digest, Sha256};

/// Consecutive lines of entries.
pub struct Lines {
    next_seq: u64,
    previous: String,
    /// Without newlines.
    pub lines: Vec<String>,
}

impl Lines {
    /// `count` entries from number 0.
    pub fn new(count: usize) -> Lines {
        let mut lines =
            Lines { next_seq: 0, previous: text(&[0; 32]), lines: Vec::with_capacity(count) };
        (0..count).for_each(|_| lines.add("user.login", "\"n\":1"));
        lines
    }

    /// Adds an entry with one more member.
    pub fn add(&mut self, event_type: &str, member: &str) {
        let (seq, previous) = (self.next_seq, &self.previous);
        let signed = format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-22T15:09:20.{seq:09}Z\",\
             \"event_type\":\"{event_type}\",{member},\"_prev_signature\":\"{previous}\""
        );
        let signature = text(&Sha256::digest(&signed).into());
        self.lines.push(format!("{signed},\"_signature\":\"{signature}\"}}"));
        self.previous = signature;
        self.next_seq += 1;
    }

    /// The `unix_nanos` of entry `seq`.
    pub fn unix_nanos(seq: u64) -> i64 {
        1795360160000000000 + seq as i64
    }
}

/// `h1:` and base64url without padding.
fn text(hash: &[u8; 32]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::from("h1:");
    for part in hash.chunks(3) {
        let bits = part.iter().fold(0, |bits, &byte| bits << 8 | u32::from(byte));
        let bits = bits << (8 * (3 - part.len()));
        for digit in 0..=part.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}
