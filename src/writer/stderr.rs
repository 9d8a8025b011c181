//! Standard error, for problems that an engine cannot report in its log.
//!
//! Promises: never panics, where `eprintln!` would if the other end of the pipe is closed. Messages quote paths, system
//! errors and panics, so each passes the redaction rules of its engine, and none controls a terminal. A message whose
//! redaction fails is not shown, and the failure ends neither the caller nor, in a panic hook, the process. Engines do
//! not share any state here.
use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

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
    /// Writes nothing.
    #[cfg(test)]
    pub(crate) is_silent: std::sync::atomic::AtomicBool,
}

impl Stderr {
    /// Redacts messages by these rules from now on; `None` writes them unchanged.
    pub(crate) fn set_rules(&self, rules: Option<Arc<Rules>>) {
        *self.rules.lock() = rules.map_or(StderrRules::Off, StderrRules::Rules);
    }

    /// Writes one line in one call. What is not printable in the names and errors that it quotes is escaped. A failing
    /// write is ignored, because it cannot be reported anywhere.
    pub(crate) fn write(&self, message: fmt::Arguments<'_>) {
        #[cfg(test)]
        if self.is_silent.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
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
        let rules = self.rules.lock().clone();
        if matches!(rules, StderrRules::Off) {
            return message.to_owned();
        }
        contained(|| redact(rules, message)).unwrap_or_else(|| NOT_SHOWN.to_owned())
    }
}

/// What is written if redaction fails.
const NOT_SHOWN: &str = "[message not shown: its redaction failed]";

fn redact(rules: StderrRules, message: &str) -> String {
    let rules = match rules {
        StderrRules::Rules(rules) => rules,
        StderrRules::Standard | StderrRules::Off => Arc::new(Rules::standard()),
    };
    let mut out = Vec::new();
    match Redactor::new(rules).value(KeyClass::Plain, message.as_bytes(), false, &mut out) {
        RedactOutcome::Clean => message.to_owned(),
        RedactOutcome::Replaced => String::from_utf8_lossy(&out).into_owned(),
    }
}

thread_local! {
    /// Whether this thread is inside [`contained`].
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is one of the redaction of a message, which is replaced by a fixed text. A panic hook
/// has nothing to report then: the panic's text may quote the message.
pub(crate) fn is_redacting() -> bool {
    IS_CONTAINED.try_with(Cell::get).unwrap_or(false)
}

/// The result of `redact`; `None` if it panics. In a thread that panics, `redact` runs on another one: a second panic
/// inside a panic hook would end the process at once, and could not be caught.
fn contained(redact: impl FnOnce() -> String + Send) -> Option<String> {
    let marked = || {
        let outer = IS_CONTAINED.try_with(|inside| inside.replace(true));
        let result = catch_unwind(AssertUnwindSafe(redact)).ok();
        let _ = IS_CONTAINED.try_with(|inside| inside.set(outer.unwrap_or(false)));
        result
    };
    if !thread::panicking() {
        return marked();
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("ringseal-stderr".into());
        thread.spawn_scoped(scope, marked).ok()?.join().ok()?
    })
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

    /// A panic inside a panic hook ends the process at once.
    #[test]
    fn a_panicking_redactor_does_not_end_the_process() {
        static IN_HOOK: Mutex<Vec<Option<String>>> = Mutex::new(Vec::new());
        const NAME: &str = "panics for a test";
        let broken = || contained(|| panic!("it quotes the message"));
        assert_eq!(broken(), None);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match thread::current().name() {
            Some(NAME) => {
                let works = contained(|| "a message".to_owned());
                IN_HOOK.lock().extend([broken(), works]);
            }
            _ => before(info),
        }));
        let panicking = thread::Builder::new().name(NAME.into()).spawn(|| panic!("the first"));
        assert!(panicking.unwrap().join().is_err());
        assert_eq!(*IN_HOOK.lock(), [None, Some("a message".to_owned())]);
        assert!(!is_redacting());
    }

    #[test]
    fn messages_are_unchanged_without_rules() {
        let stderr = Stderr::default();
        stderr.set_rules(None);
        assert_eq!(stderr.redacted("ann@example.com"), "ann@example.com");
    }
}
