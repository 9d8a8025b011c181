//! Checks the promises of redaction for any text and any rule file.
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use ringseal_redact::{KeyClass, MASK_BYTES_MAX, RedactOutcome, Redactor, RuleSet, Rules};
use serde_json::Value as Json;

static STANDARD: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::standard()));

fn value(redactor: &mut Redactor, text: &[u8], cut: bool) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    match redactor.value(KeyClass::Plain, text, cut, &mut out) {
        RedactOutcome::Clean => {
            assert_eq!(out, b"before");
            None
        }
        RedactOutcome::Replaced => Some(out.split_off(6)),
    }
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// Compares redaction of a text with the naive implementation. The first byte of the input selects whether a limit cut
/// the text.
///
/// # Panics
/// If the redactor writes anything else than the naive implementation, or redacting again changes
/// something.
#[cfg(fuzzing)]
pub fn versus_naive(bytes: &[u8]) {
    use ringseal_redact::{is_mask, naive, naive_rules};

    static OPEN: LazyLock<Rules> = LazyLock::new(|| naive_rules(Rules::standard()));

    let Some((flags, text)) = bytes.split_first() else { return };
    let cut = flags & 1 != 0;
    let mut redactor = Redactor::new(Arc::clone(&STANDARD));
    let fast = value(&mut redactor, text, cut);
    // JSON is read by its leaves: `pairs` has an oracle for that.
    let ends_open = |text: &[u8]| matches!(text.trim_ascii_end().last(), Some(b'}' | b']'));
    let is_json = |text: &[u8]| {
        matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) && ends_open(text)
    };
    if text.len() >= 4 && !is_mask(text) && !is_json(text) {
        let Some(mut slow) = naive(&OPEN, text, cut) else { return };
        // A replacement may remove text that prevented another match, a few times in a row.
        for _ in 0..8 {
            if is_json(&slow) || is_mask(&slow) || slow == text {
                break;
            }
            let Some(next) = naive(&OPEN, &slow, false) else { return };
            if next == slow {
                break;
            }
            slow = next;
        }
        let fast = fast.clone().unwrap_or_else(|| text.to_vec());
        if !is_json(&slow) {
            assert_eq!(shown(&fast), shown(&slow), "{:?}, cut {cut}", shown(text));
        }
    }
    if let Some(once) = fast {
        let again = value(&mut redactor, &once, false).map(|text| shown(&text));
        assert_eq!(again, None, "{:?} of {:?}", shown(&once), shown(text));
    }
}

/// Reads a text as a rule file: it is refused, or its rules can be used.
///
/// # Panics
/// If anything panics, or an error has no message.
pub fn rules(text: &str) {
    let set = match RuleSet::from_toml(text) {
        Ok(set) => set,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let rules = match Rules::compile(&set) {
        Ok(rules) => rules,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let literals: Vec<Vec<u8>> = set.literals.iter().map(|rule| rule.text.clone()).collect();
    let mut redactor = Redactor::new(Arc::new(rules));
    for sample in [&b"to ann@example.com, password=hunter2"[..], text.as_bytes()] {
        let _ = value(&mut redactor, sample, false);
        let _ = value(&mut redactor, sample, true);
    }
    for literal in literals {
        let sample = [b"it is (", &literal[..], b") here"].concat();
        let Some(out) = value(&mut redactor, &sample, false) else {
            // A value that is a replacement is kept, and so are the kinds in `keep`.
            continue;
        };
        assert!(!out.windows(literal.len()).any(|part| part == literal), "a literal stays");
    }
}

/// Some keys and values.
#[derive(Debug, Arbitrary)]
pub struct Pairs(Vec<Pair>);

/// A key, a separator and a value.
#[derive(Debug, Arbitrary)]
pub struct Pair {
    key: Key,
    sign: Sign,
    value: Value,
    is_quoted: bool,
}

#[derive(Debug, Arbitrary)]
enum Key {
    Known(u8),
    Any(String),
}

#[derive(Debug, Arbitrary)]
enum Sign {
    Equals,
    Colon,
    ColonSpace,
    Arrow,
    Ampersand,
}

#[derive(Debug, Arbitrary)]
enum Value {
    Known(u8),
    Any(String),
    Number(u64),
    Nested(Vec<(u8, u8)>),
}

const KEYS: [&str; 16] = [
    "password",
    "token",
    "api_key",
    "email",
    "phone",
    "name",
    "customer_name",
    "billing_address",
    "card_number",
    "ssn",
    "authorization",
    "cookie",
    "monkey",
    "max_tokens",
    "msg",
    "iban",
];
const VALUES: [&str; 16] = [
    "hunter2",
    "ann@example.com",
    "+1 402-555-1212",
    "4111 1111 1111 1111",
    "Bearer abcdef0123456789wxyz",
    "a b c",
    "null",
    "",
    "\"",
    "\\",
    "DE89370400440532013000",
    "733-55-8313",
    "$VAR",
    "<email>",
    "https://u:pa55w0rd@host/?token=abcdef123456&x=1",
    "{\"password\":\"hunter2\"}",
];

fn pick(list: &[&'static str; 16], index: u8) -> &'static str {
    list[usize::from(index) % 16]
}

impl Key {
    fn text(&self) -> &str {
        match self {
            Key::Known(index) => pick(&KEYS, *index),
            Key::Any(text) => text,
        }
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Value::Known(index) => pick(&VALUES, *index).to_owned(),
            Value::Any(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Nested(_) => self.json().to_string(),
        }
    }

    fn json(&self) -> Json {
        match self {
            Value::Number(number) => (*number).into(),
            Value::Nested(pairs) => {
                let pair = |(key, value): &(u8, u8)| {
                    (pick(&KEYS, *key).to_owned(), Json::from(pick(&VALUES, *value)))
                };
                pairs.iter().map(pair).collect()
            }
            _ => self.text().into(),
        }
    }
}

/// Redacts pairs as prose and as JSON.
///
/// # Panics
/// If redaction breaks UTF-8 or JSON, writes more than it may, or changes its own output.
pub fn pairs(pairs: &Pairs) {
    let mut prose = String::new();
    for Pair { key, sign, value, is_quoted } in &pairs.0 {
        let sign = match sign {
            Sign::Equals => "=",
            Sign::Colon => ":",
            Sign::ColonSpace => ": ",
            Sign::Arrow => "=>",
            Sign::Ampersand => "&",
        };
        let quote = if *is_quoted { "\"" } else { "" };
        prose += &format!("{}{sign}{quote}{}{quote} ", key.text(), value.text());
    }
    let object: Json =
        pairs.0.iter().map(|pair| (pair.key.text().to_owned(), pair.value.json())).collect();
    let mut redactor = Redactor::new(Arc::clone(&STANDARD));
    for text in [prose, object.to_string()] {
        check(&mut redactor, &text);
    }
}

fn check(redactor: &mut Redactor, text: &str) {
    let hits = |redactor: &Redactor| redactor.counts().iter().sum::<u64>();
    let before = hits(redactor);
    let Some(once) = value(redactor, text.as_bytes(), false) else { return };
    // A mask, and the quotes of a former number.
    let growth = (hits(redactor) - before) as usize * (MASK_BYTES_MAX + 2);
    let once = String::from_utf8(once).expect("UTF-8 stays UTF-8");
    // Control characters inside of JSON may be written in six bytes instead of two.
    assert!(once.len() <= 3 * text.len() + growth, "{text:?} became {once:?}");
    if let Ok(was) = serde_json::from_str::<Json>(text)
        && (was.is_object() || was.is_array())
    {
        let is: Json = serde_json::from_str(&once).unwrap_or_else(|e| panic!("{e}: {once:?}"));
        assert_eq!(shape(&is), shape(&was), "{text:?} became {once:?}");
    }
    let again = value(redactor, once.as_bytes(), false).map(|text| shown(&text));
    assert_eq!(again, None, "{once:?} of {text:?}");
}

/// Keys and kinds; strings and numbers are one kind.
fn shape(value: &Json) -> Json {
    match value {
        Json::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Json::Array(items) => items.iter().map(shape).collect(),
        Json::String(_) | Json::Number(_) => "leaf".into(),
        other => other.clone(),
    }
}
