//! For tests of code that logs: [`Capture`] starts an engine whose events a test can read, and [`set_default`] makes an
//! engine that of calls without a logger, for one thread.
//!
//! The feature `testing` adds made-up secrets to log (`canaries`) and a search for them in the written files
//! (`assert_no_leak`, `find_leaks`).
#[cfg(any(test, feature = "testing"))]
mod canary;
mod capture;
mod captured_value;
#[cfg(any(test, feature = "testing"))]
mod check_digits;
#[cfg(any(test, feature = "testing"))]
mod forms;
#[cfg(any(test, feature = "testing"))]
mod leak;
#[cfg(test)]
mod leak_tests;
mod thread_default;

#[cfg(any(test, feature = "testing"))]
pub use canary::{Canary, canaries};
pub use capture::{Capture, CapturedEvent};
pub use captured_value::CapturedValue;
#[cfg(any(test, feature = "testing"))]
pub use leak::{Form, Leak, Planted, assert_no_leak, find_leaks};
pub use thread_default::{DefaultGuard, set_default, with_default};
