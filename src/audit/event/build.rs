//! Making events: one builder per kind, one setter per field.
use super::{
    Actor, AuditEvent, Change, Crud, Details, EventOutcome, EventType, Severity, Source, Target,
    Tool,
};
use crate::core::value::{Map, ObjectValue, Value};

impl<'a> AuditEvent<'a> {
    /// An event of any type. `event_type` is words of letters, digits, `_` and `-` with dots
    /// between them; `ringseal.…` belongs to the log itself.
    pub const fn new(
        event_type: &'a str,
        action: &'a str,
        actor: Actor<'a>,
        outcome: EventOutcome,
    ) -> Self {
        let event_type = EventType::whole(event_type);
        let mut event = Self::bare(event_type, action, outcome);
        event.actor = Some(actor);
        event
    }

    const fn bare(event_type: EventType<'a>, action: &'a str, outcome: EventOutcome) -> Self {
        Self {
            event_type,
            action,
            outcome,
            severity: None,
            actor: None,
            target: None,
            tool: None,
            correlation_id: None,
            bound: None,
            source: Source {
                service: None,
                service_instance: None,
                environment: None,
                component: None,
                host: None,
                process: None,
                process_id: None,
                application: None,
            },
            source_address: None,
            destination_address: None,
            command_text: None,
            diff_summary: None,
            prior_value: None,
            new_value: None,
            changes: &[],
            affected_files: &[],
            duration_ms: None,
            details: Details::None,
        }
    }

    /// `user.login`, action `login`.
    pub const fn login(actor: Actor<'a>, outcome: EventOutcome) -> Self {
        Self::new("user.login", "login", actor, outcome)
    }

    /// `<type of target>.<action>`: `session.delete`.
    pub const fn crud(
        actor: Actor<'a>,
        action: Crud,
        target: Target<'a>,
        outcome: EventOutcome,
    ) -> Self {
        let event_type = EventType::pair(target.target_type, action.as_str());
        let mut event = Self::bare(event_type, action.as_str(), outcome);
        event.actor = Some(actor);
        event.target = Some(target);
        event
    }

    /// `config.change`, action `update`. The changes stand as two maps, `prior_value` and
    /// `new_value`, by setting; give at least one, or [`AuditEvent::diff_summary`].
    ///
    /// ```
    /// use ringseal::audit::{Actor, AuditEvent, Change, EventOutcome};
    /// let changes = [Change::new("pool.size", &10, &20), Change::new("db.password", &"a", &"b")];
    /// let event = AuditEvent::config_change(Actor::user("u-17"), &changes, EventOutcome::Success)
    ///     .diff_summary("bigger pool, new password");
    /// event.validate().unwrap();
    /// ```
    pub const fn config_change(
        actor: Actor<'a>,
        changes: &'a [Change<'a>],
        outcome: EventOutcome,
    ) -> Self {
        Self::new("config.change", "update", actor, outcome).changes(changes)
    }

    /// `tool_call`, action `call`: somebody called a tool.
    pub const fn tool_call(actor: Actor<'a>, tool: &'a str, outcome: EventOutcome) -> Self {
        let mut event = Self::new("tool_call", "call", actor, outcome);
        event.tool = Some(Tool { name: Some(tool), profile: None, params: None });
        event
    }

    /// `tool_call` as a tool itself tells of it: the actor is the service that the event is filled
    /// with ([`AuditEvent::fill`]), the paths are its `affected_files`.
    ///
    /// ```
    /// use ringseal::audit::{AuditEvent, EventOutcome, Source};
    /// let paths = ["notes/a.md"];
    /// let event = AuditEvent::tool_event("read_file", "file_tools", 12, &paths, EventOutcome::Success)
    ///     .details(&[("bytes", &1024)])
    ///     .fill(&Source::default().service("tools"));
    /// event.validate().unwrap();
    /// ```
    pub const fn tool_event(
        tool: &'a str,
        profile: &'a str,
        duration_ms: u64,
        paths: &'a [&'a str],
        outcome: EventOutcome,
    ) -> Self {
        let mut event = Self::bare(EventType::whole("tool_call"), "call", outcome);
        event.tool = Some(Tool { name: Some(tool), profile: Some(profile), params: None });
        event.duration_ms = Some(duration_ms);
        event.affected_files = paths;
        event
    }

    /// `security.<action>`: `security.lockout`. At least a warning unless it says otherwise.
    pub const fn security(
        actor: Actor<'a>,
        action: &'a str,
        target: Target<'a>,
        outcome: EventOutcome,
    ) -> Self {
        let mut event = Self::bare(EventType::pair("security", action), action, outcome);
        event.actor = Some(actor);
        event.target = Some(target);
        event.severity = Some(match Severity::of(outcome) {
            Severity::Info => Severity::Warning,
            severity => severity,
        });
        event
    }

    /// `privileged.command`, action `execute`: a command that needs more than everyday rights. At
    /// least a warning unless it says otherwise.
    ///
    /// ```
    /// use ringseal::audit::{Actor, AuditEvent, EventOutcome, Target};
    /// let event = AuditEvent::privileged(Actor::user("root"), "chmod 600 a", EventOutcome::Success)
    ///     .target(Target::new("file", "a"))
    ///     .prior_value(&"0644")
    ///     .new_value(&"0600");
    /// event.validate().unwrap();
    /// ```
    pub const fn privileged(
        actor: Actor<'a>,
        command_text: &'a str,
        outcome: EventOutcome,
    ) -> Self {
        let mut event = Self::new("privileged.command", "execute", actor, outcome);
        event.command_text = Some(command_text);
        event.severity = Some(match Severity::of(outcome) {
            Severity::Info => Severity::Warning,
            severity => severity,
        });
        event
    }

    /// Another type for the kind of event that a builder made: `config.reload`.
    #[must_use]
    pub const fn with_type(mut self, event_type: &'a str) -> Self {
        self.event_type = EventType::whole(event_type);
        self
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// What it was done to.
    #[must_use]
    pub const fn target(mut self, target: Target<'a>) -> Self {
        self.target = Some(target);
        self
    }

    /// What it belongs to: the id of a request, a UUID, a trace. Letters, digits and `-_.:/+=`,
    /// at most 128, and nothing that tells of a person.
    #[must_use]
    pub const fn correlation_id(mut self, id: &'a str) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Where it comes from, in place of what the engine says of itself.
    #[must_use]
    pub const fn source(mut self, source: Source<'a>) -> Self {
        self.source = source;
        self
    }

    /// Network address it came from.
    #[must_use]
    pub const fn source_address(mut self, address: &'a str) -> Self {
        self.source_address = Some(address);
        self
    }

    /// Network address it went to.
    #[must_use]
    pub const fn destination_address(mut self, address: &'a str) -> Self {
        self.destination_address = Some(address);
        self
    }

    /// What was run, to the letter.
    #[must_use]
    pub const fn command_text(mut self, text: &'a str) -> Self {
        self.command_text = Some(text);
        self
    }

    /// What changed, in words.
    #[must_use]
    pub const fn diff_summary(mut self, text: &'a str) -> Self {
        self.diff_summary = Some(text);
        self
    }

    /// Settings that changed, in place of one [`AuditEvent::prior_value`] and
    /// [`AuditEvent::new_value`]; both at once are refused.
    #[must_use]
    pub const fn changes(mut self, changes: &'a [Change<'a>]) -> Self {
        self.changes = changes;
        self
    }

    /// What it was before. A value of a setting whose name tells that it is secret belongs into
    /// [`AuditEvent::changes`]: there the name stands beside it.
    #[must_use]
    pub const fn prior_value(mut self, value: &'a dyn Value) -> Self {
        self.prior_value = Some(value);
        self
    }

    /// What it is now; see [`AuditEvent::prior_value`].
    #[must_use]
    pub const fn new_value(mut self, value: &'a dyn Value) -> Self {
        self.new_value = Some(value);
        self
    }

    const fn tool_or_new(&self) -> Tool<'a> {
        match self.tool {
            Some(tool) => tool,
            None => Tool { name: None, profile: None, params: None },
        }
    }

    /// What a tool was called with.
    #[must_use]
    pub const fn params(mut self, params: &'a dyn Value) -> Self {
        let mut tool = self.tool_or_new();
        tool.params = Some(params);
        self.tool = Some(tool);
        self
    }

    /// Under which profile a tool ran.
    #[must_use]
    pub const fn profile(mut self, profile: &'a str) -> Self {
        let mut tool = self.tool_or_new();
        tool.profile = Some(profile);
        self.tool = Some(tool);
        self
    }

    /// Files that were read, written or removed.
    #[must_use]
    pub const fn affected_files(mut self, paths: &'a [&'a str]) -> Self {
        self.affected_files = paths;
        self
    }

    /// How long it took.
    #[must_use]
    pub const fn duration_ms(mut self, duration_ms: u64) -> Self {
        self.duration_ms = Some(duration_ms);
        self
    }

    /// Further fields: any values that an event of the engine can hold.
    #[must_use]
    pub const fn details(mut self, fields: &'a [(&'a str, &'a dyn Value)]) -> Self {
        self.details = Details::Fields(Map(fields));
        self
    }

    /// Further fields as a map of another type: a `HashMap`, or with the feature `serde` whatever
    /// `ringseal::serialize` takes.
    #[must_use]
    pub const fn details_object(mut self, object: &'a dyn ObjectValue) -> Self {
        self.details = Details::Object(object);
        self
    }
}
