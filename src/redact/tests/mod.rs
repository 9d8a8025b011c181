//! Tests of the room as a whole, by what they prove.

mod differential;
mod documents;
mod keys;
mod negatives;
mod positives;
mod redactor;

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

/// `v` redacted as a plain value.
fn plain(redactor: &mut Redactor, v: &str) -> String {
    let mut out = Vec::new();
    match redactor.value(KeyClass::Plain, v.as_bytes(), false, &mut out) {
        Outcome::Clean => v.to_owned(),
        Outcome::Replaced => String::from_utf8(out).unwrap(),
    }
}
