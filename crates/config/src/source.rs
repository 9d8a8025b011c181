//! Where a value comes from.
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::environment::Environment;

/// A place in a file. Lines and columns are counted from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub file: Arc<PathBuf>,
    /// The line.
    pub line: usize,
    /// The column of the value.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Where a value comes from; later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The table's default.
    Default,
    /// The profile of an environment.
    Profile(Environment),
    /// A configuration file.
    File(Place),
    /// A `.env` file.
    Dotenv(Place),
    /// A variable of the process's environment.
    Environment,
    /// The program itself.
    Code,
}

impl Source {
    /// Sources with a higher rank win.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Source::Default => 0,
            Source::Profile(_) => 1,
            Source::File(_) => 2,
            Source::Dotenv(_) => 3,
            Source::Environment => 4,
            Source::Code => 5,
        }
    }

    /// Sorts by rank and place.
    pub(crate) fn order(&self) -> (u8, Option<(&PathBuf, usize, usize)>) {
        (self.rank(), self.place().map(|place| (&*place.file, place.line, place.column)))
    }

    /// A word for programs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Profile(_) => "profile",
            Source::File(_) => "file",
            Source::Dotenv(_) => "dotenv",
            Source::Environment => "environment",
            Source::Code => "code",
        }
    }

    /// The place, if it is in a file.
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Source::File(place) | Source::Dotenv(place) => Some(place),
            _ => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::Profile(environment) => write!(f, "profile {environment}"),
            Source::File(place) | Source::Dotenv(place) => place.fmt(f),
            Source::Environment => f.write_str("environment"),
            Source::Code => f.write_str("code"),
        }
    }
}
