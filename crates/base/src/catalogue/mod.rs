//! The shape of a catalogue of events: which types exist, and which fields each requires. The audit log and typed
//! events share it.
//!
//! Promises: reading a catalogue allocates; an error reports line, expected and found text; it never panics, and never
//! ignores text that looks like a rule. Finding a type and its missing fields allocates nothing.
mod error;
mod json;
mod markdown;
mod tree;

use std::cmp::Ordering;

pub use error::CatalogueError;
pub use tree::{Node, Tree, build};

/// What is a type and what is a field, which differs between kinds of catalogues.
#[derive(Debug)]
pub struct Words {
    /// Whether a text is an event type.
    pub is_event_type: fn(&str) -> bool,
    /// What an event type is, for errors.
    pub event_type: &'static str,
    /// Whether a text is the path of a field.
    pub is_path: fn(&str) -> bool,
    /// What a path is, for errors.
    pub path: &'static str,
    /// Settings of this kind of catalogue, which are true or false.
    pub flags: &'static [&'static str],
}

/// How an event is treated whose type is not in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownTypes {
    /// It is refused.
    #[default]
    Refuse,
    /// It is accepted if it has the fields that all events require.
    Allow,
}

/// A required field, or several of which one is required: `asin|title`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement(Box<str>);

impl Requirement {
    /// As in the catalogue.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The paths of which one is required.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.split('|')
    }
}

/// An event type and its required fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventShape {
    name: Box<str>,
    required: Vec<Requirement>,
}

impl EventShape {
    /// The type.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fields that this type requires.
    pub fn required(&self) -> &[Requirement] {
        &self.required
    }
}

/// The known event types and their required fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shapes {
    /// Sorted by name.
    types: Vec<EventShape>,
    /// Required of every event.
    required: Vec<Requirement>,
    /// What happens to other types.
    pub unknown: UnknownTypes,
    flags: Vec<&'static str>,
}

/// Replaces the type in errors about rules for all types.
const ALL_EVENTS: &str = "every event";

impl Shapes {
    /// Adds an event type and the paths of its required fields.
    pub fn add(
        &mut self,
        words: &Words,
        name: &str,
        required: &[&str],
        line: Option<usize>,
    ) -> Result<(), CatalogueError> {
        let required = required.iter().map(|path| requirement(words, path, name, line));
        let required = required.collect::<Result<_, _>>()?;
        self.insert(words, name, required, line)
    }

    fn add_with_lines(
        &mut self,
        words: &Words,
        name: &str,
        required: &[(&str, usize)],
        line: usize,
    ) -> Result<(), CatalogueError> {
        let required = required.iter().map(|(path, at)| requirement(words, path, name, Some(*at)));
        let required = required.collect::<Result<_, _>>()?;
        self.insert(words, name, required, Some(line))
    }

    fn insert(
        &mut self,
        words: &Words,
        name: &str,
        required: Vec<Requirement>,
        line: Option<usize>,
    ) -> Result<(), CatalogueError> {
        if !(words.is_event_type)(name) {
            let (expected, found) = (words.event_type, name.to_owned());
            return Err(CatalogueError::EventType { line, expected, found });
        }
        match self.types.binary_search_by(|known| (*known.name).cmp(name)) {
            Ok(_) => Err(CatalogueError::Duplicate { line, event_type: name.to_owned() }),
            Err(at) => {
                self.types.insert(at, EventShape { name: name.into(), required });
                Ok(())
            }
        }
    }

    /// Adds a field that every event must have.
    pub fn require(
        &mut self,
        words: &Words,
        path: &str,
        line: Option<usize>,
    ) -> Result<(), CatalogueError> {
        self.required.push(requirement(words, path, ALL_EVENTS, line)?);
        Ok(())
    }

    /// Sets a flag of [`Words::flags`].
    pub fn set_flag(&mut self, flag: &'static str, is_set: bool) {
        self.flags.retain(|known| *known != flag);
        if is_set {
            self.flags.push(flag);
        }
    }

    /// Whether the flag is set.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The types, sorted by name.
    pub fn types(&self) -> &[EventShape] {
        &self.types
    }

    /// Whether it lists no type and therefore allows all.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The type that `compare`s equal; it is called with names, and returns their order relative to the wanted one.
    pub fn find(&self, mut compare: impl FnMut(&str) -> Ordering) -> Option<&EventShape> {
        let at = self.types.binary_search_by(|known| compare(&known.name)).ok()?;
        self.types.get(at)
    }

    /// Whether an event without a listed type is refused.
    pub fn refuses_unknown(&self) -> bool {
        !self.is_empty() && self.unknown == UnknownTypes::Refuse
    }

    /// The fields that an event lacks, of those that every event and those that its type requires.
    pub fn missing<'s>(
        &'s self,
        own: Option<&'s EventShape>,
        mut has: impl FnMut(&str) -> bool,
    ) -> impl Iterator<Item = &'s Requirement> {
        let own = own.map_or(&[][..], |shape| &shape.required);
        let all = self.required.iter().chain(own);
        all.filter(move |requirement| !requirement.paths().any(&mut has))
    }
}

fn requirement(
    words: &Words,
    text: &str,
    event_type: &str,
    line: Option<usize>,
) -> Result<Requirement, CatalogueError> {
    let requirement = Requirement(text.into());
    if requirement.paths().all(words.is_path) {
        return Ok(requirement);
    }
    let (event_type, found) = (event_type.to_owned(), text.to_owned());
    Err(CatalogueError::Field { line, event_type, expected: words.path, found })
}
