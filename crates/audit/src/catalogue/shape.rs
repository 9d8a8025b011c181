//! The format-independent structure of a catalogue: a tree of values with their lines.
use super::error::CatalogueError;
use super::{ALL_EVENTS, Catalogue, CatalogueBuilder, UnknownTypes};
use crate::event::Path;

/// A value and its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub tree: Tree,
}

/// A value. Numbers and other types are not allowed in a catalogue; only their kind is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Bool(bool),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Other(&'static str),
}

impl Node {
    fn unexpected(&self, expected: impl Into<String>) -> CatalogueError {
        let found = match &self.tree {
            Tree::Bool(value) => value.to_string(),
            Tree::Text(text) => format!("{text:?}"),
            Tree::List(_) => "a list".to_owned(),
            Tree::Map(_) => "a map".to_owned(),
            Tree::Other(kind) => (*kind).to_owned(),
        };
        CatalogueError::Syntax { line: self.line, expected: expected.into(), found }
    }

    fn text(&self, expected: &str) -> Result<&str, CatalogueError> {
        match &self.tree {
            Tree::Text(text) => Ok(text),
            _ => Err(self.unexpected(expected)),
        }
    }

    fn paths(
        &self,
        event_type: &str,
        builder: &CatalogueBuilder,
    ) -> Result<Vec<Path>, CatalogueError> {
        let Tree::List(items) = &self.tree else {
            return Err(self.unexpected(format!("{event_type}: a list of fields")));
        };
        let paths = items
            .iter()
            .map(|item| builder.path(item.text(Path::EXPECTED)?, event_type, Some(item.line)));
        paths.collect()
    }
}

/// Builds a catalogue from its tree: a list of event types, or a map with the key `event_types`.
pub(super) fn build(root: &Node) -> Result<Catalogue, CatalogueError> {
    let mut builder = CatalogueBuilder::default();
    match &root.tree {
        Tree::List(_) => event_types(root, &mut builder)?,
        Tree::Map(entries) => {
            for (key, value) in entries {
                setting(key, value, &mut builder)?;
            }
        }
        _ => return Err(root.unexpected("a list of event types, or a map with `event_types`")),
    }
    Ok(builder.catalogue)
}

fn setting(key: &str, value: &Node, builder: &mut CatalogueBuilder) -> Result<(), CatalogueError> {
    match key {
        "event_types" => event_types(value, builder)?,
        "required" => builder.catalogue.required = value.paths(ALL_EVENTS, builder)?,
        "unknown" => {
            builder.catalogue.unknown = match &value.tree {
                Tree::Text(text) if text == "refuse" => UnknownTypes::Refuse,
                Tree::Text(text) if text == "allow" => UnknownTypes::Allow,
                _ => return Err(value.unexpected("unknown: \"refuse\" or \"allow\"")),
            };
        }
        "au3" => match value.tree {
            Tree::Bool(needs_au3) => builder.catalogue.needs_au3 = needs_au3,
            _ => return Err(value.unexpected("au3: true or false")),
        },
        // Descriptions of the catalogue itself.
        "description" | "version" => {}
        _ => {
            let expected = "event_types, required, unknown, au3, description or version".to_owned();
            let found = format!("{key:?}");
            return Err(CatalogueError::Syntax { line: value.line, expected, found });
        }
    }
    Ok(())
}

fn event_types(list: &Node, builder: &mut CatalogueBuilder) -> Result<(), CatalogueError> {
    match &list.tree {
        Tree::List(items) => items.iter().try_for_each(|item| rule(item, builder)),
        Tree::Map(entries) => entries.iter().try_for_each(|(name, value)| {
            let required = match &value.tree {
                Tree::List(_) => value.paths(name, builder)?,
                Tree::Map(entries) => rules(name, entries, builder)?.1,
                _ => return Err(value.unexpected(format!("{name}: a list of fields, or a map"))),
            };
            builder.add(name, required, Some(value.line))
        }),
        _ => Err(list.unexpected("event_types: a list, or a map by event type")),
    }
}

/// An item of a list: a type alone, or a map with its rules.
fn rule(item: &Node, builder: &mut CatalogueBuilder) -> Result<(), CatalogueError> {
    match &item.tree {
        Tree::Text(name) => builder.add(name, Vec::new(), Some(item.line)),
        Tree::Map(entries) => {
            let name = entries.iter().find(|(key, _)| key == "event_type" || key == "name");
            let Some((_, name)) = name else {
                return Err(item.unexpected("a map with `event_type`"));
            };
            let (names, required) = rules(name.text("an event type")?, entries, builder)?;
            match names {
                1 => builder.add(name.text("an event type")?, required, Some(name.line)),
                _ => Err(item.unexpected("one of `event_type` and `name`")),
            }
        }
        _ => Err(item.unexpected("an event type, or a map with `event_type`")),
    }
}

/// How often a map names its type, and the fields that it requires.
fn rules(
    event_type: &str,
    entries: &[(String, Node)],
    builder: &CatalogueBuilder,
) -> Result<(usize, Vec<Path>), CatalogueError> {
    let (mut names, mut required) = (0, Vec::new());
    for (key, value) in entries {
        match key.as_str() {
            "event_type" | "name" => names += 1,
            "required" | "required_fields" => required.extend(value.paths(event_type, builder)?),
            "description" => {}
            _ => {
                let expected = format!("{event_type}: event_type, required or description");
                let found = format!("{key:?}");
                return Err(CatalogueError::Syntax { line: value.line, expected, found });
            }
        }
    }
    Ok((names, required))
}
