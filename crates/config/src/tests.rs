//! The readers, the composition and its errors, as tables.
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Composed, Composer, ConfigError, Environment, Kind, SETTINGS};

mod literals;
mod readers;
mod reloads;
mod sources;

/// A composer of files in a directory and of variables.
struct Sources {
    dir: TempDir,
    composer: Composer,
}

impl Sources {
    fn new() -> Self {
        let composer = Composer::new().host("host-1");
        Self { dir: tempfile::tempdir().unwrap(), composer }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn file(mut self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.write(name, text);
        self.composer = self.composer.file(path);
        self
    }

    fn dotenv(mut self, text: impl AsRef<[u8]>) -> Self {
        let path = self.write(".env", text);
        self.composer = self.composer.dotenv(path);
        self
    }

    fn variables(mut self, pairs: &[(&str, &str)]) -> Self {
        let pairs: HashMap<String, String> =
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.composer = self.composer.variables(move |name| pairs.get(name).cloned());
        self
    }

    /// The problems, with the directory left out.
    fn problems(&self) -> Vec<String> {
        let Err(error) = self.composer.compose() else { return Vec::new() };
        let dir = format!("{}/", self.dir.path().display());
        error.problems().iter().map(|problem| problem.to_string().replace(&dir, "")).collect()
    }

    fn compose(&self) -> Composed {
        self.composer.compose().unwrap_or_else(|error| panic!("{error}"))
    }
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn later_sources_win_and_shadow() {
    let sources = Sources::new()
        .file("o.yaml", "environment: staging\nlog:\n  level: warn\n  format: ecs\n")
        .dotenv("LOG_LEVEL=error\nLOG_FORMAT=console\n")
        .variables(&[("LOG_LEVEL", "trace")]);
    let composed = sources.compose();
    assert_eq!(composed.get("log.level"), Some("trace"));
    assert_eq!(composed.get("log.format"), Some("console"));
    let explained =
        composed.explain().to_string().replace(&*sources.dir.path().to_string_lossy(), "");
    let row = explained.lines().find(|line| line.starts_with("log.level ")).unwrap();
    let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        row,
        "log.level = trace environment LOG_LEVEL (shadows /.env:1:11 error; /o.yaml:3:10 warn; profile staging info; \
         default info)"
    );
    let code = sources.composer.clone().set("log.level", "debug").compose().unwrap();
    assert_eq!(code.source("log.level").unwrap().as_str(), "code");
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn three_environments_by_four_sources() {
    let golden = "\
        development/profile: debug console console|\
        development/file: warn ecs console|\
        development/dotenv: error json console|\
        development/environment: trace structlog dual|\
        testing/profile: info json console|\
        testing/file: warn ecs console|\
        testing/dotenv: error json console|\
        testing/environment: trace structlog dual|\
        production/profile: info json console|\
        production/file: warn ecs console|\
        production/dotenv: error json console|\
        production/environment: trace structlog dual";
    let mut found = Vec::new();
    for environment in ["development", "testing", "production"] {
        for source in ["profile", "file", "dotenv", "environment"] {
            let mut sources = Sources::new();
            let mut variables = vec![("ENVIRONMENT", environment)];
            if source != "profile" {
                sources = sources.file("o.toml", "[log]\nlevel = \"warn\"\nformat = \"ecs\"\n");
            }
            if matches!(source, "dotenv" | "environment") {
                sources = sources.dotenv("LOG_LEVEL=error\nLOG_FORMAT=JSON\n");
            }
            if source == "environment" {
                variables.extend([
                    ("LOG_LEVEL", "trace"),
                    ("LOG_FORMAT", "structlog"),
                    ("LOG_HANDLER", "Dual"),
                ]);
            }
            let composed = sources.variables(&variables).compose();
            composed.config().unwrap();
            let value = |path| composed.get(path).unwrap().to_lowercase();
            let values = [value("log.level"), value("log.format"), value("log.handler")].join(" ");
            found.push(format!("{environment}/{source}: {values}"));
        }
    }
    assert_eq!(found.join("|"), golden);
}

#[test]
fn aliases_name_environments_and_never_change_tokens() {
    let table = [
        ("dev", Environment::Development),
        ("Test", Environment::Testing),
        ("stage", Environment::Staging),
        ("PROD", Environment::Production),
        ("local", Environment::Local),
        (" ci ", Environment::Ci),
    ];
    for (name, environment) in table {
        let sources = Sources::new().variables(&[("ENVIRONMENT", name), ("PII_ENV", "prod")]);
        let composed = sources.compose();
        assert_eq!(composed.environment(), environment, "{name}");
        assert_eq!(composed.get("pii.env"), Some("prod"));
    }
    let wrong = Sources::new().variables(&[("ENVIRONMENT", "qa")]);
    assert!(
        wrong.problems()[0].starts_with("environment: ENVIRONMENT: expected local, development")
    );
    assert_eq!(Sources::new().compose().environment(), Environment::Development);
}

#[test]
fn files_that_are_none_are_problems() {
    let sources = Sources::new();
    let missing = sources.dir.path().join("none.yaml");
    let composer = Composer::new().file(&missing).dotenv(sources.dir.path());
    let Err(error) = composer.compose() else { panic!("no error") };
    let texts: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    assert!(texts[0].contains("none.yaml:1:1: expected this file, found \"none\""), "{texts:?}");
    assert!(texts[1].contains("expected a regular file, found \"a directory\""), "{texts:?}");
    Composer::new().file_if_present(&missing).dotenv_if_present(&missing).compose().unwrap();
    let not_utf8 = Sources::new().file("o.yaml", b"log:\n  level: \xff\n");
    assert_eq!(not_utf8.problems(), ["o.yaml:2:10: expected UTF-8, found \"the byte 0xff\""]);
    let ini = Sources::new().file("o.ini", "a=b");
    assert!(ini.problems()[0].contains("expected a name that ends in .yaml, .yml or .toml"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.yaml");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let Err(error) = Composer::new().file(&path).compose() else { panic!("no error") };
    assert!(error.to_string().contains("expected a regular file"), "{error}");
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn all_problems_come_at_once() {
    let sources = Sources::new()
        .file("o.yaml", "log:\n  lvel: warn\n  handler: syslog\n  format: xml\n")
        .dotenv("LOG_SAMPLE_SUCCESS=2\nnonsense\n")
        .variables(&[("LOG_LEVEL", "loud"), ("LOG_COLOR", "blue")]);
    let problems = sources.problems();
    for part in [
        "o.yaml:2:3: log.lvel",
        "o.yaml:3:12: log.handler",
        "o.yaml:4:11: log.format",
        ".env:1:20: LOG_SAMPLE_SUCCESS",
        ".env:2:9: expected NAME=value, with `=` after the name",
        "environment: LOG_LEVEL: ",
        "environment: LOG_COLOR: ",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(part)),
            "{part} in {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 7, "{problems:#?}");
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn pasted_keys_are_shown_nowhere() {
    let key = "c2VjcmV0LWtleS1wYXN0ZWQ";
    let text = format!(
        "log:\n  audit_log: logs/audit\n  audit:\n    signing:\n      enabled: true\n      key: {key}\n"
    );
    let sources = Sources::new().file("o.yaml", text);
    let problems = sources.problems().join("\n");
    assert!(
        problems.contains("log.audit.signing.key: expected the path of a directory"),
        "{problems}"
    );
    assert!(!problems.contains(key), "{problems}");
    let off = format!("log:\n  audit:\n    signing:\n      key: {key}\n");
    let composed = Sources::new().file("o.yaml", off).compose();
    let shown = format!("{}{}", composed.explain(), composed.explain().to_json());
    assert!(shown.contains("***") && !shown.contains(key), "{shown}");
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn toml_has_places_and_tables() {
    let text = "environment = \"prod\"\n[log]\nlevel = [\"info\", \"hyper=warn\"]\n[log.rotation]\nmax_bytes = 10_485_760\nbackups = 5\ncompres = true\n";
    let problems = Sources::new().file("o.toml", text).problems();
    assert_eq!(
        problems,
        [
            "o.toml:7:1: log.rotation.compres: expected a setting, found \"log.rotation.compres\"; did you mean \
          `log.rotation.compress`?"
        ]
    );
    let composed = Sources::new().file("o.toml", text.replace("compres = true\n", "")).compose();
    assert_eq!(composed.get("log.level"), Some("info,hyper=warn"));
    assert_eq!(composed.source("log.rotation.backups").unwrap().place().unwrap().line, 6);
    composed.config().unwrap();
    let twice = Sources::new().file("o.toml", "[log]\nlevel = \"a\"\nlevel = \"b\"\n").problems();
    assert!(twice[0].starts_with("o.toml:3:1: expected TOML ("), "{twice:?}");
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn settings_of_two_files_are_refused() {
    let sources = Sources::new()
        .file("a.yaml", "log:\n  level: warn\n")
        .file("b.toml", "[log]\nlevel = \"info\"\n");
    assert!(sources.problems()[0].contains("expected each setting in one file; it is also at"));
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn every_setting_is_read_from_every_source() {
    for setting in SETTINGS {
        // A directory of keys must exist, and some values need others.
        if setting.path.starts_with("pii.")
            || setting.path.starts_with("log.audit")
            || setting.path == "log.redact.rules"
        {
            continue;
        }
        let needs_feature = setting.path == "log.rotation.compress" && !cfg!(feature = "compress");
        if needs_feature {
            continue;
        }
        let parts: Vec<&str> = setting.path.split('.').collect();
        let nested = parts.iter().enumerate().fold(String::new(), |text, (depth, part)| {
            let newline = if depth == 0 { "" } else { "\n" };
            format!("{text}{newline}{}{part}:", "  ".repeat(depth))
        });
        let yaml = format!("{nested} \"{}\"\n", setting.example);
        let toml = format!("{} = '{}'\n", setting.path, setting.example);
        let dotenv = format!("export {} = '{}' # comment\n", setting.variable, setting.example);
        let all = [
            Sources::new().file("o.yaml", yaml),
            Sources::new().file("o.toml", toml),
            Sources::new().dotenv(dotenv),
            Sources::new().variables(&[(setting.variable, setting.example)]),
        ];
        for sources in all {
            let composed = sources.compose();
            assert_eq!(composed.get(setting.path), Some(setting.example));
            composed.config().unwrap_or_else(|error| panic!("{}: {error}", setting.path));
        }
        let code = Composer::new().set(setting.path, setting.example).compose().unwrap();
        assert_eq!(code.source(setting.path).unwrap().as_str(), "code");
    }
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn order_of_calls_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (file, env) = (dir.path().join("o.yaml"), dir.path().join(".env"));
    std::fs::write(&file, "log:\n  level: warn\n  format: ecs\n").unwrap();
    std::fs::write(&env, "LOG_LEVEL=error\n").unwrap();
    let variables = |name: &str| (name == "LOG_FORMAT").then(|| "json".to_owned());
    let one = Composer::new()
        .host("h")
        .file(&file)
        .dotenv(&env)
        .variables(variables)
        .set("log.color", "no");
    let other = Composer::new()
        .set("log.color", "no")
        .variables(variables)
        .dotenv(&env)
        .file(&file)
        .host("h");
    assert_eq!(one.compose().unwrap(), other.compose().unwrap());
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let composer = one.clone();
            std::thread::spawn(move || composer.compose().unwrap())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), one.compose().unwrap());
    }
}

#[test]
fn process_types_come_from_names_of_programs() {
    let table: [(&[&str], &str); 9] = [
        (&["/usr/bin/shop"], "app"),
        (&["/usr/bin/celery", "-A", "shop", "worker"], "celery"),
        (&["python", "-m", "celery"], "celery"),
        (&["/venv/bin/rq", "worker"], "rq"),
        (&["rqworker.exe"], "rq"),
        (&["shop", "--token", "celery"], "app"),
        (&["shop", "--password=rq"], "app"),
        (&["shop-celery-exporter"], "app"),
        (&[], "app"),
    ];
    for (arguments, expected) in table {
        let arguments = arguments.iter().map(|text| (*text).to_owned());
        let composed = Composer::new().arguments(arguments).compose().unwrap();
        assert_eq!(composed.service_type(), expected, "{composed:?}");
    }
}

#[cfg(not(feature = "vault"))]
#[test]
fn keys_of_a_server_need_the_feature() {
    let composed = Sources::new().variables(&[("PII_PROVIDER", "vault")]).compose();
    let Err(error) = composed.config() else { panic!("no error") };
    assert!(
        error.to_string().contains("a build of ringseal-config with the feature `vault`"),
        "{error}"
    );
}

#[cfg(feature = "vault")]
#[test]
fn keys_of_a_server_need_its_settings() {
    let minimal = [("PII_PROVIDER", "Vault"), ("PII_VAULT_ADDR", "https://127.0.0.1:1")];
    let problems = Sources::new().variables(&minimal).problems();
    assert_eq!(
        problems,
        ["environment: pii.vault.token_keyset_path: expected the path of the token keyset"]
    );
    let all = [
        ("PII_VAULT_TOKEN_KEYSET_PATH", "secret/tk"),
        ("PII_VAULT_ROLE_ID_PATH", "/none/role"),
        ("PII_VAULT_SECRET_ID_PATH", "/none/secret"),
        ("PII_VAULT_TIMEOUT", "1"),
    ];
    let composed = Sources::new().variables(&[&minimal[..], &all].concat()).compose();
    // The server is asked when the engine is made, and not before.
    let Err(error) = composed.config() else { panic!("no server, and no error") };
    assert!(
        error
            .to_string()
            .starts_with("environment: pii.provider: expected keysets from the server"),
        "{error}"
    );
    composed.trial_config().unwrap();
    let wrong = [("PII_VAULT_TIMEOUT", "0")];
    let problems = Sources::new().variables(&[&minimal[..], &all[..3], &wrong].concat()).problems();
    assert!(
        problems[0].starts_with("environment: PII_VAULT_TIMEOUT: expected a whole number"),
        "{problems:?}"
    );
}

#[cfg(all(feature = "yaml", feature = "toml"))]
#[test]
fn explanations_are_valid_json() {
    let sources = Sources::new()
        .file("o.yaml", "log:\n  level: \"a\\\"b=warn\\u0007\"\n  app_log: \"x\\\\y\"\n");
    let Ok(composed) = sources.composer.compose() else { return };
    let rows: serde_json::Value = serde_json::from_str(&composed.explain().to_json()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), SETTINGS.len());
    let row = rows.as_array().unwrap().iter().find(|row| row["setting"] == "log.app_log").unwrap();
    assert_eq!((row["line"].as_u64(), row["value"].as_str()), (Some(3), Some("x\\y")));
    assert_eq!(row["shadows"][0]["source"], "default");
    let short = composed.explain().without_defaults().to_string();
    assert!(short.lines().count() < SETTINGS.len());
}

#[test]
fn the_table_is_consistent() {
    let mut names = std::collections::BTreeSet::new();
    for setting in SETTINGS {
        assert!(names.insert(setting.path) && names.insert(setting.variable), "{}", setting.path);
        assert!(setting.default.is_some() || !setting.otherwise.is_empty(), "{}", setting.path);
        assert!(crate::check::check(setting.kind, setting.example).is_ok(), "{}", setting.path);
        if let Some(default) = setting.default {
            assert!(crate::check::check(setting.kind, default).is_ok(), "{}", setting.path);
        }
        assert!(!setting.doc.is_empty() && !matches!(setting.kind, Kind::Word([])));
    }
}

#[test]
fn errors_of_the_engine_are_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let path: &Path = &file.join("app.log");
    let Err(error) = crate::setup_logger("shop", path, "INFO", "json", false) else {
        panic!("started")
    };
    assert!(matches!(error, ConfigError::Start(_)) && error.problems().is_empty(), "{error}");
    let Err(error) = crate::setup_logger("shop", path, "LOUD", "json", false) else {
        panic!("started")
    };
    assert!(error.to_string().starts_with("code: log.level: expected trace"), "{error}");
}
