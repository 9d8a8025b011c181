//! The sampling state of call sites and contexts: plans, limiters, and the randomness of trace ids.
//!
//! The policy that makes the plans and the decision about an event are in `sample`.
pub mod limiter;
pub mod site_plan;
pub mod trace;
