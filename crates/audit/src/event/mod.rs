//! The audit event: an actor, an action, a target, a source and an outcome.
//!
//! Promises: an event borrows all its data and is copied by value; building, filling, checking and writing a valid one
//! allocates nothing and never blocks. An invalid one is a typed error ([`EventError`]) before anything is queued.
//! Values are written as a tree, not as JSON: the writer thread redacts and encodes them, including `details`,
//! `prior_value` and `new_value`.
//!
//! The fields are those required by NIST SP 800-53 AU-3: event ("what"), time (the engine's clock), place, source,
//! outcome, identity.
mod bound_ids;
mod build;
mod check;
mod error;
mod fast_path;
mod fields;
mod fixed;
mod kinds;
mod with_context;

#[cfg(test)]
mod tests;

use std::fmt;

use ringseal_base::limits::Limits;
use ringseal_base::value::{Map, ObjectValue, Value, ValueWriter};

pub use bound_ids::BoundIds;
#[doc(hidden)]
pub use bound_ids::EngineSource;
pub use check::Au3;
pub(crate) use check::{PATH_EXPECTED, is_event_type, is_path};
pub use error::EventError;
pub use fields::{Actor, Change, Source, Target};
use fields::{Fields, Side, Tool, Visitor, entries_bytes_max, field_values, write_entries};
use fixed::Fixed;
pub use kinds::{ActorType, Crud, EventOutcome, EventType, Severity};
#[doc(hidden)]
pub use with_context::EventWithContext;

/// Further fields.
#[derive(Clone, Copy)]
enum Details<'a> {
    None,
    Fields(Map<'a>),
    Object(&'a dyn ObjectValue),
}

/// One audit event, borrowed. Created by [`AuditEvent::new`] or a builder for its kind.
///
/// It is written as one map. Keys are in this order; keys without a value are omitted:
///
/// | key | value |
/// |---|---|
/// | `event_type` | text such as `user.login` |
/// | `action` | text such as `login` |
/// | `outcome` | `success`, `failure`, `error`, `denied`, `partial` |
/// | `severity` | `info`, `warning`, `error`, `critical` |
/// | `actor` | map: `type`, `id`, `roles`, `ip`, `user_agent`, `account_id`, `process_id`, `device_id` |
/// | `target` | map: `type`, `id`, `name` |
/// | `tool` | map: `name`, `profile`, `params` |
/// | `correlation_id` | text |
/// | `trace_id`, `span_id`, `request_id`, `session_id`, `user_id` | texts, of the logger's bound fields |
/// | `service`, `service_instance`, `environment`, `component` | texts |
/// | `source_host`, `source_process` | texts |
/// | `process_id` | number |
/// | `source_application`, `source_address`, `destination_address` | texts |
/// | `command_text`, `diff_summary` | texts |
/// | `prior_value`, `new_value` | any value; of changes a map by setting |
/// | `affected_files` | list of texts |
/// | `duration_ms` | number |
/// | `details` | map |
///
/// ```
/// use ringseal_audit::{Actor, AuditEvent, EventOutcome, Target};
/// let event = AuditEvent::login(Actor::user("u-17").ip([192, 0, 2, 7].into()), EventOutcome::Denied)
///     .target(Target::new("session", "s-4"))
///     .details(&[("reason", &"locked"), ("attempt", &3)]);
/// event.validate().unwrap();
///
/// let no_id = AuditEvent::login(Actor::user(""), EventOutcome::Success);
/// assert_eq!(
///     no_id.validate().unwrap_err().to_string(),
///     "audit event `user.login`: actor.id: expected a text that is not blank, found \"\"",
/// );
/// ```
#[derive(Clone, Copy)]
pub struct AuditEvent<'a> {
    event_type: EventType<'a>,
    action: &'a str,
    /// Type and action, if a builder has set both to constants: checked by a test, and encoded.
    kind: Option<&'static Fixed>,
    outcome: EventOutcome,
    severity: Option<Severity>,
    actor: Option<Actor<'a>>,
    target: Option<Target<'a>>,
    tool: Option<Tool<'a>>,
    correlation_id: Option<&'a str>,
    bound: Option<&'a BoundIds>,
    source: Source<'a>,
    source_address: Option<&'a str>,
    destination_address: Option<&'a str>,
    command_text: Option<&'a str>,
    diff_summary: Option<&'a str>,
    prior_value: Option<&'a dyn Value>,
    new_value: Option<&'a dyn Value>,
    changes: &'a [Change<'a>],
    affected_files: &'a [&'a str],
    duration_ms: Option<u64>,
    details: Details<'a>,
}

impl<'a> AuditEvent<'a> {
    /// Its type.
    pub fn event_type(&self) -> EventType<'a> {
        self.event_type
    }

    /// How it ended.
    pub fn outcome(&self) -> EventOutcome {
        self.outcome
    }

    /// The severity that was set, or else the one that follows from the outcome.
    pub fn severity_or_default(&self) -> Severity {
        self.severity.unwrap_or(Severity::of(self.outcome))
    }

    /// Fills fields that the event does not set from `source`. An event without an actor gets the service as its actor.
    #[must_use]
    pub fn fill(mut self, source: &Source<'a>) -> Self {
        self.source = self.source.or(source);
        if self.actor.is_none() {
            self.actor = self.source.service.map(Actor::service);
        }
        self
    }

    /// Writes the entries of the map, without its frame, as the engine's dynamic events expect them.
    ///
    /// Entries that do not fit into `out` are left out and the cut is marked; [`AuditEvent::validate_within`] refuses
    /// such an event beforehand.
    pub fn write_entries(&self, out: &mut ValueWriter<'_>) {
        write_entries(self, out);
    }

    /// Most bytes that [`AuditEvent::write_entries`] writes under `limits`.
    pub fn entries_bytes_max(&self, limits: &Limits) -> usize {
        entries_bytes_max(self, limits)
    }

    /// Writes the whole event as one map.
    pub fn write(&self, out: &mut ValueWriter<'_>) {
        Value::write(self, out);
    }
}

field_values!(AuditEvent<'_>);

impl Fields for AuditEvent<'_> {
    fn each(&self, visitor: &mut impl Visitor) {
        self.without_context().each(visitor);
    }
}

impl AuditEvent<'_> {
    fn each_value(&self, visitor: &mut impl Visitor) {
        let changes = self.changes;
        if !changes.is_empty() {
            visitor.field("prior_value", &Side { changes, is_new: false });
            visitor.field("new_value", &Side { changes, is_new: true });
        }
        let values = [("prior_value", self.prior_value), ("new_value", self.new_value)];
        for (key, value) in values {
            if let Some(value) = value {
                visitor.any(key, value);
            }
        }
    }
}

impl fmt::Debug for AuditEvent<'_> {
    /// Without commands, values and details, because they have not been redacted yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEvent")
            .field("event_type", &format_args!("{}", self.event_type))
            .field("action", &self.action)
            .field("outcome", &self.outcome)
            .field("actor", &self.actor)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
