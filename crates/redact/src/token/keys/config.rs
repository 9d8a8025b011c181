//! The settings of a handle: keysets, access, environment; from code or from `PII_` variables.
//!
//! | variable | holds | default |
//! |---|---|---|
//! | `PII_PROVIDER` | `file`; `vault` is for the crate `ringseal-vault`, and an error here | none: not configured |
//! | `PII_ACCESS` | `tokenize` or `full` | `tokenize` |
//! | `PII_ENV` | the environment, which keeps tokens apart | `unknown` |
//! | `PII_TOKEN_KEYSET_PATH` | the token keyset's file | none: required |
//! | `PII_REVEAL_KEYSET_PATH` | the reveal keyset's file; read with `full` only | none: required with `full` |
//! | `PII_REFRESH_SECONDS` | seconds until files are read again even if they look unchanged | `300` |
//! | `PII_KEYSET_GROUP_READABLE` | `1`: the files' group may read them | `0` |

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::TokenKeysError;
use super::handle::Access;

/// The settings of a [`TokenKeys`](super::TokenKeys) handle.
///
/// ```
/// use ringseal_redact::token::{Access, TokenKeysConfig};
/// let config = TokenKeysConfig::new("/run/pii/token-keyset.json").env("prod");
/// assert_eq!(config.access(), Access::Tokenize);
/// let config = config.reveal_keyset("/run/pii/reveal-keyset.json");
/// assert_eq!(config.access(), Access::Full);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKeysConfig {
    pub(super) env: String,
    pub(super) token_keyset: PathBuf,
    pub(super) reveal_keyset: Option<PathBuf>,
    pub(super) reread_every: Duration,
    pub(super) group_readable: bool,
}

impl TokenKeysConfig {
    /// Access [`Access::Tokenize`] with this keyset, in the environment `unknown`.
    pub fn new(token_keyset: impl AsRef<Path>) -> TokenKeysConfig {
        TokenKeysConfig {
            env: "unknown".to_owned(),
            token_keyset: token_keyset.as_ref().to_owned(),
            reveal_keyset: None,
            reread_every: Duration::from_secs(300),
            group_readable: false,
        }
    }

    /// Sets the environment: 1 to 64 bytes without `|`. Tokens of different environments cannot be joined.
    #[must_use]
    pub fn env(mut self, env: &str) -> TokenKeysConfig {
        self.env = env.to_owned();
        self
    }

    /// Sets access [`Access::Full`] with this keyset.
    #[must_use]
    pub fn reveal_keyset(mut self, path: impl AsRef<Path>) -> TokenKeysConfig {
        self.reveal_keyset = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the time after which files are read again even if they look unchanged.
    #[must_use]
    pub fn reread_every(mut self, every: Duration) -> TokenKeysConfig {
        self.reread_every = every;
        self
    }

    /// Sets whether the group of the keyset files may read them, as orchestrators mount secrets for a
    /// process that is not root. Off by default.
    #[must_use]
    pub fn group_readable(mut self, yes: bool) -> TokenKeysConfig {
        self.group_readable = yes;
        self
    }

    /// The access that the handle will have.
    pub fn access(&self) -> Access {
        if self.reveal_keyset.is_some() { Access::Full } else { Access::Tokenize }
    }

    /// Reads the process's environment; `None` if it does not ask for tokens.
    pub fn from_env() -> Result<Option<TokenKeysConfig>, TokenKeysError> {
        TokenKeysConfig::from_variables(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// Reads settings through `variable`; tests pass their own.
    ///
    /// ```
    /// use ringseal_redact::token::TokenKeysConfig;
    /// let vault = |name: &str| (name == "PII_PROVIDER").then(|| "vault".to_owned());
    /// let error = TokenKeysConfig::from_variables(vault).unwrap_err().to_string();
    /// assert!(error.starts_with("PII_PROVIDER=vault is not supported here"));
    /// ```
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<TokenKeysConfig>, TokenKeysError> {
        let read = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let token_keyset = read("PII_TOKEN_KEYSET_PATH");
        match read("PII_PROVIDER").map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            Some("file") => {}
            Some("vault") => return Err(TokenKeysError::ProviderUnsupported { provider: "vault" }),
            Some(other) => return Err(wrong("PII_PROVIDER", "file", &format!("{other:?}"))),
            // An incomplete configuration is an error: ignoring it would redact values that should become tokens.
            None if token_keyset.is_some() => {
                return Err(wrong(
                    "PII_PROVIDER",
                    "file, as PII_TOKEN_KEYSET_PATH is set",
                    NOTHING,
                ));
            }
            None => return Ok(None),
        }
        let Some(token_keyset) = token_keyset else {
            return Err(wrong("PII_TOKEN_KEYSET_PATH", "a file, as PII_PROVIDER=file", NOTHING));
        };
        let mut config = TokenKeysConfig::new(token_keyset);
        if let Some(env) = read("PII_ENV") {
            config = config.env(env.trim());
        }
        if full_access(read("PII_ACCESS"))? {
            let path = read("PII_REVEAL_KEYSET_PATH");
            let expected = "a file, as PII_ACCESS=full";
            let path = path.ok_or_else(|| wrong("PII_REVEAL_KEYSET_PATH", expected, NOTHING))?;
            config = config.reveal_keyset(path);
        }
        if let Some(text) = read("PII_REFRESH_SECONDS") {
            config = config.reread_every(seconds(&text)?);
        }
        if let Some(text) = read("PII_KEYSET_GROUP_READABLE") {
            config = config.group_readable(flag(&text)?);
        }
        config.check()?;
        Ok(Some(config))
    }

    pub(super) fn check(&self) -> Result<(), TokenKeysError> {
        check_env(&self.env)
    }
}

/// Checks an environment. It must not contain `|`, which separates the environment from the type.
pub(super) fn check_env(env: &str) -> Result<(), TokenKeysError> {
    if (1..=64).contains(&env.len()) && !env.contains('|') {
        return Ok(());
    }
    Err(wrong("PII_ENV", "1 to 64 bytes without `|`", &format!("{env:?}")))
}

const NOTHING: &str = "nothing";

fn wrong(variable: &'static str, expected: &str, found: &str) -> TokenKeysError {
    TokenKeysError::Setting { variable, expected: expected.to_owned(), found: found.to_owned() }
}

fn full_access(value: Option<String>) -> Result<bool, TokenKeysError> {
    let Some(name) = value else { return Ok(false) };
    match Access::from_name(name.trim()) {
        Some(access) => Ok(access == Access::Full),
        None => Err(wrong("PII_ACCESS", "tokenize or full", &format!("{name:?}"))),
    }
}

fn seconds(text: &str) -> Result<Duration, TokenKeysError> {
    match text.trim().parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong("PII_REFRESH_SECONDS", "1 to 86400", &format!("{text:?}"))),
    }
}

fn flag(text: &str) -> Result<bool, TokenKeysError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(wrong("PII_KEYSET_GROUP_READABLE", "1 or 0", &format!("{text:?}"))),
    }
}
