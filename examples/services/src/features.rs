//! A feature store: a table of rules, which every write follows, with counters and a distribution for each feature.
use std::collections::BTreeMap;

use ringseal::events::{Allowed, Bounds, FieldDescriptor, FieldValue, Num, Rule, Violations};
use ringseal::{AsEmitter, domain_events, error};

domain_events! {
    names: snake_case;

    /// All features of a token were valid and have been written.
    pub event FeaturesWritten<'a> = "features_written", Info, version 1, target "feature_store" {
        token_id: &'a str where not_blank;
        feature_count: usize;
    }
}

const fn range(min: f64, max: f64) -> Rule {
    Rule::Range(Bounds { min: Some(Num::Float(min)), max: Some(Num::Float(max)) })
}

/// At least zero.
const NOT_NEGATIVE: Rule = Rule::Range(Bounds { min: Some(Num::Float(0.0)), max: None });

/// The rules of all features. A feature that is `NonNull` is required. `true` and `false` are not 1 and 0.
pub static FEATURES: [FieldDescriptor; 5] = [
    FieldDescriptor::new("gem_score", &[Rule::NonNull, range(0.0, 100.0)]),
    FieldDescriptor::new("confidence", &[Rule::NonNull, range(0.0, 1.0)]),
    FieldDescriptor::new("liquidity_usd", &[Rule::NonNull, NOT_NEGATIVE]),
    FieldDescriptor::new("sentiment_score", &[range(-1.0, 1.0)]),
    FieldDescriptor::new(
        "flagged",
        &[Rule::NonNull, Rule::OneOf(&[Allowed::Bool(true), Allowed::Bool(false)])],
    ),
];

/// The upper ends of the buckets of a distribution; larger values are in a further one.
pub const BUCKETS: [f64; 7] = [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 100.0];

/// Numbers of values by bucket.
pub type Distribution = [u64; BUCKETS.len() + 1];

/// The features of tokens.
#[derive(Debug)]
pub struct FeatureStore {
    written: BTreeMap<String, usize>,
    /// By feature and kind of rule.
    failures: BTreeMap<(&'static str, &'static str), u64>,
    distributions: [Distribution; FEATURES.len()],
    is_validating: bool,
}

impl Default for FeatureStore {
    fn default() -> Self {
        Self {
            written: BTreeMap::new(),
            failures: BTreeMap::new(),
            distributions: [[0; BUCKETS.len() + 1]; FEATURES.len()],
            is_validating: true,
        }
    }
}

impl FeatureStore {
    /// Switches validation on or off.
    pub fn set_validation(&mut self, is_validating: bool) {
        self.is_validating = is_validating;
    }

    /// Writes the features of a token, or returns all that is wrong with them and logs `feature_validation_failed`.
    pub fn write_features<L: AsEmitter>(
        &mut self,
        log: &L,
        token_id: &str,
        features: &BTreeMap<&str, FieldValue<'_>>,
    ) -> Result<(), Box<Violations>> {
        if self.is_validating {
            self.validate(log, token_id, features)?;
        }
        for (index, feature) in FEATURES.iter().enumerate() {
            if let Some(FieldValue::Num(value)) = features.get(feature.key()) {
                self.observe(index, *value);
            }
        }
        self.written.insert(token_id.to_owned(), features.len());
        let written = FeaturesWritten { token_id, feature_count: features.len() };
        written.emit(log).map_err(Box::new)
    }

    fn validate<L: AsEmitter>(
        &mut self,
        log: &L,
        token_id: &str,
        features: &BTreeMap<&str, FieldValue<'_>>,
    ) -> Result<(), Box<Violations>> {
        let found = check(features);
        if found.is_empty() {
            return Ok(());
        }
        for violation in &found {
            *self.failures.entry((violation.field(), violation.rule().kind())).or_default() += 1;
        }
        error!(
            target: "feature_store", log, "feature_validation_failed", token_id, errors = found
        );
        Err(Box::new(found))
    }

    fn observe(&mut self, feature: usize, value: Num) {
        let value = match value {
            Num::Int(value) => value as f64,
            Num::Float(value) => value,
        };
        let bucket = BUCKETS.iter().position(|end| value <= *end).unwrap_or(BUCKETS.len());
        if let Some(count) = self.distributions.get_mut(feature).and_then(|d| d.get_mut(bucket)) {
            *count += 1;
        }
    }

    /// The number of features that a token has.
    pub fn feature_count(&self, token_id: &str) -> Option<usize> {
        self.written.get(token_id).copied()
    }

    /// `feature_validation_failures_total`: by feature and kind of rule.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.failures.iter().map(|((feature, kind), count)| (*feature, *kind, *count))
    }

    /// `feature_value_distribution` of a feature.
    pub fn distribution(&self, feature: &str) -> Option<&Distribution> {
        let index = FEATURES.iter().position(|known| known.key() == feature)?;
        self.distributions.get(index)
    }
}

/// Applies the rules: first to the features that are there, then those of required features that are not.
pub fn check(features: &BTreeMap<&str, FieldValue<'_>>) -> Violations {
    let mut found = Violations::new();
    for feature in &FEATURES {
        if let Some(value) = features.get(feature.key()) {
            found.check(feature, *value);
        }
    }
    for feature in &FEATURES {
        if feature.is_required() && !features.contains_key(feature.key()) {
            found.require_field(feature);
        }
    }
    found
}
