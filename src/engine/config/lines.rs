//! Settings of the lines that an engine writes.
use super::{Config, Format};
use crate::emit::{BoundFields, SpanLines};
use crate::encode::Subsecond;
use crate::encode::layout::{EcsOptions, LevelCase, LevelWords, LineKey, RunId};

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

    /// Writes lines in the Elastic Common Schema: [`Format::Ecs`] with these options.
    ///
    /// ```
    /// use ringseal::{Config, EcsOptions, info, testing::Capture};
    /// let options = EcsOptions::new().service("pay", "1.4.2").environment("staging");
    /// let (engine, capture) = Capture::start_with(Config::new().ecs(options));
    /// info!(engine, "payment_processed", amount = 100, user.id = 42);
    /// let line = capture.lines().pop().unwrap();
    /// assert!(line.contains(r#""user":{"id":42}"#) && line.contains(r#""extra":{"amount":100}"#));
    /// ```
    #[must_use]
    pub fn ecs(mut self, options: EcsOptions) -> Self {
        self.ecs = options;
        self.format(Format::Ecs)
    }

    /// The version of the events' fields, in the JSON lines that [`Config::run_id`] chooses. Default 1.
    #[must_use]
    pub fn schema_version(mut self, version: u32) -> Self {
        self.flat.schema_version = version;
        self
    }

    /// Another key for a member of JSON lines, in all JSON formats but `ecs`; docs/layouts.md lists the keys that each
    /// format has without it. A user's field that has the new key gets the prefix `field.`.
    ///
    /// An empty key, and one key for two members of a line, are errors at start.
    ///
    /// ```
    /// use ringseal::{Config, LineKey, info, testing::Capture};
    /// let config = Config::new()
    ///     .rename_key(LineKey::Timestamp, "@timestamp")
    ///     .rename_key(LineKey::Target, "logger");
    /// let (engine, capture) = Capture::start_with(config);
    /// info!(engine, "payment_processed", logger = "mine");
    /// let event = capture.event("payment_processed");
    /// assert_eq!(event["logger"], event.target());
    /// assert_eq!(event["field.logger"], "mine");
    /// assert!(event.get("@timestamp").is_some());
    /// ```
    #[must_use]
    pub fn rename_key(mut self, member: LineKey, key: &str) -> Self {
        self.chosen.keys.push((member, key.to_owned()));
        self
    }

    /// The key of the event's name in JSON lines: short for [`Config::rename_key`] with [`LineKey::Event`].
    #[must_use]
    pub fn event_key(self, key: &str) -> Self {
        self.rename_key(LineKey::Event, key)
    }

    /// How levels are spelt in JSON lines. Default: as the format has it, `json` in lower case.
    #[must_use]
    pub fn level_case(mut self, case: LevelCase) -> Self {
        self.chosen.level_case = Some(case);
        self
    }

    /// The word for the level warn, `warn` or `warning`, also in lines of text. Default: as the format has it, `json`
    /// and `console` with `warn`.
    #[must_use]
    pub fn level_words(mut self, words: LevelWords) -> Self {
        self.chosen.level_words = Some(words);
        self
    }

    /// Digits after the second in times of lines. Default: as the format has it, `json` six and `console` three.
    #[must_use]
    pub fn subsecond(mut self, digits: Subsecond) -> Self {
        self.chosen.subsecond = Some(digits);
        self
    }

    /// Which JSON lines carry `run_id` and `schema_version`. Default: as the format has it, `json` in every line.
    #[must_use]
    pub fn run_id(mut self, lines: RunId) -> Self {
        self.chosen.run_id_in = Some(lines);
        self
    }

    /// The identifier of the run. Default a fresh UUID.
    #[must_use]
    pub fn run_id_value(mut self, id: &str) -> Self {
        self.run_id = Some(id.into());
        self
    }

    /// Gives each event a trace id: a thread or context without one gets a new one (a UUID, version 7), which it keeps.
    /// Applies to all contexts of the process from the start of the engine on. Default: an event has a trace id only if
    /// its context has one. With `dashtam-dev`, `dashtam-ci` or `dashtam-cloudwatch`, whose lines must have one, it is
    /// the default of the global engine.
    ///
    /// ```
    /// use ringseal::{Config, Context, info, testing::Capture};
    /// let (engine, capture) = Capture::start_with(Config::new().require_trace_id(true));
    /// info!(engine, "first");
    /// info!(engine, "second");
    /// assert_eq!(capture.event("first").text("trace_id"), capture.event("second").text("trace_id"));
    /// Context::new().run(|| info!(engine, "job"));
    /// assert_ne!(capture.event("job").text("trace_id"), capture.event("first").text("trace_id"));
    /// ```
    #[must_use]
    pub fn require_trace_id(mut self, requires_trace: bool) -> Self {
        self.requires_trace = Some(requires_trace);
        self
    }

    /// Which lines a span has. Default: `span.start` and `span.end`.
    #[must_use]
    pub fn span_lines(mut self, lines: SpanLines) -> Self {
        self.span_lines = lines;
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
}
