//! Errors of keysets, tokens and their configuration. No error repeats a key, a value or a token: only names, lengths
//! and the expected form.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A keyset that cannot be used or written.
#[non_exhaustive]
pub enum KeysetError {
    /// A file system call failed.
    Io {
        /// The file.
        file: String,
        /// The failed action: `read`, `write`, `lock` …
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// Others can read or change the file.
    Permissions {
        /// The file.
        file: String,
        /// Its permission bits.
        found: u32,
        /// The permission bits that must not be set.
        refused: u32,
    },
    /// The text is not JSON, or does not have the structure of a keyset.
    Syntax {
        /// The origin of the text.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The token that was expected.
        expected: &'static str,
        /// The token that was found.
        found: String,
    },
    /// A field has an invalid value.
    Field {
        /// The origin of the text.
        file: String,
        /// The field: `keys.tk1.alg`.
        field: String,
        /// The valid values.
        expected: String,
        /// The value found; never a key.
        found: String,
    },
    /// The file exists: a keyset is never written over another file.
    Exists {
        /// The file.
        file: String,
    },
    /// The operating system returned no random bytes.
    Random(io::Error),
    /// A [`KeySource`](super::KeySource) outside of this crate has no keyset.
    Source {
        /// The source: `secret/data/pii/token-keyset`.
        origin: String,
        /// The source's error, whose message must not repeat a key. Shared, because a source returns it until it
        /// has a keyset again.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl fmt::Display for KeysetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeysetError::Io { file, action, source } => {
                write!(f, "keyset {file}: cannot {action}: {source}")
            }
            KeysetError::Permissions { file, found, refused } => write!(
                f,
                "keyset {file}: expected a file without permissions {refused:#05o}, found mode \
                 {found:#05o}: others can access the keys (chmod {:o})",
                found & !refused
            ),
            KeysetError::Syntax { file, line, expected, found } => {
                write!(f, "keyset {file}, line {line}: expected {expected}, found {found}")
            }
            KeysetError::Field { file, field, expected, found } => {
                write!(f, "keyset {file}: {field}: expected {expected}, found {found}")
            }
            KeysetError::Exists { file } => {
                write!(f, "keyset {file}: the file exists, and keysets are never overwritten")
            }
            KeysetError::Random(source) => write!(f, "no random bytes for a key: {source}"),
            KeysetError::Source { origin, source } => write!(f, "keyset {origin}: {source}"),
        }
    }
}

ringseal_base::debug_by_message!(KeysetError);

impl std::error::Error for KeysetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause, so `source` skips it.
            KeysetError::Io { source, .. } | KeysetError::Random(source) => source.source(),
            // The caller needs the type of a source's own error, to act on it.
            KeysetError::Source { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// An error of a handle, or of making or revealing a token.
#[non_exhaustive]
pub enum TokenKeysError {
    /// A setting has an invalid value.
    Setting {
        /// The variable.
        variable: &'static str,
        /// The valid values.
        expected: String,
        /// The value found, or `nothing`.
        found: String,
    },
    /// A provider of keysets that this build does not support.
    ProviderUnsupported {
        /// Its name.
        provider: &'static str,
    },
    /// A keyset cannot be used.
    Keyset(KeysetError),
    /// The handle's access does not allow this operation.
    AccessDenied {
        /// `protect` or `reveal`.
        operation: &'static str,
    },
    /// The text is not a `penc:v1:` token.
    NoToken {
        /// The part of a token that is missing or invalid.
        expected: &'static str,
    },
    /// The reveal keyset does not contain the token's key.
    UnknownKey {
        /// The token's key id.
        kid: String,
        /// The key ids of the keyset.
        known: Vec<String>,
    },
    /// The token was not made with this key for this environment and type, or it was changed afterwards.
    NotAuthentic {
        /// The key id.
        kid: String,
        /// The environment in which it should be revealed.
        env: String,
        /// The type under which it should be revealed.
        field: String,
    },
    /// A value too long for AES-GCM.
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// The operating system returned no random bytes for a nonce.
    Random(io::Error),
}

impl fmt::Display for TokenKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenKeysError::Setting { variable, expected, found } => {
                write!(f, "{variable}: expected {expected}, found {found}")
            }
            TokenKeysError::ProviderUnsupported { provider } => write!(
                f,
                "PII_PROVIDER={provider} is not supported here: expected file (the crate ringseal-{provider} reads the \
                 keysets of {provider})"
            ),
            TokenKeysError::Keyset(error) => error.fmt(f),
            TokenKeysError::AccessDenied { operation } => write!(
                f,
                "{operation} is denied: it needs access full (PII_ACCESS=full), and the access \
                 is tokenize"
            ),
            TokenKeysError::NoToken { expected } => {
                write!(f, "not a token that can be revealed: expected {expected}")
            }
            TokenKeysError::UnknownKey { kid, known } => write!(
                f,
                "the token's key {kid} is not in the reveal keyset, which has {}",
                known.join(", ")
            ),
            TokenKeysError::NotAuthentic { kid, env, field } => write!(
                f,
                "the token was not made with key {kid} in environment {env} for type {field}: one \
                 of the three differs, or the token was changed"
            ),
            TokenKeysError::TooLong { found } => {
                write!(f, "expected a value of less than 64 GiB, found {found} bytes")
            }
            TokenKeysError::Random(source) => write!(f, "no random bytes for a nonce: {source}"),
        }
    }
}

ringseal_base::debug_by_message!(TokenKeysError);

impl std::error::Error for TokenKeysError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TokenKeysError::Keyset(error) => error.source(),
            TokenKeysError::Random(source) => source.source(),
            _ => None,
        }
    }
}

impl From<KeysetError> for TokenKeysError {
    fn from(error: KeysetError) -> TokenKeysError {
        TokenKeysError::Keyset(error)
    }
}
