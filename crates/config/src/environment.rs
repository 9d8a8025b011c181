//! Environments: their names, and the profile of defaults of each.
use std::fmt;

/// Where a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Environment {
    /// A developer's machine.
    Local,
    /// Development.
    Development,
    /// A build server.
    Ci,
    /// Tests.
    Testing,
    /// Before production.
    Staging,
    /// Production.
    Production,
}

/// Names and aliases, in the order of the documents.
pub(crate) const NAMES: &[&str] = &[
    "local",
    "development",
    "dev",
    "ci",
    "testing",
    "test",
    "staging",
    "stage",
    "production",
    "prod",
];

impl Environment {
    /// All, in the order of the documents.
    pub const ALL: [Environment; 6] = [
        Environment::Local,
        Environment::Development,
        Environment::Ci,
        Environment::Testing,
        Environment::Staging,
        Environment::Production,
    ];

    /// The environment of a name or an alias, in any case.
    ///
    /// ```
    /// use ringseal_config::Environment;
    /// assert_eq!(Environment::named("Prod"), Some(Environment::Production));
    /// assert_eq!(Environment::named("qa"), None);
    /// ```
    pub fn named(name: &str) -> Option<Environment> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "local" => Environment::Local,
            "development" | "dev" => Environment::Development,
            "ci" => Environment::Ci,
            "testing" | "test" => Environment::Testing,
            "staging" | "stage" => Environment::Staging,
            "production" | "prod" => Environment::Production,
            _ => return None,
        })
    }

    /// Its name, in full.
    pub const fn as_str(self) -> &'static str {
        match self {
            Environment::Local => "local",
            Environment::Development => "development",
            Environment::Ci => "ci",
            Environment::Testing => "testing",
            Environment::Staging => "staging",
            Environment::Production => "production",
        }
    }

    /// The defaults that it changes: paths and values.
    pub const fn profile(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Environment::Local | Environment::Development => {
                &[("log.level", "debug"), ("log.format", "console")]
            }
            Environment::Ci | Environment::Testing => {
                &[("log.level", "info"), ("log.format", "json"), ("log.color", "false")]
            }
            Environment::Staging | Environment::Production => &[
                ("log.level", "info"),
                ("log.format", "json"),
                ("log.color", "false"),
                ("log.rotation.compress", COMPRESS),
            ],
        }
    }
}

/// Without the feature, sealed files stay plain.
const COMPRESS: &str = if cfg!(feature = "compress") { "true" } else { "false" };

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
