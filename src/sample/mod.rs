//! Sampling: which share of the events below warn is kept.
//!
//! Promises: a policy is checked once, when it is built: a rate is a number from 0 to 1, and an impossible rule is a
//! typed error. Reading a policy allocates nothing and takes no lock. Warn and above are always kept, and so are the
//! engine's own events. [`Sampling::rate_of`] gives the rate and the rule that sets it; [`keeps`] compares the rate
//! with 56 bits of randomness, taken from the trace id if there is one.
//!
//! If several rules match an event, **the most specific one applies, alone**. Rates are never multiplied, so the
//! `sample_rate` in a line is always a configured one:
//!
//! 1. `target`, the longest prefix that names the event's target ([`Sampling::target`]), at levels up to its scope;
//! 2. `success`, for names that end in `_SUCCESS` or `_OK` ([`Sampling::success`]);
//! 3. `target` `*`, at levels up to the scope of targets;
//! 4. `level` ([`Sampling::level`]).
//!
//! If there is a limit per call site ([`Sampling::limit`]), it then applies to the events that the rate keeps.
mod chance;
pub(crate) mod decision;
mod error;
mod parse;
mod policy;
pub(crate) mod sampler;

#[cfg(test)]
mod tests;

pub(crate) use chance::threshold;
pub use chance::{Random, keeps};
pub use error::SampleError;
pub use policy::{AppliedRate, Rule, Sampling};
pub(crate) use policy::{is_sampled, is_success};
