//! The fields of a span, kept until it ends.
//!
//! Promises: fields that take 64 bytes or less are kept without an allocation. More of them take one, and together at
//! most 4 KiB: longer texts are cut, with their mark.
use std::fmt;

use crate::core::field::Fields;
use ringseal_base::limits::Limits;
use ringseal_base::value::{NOT_PLAIN, ValueRef, ValueWriter, Values, tag};

/// Bytes of fields that are kept without an allocation.
const INLINE_BYTES: usize = 64;
/// The most bytes that are kept.
const BYTES_MAX: usize = 4096;

/// Encoded values, as many as the span has keys.
pub struct Attributes {
    len: u16,
    /// Whether each key has its value.
    is_whole: bool,
    inline: [u8; INLINE_BYTES],
    long: Option<Box<[u8]>>,
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(Values(self.bytes())).finish()
    }
}

impl Attributes {
    /// No values.
    pub(super) const NONE: Attributes =
        Attributes { len: 0, is_whole: true, inline: [0; INLINE_BYTES], long: None };

    /// Encodes these values.
    #[inline]
    pub fn of<F: Fields>(fields: &F) -> Attributes {
        let mut attributes = Attributes::NONE;
        let bytes = fields.plain_bytes().saturating_add(fields.text_bytes());
        let Some(room) = attributes.inline.get_mut(..bytes) else {
            return Attributes::long(fields, bytes);
        };
        // A type of the caller's own may have written fewer bytes than it promised.
        let missing = fields.put(room).len();
        match missing {
            0 => attributes.len = bytes as u16,
            _ => return Attributes::long(fields, NOT_PLAIN),
        }
        attributes
    }

    #[cold]
    #[inline(never)]
    fn long(fields: &dyn Fields, bytes: usize) -> Attributes {
        let mut buffer = [0; BYTES_MAX];
        let mut limits = Limits::default();
        if bytes > BYTES_MAX {
            // No single value takes all the space.
            limits = limits.with_value_bytes_max(BYTES_MAX as u32 / 4);
        }
        loop {
            let mut out = ValueWriter::new(&mut buffer, limits);
            if bytes > BYTES_MAX {
                out.tighten();
            }
            fields.write(&mut out);
            let (is_full, len) = (out.is_full(), out.len_bytes());
            if !is_full || limits.value_bytes_max == 0 {
                let attributes = Attributes::copy(&buffer[..if is_full { 0 } else { len }]);
                return Attributes { is_whole: !is_full, ..attributes };
            }
            limits.value_bytes_max /= 2;
        }
    }

    fn copy(bytes: &[u8]) -> Attributes {
        let mut attributes = Attributes { len: bytes.len() as u16, ..Attributes::NONE };
        match attributes.inline.get_mut(..bytes.len()) {
            Some(inline) => inline.copy_from_slice(bytes),
            None => attributes.long = Some(bytes.into()),
        }
        attributes
    }

    /// Whether there is a value for each key. If not even cut texts fit, there are none.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The values.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.long {
            Some(long) => long,
            None => &self.inline[..usize::from(self.len)],
        }
    }

    /// The values, without those whose key `is_replaced`.
    pub(super) fn without(&self, keys: &[&str], is_replaced: &dyn Fn(&str) -> bool) -> Vec<u8> {
        let mut rest = self.bytes();
        let mut kept = Vec::with_capacity(rest.len());
        for key in keys {
            let before = rest;
            let is_there = ValueRef::read(&mut rest).is_ok();
            match is_there && !is_replaced(key) {
                true => kept.extend_from_slice(&before[..before.len() - rest.len()]),
                false => kept.push(tag::ABSENT),
            }
        }
        kept
    }
}

/// Encoded values as the fields of an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoded<'a>(pub(super) &'a [u8]);

impl Fields for Encoded<'_> {
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        self.0.len()
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.encoded(self.0);
    }

    #[inline]
    fn plain_bytes(&self) -> usize {
        0
    }

    #[inline]
    fn text_bytes(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        // Too short only for values that do not fit, as the caller sees by the rest.
        let Some((front, rest)) = out.split_at_mut_checked(self.0.len()) else { return &mut [] };
        front.copy_from_slice(self.0);
        rest
    }
}
