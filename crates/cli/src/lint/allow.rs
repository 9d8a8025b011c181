//! The comments of a source file that allow findings.
use proc_macro2::{Delimiter, TokenTree};

use super::rule::Rule;
use crate::rust_source::tokens::{self, Place, inner};

const MARK: &str = "ringseal-lint:";

/// A comment that allows findings of a rule.
#[derive(Debug)]
pub struct Allow {
    pub place: Place,
    pub rule: Option<Rule>,
    /// What is wrong with the comment.
    pub fault: Option<String>,
    /// The lines that it is about.
    pub lines: std::ops::RangeInclusive<usize>,
    pub is_used: bool,
}

/// The allow comments of a file. Texts of this form in literals and documentation are not comments.
pub fn allows(text: &str, tokens: &[TokenTree]) -> Vec<Allow> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let mut literals = Vec::new();
    tokens::visit(tokens, &mut |token| {
        if let TokenTree::Literal(literal) = token {
            let end = literal.span().end();
            let end = Place { line: end.line, column: end.column + 1 };
            literals.push((Place::of(literal.span()), end));
        }
        true
    });
    let lines: Vec<&str> = text.lines().collect();
    let mut allows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, rest)) = line.split_once(MARK) else { continue };
        let Some(slashes) = before.rfind("//") else { continue };
        let place = Place { line: index + 1, column: before[..slashes].chars().count() + 1 };
        let is_literal = literals.iter().any(|(start, end)| *start <= place && place < *end);
        if is_literal || !before[slashes + 2..].trim().is_empty() {
            continue;
        }
        let is_alone = before[..slashes].trim().is_empty();
        let (rule, fault) = read_allow(rest.trim());
        let covered = if rest.trim_start().starts_with("allow-file") {
            1..=usize::MAX
        } else if is_alone {
            let first = next_code(&lines, index + 1);
            first..=statement_end(tokens, first).unwrap_or(first)
        } else {
            index + 1..=index + 1
        };
        allows.push(Allow { place, rule, fault, lines: covered, is_used: false });
    }
    allows
}

/// `allow(rule): reason`.
fn read_allow(text: &str) -> (Option<Rule>, Option<String>) {
    let form = "expected `// ringseal-lint: allow(RULE): reason`";
    let rest = text.strip_prefix("allow-file(").or_else(|| text.strip_prefix("allow("));
    let Some((name, rest)) = rest.and_then(|rest| rest.split_once(')')) else {
        return (None, Some(form.to_owned()));
    };
    let Some(rule) = Rule::from_name(name.trim()) else {
        return (None, Some(format!("there is no rule `{}`", name.trim())));
    };
    if rule == Rule::BadAllow {
        return (None, Some("this rule cannot be allowed".to_owned()));
    }
    let reason = rest.trim().strip_prefix(':').unwrap_or("").trim();
    let has_reason = reason.chars().filter(|c| c.is_alphanumeric()).count() >= 3;
    let fault = (!has_reason).then(|| format!("a reason is missing; {form}"));
    (Some(rule), fault)
}

/// The next line, counted from 1, that is neither blank nor a comment.
fn next_code(lines: &[&str], after: usize) -> usize {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    lines.iter().skip(after).position(is_code).map_or(usize::MAX, |found| after + found + 1)
}

/// The last line of the statement that begins in `line`: to its semicolon, comma or block.
fn statement_end(tokens: &[TokenTree], line: usize) -> Option<usize> {
    for (at, token) in tokens.iter().enumerate() {
        if token.span().start().line == line {
            let rest = &tokens[at..];
            let end = rest.iter().position(|token| match token {
                TokenTree::Punct(punct) => matches!(punct.as_char(), ';' | ','),
                _ => false,
            });
            let last = rest.get(end.unwrap_or(rest.len() - 1))?;
            // Items without a semicolon: the braces end them, and are not covered themselves.
            let braces = rest
                .iter()
                .position(|token| tokens::group(Some(token), Delimiter::Brace).is_some());
            return match braces {
                Some(braces) if end.is_none_or(|end| braces < end) => {
                    Some(rest[braces].span().start().line)
                }
                _ => Some(last.span().end().line),
            };
        }
        if let TokenTree::Group(group) = token
            && group.span_open().start().line <= line
            && line <= group.span_close().end().line
        {
            return statement_end(&inner(group), line);
        }
    }
    None
}
