//! For tests of code that logs: [`Capture`] starts an engine whose events a test can read.
//!
//! With the feature `testing`, also made-up secrets to log (`canaries`) and a search for them in the files that were
//! written (`assert_no_leak`, `find_leaks`).
#[cfg(any(test, feature = "testing"))]
mod canary;
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
use crate::engine::{Config, Engine};
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
    /// If no further engine can be started.
    pub fn start() -> (Engine, Capture) {
        Self::start_with(Config::new().level(Level::Trace).panic_hook(false))
    }

    /// Starts an engine with this configuration; the memory is added to its sinks.
    ///
    /// # Panics
    /// If no further engine can be started.
    pub fn start_with(config: Config) -> (Engine, Capture) {
        let sink = MemorySink::new();
        let capture = Capture { log: sink.log() };
        let engine = Engine::start(config.sink(Box::new(sink)));
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
    //! Parses the lines that the engine writes: flat JSON objects.

    /// The top-level keys and values of an object.
    pub(super) fn object(line: &str) -> Option<Vec<(String, String)>> {
        let mut rest = line.trim().strip_prefix('{')?;
        let mut fields = Vec::new();
        if rest.starts_with('}') {
            return Some(fields);
        }
        loop {
            let key = &rest[..value_end(rest)?];
            rest = rest[key.len()..].strip_prefix(':')?;
            let value = &rest[..value_end(rest)?];
            rest = &rest[value.len()..];
            fields.push((text(key), text(value)));
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => return (rest.trim_end() == "}").then_some(fields),
            }
        }
    }

    /// The length of the value at the start of `text`.
    fn value_end(text: &str) -> Option<usize> {
        let mut depth = 0;
        let mut in_string = false;
        let mut is_escaped = false;
        for (at, byte) in text.bytes().enumerate() {
            if in_string {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' => is_escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                if !in_string && depth == 0 {
                    return Some(at + 1);
                }
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => return Some(at),
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// A string without its quotes and escapes; anything else as it is.
    fn text(value: &str) -> String {
        let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
            return value.to_owned();
        };
        let mut text = String::with_capacity(inner.len());
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            match characters.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('u') => {
                    let hex: String = characters.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    text.push(code.unwrap_or('\u{FFFD}'));
                }
                Some(other) => text.push(other),
                None => {}
            }
        }
        text
    }
}
