//! Payloads of a language model: JSON that may be malformed, incomplete or out of bounds. Each is checked by the rules
//! of a typed event, and a heuristic takes over if it is not valid. Nothing here fails.
use ringseal::events::{EventDescriptor, FieldValue, Violations};
use ringseal::{AsEmitter, domain_events, error};
use serde_json::{Map, Value};

domain_events! {
    names: snake_case;

    /// What a model says about a narrative.
    #[derive(Debug, Clone, PartialEq)]
    pub event NarrativeAnalysis<'a> = "narrative_analysis_received", Debug, version 1, target "llm" {
        sentiment: &'a str where one_of("bullish", "bearish", "neutral");
        sentiment_score: f64 where range(-1.0..=1.0);
        momentum: f64 where range(-1.0..=1.0);
        /// Trimmed, without blank ones.
        key_themes: Vec<&'a str> where items(1..=10);
        narrative_summary: &'a str where len(10..=500);
        confidence: f64 where range(0.0..=1.0);
    }

    /// What a model says about the safety of a contract.
    #[derive(Debug, Clone, PartialEq)]
    pub event ContractSafetyAnalysis<'a> = "contract_safety_received", Debug, version 1, target "llm" {
        is_verified: bool where one_of(true, false);
        risk_level: &'a str where one_of("LOW", "MEDIUM", "HIGH", "CRITICAL");
        risk_factors: Vec<&'a str> where items(..=20);
        safety_score: f64 where range(0.0..=100.0);
        recommendations: Vec<&'a str> where items(..=20);
    }

    /// What a model says about a chart.
    #[derive(Debug, Clone, PartialEq)]
    pub event TechnicalPattern<'a> = "technical_pattern_received", Debug, version 1, target "llm" {
        pattern_type: &'a str where not_blank;
        confidence: f64 where range(0.0..=1.0);
        support_levels: Vec<f64> where items(..=100);
        resistance_levels: Vec<f64> where items(..=100);
        trend: &'a str where one_of("UPTREND", "DOWNTREND", "SIDEWAYS");
    }

    /// A narrative was valid.
    pub event NarrativeValidated<'a> = "narrative_analysis_validated", Info, version 1, target "llm" {
        sentiment: &'a str;
        confidence: f64;
    }
}

/// A value as rules see it. Of a list of texts, blank ones do not count; a list of mixed values is none.
fn value_of(value: &Value) -> FieldValue<'_> {
    match value {
        Value::Null => FieldValue::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => int.into(),
            (None, Some(float)) => float.into(),
            (None, None) => FieldValue::Other,
        },
        Value::String(text) => FieldValue::Text(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            FieldValue::List(texts(value).count())
        }
        Value::Array(items) if items.iter().all(Value::is_number) => FieldValue::List(items.len()),
        Value::Array(_) | Value::Object(_) => FieldValue::Other,
    }
}

/// The trimmed texts of a list, without blank ones.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice).iter();
    items.filter_map(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// What is wrong with a payload. All fields are required.
pub fn check(kind: &'static EventDescriptor, payload: &Map<String, Value>) -> Violations {
    let mut found = Violations::new();
    for field in kind.fields() {
        match payload.get(field.key()) {
            None | Some(Value::Null) => found.require_field(field),
            Some(value) => found.check(field, value_of(value)),
        }
    }
    found
}

/// A payload that satisfies the rules of its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload(Map<String, Value>);

impl Payload {
    /// Reads a payload of this kind. Logs `llm_invalid_json` or `llm_schema_validation_failed` if it is not valid.
    pub fn read<L: AsEmitter>(
        log: &L,
        kind: &'static EventDescriptor,
        response: &str,
    ) -> Option<Payload> {
        let payload = match serde_json::from_str(response) {
            Ok(Value::Object(payload)) => payload,
            Ok(_) => {
                error!(target: "llm", log, "llm_invalid_json", error.message = "expected an object");
                return None;
            }
            Err(error) => {
                error!(target: "llm", log, "llm_invalid_json", error = &error);
                return None;
            }
        };
        let errors = check(kind, &payload);
        if errors.is_empty() {
            return Some(Payload(payload));
        }
        error!(
            target: "llm", log, "llm_schema_validation_failed", payload = kind.name(), errors
        );
        None
    }

    /// As a narrative.
    pub fn narrative(&self) -> NarrativeAnalysis<'_> {
        NarrativeAnalysis {
            sentiment: self.text("sentiment"),
            sentiment_score: self.number("sentiment_score"),
            momentum: self.number("momentum"),
            key_themes: self.texts("key_themes"),
            narrative_summary: self.text("narrative_summary"),
            confidence: self.number("confidence"),
        }
    }

    /// As the safety of a contract.
    pub fn contract_safety(&self) -> ContractSafetyAnalysis<'_> {
        ContractSafetyAnalysis {
            is_verified: self.0.get("is_verified").and_then(Value::as_bool).unwrap_or_default(),
            risk_level: self.text("risk_level"),
            risk_factors: self.texts("risk_factors"),
            safety_score: self.number("safety_score"),
            recommendations: self.texts("recommendations"),
        }
    }

    /// As a chart's pattern.
    pub fn technical_pattern(&self) -> TechnicalPattern<'_> {
        TechnicalPattern {
            pattern_type: self.text("pattern_type"),
            confidence: self.number("confidence"),
            support_levels: self.numbers("support_levels"),
            resistance_levels: self.numbers("resistance_levels"),
            trend: self.text("trend"),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, key: &str) -> f64 {
        self.0.get(key).and_then(Value::as_f64).unwrap_or_default()
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        self.0.get(key).map(|value| texts(value).collect()).unwrap_or_default()
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        let list = self.0.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_f64).collect()
    }
}

/// A narrative's sentiment, by a model or by a heuristic.
#[derive(Debug, Clone, PartialEq)]
pub struct Narrative {
    /// `bullish`, `bearish` or `neutral`.
    pub sentiment: String,
    /// From -1 to 1.
    pub sentiment_score: f64,
    /// From 0 to 1.
    pub confidence: f64,
    /// At least one, trimmed.
    pub key_themes: Vec<String>,
    /// Whether the heuristic took over.
    pub is_fallback: bool,
}

/// The narrative of `text` by the model's response or, if that is not valid, by words in the text.
pub fn analyze<L: AsEmitter>(log: &L, text: &str, response: &str) -> Narrative {
    let payload = Payload::read(log, NarrativeAnalysis::DESCRIPTOR, response);
    let narrative = payload.and_then(|payload| validated(log, payload.narrative()));
    narrative.unwrap_or_else(|| heuristic(text))
}

fn validated<L: AsEmitter>(log: &L, analysis: NarrativeAnalysis<'_>) -> Option<Narrative> {
    let (sentiment, confidence) = (analysis.sentiment, analysis.confidence);
    let narrative = Narrative {
        sentiment: sentiment.to_owned(),
        sentiment_score: analysis.sentiment_score,
        confidence,
        key_themes: analysis.key_themes.iter().map(|theme| (*theme).to_owned()).collect(),
        is_fallback: false,
    };
    analysis.emit(log).ok()?;
    NarrativeValidated { sentiment, confidence }.emit(log).ok()?;
    Some(narrative)
}

/// Words that a heuristic counts.
const GOOD: [&str; 5] = ["growth", "positive", "partnership", "strong", "adoption"];
const BAD: [&str; 5] = ["sell-off", "negative", "regulatory", "hack", "concern"];

/// A narrative by the words of the text: of low confidence, but always one.
fn heuristic(text: &str) -> Narrative {
    let text = text.to_lowercase();
    let found = |words: &[&str]| {
        let found = words.iter().filter(|word| text.contains(**word));
        found.map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let (good, bad) = (found(&GOOD), found(&BAD));
    let total = (good.len() + bad.len()).max(1) as f64;
    let score = (good.len() as f64 - bad.len() as f64) / total;
    let sentiment = match score {
        score if score > 0.2 => "bullish",
        score if score < -0.2 => "bearish",
        _ => "neutral",
    };
    let mut key_themes: Vec<String> = good.into_iter().chain(bad).collect();
    if key_themes.is_empty() {
        key_themes.push("unknown".to_owned());
    }
    let (sentiment, sentiment_score) = (sentiment.to_owned(), score);
    Narrative { sentiment, sentiment_score, confidence: 0.2, key_themes, is_fallback: true }
}
