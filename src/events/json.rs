//! JSON documents as trees: schemas are built, printed, read back and compared.
use ringseal_base::json::{JsonError, Token, Tokens};

/// A JSON value; maps keep the order of their keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    pub(super) fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Json {
        Json::List(texts.into_iter().map(Json::text).collect())
    }

    /// A map of the entries.
    pub(super) fn map<const N: usize>(entries: [(&str, Json); N]) -> Json {
        Json::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The value of a key; `None` if it is not in the map, or this is not a map.
    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The entries of a map; none if it is not a map.
    pub(super) fn entries(&self) -> &[(String, Json)] {
        if let Json::Map(entries) = self { entries } else { &[] }
    }

    /// Reads a document.
    pub(super) fn parse(text: &str) -> Result<Json, JsonError> {
        let mut tokens = Tokens::of(text);
        let first = tokens.next_token()?;
        let value = value(&mut tokens, first)?;
        tokens.next_token()?;
        Ok(value)
    }

    /// The document, indented by two spaces, with a newline at its end.
    pub(super) fn pretty(&self) -> String {
        let mut out = String::new();
        self.print(&mut out, 0);
        out.push('\n');
        out
    }

    fn print(&self, out: &mut String, depth: usize) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(number) => out.push_str(number),
            Json::Text(text) => quote(out, text),
            Json::List(items) if items.iter().all(Json::is_scalar) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.print(out, depth);
                }
                out.push(']');
            }
            Json::List(items) => {
                let each = items.iter().map(|item| (None, item));
                print_lines(out, depth, ['[', ']'], each);
            }
            Json::Map(entries) if entries.is_empty() => out.push_str("{}"),
            Json::Map(entries) => {
                let each = entries.iter().map(|(key, value)| (Some(key.as_str()), value));
                print_lines(out, depth, ['{', '}'], each);
            }
        }
    }

    fn is_scalar(&self) -> bool {
        !matches!(self, Json::List(_) | Json::Map(_))
    }
}

fn print_lines<'j>(
    out: &mut String,
    depth: usize,
    brackets: [char; 2],
    entries: impl Iterator<Item = (Option<&'j str>, &'j Json)>,
) {
    out.push(brackets[0]);
    let mut separator = "\n";
    for (key, value) in entries {
        out.push_str(separator);
        indent(out, depth + 1);
        if let Some(key) = key {
            quote(out, key);
            out.push_str(": ");
        }
        value.print(out, depth + 1);
        separator = ",\n";
    }
    out.push('\n');
    indent(out, depth);
    out.push(brackets[1]);
}

fn indent(out: &mut String, depth: usize) {
    (0..depth).for_each(|_| out.push_str("  "));
}

fn quote(out: &mut String, text: &str) {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    crate::encode::Out::new(&mut bytes).string(text.as_bytes());
    out.push_str(&String::from_utf8_lossy(&bytes));
}

/// The value that begins with this token. The recursion is bounded, because the reader limits the depth.
fn value(tokens: &mut Tokens<'_>, first: Option<Token<'_>>) -> Result<Json, JsonError> {
    Ok(match first {
        None | Some(Token::Null | Token::MapEnd | Token::ListEnd) => Json::Null,
        Some(Token::Bool(value)) => Json::Bool(value),
        Some(Token::Number(number)) => Json::Number(number.to_owned()),
        Some(Token::String(text) | Token::Key(text)) => Json::Text(text.decode()),
        Some(Token::ListStart) => {
            let mut items = Vec::new();
            loop {
                match tokens.next_token()? {
                    None | Some(Token::ListEnd) => break Json::List(items),
                    first => items.push(value(tokens, first)?),
                }
            }
        }
        Some(Token::MapStart) => {
            let mut entries = Vec::new();
            while let Some(Token::Key(key)) = tokens.next_token()? {
                let key = key.decode();
                let first = tokens.next_token()?;
                entries.push((key, value(tokens, first)?));
            }
            Json::Map(entries)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_document_is_read_back() {
        let document = Json::map([
            ("$schema", Json::text("a\"b\\c\n\u{1}ä")),
            ("empty", Json::List(Vec::new())),
            ("none", Json::Map(Vec::new())),
            (
                "scalars",
                Json::List(vec![Json::Null, Json::Bool(true), Json::Number("1e+16".into())]),
            ),
            ("nested", Json::List(vec![Json::map([("a", Json::texts(["x", "y"]))])])),
        ]);
        let text = document.pretty();
        assert_eq!(Json::parse(&text), Ok(document));
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["nested"][0]["a"][1], "y");
        assert!(Json::parse("{\"a\":}").is_err());
        assert!(Json::parse("[1] 2").is_err());
    }
}
