//! Sampling: which share of the events below warn is kept.
//!
//! Promises: a policy is checked when it is made (a rate is a number from 0 to 1, an impossible rule is a typed error)
//! and never again; asking it allocates nothing and takes no lock. Warn and graver always pass, and so do the engine's
//! own events. Nothing here decides about an event on its own: [`Sampling::decide`] gives a rate and the rule that said
//! so, and [`keeps`] compares the rate with 56 bits of randomness, which are the trace id's where there is one.
//!
//! Of several rules that fit an event **the most specific one decides, alone**; rates are never multiplied, so that the
//! `sample_rate` in a line is always one that somebody has written down:
//!
//! 1. `target`, the longest prefix that names the event's target ([`Sampling::target`]), at levels up to its scope;
//! 2. `success`, for names that end in `_SUCCESS` or `_OK` ([`Sampling::success`]);
//! 3. `target` `*`, at levels up to the scope of targets;
//! 4. `level` ([`Sampling::level`]).
//!
//! What is kept then meets the limit per call site ([`Sampling::limit`]), if there is one.
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
pub(crate) use policy::is_sampled;
pub use policy::{AppliedRate, Rule, Sampling};
