//! The modules that the engine, the redactor and the audit log share.
//!
//! This crate is a part of ringseal and changes without notice: use `ringseal`, `ringseal-redact` or `ringseal-audit`. All
//! of its modules are hidden from the documentation; the items that users need are re-exported there.
//!
//! Promises: stated by each module. `unsafe` is allowed in `simd`, `storage` and `tsc` only.
#[doc(hidden)]
pub mod backoff;
#[doc(hidden)]
pub mod calendar;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod digest;
#[doc(hidden)]
pub mod fnv;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod panic;
#[doc(hidden)]
pub mod simd;
#[doc(hidden)]
pub mod storage;
#[doc(hidden)]
pub mod tsc;
#[doc(hidden)]
pub mod value;

pub use clock::Now;
pub use limits::Limits;
