//! Each example runs and prints what `tests/examples/NAME.txt` holds, with times and ids of a run replaced.
//!
//! `cargo test` builds the examples before it runs this. After a change of an example:
//!
//! ```text
//! cargo build --examples && UPDATE_EXAMPLES=1 cargo test --test examples_print
//! ```
use std::path::{Path, PathBuf};
use std::process::Command;

/// The example's program, in the directory of the profile that this test was built with.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples").join(name)
}

/// Replaces what differs between two runs.
fn normalised(text: &str) -> String {
    let rules = [
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r#""(run_id|redact_rules)":"[^"]*""#, r#""$1":"ID""#),
        (r#""thread":\d+"#, r#""thread":0"#),
        (r#"file:[^",]*/ringseal-[a-z]+-\d+"#, "file:DIR"),
        (r" +\n", "\n"),
    ];
    rules.iter().fold(text.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

fn check(name: &str) {
    let program = program(name);
    assert!(program.exists(), "{} is missing: run `cargo build --examples`", program.display());
    let mut command = Command::new(program);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("LOG_") {
            command.env_remove(variable);
        }
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let found = normalised(&String::from_utf8_lossy(&output.stdout));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/examples/{name}.txt"));
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "example {name} prints something else than {}", path.display());
}

#[test]
fn basic_prints_the_expected_lines() {
    check("basic");
}

#[test]
fn custom_sink_prints_the_expected_lines() {
    check("custom_sink");
}

#[test]
fn sampling_prints_the_expected_lines() {
    check("sampling");
}

#[test]
fn several_outputs_prints_the_expected_lines() {
    check("several_outputs");
}

#[test]
#[cfg(feature = "audit")]
fn audit_prints_the_expected_lines() {
    check("audit");
}
