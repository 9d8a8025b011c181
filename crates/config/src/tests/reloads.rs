//! What a running engine takes of another configuration, and what it does not.
use std::path::Path;

use ringseal::{Engine, debug, info};

use crate::{Composed, Composer};

fn composed(dir: &Path, more: &[(&str, &str)]) -> Composed {
    let path = dir.join("app.log").display().to_string();
    let start = Composer::new()
        .host("host-1")
        .set("log.sink", &format!("only:file:{path}"))
        .set("log.format", "json")
        .set("log.level", "info");
    more.iter().fold(start, |composer, (path, value)| composer.set(path, value)).compose().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("app.log")).unwrap();
    let known = ["first", "second", "third", "fourth", "fifth"];
    let named = |name: &&&str| text.contains(&format!("\"event\":\"{name}\""));
    known.iter().filter(named).map(|name| (*name).to_owned()).collect()
}

#[test]
fn levels_rates_and_rules_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let first = composed(dir.path(), &[]);
    let engine = Engine::start(first.config().unwrap().panic_hook(false)).unwrap();
    debug!(engine, "first");
    let second = composed(
        dir.path(),
        &[("log.level", "DEBUG"), ("log.redact.enabled", "off"), ("log.ring_dir", "auto")],
    );
    let reloaded = first.reload(&engine, &second).unwrap();
    assert_eq!(reloaded.applied, ["log.level", "log.redact.enabled"]);
    assert_eq!(reloaded.refused, [("log.ring_dir", "rings are made when the engine starts")]);
    debug!(engine, "second", password = "made-up-Pa55");
    engine.flush().unwrap();
    let third = composed(dir.path(), &[("log.level", "debug"), ("log.sample.levels", "debug=0")]);
    let reloaded = second.reload(&engine, &third).unwrap();
    assert!(reloaded.applied.contains(&"log.sample.levels"), "{reloaded:?}");
    debug!(engine, "third");
    info!(engine, "fourth", password = "made-up-Pa66");
    engine.stop().unwrap();
    assert_eq!(names(dir.path()), ["second", "fourth"]);
    let text = std::fs::read_to_string(dir.path().join("app.log")).unwrap();
    assert!(text.contains("made-up-Pa55") && !text.contains("made-up-Pa66"), "{text}");
}

#[test]
fn other_spellings_are_no_changes() {
    let dir = tempfile::tempdir().unwrap();
    let one = [
        ("environment", "production"),
        ("log.rotation.max_bytes", "10 MiB"),
        ("log.rotation.when", "midnight"),
        ("log.rotation.utc_offset", "+02:00"),
        ("log.schema_version", "1000"),
        ("log.sort_keys", "yes"),
    ];
    let other = [
        ("environment", "PROD"),
        ("log.format", "JSON"),
        ("log.rotation.max_bytes", "10485760"),
        ("log.rotation.when", "Midnight"),
        ("log.rotation.utc_offset", "2"),
        ("log.schema_version", "1_000"),
        ("log.sort_keys", "TRUE"),
    ];
    let (one, other) = (composed(dir.path(), &one), composed(dir.path(), &other));
    let engine = Engine::start(one.config().unwrap().panic_hook(false)).unwrap();
    let reloaded = one.reload(&engine, &other).unwrap();
    assert!(reloaded.applied.is_empty() && reloaded.refused.is_empty(), "{reloaded:?}");
    engine.stop().unwrap();
}

#[cfg(feature = "rules-toml")]
#[test]
fn broken_rules_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.toml");
    std::fs::write(&rules, "").unwrap();
    let path = rules.display().to_string();
    let first = composed(dir.path(), &[("log.redact.rules", &path)]);
    let engine = Engine::start(first.config().unwrap().panic_hook(false)).unwrap();
    let next = composed(dir.path(), &[("log.redact.rules", &path), ("log.level", "debug")]);
    std::fs::write(&rules, "presets = [\"none such\"]\n").unwrap();
    let Err(error) = first.reload(&engine, &next) else { panic!("no error") };
    assert!(error.to_string().contains("LOG_REDACT_RULES"), "{error}");
    debug!(engine, "fifth");
    engine.stop().unwrap();
    assert!(names(dir.path()).is_empty());
}

#[cfg(feature = "vault")]
#[test]
fn reloads_ask_no_server() {
    let dir = tempfile::tempdir().unwrap();
    let vault = [
        ("pii.provider", "vault"),
        ("pii.vault.addr", "https://127.0.0.1:1"),
        ("pii.vault.token_keyset_path", "secret/tk"),
        ("pii.vault.role_id_path", "/none/role"),
        ("pii.vault.secret_id_path", "/none/secret"),
    ];
    let first = composed(dir.path(), &vault);
    let next = composed(dir.path(), &[&vault[..], &[("log.level", "debug")]].concat());
    let config = first.trial_config().unwrap().file(dir.path().join("app.log")).panic_hook(false);
    let engine = Engine::start(config).unwrap();
    assert_eq!(first.reload(&engine, &next).unwrap().applied, ["log.level"]);
    debug!(engine, "first");
    engine.stop().unwrap();
    assert_eq!(names(dir.path()), ["first"]);
}
