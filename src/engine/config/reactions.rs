//! The signals that an engine reacts to.

/// What is done on signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::engine) enum Reactions {
    #[default]
    None,
    /// Reopen on SIGHUP.
    Hangup,
    /// The same, and drain on SIGTERM and SIGINT.
    All,
}
