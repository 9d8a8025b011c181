//! TOML: tables, arrays and single values, which stay texts as they are written.
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::tree::{Content, DEPTH_MAX, FormatMistake, Member, Node};

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Node, FormatMistake> {
    let places = Places { text };
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        places.mistake(at, &format!("TOML ({})", error.message()))
    })?;
    let members = places.members(root.get_ref(), 0)?;
    Ok(Node { content: Content::Map(members), line: 1, column: 1 })
}

struct Places<'t> {
    text: &'t str,
}

impl Places<'_> {
    /// Line and column of a byte, counted from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    fn mistake(&self, at: usize, expected: &str) -> FormatMistake {
        let (line, column) = self.place(at);
        FormatMistake { line, column, expected: expected.to_owned() }
    }

    fn members(&self, table: &DeTable<'_>, depth: usize) -> Result<Vec<Member>, FormatMistake> {
        let members = table.iter().map(|(key, value)| {
            let (line, column) = self.place(key.span().start);
            let key = key.get_ref().to_string();
            Ok(Member { key, line, column, value: self.node(value, depth + 1)? })
        });
        members.collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, depth: usize) -> Result<Node, FormatMistake> {
        let span = value.span();
        let (line, column) = self.place(span.start);
        if depth > DEPTH_MAX {
            let expected = format!("at most {DEPTH_MAX} tables and arrays inside each other");
            return Err(self.mistake(span.start, &expected));
        }
        let content = match value.get_ref() {
            DeValue::Table(table) => Content::Map(self.members(table, depth)?),
            DeValue::Array(items) => {
                let items = items.iter().map(|item| self.node(item, depth + 1));
                Content::List(items.collect::<Result<_, _>>()?)
            }
            DeValue::String(text) => Content::Text(text.to_string()),
            // Numbers, truth values and times as they are written.
            _ => Content::Text(self.text.get(span).unwrap_or_default().to_owned()),
        };
        Ok(Node { content, line, column })
    }
}
