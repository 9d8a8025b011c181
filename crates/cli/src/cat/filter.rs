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
    fields: Vec<FieldTest>,
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

/// A condition on a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldTest {
    key: String,
    expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Any,
    Value(String),
    Pattern(String),
}

impl FieldTest {
    /// Parses `KEY`, `KEY=VALUE` or `KEY~=PATTERN`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (key, expected) = match text.split_once('=') {
            None => (text, Expected::Any),
            Some((key, value)) => match key.strip_suffix('~') {
                Some(key) => (key, Expected::Pattern(value.to_owned())),
                None => (key, Expected::Value(value.to_owned())),
            },
        };
        if key.is_empty() {
            return Err(format!("expected KEY, KEY=VALUE or KEY~=PATTERN, found {text:?}"));
        }
        Ok(Self { key: key.to_owned(), expected })
    }
}

impl Expected {
    /// Whether these characters, of a string or of another value as written, are as expected.
    fn matches(&self, text: &str) -> bool {
        match self {
            Expected::Any => true,
            Expected::Value(value) => text == value,
            Expected::Pattern(pattern) => glob_matches(pattern, text),
        }
    }
}

/// Whether a pattern with `*` and `?` matches the whole text, in time of their product at most.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let (mut rest, mut at) = (pattern.chars(), text.chars());
    // After the last `*`, and where it was tried in the text.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let tried = at.clone();
        match (rest.next(), at.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                at = tried;
                retry = Some((rest.clone(), at.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(expected), Some(found)) if expected == found => {}
            _ => {
                let Some((after, start)) = &mut retry else { return false };
                if start.next().is_none() {
                    return false;
                }
                (rest, at) = (after.clone(), start.clone());
            }
        }
    }
}

/// Parses a level.
pub(crate) fn parse_level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|_| "expected trace, debug, info, warn, error or critical".into())
}

impl Filter {
    pub(super) fn new(args: &Args, now: i64, parser: LineParser) -> Self {
        Self {
            grep: args.grep.as_ref().map(|text| Finder::new(text.as_bytes()).into_owned()),
            level: args.level,
            since: args.since.map(|moment| moment.unix_nanos(now)),
            until: args.until.map(|moment| moment.unix_nanos(now)),
            fields: args.fields.clone(),
            json_only: args.json,
            parser,
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
        let has_fields = self
            .fields
            .iter()
            .all(|test| has_field(line.entries, line.text, &test.key, &test.expected));
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

/// Whether the field `key` has such a value. The line may hold the key with its dots, nested, or both mixed.
fn has_field(entries: &Entries, text: &str, key: &str, value: &Expected) -> bool {
    entries.iter(text).any(|entry| path_matches(entry.key, entry.raw, key, value))
}

/// Whether `path` equals `key`, or continues after `key` and a dot inside `raw`, and leads to `value`.
fn path_matches(key: Text<'_>, raw: &str, path: &str, value: &Expected) -> bool {
    if key.is(path) {
        return value_matches(raw, value);
    }
    let inner = path.match_indices('.').filter(|(dot, _)| key.is(&path[..*dot]));
    inner.into_iter().any(|(dot, _)| nested_field_matches(raw, &path[dot + 1..], value))
}

/// Searches a map for the rest of a path.
fn nested_field_matches(raw: &str, path: &str, value: &Expected) -> bool {
    if !raw.starts_with('{') {
        return false;
    }
    let mut entries = Entries::default();
    entries.find(raw).is_ok() && has_field(&entries, raw, path, value)
}

/// Whether a value is as expected: a string by its characters, a list by one of its items, other values as written.
fn value_matches(raw: &str, value: &Expected) -> bool {
    let mut tokens = Tokens::of(raw);
    match tokens.next_token() {
        Ok(Some(Token::String(text))) => value.matches(&text.decode()),
        Ok(Some(Token::ListStart)) => {
            value.matches(raw) || any_item_matches(&mut tokens, raw, value)
        }
        Ok(Some(_)) => value.matches(raw),
        _ => false,
    }
}

fn any_item_matches(tokens: &mut Tokens<'_>, raw: &str, value: &Expected) -> bool {
    while let Ok(Some(token)) = tokens.next_token() {
        if token == Token::ListEnd {
            return false;
        }
        let Ok(range) = tokens.skip_value(&token) else { return false };
        let found = match token {
            Token::String(text) => value.matches(&text.decode()),
            _ => raw.get(range).is_some_and(|item| value.matches(item)),
        };
        if found {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_values() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b*", "abc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab", "aab", true),
            ("*a*a*b", "aaaaab", true),
            ("*a*a*b", "aaaaac", false),
            ("/api/*/pay", "/api/v1/pay", true),
            ("/api/*/pay", "/api/pay", false),
            ("Gr??e", "Größe", true),
        ] {
            assert_eq!(glob_matches(pattern, text), expected, "{pattern} {text}");
        }
        let long = "a".repeat(5_000);
        assert!(!glob_matches(&format!("{}b", "*a".repeat(50)), &long));
    }

    #[test]
    fn a_test_has_a_key_and_an_expectation() {
        let test = |key: &str, expected| Ok(FieldTest { key: key.into(), expected });
        for (text, expected) in [
            ("error", test("error", Expected::Any)),
            ("a.b=", test("a.b", Expected::Value(String::new()))),
            ("a=b=c", test("a", Expected::Value("b=c".into()))),
            ("a~=b*", test("a", Expected::Pattern("b*".into()))),
            ("a=~b", test("a", Expected::Value("~b".into()))),
        ] {
            assert_eq!(FieldTest::parse(text), expected, "{text}");
        }
        for wrong in ["", "=x", "~=x"] {
            assert!(FieldTest::parse(wrong).is_err(), "{wrong}");
        }
    }
}
