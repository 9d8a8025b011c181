//! Encoding of decoded values into the bytes of a line.
//!
//! This module has the primitives: a cursor over the batch's bytes ([`Out`]), constant pieces of JSON copied in whole
//! blocks ([`Fragment`]), and one writer per kind of value. Only the layouts depend on records.
//!
//! Promises: appending allocates only if the vector is full, and then grows it as [`Vec::reserve`] does. Nothing
//! blocks; nothing panics on any input. The text between two quotes is always valid JSON and contains no raw newline. A
//! crash loses the contents of the vector.
mod escape;
mod float;
mod fragment;
mod hex;
pub mod layout;
mod net;
mod number;
mod out;
mod span;
mod template;
mod time;

pub use fragment::Fragment;
pub(crate) use hex::hex16;
pub use out::Out;
pub use span::Unit;
pub use time::{Subsecond, TimeCache};
