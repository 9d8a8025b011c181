//! Settings of the lines that an engine writes.
use super::Config;
use crate::emit::BoundFields;
use crate::encode::layout::{LevelCase, RunId};

impl Config {
    /// Sort all keys of a JSON line. For comparing lines, not for speed.
    #[must_use]
    pub fn sort_keys(mut self, sort_keys: bool) -> Self {
        self.flat.sort_keys = sort_keys;
        self
    }

    /// Leave out fields whose value is `None`, of the event and of its logger. Default: their value is `null`.
    ///
    /// ```
    /// use ringseal::{Config, fields, info, testing::Capture};
    /// let (engine, capture) = Capture::start_with(Config::new().omit_none(true));
    /// let log = engine.logger().bind(fields! { trace_id = None::<&str>, user.id = Some(42) });
    /// info!(log, "request_started", peer = None::<u64>);
    /// let event = capture.event("request_started");
    /// assert_eq!((event.get("trace_id"), event.get("peer")), (None, None));
    /// assert_eq!(event["user.id"], 42);
    /// ```
    #[must_use]
    pub fn omit_none(mut self, omit_none: bool) -> Self {
        self.flat.omit_none = omit_none;
        self
    }

    /// The version of the events' fields, in the JSON lines that [`Config::run_id`] chooses. Default 1.
    #[must_use]
    pub fn schema_version(mut self, version: u32) -> Self {
        self.flat.schema_version = version;
        self
    }

    /// The key of the event's name in JSON lines. Default `event`. An empty key, or a key that every line already has,
    /// is an error at start.
    #[must_use]
    pub fn event_key(mut self, key: &str) -> Self {
        self.flat.event_key = key.into();
        self
    }

    /// How levels are spelt in JSON lines. Default lower case.
    #[must_use]
    pub fn level_case(mut self, case: LevelCase) -> Self {
        self.flat.level_case = case;
        self
    }

    /// Which JSON lines carry `run_id` and `schema_version`. Default: every line.
    #[must_use]
    pub fn run_id(mut self, lines: RunId) -> Self {
        self.flat.run_id_in = lines;
        self
    }

    /// The identifier of the run. Default a fresh UUID.
    #[must_use]
    pub fn run_id_value(mut self, id: &str) -> Self {
        self.run_id = Some(id.into());
        self
    }

    /// Adds fields to every line, also to those of the engine's own events: the service, its version, the environment,
    /// the host. A field of the event, and one that is bound to the logger, replaces one with the same key.
    ///
    /// They are redacted like all fields, rendered once, and cost an event only the copy of their bytes.
    ///
    /// ```
    /// use ringseal::{Config, fields, info, testing::Capture};
    /// let config = Config::new()
    ///     .fields(fields! { service.name = "shop", service.version = env!("CARGO_PKG_VERSION") })
    ///     .fields(fields! { environment = "staging" });
    /// let (engine, capture) = Capture::start_with(config);
    /// info!(engine, "service_started", environment = "canary");
    /// let event = capture.event("service_started");
    /// assert_eq!(event["service.name"], "shop");
    /// assert_eq!(event["environment"], "canary");
    /// ```
    #[doc(alias = "static_fields")]
    #[must_use]
    pub fn fields(mut self, fields: BoundFields) -> Self {
        self.static_fields = Some(fields.added_to(self.static_fields.as_ref()));
        self
    }

    /// The key of the event's name in JSON lines.
    pub(crate) fn event_key_of_lines(&self) -> &str {
        &self.flat.event_key
    }
}
