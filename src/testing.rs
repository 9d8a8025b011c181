//! For tests of code that logs: [`Capture`] starts an engine whose events a test can read.
//!
//! The feature `testing` adds made-up secrets to log (`canaries`) and a search for them in the written files
//! (`assert_no_leak`, `find_leaks`).
#[cfg(any(test, feature = "testing"))]
mod canary;
#[cfg(any(test, feature = "testing"))]
mod check_digits;
#[cfg(any(test, feature = "testing"))]
mod forms;
#[cfg(any(test, feature = "testing"))]
mod leak;
#[cfg(test)]
mod leak_tests;

#[cfg(any(test, feature = "testing"))]
pub use canary::{Canary, canaries};
#[cfg(any(test, feature = "testing"))]
pub use leak::{Form, Leak, Planted, assert_no_leak, find_leaks};

use crate::core::level::Level;
use crate::engine::{Config, Engine, Output};
use crate::sink::memory::{MemoryLog, MemorySink};

/// The events that an engine has written into memory.
///
/// ```
/// use ringseal::{info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// info!(engine, "payment_processed", amount = 100);
/// engine.flush().unwrap();
/// assert_eq!(&capture.events()[0]["amount"], "100");
/// ```
#[derive(Debug, Clone)]
pub struct Capture {
    log: MemoryLog,
}

/// One captured event: its keys in order, each with its value as JSON text; strings are unquoted and unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedEvent {
    fields: Vec<(String, String)>,
}

impl Capture {
    /// Starts a separate engine at level trace that writes into memory.
    ///
    /// # Panics
    /// If the process cannot start another engine.
    pub fn start() -> (Engine, Capture) {
        Self::start_with(Config::new().level(Level::Trace).panic_hook(false))
    }

    /// Starts an engine with this configuration; the memory is added to its sinks.
    ///
    /// # Panics
    /// If the process cannot start another engine.
    pub fn start_with(config: Config) -> (Engine, Capture) {
        let sink = MemorySink::new();
        let capture = Capture { log: sink.log() };
        let engine = Engine::start(config.output(Output::custom(sink)));
        (engine.expect("an engine can be started for a test"), capture)
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// The events so far. Flush the engine first.
    ///
    /// # Panics
    /// If a line is not a flat JSON object, which would be a defect of the engine.
    pub fn events(&self) -> Vec<CapturedEvent> {
        self.lines().iter().map(|line| CapturedEvent::parse(line)).collect()
    }
}

impl CapturedEvent {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// All keys and values in the order of the line.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    fn parse(line: &str) -> Self {
        parse::object(line)
            .map(|fields| CapturedEvent { fields })
            .unwrap_or_else(|| panic!("not a flat JSON object: {line}"))
    }
}

impl std::ops::Index<&str> for CapturedEvent {
    type Output = str;

    fn index(&self, key: &str) -> &str {
        self.get(key).unwrap_or_else(|| panic!("no {key:?} in {:?}", self.fields))
    }
}

mod parse {
    //! Parses the lines that the engine writes.
    use ringseal_base::json::{Token, Tokens};

    /// The top-level keys and values of an object; strings without quotes and unescaped, other values as written.
    pub(super) fn object(line: &str) -> Option<Vec<(String, String)>> {
        let mut tokens = Tokens::of(line);
        if tokens.next_token().ok()? != Some(Token::MapStart) {
            return None;
        }
        let mut fields = Vec::new();
        while let Some(Token::Key(key)) = tokens.next_token().ok()? {
            let first = tokens.next_token().ok()??;
            let value = match first {
                Token::String(text) => text.decode(),
                first => line.get(tokens.skip_value(&first).ok()?)?.to_owned(),
            };
            fields.push((key.decode(), value));
        }
        tokens.next_token().ok()?.is_none().then_some(fields)
    }
}
