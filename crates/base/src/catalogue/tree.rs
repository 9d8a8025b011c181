//! The format-independent structure of a catalogue: a tree of values with their lines.
use super::error::CatalogueError;
use super::{ALL_EVENTS, Shapes, UnknownTypes, Words};

/// A value and its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// The value.
    pub tree: Tree,
}

/// A value. Numbers and other types are not allowed in a catalogue; only their kind is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
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

    fn paths(&self, words: &Words, event_type: &str) -> Result<Paths<'_>, CatalogueError> {
        let Tree::List(items) = &self.tree else {
            return Err(self.unexpected(format!("{event_type}: a list of fields")));
        };
        items.iter().map(|item| Ok((item.text(words.path)?, item.line))).collect()
    }
}

/// Paths with their lines.
type Paths<'t> = Vec<(&'t str, usize)>;

/// Builds a catalogue from its tree: a list of event types, or a map with the key `event_types`.
pub fn build(words: &Words, root: &Node) -> Result<Shapes, CatalogueError> {
    let mut shapes = Shapes::default();
    match &root.tree {
        Tree::List(_) => event_types(words, root, &mut shapes)?,
        Tree::Map(entries) => {
            for (key, value) in entries {
                setting(words, key, value, &mut shapes)?;
            }
        }
        _ => return Err(root.unexpected("a list of event types, or a map with `event_types`")),
    }
    Ok(shapes)
}

fn setting(
    words: &Words,
    key: &str,
    value: &Node,
    shapes: &mut Shapes,
) -> Result<(), CatalogueError> {
    match key {
        "event_types" => event_types(words, value, shapes)?,
        "required" => {
            for (path, line) in value.paths(words, ALL_EVENTS)? {
                shapes.require(words, path, Some(line))?;
            }
        }
        "unknown" => {
            shapes.unknown = match &value.tree {
                Tree::Text(text) if text == "refuse" => UnknownTypes::Refuse,
                Tree::Text(text) if text == "allow" => UnknownTypes::Allow,
                _ => return Err(value.unexpected("unknown: \"refuse\" or \"allow\"")),
            };
        }
        // Descriptions of the catalogue itself.
        "description" | "version" => {}
        _ => return flag(words, key, value, shapes),
    }
    Ok(())
}

/// A setting of one kind of catalogue.
fn flag(words: &Words, key: &str, value: &Node, shapes: &mut Shapes) -> Result<(), CatalogueError> {
    let Some(flag) = words.flags.iter().find(|flag| **flag == key) else {
        let flags: String = words.flags.iter().map(|flag| format!("{flag}, ")).collect();
        let expected = format!("event_types, required, unknown, {flags}description or version");
        let found = format!("{key:?}");
        return Err(CatalogueError::Syntax { line: value.line, expected, found });
    };
    match value.tree {
        Tree::Bool(is_set) => shapes.set_flag(flag, is_set),
        _ => return Err(value.unexpected(format!("{flag}: true or false"))),
    }
    Ok(())
}

fn event_types(words: &Words, list: &Node, shapes: &mut Shapes) -> Result<(), CatalogueError> {
    match &list.tree {
        Tree::List(items) => items.iter().try_for_each(|item| rule(words, item, shapes)),
        Tree::Map(entries) => entries.iter().try_for_each(|(name, value)| {
            let required = match &value.tree {
                Tree::List(_) => value.paths(words, name)?,
                Tree::Map(entries) => rules(words, name, entries)?.1,
                _ => return Err(value.unexpected(format!("{name}: a list of fields, or a map"))),
            };
            shapes.add_with_lines(words, name, &required, value.line)
        }),
        _ => Err(list.unexpected("event_types: a list, or a map by event type")),
    }
}

/// An item of a list: a type alone, or a map with its rules.
fn rule(words: &Words, item: &Node, shapes: &mut Shapes) -> Result<(), CatalogueError> {
    match &item.tree {
        Tree::Text(name) => shapes.add(words, name, &[], Some(item.line)),
        Tree::Map(entries) => {
            let name = entries.iter().find(|(key, _)| key == "event_type" || key == "name");
            let Some((_, name)) = name else {
                return Err(item.unexpected("a map with `event_type`"));
            };
            let text = name.text("an event type")?;
            let (names, required) = rules(words, text, entries)?;
            match names {
                1 => shapes.add_with_lines(words, text, &required, name.line),
                _ => Err(item.unexpected("one of `event_type` and `name`")),
            }
        }
        _ => Err(item.unexpected("an event type, or a map with `event_type`")),
    }
}

/// How often a map names its type, and the fields that it requires.
fn rules<'t>(
    words: &Words,
    event_type: &str,
    entries: &'t [(String, Node)],
) -> Result<(usize, Paths<'t>), CatalogueError> {
    let (mut names, mut required) = (0, Vec::new());
    for (key, value) in entries {
        match key.as_str() {
            "event_type" | "name" => names += 1,
            "required" | "required_fields" => required.extend(value.paths(words, event_type)?),
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
