//! Catalogues in TOML (feature `rules-toml`).
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Catalogue, CatalogueError, WORDS};
use ringseal_base::catalogue::{Node, Tree, build};

impl Catalogue {
    /// Reads a catalogue in TOML, with the same structure as in JSON ([`Catalogue::from_json`]).
    ///
    /// ```
    /// use ringseal_audit::Catalogue;
    /// let text = r#"
    /// au3 = true
    /// required = ["correlation_id"]
    /// [event_types]
    /// "user.login" = ["actor.ip"]
    /// "config.change" = { required = ["details.reason"], description = "Settings" }
    /// "#;
    /// let catalogue = Catalogue::from_toml(text).unwrap();
    /// assert_eq!(catalogue.len(), 2);
    ///
    /// let error = Catalogue::from_toml("\nevent_types = 3").unwrap_err().to_string();
    /// assert_eq!(
    ///     error,
    ///     "line 2: expected event_types: a list, or a map by event type, found an integer",
    /// );
    /// ```
    pub fn from_toml(text: &str) -> Result<Catalogue, CatalogueError> {
        let root = DeTable::parse(text).map_err(|error| CatalogueError::Syntax {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            expected: "TOML".to_owned(),
            found: format!("({})", error.message()),
        })?;
        let root = Node { line: 1, tree: table(text, root.get_ref()) };
        Ok(Catalogue { shapes: build(&WORDS, &root)? })
    }
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// The recursion is bounded, because the parser limits the nesting of tables.
fn table(text: &str, table: &DeTable<'_>) -> Tree {
    let entries = table.iter();
    Tree::Map(entries.map(|(key, value)| (key.get_ref().to_string(), node(text, value))).collect())
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let tree = match value.get_ref() {
        DeValue::String(value) => Tree::Text(value.to_string()),
        DeValue::Boolean(value) => Tree::Bool(*value),
        DeValue::Array(items) => Tree::List(items.iter().map(|item| node(text, item)).collect()),
        DeValue::Table(entries) => table(text, entries),
        DeValue::Integer(_) => Tree::Other("an integer"),
        DeValue::Float(_) => Tree::Other("a float"),
        DeValue::Datetime(_) => Tree::Other("a date"),
    };
    Node { line: line_of(text, value.span().start), tree }
}
