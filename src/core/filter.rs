//! Filters events by level and target, with directives in the syntax of `EnvFilter`.
//!
//! An example is `info,hyper=warn,app::db=trace,noisy=off`. A level alone is the default. `target=level` applies to
//! the target and all targets below it (`app::db::pool`); the longest match wins. A target alone enables all its
//! levels; it must not look like a misspelt level.
use std::fmt;

use super::level::{Level, LevelFilter, ParseLevelError};

/// A set of directives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    default: LevelFilter,
    /// Longest target first.
    directives: Vec<(String, LevelFilter)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(LevelFilter::AtLeast(Level::Info))
    }
}

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

impl Filter {
    /// A filter without directives: `default` applies to every target.
    pub fn new(default: LevelFilter) -> Self {
        Self { default, directives: Vec::new() }
    }

    /// Adds a directive for `target` and the targets below it.
    pub fn with_directive(mut self, target: &str, level: LevelFilter) -> Self {
        self.directives.retain(|(known, _)| known != target);
        self.directives.push((target.to_owned(), level));
        self.directives.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        self
    }

    /// Whether an event of `target` at `level` passes.
    pub fn passes(&self, target: &str, level: Level) -> bool {
        self.directive(target).unwrap_or(self.default).passes(level)
    }

    /// The level of the most specific directive that matches `target`.
    pub(crate) fn directive(&self, target: &str) -> Option<LevelFilter> {
        let covers = |prefix: &str| {
            target.strip_prefix(prefix).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with("::") || rest.starts_with('.')
            })
        };
        self.directives.iter().find(|(prefix, _)| covers(prefix)).map(|(_, level)| *level)
    }

    /// Whether an event at `level` passes for some target.
    pub fn may_pass(&self, level: Level) -> bool {
        let mut levels = self.directives.iter().map(|(_, level)| *level);
        self.default.passes(level) || levels.any(|least| least.passes(level))
    }

    /// The level for targets that no directive matches.
    pub fn default_level(&self) -> LevelFilter {
        self.default
    }
}

/// In the syntax that is parsed: `warn,app=info,app::db=trace`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.default.fmt(f)?;
        let mut directives: Vec<_> = self.directives.iter().collect();
        directives.sort_by(|one, other| one.0.cmp(&other.0));
        directives.iter().try_for_each(|(target, level)| write!(f, ",{target}={level}"))
    }
}

impl std::str::FromStr for Filter {
    type Err = ParseFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut filter = Filter::default();
        for directive in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let refuse = |reason: String| ParseFilterError { directive: directive.into(), reason };
            let level_of = |word: &str| {
                word.parse().map_err(|error: ParseLevelError| refuse(error.to_string()))
            };
            match directive.split_once('=') {
                Some((target, level)) => {
                    let target = target.trim();
                    check_target(target).map_err(refuse)?;
                    filter = filter.with_directive(target, level_of(level)?);
                }
                None => match directive.parse() {
                    Ok(level) => filter.default = level,
                    Err(_) => {
                        check_target(directive).map_err(refuse)?;
                        if let Some(level) = similar_level(directive) {
                            return Err(refuse(format!(
                                "this is not a level, but similar to `{level}`; a target of this name needs its \
                                 level: `{directive}=trace`"
                            )));
                        }
                        let all = LevelFilter::AtLeast(Level::Trace);
                        filter = filter.with_directive(directive, all);
                    }
                },
            }
        }
        Ok(filter)
    }
}

/// The level that the word misspells with one wrong, missing, added or exchanged letter.
fn similar_level(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let names = ["trace", "debug", "info", "warn", "warning", "error", "critical", "off"];
    names.into_iter().find(|name| strsim::osa_distance(&word, name) == 1)
}

fn check_target(target: &str) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::{Filter, Level, LevelFilter};

    #[test]
    fn the_longest_target_of_whole_segments_wins() {
        let filter: Filter = "warn,app=info, app::db = trace ,noisy=off".parse().unwrap();
        for (target, level, passes) in [
            ("other", Level::Info, false),
            ("other", Level::Warn, true),
            ("app", Level::Info, true),
            ("app", Level::Debug, false),
            ("app::http", Level::Info, true),
            ("app::db", Level::Trace, true),
            ("app::db::pool", Level::Trace, true),
            ("app::dbx", Level::Trace, false),
            ("application", Level::Info, false),
            ("noisy", Level::Critical, false),
        ] {
            assert_eq!(filter.passes(target, level), passes, "{target} {level}");
        }
    }

    #[test]
    fn a_displayed_filter_parses_to_an_equal_filter() {
        for text in ["info", "off", "warn,app=info,app::db=trace,noisy=off"] {
            let filter: Filter = text.parse().unwrap();
            assert_eq!(filter.to_string(), text);
            assert_eq!(filter.to_string().parse(), Ok(filter));
        }
    }

    #[test]
    fn a_bare_target_enables_all_its_levels() {
        let filter: Filter = "warn,hyper,app::db, my-crate".parse().unwrap();
        for target in ["hyper", "hyper::client", "app::db", "my-crate"] {
            assert!(filter.passes(target, Level::Trace), "{target}");
        }
        assert!(!filter.passes("hyperion", Level::Info) && !filter.passes("app", Level::Info));
        let alone: Filter = "hyper".parse().unwrap();
        assert!(alone.passes("hyper", Level::Trace) && alone.passes("app", Level::Info));
        assert!(!alone.passes("app", Level::Debug), "the default stays");
    }

    #[test]
    fn a_misspelt_level_is_not_a_target() {
        for (word, level) in [
            ("inof", "info"),
            ("ifno", "info"),
            ("inf", "info"),
            ("infoo", "info"),
            ("nfo", "info"),
            ("warm", "warn"),
            ("Warnning", "warning"),
            ("eror", "error"),
            ("debgu", "debug"),
            ("critcal", "critical"),
            ("of", "off"),
        ] {
            let error = word.parse::<Filter>().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&format!("`{level}`")), "{error}");
        }
        for word in ["inter", "trading", "errors_api", "off_road", "infra", "waiter"] {
            assert!(word.parse::<Filter>().is_ok(), "{word}");
        }
    }

    #[test]
    fn an_empty_text_means_info() {
        assert_eq!("".parse(), Ok(Filter::new(LevelFilter::AtLeast(Level::Info))));
    }

    #[test]
    fn a_bad_directive_names_what_was_expected() {
        for (text, named) in [
            ("inof", "\"inof\""),
            ("app=loud", "\"app=loud\""),
            ("info,=debug", "the target is empty"),
            ("app[span{x=1}]=debug", "spans"),
            ("a b=info", "' '"),
        ] {
            let error = text.parse::<Filter>().unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
