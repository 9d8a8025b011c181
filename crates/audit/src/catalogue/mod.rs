//! The event catalogue: which types of audit events exist, and which fields each requires (NIST SP 800-53 AU-2 and
//! AU-6).
//!
//! Promises: reading a catalogue allocates; an error reports line, expected and found text; it never panics, and never
//! ignores text that looks like a rule. Checking an event costs a binary search and allocates nothing unless the event
//! is refused. A catalogue without event types allows all of them.
#[cfg(feature = "toml")]
mod toml;

#[cfg(test)]
mod tests;

pub use ringseal_base::catalogue::{CatalogueError, UnknownTypes};

use super::event::{
    AuditEvent, EventError, EventType, EventWithContext, PATH_EXPECTED, is_event_type, is_path,
};
use ringseal_base::catalogue::{EventShape, Requirement, Shapes, Words};

/// The types and fields of audit events.
const WORDS: Words = Words {
    is_event_type: |text| is_event_type(&EventType::whole(text)),
    event_type: "an event type such as `user.login` (at most 128 letters, digits, `_` and `-`, with single dots \
                 between words)",
    is_path,
    path: PATH_EXPECTED,
    flags: &[AU3],
};

/// The setting that requires everything of NIST SP 800-53 AU-3.
const AU3: &str = "au3";

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
    shapes: Shapes,
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

    /// Reads a catalogue in JSON. Blank text is an empty catalogue.
    ///
    /// A list of event types, or a map with `event_types`, and optionally `required`, `unknown` (`"refuse"` or
    /// `"allow"`), `au3`, `description` and `version`. An event type is its name, or a map with `event_type` (or
    /// `name`), and optionally `required` (or `required_fields`) and `description`; `event_types` may also be a map
    /// from names to lists of required fields.
    ///
    /// ```
    /// use ringseal_audit::Catalogue;
    /// let text = r#"{"event_types": [
    ///     "user.login",
    ///     {"event_type": "config.change", "required": ["target.id", "details.reason"]}
    /// ]}"#;
    /// let catalogue = Catalogue::from_json(text).unwrap();
    /// assert_eq!(catalogue.event_types().collect::<Vec<_>>(), ["config.change", "user.login"]);
    ///
    /// let error = Catalogue::from_json("[\n  \"user.login\",\n]").unwrap_err().to_string();
    /// assert_eq!(error, "line 3: expected a value, found ']'");
    /// ```
    pub fn from_json(text: &str) -> Result<Catalogue, CatalogueError> {
        Ok(Catalogue { shapes: Shapes::from_json(&WORDS, text)? })
    }

    /// Reads a catalogue from the tables and lists of a page. A blank page is an empty catalogue; a page with text but
    /// without event types is an error.
    ///
    /// - In a table, the column `event_type` (also `event`, `name`, or in words: `Event type`), and the column
    ///   `required` (`Required fields`) if there is one. Tables without the first column are skipped.
    /// - In a list, items that begin with an event type in backticks, or with a word that is a valid type, contains a
    ///   dot or underscore, and is followed by nothing, a colon, a dash or a bracket. The names after `required:` or
    ///   `requires` are its fields.
    ///
    /// Other text, other lists and code blocks are ignored.
    ///
    /// ```
    /// use ringseal_audit::Catalogue;
    /// let page = "\
    /// # What we record
    ///
    /// | Event type      | Why        | Required fields        |
    /// |-----------------|------------|------------------------|
    /// | `user.login`    | AU-2       | `actor.ip`             |
    /// | `config.change` | who did it | target.id, diff_summary |
    ///
    /// - `session.delete`: the session was revoked (requires `details.reason`)
    /// ";
    /// let catalogue = Catalogue::from_markdown(page).unwrap();
    /// assert_eq!(catalogue.len(), 3);
    /// let required = catalogue.required_of("session.delete").unwrap().collect::<Vec<_>>();
    /// assert_eq!(required, ["details.reason"]);
    /// ```
    pub fn from_markdown(text: &str) -> Result<Catalogue, CatalogueError> {
        Ok(Catalogue { shapes: Shapes::from_markdown(&WORDS, text)? })
    }

    /// Adds an event type and the paths of its required fields: `actor.ip`, `target`, `details.reason`.
    /// Of `actor.ip|source_host`, one is required.
    pub fn event_type(
        mut self,
        name: &str,
        required: &[&str],
    ) -> Result<Catalogue, CatalogueError> {
        self.shapes.add(&WORDS, name, required, None)?;
        Ok(self)
    }

    /// Adds fields that every event must have.
    pub fn required(mut self, paths: &[&str]) -> Result<Catalogue, CatalogueError> {
        paths.iter().try_for_each(|path| self.shapes.require(&WORDS, path, None))?;
        Ok(self)
    }

    /// Sets how events are treated whose type is not listed. Default: they are refused.
    #[must_use]
    pub fn with_unknown_types(mut self, unknown: UnknownTypes) -> Catalogue {
        self.shapes.unknown = unknown;
        self
    }

    /// Sets whether every event must have everything that NIST SP 800-53 AU-3 requires; see [`AuditEvent::lacks_au3`].
    #[must_use]
    pub fn with_au3(mut self, needs_au3: bool) -> Catalogue {
        self.shapes.set_flag(AU3, needs_au3);
        self
    }

    /// Number of listed types; 0 allows all.
    pub fn len(&self) -> usize {
        self.shapes.types().len()
    }

    /// Whether it lists no type and therefore allows all.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// The listed types, sorted.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.shapes.types().iter().map(EventShape::name)
    }

    /// The paths that a type itself requires; `None` if it is not listed.
    pub fn required_of(&self, event_type: &str) -> Option<impl Iterator<Item = &str>> {
        let rule = self.find(&EventType::whole(event_type))?;
        Some(rule.required().iter().map(Requirement::as_str))
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
        if rule.is_none() && self.shapes.refuses_unknown() {
            let event_type = event.type_text();
            return Err(EventError::UnknownType { event_type, known_count: self.len() });
        }
        if let Some(missing) = self.shapes.missing(rule, |path| filled.has_field(path)).next() {
            let expected = "a value, which the catalogue requires of it";
            return Err(event.missing(missing.as_str(), expected));
        }
        if !self.shapes.has_flag(AU3) {
            return Ok(());
        }
        match filled.lacks_au3() {
            Some(part) => Err(event.missing(part.as_str(), part.expected())),
            None => Ok(()),
        }
    }

    fn find(&self, event_type: &EventType<'_>) -> Option<&EventShape> {
        self.shapes.find(|name| name.bytes().cmp(event_type.bytes()))
    }
}
