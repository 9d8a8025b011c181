//! Limits for the content of one event. Values above a limit are cut, marked and counted, but never rejected.

/// How much of a value, and of an event, is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes kept of one string, of bytes, or of what `Display`, `Debug` or `Serialize` wrote. Default 16,384.
    pub value_bytes_max: u32,
    /// Bytes of one event in the ring; never more than a quarter of the ring. Default 262,144.
    pub record_bytes_max: u32,
    /// How deep arrays and maps may nest; deeper ones become the text `…`. Default 32; lines go no deeper than 120,
    /// because common readers refuse more.
    pub depth_max: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes_max: 16 * 1024, record_bytes_max: 256 * 1024, depth_max: 32 }
    }
}

impl Limits {
    /// The same with at most `bytes` per value.
    pub fn with_value_bytes_max(mut self, bytes: u32) -> Self {
        self.value_bytes_max = bytes;
        self
    }

    /// The same with at most `bytes` per record.
    pub fn with_record_bytes_max(mut self, bytes: u32) -> Self {
        self.record_bytes_max = bytes;
        self
    }
}

/// The last position up to `index` at which a character begins or the text ends: what `str::floor_char_boundary`
/// returns, which is newer than the oldest supported compiler.
#[inline]
pub fn floor_char_boundary(text: &str, index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    (0..=index).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::floor_char_boundary;

    #[test]
    fn no_character_is_split() {
        for text in ["", "a", "aä", "€uro", "a😀b", "\u{301}\u{301}"] {
            for index in 0..text.len() + 3 {
                let at = floor_char_boundary(text, index);
                assert_eq!(at, text.floor_char_boundary(index), "{text:?}, {index}");
            }
        }
    }
}
