//! Directives as text.
use std::fmt;

use super::{Directive, Filter};
use crate::core::level::{Level, LevelFilter, ParseLevelError};

/// A directive that cannot be parsed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseFilterError {
    /// The directive.
    pub directive: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for ParseFilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "directive {:?}: {}; expected `level`, `target` or `target=level`, separated by commas",
            self.directive, self.reason
        )
    }
}

ringseal_base::debug_by_message!(ParseFilterError);

impl std::error::Error for ParseFilterError {}

/// Directives to add to a filter, with or without a default level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    pub(super) default: Option<LevelFilter>,
    /// In the order of the text; of two for one target the later one is kept.
    pub(super) directives: Vec<Directive>,
}

impl Overlay {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.default.is_none() && self.directives.is_empty()
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.default, self.directives.iter())
    }
}

/// Writes the default level, then the directives by target.
pub(super) fn write<'a>(
    f: &mut fmt::Formatter<'_>,
    default: Option<LevelFilter>,
    directives: impl Iterator<Item = &'a Directive>,
) -> fmt::Result {
    let mut comma = "";
    if let Some(default) = default {
        write!(f, "{default}")?;
        comma = ",";
    }
    let mut directives: Vec<_> = directives.collect();
    directives.sort_by(|one, other| one.0.cmp(&other.0));
    directives.iter().try_for_each(|(target, level)| {
        write!(f, "{}{target}={level}", std::mem::replace(&mut comma, ","))
    })
}

impl std::str::FromStr for Filter {
    type Err = ParseFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|overlay| Filter::default().with_overlay(&overlay))
    }
}

impl std::str::FromStr for Overlay {
    type Err = ParseFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut overlay = Overlay { default: None, directives: Vec::new() };
        for directive in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match parse(directive)? {
                (None, level) => overlay.default = Some(level),
                (Some(target), level) => {
                    overlay.directives.retain(|(known, _)| known != target);
                    overlay.directives.push((target.to_owned(), level));
                }
            }
        }
        Ok(overlay)
    }
}

/// The target, if there is one, and the level.
fn parse(directive: &str) -> Result<(Option<&str>, LevelFilter), ParseFilterError> {
    let refuse = |reason: String| ParseFilterError { directive: directive.into(), reason };
    if let Some((target, level)) = directive.split_once('=') {
        let target = target.trim();
        check_target(target).map_err(refuse)?;
        let level = level.parse().map_err(|error: ParseLevelError| refuse(error.to_string()))?;
        return Ok((Some(target), level));
    }
    if let Ok(level) = directive.parse() {
        return Ok((None, level));
    }
    check_target(directive).map_err(refuse)?;
    match similar_level(directive) {
        Some(level) => Err(refuse(format!(
            "this is not a level, but similar to `{level}`; a target of this name needs its level: \
             `{directive}=trace`"
        ))),
        None => Ok((Some(directive), LevelFilter::AtLeast(Level::Trace))),
    }
}

/// The level that the word misspells with one wrong, missing, added or exchanged letter.
fn similar_level(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let names = ["trace", "debug", "info", "warn", "warning", "error", "critical", "off"];
    names.into_iter().find(|name| strsim::osa_distance(&word, name) == 1)
}

/// Refuses texts that are not targets.
pub(super) fn check_target(target: &str) -> Result<(), String> {
    if target.is_empty() {
        return Err("the target is empty".into());
    }
    let allowed =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '/' | '*' | '@');
    match target.chars().find(|&c| !allowed(c)) {
        Some('[' | '{' | '}' | ']') => {
            Err("spans and fields in directives are not supported, only targets".into())
        }
        Some(c) => Err(format!("a target cannot contain {c:?}")),
        None => Ok(()),
    }
}
