//! Checks lines against a taxonomy: the types of events of a service, and the fields that each requires.
use std::collections::HashSet;
use std::path::Path;

use ringseal::events::Taxonomy;

use super::Problem;
use crate::console::Failure;
use crate::json::{JsonError, Token, Tokens};

/// Where lines have the name or the type of an event, in the formats of this and other loggers.
const NAME_PATHS: [&str; 7] =
    ["event", "event_type", "event.type", "event.action", "event_name", "message", "msg"];

/// What always is a type of the taxonomy.
const TYPE_PATHS: [&str; 2] = ["event_type", "event.type"];

/// Objects inside each other that are read.
const DEPTH_MAX: usize = 128;

/// The largest taxonomy.
const TAXONOMY_BYTES_MAX: u64 = 16 << 20;

/// Names as near as this are suggested.
const SIMILARITY_MIN: f64 = 0.8;

/// Checks lines one after the other.
#[derive(Debug)]
pub(super) struct Checker {
    taxonomy: Taxonomy,
    /// The paths that have a value, with dots.
    present: HashSet<String>,
    /// Texts at the paths of names.
    names: Vec<(&'static str, String)>,
    path: String,
}

impl Checker {
    /// Reads a taxonomy: JSON, a page in Markdown, or the typed events of Rust sources.
    pub(super) fn of_file(path: &Path) -> Result<Self, Failure> {
        let taxonomy = read(path)?;
        if taxonomy.event_types().next().is_none() {
            let path = path.display();
            return Err(Failure::of(format_args!("{path}: expected event types, found none")));
        }
        Ok(Self { taxonomy, present: HashSet::new(), names: Vec::new(), path: String::new() })
    }

    /// Adds what is wrong with a line.
    pub(super) fn line(&mut self, line: &[u8], problems: &mut Vec<Problem>) {
        self.present.clear();
        self.names.clear();
        self.path.clear();
        if let Err(error) = self.read(line) {
            problems.push(Problem {
                field: "the line".into(),
                expected: "one JSON object".into(),
                found: error.to_string(),
            });
            return;
        }
        for (path, name) in &self.names {
            self.event(path, name, problems);
        }
    }

    fn event(&self, path: &str, name: &str, problems: &mut Vec<Problem>) {
        let upper = name.to_ascii_uppercase();
        let is_type = TYPE_PATHS.contains(&path);
        // A type is logged in capitals, and may be written otherwise by other programs.
        let known = [name, &upper].into_iter().find_map(|name| {
            self.taxonomy
                .missing(name, |key| self.has(key))
                .map(|missing| (name.to_owned(), missing))
        });
        match known {
            Some((name, missing)) => problems.extend(missing.map(|key| Problem {
                field: key.to_owned(),
                expected: format!("this field, which {name} requires"),
                found: "none".into(),
            })),
            None if is_type || is_noun_verb(name) => {
                let mut expected = "an event type of the taxonomy".to_owned();
                if let Some(near) = self.nearest(&upper) {
                    expected.push_str(&format!(" ({near}?)"));
                }
                problems.push(Problem {
                    field: path.to_owned(),
                    expected,
                    found: format!("{name:?}"),
                });
            }
            None => {}
        }
    }

    /// Whether the line has a value for the key: at the root, or where the ECS has fields of services.
    fn has(&self, key: &str) -> bool {
        let label = || format!("labels.{}", key.replace('.', "_"));
        self.present.contains(key)
            || self.present.contains(&format!("extra.{key}"))
            || self.present.contains(&label())
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        let similarity = |known: &str| strsim::jaro_winkler(known, name);
        let best = self
            .taxonomy
            .event_types()
            .max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
        best.filter(|best| similarity(best) >= SIMILARITY_MIN)
    }

    fn read(&mut self, line: &[u8]) -> Result<(), JsonError> {
        let mut tokens = Tokens::new(line)?;
        match tokens.next_token()? {
            Some(Token::MapStart) => self.members(&mut tokens, 1)?,
            Some(first) => tokens.skip_value(&first).map(|_| ())?,
            None => {}
        }
        tokens.next_token().map(|_| ())
    }

    fn members(&mut self, tokens: &mut Tokens<'_>, depth: usize) -> Result<(), JsonError> {
        while let Some(Token::Key(key)) = tokens.next_token()? {
            let before = self.path.len();
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key.decode());
            let Some(first) = tokens.next_token()? else { break };
            self.member(tokens, &first, depth)?;
            self.path.truncate(before);
        }
        Ok(())
    }

    fn member<'t>(
        &mut self,
        tokens: &mut Tokens<'t>,
        first: &Token<'t>,
        depth: usize,
    ) -> Result<(), JsonError> {
        if !matches!(first, Token::Null) {
            self.present.insert(self.path.clone());
        }
        match first {
            Token::MapStart if depth < DEPTH_MAX => return self.members(tokens, depth + 1),
            Token::String(text) => {
                let path = NAME_PATHS.into_iter().find(|path| *path == self.path);
                self.names.extend(path.map(|path| (path, text.decode())));
            }
            _ => {}
        }
        tokens.skip_value(first).map(|_| ())
    }
}

/// Whether it looks like the name of a domain event: `UPLOAD_FAILED`.
fn is_noun_verb(name: &str) -> bool {
    let is_word = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && word.starts_with(|first: char| first.is_ascii_uppercase())
    };
    name.contains('_') && name.split('_').all(is_word)
}

fn read(path: &Path) -> Result<Taxonomy, Failure> {
    let of =
        |error: &dyn std::fmt::Display| Failure::of(format_args!("{}: {error}", path.display()));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if path.is_dir() || extension == "rs" {
        return crate::events::catalogue_of(path)?.taxonomy().map_err(|error| of(&error));
    }
    if path.metadata().map_err(|error| of(&error))?.len() > TAXONOMY_BYTES_MAX {
        return Err(of(&"expected a taxonomy of at most 16 MiB"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| of(&error))?;
    match extension {
        "json" => Taxonomy::from_json(&text),
        "md" => Taxonomy::from_markdown(&text),
        _ => {
            return Err(of(
                &"expected a name that ends in .json, .md or .rs, or a directory of sources",
            ));
        }
    }
    .map_err(|error| of(&error))
}
