//! Which lines to show.
use memchr::memmem::Finder;
use ringseal::core::LevelFilter;

use super::Args;
use crate::json::{Entries, Text, Token, Tokens};
use crate::line::{level_of, time_of};

/// Everything that was asked for; a line must pass all of it.
pub(super) struct Filter {
    grep: Option<Finder<'static>>,
    level: Option<LevelFilter>,
    since: Option<i64>,
    until: Option<i64>,
    fields: Vec<(String, String)>,
    entries: Entries,
    /// What was decided about the last line that is JSON: lines that are not, such as a stack
    /// trace, belong to it.
    last: bool,
}

/// `KEY=VALUE` of the command line.
pub(super) fn parse_field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("expected KEY=VALUE, found {text:?}")),
    }
}

impl Filter {
    pub(super) fn new(args: &Args, now: i64) -> Self {
        Self {
            grep: args.grep.as_ref().map(|text| Finder::new(text.as_bytes()).into_owned()),
            level: args.level,
            since: args.since.map(|moment| moment.unix_nanos(now)),
            until: args.until.map(|moment| moment.unix_nanos(now)),
            fields: args.fields.clone(),
            entries: Entries::default(),
            last: true,
        }
    }

    /// Whether to show this line.
    pub(super) fn passes(&mut self, line: &[u8]) -> bool {
        if self.looks_inside() && !self.passes_inside(line) {
            return false;
        }
        self.grep.as_ref().is_none_or(|grep| grep.find(line).is_some())
    }

    fn looks_inside(&self) -> bool {
        self.level.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || !self.fields.is_empty()
    }

    fn passes_inside(&mut self, line: &[u8]) -> bool {
        let Ok(text) = str::from_utf8(line) else { return self.last && self.fields.is_empty() };
        if self.entries.find(text).is_err() {
            return self.last && self.fields.is_empty();
        }
        self.last = self.passes_level(text) && self.passes_time(text);
        self.last
            && self.fields.iter().all(|(key, value)| has_field(&self.entries, text, key, value))
    }

    fn passes_level(&self, text: &str) -> bool {
        let Some(filter) = self.level else { return true };
        level_of(&self.entries, text).is_some_and(|level| filter.passes(level))
    }

    fn passes_time(&self, text: &str) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let Some(time) = time_of(&self.entries, text) else { return false };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// Whether the field `key` has the value `value`. The key may stand there with its dots, or nested,
/// or half and half.
fn has_field(entries: &Entries, text: &str, key: &str, value: &str) -> bool {
    entries.iter(text).any(|entry| reaches(entry.key, entry.raw, key, value))
}

/// Whether `path`, or `path` behind the key `key` and a dot, leads to the value in `raw`.
fn reaches(key: Text<'_>, raw: &str, path: &str, value: &str) -> bool {
    if key.is(path) {
        return holds(raw, value);
    }
    let inner = path.match_indices('.').filter(|(dot, _)| key.is(&path[..*dot]));
    inner.into_iter().any(|(dot, _)| inside(raw, &path[dot + 1..], value))
}

/// Looks for the rest of a path in a map.
fn inside(raw: &str, path: &str, value: &str) -> bool {
    if !raw.starts_with('{') {
        return false;
    }
    let mut entries = Entries::default();
    entries.find(raw).is_ok() && has_field(&entries, raw, path, value)
}

/// Whether a value is `value`: a string by its characters, anything else as it is written; a list
/// by one of its items.
fn holds(raw: &str, value: &str) -> bool {
    let mut tokens = Tokens::of(raw);
    match tokens.next_token() {
        Ok(Some(Token::String(text))) => text.is(value),
        Ok(Some(Token::ListStart)) => raw == value || any_item(&mut tokens, raw, value),
        Ok(Some(_)) => raw == value,
        _ => false,
    }
}

fn any_item(tokens: &mut Tokens<'_>, raw: &str, value: &str) -> bool {
    while let Ok(Some(token)) = tokens.next_token() {
        if token == Token::ListEnd {
            return false;
        }
        let Ok(range) = tokens.skip_value(&token) else { return false };
        let found = match token {
            Token::String(text) => text.is(value),
            _ => raw.get(range).is_some_and(|item| item == value),
        };
        if found {
            return true;
        }
    }
    false
}
