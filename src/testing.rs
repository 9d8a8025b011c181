//! For tests of code that logs: an engine whose events a test can look at, a search for secrets in what was written,
//! and made-up secrets to plant.
mod canary;
mod forms;
mod leak;
#[cfg(test)]
mod leak_tests;

pub use canary::{Canary, canaries};
pub use leak::{Form, Leak, Planted, assert_no_leak, find_leaks};

use crate::core::level::Level;
use crate::engine::{Config, Engine};
use crate::sink::memory::{MemoryLog, MemorySink};

/// What an engine has written into memory.
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

/// One captured event: its keys in order, and each value as it stands in JSON; strings without quotes and unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedEvent {
    fields: Vec<(String, String)>,
}

impl Capture {
    /// An engine of its own, at level trace, that writes into memory.
    ///
    /// # Panics
    /// When no engine can be started any more.
    pub fn start() -> (Engine, Capture) {
        Self::start_with(Config::new().level(Level::Trace).panic_hook(false))
    }

    /// The same with a configuration of one's own; the memory is added to its sinks.
    ///
    /// # Panics
    /// When no engine can be started any more.
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
    /// When a line is no flat JSON object, which would be a defect of the engine.
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
    //! Just enough JSON to take one of our own lines apart.

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

    /// Where the value at the front ends.
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
