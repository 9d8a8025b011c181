//! Tests of the crate as a whole, grouped by the promise that they prove.

mod compat;
mod credentials;
mod differential;
mod documents;
mod grammar;
mod key_tables;
mod keys;
mod lines;
mod naive_extent;
mod naive_keys;
mod negatives;
mod personal;
mod positives;
mod redactor;
mod wrapped;

use std::sync::Arc;

use super::*;

/// A redactor with the default rules.
fn standard() -> Redactor {
    Redactor::new(Arc::new(Rules::standard()))
}

/// A redactor for `set`.
fn with(set: &RuleSet) -> Redactor {
    Redactor::new(Arc::new(Rules::compile(set).unwrap()))
}

/// `input` redacted as a plain value.
fn plain(redactor: &mut Redactor, input: &str) -> String {
    shown(redactor, KeyClass::Plain, input)
}

fn shown(redactor: &mut Redactor, class: KeyClass, input: &str) -> String {
    let mut out = Vec::new();
    match redactor.value(class, input.as_bytes(), false, &mut out) {
        RedactOutcome::Clean => input.to_owned(),
        RedactOutcome::Replaced => String::from_utf8(out).unwrap(),
    }
}
