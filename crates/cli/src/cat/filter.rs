//! Decides which lines to show.
use memchr::memmem::Finder;
use ringseal::Level;

use super::Args;
use crate::json::{Entries, Text, Token, Tokens};
use crate::line::{LevelReading, LineParser, ParsedLine, TimeReading};

/// All filters of the command line; a line must pass every one.
pub(super) struct Filter {
    grep: Option<Finder<'static>>,
    level: Option<Level>,
    since: Option<i64>,
    until: Option<i64>,
    fields: Vec<(String, String)>,
    /// Only JSON lines are shown.
    json_only: bool,
    parser: LineParser,
    /// By log: whether its last event passed. Lines of text without a level and a time after it, such as a stack
    /// trace, belong to it. Before the first event they belong to none and do not pass.
    passed: Vec<bool>,
}

/// The treatment of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Show,
    Hide,
    /// It passes the filters but is not JSON, and only JSON is shown.
    NotJson,
    /// It passes all filters but those on the time, and its time is missing or not understood.
    NoTime,
}

/// Parses `KEY=VALUE`.
pub(super) fn parse_field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("expected KEY=VALUE, found {text:?}")),
    }
}

/// Parses a level.
pub(super) fn parse_level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|_| "expected trace, debug, info, warn, error or critical".into())
}

impl Filter {
    pub(super) fn new(args: &Args, now: i64) -> Self {
        Self {
            grep: args.grep.as_ref().map(|text| Finder::new(text.as_bytes()).into_owned()),
            level: args.level,
            since: args.since.map(|moment| moment.unix_nanos(now)),
            until: args.until.map(|moment| moment.unix_nanos(now)),
            fields: args.fields.clone(),
            json_only: args.json,
            parser: LineParser::new(now),
            passed: Vec::new(),
        }
    }

    /// Decides how to treat a line of the log with index `log`.
    pub(super) fn evaluate(&mut self, log: usize, line: &[u8]) -> Verdict {
        if !self.needs_fields() && !self.json_only {
            return if self.contains_text(line) { Verdict::Show } else { Verdict::Hide };
        }
        let mut parser = std::mem::take(&mut self.parser);
        let parsed = parser.parse(line);
        let verdict = match self.needs_fields() {
            true => self.evaluate_fields(log, &parsed),
            false => Verdict::Show,
        };
        let is_json = parsed.is_json;
        self.parser = parser;
        match verdict {
            Verdict::Hide => Verdict::Hide,
            _ if !self.contains_text(line) => Verdict::Hide,
            // An empty line is not reported, because it has no content.
            Verdict::Show if self.json_only && !is_json => match line.trim_ascii().is_empty() {
                true => Verdict::Hide,
                false => Verdict::NotJson,
            },
            verdict => verdict,
        }
    }

    /// Decides about the beginning of a line that was too long to be read whole. Such a line does not pass filters on
    /// fields.
    pub(super) fn evaluate_beginning(&mut self, log: usize, line: &[u8]) -> Verdict {
        if self.needs_fields() {
            *self.passed_of(log) = false;
            return Verdict::Hide;
        }
        if self.json_only || !self.contains_text(line) { Verdict::Hide } else { Verdict::Show }
    }

    fn contains_text(&self, line: &[u8]) -> bool {
        self.grep.as_ref().is_none_or(|grep| grep.find(line).is_some())
    }

    fn needs_fields(&self) -> bool {
        self.level.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || !self.fields.is_empty()
    }

    fn passed_of(&mut self, log: usize) -> &mut bool {
        if self.passed.len() <= log {
            self.passed.resize(log + 1, false);
        }
        &mut self.passed[log]
    }

    fn evaluate_fields(&mut self, log: usize, line: &ParsedLine<'_>) -> Verdict {
        let facts = line.facts();
        let is_missing = facts.level == LevelReading::Missing && facts.time == TimeReading::Missing;
        if !line.is_json && is_missing {
            return if *self.passed_of(log) { Verdict::Show } else { Verdict::Hide };
        }
        let passes_level = self.level.is_none_or(|least| match facts.level {
            LevelReading::Missing => false,
            // One that is not understood counts as in `pipe`.
            reading => reading.or_assumed() >= least,
        });
        let has_fields =
            self.fields.iter().all(|(key, value)| has_field(line.entries, line.text, key, value));
        let verdict = match passes_level && has_fields {
            true => self.evaluate_time(facts.time),
            false => Verdict::Hide,
        };
        *self.passed_of(log) = verdict == Verdict::Show;
        verdict
    }

    fn evaluate_time(&self, time: TimeReading) -> Verdict {
        if self.since.is_none() && self.until.is_none() {
            return Verdict::Show;
        }
        let Some(time) = time.unix_nanos() else { return Verdict::NoTime };
        let passes = self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until);
        if passes { Verdict::Show } else { Verdict::Hide }
    }
}

/// Whether the field `key` has the value `value`. The line may hold the key with its dots, nested, or both mixed.
fn has_field(entries: &Entries, text: &str, key: &str, value: &str) -> bool {
    entries.iter(text).any(|entry| path_matches(entry.key, entry.raw, key, value))
}

/// Whether `path` equals `key`, or continues after `key` and a dot inside `raw`, and leads to `value`.
fn path_matches(key: Text<'_>, raw: &str, path: &str, value: &str) -> bool {
    if key.is(path) {
        return value_matches(raw, value);
    }
    let inner = path.match_indices('.').filter(|(dot, _)| key.is(&path[..*dot]));
    inner.into_iter().any(|(dot, _)| nested_field_matches(raw, &path[dot + 1..], value))
}

/// Searches a map for the rest of a path.
fn nested_field_matches(raw: &str, path: &str, value: &str) -> bool {
    if !raw.starts_with('{') {
        return false;
    }
    let mut entries = Entries::default();
    entries.find(raw).is_ok() && has_field(&entries, raw, path, value)
}

/// Whether a value equals `value`: a string by its characters, a list by one of its items, other values as written.
fn value_matches(raw: &str, value: &str) -> bool {
    let mut tokens = Tokens::of(raw);
    match tokens.next_token() {
        Ok(Some(Token::String(text))) => text.is(value),
        Ok(Some(Token::ListStart)) => raw == value || any_item_matches(&mut tokens, raw, value),
        Ok(Some(_)) => raw == value,
        _ => false,
    }
}

fn any_item_matches(tokens: &mut Tokens<'_>, raw: &str, value: &str) -> bool {
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
