//! Why an engine does not start.
use std::fmt;
use std::path::PathBuf;

use super::super::env::EnvError;
use crate::engine::rings::RingDirError;
use crate::sink::SinkError;
use ringseal_redact::RuleError;

/// Why an engine could not be started.
#[non_exhaustive]
pub enum InitError {
    /// A global engine is already running.
    AlreadyInitialised,
    /// A sink cannot be opened.
    Sink(SinkError),
    /// The ring directory is not fit for that, and [`Rings::require`](crate::Rings::require) demands it.
    Rings(RingDirError),
    /// The home of this run cannot be made there.
    Home {
        /// The ring directory.
        dir: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The writer's thread cannot be started.
    Thread {
        /// The system's error.
        source: std::io::Error,
    },
    /// Signals cannot be waited for.
    Signals {
        /// The system's error.
        source: std::io::Error,
    },
    /// An environment variable has an invalid value.
    Env(EnvError),
    /// A setting of [`Config`](crate::Config) has an invalid value.
    Setting {
        /// Its name.
        setting: &'static str,
        /// The valid values.
        expected: &'static str,
        /// The value.
        found: String,
    },
    /// A redaction rule cannot be used.
    Redaction(RuleError),
    /// The keysets of tokens cannot be opened.
    #[cfg(feature = "tokens")]
    Keys(ringseal_redact::token::TokenKeysError),
    /// The audit log cannot be opened.
    #[cfg(feature = "audit")]
    Audit(crate::engine::audit::AuditOpenError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitError::AlreadyInitialised => f.write_str(
                "there is a global engine already; drop its guard first, or use Engine::start",
            ),
            InitError::Sink(error) => error.fmt(f),
            InitError::Rings(error) => error.fmt(f),
            InitError::Home { dir, source } => {
                write!(f, "cannot make the home of this run in {}: {source}", dir.display())
            }
            InitError::Thread { source } => write!(f, "cannot start the writer's thread: {source}"),
            InitError::Signals { source } => write!(f, "cannot wait for signals: {source}"),
            InitError::Env(error) => error.fmt(f),
            InitError::Setting { setting, expected, found } => {
                write!(f, "Config::{setting}: expected {expected}, found {found:?}")
            }
            InitError::Redaction(error) => error.fmt(f),
            #[cfg(feature = "tokens")]
            InitError::Keys(error) => write!(f, "token keys: {error}"),
            #[cfg(feature = "audit")]
            InitError::Audit(error) => error.fmt(f),
        }
    }
}

ringseal_base::debug_by_message!(InitError);

impl std::error::Error for InitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the inner error, so `source` skips it.
            InitError::Sink(error) => error.source(),
            InitError::Env(error) => error.source(),
            InitError::Redaction(error) => error.source(),
            #[cfg(feature = "tokens")]
            InitError::Keys(error) => error.source(),
            #[cfg(feature = "audit")]
            InitError::Audit(error) => error.source(),
            InitError::Home { source, .. }
            | InitError::Thread { source }
            | InitError::Signals { source } => source.source(),
            _ => None,
        }
    }
}

impl From<EnvError> for InitError {
    fn from(error: EnvError) -> Self {
        InitError::Env(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use super::*;
    use crate::sink::file::reader::LogReadError;
    use crate::writer::control::FlushError;

    fn io_error() -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, "the system says no")
    }

    /// What a program prints that ends with this error, or that adds the chain of causes to it.
    #[test]
    fn each_cause_is_printed_once() {
        let sink = || SinkError::io("open", "/logs/app.log".as_ref(), io_error());
        let path = || std::path::PathBuf::from("/logs/app.log");
        let rows: [(&str, Box<dyn Error>); 9] = [
            ("a sink", Box::new(sink())),
            ("a lock", Box::new(SinkError::NotLocked { path: path(), source: io_error() })),
            ("a start with a sink", Box::new(InitError::Sink(sink()))),
            ("a start without a thread", Box::new(InitError::Thread { source: io_error() })),
            ("a start without signals", Box::new(InitError::Signals { source: io_error() })),
            (
                "a start with a variable",
                Box::new(InitError::Env(EnvError {
                    variable: "LOG_FORMAT".into(),
                    found: "the system says no".into(),
                    expected: "json or console".into(),
                })),
            ),
            ("a flush", Box::new(FlushError::Sinks("file: the system says no".into()))),
            (
                "a reader",
                Box::new(LogReadError::Io { action: "open", path: path(), source: io_error() }),
            ),
            ("a gzip file", Box::new(LogReadError::Corrupt { path: path(), source: io_error() })),
        ];
        for (name, error) in rows {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                chain.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            assert_eq!(chain.matches("the system says no").count(), 1, "{name}: {chain}");
            assert_eq!(format!("{error:?}"), error.to_string(), "{name}");
        }
    }
}
