//! Keysets for the tokens of ringseal from HashiCorp Vault or OpenBao.
//!
//! ```no_run
//! use ringseal_redact::token::FieldType;
//! use ringseal_vault::{VaultConfig, VaultKeys};
//!
//! # fn main() -> Result<(), ringseal_vault::VaultError> {
//! let config = VaultConfig::new("https://vault.example.com:8200", "secret/data/pii/token-keyset")
//!     .app_role("/run/pii/role-id", "/run/pii/secret-id")
//!     .env("prod");
//! let vault = VaultKeys::open(&config)?; // its thread refreshes the keys until it is dropped
//! let token = vault.keys().tokenize("user@example.com", FieldType::Email); // ptok:v1:…
//! # Ok(())
//! # }
//! ```
//!
//! [`from_env`] reads the same settings from `PII_` variables ([`VaultConfig::from_variables`] lists them). An engine
//! takes the handle with `Config::tokens(Tokens::shared(vault.keys()))`.
//!
//! A login with AppRole gets a token, which is replaced 60 s before its lease ends; tokens are never renewed, because
//! batch tokens cannot be. A keyset is the text `data.data.keyset` of a secret of KV version 2, in the format of keyset
//! files.
//!
//! Promises: a start without a usable keyset is an error. Afterwards any failure is counted ([`VaultKeys::status`]),
//! and the last valid keyset stays in use. The thread `ringseal-vault` waits for the network; making tokens never does.
//! The reveal keyset is read only if it is configured. Role ids, secret ids, tokens and keysets are overwritten after
//! use, except copies inside of the TLS library and of the kernel, and are in no error, `Debug` or log.
mod config;
mod error;
mod json;
mod keys;
mod path;
mod server;
mod session;
mod source;

pub use config::VaultConfig;
pub use error::{Operation, VaultError};
pub use keys::{VaultKeys, VaultStatus};

/// Opens the keys that the process's environment configures; `None` if `PII_PROVIDER` is not `vault`.
///
/// ```no_run
/// // Keep the value as long as the engine: dropping it ends the refreshes.
/// let vault = ringseal_vault::from_env()?;
/// let keys = vault.as_ref().map(|vault| vault.keys());
/// # Ok::<(), ringseal_vault::VaultError>(())
/// ```
///
/// # Errors
/// If a setting is missing or invalid, or as [`VaultKeys::open`].
pub fn from_env() -> Result<Option<VaultKeys>, VaultError> {
    VaultConfig::from_env()?.as_ref().map(VaultKeys::open).transpose()
}
