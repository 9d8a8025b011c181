//! Standard error, for what cannot be told in the stream.
//!
//! Promises: never panics. `eprintln!` does when the other end of the pipe is gone, and would take the writer with it.
//! What is said has passed the redactor, too: messages quote paths and what systems answered.
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::redact::{KeyClass, Outcome, Redactor, Rules};

/// What is said on stderr is redacted by the rules that were set last, whichever engine set them; the standard ones
/// until then.
static CHOSEN: Mutex<Option<Option<Arc<Rules>>>> = Mutex::new(None);

/// Uses these rules from now on; `None` shows everything.
pub(crate) fn use_rules(rules: Option<Arc<Rules>>) {
    *CHOSEN.lock() = Some(rules);
}

/// Writes one line in one call; a stderr that takes nothing is nobody's failure.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let chosen = CHOSEN.lock().clone();
    let rules = chosen.unwrap_or_else(|| Some(Arc::new(Rules::standard())));
    let line = match rules {
        Some(rules) => shown(&what.to_string(), rules),
        None => what.to_string(),
    };
    let _ = std::io::stderr().write_all(format!("ringseal: {line}\n").as_bytes());
}

fn shown(text: &str, rules: Arc<Rules>) -> String {
    let mut out = Vec::new();
    match Redactor::new(rules).value(KeyClass::Plain, text.as_bytes(), false, &mut out) {
        Outcome::Clean => text.to_owned(),
        Outcome::Replaced => String::from_utf8_lossy(&out).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sink_answers_is_redacted_before_it_is_said() {
        let rules = Arc::new(Rules::standard());
        let said = shown("sink fails: postgres://app:s3cretPassw0rd@db/log refused", rules);
        assert_eq!(said, "sink fails: postgres://app:****@db/log refused");
    }
}
