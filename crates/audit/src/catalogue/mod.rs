//! The event catalogue: which types of audit events exist, and which fields each requires (NIST SP 800-53 AU-2 and
//! AU-6).
//!
//! Promises: reading a catalogue allocates; an error reports line, expected and found text; it never panics, and never
//! ignores text that looks like a rule. Checking an event costs a binary search and allocates nothing unless the event
//! is refused. A catalogue without event types allows all of them.
mod error;
mod json;
mod markdown;
mod shape;
#[cfg(feature = "toml")]
mod toml;

#[cfg(test)]
mod tests;

pub use error::CatalogueError;

use super::event::{AuditEvent, EventError, EventType, EventWithContext, Path, is_event_type};

/// How an event is treated whose type is not in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownTypes {
    /// It is refused.
    #[default]
    Refuse,
    /// It is accepted if it has the fields that all events require.
    Allow,
}

/// An event type and its required fields.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EventRule {
    name: Box<str>,
    required: Vec<Path>,
}

/// The known event types and their required fields.
///
/// ```
/// use ringseal_audit::{Actor, AuditEvent, Catalogue, EventOutcome};
/// let catalogue = Catalogue::default()
///     .event_type("user.login", &["actor.ip", "details.method"])
///     .unwrap();
/// let event = AuditEvent::login(Actor::user("u-17"), EventOutcome::Success)
///     .details(&[("method", &"password")]);
/// assert_eq!(
///     catalogue.check(&event).unwrap_err().to_string(),
///     "audit event `user.login`: actor.ip: expected a value, which the catalogue requires of it, \
///      found nothing",
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Sorted by name.
    types: Vec<EventRule>,
    /// Required of every event.
    required: Vec<Path>,
    unknown: UnknownTypes,
    needs_au3: bool,
}

impl Catalogue {
    /// Reads a catalogue. The extension of `name` (`.json`, `.md`, with the feature `rules-toml` also `.toml`) selects
    /// the format.
    pub fn from_named(name: &str, text: &str) -> Result<Catalogue, CatalogueError> {
        let end = name.rsplit('.').next().unwrap_or_default();
        if end.eq_ignore_ascii_case("json") {
            Self::from_json(text)
        } else if end.eq_ignore_ascii_case("md") || end.eq_ignore_ascii_case("markdown") {
            Self::from_markdown(text)
        } else {
            Self::from_other(end, name, text)
        }
    }

    #[cfg(feature = "toml")]
    fn from_other(end: &str, name: &str, text: &str) -> Result<Catalogue, CatalogueError> {
        match end.eq_ignore_ascii_case("toml") {
            true => Self::from_toml(text),
            false => Err(CatalogueError::Format {
                expected: "a name that ends in .json, .md, .markdown or .toml",
                found: name.to_owned(),
            }),
        }
    }

    #[cfg(not(feature = "toml"))]
    fn from_other(_end: &str, name: &str, _text: &str) -> Result<Catalogue, CatalogueError> {
        Err(CatalogueError::Format {
            expected: "a name that ends in .json, .md or .markdown (.toml needs the feature \
                       rules-toml)",
            found: name.to_owned(),
        })
    }

    /// Adds an event type and the paths of its required fields: `actor.ip`, `target`, `details.reason`.
    pub fn event_type(self, name: &str, required: &[&str]) -> Result<Catalogue, CatalogueError> {
        let mut builder = CatalogueBuilder { catalogue: self };
        let required = required.iter().map(|path| builder.path(path, name, None));
        let required = required.collect::<Result<_, _>>()?;
        builder.add(name, required, None)?;
        Ok(builder.catalogue)
    }

    /// Adds fields that every event must have.
    pub fn required(self, paths: &[&str]) -> Result<Catalogue, CatalogueError> {
        let mut builder = CatalogueBuilder { catalogue: self };
        for path in paths {
            let path = builder.path(path, ALL_EVENTS, None)?;
            builder.catalogue.required.push(path);
        }
        Ok(builder.catalogue)
    }

    /// Sets how events are treated whose type is not listed. Default: they are refused.
    #[must_use]
    pub fn with_unknown_types(mut self, unknown: UnknownTypes) -> Catalogue {
        self.unknown = unknown;
        self
    }

    /// Sets whether every event must have everything that NIST SP 800-53 AU-3 requires; see [`AuditEvent::lacks_au3`].
    #[must_use]
    pub fn with_au3(mut self, needs_au3: bool) -> Catalogue {
        self.needs_au3 = needs_au3;
        self
    }

    /// Number of listed types; 0 allows all.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether it lists no type and therefore allows all.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The listed types, sorted.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|rule| &*rule.name)
    }

    /// The paths that a type itself requires; `None` if it is not listed.
    pub fn required_of(&self, event_type: &str) -> Option<impl Iterator<Item = &str>> {
        let rule = self.find(&EventType::whole(event_type))?;
        Some(rule.required.iter().map(Path::as_str))
    }

    /// Checks the type and the required fields. Does not check the fields that every event needs: see
    /// [`AuditEvent::validate`].
    pub fn check(&self, event: &AuditEvent<'_>) -> Result<(), EventError> {
        self.check_with_context(&EventWithContext::new(event, None, None))
    }

    /// The same for an event with its context.
    #[doc(hidden)]
    pub fn check_with_context(&self, filled: &EventWithContext<'_>) -> Result<(), EventError> {
        let event = filled.event();
        let rule = self.find(&event.event_type());
        if rule.is_none() && !self.is_empty() && self.unknown == UnknownTypes::Refuse {
            let event_type = event.type_text();
            return Err(EventError::UnknownType { event_type, known_count: self.len() });
        }
        let own = rule.map_or(&[][..], |rule| &rule.required);
        for path in self.required.iter().chain(own) {
            if !filled.has_field(path.as_str()) {
                let expected = "a value, which the catalogue requires of it";
                return Err(event.missing(path.as_str(), expected));
            }
        }
        if !self.needs_au3 {
            return Ok(());
        }
        match filled.lacks_au3() {
            Some(part) => Err(event.missing(part.as_str(), part.expected())),
            None => Ok(()),
        }
    }

    fn position(&self, event_type: &EventType<'_>) -> Result<usize, usize> {
        self.types.binary_search_by(|rule| rule.name.bytes().cmp(event_type.bytes()))
    }

    fn find(&self, event_type: &EventType<'_>) -> Option<&EventRule> {
        self.types.get(self.position(event_type).ok()?)
    }
}

/// Replaces the type in errors about rules for all types.
const ALL_EVENTS: &str = "every event";

/// A catalogue under construction.
#[derive(Default)]
struct CatalogueBuilder {
    catalogue: Catalogue,
}

impl CatalogueBuilder {
    fn path(
        &self,
        text: &str,
        event_type: &str,
        line: Option<usize>,
    ) -> Result<Path, CatalogueError> {
        Path::new(text).ok_or_else(|| CatalogueError::Field {
            line,
            event_type: event_type.to_owned(),
            found: text.to_owned(),
        })
    }

    fn add(
        &mut self,
        name: &str,
        required: Vec<Path>,
        line: Option<usize>,
    ) -> Result<(), CatalogueError> {
        let event_type = EventType::whole(name);
        if !is_event_type(&event_type) {
            return Err(CatalogueError::EventType { line, found: name.to_owned() });
        }
        match self.catalogue.position(&event_type) {
            Ok(_) => Err(CatalogueError::Duplicate { line, event_type: name.to_owned() }),
            Err(at) => {
                self.catalogue.types.insert(at, EventRule { name: name.into(), required });
                Ok(())
            }
        }
    }
}
