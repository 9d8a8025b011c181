//! Classes of bytes that a copy must stop at, as vector comparisons.
//!
//! Promises: safe code without state; nothing allocates or blocks.
use super::lanes::Lanes;

/// Bytes that a copy must stop at. A class is a type, so that each copy is compiled for one.
pub trait Class {
    /// The flags of this class.
    fn flags<L: Lanes>(block: L) -> L;
}

/// Bytes that JSON escapes and every byte of a non-ASCII character. The cheapest class.
pub struct JsonOrWide;
impl Class for JsonOrWide {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control_or_wide().or(block.equal(b'"')).or(block.equal(b'\\'))
    }
}

/// Bytes that JSON escapes.
pub struct JsonEscaped;
impl Class for JsonEscaped {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control().or(block.equal(b'"')).or(block.equal(b'\\'))
    }
}

/// Bytes that JSON escapes and the first byte of U+2028 and U+2029.
pub struct JsonExact;
impl Class for JsonExact {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control().or(block.equal(b'"')).or(block.equal(b'\\')).or(block.equal(0xE2))
    }
}

/// ASCII controls, DEL and every byte of a non-ASCII character.
pub struct TextOrWide;
impl Class for TextOrWide {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control_or_wide().or(block.equal(0x7F))
    }
}
