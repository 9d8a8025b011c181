//! Errors of a sampling policy.
use std::fmt;

use crate::core::level::{Level, ParseLevelError};

/// An invalid rule.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum SampleError {
    /// A rate that is not a number from 0 to 1.
    Rate {
        /// The rule: a level, a target, `success`.
        rule: String,
        /// The rate.
        found: f64,
    },
    /// A text that is not a rate.
    RateText {
        /// The text.
        found: String,
    },
    /// A rate below 1 for a level that is always kept.
    AlwaysKept {
        /// The level.
        level: Level,
    },
    /// A text that is not a level.
    Level(ParseLevelError),
    /// A target that no event can have.
    Target {
        /// The target.
        target: String,
        /// What is wrong with the target.
        reason: String,
    },
    /// A limit of no events, too many events, or an interval out of bounds.
    Limit {
        /// The limit.
        found: String,
    },
    /// A rule without its `=`.
    Rule {
        /// The rule.
        found: String,
    },
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SampleError::Rate { rule, found } => {
                write!(
                    f,
                    "expected a rate from 0 to 1 for {rule} (the share that is kept), found {found}"
                )
            }
            SampleError::RateText { found } => {
                write!(f, "expected a rate from 0 to 1, as in 0.01 or 1%, found {found:?}")
            }
            SampleError::AlwaysKept { level } => {
                write!(f, "{level} is always kept; only trace, debug and info can be sampled")
            }
            SampleError::Level(error) => error.fmt(f),
            SampleError::Target { target, reason } => write!(f, "target {target:?}: {reason}"),
            SampleError::Limit { found } => write!(
                f,
                "expected 1 to 1048575 events per interval of 1ms to 24h, as in 100/1s, found {found:?}"
            ),
            SampleError::Rule { found } => {
                write!(f, "{found:?}: expected a name and its rate, as in debug=0.01")
            }
        }
    }
}

ringseal_base::debug_by_message!(SampleError);

impl std::error::Error for SampleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SampleError::Level(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ParseLevelError> for SampleError {
    fn from(error: ParseLevelError) -> Self {
        SampleError::Level(error)
    }
}
