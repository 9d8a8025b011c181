//! Encoding of decoded values into the bytes of a line.
//!
//! This module has the primitives: a cursor over the batch's bytes ([`Out`]), constant pieces of
//! JSON copied in whole blocks ([`Fragment`]), and one writer per kind of value. Only
//! the layouts know records.
//!
//! Promises: appending allocates only when the vector below is full, and then grows it as
//! [`Vec::reserve`] does; nothing blocks; nothing panics on any input; whatever is written between
//! two quotes is valid JSON and contains no raw newline. A crash loses what the vector held.
mod escape;
mod float;
mod fragment;
mod hex;
pub mod layout;
mod net;
mod number;
mod out;
mod span;
mod time;

pub use fragment::Fragment;
pub use out::Out;
pub use span::Unit;
pub use time::{Subsecond, TimeCache};
