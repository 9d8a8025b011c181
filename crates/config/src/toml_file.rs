//! TOML: tables, arrays and single values, which stay texts as they are written.
//!
//! Promises: the time grows with the length of the text, whatever it holds.
use std::cell::Cell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::table;
use crate::tree::{Content, DEPTH_MAX, FormatMistake, Member, NODES_MAX, Node};

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Node, FormatMistake> {
    let places = Places::new(text);
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        places.mistake(at, &format!("TOML ({})", error.message()))
    })?;
    let members = places.members(root.get_ref(), 0)?;
    Ok(Node { content: Content::Map(members), line: 1, column: 1 })
}

/// Bytes between two counts of characters.
const BLOCK_BYTES: usize = 1024;

/// Finds lines and columns without reading the text again for each.
struct Places<'t> {
    text: &'t str,
    /// Where lines begin.
    lines: Vec<usize>,
    /// How many characters precede each block.
    chars: Vec<usize>,
    nodes: Cell<usize>,
}

/// How many characters begin in these bytes.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let count = |block| {
            let first = before;
            before += count_chars(block);
            first
        };
        let chars = text.as_bytes().chunks(BLOCK_BYTES).map(count).collect();
        Self { text, lines, chars, nodes: Cell::new(0) }
    }

    /// How many characters precede a byte.
    fn chars_before(&self, at: usize) -> usize {
        let block = at / BLOCK_BYTES;
        let Some(before) = self.chars.get(block) else { return 0 };
        let bytes = self.text.as_bytes().get(block * BLOCK_BYTES..at).unwrap_or_default();
        before + count_chars(bytes)
    }

    /// Line and column of a byte, counted from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.text.len().saturating_sub(1));
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        (line, self.chars_before(at) - self.chars_before(start) + 1)
    }

    fn mistake(&self, at: usize, expected: &str) -> FormatMistake {
        let (line, column) = self.place(at);
        FormatMistake { line, column, expected: expected.to_owned() }
    }

    fn members(&self, table: &DeTable<'_>, depth: usize) -> Result<Vec<Member>, FormatMistake> {
        // What belongs to other programs is left out.
        let own = table.iter().filter(|(key, _)| depth > 0 || table::is_looked_at(key.get_ref()));
        let members = own.map(|(key, value)| {
            let (line, column) = self.place(key.span().start);
            let key = key.get_ref().to_string();
            Ok(Member { key, line, column, value: self.node(value, depth + 1)? })
        });
        members.collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, depth: usize) -> Result<Node, FormatMistake> {
        let span = value.span();
        self.nodes.set(self.nodes.get() + 1);
        if self.nodes.get() > NODES_MAX {
            return Err(self.mistake(span.start, &format!("at most {NODES_MAX} keys and values")));
        }
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
