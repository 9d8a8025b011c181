//! Rules: which events count into which metric.
//!
//! Promises: a rule set that loads gives expositions that can be read: names are valid and appear once, buckets rise,
//! and no label repeats. Labels whose values have no bound are refused unless the rule allows them.
use std::fmt;

/// The buckets of a histogram in seconds, unless the rule has others.
pub const DEFAULT_BUCKETS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Series of a metric, unless the rule has another bound.
pub const SERIES_MAX: usize = 2_000;
/// The most labels of a rule.
pub(crate) const LABELS_MAX: usize = 16;
/// The most bounds of a histogram.
const BUCKETS_MAX: usize = 256;
/// Words in keys of fields whose values have no bound.
const UNBOUNDED_WORDS: [&str; 6] = ["uuid", "guid", "ip", "ipv4", "ipv6", "email"];
/// Keys of fields whose values have no bound.
const UNBOUNDED_KEYS: [&str; 7] =
    ["trace_id", "span_id", "request_id", "correlation_id", "session_id", "trace", "span"];

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A sum that only grows.
    Counter,
    /// The last value.
    Gauge,
    /// Counts of values by their size.
    Histogram,
    /// Count and sum.
    Summary,
}

impl Kind {
    /// The name in an exposition.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        }
    }
}

/// A label and the field that it has its value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) key: String,
}

/// A rule that derives a metric from events of one name.
///
/// ```
/// use ringseal_metrics::{Rule, RuleSet};
/// let rules = RuleSet::new()
///     .rule(Rule::counter("payments_total", "payment_processed").label("currency"))
///     .rule(Rule::histogram("payment_amount", "payment_processed", "amount").buckets([1.0, 10.0, 100.0]));
/// assert!(rules.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
    pub(crate) event: String,
    pub(crate) value: Option<String>,
    pub(crate) scale: Option<f64>,
    pub(crate) labels: Vec<Label>,
    pub(crate) buckets: Vec<f64>,
    pub(crate) series_max: usize,
    pub(crate) allows_unbounded: bool,
}

impl Rule {
    fn new(kind: Kind, name: &str, event: &str, value: Option<&str>) -> Rule {
        Rule {
            name: name.to_owned(),
            help: format!("Derived from events named {event}."),
            kind,
            event: event.to_owned(),
            value: value.map(str::to_owned),
            scale: None,
            labels: Vec::new(),
            buckets: if kind == Kind::Histogram { DEFAULT_BUCKETS.to_vec() } else { Vec::new() },
            series_max: SERIES_MAX,
            allows_unbounded: false,
        }
    }

    /// Counts events. The name ends in `_total`.
    #[must_use]
    pub fn counter(name: &str, event: &str) -> Rule {
        Rule::new(Kind::Counter, name, event, None)
    }

    /// Adds up a field of events.
    #[must_use]
    pub fn sum(name: &str, event: &str, value: &str) -> Rule {
        Rule::new(Kind::Counter, name, event, Some(value))
    }

    /// Shows the last value of a field; a truth value is 1 or 0.
    #[must_use]
    pub fn gauge(name: &str, event: &str, value: &str) -> Rule {
        Rule::new(Kind::Gauge, name, event, Some(value))
    }

    /// Counts the values of a field by size. Durations are in seconds. Default buckets: [`DEFAULT_BUCKETS`].
    #[must_use]
    pub fn histogram(name: &str, event: &str, value: &str) -> Rule {
        Rule::new(Kind::Histogram, name, event, Some(value))
    }

    /// The help text.
    #[must_use]
    pub fn help(mut self, help: &str) -> Rule {
        self.help = help.to_owned();
        self
    }

    /// A label with the value of the field `key`; dots become underscores in its name.
    #[must_use]
    pub fn label(self, key: &str) -> Rule {
        self.label_as(&underscored(key), key)
    }

    /// A label with another name than the field.
    #[must_use]
    pub fn label_as(mut self, name: &str, key: &str) -> Rule {
        self.labels.push(Label { name: name.to_owned(), key: key.to_owned() });
        self
    }

    /// The upper bounds of the buckets, without the infinite one.
    #[must_use]
    pub fn buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Rule {
        self.buckets = bounds.into_iter().collect();
        self
    }

    /// Numbers of the field are multiplied by this. By default, those of a field whose key ends in `_ms`, `_us` or
    /// `_ns` are turned into seconds if the metric's name ends in `_seconds` or `_seconds_total`.
    #[must_use]
    pub fn scale(mut self, factor: f64) -> Rule {
        self.scale = Some(factor);
        self
    }

    /// The most combinations of label values; further ones share a series. Default: [`SERIES_MAX`].
    #[must_use]
    pub fn series_max(mut self, series: usize) -> Rule {
        self.series_max = series;
        self
    }

    /// Allows labels whose values have no bound, such as addresses.
    #[must_use]
    pub fn allow_unbounded_labels(mut self) -> Rule {
        self.allows_unbounded = true;
        self
    }

    /// The factor for numbers of the field.
    pub(crate) fn factor(&self) -> f64 {
        let is_seconds = self.name.trim_end_matches("_total").ends_with("_seconds");
        let key = self.value.as_deref().unwrap_or_default();
        match (self.scale, key.rsplit(['_', '.']).next()) {
            (Some(factor), _) => factor,
            (None, Some("ms")) if is_seconds => 1e-3,
            (None, Some("us")) if is_seconds => 1e-6,
            (None, Some("ns")) if is_seconds => 1e-9,
            _ => 1.0,
        }
    }

    fn check(&self) -> Result<(), RuleProblem> {
        if !is_metric_name(&self.name) {
            return Err(RuleProblem::Name);
        }
        if is_reserved(&self.name) {
            return Err(RuleProblem::ReservedName);
        }
        if (self.kind == Kind::Counter) != self.name.ends_with("_total") {
            return Err(RuleProblem::Total);
        }
        if self.event.is_empty() {
            return Err(RuleProblem::NoEvent);
        }
        if self.value.is_none() && self.kind != Kind::Counter {
            return Err(RuleProblem::NoValue);
        }
        if self.scale.is_some_and(|factor| !factor.is_finite()) {
            return Err(RuleProblem::Scale);
        }
        if self.series_max == 0 || self.series_max > 1_000_000 {
            return Err(RuleProblem::SeriesMax);
        }
        let is_rising = self.buckets.windows(2).all(|pair| pair[0] < pair[1]);
        let is_finite = self.buckets.iter().all(|bound| bound.is_finite());
        let has_buckets = (1..=BUCKETS_MAX).contains(&self.buckets.len());
        if (self.kind == Kind::Histogram) != has_buckets || !is_rising || !is_finite {
            return Err(RuleProblem::Buckets);
        }
        self.check_labels()
    }

    fn check_labels(&self) -> Result<(), RuleProblem> {
        if self.labels.len() > LABELS_MAX {
            return Err(RuleProblem::TooManyLabels);
        }
        for (index, label) in self.labels.iter().enumerate() {
            let name = || label.name.clone();
            if !is_label_name(&label.name) || matches!(&*label.name, "le" | "quantile" | "overflow")
            {
                return Err(RuleProblem::Label(name()));
            }
            if self.labels[..index].iter().any(|earlier| earlier.name == label.name) {
                return Err(RuleProblem::RepeatedLabel(name()));
            }
            if !self.allows_unbounded && is_unbounded(&label.key) {
                return Err(RuleProblem::UnboundedLabel(label.key.clone()));
            }
        }
        Ok(())
    }
}

/// Why a rule is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleProblem {
    /// The name is not one of a metric.
    Name,
    /// The name belongs to the engine or the process.
    ReservedName,
    /// Another rule has the name, or one that differs by a suffix of expositions.
    RepeatedName,
    /// A counter without `_total`, or another metric with it.
    Total,
    /// No event is named.
    NoEvent,
    /// A metric that is not a counter has no field.
    NoValue,
    /// The factor is not finite.
    Scale,
    /// The number of series is out of range.
    SeriesMax,
    /// The buckets are none, too many, not rising, not finite, or not of a histogram.
    Buckets,
    /// More labels than possible.
    TooManyLabels,
    /// The name is not one of a label.
    Label(String),
    /// The label appears twice.
    RepeatedLabel(String),
    /// The values of the field have no bound.
    UnboundedLabel(String),
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleError {
    /// The rule's position in its set, from 1.
    pub position: usize,
    /// The metric's name as the rule has it.
    pub name: String,
    /// Why.
    pub problem: RuleProblem,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleError { position, name, problem } = self;
        write!(f, "metric rule {position} ({name:?}): ")?;
        match problem {
            RuleProblem::Name => {
                write!(f, "expected a name of letters, digits and `_`, not starting with a digit")
            }
            RuleProblem::ReservedName => {
                write!(
                    f,
                    "names that start with `ringseal_` or `process_` are taken; choose another prefix"
                )
            }
            RuleProblem::RepeatedName => {
                write!(f, "another rule has this name, with or without a suffix; rename one")
            }
            RuleProblem::Total => {
                write!(f, "counters, and only they, have names that end in `_total`")
            }
            RuleProblem::NoEvent => write!(f, "expected the name of an event in `event`"),
            RuleProblem::NoValue => {
                write!(f, "expected the key of a field in `value`; only counters work without")
            }
            RuleProblem::Scale => write!(f, "expected a finite number in `scale`"),
            RuleProblem::SeriesMax => write!(f, "expected `series_max` from 1 to 1000000"),
            RuleProblem::Buckets => write!(
                f,
                "expected 1 to {BUCKETS_MAX} finite, rising numbers in `buckets`, and only for a histogram"
            ),
            RuleProblem::TooManyLabels => write!(f, "expected at most {LABELS_MAX} labels"),
            RuleProblem::Label(label) => write!(f, "{label:?} cannot be the name of a label"),
            RuleProblem::RepeatedLabel(label) => write!(f, "the label {label:?} appears twice"),
            RuleProblem::UnboundedLabel(key) => write!(
                f,
                "the field {key:?} has too many different values for a label; leave it out, or set `allow_unbounded`"
            ),
        }
    }
}

impl std::error::Error for RuleError {}

/// Rules, each with its own metric.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) field: Option<String>,
    pub(crate) writes_field: bool,
}

impl Default for RuleSet {
    fn default() -> Self {
        RuleSet::new()
    }
}

impl RuleSet {
    /// No rules. The field `_metrics` of events is read and not written; see [`RuleSet::metrics_field`].
    pub fn new() -> RuleSet {
        RuleSet { rules: Vec::new(), field: Some("_metrics".to_owned()), writes_field: false }
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> RuleSet {
        self.rules.push(rule);
        self
    }

    /// Adds the rules of another set.
    #[must_use]
    pub fn rules(mut self, other: RuleSet) -> RuleSet {
        self.rules.extend(other.rules);
        self
    }

    /// The field whose map of names and numbers is measured; `None` for none. Default: `_metrics`.
    #[must_use]
    pub fn metrics_field(mut self, key: Option<&str>) -> RuleSet {
        self.field = key.map(str::to_owned);
        self
    }

    /// Whether the field of [`RuleSet::metrics_field`] is in the lines as well. Default: not.
    #[must_use]
    pub fn write_metrics_field(mut self, is_written: bool) -> RuleSet {
        self.writes_field = is_written;
        self
    }

    /// Whether all rules can be used together.
    pub fn check(&self) -> Result<(), RuleError> {
        for (index, rule) in self.rules.iter().enumerate() {
            let earlier = &self.rules[..index];
            let is_repeated = earlier.iter().any(|other| stem(&other.name) == stem(&rule.name));
            let problem = match rule.check() {
                Err(problem) => problem,
                Ok(()) if is_repeated => RuleProblem::RepeatedName,
                Ok(()) => continue,
            };
            return Err(RuleError { position: index + 1, name: rule.name.clone(), problem });
        }
        Ok(())
    }

    /// The number of rules.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A name without the suffixes that expositions add.
pub(crate) fn stem(name: &str) -> &str {
    let suffixes = ["_total", "_bucket", "_count", "_sum", "_created", "_info"];
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// Whether the name belongs to the engine or the process.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("ringseal_") || name.starts_with("process_")
}

fn is_metric_name(name: &str) -> bool {
    is_label_name(name) && !name.starts_with("__") && name.len() <= 200
}

fn is_label_name(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word && !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && !name.starts_with("__")
}

fn is_unbounded(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['.', '-'], "_");
    let is_id = UNBOUNDED_KEYS.iter().any(|id| key == *id || key.ends_with(&format!("_{id}")));
    is_id || key.split('_').any(|word| UNBOUNDED_WORDS.contains(&word))
}

/// A name that expositions can have: other characters than letters, digits and `_` become `_`.
pub(crate) fn underscored(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    if name.starts_with(|first: char| first.is_ascii_digit()) || name.is_empty() {
        out.push('_');
    }
    out.extend(name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_rules_are_refused() {
        let counter = |name: &str| Rule::counter(name, "paid");
        let histogram = |bounds: &[f64]| Rule::histogram("x", "paid", "v").buckets(bounds.to_vec());
        for (rule, problem) in [
            (counter("payments"), RuleProblem::Total),
            (counter("9_total"), RuleProblem::Name),
            (counter("a b_total"), RuleProblem::Name),
            (counter("ringseal_x_total"), RuleProblem::ReservedName),
            (Rule::gauge("x_total", "paid", "v"), RuleProblem::Total),
            (Rule::counter("x_total", ""), RuleProblem::NoEvent),
            (histogram(&[]), RuleProblem::Buckets),
            (histogram(&[1.0, 1.0]), RuleProblem::Buckets),
            (histogram(&[f64::INFINITY]), RuleProblem::Buckets),
            (counter("x_total").label("le"), RuleProblem::Label("le".into())),
            (counter("x_total").label("a").label("a"), RuleProblem::RepeatedLabel("a".into())),
            (
                counter("x_total").label("client.ip"),
                RuleProblem::UnboundedLabel("client.ip".into()),
            ),
            (
                counter("x_total").label("user_email"),
                RuleProblem::UnboundedLabel("user_email".into()),
            ),
            (
                counter("x_total").label_as("a", "trace.id"),
                RuleProblem::UnboundedLabel("trace.id".into()),
            ),
            (counter("x_total").series_max(0), RuleProblem::SeriesMax),
            (Rule::sum("x_total", "paid", "v").scale(f64::NAN), RuleProblem::Scale),
        ] {
            let error = RuleSet::new().rule(rule.clone()).check().unwrap_err();
            assert_eq!(error.problem, problem, "{rule:?}");
            assert!(error.to_string().starts_with("metric rule 1 ("));
        }
        let forced = counter("x_total").label("client.ip").allow_unbounded_labels();
        assert_eq!(RuleSet::new().rule(forced).check(), Ok(()));
        let twice = RuleSet::new().rule(counter("x_total")).rule(Rule::histogram("x", "paid", "v"));
        assert_eq!(twice.check().unwrap_err().problem, RuleProblem::RepeatedName);
    }

    #[test]
    fn durations_become_seconds() {
        let factor = |name: &str, key: &str| Rule::histogram(name, "e", key).factor();
        assert_eq!(factor("scan_duration_seconds", "duration_ms"), 1e-3);
        assert_eq!(factor("scan_duration_seconds", "event.duration.ns"), 1e-9);
        assert_eq!(factor("scan_duration_seconds", "duration"), 1.0);
        assert_eq!(factor("scan_duration_ms", "duration_ms"), 1.0);
    }
}
