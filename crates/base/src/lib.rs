//! The modules that the engine, the redactor and the audit log share.
//!
//! This crate has no stable interface: use `ringseal`, `ringseal-redact` or `ringseal-audit`. All of its modules are
//! hidden from the documentation; those crates re-export the items that users need.
//!
//! Promises: stated by each module. `unsafe` is allowed in `process`, `simd`, `storage` and `tsc` only.
#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "ringseal needs a target with 64-bit pointers: lengths of records are added without checks, which narrower numbers \
     could not hold; expected a target such as x86_64 or aarch64"
);

#[doc(hidden)]
pub mod backoff;
#[doc(hidden)]
pub mod calendar;
#[doc(hidden)]
pub mod catalogue;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod digest;
mod error_debug;
#[doc(hidden)]
pub mod fnv;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod own_thread;
pub mod panic;
#[doc(hidden)]
pub mod printable;
#[doc(hidden)]
pub mod process;
#[doc(hidden)]
pub mod random;
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
