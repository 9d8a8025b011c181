//! Rules from TOML.
//!
//! Promises: a file has at most 256 KiB and 1,000 rules; unknown keys are errors, so that a misspelt one does not
//! change a rule silently. Errors name the rule, what was expected and what was found.
use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::rule::{Rule, RuleError, RuleSet};

type Table<'t> = DeTable<'t>;
type Value<'t> = Spanned<DeValue<'t>>;

/// The most bytes of a file.
const BYTES_MAX: usize = 256 * 1024;
/// The most rules of a file.
const RULES_MAX: usize = 1_000;
/// The keys of a rule.
const KEYS: [&str; 10] = [
    "name",
    "type",
    "event",
    "value",
    "labels",
    "buckets",
    "help",
    "scale",
    "series_max",
    "allow_unbounded",
];

/// Why rules cannot be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    Read(std::io::Error),
    /// The text is too long; the number of bytes.
    TooLong(usize),
    /// The text is not TOML.
    Syntax(String),
    /// A key has a value of another type, or is unknown or missing.
    Key {
        /// The rule's position, from 1; 0 outside of rules.
        position: usize,
        /// The key.
        key: String,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: &'static str,
    },
    /// A rule cannot be used.
    Rule(RuleError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read(error) => write!(f, "metric rules cannot be read: {error}"),
            LoadError::TooLong(bytes) => {
                write!(f, "metric rules: expected at most {BYTES_MAX} bytes, found {bytes}")
            }
            LoadError::Syntax(text) => write!(f, "metric rules are not TOML: {text}"),
            LoadError::Key { position: 0, key, expected, found } => {
                write!(f, "metric rules: `{key}`: expected {expected}, found {found}")
            }
            LoadError::Key { position, key, expected, found } => {
                write!(f, "metric rule {position}: `{key}`: expected {expected}, found {found}")
            }
            LoadError::Rule(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Display has the inner error.
        None
    }
}

impl RuleSet {
    /// Rules from a text: tables `[[metrics.rule]]`, and `metrics.presets = ["scans"]` for ready ones.
    ///
    /// ```
    /// let rules = ringseal_metrics::RuleSet::from_toml(
    ///     r#"
    ///     [[metrics.rule]]
    ///     name = "payments_total"
    ///     type = "counter"
    ///     event = "payment_processed"
    ///     value = "amount"
    ///     labels = ["currency"]
    ///     "#,
    /// )?;
    /// assert_eq!(rules.len(), 1);
    /// # Ok::<(), ringseal_metrics::LoadError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<RuleSet, LoadError> {
        if text.len() > BYTES_MAX {
            return Err(LoadError::TooLong(text.len()));
        }
        // The message of the error alone: the line in it may hold anything.
        let root =
            DeTable::parse(text).map_err(|error| LoadError::Syntax(error.message().to_owned()))?;
        let empty = Table::new();
        let metrics = match root.get_ref().get("metrics") {
            None => &empty,
            Some(value) => table_of(value, 0, "metrics")?,
        };
        let is_unknown = |key: &&str| !matches!(*key, "rule" | "presets");
        let mut keys = metrics.iter().map(|(key, value)| (&**key.get_ref(), value));
        if let Some((key, value)) = keys.find(|(key, _)| is_unknown(key)) {
            return Err(expected(0, key, "only `rule` and `presets` in `metrics`", value));
        }
        let mut rules = presets(metrics)?;
        for (index, value) in array(metrics, 0, "rule")?.iter().enumerate() {
            if index >= RULES_MAX {
                return Err(expected(index + 1, "rule", "at most 1000 rules", value));
            }
            rules = rules.rule(rule(table_of(value, index + 1, "rule")?, index + 1)?);
        }
        rules.check().map_err(LoadError::Rule)?;
        Ok(rules)
    }

    /// Rules from a file; see [`RuleSet::from_toml`].
    pub fn from_toml_file(path: &Path) -> Result<RuleSet, LoadError> {
        let text = std::fs::read_to_string(path).map_err(LoadError::Read)?;
        RuleSet::from_toml(&text)
    }
}

fn presets(metrics: &Table<'_>) -> Result<RuleSet, LoadError> {
    let mut rules = RuleSet::new();
    for value in array(metrics, 0, "presets")? {
        match value.get_ref().as_str() {
            Some("scans") => rules = rules.rules(RuleSet::scans()),
            _ => return Err(expected(0, "presets", "only the preset \"scans\"", value)),
        }
    }
    Ok(rules)
}

fn rule(table: &Table<'_>, position: usize) -> Result<Rule, LoadError> {
    let mut keys = table.iter().map(|(key, value)| (&**key.get_ref(), value));
    if let Some((key, value)) = keys.find(|(key, _)| !KEYS.contains(key)) {
        return Err(expected(position, key, "a key of a metric rule", value));
    }
    let required = |key| text(table, position, key)?.ok_or_else(|| missing(position, key));
    let (name, event) = (required("name")?, required("event")?);
    let value = text(table, position, "value")?;
    let mut rule = match (required("type")?, value) {
        ("counter", None) => Rule::counter(name, event),
        ("counter", Some(value)) => Rule::sum(name, event, value),
        ("gauge", value) => {
            Rule::gauge(name, event, value.ok_or_else(|| missing(position, "value"))?)
        }
        ("histogram", value) => {
            Rule::histogram(name, event, value.ok_or_else(|| missing(position, "value"))?)
        }
        _ => {
            let expected = "counter, gauge or histogram";
            return Err(LoadError::Key {
                position,
                key: "type".into(),
                expected,
                found: "another text",
            });
        }
    };
    if let Some(help) = text(table, position, "help")? {
        rule = rule.help(help);
    }
    for label in array(table, position, "labels")? {
        let label =
            label.get_ref().as_str().ok_or_else(|| expected(position, "labels", "texts", label))?;
        rule = match label.split_once('=') {
            Some((name, key)) => rule.label_as(name.trim(), key.trim()),
            None => rule.label(label),
        };
    }
    if table.contains_key("buckets") {
        let bounds = array(table, position, "buckets")?.iter();
        let bounds: Result<Vec<f64>, LoadError> = bounds
            .map(|bound| {
                number(bound).ok_or_else(|| expected(position, "buckets", "numbers", bound))
            })
            .collect();
        rule = rule.buckets(bounds?);
    }
    limits(rule, table, position)
}

fn limits(mut rule: Rule, table: &Table<'_>, position: usize) -> Result<Rule, LoadError> {
    if let Some(value) = table.get("scale") {
        rule = rule
            .scale(number(value).ok_or_else(|| expected(position, "scale", "a number", value))?);
    }
    if let Some(value) = table.get("series_max") {
        let series =
            number(value).filter(|it| it.fract() == 0.0 && *it >= 0.0).map(|it| it as usize);
        let series =
            series.ok_or_else(|| expected(position, "series_max", "a positive integer", value))?;
        rule = rule.series_max(series);
    }
    let Some(value) = table.get("allow_unbounded") else { return Ok(rule) };
    match value.get_ref().as_bool() {
        Some(true) => Ok(rule.allow_unbounded_labels()),
        Some(false) => Ok(rule),
        None => Err(expected(position, "allow_unbounded", "true or false", value)),
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    let digits = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    digits.replace('_', "").parse().ok()
}

fn table_of<'v, 't>(
    value: &'v Value<'t>,
    position: usize,
    key: &str,
) -> Result<&'v Table<'t>, LoadError> {
    value.get_ref().as_table().ok_or_else(|| expected(position, key, "a table", value))
}

fn text<'v>(
    table: &'v Table<'_>,
    position: usize,
    key: &str,
) -> Result<Option<&'v str>, LoadError> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let text = value.get_ref().as_str();
    text.map(Some).ok_or_else(|| expected(position, key, "a text", value))
}

fn array<'v, 't>(
    table: &'v Table<'t>,
    position: usize,
    key: &str,
) -> Result<&'v [Value<'t>], LoadError> {
    let Some(value) = table.get(key) else { return Ok(&[]) };
    let array = value.get_ref().as_array();
    array.map(|array| &array[..]).ok_or_else(|| expected(position, key, "an array", value))
}

fn missing(position: usize, key: &str) -> LoadError {
    LoadError::Key { position, key: key.to_owned(), expected: "a text", found: "nothing" }
}

fn expected(position: usize, key: &str, expected: &'static str, found: &Value<'_>) -> LoadError {
    LoadError::Key { position, key: key.to_owned(), expected, found: found.get_ref().type_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(rule: &str) -> Result<RuleSet, LoadError> {
        RuleSet::from_toml(&format!("[[metrics.rule]]\n{rule}"))
    }

    #[test]
    fn rules_are_read_whole() {
        let text = "name=\"pay_seconds\"\ntype=\"histogram\"\nevent=\"paid\"\nvalue=\"took_ms\"\nhelp=\"h\"\n\
                    labels=[\"currency\", \"peer = client.ip\"]\nbuckets=[1, 2.5]\nscale=2\nseries_max=7\n\
                    allow_unbounded=true";
        let expected = Rule::histogram("pay_seconds", "paid", "took_ms")
            .help("h")
            .label("currency")
            .label_as("peer", "client.ip")
            .buckets([1.0, 2.5])
            .scale(2.0)
            .series_max(7)
            .allow_unbounded_labels();
        assert_eq!(load(text).unwrap().rules, [expected]);
        assert_eq!(RuleSet::from_toml("metrics.presets = [\"scans\"]").unwrap().len(), 8);
        assert!(RuleSet::from_toml("other = 1").unwrap().is_empty());
    }

    #[test]
    fn faults_are_named() {
        let base = "name=\"x_total\"\ntype=\"counter\"\nevent=\"paid\"\n";
        for (text, message) in [
            ("name=1", "metric rule 1: `name`: expected a text, found integer"),
            ("name=\"x_total\"", "metric rule 1: `event`: expected a text, found nothing"),
            (
                "namme=\"x\"",
                "metric rule 1: `namme`: expected a key of a metric rule, found string",
            ),
            (
                &format!("{base}labels=[1]"),
                "metric rule 1: `labels`: expected texts, found integer",
            ),
            (
                &format!("{base}labels=[\"email\"]"),
                "metric rule 1 (\"x_total\"): the field \"email\" has too many",
            ),
            (
                &base.replace("counter", "timer"),
                "metric rule 1: `type`: expected counter, gauge or histogram",
            ),
            ("name=", "metric rules are not TOML: "),
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }
}
