//! The parts of an event: actor, target, tool, changes, source. All borrowed, all copied by value.
use std::fmt;
use std::net::IpAddr;

use super::bound_ids::EngineSource;
use super::fixed::Fixed;
use super::kinds::ActorType;
use ringseal_base::limits::Limits;
use ringseal_base::value::{Map, ObjectValue, Value, ValueWriter};

/// Visits the fields of a part, in the order of the entry.
///
/// Closures over `&dyn Value` are the general form; the visitors of [`fast_path`](super::fast_path) are flattened by
/// the compiler.
pub(super) trait Visitor {
    /// A field of any type.
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V);

    /// Fields with constant texts.
    fn fixed(&mut self, fixed: &'static Fixed) {
        for (key, text) in fixed.fields {
            self.field(key, *text);
        }
    }

    /// A field of the caller's own type.
    fn any(&mut self, key: &'static str, value: &dyn Value) {
        self.field(key, value);
    }

    /// A map with fixed keys.
    fn part<P: Fields + Value>(&mut self, key: &'static str, part: &P) {
        self.field(key, part);
    }

    /// A list of strings.
    fn texts(&mut self, key: &'static str, texts: &[&str]) {
        self.field(key, &texts);
    }

    /// A map with keys chosen by the caller.
    fn map(&mut self, key: &'static str, map: &Map<'_>) {
        self.field(key, map);
    }

    /// The source of an event, filled from its engine's.
    fn source(&mut self, source: &Source<'_>, own: Option<&EngineSource>)
    where
        Self: Sized,
    {
        source.or_engine(own).each(self);
    }
}

impl<F: FnMut(&'static str, &dyn Value)> Visitor for F {
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self(key, &value);
    }
}

/// A map with fixed keys. Writing, measuring and checking all use this one list.
pub(super) trait Fields {
    /// Visits each field that is set.
    fn each(&self, visitor: &mut impl Visitor);

    /// Whether the field is set.
    fn has(&self, key: &str) -> bool {
        let mut found = false;
        self.each(&mut |name: &'static str, _: &dyn Value| found |= name == key);
        found
    }
}

/// Most bytes that the entries of `parts` take, without the five of the map itself.
pub(super) fn entries_bytes_max(parts: &impl Fields, limits: &Limits) -> usize {
    let mut sum = 0;
    parts.each(&mut |key: &'static str, value: &dyn Value| {
        sum += 2 + key.len() + value.size_bytes_max(limits);
    });
    sum
}

/// Writes the entries of `parts`, without the map's frame.
pub(super) fn write_entries(parts: &impl Fields, out: &mut ValueWriter<'_>) {
    parts.each(&mut |key: &'static str, value: &dyn Value| out.entry(key, value));
}

macro_rules! field_values {
    ($($part:ty),+) => {$(
        impl Value for $part {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                5 + entries_bytes_max(self, limits)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                out.map(|out| write_entries(self, out));
            }
        }

        impl ObjectValue for $part {}
    )+};
}
pub(super) use field_values;

field_values!(Actor<'_>, Target<'_>, Tool<'_>);

/// Visits a field if it has a value.
pub(super) fn visit_some(
    visitor: &mut impl Visitor,
    key: &'static str,
    value: &Option<impl Value>,
) {
    if let Some(value) = value {
        visitor.field(key, value);
    }
}

/// Who acted. The id must not be empty.
///
/// ```
/// use ringseal_audit::Actor;
/// let actor = Actor::user("u-17").roles(&["admin"]).ip([192, 0, 2, 7].into());
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Actor<'a> {
    /// The kind of actor.
    pub actor_type: ActorType,
    /// Its id in the authorization system.
    pub id: &'a str,
    /// Roles at the time of the event.
    pub roles: &'a [&'a str],
    /// Address it came from.
    pub ip: Option<IpAddr>,
    /// The name that it gives itself (HTTP `User-Agent`).
    pub user_agent: Option<&'a str>,
    /// Account or tenant it acts for.
    pub account_id: Option<&'a str>,
    /// Operating system process id.
    pub process_id: Option<u32>,
    /// Device it came from.
    pub device_id: Option<&'a str>,
}

impl<'a> Actor<'a> {
    /// An actor of any type.
    pub const fn new(actor_type: ActorType, id: &'a str) -> Self {
        Self {
            actor_type,
            id,
            roles: &[],
            ip: None,
            user_agent: None,
            account_id: None,
            process_id: None,
            device_id: None,
        }
    }

    /// A person.
    pub const fn user(id: &'a str) -> Self {
        Self::new(ActorType::User, id)
    }

    /// An unidentified person: the id is `anonymous`.
    pub const fn anonymous() -> Self {
        Self::user("anonymous")
    }

    /// Another program.
    pub const fn service(id: &'a str) -> Self {
        Self::new(ActorType::Service, id)
    }

    /// The program itself.
    pub const fn system(id: &'a str) -> Self {
        Self::new(ActorType::System, id)
    }

    /// Roles at the time of the event.
    #[must_use]
    pub const fn roles(mut self, roles: &'a [&'a str]) -> Self {
        self.roles = roles;
        self
    }

    /// Address it came from.
    #[must_use]
    pub const fn ip(mut self, ip: IpAddr) -> Self {
        self.ip = Some(ip);
        self
    }

    /// The name that it gives itself.
    #[must_use]
    pub const fn user_agent(mut self, user_agent: &'a str) -> Self {
        self.user_agent = Some(user_agent);
        self
    }

    /// Account or tenant it acts for.
    #[must_use]
    pub const fn account_id(mut self, account_id: &'a str) -> Self {
        self.account_id = Some(account_id);
        self
    }

    /// Operating system process id.
    #[must_use]
    pub const fn process_id(mut self, process_id: u32) -> Self {
        self.process_id = Some(process_id);
        self
    }

    /// Device it came from.
    #[must_use]
    pub const fn device_id(mut self, device_id: &'a str) -> Self {
        self.device_id = Some(device_id);
        self
    }
}

impl Fields for Actor<'_> {
    fn each(&self, visitor: &mut impl Visitor) {
        visitor.fixed(self.actor_type.entry());
        visitor.field("id", &self.id);
        if !self.roles.is_empty() {
            visitor.texts("roles", self.roles);
        }
        visit_some(visitor, "ip", &self.ip);
        visit_some(visitor, "user_agent", &self.user_agent);
        visit_some(visitor, "account_id", &self.account_id);
        visit_some(visitor, "process_id", &self.process_id);
        visit_some(visitor, "device_id", &self.device_id);
    }
}

/// The object acted on. Type and id must not be empty.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Target<'a> {
    /// `user`, `session`, `config`, `api_key`, or a word of your choice.
    pub target_type: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its human-readable name.
    pub name: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// A target without a name.
    pub const fn new(target_type: &'a str, id: &'a str) -> Self {
        Self { target_type, id, name: None }
    }

    /// Its human-readable name.
    #[must_use]
    pub const fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }
}

impl Fields for Target<'_> {
    fn each(&self, visitor: &mut impl Visitor) {
        visitor.field("type", &self.target_type);
        visitor.field("id", &self.id);
        visit_some(visitor, "name", &self.name);
    }
}

/// The tool that was called.
#[derive(Clone, Copy)]
pub(super) struct Tool<'a> {
    /// Every tool has one; an event with a profile but no tool name is refused.
    pub name: Option<&'a str>,
    pub profile: Option<&'a str>,
    pub params: Option<&'a dyn Value>,
}

impl Fields for Tool<'_> {
    fn each(&self, visitor: &mut impl Visitor) {
        visit_some(visitor, "name", &self.name);
        visit_some(visitor, "profile", &self.profile);
        if let Some(params) = self.params {
            visitor.any("params", params);
        }
    }
}

/// A changed setting. The key becomes a key of `prior_value` and `new_value`, so that redaction by key applies: a
/// change of `db.password` does not show the password.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// The setting.
    pub key: &'a str,
    /// The value before; `&()` if it was not set.
    pub prior_value: &'a dyn Value,
    /// The value after; `&()` if it was removed.
    pub new_value: &'a dyn Value,
}

impl<'a> Change<'a> {
    /// `key` changed from `prior_value` to `new_value`.
    pub const fn new(key: &'a str, prior_value: &'a dyn Value, new_value: &'a dyn Value) -> Self {
        Self { key, prior_value, new_value }
    }
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secrets.
        f.debug_struct("Change").field("key", &self.key).finish_non_exhaustive()
    }
}

/// One side of a list of changes, as a map.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub changes: &'a [Change<'a>],
    pub is_new: bool,
}

impl<'a> Side<'a> {
    fn entries(&self) -> impl Iterator<Item = (&'a str, &'a dyn Value)> + use<'a> {
        let is_new = self.is_new;
        let value = move |change: &Change<'a>| match is_new {
            true => change.new_value,
            false => change.prior_value,
        };
        self.changes.iter().map(move |change| (change.key, value(change)))
    }
}

impl Value for Side<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        let sizes = self.entries().map(|(key, value)| 2 + key.len() + value.size_bytes_max(limits));
        5 + sizes.sum::<usize>()
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.map(|out| self.entries().for_each(|(key, value)| out.entry(key, value)));
    }
}

/// Where events come from: a process's description of itself, the same in all its events.
///
/// An engine holds one and fills it into each event ([`AuditEvent::fill`](super::AuditEvent::fill)); fields that the
/// event sets are kept.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Source<'a> {
    /// The service's name.
    pub service: Option<&'a str>,
    /// The instance of the service.
    pub service_instance: Option<&'a str>,
    /// `prod`, `staging`, `dev`.
    pub environment: Option<&'a str>,
    /// The part of the system.
    pub component: Option<&'a str>,
    /// The machine.
    pub host: Option<&'a str>,
    /// The program on that machine.
    pub process: Option<&'a str>,
    /// Operating system process id.
    pub process_id: Option<u32>,
    /// The application, by the name its users know.
    pub application: Option<&'a str>,
}

macro_rules! source_setters {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)+) => {$(
        $(#[$doc])*
        #[must_use]
        pub const fn $field(mut self, $field: $type) -> Self {
            self.$field = Some($field);
            self
        }
    )+};
}

impl<'a> Source<'a> {
    source_setters! {
        /// The service's name.
        service: &'a str,
        /// The instance of the service.
        service_instance: &'a str,
        /// `prod`, `staging`, `dev`.
        environment: &'a str,
        /// The part of the system.
        component: &'a str,
        /// The machine.
        host: &'a str,
        /// The program on that machine.
        process: &'a str,
        /// Operating system process id.
        process_id: u32,
        /// The application, by the name its users know.
        application: &'a str,
    }

    /// Fills missing fields from `other`.
    #[must_use]
    pub(super) fn or(self, other: &Source<'a>) -> Self {
        Self {
            service: self.service.or(other.service),
            service_instance: self.service_instance.or(other.service_instance),
            environment: self.environment.or(other.environment),
            component: self.component.or(other.component),
            host: self.host.or(other.host),
            process: self.process.or(other.process),
            process_id: self.process_id.or(other.process_id),
            application: self.application.or(other.application),
        }
    }

    /// Fills missing fields from `own`.
    pub(super) fn or_engine(self, own: Option<&'a EngineSource>) -> Self {
        own.map_or(self, |own| self.or(&own.borrow()))
    }

    /// Whether no field is set.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        let texts = [
            self.service,
            self.service_instance,
            self.environment,
            self.component,
            self.host,
            self.process,
            self.application,
        ];
        texts.iter().all(Option::is_none) && self.process_id.is_none()
    }
}

impl Fields for Source<'_> {
    fn each(&self, visitor: &mut impl Visitor) {
        visit_some(visitor, "service", &self.service);
        visit_some(visitor, "service_instance", &self.service_instance);
        visit_some(visitor, "environment", &self.environment);
        visit_some(visitor, "component", &self.component);
        visit_some(visitor, "source_host", &self.host);
        visit_some(visitor, "source_process", &self.process);
        visit_some(visitor, "process_id", &self.process_id);
        visit_some(visitor, "source_application", &self.application);
    }
}
