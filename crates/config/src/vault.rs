//! Tokens whose keys are in HashiCorp Vault or OpenBao.
use std::fmt;
use std::sync::{Arc, Mutex};

use ringseal::redact::token::TokenKeys;
use ringseal::redact::{HitKind, Tokenize};
use ringseal_vault::{VaultConfig, VaultError, VaultKeys};

use crate::compose::Composed;
use crate::error::Problem;
use crate::source::Source;
use crate::table::SETTINGS;

/// Keys that are refreshed as long as the engine lives that has them.
pub(crate) struct Keys {
    keys: Arc<TokenKeys>,
    /// Its drop ends the refreshes. Never locked: it only has to be kept.
    _vault: Mutex<VaultKeys>,
}

impl Keys {
    /// Logs in and reads the keysets.
    pub(crate) fn open(config: &VaultConfig) -> Result<Keys, VaultError> {
        VaultKeys::open(config).map(|vault| Keys { keys: vault.keys(), _vault: Mutex::new(vault) })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Tokenize for Keys {
    fn token(&self, kind: HitKind, value: &[u8], out: &mut Vec<u8>) -> bool {
        self.keys.token(kind, value, out)
    }
}

/// The settings of the provider; `None` without it.
pub(crate) fn config_of(composed: &Composed) -> Result<Option<VaultConfig>, VaultError> {
    VaultConfig::from_variables(|name| {
        let setting = SETTINGS.iter().find(|setting| setting.variable == name)?;
        composed.get(setting.path).map(str::to_owned)
    })
}

/// An error of the provider, at the setting that it is about.
pub(crate) fn problem_of(composed: &Composed, error: &VaultError) -> Problem {
    let (variable, expected) = match error {
        VaultError::Setting { variable, expected, .. } => (*variable, (*expected).to_owned()),
        other => ("PII_PROVIDER", format!("keysets from the server ({other})")),
    };
    let setting = SETTINGS.iter().find(|setting| setting.variable == variable);
    let source = setting.and_then(|setting| composed.source(setting.path)).cloned();
    // Of a setting that is missing, the provider is the reason.
    let source = source.or_else(|| composed.source("pii.provider").cloned());
    Problem {
        source: source.unwrap_or(Source::Default),
        name: setting.map_or(variable, |setting| setting.path).to_owned(),
        expected,
        found: None,
        nearest: None,
    }
}
