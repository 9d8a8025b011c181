//! Which bytes a copy must stop at, as vector comparisons.
//!
//! Promises: no memory, no state; a class is a type, so that each copy is compiled for one.
use super::{Class, Lanes};

/// What JSON escapes, and every byte of a non-ASCII character: cheap to tell.
pub(crate) struct JsonOrWide;
impl Class for JsonOrWide {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control_or_wide().or(block.equal(b'"')).or(block.equal(b'\\'))
    }
}

/// What JSON escapes.
#[cfg_attr(not(feature = "audit"), allow(dead_code))]
pub(crate) struct JsonEscaped;
impl Class for JsonEscaped {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control().or(block.equal(b'"')).or(block.equal(b'\\'))
    }
}

/// What JSON escapes, and the byte that U+2028 and U+2029 begin with.
pub(crate) struct JsonExact;
impl Class for JsonExact {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control().or(block.equal(b'"')).or(block.equal(b'\\')).or(block.equal(0xE2))
    }
}

/// ASCII controls, DEL, and every byte of a non-ASCII character.
pub(crate) struct TextOrWide;
impl Class for TextOrWide {
    #[inline(always)]
    fn flags<L: Lanes>(block: L) -> L {
        block.control_or_wide().or(block.equal(0x7F))
    }
}
