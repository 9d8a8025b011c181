//! The producer's side and the composition root.
pub mod emit;
pub(crate) mod global;
pub(crate) mod lane;
pub mod overflow;
pub(crate) mod shared;
