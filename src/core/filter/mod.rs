//! Filters events by level and target, with directives in the syntax of `EnvFilter`.
//!
//! An example is `info,hyper=warn,app::db=trace,noisy=off`. A level alone is the default. `target=level` applies to
//! the target and all targets below it (`app::db::pool`); the longest match wins. A target alone enables all its
//! levels; it must not look like a misspelt level.
//!
//! Below the directives is a list of noisy targets ([`QuietTargets`]), which an engine adds: a directive for a noisy
//! target, or for one below it, replaces the entry; a shorter one and the default do not.
mod explain;
mod parse;
mod quiet;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use self::explain::{ExplainedLevel, LevelSource};
pub use self::parse::{Overlay, ParseFilterError};
pub use self::quiet::{ParseQuietError, QuietTargets};
use super::level::{Level, LevelFilter};

/// A target and the level of it and of all targets below it.
type Directive = (String, LevelFilter);

/// A set of directives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    default: LevelFilter,
    /// Longest target first.
    directives: Vec<Directive>,
    /// Noisy targets; the same list for all filters of an engine.
    quiet: Arc<QuietTargets>,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(LevelFilter::AtLeast(Level::Info))
    }
}

impl Filter {
    /// A filter without directives: `default` applies to every target.
    pub fn new(default: LevelFilter) -> Self {
        Self { default, directives: Vec::new(), quiet: Arc::default() }
    }

    /// Adds a directive for `target` and the targets below it.
    pub fn with_directive(mut self, target: &str, level: LevelFilter) -> Self {
        self.directives.retain(|(known, _)| known != target);
        self.directives.push((target.to_owned(), level));
        self.directives.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        self
    }

    /// With this list of noisy targets in place of the filter's own.
    pub(crate) fn with_quiet(mut self, quiet: Arc<QuietTargets>) -> Self {
        self.quiet = quiet;
        self
    }

    /// The list of noisy targets.
    pub(crate) fn quiet(&self) -> Arc<QuietTargets> {
        Arc::clone(&self.quiet)
    }

    /// With the directives of `overlay` in addition. One for the same target replaces that of the filter.
    pub(crate) fn with_overlay(&self, overlay: &Overlay) -> Self {
        let mut filter = self.clone();
        filter.default = overlay.default.unwrap_or(filter.default);
        let add =
            |filter: Filter, (target, level): &Directive| filter.with_directive(target, *level);
        overlay.directives.iter().fold(filter, add)
    }

    /// Whether an event of `target` at `level` passes.
    pub fn passes(&self, target: &str, level: Level) -> bool {
        if self.directives.is_empty() && !self.quiet.may_cover(target) {
            return self.default.passes(level);
        }
        self.level_of(target).0.passes(level)
    }

    /// The level of the most specific directive that matches `target`.
    pub(crate) fn directive(&self, target: &str) -> Option<LevelFilter> {
        longest(&self.directives, target).map(|(_, level)| *level)
    }

    /// The level of a target, and the directive or the noisy target that it comes from.
    fn level_of(&self, target: &str) -> (LevelFilter, Cause<'_>) {
        let own = longest(&self.directives, target);
        let (level, cause) =
            own.map_or((self.default, Cause::Default), |own| (own.1, Cause::Directive(own)));
        match self.quiet.longest(target) {
            Some(quiet)
                if own.is_none_or(|own| own.0.len() < quiet.0.len())
                    && is_stricter(quiet.1, level) =>
            {
                (quiet.1, Cause::Quiet(quiet))
            }
            _ => (level, cause),
        }
    }

    /// Whether an event at `level` passes for some target.
    pub fn may_pass(&self, level: Level) -> bool {
        self.most_verbose().passes(level)
    }

    /// The most verbose level that passes for some target. Nothing below it passes for any.
    pub fn most_verbose(&self) -> LevelFilter {
        let levels = self.directives.iter().map(|(_, level)| *level);
        levels.fold(self.default, |most, level| if is_stricter(most, level) { level } else { most })
    }

    /// The level for targets that no directive matches and that are not noisy.
    pub fn default_level(&self) -> LevelFilter {
        self.default
    }

    /// The noisy targets that change something, as directives. An entry below another one belongs to them even if it
    /// silences nothing: as directives, the other one would apply to it.
    fn shown_quiet(&self) -> impl Iterator<Item = Directive> {
        let is_in_force = |target: &str| matches!(self.level_of(target).1, Cause::Quiet(_));
        let is_named = |target: &str| self.directives.iter().any(|(known, _)| known == target);
        let quiet = self.quiet.directives().filter(move |(target, _)| {
            let mut above = self.quiet.directives().filter(|(above, _)| covers(above, target));
            !is_named(target) && above.any(|(above, _)| is_in_force(above))
        });
        quiet.map(|(target, _)| (target.clone(), self.level_of(target).0))
    }

    /// The filter without its noisy targets.
    pub(crate) fn without_quiet(&self) -> Self {
        self.clone().with_quiet(Arc::default())
    }
}

/// What a target's level comes from.
enum Cause<'a> {
    Default,
    Directive(&'a Directive),
    Quiet(&'a Directive),
}

/// Whether `one` passes fewer levels than `other`.
fn is_stricter(one: LevelFilter, other: LevelFilter) -> bool {
    match (one, other) {
        (LevelFilter::AtLeast(one), LevelFilter::AtLeast(other)) => one > other,
        (LevelFilter::Off, LevelFilter::AtLeast(_)) => true,
        (_, LevelFilter::Off) => false,
    }
}

/// The directive with the longest target that is `target` or above it; the longest must come first.
fn longest<'a>(directives: &'a [Directive], target: &str) -> Option<&'a Directive> {
    directives.iter().find(|(prefix, _)| covers(prefix, target))
}

/// Whether `target` is `above` or below it.
fn covers(above: &str, target: &str) -> bool {
    let rest = target.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
}

/// In the syntax that is parsed, with the noisy targets as directives: `warn,app=info,app::db=trace,hyper=warn`.
///
/// Noisy targets that the directives or the default silence as much are left out, so the text has the same effect.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quiet: Vec<Directive> = self.shown_quiet().collect();
        parse::write(f, Some(self.default), self.directives.iter().chain(&quiet))
    }
}
