//! Who, on what, with what, from where: the parts of an event. All borrowed, all copied by value.
use std::fmt;
use std::net::IpAddr;

use super::bound_ids::EngineSource;
use super::kinds::ActorType;
use crate::core::limits::Limits;
use crate::core::value::{Map, ObjectValue, Value, ValueWriter};

/// Who is told of the fields that a part has, in the order in which they stand in the entry.
///
/// Closures over `&dyn Value` are the general way; [`fast_path`](super::fast_path) is the one that the compiler flattens.
pub(super) trait Visitor {
    /// A field of any type.
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V);

    /// A field whose type only the caller knows.
    fn any(&mut self, key: &'static str, value: &dyn Value) {
        self.field(key, value);
    }

    /// A map with fixed keys.
    fn part<P: Fields + Value>(&mut self, key: &'static str, part: &P) {
        self.field(key, part);
    }

    /// A list of texts.
    fn texts(&mut self, key: &'static str, texts: &[&str]) {
        self.field(key, &texts);
    }

    /// A map with keys of the caller's.
    fn map(&mut self, key: &'static str, map: &Map<'_>) {
        self.field(key, map);
    }

    /// What an event says of where it comes from, and besides that what its engine does.
    fn source(&mut self, source: &Source<'_>, own: Option<&EngineSource>)
    where
        Self: Sized,
    {
        source.or_own(own).each(self);
    }
}

impl<F: FnMut(&'static str, &dyn Value)> Visitor for F {
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self(key, &value);
    }
}

/// A map with fixed keys. The one list of them that writing, measuring and checking go by.
pub(super) trait Fields {
    /// Shows each field that is set.
    fn each(&self, visitor: &mut impl Visitor);

    /// Whether the field is set.
    fn has(&self, key: &str) -> bool {
        let mut found = false;
        self.each(&mut |name: &'static str, _: &dyn Value| found |= name == key);
        found
    }
}

/// Bytes that the entries of `parts` take at most, without the map's own five.
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

/// Shows a field if it has a value.
pub(super) fn visit_some(
    visitor: &mut impl Visitor,
    key: &'static str,
    value: &Option<impl Value>,
) {
    if let Some(value) = value {
        visitor.field(key, value);
    }
}

/// Who did it. The id may not be empty.
///
/// ```
/// use ringseal::audit::Actor;
/// let actor = Actor::user("u-17").roles(&["admin"]).ip([192, 0, 2, 7].into());
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Actor<'a> {
    /// What kind of actor.
    pub actor_type: ActorType,
    /// Under which name the system that decides about rights knows it.
    pub id: &'a str,
    /// Roles at that moment.
    pub roles: &'a [&'a str],
    /// Address it came from.
    pub ip: Option<IpAddr>,
    /// What it called itself (HTTP `User-Agent`).
    pub user_agent: Option<&'a str>,
    /// Account or tenant it acts for.
    pub account_id: Option<&'a str>,
    /// Number of its operating system process.
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

    /// A person who has not said who they are: the id is `anonymous`.
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

    /// Roles at that moment.
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

    /// What it called itself.
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

    /// Number of its operating system process.
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
        visitor.field("type", &self.actor_type);
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

/// What it was done to. Type and id may not be empty.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Target<'a> {
    /// `user`, `session`, `config`, `api_key`, or a word of your own.
    pub target_type: &'a str,
    /// Which one.
    pub id: &'a str,
    /// What people call it.
    pub name: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// A target without a name.
    pub const fn new(target_type: &'a str, id: &'a str) -> Self {
        Self { target_type, id, name: None }
    }

    /// What people call it.
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
    /// Every tool has one; an event that names a tool's profile and no tool is refused.
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

/// One setting that changed. The key is a key of `prior_value` and `new_value`, so that the rules
/// for keys see it: a change of `db.password` shows no password.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// Which setting.
    pub key: &'a str,
    /// What it was; `&()` where it was not set.
    pub prior_value: &'a dyn Value,
    /// What it is; `&()` where it was removed.
    pub new_value: &'a dyn Value,
}

impl<'a> Change<'a> {
    /// `key` was `prior_value` and is `new_value`.
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

/// Where events come from: what one process says of itself in all of them.
///
/// An engine holds one and fills it into each event ([`AuditEvent::fill`](super::AuditEvent::fill));
/// what the event says itself stays.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Source<'a> {
    /// The service's name.
    pub service: Option<&'a str>,
    /// Which of its instances.
    pub service_instance: Option<&'a str>,
    /// `prod`, `staging`, `dev`.
    pub environment: Option<&'a str>,
    /// Part of the system.
    pub component: Option<&'a str>,
    /// Machine.
    pub host: Option<&'a str>,
    /// Program on that machine.
    pub process: Option<&'a str>,
    /// Number of its operating system process.
    pub process_id: Option<u32>,
    /// Application as its users know it.
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
        /// Which of its instances.
        service_instance: &'a str,
        /// `prod`, `staging`, `dev`.
        environment: &'a str,
        /// Part of the system.
        component: &'a str,
        /// Machine.
        host: &'a str,
        /// Program on that machine.
        process: &'a str,
        /// Number of its operating system process.
        process_id: u32,
        /// Application as its users know it.
        application: &'a str,
    }

    /// This, with what only `other` says.
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

    /// This, with what only `own` says.
    pub(super) fn or_own(self, own: Option<&'a EngineSource>) -> Self {
        own.map_or(self, |own| self.or(&own.borrow()))
    }

    /// Whether it says nothing.
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
