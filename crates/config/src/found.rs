//! Reads the sources: what each has for the table, and what is wrong with it.
//!
//! Promises: values of variables are read by their names; of others, only the names are looked at.
use std::env::VarError;
use std::path::Path;
use std::sync::Arc;

use crate::dotenv;
use crate::error::{Problem, Unreadable, read_text};
use crate::source::{Place, Source};
use crate::table::{self, SETTINGS};
use crate::tree::{FormatMistake, Node, Reader, Value};

/// A function in place of the process's environment.
type Given = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where variables are read.
#[derive(Clone, Default)]
pub(crate) enum Variables {
    #[default]
    None,
    /// In the process's environment.
    Process,
    Given(Given),
}

impl Variables {
    /// The value of a variable.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, NotUtf8> {
        match self {
            Variables::None => Ok(None),
            Variables::Given(variable) => Ok(variable(name)),
            Variables::Process => match std::env::var(name) {
                Ok(value) => Ok(Some(value)),
                Err(VarError::NotPresent) => Ok(None),
                Err(VarError::NotUnicode(_)) => Err(NotUtf8),
            },
        }
    }

    /// The names of variables, as far as they are known.
    fn names(&self) -> impl Iterator<Item = String> + use<> {
        let all = matches!(self, Variables::Process).then(std::env::vars_os);
        all.into_iter().flatten().filter_map(|(name, _)| name.into_string().ok())
    }
}

/// A variable is not UTF-8.
pub(crate) struct NotUtf8;

/// What the sources have.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) values: Vec<Value>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

impl Found {
    /// Adds a value, unless another place of the same rank has one.
    fn push(&mut self, value: Value) {
        let is_known = |known: &&Value| {
            known.index == value.index && known.source.rank() == value.source.rank()
        };
        let Some(earlier) = self.values.iter().find(is_known) else {
            return self.values.push(value);
        };
        let expected = match (&earlier.source, &value.source) {
            (Source::File(_), _) => {
                format!("each setting in one file; it is also at {}", earlier.source)
            }
            (Source::Dotenv(_), _) => {
                format!("each variable once; {} is also at {}", earlier.name, earlier.source)
            }
            _ => format!("one of {} and {}", earlier.name, value.name),
        };
        // An empty text is no value, and the same text is no question.
        let (one, other) = (earlier.text.trim(), value.text.trim());
        if !matches!(value.source, Source::File(_) | Source::Dotenv(_)) {
            if one.is_empty() {
                return self.values.push(value);
            }
            if other.is_empty() || one == other {
                return;
            }
        }
        self.problems.push(Problem {
            name: value.name.to_owned(),
            expected,
            found: None,
            nearest: None,
            source: value.source,
        });
    }

    pub(crate) fn variables(&mut self, variables: &Variables) {
        for (index, setting) in SETTINGS.iter().enumerate() {
            for name in setting.variables() {
                match variables.get(name) {
                    Ok(None) => {}
                    Ok(Some(text)) => {
                        self.push(Value { index, text, source: Source::Environment, name });
                    }
                    Err(NotUtf8) => self.problems.push(Problem {
                        source: Source::Environment,
                        name: name.to_owned(),
                        expected: "UTF-8".into(),
                        found: None,
                        nearest: None,
                    }),
                }
            }
        }
        for name in variables.names() {
            if let Some(nearest) = table::variable_like(&name) {
                self.warnings.push(Problem::unknown_variable(Source::Environment, name, nearest));
            }
        }
    }

    pub(crate) fn file(&mut self, path: &Path, is_required: bool) {
        let file = Arc::new(path.to_owned());
        let mut reader = Reader { file: &file, values: Vec::new(), problems: Vec::new() };
        match read_text(&file) {
            Ok(text) => match parse_file(path, &text) {
                Ok(root) => reader.root(root),
                Err(FormatMistake { line, column, expected }) => {
                    reader.problem((line, column), "", expected, None);
                }
            },
            Err(Unreadable::Missing) if !is_required => {}
            Err(Unreadable::Missing) => {
                reader.problem((1, 1), "", "this file", Some("none".into()))
            }
            Err(Unreadable::Other { expected, found, place }) => {
                reader.problem(place, "", expected, Some(found));
            }
        }
        let Reader { values, problems, .. } = reader;
        self.problems.extend(problems);
        values.into_iter().for_each(|value| self.push(value));
    }

    pub(crate) fn dotenv(&mut self, path: &Path, is_required: bool) {
        let file = Arc::new(path.to_owned());
        let source = |line, column| Source::Dotenv(Place { file: Arc::clone(&file), line, column });
        let mut problem = |line, column, name: String, expected: String, found| {
            let source = source(line, column);
            self.problems.push(Problem { source, name, expected, found, nearest: None });
        };
        let text = match read_text(&file) {
            Ok(text) => text,
            Err(Unreadable::Missing) if !is_required => return,
            Err(Unreadable::Missing) => {
                return problem(1, 1, String::new(), "this file".into(), Some("none".into()));
            }
            Err(Unreadable::Other { expected, found, place: (line, column) }) => {
                return problem(line, column, String::new(), expected, Some(found));
            }
        };
        let (assignments, mistakes) = dotenv::parse(&text);
        for dotenv::Mistake { line, column, name, expected } in mistakes {
            problem(line, column, name, expected.into(), None);
        }
        for dotenv::Assignment { name, value, line, column, name_column } in assignments {
            match (table::by_variable(&name), table::variable_like(&name)) {
                (Some((index, name)), _) => {
                    self.push(Value { index, text: value, source: source(line, column), name });
                }
                (None, Some(nearest)) => {
                    let source = source(line, name_column);
                    self.problems.push(Problem::unknown_variable(source, name, nearest));
                }
                // A variable of another program.
                (None, None) => {}
            }
        }
    }

    pub(crate) fn code(&mut self, path: &str, value: &str) {
        match table::by_path(path) {
            Some(index) => {
                let name = SETTINGS[index].paths().find(|known| *known == path);
                let name = name.unwrap_or(SETTINGS[index].path);
                self.push(Value { index, text: value.to_owned(), source: Source::Code, name });
            }
            None => self.problems.push(Problem {
                source: Source::Code,
                name: path.to_owned(),
                expected: "a setting".into(),
                found: Some(path.to_owned()),
                nearest: table::nearest(path),
            }),
        }
    }
}

fn parse_file(path: &Path, text: &str) -> Result<Node, FormatMistake> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        #[cfg(feature = "yaml")]
        Some("yaml" | "yml") => crate::yaml::parse(text),
        #[cfg(feature = "toml")]
        Some("toml") => crate::toml_file::parse(text),
        _ => {
            let _ = text;
            let expected =
                "a name that ends in .yaml, .yml or .toml, and that feature of the crate";
            Err(FormatMistake { line: 1, column: 1, expected: expected.into() })
        }
    }
}
