//! Checks lines against the Elastic Common Schema 1.12.
use std::collections::{HashMap, HashSet};

use ringseal::internals::encode::ecs::{
    CATEGORIES, ECS_VERSION, FieldType, Kind, Problem as Misfit, field_type, is_date, is_ip,
    is_object, of_number, problem_of,
};

use super::Problem;
use crate::json::{JsonError, Token, Tokens};

/// Fields that every line has.
const REQUIRED: [&str; 3] = ["@timestamp", "log.level", "ecs.version"];

/// Fields that are texts in the specification of ECS loggers, though an index takes other values.
const TEXTS: [&str; 4] = ["log.level", "message", "ecs.version", "log.logger"];

/// What a label may be.
const LABEL: &str = "a single value, because it is a label";

/// Objects inside each other that are checked.
const DEPTH_MAX: usize = 128;

/// Checks lines one after the other.
#[derive(Debug, Default)]
pub(super) struct Checker {
    problems: Vec<Problem>,
    /// Whether the path is that of an object.
    paths: HashMap<String, bool>,
    path: String,
}

impl Checker {
    /// What is wrong with a line.
    pub(super) fn line(&mut self, line: &[u8]) -> &[Problem] {
        self.problems.clear();
        self.paths.clear();
        self.path.clear();
        if let Err(error) = self.read(line) {
            self.add_at("the line", "one JSON object", &error.to_string());
            return &self.problems;
        }
        for field in REQUIRED {
            if !self.paths.contains_key(field) {
                self.add_at(field, "this field in every line", "none");
            }
        }
        &self.problems
    }

    fn add_at(&mut self, field: &str, expected: &str, found: &str) {
        let (field, expected, found) = (field.into(), expected.into(), found.into());
        self.problems.push(Problem { field, expected, found });
    }

    /// Adds a problem of the present path.
    fn add(&mut self, expected: &str, found: &str) {
        let field = self.path.clone();
        self.add_at(&field, expected, found);
    }

    fn read(&mut self, line: &[u8]) -> Result<(), JsonError> {
        let mut tokens = Tokens::new(line)?;
        match tokens.next_token()? {
            Some(Token::MapStart) => self.members(&mut tokens, 1)?,
            Some(first) => {
                tokens.skip_value(&first)?;
                self.add_at("the line", "one JSON object", name_of(&first));
            }
            None => {}
        }
        tokens.next_token().map(|_| ())
    }

    /// Checks the members of an object up to its end.
    fn members(&mut self, tokens: &mut Tokens<'_>, depth: usize) -> Result<(), JsonError> {
        let mut keys = HashSet::new();
        while let Some(Token::Key(key)) = tokens.next_token()? {
            let before = self.path.len();
            let key = key.decode();
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if key.split('.').any(str::is_empty) {
                self.add(Misfit::EmptyPart.expected(), "one with an empty part");
            }
            let is_repeated = !keys.insert(key);
            let Some(first) = tokens.next_token()? else { break };
            self.member(tokens, &first, is_repeated, depth)?;
            self.path.truncate(before);
        }
        Ok(())
    }

    /// Checks the member of the present path, of whose value the first token was read.
    fn member<'t>(
        &mut self,
        tokens: &mut Tokens<'t>,
        first: &Token<'t>,
        is_repeated: bool,
        depth: usize,
    ) -> Result<(), JsonError> {
        let is_map = matches!(first, Token::MapStart);
        let known = self.paths.insert(self.path.clone(), is_map);
        if is_repeated || known.is_some_and(|was_map| !(was_map && is_map)) {
            self.add("each path once, dotted or nested", "it twice");
        }
        if self.is_dotted_label() {
            self.add("a label without dots, such as `labels.a_b`", "an object inside the labels");
        }
        match first {
            Token::MapStart => self.object(tokens, first, depth),
            Token::ListStart => self.list(tokens),
            single => {
                self.single(single);
                Ok(())
            }
        }
    }

    /// Whether the present path is below a label: an index makes objects of dots.
    fn is_dotted_label(&self) -> bool {
        let label = self.path.strip_prefix("labels.").and_then(|label| label.split_once('.'));
        // The object of which it is a member was reported.
        label.is_some_and(|(label, _)| self.paths.get(&format!("labels.{label}")) != Some(&true))
    }

    fn object<'t>(
        &mut self,
        tokens: &mut Tokens<'t>,
        first: &Token<'t>,
        depth: usize,
    ) -> Result<(), JsonError> {
        let is_value = field_type(self.path.as_bytes())
            .is_some_and(|it| !matches!(it, FieldType::Object | FieldType::GeoPoint));
        if is_value {
            self.add(Misfit::NotAValue.expected(), Kind::Map.name());
        } else if self.path.starts_with("labels.") {
            self.add(LABEL, Kind::Map.name());
        }
        if depth >= DEPTH_MAX {
            return tokens.skip_value(first).map(|_| ());
        }
        self.members(tokens, depth + 1)
    }

    /// Checks the elements of an array: an index takes one wherever it takes a value.
    fn list(&mut self, tokens: &mut Tokens<'_>) -> Result<(), JsonError> {
        if self.path.starts_with("labels.") {
            self.add(LABEL, Kind::Array.name());
        } else if self.path == "labels" {
            self.add(Misfit::NotAnObject.expected(), Kind::Array.name());
        } else if self.is_text() {
            self.add("a text", Kind::Array.name());
        }
        let is_value = field_type(self.path.as_bytes())
            .is_some_and(|it| !matches!(it, FieldType::Object | FieldType::GeoPoint));
        while let Some(token) = tokens.next_token()? {
            match &token {
                Token::ListEnd => break,
                Token::MapStart | Token::ListStart => {
                    if is_value && token == Token::MapStart {
                        self.add(Misfit::NotAValue.expected(), Kind::Map.name());
                    }
                    tokens.skip_value(&token)?;
                }
                single if is_value => self.single(single),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the specification of loggers has a text at the present path.
    fn is_text(&self) -> bool {
        TEXTS.contains(&self.path.as_str())
    }

    /// Checks a single value.
    fn single(&mut self, value: &Token<'_>) {
        let text = match value {
            Token::String(text) => Some(text.decode()),
            _ => None,
        };
        let kind = match (value, &text) {
            (_, Some(text)) if is_ip(text.as_bytes()) => Kind::Ip,
            (_, Some(_)) => Kind::Text,
            (Token::Number(number), _) => of_number(number.as_bytes()),
            (Token::Bool(_), _) => Kind::Bool,
            _ => {
                if REQUIRED.contains(&self.path.as_str()) {
                    self.add("a value of this field in every line", Kind::Null.name());
                }
                return;
            }
        };
        let path = self.path.as_bytes();
        let misfit = match field_type(path) {
            Some(found) => problem_of(found, kind)
                .or_else(|| text.as_ref().and_then(|text| misfit_of(path, found, text.as_bytes()))),
            None if is_object(path) => Some(Misfit::NotAnObject),
            None => None,
        };
        if text.is_none() && self.is_text() {
            self.add("a text", kind.name());
            return;
        }
        if let Some(misfit) = misfit {
            self.add(misfit.expected(), &found(kind, text.as_deref()));
        }
        if self.path == "ecs.version" && text.as_deref() != Some(ECS_VERSION) {
            let expected = format!("\"{ECS_VERSION}\"");
            self.add(&expected, &found(kind, text.as_deref()));
        }
    }
}

/// What is wrong with the bytes of a text.
fn misfit_of(path: &[u8], found: FieldType, text: &[u8]) -> Option<Misfit> {
    match found {
        FieldType::Ip if !is_ip(text) => Some(Misfit::NotAnIp),
        FieldType::Date if !is_date(text) => Some(Misfit::NotADate),
        _ if path == b"event.category" => {
            let is_known = CATEGORIES.iter().any(|word| word.as_bytes() == text);
            (!is_known).then_some(Misfit::UnknownCategory)
        }
        _ => None,
    }
}

/// The value in words; a text with its beginning.
fn found(kind: Kind, text: Option<&str>) -> String {
    const CHARS_MAX: usize = 40;
    match text {
        Some(text) if text.chars().nth(CHARS_MAX).is_some() => {
            let start: String = text.chars().take(CHARS_MAX).collect();
            format!("\"{start}\"…")
        }
        Some(text) => format!("\"{text}\""),
        None => kind.name().into(),
    }
}

fn name_of(token: &Token<'_>) -> &'static str {
    match token {
        Token::ListStart => Kind::Array.name(),
        Token::String(_) => Kind::Text.name(),
        Token::Number(_) => "a number",
        Token::Bool(_) => Kind::Bool.name(),
        _ => Kind::Null.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field, the beginning of the expectation, and what was found, of each problem.
    fn problems(members: &str) -> Vec<(String, String)> {
        let line = format!(
            r#"{{"@timestamp":"2026-01-31T10:00:00.000Z","log.level":"info","ecs.version":"1.12.0"{members}}}"#
        );
        let mut checker = Checker::default();
        let problems = checker.line(line.as_bytes());
        problems.iter().map(|problem| (problem.field.clone(), problem.found.clone())).collect()
    }

    #[test]
    fn lines_are_checked_against_the_schema() {
        for (members, expected) in [
            ("", &[][..]),
            (r#","user":{"id":42},"http":{"response":{"status_code":200}}"#, &[]),
            (r#","labels":{"a":1,"b":"x"},"extra":{"a":{"b":[1,{"c":2}]}}"#, &[]),
            (r#","event":{"category":["web","database"],"duration":1500}"#, &[]),
            (r#","log":{"origin":{"file":{"name":"a.rs","line":7}}}"#, &[]),
            (r#","error":"x""#, &[("error", "\"x\"")]),
            (r#","user":7"#, &[("user", "a whole number")]),
            (r#","http":{"request":"x"}"#, &[("http.request", "\"x\"")]),
            (
                r#","http":{"response":{"status_code":"200"}}"#,
                &[("http.response.status_code", "\"200\"")],
            ),
            (r#","client":{"ip":"masked"}"#, &[("client.ip", "\"masked\"")]),
            (r#","event":{"start":"soon"}"#, &[("event.start", "\"soon\"")]),
            (r#","event":{"category":"payments"}"#, &[("event.category", "\"payments\"")]),
            (r#","event":{"category":["web","x"]}"#, &[("event.category", "\"x\"")]),
            (r#","event":{"duration":1.5}"#, &[("event.duration", "a number with a fraction")]),
            (r#","user":{"id":{"a":1}}"#, &[("user.id", "an object")]),
            (r#","user.id":1,"user":{"id":2}"#, &[("user.id", "it twice")]),
            (r#","a":1,"a":2"#, &[("a", "it twice")]),
            (r#","a":{"x":1},"a":{"y":2}"#, &[("a", "it twice")]),
            (r#","labels":{"a":{"b":1}}"#, &[("labels.a", "an object")]),
            (r#","labels":{"a":[1]}"#, &[("labels.a", "an array")]),
            (
                r#","labels":{"a":{"b":{"c":1}}}"#,
                &[("labels.a", "an object"), ("labels.a.b", "an object")],
            ),
            (r#","labels.a":{"b":1}"#, &[("labels.a", "an object")]),
            (r#","labels":{"a.b":1}"#, &[("labels.a.b", "an object inside the labels")]),
            (r#","labels.a.b":1"#, &[("labels.a.b", "an object inside the labels")]),
            (r#","labels":["a"]"#, &[("labels", "an array")]),
            (r#","labels":"a""#, &[("labels", "\"a\"")]),
            (r#","labels":{"a_b":1,"c":null}"#, &[]),
            (r#","message":3"#, &[("message", "a whole number")]),
            (r#","message":["m"]"#, &[("message", "an array")]),
            (r#","log.logger":true"#, &[("log.logger", "a truth value")]),
            (r#","event":{"start":"2026-02-30"}"#, &[("event.start", "\"2026-02-30\"")]),
            (
                r#","event":{"start":"2026-13-40T21:21:23Z"}"#,
                &[("event.start", "\"2026-13-40T21:21:23Z\"")],
            ),
            (r#","tags":{"a":1}"#, &[("tags", "an object")]),
            (r#","extra":{"a..b":1}"#, &[("extra.a..b", "one with an empty part")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(field, found)| ((*field).into(), (*found).into())).collect();
            assert_eq!(problems(members), expected, "{members}");
        }
    }

    #[test]
    fn lines_that_are_no_objects_are_named() {
        for line in ["", "x", "[1]", "7", "{\"a\":", "{} {}", "\u{feff}"] {
            let mut checker = Checker::default();
            let problems = checker.line(line.as_bytes());
            assert!(
                problems.iter().any(|it| it.field == "the line" || it.field == "@timestamp"),
                "{line}"
            );
        }
        let mut checker = Checker::default();
        assert!(!checker.line(b"{\"a\":\"\xff\"}").is_empty());
        let deep = "{\"a\":".repeat(100_000);
        assert!(!checker.line(deep.as_bytes()).is_empty());
    }

    #[test]
    fn the_members_of_the_head_are_texts() {
        for (line, expected) in [
            (
                r#"{"@timestamp":"2026-13-40T21:21:23Z","log.level":3,"ecs.version":"1.12.0"}"#,
                &["@timestamp", "log.level"][..],
            ),
            (
                r#"{"@timestamp":"2026-02-30T00:00:00Z","log":{"level":3},"ecs":{"version":"1.12.0"}}"#,
                &["@timestamp", "log.level"],
            ),
            (
                r#"{"@timestamp":null,"log.level":null,"ecs.version":null}"#,
                &["@timestamp", "log.level", "ecs.version"],
            ),
            (
                r#"{"@timestamp":1763060400123,"log.level":["info"],"ecs.version":1.12}"#,
                &["log.level", "ecs.version"],
            ),
            (
                r#"{"@timestamp":"2024-02-29T23:59:59.123+03:00","log.level":"info","ecs.version":"1.12.0"}"#,
                &[],
            ),
        ] {
            let mut checker = Checker::default();
            let fields: Vec<_> =
                checker.line(line.as_bytes()).iter().map(|it| it.field.clone()).collect();
            assert_eq!(fields, expected, "{line}");
        }
    }

    #[test]
    fn missing_fields_and_other_versions_are_named() {
        let mut checker = Checker::default();
        let line = br#"{"@timestamp":"2026-01-31T10:00:00Z","ecs":{"version":"8.0"}}"#;
        let fields: Vec<_> = checker.line(line).iter().map(|it| it.field.clone()).collect();
        assert_eq!(fields, ["ecs.version", "log.level"]);
    }
}
