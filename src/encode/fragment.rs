//! Constant pieces of a line, prepared once so that writing one is a copy of whole blocks.
//!
//! Promises: making a fragment may allocate (only when it is longer than [`Fragment::SHORT_MAX`]);
//! writing one allocates nothing of its own and copies no dynamic length.

/// A constant piece of JSON or text, padded to whole blocks of 32 bytes.
///
/// The first block stands in the fragment itself, so a short one is one cache line.
///
/// ```
/// use ringseal::encode::{Fragment, Out};
/// let key = Fragment::new(b",\"qty\":");
/// let mut line = Vec::new();
/// let mut out = Out::new(&mut line);
/// out.fragment(&key);
/// out.u64(7);
/// drop(out);
/// assert_eq!(line, b",\"qty\":7");
/// ```
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Fragment {
    head: [u8; 32],
    len: usize,
    rest: Option<Box<[[u8; 32]]>>,
}

impl Fragment {
    /// The longest fragment that needs no memory of its own.
    pub const SHORT_MAX: usize = 32;

    /// Nothing.
    pub const EMPTY: Fragment = Fragment { head: [0; 32], len: 0, rest: None };

    /// A fragment of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let mut fragment = Self { len: bytes.len(), ..Self::EMPTY };
        let mut blocks = bytes.chunks(32).map(|chunk| {
            let mut block = [0; 32];
            block[..chunk.len()].copy_from_slice(chunk);
            block
        });
        fragment.head = blocks.next().unwrap_or_default();
        let rest: Box<[[u8; 32]]> = blocks.collect();
        fragment.rest = (!rest.is_empty()).then_some(rest);
        fragment
    }

    /// Its true length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first block and the others; only [`Fragment::len`] bytes of them count.
    #[inline(always)]
    pub(super) fn blocks(&self) -> (&[u8; 32], &[[u8; 32]]) {
        (&self.head, self.rest.as_deref().unwrap_or_default())
    }
}

impl Default for Fragment {
    fn default() -> Self {
        Self::EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Out;

    #[test]
    fn a_fragment_of_any_length_is_written_to_the_byte() {
        let text: Vec<u8> = (0..200u8).collect();
        for len in 0..=text.len() {
            let fragment = Fragment::new(&text[..len]);
            assert_eq!(fragment.len(), len);
            assert_eq!(fragment.is_empty(), len == 0);
            let mut line = b"x".to_vec();
            Out::new(&mut line).fragment(&fragment);
            assert_eq!(&line[1..], &text[..len]);
        }
    }
}
