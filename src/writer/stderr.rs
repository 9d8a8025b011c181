//! Standard error, for problems that an engine cannot report in its log.
//!
//! Promises: never panics, where `eprintln!` would if the other end of the pipe is closed. Messages quote paths, system
//! errors and panics, so each passes the redaction rules of its engine, and none controls a terminal. Engines do not
//! share any state here.
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;

use parking_lot::Mutex;

use ringseal_base::printable::Printable;
use ringseal_base::process::file_size::Blocked;
use ringseal_redact::{KeyClass, RedactOutcome, Redactor, Rules};

/// The rules that an engine's messages pass.
#[derive(Debug, Clone, Default)]
enum StderrRules {
    /// The standard rules, until the engine has set its own.
    #[default]
    Standard,
    /// The engine's rules.
    Rules(Arc<Rules>),
    /// Messages are written unchanged.
    Off,
}

/// One engine's access to standard error.
#[derive(Debug, Default)]
pub(crate) struct Stderr {
    rules: Mutex<StderrRules>,
}

impl Stderr {
    /// Redacts messages by these rules from now on; `None` writes them unchanged.
    pub(crate) fn set_rules(&self, rules: Option<Arc<Rules>>) {
        *self.rules.lock() = rules.map_or(StderrRules::Off, StderrRules::Rules);
    }

    /// Writes one line in one call. What is not printable in the names and errors that it quotes is escaped. A failing
    /// write is ignored, because it cannot be reported anywhere.
    pub(crate) fn write(&self, message: fmt::Arguments<'_>) {
        let redacted = self.redacted(&message.to_string());
        write_all(&format!("ringseal: {}\n", Printable(&redacted)));
    }

    /// Writes a text of several lines in one call, for people: lines after the first are indented.
    pub(crate) fn write_text(&self, text: &str) {
        let redacted = self.redacted(text);
        let mut shown = String::with_capacity(redacted.len() + 64);
        for (index, line) in redacted.trim_end().split('\n').enumerate() {
            let _ = writeln!(shown, "{}{}", if index > 0 { "  " } else { "" }, Printable(line));
        }
        write_all(&shown);
    }

    /// The message as it may be written.
    pub(crate) fn redacted(&self, message: &str) -> String {
        let rules = match self.rules.lock().clone() {
            StderrRules::Standard => Arc::new(Rules::standard()),
            StderrRules::Rules(rules) => rules,
            StderrRules::Off => return message.to_owned(),
        };
        let mut out = Vec::new();
        match Redactor::new(rules).value(KeyClass::Plain, message.as_bytes(), false, &mut out) {
            RedactOutcome::Clean => message.to_owned(),
            RedactOutcome::Replaced => String::from_utf8_lossy(&out).into_owned(),
        }
    }
}

fn write_all(text: &str) {
    // Standard error can be a file at its limit of size.
    let _blocked = Blocked::new();
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_use_the_standard_rules_at_first() {
        let redacted = Stderr::default().redacted("postgres://app:s3cretPassw0rd@db/log refused");
        assert_eq!(redacted, "postgres://app:****@db/log refused");
    }

    #[test]
    fn messages_are_unchanged_without_rules() {
        let stderr = Stderr::default();
        stderr.set_rules(None);
        assert_eq!(stderr.redacted("ann@example.com"), "ann@example.com");
    }
}
