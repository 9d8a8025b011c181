//! Helpers for slices of token trees. They allocate only the texts that they return.
use proc_macro2::{Delimiter, Group, Spacing, Span, TokenTree};

/// A place in a file, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The first character of a file.
    pub const START: Place = Place { line: 1, column: 1 };

    /// Where a token begins.
    pub fn of(span: Span) -> Place {
        let start = span.start();
        Place { line: start.line, column: start.column + 1 }
    }
}

/// Whether the token is this punctuation character.
pub fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

/// Whether the two tokens at `at` are these characters, written together.
pub fn is_pair(tokens: &[TokenTree], at: usize, (first, second): (char, char)) -> bool {
    let is_joint = matches!(
        tokens.get(at),
        Some(TokenTree::Punct(punct)) if punct.as_char() == first && punct.spacing() == Spacing::Joint
    );
    is_joint && is_punct(tokens.get(at + 1), second)
}

/// The identifier's text, without `r#`.
pub fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => {
            let text = ident.to_string();
            Some(text.strip_prefix("r#").map_or_else(|| text.clone(), str::to_owned))
        }
        _ => None,
    }
}

/// Whether the token is this identifier.
pub fn is_ident(token: Option<&TokenTree>, expected: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == expected)
}

/// The group, if the token is one with this delimiter.
pub fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        // What a macro expansion wraps invisibly.
        _ => None,
    }
}

/// Any group that a macro's arguments may have.
pub fn any_group(token: Option<&TokenTree>) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() != Delimiter::None => Some(group),
        _ => None,
    }
}

/// The tokens inside a group.
pub fn inner(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// The value of a string literal.
pub fn string(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Literal(literal)) => match syn::Lit::new(literal.clone()) {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The tokens' text in one spelling, to compare expressions.
pub fn text(tokens: &[TokenTree]) -> String {
    let mut out = String::new();
    for token in tokens {
        let next = token.to_string();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if out.ends_with(is_word) && next.starts_with(is_word) {
            out.push(' ');
        }
        out.push_str(&next);
    }
    out
}

/// Calls `each` for every token, those inside groups included, until it returns `false`.
pub fn visit(tokens: &[TokenTree], each: &mut impl FnMut(&TokenTree) -> bool) -> bool {
    tokens.iter().all(|token| {
        each(token)
            && match token {
                TokenTree::Group(group) => visit(&inner(group), each),
                _ => true,
            }
    })
}

/// Whether one of these identifiers is among the tokens, at any depth.
pub fn mentions(tokens: &[TokenTree], words: &[&str]) -> bool {
    !visit(tokens, &mut |token| match token {
        TokenTree::Ident(ident) => !words.iter().any(|word| ident == word),
        _ => true,
    })
}

/// Splits at each comma of this level, and into sections at each semicolon. Commas inside `::<…>` and between the bars
/// of a closure do not split.
pub fn split(tokens: &[TokenTree]) -> Vec<(usize, Vec<TokenTree>)> {
    let mut parts = Vec::new();
    let (mut part, mut section) = (Vec::new(), 0);
    let (mut angles, mut in_bars) = (0_usize, false);
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Punct(punct) = token {
            let after_colons = at >= 2 && is_pair(tokens, at - 2, (':', ':'));
            match punct.as_char() {
                '<' if after_colons || angles > 0 => angles += 1,
                '>' if angles > 0 && !is_punct(tokens.get(at.wrapping_sub(1)), '-') => angles -= 1,
                '|' if in_bars => in_bars = false,
                '|' if opens_closure(&part) => in_bars = true,
                ',' | ';' if angles == 0 && !in_bars => {
                    if !part.is_empty() {
                        parts.push((section, std::mem::take(&mut part)));
                    }
                    section += usize::from(punct.as_char() == ';');
                    continue;
                }
                _ => {}
            }
        }
        part.push(token.clone());
    }
    if !part.is_empty() {
        parts.push((section, part));
    }
    parts
}

/// Whether a bar after these tokens begins a closure's parameters.
fn opens_closure(before: &[TokenTree]) -> bool {
    match before.last() {
        None => true,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), '=' | '%' | '?' | '>'),
        Some(TokenTree::Ident(ident)) => ident == "move" || ident == "return",
        Some(_) => false,
    }
}

/// Behind an item: after its braces or its semicolon. Further attributes belong to it.
pub fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let end = tokens[at..].iter().position(|token| {
        is_punct(Some(token), ';') || group(Some(token), Delimiter::Brace).is_some()
    });
    end.map_or(tokens.len(), |length| at + length + 1)
}

/// `test`, `tokio::test`, `cfg(test)`, `cfg(all(test, …))`; not `cfg(not(test))`.
pub fn is_test(attribute: &[TokenTree]) -> bool {
    match ident(attribute.first()).as_deref() {
        Some("cfg") => mentions(attribute, &["test"]) && !mentions(attribute, &["not", "any"]),
        Some("cfg_attr") | None => false,
        Some(_) => {
            let path: Vec<_> = attribute
                .iter()
                .map_while(|token| match token {
                    TokenTree::Group(_) => None,
                    token => Some(token),
                })
                .collect();
            is_ident(path.last().copied(), "test")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(source: &str) -> Vec<String> {
        let tokens: Vec<TokenTree> =
            source.parse::<proc_macro2::TokenStream>().expect("tokens").into_iter().collect();
        split(&tokens).iter().map(|(section, part)| format!("{section}:{}", text(part))).collect()
    }

    #[test]
    fn only_commas_between_arguments_split() {
        assert_eq!(parts("a, b(c, d), [e, f],"), ["0:a", "0:b(c , d)", "0:[e , f]"]);
        assert_eq!(parts("a = f::<B, C>(x), d"), ["0:a=f::<B,C>(x)", "0:d"]);
        assert_eq!(parts("a = |x, y| x, b"), ["0:a=|x,y|x", "0:b"]);
        assert_eq!(parts("log, \"m\"; \"k\" => v"), ["0:log", "0:\"m\"", "1:\"k\"=>v"]);
        assert_eq!(parts("a = b | c, d"), ["0:a=b|c", "0:d"]);
    }
}
