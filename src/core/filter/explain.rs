//! Why a target has its level.
use std::fmt;

use super::{Cause, Filter};
use crate::core::level::LevelFilter;

/// The level of a target and the reason for it. [`Display`](fmt::Display) has both in a sentence.
///
/// ```
/// use ringseal::levels::LevelSource;
/// let filter: ringseal::Filter = "info,app::db=debug".parse()?;
/// let explained = filter.explain("app::db::pool");
/// assert_eq!(explained.source, LevelSource::Directive("app::db".into()));
/// assert_eq!(explained.to_string(), "app::db::pool: debug, by the directive for app::db");
/// # Ok::<(), ringseal::ParseFilterError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedLevel {
    /// The target.
    pub target: String,
    /// The least severe level that passes.
    pub level: LevelFilter,
    /// What the level comes from.
    pub source: LevelSource,
}

/// What the level of a target comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LevelSource {
    /// No directive matches: the default level.
    Default,
    /// The directive for this target.
    Directive(String),
    /// This noisy target.
    Quiet(String),
}

impl fmt::Display for ExplainedLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, level, source } = self;
        write!(f, "{target}: {level}, ")?;
        match source {
            LevelSource::Default => f.write_str("by default"),
            LevelSource::Directive(directive) => write!(f, "by the directive for {directive}"),
            LevelSource::Quiet(quiet) => write!(
                f,
                "because {quiet} is in the list of noisy targets; a directive for {quiet} replaces its entry"
            ),
        }
    }
}

impl Filter {
    /// Which events of `target` pass, and why.
    pub fn explain(&self, target: &str) -> ExplainedLevel {
        let (level, cause) = self.level_of(target);
        let source = match cause {
            Cause::Default => LevelSource::Default,
            Cause::Directive((target, _)) => LevelSource::Directive(target.clone()),
            Cause::Quiet((target, _)) => LevelSource::Quiet(target.clone()),
        };
        ExplainedLevel { target: target.to_owned(), level, source }
    }
}
