//! Constant pieces of a line, prepared once so that a short piece is copied as one block.
//!
//! Promises: making a fragment allocates only if it is longer than [`Fragment::SHORT_MAX`]; writing one allocates
//! nothing unless the vector has to grow.

use super::out::VALUE;
use ringseal_base::simd::{Cursor, Room, SLACK};

/// A constant piece of JSON or text. Up to 32 bytes are stored in the fragment itself, which is one cache line, and
/// copied as one block.
///
/// ```
/// use ringseal::internals::encode::{Fragment, Out};
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
    head: [u8; Fragment::SHORT_MAX],
    len: usize,
    /// The bytes after the head.
    rest: Box<[u8]>,
}

impl Fragment {
    /// The longest fragment that needs no heap memory.
    pub const SHORT_MAX: usize = 32;

    /// A fragment of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let mut fragment = Self { len: bytes.len(), ..Self::default() };
        let (head, rest) = bytes.split_at(bytes.len().min(Self::SHORT_MAX));
        fragment.head[..head.len()].copy_from_slice(head);
        fragment.rest = rest.into();
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

    /// Appends the fragment; returns [`VALUE`] bytes of space for the value after it.
    #[inline(always)]
    pub(super) fn put<'c, 'a>(&self, cursor: &'c mut Cursor<'a>) -> Room<'c, 'a, VALUE> {
        if self.len <= Self::SHORT_MAX {
            return cursor.room::<SLACK>().put(&self.head, self.len);
        }
        cursor.with_vec(|line| self.append(line));
        cursor.room()
    }

    /// [`Fragment::put`] if the fragment is short and the vector does not have to grow.
    #[inline(always)]
    pub(super) fn try_put<'c, 'a>(
        &self,
        cursor: &'c mut Cursor<'a>,
    ) -> Option<Room<'c, 'a, VALUE>> {
        if self.len > Self::SHORT_MAX {
            return None;
        }
        cursor.try_room::<SLACK>().map(|room| room.put(&self.head, self.len))
    }

    #[cold]
    #[inline(never)]
    fn append(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(&self.head);
        line.extend_from_slice(&self.rest);
    }
}

impl Default for Fragment {
    fn default() -> Self {
        Self { head: [0; Self::SHORT_MAX], len: 0, rest: Box::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Out;

    #[test]
    fn a_fragment_of_any_length_is_written_exactly() {
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
