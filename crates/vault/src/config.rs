//! The settings of the provider, from code or from `PII_` variables.
//!
//! | variable | holds | default |
//! |---|---|---|
//! | `PII_PROVIDER` | `vault` | none: not configured |
//! | `PII_ACCESS` | `tokenize` or `full` | `tokenize` |
//! | `PII_ENV` | the environment, which keeps tokens apart | `unknown` |
//! | `PII_VAULT_ADDR` | the server: `https://vault.example.com:8200` | required |
//! | `PII_VAULT_ROLE_ID_PATH` | the file with the role id | required |
//! | `PII_VAULT_SECRET_ID_PATH` | the file with the secret id | required |
//! | `PII_VAULT_TOKEN_KEYSET_PATH` | the token keyset: `secret/data/platform/pii/token-keyset` | required |
//! | `PII_VAULT_REVEAL_KEYSET_PATH` | the reveal keyset; read with `full` only | required with `full` |
//! | `PII_VAULT_CACERT_PATH` | a PEM file with the authority to trust | the system's roots |
//! | `PII_VAULT_TIMEOUT` | seconds for a request | `10` |
//! | `PII_VAULT_NAMESPACE` | the namespace, sent as `X-Vault-Namespace` | none |
//! | `PII_VAULT_AUTH_MOUNT` | the mount of AppRole | `approle` |
//! | `PII_REFRESH_SECONDS` | seconds between two reads of the keysets | `300` |
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::VaultError;

/// The settings of a provider.
///
/// ```
/// use ringseal_vault::VaultConfig;
/// let config = VaultConfig::new("https://vault.example.com:8200", "secret/data/pii/token-keyset")
///     .app_role("/run/pii/role-id", "/run/pii/secret-id")
///     .env("prod");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultConfig {
    pub(crate) address: String,
    pub(crate) role_id: PathBuf,
    pub(crate) secret_id: PathBuf,
    pub(crate) token_keyset: String,
    pub(crate) reveal_keyset: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) namespace: Option<String>,
    pub(crate) auth_mount: String,
    pub(crate) env: String,
    pub(crate) timeout: Duration,
    pub(crate) refresh_every: Duration,
}

impl VaultConfig {
    /// Access `tokenize` with the keyset at this path of KV version 2: `mount/name` or `mount/data/name`.
    pub fn new(address: &str, token_keyset: &str) -> VaultConfig {
        VaultConfig {
            address: address.to_owned(),
            role_id: "/run/secrets/vault-role-id".into(),
            secret_id: "/run/secrets/vault-secret-id".into(),
            token_keyset: token_keyset.to_owned(),
            reveal_keyset: None,
            ca_file: None,
            namespace: None,
            auth_mount: "approle".to_owned(),
            env: "unknown".to_owned(),
            timeout: Duration::from_secs(10),
            refresh_every: Duration::from_secs(300),
        }
    }

    /// Sets the files of role id and secret id. They are read at each login, so that they can be replaced.
    #[must_use]
    pub fn app_role(
        mut self,
        role_id: impl AsRef<Path>,
        secret_id: impl AsRef<Path>,
    ) -> VaultConfig {
        self.role_id = role_id.as_ref().to_owned();
        self.secret_id = secret_id.as_ref().to_owned();
        self
    }

    /// Sets access `full` with the reveal keyset at this path.
    #[must_use]
    pub fn reveal_keyset(mut self, path: &str) -> VaultConfig {
        self.reveal_keyset = Some(path.to_owned());
        self
    }

    /// Trusts the authorities of this PEM file instead of those of the system.
    #[must_use]
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> VaultConfig {
        self.ca_file = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> VaultConfig {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Sets the mount of AppRole, `approle` by default.
    #[must_use]
    pub fn auth_mount(mut self, mount: &str) -> VaultConfig {
        self.auth_mount = mount.to_owned();
        self
    }

    /// Sets the environment of the tokens.
    #[must_use]
    pub fn env(mut self, env: &str) -> VaultConfig {
        self.env = env.to_owned();
        self
    }

    /// Sets the time for a request, 10 s by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> VaultConfig {
        self.timeout = timeout;
        self
    }

    /// Sets the time between two reads of the keysets, 300 s by default; each one differs by up to 10 %.
    #[must_use]
    pub fn refresh_every(mut self, every: Duration) -> VaultConfig {
        self.refresh_every = every;
        self
    }

    /// Reads the process's environment; `None` if `PII_PROVIDER` is not `vault`.
    ///
    /// # Errors
    /// If a setting is missing or invalid.
    pub fn from_env() -> Result<Option<VaultConfig>, VaultError> {
        VaultConfig::from_variables(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// Reads settings through `variable`; tests pass their own.
    ///
    /// # Errors
    /// As [`VaultConfig::from_env`].
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<VaultConfig>, VaultError> {
        let read = |name: &str| {
            let value = variable(name).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        if !read("PII_PROVIDER").is_some_and(|name| name.eq_ignore_ascii_case("vault")) {
            return Ok(None);
        }
        let required = |variable: &'static str, expected| {
            read(variable).ok_or_else(|| wrong(variable, expected, "nothing"))
        };
        let address = required("PII_VAULT_ADDR", "the server's address")?;
        let keyset = required("PII_VAULT_TOKEN_KEYSET_PATH", "the path of the token keyset")?;
        let role_id = required("PII_VAULT_ROLE_ID_PATH", "the file with the role id")?;
        let secret_id = required("PII_VAULT_SECRET_ID_PATH", "the file with the secret id")?;
        let mut config = VaultConfig::new(&address, &keyset).app_role(role_id, secret_id);
        let is_full = match read("PII_ACCESS").as_deref() {
            None | Some("tokenize") => false,
            Some("full") => true,
            Some(_) => return Err(wrong("PII_ACCESS", "tokenize or full", "another word")),
        };
        if is_full {
            let path = required("PII_VAULT_REVEAL_KEYSET_PATH", "a path, as PII_ACCESS=full")?;
            config = config.reveal_keyset(&path);
        }
        config.ca_file = read("PII_VAULT_CACERT_PATH").map(PathBuf::from);
        config.namespace = read("PII_VAULT_NAMESPACE");
        config.auth_mount = read("PII_VAULT_AUTH_MOUNT").unwrap_or(config.auth_mount);
        config.env = read("PII_ENV").unwrap_or(config.env);
        let (timeout, every) = ("PII_VAULT_TIMEOUT", "PII_REFRESH_SECONDS");
        if let Some(text) = read(timeout) {
            config.timeout = seconds(timeout, &text, 300, "1 to 300 seconds")?;
        }
        if let Some(text) = read(every) {
            config.refresh_every = seconds(every, &text, 86_400, "1 to 86400 seconds")?;
        }
        Ok(Some(config))
    }
}

fn wrong(variable: &'static str, expected: &'static str, found: &str) -> VaultError {
    VaultError::Setting { variable, expected, found: found.to_owned() }
}

fn seconds(
    variable: &'static str,
    text: &str,
    max: u64,
    expected: &'static str,
) -> Result<Duration, VaultError> {
    let seconds = text.parse().ok().filter(|seconds| (1..=max).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| wrong(variable, expected, "something else"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<VaultConfig>, VaultError> {
        VaultConfig::from_variables(|name| {
            let found = pairs.iter().rev().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const MINIMAL: [(&str, &str); 5] = [
        ("PII_PROVIDER", "vault"),
        ("PII_VAULT_ADDR", "https://v:8200"),
        ("PII_VAULT_ROLE_ID_PATH", "/r"),
        ("PII_VAULT_SECRET_ID_PATH", "/s"),
        ("PII_VAULT_TOKEN_KEYSET_PATH", "secret/data/tk"),
    ];

    #[test]
    fn variables_make_settings() {
        let expected = VaultConfig::new("https://v:8200", "secret/data/tk").app_role("/r", "/s");
        assert_eq!(read(&MINIMAL).expect("valid"), Some(expected.clone()));
        let all = [
            ("PII_ACCESS", "full"),
            ("PII_VAULT_REVEAL_KEYSET_PATH", "secret/rk"),
            ("PII_VAULT_CACERT_PATH", "/ca.pem"),
            ("PII_VAULT_NAMESPACE", "team"),
            ("PII_VAULT_AUTH_MOUNT", "roles"),
            ("PII_ENV", "prod"),
            ("PII_VAULT_TIMEOUT", "3"),
            ("PII_REFRESH_SECONDS", "60"),
        ];
        let expected = expected.reveal_keyset("secret/rk").ca_file("/ca.pem").namespace("team");
        let expected = expected.auth_mount("roles").env("prod").timeout(Duration::from_secs(3));
        let expected = expected.refresh_every(Duration::from_secs(60));
        assert_eq!(read(&[&MINIMAL[..], &all].concat()).expect("valid"), Some(expected));
        let unused = [&MINIMAL[..], &[("PII_VAULT_REVEAL_KEYSET_PATH", "secret/rk")]].concat();
        let config = read(&unused).expect("valid").expect("vault");
        assert_eq!(config.reveal_keyset, None, "access is tokenize");
    }

    #[test]
    fn each_wrong_setting_is_named() {
        for name in [None, Some("file"), Some("")] {
            let pairs: Vec<_> = name.iter().map(|name| ("PII_PROVIDER", *name)).collect();
            assert_eq!(read(&pairs).expect("not vault"), None);
        }
        for (variable, value) in [
            ("PII_VAULT_ADDR", ""),
            ("PII_VAULT_ROLE_ID_PATH", " "),
            ("PII_VAULT_SECRET_ID_PATH", ""),
            ("PII_VAULT_TOKEN_KEYSET_PATH", ""),
            ("PII_ACCESS", "s3cret"),
            ("PII_VAULT_TIMEOUT", "0"),
            ("PII_VAULT_TIMEOUT", "s3cret"),
            ("PII_REFRESH_SECONDS", "86401"),
        ] {
            let pairs = [&MINIMAL[..], &[(variable, value)]].concat();
            let error = read(&pairs).expect_err(variable).to_string();
            assert!(error.starts_with(variable) && !error.contains("s3cret"), "{error}");
        }
        let full = [&MINIMAL[..], &[("PII_ACCESS", "full")]].concat();
        let error = read(&full).expect_err("no path").to_string();
        assert!(error.starts_with("PII_VAULT_REVEAL_KEYSET_PATH"), "{error}");
    }
}
