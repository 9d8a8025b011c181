//! Builders: one per kind of event, one setter per field.
use super::fixed::{Fixed, fixed};
use super::{
    Actor, AuditEvent, Change, Crud, Details, EventOutcome, EventType, Severity, Source, Target,
    Tool,
};
use ringseal_base::value::{Map, ObjectValue, Value};

const LOGIN: &Fixed = fixed!("event_type" = "user.login", "action" = "login");
const CONFIG_CHANGE: &Fixed = fixed!("event_type" = "config.change", "action" = "update");
const TOOL_CALL: &Fixed = fixed!("event_type" = "tool_call", "action" = "call");
const PRIVILEGED: &Fixed = fixed!("event_type" = "privileged.command", "action" = "execute");

/// Types and actions of the builders that choose both.
#[cfg(test)]
pub(super) const KINDS: &[&Fixed] = &[LOGIN, CONFIG_CHANGE, TOOL_CALL, PRIVILEGED];

impl<'a> AuditEvent<'a> {
    /// An event of any type. `event_type` consists of words of letters, digits, `_` and `-`, separated by dots; the
    /// prefix `ringseal.` is reserved for the log itself.
    pub const fn new(
        event_type: &'a str,
        action: &'a str,
        actor: Actor<'a>,
        outcome: EventOutcome,
    ) -> Self {
        let event_type = EventType::whole(event_type);
        let mut event = Self::minimal(event_type, action, outcome);
        event.actor = Some(actor);
        event
    }

    const fn minimal(event_type: EventType<'a>, action: &'a str, outcome: EventOutcome) -> Self {
        Self {
            event_type,
            action,
            kind: None,
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

    /// An event of one of the kinds above.
    const fn of_kind(kind: &'static Fixed, outcome: EventOutcome) -> Self {
        let (event_type, action) = (kind.fields[0].1, kind.fields[1].1);
        let mut event = Self::minimal(EventType::whole(event_type), action, outcome);
        event.kind = Some(kind);
        event
    }

    /// `user.login`, action `login`.
    pub const fn login(actor: Actor<'a>, outcome: EventOutcome) -> Self {
        let mut event = Self::of_kind(LOGIN, outcome);
        event.actor = Some(actor);
        event
    }

    /// `<target type>.<action>`: `session.delete`.
    pub const fn crud(
        actor: Actor<'a>,
        action: Crud,
        target: Target<'a>,
        outcome: EventOutcome,
    ) -> Self {
        let event_type = EventType::pair(target.target_type, action.as_str());
        let mut event = Self::minimal(event_type, action.as_str(), outcome);
        event.actor = Some(actor);
        event.target = Some(target);
        event
    }

    /// `config.change`, action `update`. The changes are written as two maps, `prior_value` and `new_value`, keyed by
    /// setting; give at least one, or [`AuditEvent::diff_summary`].
    ///
    /// ```
    /// use ringseal_audit::{Actor, AuditEvent, Change, EventOutcome};
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
        let mut event = Self::of_kind(CONFIG_CHANGE, outcome);
        event.actor = Some(actor);
        event.changes(changes)
    }

    /// `tool_call`, action `call`: an actor called a tool.
    pub const fn tool_call(actor: Actor<'a>, tool: &'a str, outcome: EventOutcome) -> Self {
        let mut event = Self::of_kind(TOOL_CALL, outcome);
        event.actor = Some(actor);
        event.tool = Some(Tool { name: Some(tool), profile: None, params: None });
        event
    }

    /// `tool_call` reported by the tool itself: the actor is the service that the event is filled with
    /// ([`AuditEvent::fill`]), the paths are its `affected_files`.
    ///
    /// ```
    /// use ringseal_audit::{AuditEvent, EventOutcome, Source};
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
        let mut event = Self::of_kind(TOOL_CALL, outcome);
        event.tool = Some(Tool { name: Some(tool), profile: Some(profile), params: None });
        event.duration_ms = Some(duration_ms);
        event.affected_files = paths;
        event
    }

    /// `security.<action>`: `security.lockout`. Severity is at least warning unless set.
    pub const fn security(
        actor: Actor<'a>,
        action: &'a str,
        target: Target<'a>,
        outcome: EventOutcome,
    ) -> Self {
        let mut event = Self::minimal(EventType::pair("security", action), action, outcome);
        event.actor = Some(actor);
        event.target = Some(target);
        event.severity = Some(match Severity::of(outcome) {
            Severity::Info => Severity::Warning,
            severity => severity,
        });
        event
    }

    /// `privileged.command`, action `execute`: a command that needs elevated rights. Severity is at least warning
    /// unless set.
    ///
    /// ```
    /// use ringseal_audit::{Actor, AuditEvent, EventOutcome, Target};
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
        let mut event = Self::of_kind(PRIVILEGED, outcome);
        event.actor = Some(actor);
        event.command_text = Some(command_text);
        event.severity = Some(match Severity::of(outcome) {
            Severity::Info => Severity::Warning,
            severity => severity,
        });
        event
    }

    /// Replaces the type that a builder has set: `config.reload`.
    #[must_use]
    pub const fn with_type(mut self, event_type: &'a str) -> Self {
        self.event_type = EventType::whole(event_type);
        self.kind = None;
        self
    }

    /// Its severity.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// The object acted on.
    #[must_use]
    pub const fn target(mut self, target: Target<'a>) -> Self {
        self.target = Some(target);
        self
    }

    /// The id that links related events: a request id, a UUID, a trace id. Letters, digits and `-_.:/+=`, at most 128,
    /// and no personal data.
    #[must_use]
    pub const fn correlation_id(mut self, id: &'a str) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Its source, overriding the engine's.
    #[must_use]
    pub const fn source(mut self, source: Source<'a>) -> Self {
        self.source = source;
        self
    }

    /// The network address it came from.
    #[must_use]
    pub const fn source_address(mut self, address: &'a str) -> Self {
        self.source_address = Some(address);
        self
    }

    /// The network address it went to.
    #[must_use]
    pub const fn destination_address(mut self, address: &'a str) -> Self {
        self.destination_address = Some(address);
        self
    }

    /// The exact command.
    #[must_use]
    pub const fn command_text(mut self, text: &'a str) -> Self {
        self.command_text = Some(text);
        self
    }

    /// A summary of the changes, in words.
    #[must_use]
    pub const fn diff_summary(mut self, text: &'a str) -> Self {
        self.diff_summary = Some(text);
        self
    }

    /// Changed settings, instead of one [`AuditEvent::prior_value`] and [`AuditEvent::new_value`]; setting both is
    /// refused.
    #[must_use]
    pub const fn changes(mut self, changes: &'a [Change<'a>]) -> Self {
        self.changes = changes;
        self
    }

    /// The value before. For a setting whose name marks it as secret, use [`AuditEvent::changes`], which writes the
    /// name beside the value.
    #[must_use]
    pub const fn prior_value(mut self, value: &'a dyn Value) -> Self {
        self.prior_value = Some(value);
        self
    }

    /// The value after; see [`AuditEvent::prior_value`].
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

    /// The parameters of the tool call.
    #[must_use]
    pub const fn params(mut self, params: &'a dyn Value) -> Self {
        let mut tool = self.tool_or_new();
        tool.params = Some(params);
        self.tool = Some(tool);
        self
    }

    /// The profile under which the tool ran.
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

    /// Its duration.
    #[must_use]
    pub const fn duration_ms(mut self, duration_ms: u64) -> Self {
        self.duration_ms = Some(duration_ms);
        self
    }

    /// More fields: any values that an event of the engine can hold.
    #[must_use]
    pub const fn details(mut self, fields: &'a [(&'a str, &'a dyn Value)]) -> Self {
        self.details = Details::Fields(Map(fields));
        self
    }

    /// More fields as a map of another type: a `HashMap`, or with the feature `serde` any map that
    /// `ringseal::serialize` accepts.
    #[must_use]
    pub const fn details_object(mut self, object: &'a dyn ObjectValue) -> Self {
        self.details = Details::Object(object);
        self
    }
}
