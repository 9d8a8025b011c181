//! Why an engine does not start.
use std::fmt;

use super::super::env::EnvError;
use crate::sink::SinkError;
use ringseal_redact::RuleError;

/// Why an engine could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// A global engine is already running.
    AlreadyInitialised,
    /// A sink cannot be opened.
    Sink(SinkError),
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

impl std::error::Error for InitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display forwards to the inner error, so `source` skips it.
            InitError::Sink(error) => error.source(),
            InitError::Env(error) => error.source(),
            InitError::Redaction(error) => error.source(),
            #[cfg(feature = "tokens")]
            InitError::Keys(error) => Some(error),
            #[cfg(feature = "audit")]
            InitError::Audit(error) => error.source(),
            InitError::Thread { source } | InitError::Signals { source } => Some(source),
            _ => None,
        }
    }
}

impl From<EnvError> for InitError {
    fn from(error: EnvError) -> Self {
        InitError::Env(error)
    }
}
