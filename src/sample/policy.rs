//! The sampling policy: its rules, and which of them applies.
use std::fmt;
use std::time::Duration;

use super::error::SampleError;
use crate::core::level::Level;
use crate::core::sampling::limiter::Limit;

/// A sampling policy. The default keeps everything.
///
/// A rate is the share of events that is **kept**: lower it to log less. Only trace, debug and info are ever sampled.
///
/// ```
/// use ringseal::{Level, sample::Sampling};
/// use std::time::Duration;
/// # fn main() -> Result<(), ringseal::sample::SampleError> {
/// let sampling = Sampling::new()
///     .success(0.01)?                     // PAYMENT_SUCCESS, cache_ok: 1 %
///     .target("app::db", 0.1)?            // debug and trace of app::db and below: 10 %
///     .level(Level::Debug, 0.5)?          // other debug events: 50 %
///     .limit(100, Duration::from_secs(1))?; // at most 100 a second per call site
/// let applied = sampling.rate_of("app::db::pool", "acquired", Level::Debug);
/// assert_eq!(applied.rate, 0.1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// In order of precedence.
    rules: Vec<(Rule, f64)>,
    /// The highest level that target rules apply to.
    target_scope: Level,
    limit: Option<(u32, Duration)>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::new()
    }
}

/// What a rule applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Events of a target and everything below it.
    Target(String),
    /// Events whose names, or whose field `event_type`, end in `_SUCCESS` or `_OK`, in any case.
    Success,
    /// Events of targets that no other rule matches.
    AnyTarget,
    /// Events of a level.
    Level(Level),
    /// Kept events beyond the limit of their call site.
    Limit,
}

impl Rule {
    /// The rank of the rule: rules with a lower rank take precedence.
    fn rank(&self) -> (u8, usize) {
        match self {
            // A longer target is more specific.
            Rule::Target(target) => (0, usize::MAX - target.len()),
            Rule::Success => (1, 0),
            Rule::AnyTarget => (2, 0),
            Rule::Level(level) => (3, *level as usize),
            Rule::Limit => (4, 0),
        }
    }

    fn fits(&self, target: &str, event: &str, level: Level, target_scope: Level) -> bool {
        match self {
            Rule::Target(prefix) => level <= target_scope && covers(prefix, target),
            Rule::Success => is_success(event.as_bytes()),
            Rule::AnyTarget => level <= target_scope,
            Rule::Level(own) => *own == level,
            Rule::Limit => false,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Target(target) => write!(f, "target {target}"),
            Rule::Success => f.write_str("success"),
            Rule::AnyTarget => f.write_str("target *"),
            Rule::Level(level) => write!(f, "level {level}"),
            Rule::Limit => f.write_str("limit"),
        }
    }
}

/// `success=0.01, level debug=0.5, limit=100/1s`; `all` if nothing is sampled.
impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rules.is_empty() && self.limit.is_none() {
            return f.write_str("all");
        }
        let mut separator = "";
        for (rule, rate) in &self.rules {
            write!(f, "{separator}{rule}={rate}")?;
            separator = ", ";
        }
        match self.limit {
            Some((count, interval)) => write!(f, "{separator}limit={count}/{interval:?}"),
            None => Ok(()),
        }
    }
}

/// The rate that applies to an event.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AppliedRate {
    /// The share of events that is kept.
    pub rate: f64,
    /// The rule that sets the rate, as its index in [`Sampling::rules`]; `None` if no rule matches.
    pub rule: Option<usize>,
}

/// The highest level that can be sampled.
const LEVEL_MAX: Level = Level::Info;

/// The longest interval of a limit.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);
const INTERVAL_MIN: Duration = Duration::from_millis(1);

impl Sampling {
    /// Keeps everything.
    pub fn new() -> Self {
        Self { rules: Vec::new(), target_scope: Level::Debug, limit: None }
    }

    /// Trace and debug 1 %, info 10 %, warn and above all.
    pub fn production() -> Self {
        let levels = [(Level::Trace, 0.01), (Level::Debug, 0.01), (Level::Info, 0.1)];
        let rules = levels.map(|(level, rate)| (Rule::Level(level), rate));
        Self { rules: rules.into(), ..Self::new() }
    }

    /// Keeps this share of the events whose names end in `_SUCCESS` or `_OK`, in any case, at info and below; also of
    /// those that have such a text as their own field `event_type`.
    ///
    /// A rate of 0 keeps them all, as with the variable `LOG_SAMPLE_SUCCESS`; to disable events, use the filter.
    pub fn success(self, rate: f64) -> Result<Self, SampleError> {
        match rate {
            0.0 => Ok(self.without(&Rule::Success)),
            rate => self.with(Rule::Success, rate),
        }
    }

    /// Keeps this share of the events of `target` and everything below it (`app::db` covers `app::db::pool`, and
    /// `app.db` covers `app.db.pool`), at debug and below; see [`Sampling::target_scope`]. `*` is every target that no
    /// other target rule covers.
    pub fn target(self, target: &str, rate: f64) -> Result<Self, SampleError> {
        let refuse =
            |reason: &str| SampleError::Target { target: target.into(), reason: reason.into() };
        match target {
            "*" => self.with(Rule::AnyTarget, rate),
            "" => Err(refuse("it is empty; use * for every target")),
            _ if target.contains(|c: char| c.is_whitespace() || matches!(c, '*' | ',' | '=')) => {
                Err(refuse(
                    "expected * alone, or a target without blanks, commas, equal signs and stars",
                ))
            }
            _ => self.with(Rule::Target(target.into()), rate),
        }
    }

    /// Sets the highest level that target rules apply to. Default debug, which leaves info to the other rules;
    /// `Level::Info` extends them to everything that can be sampled.
    pub fn target_scope(mut self, scope: Level) -> Result<Self, SampleError> {
        if scope > LEVEL_MAX {
            return Err(SampleError::AlwaysKept { level: scope });
        }
        self.target_scope = scope;
        Ok(self)
    }

    /// Keeps this share of the events of a level that no other rule matches. Warn and above are always kept; the only
    /// valid rate for them is 1.
    pub fn level(self, level: Level, rate: f64) -> Result<Self, SampleError> {
        if level <= LEVEL_MAX {
            return self.with(Rule::Level(level), rate);
        }
        match check(&Rule::Level(level), rate)? {
            1.0 => Ok(self),
            _ => Err(SampleError::AlwaysKept { level }),
        }
    }

    /// Limits each call site to this number of events per interval (1 ms to 24 h), of those that the other rules keep,
    /// at info and below. An event `ringseal.suppressed` reports the number of suppressed events before the next one
    /// that passes, and when the engine stops.
    pub fn limit(mut self, count_max: u32, interval: Duration) -> Result<Self, SampleError> {
        let is_right = (1..=Limit::COUNT_MAX).contains(&count_max)
            && (INTERVAL_MIN..=INTERVAL_MAX).contains(&interval);
        if !is_right {
            return Err(SampleError::Limit { found: format!("{count_max}/{interval:?}") });
        }
        self.limit = Some((count_max, interval));
        Ok(self)
    }

    /// Removes the limit.
    pub fn without_limit(mut self) -> Self {
        self.limit = None;
        self
    }

    fn without(mut self, rule: &Rule) -> Self {
        self.rules.retain(|(known, _)| known != rule);
        self
    }

    fn with(self, rule: Rule, rate: f64) -> Result<Self, SampleError> {
        let rate = check(&rule, rate)?;
        let mut new = self.without(&rule);
        new.rules.push((rule, rate));
        new.rules.sort_by_key(|(rule, _)| rule.rank());
        Ok(new)
    }

    /// All rules with their rates, in order of precedence. A limit has no rate and is not included.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = (&Rule, f64)> {
        self.rules.iter().map(|(rule, rate)| (rule, *rate))
    }

    /// The limit per call site: events per interval.
    pub fn limit_of_call_sites(&self) -> Option<(u32, Duration)> {
        self.limit
    }

    /// The rate of [`Sampling::success`]; 0 if there is none.
    pub fn success_rate(&self) -> f64 {
        let mut rules = self.rules.iter();
        rules.find(|(rule, _)| *rule == Rule::Success).map_or(0.0, |(_, rate)| *rate)
    }

    /// The rate that applies to events of this kind, and the rule that sets it.
    pub fn rate_of(&self, target: &str, event: &str, level: Level) -> AppliedRate {
        if !is_sampled(target, event, level) {
            return AppliedRate { rate: 1.0, rule: None };
        }
        let fits = |(rule, _): &(Rule, f64)| rule.fits(target, event, level, self.target_scope);
        match self.rules.iter().position(fits) {
            Some(index) => AppliedRate {
                rate: self.rules.get(index).map_or(1.0, |(_, rate)| *rate),
                rule: Some(index),
            },
            None => AppliedRate { rate: 1.0, rule: None },
        }
    }

    /// The rate that applies to events of this kind that report success by their field `event_type`.
    pub(crate) fn rate_of_success(&self, target: &str, level: Level) -> AppliedRate {
        self.rate_of(target, SUCCESS, level)
    }

    /// Whether any event of `level` could be sampled or limited.
    pub fn may_sample(&self, level: Level) -> bool {
        level <= LEVEL_MAX && (self.limit.is_some() || !self.rules.is_empty())
    }
}

/// Whether events of this kind are ever sampled or limited: info and below, except the engine's own.
pub(crate) fn is_sampled(target: &str, event: &str, level: Level) -> bool {
    let is_own =
        event.starts_with("ringseal.") || (target, event) == ("boot", "logging.configured");
    level <= LEVEL_MAX && !is_own
}

fn check(rule: &Rule, rate: f64) -> Result<f64, SampleError> {
    match (0.0..=1.0).contains(&rate) {
        true => Ok(rate),
        false => Err(SampleError::Rate { rule: rule.to_string(), found: rate }),
    }
}

/// Whether `prefix` is `target` or one of its parents.
fn covers(prefix: &str, target: &str) -> bool {
    let rest = target.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
}

/// A name that reports success.
const SUCCESS: &str = "_SUCCESS";

/// Whether an event's name or type reports success.
pub(crate) fn is_success(event: &[u8]) -> bool {
    let ends = |suffix: &str| {
        let start = event.len().checked_sub(suffix.len());
        let end = start.and_then(|start| event.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
    };
    ends(SUCCESS) || ends("_OK")
}
