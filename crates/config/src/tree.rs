//! The content of a configuration file, whatever its format is, and what of it belongs to the table.
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Problem;
use crate::source::{Place, Source};
use crate::table::{self, Kind, SETTINGS};

/// Maps and lists inside each other.
#[cfg_attr(not(any(feature = "yaml", feature = "toml")), expect(dead_code, reason = "no format"))]
pub(crate) const DEPTH_MAX: usize = 32;
/// Keys and values of a file.
#[cfg_attr(not(any(feature = "yaml", feature = "toml")), expect(dead_code, reason = "no format"))]
pub(crate) const NODES_MAX: usize = 20_000;

/// A value with its place; lines and columns are counted from 1.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Debug)]
#[cfg_attr(not(feature = "yaml"), expect(dead_code, reason = "TOML has no null"))]
pub(crate) enum Content {
    /// Nothing: the setting is as without the key.
    Null,
    /// A single value, as written.
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) value: Node,
}

/// A mistake in the format itself.
#[derive(Debug)]
pub(crate) struct FormatMistake {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) expected: String,
}

/// A value of the table.
pub(crate) struct Value {
    /// Of the setting.
    pub(crate) index: usize,
    pub(crate) text: String,
    pub(crate) source: Source,
    /// The path or the variable that the source uses.
    pub(crate) name: &'static str,
}

/// Compares a file with the table.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a Arc<PathBuf>,
    pub(crate) values: Vec<Value>,
    pub(crate) problems: Vec<Problem>,
}

impl Reader<'_> {
    fn source(&self, line: usize, column: usize) -> Source {
        Source::File(Place { file: Arc::clone(self.file), line, column })
    }

    /// Adds a problem.
    pub(crate) fn problem(
        &mut self,
        (line, column): (usize, usize),
        name: &str,
        expected: impl Into<String>,
        found: Option<String>,
    ) {
        self.problems.push(Problem {
            source: self.source(line, column),
            name: name.to_owned(),
            expected: expected.into(),
            found,
            nearest: None,
        });
    }

    /// Reads the whole file.
    pub(crate) fn root(&mut self, root: Node) {
        match root.content {
            Content::Null => {}
            Content::Map(members) => self.members("", members),
            _ => self.problem((root.line, root.column), "", "keys and their values", None),
        }
    }

    fn members(&mut self, prefix: &str, members: Vec<Member>) {
        let mut seen = BTreeSet::new();
        for member in members {
            let path = match prefix {
                "" => member.key.clone(),
                prefix => format!("{prefix}.{}", member.key),
            };
            let first = path.split('.').next().unwrap_or_default();
            // Other sections are those of other programs.
            let place = (member.line, member.column);
            if !table::is_own_section(first) {
                if let Some(section) = table::section_like(first) {
                    self.unknown(place, &path, Some(section));
                }
                continue;
            }
            if !seen.insert(member.key) {
                self.problem(place, &path, "each key once", None);
                continue;
            }
            self.member(&path, place, member.value);
        }
    }

    fn member(&mut self, path: &str, place: (usize, usize), value: Node) {
        if let Some(index) = table::by_path(path) {
            let name = SETTINGS[index].paths().find(|known| *known == path);
            return self.setting(index, name.unwrap_or(SETTINGS[index].path), value);
        }
        if !table::is_section(path) {
            return self.unknown(place, path, table::nearest(path));
        }
        match value.content {
            Content::Null => {}
            Content::Map(members) => self.members(path, members),
            _ => self.problem((value.line, value.column), path, "settings below this key", None),
        }
    }

    fn unknown(
        &mut self,
        (line, column): (usize, usize),
        path: &str,
        nearest: Option<&'static str>,
    ) {
        self.problems.push(Problem {
            source: self.source(line, column),
            name: path.to_owned(),
            expected: "a setting".into(),
            found: Some(path.to_owned()),
            nearest,
        });
    }

    fn setting(&mut self, index: usize, name: &'static str, value: Node) {
        let setting = &SETTINGS[index];
        let place = (value.line, value.column);
        let text = match value.content {
            Content::Null => return,
            Content::Text(text) => text,
            Content::List(items) if matches!(setting.kind, Kind::Engine(_)) => {
                let texts: Option<Vec<String>> = items
                    .into_iter()
                    .map(|item| match item.content {
                        Content::Text(text) => Some(text),
                        _ => None,
                    })
                    .collect();
                match texts {
                    Some(texts) => texts.join(","),
                    None => {
                        return self.problem(place, name, "a list of single values", None);
                    }
                }
            }
            Content::List(_) => {
                return self.problem(place, name, "a single value", Some("a list".into()));
            }
            Content::Map(_) => {
                return self.problem(place, name, "a single value", Some("keys below it".into()));
            }
        };
        let source = self.source(place.0, place.1);
        if self.values.iter().any(|known| known.index == index) {
            return self.problem(place, name, "each key once, dotted or nested", None);
        }
        self.values.push(Value { index, text, source, name });
    }
}
