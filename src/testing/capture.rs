//! An engine that writes into memory, and its events.
use super::captured_value::{self, CapturedValue, ValueText, indexes_of, value_at};
use crate::core::level::Level;
use crate::emit::Logger;
use crate::engine::{Config, Engine, Output, ReadKeys};
use crate::sink::memory::{MemoryLog, MemorySink};
use crate::writer::control::FlushError;

/// The events that an engine has written into memory.
///
/// A process can have any number of them, each with its own engine, so that tests run beside each other. Reading the
/// events flushes the engine first.
///
/// ```
/// use ringseal::{info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// info!(engine, "payment_processed", amount = 100, currency = "KWD");
/// let event = capture.event("payment_processed");
/// assert_eq!(event["amount"], 100);
/// assert_eq!(event["currency"], "KWD");
/// ```
///
/// [`with_default`](super::with_default) captures the events of code that uses the global engine.
#[derive(Debug, Clone)]
pub struct Capture {
    log: MemoryLog,
    logger: Logger,
    keys: ReadKeys,
}

/// One captured event: its keys in order, each with its value.
///
/// ```
/// use ringseal::{info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// let request = std::collections::BTreeMap::from([("method", "POST"), ("path", "/pay")]);
/// info!(engine, "request_started", http = request, user.id = 42);
/// let event = capture.event("request_started");
/// assert_eq!(event["http"]["method"], "POST");
/// assert_eq!(event["http.method"], "POST");
/// assert_eq!(event["user.id"], 42);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedEvent {
    fields: Vec<(String, CapturedValue)>,
    /// The values as JSON; strings unquoted and unescaped.
    texts: Vec<ValueText>,
    keys: ReadKeys,
}

impl Capture {
    /// Starts a separate engine that writes into memory: [`Capture::start_with`] the default configuration.
    ///
    /// # Panics
    /// If the engine cannot be started.
    pub fn start() -> (Engine, Capture) {
        Self::start_with(Config::new())
    }

    /// Starts a separate engine with this configuration; the memory is added to its outputs, in the configured format
    /// or, if that is text, as `json`.
    ///
    /// Without a filter in the configuration, all levels are captured. Without [`Config::panic_hook`], panics are not
    /// reported: the hook reports those of all threads, so also those of other tests.
    ///
    /// # Panics
    /// If the engine cannot be started.
    pub fn start_with(config: Config) -> (Engine, Capture) {
        let sink = MemorySink::new();
        let log = sink.log();
        let config = config.with_defaults_for_tests();
        let format = config.format_for_tests();
        let keys = config.read_keys(format);
        let output = Output::custom(sink).format(format);
        let engine = Engine::start(config.output(output));
        let engine = engine.unwrap_or_else(|error| panic!("no engine for a test: {error}"));
        let logger = engine.logger();
        (engine, Capture { log, logger, keys })
    }

    /// The lines so far, without their newlines.
    ///
    /// # Panics
    /// If the engine does not write its events in time.
    pub fn lines(&self) -> Vec<String> {
        match self.logger.flush() {
            // An engine that was stopped has written everything.
            Ok(()) | Err(FlushError::Stopped) => self.log.lines(),
            Err(error) => panic!("the captured events are incomplete: {error}"),
        }
    }

    /// The events so far.
    ///
    /// # Panics
    /// As [`Capture::lines`], or if a line is not a JSON object, which would be a defect of the engine.
    pub fn events(&self) -> Vec<CapturedEvent> {
        let parse = |line: &String| {
            captured_value::object(line)
                .map(|(fields, texts)| CapturedEvent { fields, texts, keys: self.keys.clone() })
                .unwrap_or_else(|| panic!("not a JSON object: {line}"))
        };
        self.lines().iter().map(parse).collect()
    }

    /// All events with this name.
    ///
    /// # Panics
    /// As [`Capture::events`].
    pub fn events_named(&self, name: &str) -> Vec<CapturedEvent> {
        self.events().into_iter().filter(|event| event.name() == name).collect()
    }

    /// The only event with this name.
    ///
    /// # Panics
    /// As [`Capture::events`], and if there is no such event, or more than one.
    pub fn event(&self, name: &str) -> CapturedEvent {
        let events = self.events();
        let mut found = events.iter().filter(|event| event.name() == name);
        match (found.next(), found.next()) {
            (Some(event), None) => event.clone(),
            (first, _) => {
                let names: Vec<&str> = events.iter().map(CapturedEvent::name).collect();
                let found = if first.is_some() { "several" } else { "none" };
                panic!("expected one event {name:?}, found {found} among {names:?}")
            }
        }
    }
}

impl CapturedEvent {
    /// The event's name; empty if the line has none.
    pub fn name(&self) -> &str {
        self.get(&self.keys.event).and_then(CapturedValue::as_str).unwrap_or_default()
    }

    /// The severity; `None` if the line has none.
    pub fn level(&self) -> Option<Level> {
        self.get(&self.keys.level)?.as_str()?.parse().ok()
    }

    /// The target; empty if the line has none.
    pub fn target(&self) -> &str {
        self.get(&self.keys.target).and_then(CapturedValue::as_str).unwrap_or_default()
    }

    /// The value under a key. Dots also reach into objects: `http.request.method` is the key `http.request.method` or,
    /// if there is none, the value at that path.
    pub fn get(&self, key: &str) -> Option<&CapturedValue> {
        value_at(&self.fields, &indexes_of(&self.fields, key)?)
    }

    /// The value under a key or at a path as text, as [`CapturedEvent::text`] returns it.
    pub fn get_text(&self, key: &str) -> Option<&str> {
        ValueText::at(&self.texts, &indexes_of(&self.fields, key)?)
    }

    /// The value under a key or at a path as text: strings without quotes, other values as JSON.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn text(&self, key: &str) -> &str {
        self.get_text(key).unwrap_or_else(|| self.refuse(key))
    }

    /// All keys and values in the order of the line.
    pub fn fields(&self) -> &[(String, CapturedValue)] {
        &self.fields
    }

    fn refuse(&self, key: &str) -> ! {
        let keys: Vec<&str> = self.fields.iter().map(|(key, _)| key.as_str()).collect();
        panic!("no key {key:?} in the event {:?}, whose keys are {keys:?}", self.name())
    }
}

impl std::ops::Index<&str> for CapturedEvent {
    type Output = CapturedValue;

    fn index(&self, key: &str) -> &CapturedValue {
        self.get(key).unwrap_or_else(|| self.refuse(key))
    }
}
