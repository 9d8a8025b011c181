//! Values of captured events, with their JSON types.
use ringseal_base::json::{Token, Tokens};

/// A value of a captured event. Comparisons respect its type: the number `1.5` is not the text `"1.5"`.
///
/// ```
/// use ringseal::{info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// info!(engine, "read", ratio = 1.5, text = "1.5", none = None::<u8>, list = [1, 2]);
/// let event = capture.event("read");
/// assert_eq!(event["ratio"], 1.5);
/// assert_eq!(event["text"], "1.5");
/// assert_ne!(event["ratio"], "1.5");
/// assert!(event["none"].is_null());
/// assert_eq!(event["list"][1], 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CapturedValue {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as written in the line.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<CapturedValue>),
    /// An object: its keys in order, each with its value.
    Object(Vec<(String, CapturedValue)>),
}

impl CapturedValue {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let CapturedValue::String(text) = self { Some(text) } else { None }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        if let CapturedValue::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// A number that is an integer from `i64::MIN` to `i64::MAX`, written without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    /// A number that is an integer from 0 to `u64::MAX`, written without a fraction.
    pub fn as_u64(&self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// A number; rounded if no `f64` is equal to it.
    pub fn as_f64(&self) -> Option<f64> {
        self.number()?.parse().ok()
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, CapturedValue::Null)
    }

    /// The value under a key of an object, or `None`. Dots also reach into objects: `request.method` is the key
    /// `request.method` or, if there is none, the key `method` of the object `request`.
    pub fn get(&self, key: &str) -> Option<&CapturedValue> {
        let CapturedValue::Object(entries) = self else { return None };
        value_at(entries, &indexes_of(entries, key)?)
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[CapturedValue]> {
        if let CapturedValue::Array(elements) = self { Some(elements) } else { None }
    }

    fn number(&self) -> Option<&str> {
        if let CapturedValue::Number(text) = self { Some(text) } else { None }
    }
}

impl std::ops::Index<&str> for CapturedValue {
    type Output = CapturedValue;

    fn index(&self, key: &str) -> &CapturedValue {
        self.get(key).unwrap_or_else(|| panic!("no key {key:?} in {self:?}"))
    }
}

impl std::ops::Index<usize> for CapturedValue {
    type Output = CapturedValue;

    fn index(&self, index: usize) -> &CapturedValue {
        let element = self.as_array().and_then(|elements| elements.get(index));
        element.unwrap_or_else(|| panic!("no element {index} in {self:?}"))
    }
}

impl PartialEq<str> for CapturedValue {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

macro_rules! comparisons {
    ($($type:ty: |$value:ident, $other:ident| $is_equal:expr;)+) => {$(
        impl PartialEq<$type> for CapturedValue {
            fn eq(&self, $other: &$type) -> bool {
                let $value = self;
                $is_equal
            }
        }
    )+};
}

comparisons! {
    &str: |value, text| value.as_str() == Some(*text);
    String: |value, text| value.as_str() == Some(text);
    bool: |value, truth| value.as_bool() == Some(*truth);
    f64: |value, number| value.as_f64() == Some(*number);
    f32: |value, number| value.number().and_then(|text| text.parse().ok()) == Some(*number);
}

macro_rules! integer_comparisons {
    ($($type:ty),+) => { comparisons! {$(
        $type: |value, number| value.number().and_then(|text| text.parse().ok()) == Some(*number);
    )+} };
}

integer_comparisons!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

/// The indexes of the value under a key or, if there is none, at a path of keys with dots between them, whose first key
/// is as long as possible.
pub(super) fn indexes_of(entries: &[(String, CapturedValue)], path: &str) -> Option<Vec<usize>> {
    let index = |key: &str| entries.iter().position(|(known, _)| known == key);
    if let Some(index) = index(path) {
        return Some(vec![index]);
    }
    path.rmatch_indices('.').find_map(|(at, _)| {
        let index = index(&path[..at])?;
        let CapturedValue::Object(inner) = &entries[index].1 else { return None };
        let mut indexes = indexes_of(inner, &path[at + 1..])?;
        indexes.insert(0, index);
        Some(indexes)
    })
}

/// The value at these indexes.
pub(super) fn value_at<'a>(
    entries: &'a [(String, CapturedValue)],
    indexes: &[usize],
) -> Option<&'a CapturedValue> {
    let (first, rest) = indexes.split_first()?;
    let (_, value) = entries.get(*first)?;
    match value {
        CapturedValue::Object(inner) if !rest.is_empty() => value_at(inner, rest),
        _ => Some(value),
    }
}

/// The text of a value, JSON or a string without quotes, and those of the values inside an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueText {
    text: String,
    inner: Vec<ValueText>,
}

impl ValueText {
    /// The text at these indexes.
    pub(super) fn at<'a>(texts: &'a [ValueText], indexes: &[usize]) -> Option<&'a str> {
        let (first, rest) = indexes.split_first()?;
        let text = texts.get(*first)?;
        if rest.is_empty() { Some(&text.text) } else { Self::at(&text.inner, rest) }
    }
}

/// The entries of an object, with the texts of their values.
pub(super) type Texted = (Vec<(String, CapturedValue)>, Vec<ValueText>);

/// The object that a line consists of.
pub(super) fn object(line: &str) -> Option<Texted> {
    let mut tokens = Tokens::of(line);
    if tokens.next_token().ok()? != Some(Token::MapStart) {
        return None;
    }
    let object = entries(line, &mut tokens)?;
    tokens.next_token().ok()?.is_none().then_some(object)
}

/// The entries of the object whose start was read. The reader bounds the depth.
fn entries(line: &str, tokens: &mut Tokens<'_>) -> Option<Texted> {
    let (mut entries_of, mut texts) = (Vec::new(), Vec::new());
    while let Token::Key(key) = tokens.next_token().ok()?? {
        let first = tokens.next_token().ok()??;
        let start = tokens.range().start;
        let (value, inner) = match first {
            Token::MapStart => {
                let (inner, texts) = entries(line, tokens)?;
                (CapturedValue::Object(inner), texts)
            }
            first => (value(tokens, first)?, Vec::new()),
        };
        let text = match &value {
            CapturedValue::String(text) => text.clone(),
            _ => line.get(start..tokens.range().end)?.to_owned(),
        };
        entries_of.push((key.decode(), value));
        texts.push(ValueText { text, inner });
    }
    Some((entries_of, texts))
}

/// The value that begins with `first`. The reader bounds the depth.
fn value(tokens: &mut Tokens<'_>, first: Token<'_>) -> Option<CapturedValue> {
    Some(match first {
        Token::Null => CapturedValue::Null,
        Token::Bool(truth) => CapturedValue::Bool(truth),
        Token::Number(text) => CapturedValue::Number(text.to_owned()),
        Token::String(text) => CapturedValue::String(text.decode()),
        Token::ListStart => {
            let mut elements = Vec::new();
            loop {
                match tokens.next_token().ok()?? {
                    Token::ListEnd => return Some(CapturedValue::Array(elements)),
                    first => elements.push(value(tokens, first)?),
                }
            }
        }
        Token::MapStart => {
            let mut entries = Vec::new();
            while let Token::Key(key) = tokens.next_token().ok()?? {
                let first = tokens.next_token().ok()??;
                entries.push((key.decode(), value(tokens, first)?));
            }
            CapturedValue::Object(entries)
        }
        Token::Key(_) | Token::ListEnd | Token::MapEnd => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reaches_into_objects() {
        let line = r#"{"a.b":1,"a":{"b":2,"c":{"d":"x"},"d.e":{"f":[3]}},"c":{"a":{}},"n":null}"#;
        let (entries, texts) = object(line).unwrap();
        for (path, text) in [
            ("a.b", Some("1")),
            ("a.c.d", Some("x")),
            ("a.c", Some(r#"{"d":"x"}"#)),
            ("a.d.e.f", Some("[3]")),
            ("a.d.e", Some(r#"{"f":[3]}"#)),
            ("c.a", Some("{}")),
            ("n", Some("null")),
            ("a.b.c", None),
            ("a.c.", None),
            (".a", None),
            ("", None),
            ("a.d", None),
        ] {
            let indexes = indexes_of(&entries, path);
            assert_eq!(indexes.is_some(), text.is_some(), "{path}");
            let Some(indexes) = indexes else { continue };
            assert_eq!(ValueText::at(&texts, &indexes), text, "{path}");
            let value = value_at(&entries, &indexes).unwrap();
            assert_eq!(value.as_str().is_some(), path == "a.c.d", "{path}");
        }
        assert_eq!(value_at(&entries, &[1, 1]).unwrap()["d"], "x");
        assert_eq!(CapturedValue::Object(entries)["a.c.d"], "x");
    }
}
