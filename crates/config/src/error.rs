//! What is wrong with a configuration: all of it at once, each with its place.
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::source::Source;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub source: Source,
    /// The variable, or the path in a file; empty if the file itself cannot be read.
    pub name: String,
    /// What was expected.
    pub expected: String,
    /// What was found; `None` if it is a secret or there is nothing.
    pub found: Option<String>,
    /// What was probably meant.
    pub nearest: Option<&'static str>,
}

impl Problem {
    /// A variable that is almost that of a setting.
    pub(crate) fn unknown_variable(source: Source, name: String, nearest: &'static str) -> Self {
        let (expected, found) = ("the variable of a setting".into(), Some(name.clone()));
        Self { source, name, expected, found, nearest: Some(nearest) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        let is_plain = |c: char| !c.is_control() && c != '\u{2028}' && c != '\u{2029}';
        match self.name.as_str() {
            "" => {}
            name if name.len() <= 80 && name.chars().all(is_plain) => write!(f, "{name}: ")?,
            name => write!(f, "{}: ", Shown(name))?,
        }
        write!(f, "expected {}", self.expected)?;
        if let Some(found) = &self.found {
            write!(f, ", found {}", Shown(&without_password(found)))?;
        }
        if let Some(nearest) = self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

/// A text in quotes, with escapes for what is not printable, cut if it is long.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 80;
        let mut chars = self.0.chars();
        let start: String = chars.by_ref().take(CHARS_MAX).collect();
        write!(f, "{start:?}")?;
        if chars.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// A text in which the user and the password of a URL are masked.
pub(crate) fn without_password(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return Cow::Borrowed(text) };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://***{}", &rest[at..])),
        None => Cow::Borrowed(text),
    }
}

/// Why a configuration cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// Values, keys or files are wrong.
    Problems(Vec<Problem>),
    /// The engine does not start with it.
    Start(ringseal::InitError),
}

impl ConfigError {
    /// What is wrong, in the order of the sources; empty for an error of the engine.
    pub fn problems(&self) -> &[Problem] {
        match self {
            ConfigError::Problems(problems) => problems,
            ConfigError::Start(_) => &[],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Problems(problems) => {
                for (index, problem) in problems.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}{problem}")?;
                }
                Ok(())
            }
            ConfigError::Start(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConfigError::Problems(_) => None,
            ConfigError::Start(error) => Some(error),
        }
    }
}

impl From<ringseal::InitError> for ConfigError {
    fn from(error: ringseal::InitError) -> Self {
        ConfigError::Start(error)
    }
}

/// The largest file that is read.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why a file cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Missing,
    Other {
        expected: String,
        found: String,
        /// Line and column, counted from 1.
        place: (usize, usize),
    },
}

/// Reads a small text file. A byte order mark is left out.
pub(crate) fn read_text(path: &PathBuf) -> Result<String, Unreadable> {
    let other = |expected: &str, found: String| Unreadable::Other {
        expected: expected.into(),
        found,
        place: (1, 1),
    };
    let unreadable = |error: io::Error| other("a readable file", error.to_string());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unreadable::Missing),
        Err(error) => return Err(unreadable(error)),
    };
    // A pipe would block.
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a directory" } else { "something else" };
        return Err(other("a regular file", found.into()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Its length may be wrong, as that of files in /proc, or grow.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(other("a file of at most 1 MiB", "more".into()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        let valid = &bytes[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        let last = valid.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(last).chars().count() + 1;
        let found =
            format!("the byte 0x{:02x}", bytes.get(valid.len()).copied().unwrap_or_default());
        Unreadable::Other { expected: "UTF-8".into(), found, place: (line, column) }
    })
}
