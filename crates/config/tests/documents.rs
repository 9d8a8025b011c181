//! What follows from the table of settings is in the repository as the table says. `RINGSEAL_UPDATE_DOCUMENTS=1` writes
//! the files anew.
use std::path::Path;

use ringseal_config::{Composer, generate};

#[test]
fn documents_follow_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documents = [
        ("docs/settings.md", generate::settings_page()),
        ("docs/observability.schema.json", generate::json_schema()),
        (".env.example", generate::dotenv_example()),
        ("configs/observability.yaml", generate::yaml_example()),
    ];
    for (name, text) in documents {
        let path = root.join(name);
        if std::env::var_os("RINGSEAL_UPDATE_DOCUMENTS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{name}: write it anew with RINGSEAL_UPDATE_DOCUMENTS=1");
    }
}

/// A document of examples with its examples switched on.
fn switched_on(text: &str) -> String {
    let switched = text.lines().map(|line| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        match rest.strip_prefix("# ") {
            Some(example) if is_example(example) => format!("{indent}{example}"),
            _ => line.to_owned(),
        }
    });
    switched.collect::<Vec<_>>().join("\n")
}

/// `key: value` or `NAME=value`, and not a sentence.
fn is_example(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(0);
    let rest = &text[end..];
    let is_default = text.starts_with("Default:");
    end > 0 && !is_default && (rest.starts_with(": ") || rest.starts_with('='))
}

#[test]
fn examples_of_documents_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (file, dotenv) = (dir.path().join("o.yaml"), dir.path().join(".env"));
    std::fs::write(&file, switched_on(&generate::yaml_example())).unwrap();
    std::fs::write(&dotenv, switched_on(&generate::dotenv_example())).unwrap();
    for composer in [Composer::new().file(&file), Composer::new().dotenv(&dotenv)] {
        let error = composer.compose().map(|_| ()).err();
        let problems = error.as_ref().map_or(&[][..], |error| error.problems());
        // Examples name files that are not there, and parts that this build may lack.
        let others: Vec<String> = problems
            .iter()
            .filter(|problem| {
                let name = problem.name.to_ascii_lowercase();
                let is_file =
                    ["signing", "redact", "pii", "audit"].iter().any(|part| name.contains(part));
                !is_file && !problem.expected.contains("a build of")
            })
            .map(ToString::to_string)
            .collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}

#[test]
fn schema_is_json_and_has_every_setting() {
    let schema: serde_json::Value = serde_json::from_str(&generate::json_schema()).unwrap();
    for setting in ringseal_config::SETTINGS {
        let pointer: String =
            setting.path.split('.').map(|part| format!("/properties/{part}")).collect();
        let found = schema.pointer(&pointer).unwrap_or_else(|| panic!("{}", setting.path));
        assert_eq!(found["description"], setting.doc);
    }
}
