//! Secrets in fields, as the redactor finds them.
use std::sync::Arc;

use proc_macro2::TokenTree;
use ringseal_redact::{KeyClass, RedactOutcome, Redactor, Rules, is_mask};

use super::event::Field;
use super::rule::Rule;
use crate::rust_source::tokens::{self, mentions, string};

/// What tells that a value is not the secret itself.
const DERIVED: &[&str] = &[
    "len",
    "count",
    "is_some",
    "is_none",
    "is_empty",
    "is_ok",
    "is_err",
    "redact",
    "redacted",
    "mask",
    "masked",
    "hash",
    "hashed",
    "digest",
    "fingerprint",
    "tokenize",
    "Pii",
    "Redacted",
    "true",
    "false",
    "None",
];

/// Asks the redactor.
#[derive(Debug)]
pub struct Secrets {
    rules: Arc<Rules>,
    redactor: Redactor,
}

impl Default for Secrets {
    fn default() -> Self {
        let rules = Arc::new(Rules::standard());
        Secrets { redactor: Redactor::new(rules.clone()), rules }
    }
}

impl Secrets {
    /// The rule that the field breaks.
    pub fn of_field(&mut self, field: &Field) -> Option<Rule> {
        let literal = match field.value.as_slice() {
            [token] => string(Some(token)),
            _ => None,
        };
        let class = self.rules.key(field.key.as_bytes(), None);
        let is_secret = class.is_secret() || class == KeyClass::Auth;
        if is_secret && !is_derived(&field.value) {
            let is_harmless =
                literal.as_deref().is_some_and(|text| text.is_empty() || is_mask(text.as_bytes()));
            return (!is_harmless).then_some(Rule::SecretField);
        }
        let text = literal?;
        // Under a key that tells, any value would be replaced; a name in the source may be a constant.
        self.has_secret(&text).then_some(Rule::SecretLiteral)
    }

    /// Whether the redactor would change the text.
    pub fn has_secret(&mut self, text: &str) -> bool {
        self.replaced(text).is_some()
    }

    /// The text without secrets.
    pub fn masked(&mut self, text: String) -> String {
        self.replaced(&text).unwrap_or(text)
    }

    fn replaced(&mut self, text: &str) -> Option<String> {
        let mut out = Vec::new();
        let outcome = self.redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut out);
        (outcome == RedactOutcome::Replaced).then(|| String::from_utf8_lossy(&out).into_owned())
    }
}

/// Whether the value only says something about a secret, or is a number or a comparison.
fn is_derived(value: &[TokenTree]) -> bool {
    let is_number = matches!(
        value,
        [TokenTree::Literal(literal)] if literal.to_string().starts_with(|c: char| c.is_ascii_digit())
    );
    let text = tokens::text(value);
    is_number
        || mentions(value, DERIVED)
        || ["==", "!=", "&&", "||"].iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::super::event::fields;
    use super::*;

    fn rule(source: &str) -> Option<Rule> {
        let tokens: Vec<TokenTree> =
            source.parse::<proc_macro2::TokenStream>().expect("tokens").into_iter().collect();
        Secrets::default().of_field(&fields(&tokens)[0])
    }

    #[test]
    fn only_raw_secrets_are_found() {
        // Values first, so that this file itself looks like no assignment of secrets.
        let field = |value: &str, key: &str| rule(&format!("{key} = {value}"));
        for (value, key) in [
            ("%k", "api_key"),
            ("config.text", "db.password"),
            ("k", "\"x-api-key\""),
            ("&header", "authorization"),
            ("text", "password"),
        ] {
            assert_eq!(field(value, key), Some(Rule::SecretField), "{value} under {key}");
        }
        let shorthand = rule("db_password");
        assert!(shorthand == Some(Rule::SecretField));
        for (value, key) in [
            ("true", "has_password"),
            ("given.is_some()", "password"),
            ("3", "token_count"),
            ("17", "tokens"),
            ("id", "user_id"),
            ("\"\"", "password"),
            ("\"<token>\"", "secret"),
            ("address", "email"),
            ("a == b", "password"),
        ] {
            assert_eq!(field(value, key), None, "{value} under {key}");
        }
        assert_eq!(rule(concat!("to = \"ann@", "example.com\"")), Some(Rule::SecretLiteral));
        assert_eq!(rule("to = \"nobody\""), None);
    }
}
