//! Errors of the provider. No error contains a token, a role id, a secret id, a keyset or a body of a response.
use std::fmt;
use std::io;

use ringseal_http::{Error as HttpError, SetupError};
use ringseal_redact::token::TokenKeysError;

/// The request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// The AppRole login.
    Login,
    /// Reading the token keyset.
    ReadTokenKeyset,
    /// Reading the reveal keyset.
    ReadRevealKeyset,
}

impl Operation {
    /// The operation in words.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Login => "the AppRole login",
            Operation::ReadTokenKeyset => "reading the token keyset",
            Operation::ReadRevealKeyset => "reading the reveal keyset",
        }
    }
}

/// A provider that cannot start or refresh its keysets.
#[non_exhaustive]
pub enum VaultError {
    /// A setting has an invalid value.
    Setting {
        /// The variable.
        variable: &'static str,
        /// The valid values.
        expected: &'static str,
        /// What was found, without the value where it could be a secret.
        found: String,
    },
    /// The server's address or the file of the authority cannot be used.
    Setup(SetupError),
    /// The file of the role id or the secret id cannot be read.
    Credential {
        /// The file.
        file: String,
        /// What was expected of it.
        expected: &'static str,
        /// The system's error, if there is one.
        source: Option<io::Error>,
    },
    /// The server could not be reached, or did not answer in time.
    Http {
        /// The request.
        operation: Operation,
        /// Why.
        source: HttpError,
    },
    /// The role id or the secret id is wrong, expired or used up.
    LoginRefused {
        /// The status: 400 or 403.
        status: u16,
    },
    /// The policy of the role does not allow to read the path; a new login changed nothing.
    Denied {
        /// The request.
        operation: Operation,
        /// The path.
        path: String,
    },
    /// There is no secret at the path, or its current version was deleted.
    NotFound {
        /// The request.
        operation: Operation,
        /// The path.
        path: String,
    },
    /// The server is sealed, a standby node, overloaded or failing.
    Unavailable {
        /// The request.
        operation: Operation,
        /// The status: 429, 472, 473, 500 to 599.
        status: u16,
    },
    /// A status that is not expected.
    Status {
        /// The request.
        operation: Operation,
        /// The status.
        status: u16,
    },
    /// The response does not have the expected form.
    Response {
        /// The request.
        operation: Operation,
        /// The part of the response that is missing or different.
        expected: &'static str,
    },
    /// No keyset was read yet.
    NoKeyset,
    /// The handle cannot be made.
    Keys(TokenKeysError),
    /// The thread cannot be started.
    Thread(io::Error),
}

impl VaultError {
    /// Whether only a change of configuration helps: a refused login, a denied path, no secret at the path.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            VaultError::LoginRefused { .. }
                | VaultError::Denied { .. }
                | VaultError::NotFound { .. }
        )
    }
}

/// What a status of [`VaultError::Unavailable`] means.
fn meaning(status: u16) -> &'static str {
    match status {
        429 => "too many requests, or a standby node",
        472 => "a secondary of disaster recovery",
        473 => "a performance standby",
        503 => "sealed or in maintenance",
        _ => "the server fails",
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VaultError::Setting { variable, expected, found } => {
                write!(f, "{variable}: expected {expected}, found {found}")
            }
            VaultError::Setup(error) => error.fmt(f),
            VaultError::Credential { file, expected, source: Some(error) } => {
                write!(f, "{file}: expected {expected}, found {error}")
            }
            VaultError::Credential { file, expected, source: None } => {
                write!(f, "{file}: expected {expected}, found something else")
            }
            VaultError::Http { operation, source } => write!(f, "{}: {source}", operation.name()),
            VaultError::LoginRefused { status } => write!(
                f,
                "the AppRole login is refused with status {status}: the role id or the secret id is wrong, expired or \
                 used up (write a new secret id to its file)"
            ),
            VaultError::Denied { operation, path } => write!(
                f,
                "{} is denied with status 403: the role's policy does not allow to read {path}",
                operation.name()
            ),
            VaultError::NotFound { operation, path } => write!(
                f,
                "{}: expected a secret of KV version 2 at {path}, found none (status 404)",
                operation.name()
            ),
            VaultError::Unavailable { operation, status } => {
                write!(f, "{}: status {status}, {}", operation.name(), meaning(*status))
            }
            VaultError::Status { operation, status } => {
                write!(f, "{}: expected status 200, found {status}", operation.name())
            }
            VaultError::Response { operation, expected } => {
                write!(
                    f,
                    "{}: expected {expected} in the response, found something else",
                    operation.name()
                )
            }
            VaultError::NoKeyset => f.write_str("no keyset was read yet"),
            VaultError::Keys(error) => error.fmt(f),
            VaultError::Thread(error) => {
                write!(f, "cannot start the thread ringseal-vault: {error}")
            }
        }
    }
}

ringseal_base::debug_by_message!(VaultError);

impl std::error::Error for VaultError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause; the type of the client's error is worth reaching.
            VaultError::Http { source, .. } => Some(source),
            VaultError::Keys(error) => error.source(),
            _ => None,
        }
    }
}

impl From<SetupError> for VaultError {
    fn from(error: SetupError) -> VaultError {
        VaultError::Setup(error)
    }
}
