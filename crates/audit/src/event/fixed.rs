//! Fields whose texts are known at compile time, encoded as a record has them.
//!
//! Promises: the bytes equal those that writing the fields one by one produces; encoding takes no time at run time.
use ringseal_base::value::tag;

/// Length of a key, tag and length of a text.
const FRAME_BYTES: usize = 7;

/// Fields with constant texts.
#[derive(Debug)]
pub(super) struct Fixed {
    /// Keys and texts, in the order of the entry.
    pub fields: &'static [(&'static str, &'static str)],
    /// The same, encoded.
    pub entries: &'static [u8],
    /// The longest of the texts.
    pub text_bytes_max: usize,
}

/// Encoded bytes of the fields.
pub(super) const fn entries_bytes(fields: &[(&str, &str)]) -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < fields.len() {
        sum += FRAME_BYTES + fields[at].0.len() + fields[at].1.len();
        at += 1;
    }
    sum
}

/// The encoded fields. `N` is [`entries_bytes`] of them.
pub(super) const fn encode<const N: usize>(fields: &[(&str, &str)]) -> [u8; N] {
    let (mut bytes, mut filled, mut at) = ([0; N], 0, 0);
    while at < fields.len() {
        let (key, text) = (fields[at].0.as_bytes(), fields[at].1.as_bytes());
        filled = put(&mut bytes, filled, &(key.len() as u16).to_le_bytes());
        filled = put(&mut bytes, filled, key);
        filled = put(&mut bytes, filled, &[tag::STR]);
        filled = put(&mut bytes, filled, &(text.len() as u32).to_le_bytes());
        filled = put(&mut bytes, filled, text);
        at += 1;
    }
    bytes
}

const fn put(bytes: &mut [u8], at: usize, from: &[u8]) -> usize {
    let (_, to) = bytes.split_at_mut(at);
    let (to, _) = to.split_at_mut(from.len());
    to.copy_from_slice(from);
    at + from.len()
}

/// Length of the longest text.
pub(super) const fn text_bytes_max(fields: &[(&str, &str)]) -> usize {
    let (mut most, mut at) = (0, 0);
    while at < fields.len() {
        if fields[at].1.len() > most {
            most = fields[at].1.len();
        }
        at += 1;
    }
    most
}

/// The fields `key = text, …` as a `&'static Fixed`.
macro_rules! fixed {
    ($($key:literal = $text:literal),+) => {{
        const FIELDS: &[(&str, &str)] = &[$(($key, $text)),+];
        const ENTRIES: [u8; $crate::event::fixed::entries_bytes(FIELDS)] =
            $crate::event::fixed::encode(FIELDS);
        const FIXED: &$crate::event::fixed::Fixed = &$crate::event::fixed::Fixed {
            fields: FIELDS,
            entries: &ENTRIES,
            text_bytes_max: $crate::event::fixed::text_bytes_max(FIELDS),
        };
        FIXED
    }};
}
pub(super) use fixed;
