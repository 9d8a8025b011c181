//! No secrets in the repository: runs `ringseal redact --check` over its files.
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that contain made-up secrets and personal data: a path or its beginning, and the reason. All others must be
/// clean.
const SAMPLES: &[(&str, &str)] = &[
    ("crates/redact/src/", "examples of what is found, beside the detectors that find it"),
    ("src/testing/", "canaries, and texts of the leak search"),
    ("src/writer/redaction/", "texts that its tests redact"),
    ("crates/base/src/value/", "texts that its tests wrap"),
    ("src/engine/", "examples of rules in the documentation"),
    ("src/writer/stderr.rs", "a password that standard error must mask"),
    ("crates/audit/src/catalogue/tests.rs", "a list of names"),
    (
        "crates/audit/src/verify/tests/format_1/",
        "logs in base64, with keys for secrets in their entries",
    ),
    ("crates/cli/src/token/", "an address that its tests make tokens of"),
    ("proptest-regressions/", "texts that properties have failed on"),
    ("docs/audit-format.md", "a key `name` whose value is a file"),
    ("docs/tokens.md", "addresses that become tokens"),
    ("Cargo.toml", "a feature called `tokens`, and its list of dependencies"),
    ("crates/redact/Cargo.toml", "a feature called `tokens`, and its list of dependencies"),
    ("src/encode/layout/tests/profiles.rs", "an address in a line of a document"),
    ("src/lib.rs", "an example in the documentation"),
    ("tests/nothing_secret_reaches_a_sink.rs", "secrets that must not arrive"),
    ("tests/", "secrets that tests log"),
    ("benches/", "texts for measuring redaction"),
    ("examples/", "data that an example logs"),
    ("fuzz/src/", "texts for fuzzing redaction"),
    ("crates/cli/src/redact/", "texts that its tests filter"),
    ("crates/cli/src/demo/", "a secret that the demo plants"),
    ("crates/cli/src/doctor/", "made-up data that must not be shown"),
    ("crates/cli/src/events/docs.rs", "the words for a secret in a table"),
    ("crates/cli/tests/", "texts that these tests filter"),
    ("crates/config/Cargo.toml", "a feature called `tokens`, and its list of dependencies"),
    ("crates/config/src/tests", "keys and passwords that must not be shown"),
    (".env.example", "names of settings that are paths of secrets"),
    ("crates/http/", "passwords and tokens that must not be shown"),
    ("crates/metrics/tests/", "addresses that must not arrive"),
    ("crates/vault/", "keys and addresses that must not be shown"),
    ("crates/tower/src/url.rs", "a password that must not be shown"),
    ("crates/tower/tests/", "secrets that must not arrive"),
    ("crates/tracing/tests/", "secrets and addresses that its tests log"),
    ("docs/redaction.md", "examples of what is found"),
    ("README.md", "examples of what is found"),
];

/// Kinds of files with results and settings, which are always checked.
const ALWAYS_CHECKED: &[&str] = &[".jsonl", ".lock", ".yml", ".svg", ".sh", ".py"];

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

/// The files that git tracks, or none without git.
fn tracked(root: &Path) -> Vec<String> {
    let output = Command::new("git").arg("-C").arg(root).args(["ls-files", "-z"]).output();
    let Ok(output) = output else { return Vec::new() };
    let text = String::from_utf8(output.stdout).expect("names in UTF-8");
    // A file that was removed may still be tracked.
    let names = text.split('\0').filter(|name| root.join(name).is_file());
    names.map(str::to_owned).collect()
}

/// Runs the check over `files`; returns whether it passes, and its messages.
fn check(root: &Path, files: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.current_dir(root).args(["redact", "--check", "--findings-max", "50"]);
    let output = command.args(files).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    (output.status.success(), said)
}

fn is_excused(name: &str) -> bool {
    SAMPLES.iter().any(|(start, _)| name.starts_with(start))
        && !ALWAYS_CHECKED.iter().any(|end| name.ends_with(end))
}

#[test]
fn only_the_listed_files_contain_secrets() {
    let root = root();
    let names = tracked(&root);
    let (_, files): (Vec<&str>, Vec<&str>) =
        names.iter().map(String::as_str).partition(|name| is_excused(name));
    if files.is_empty() {
        return eprintln!("not a git repository: nothing was checked");
    }
    let (is_clean, said) = check(&root, &files);
    assert!(is_clean, "{said}");
}

#[test]
fn the_check_finds_every_canary() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for canary in ringseal::testing::canaries(7) {
        let file = format!("{}.txt", canary.name);
        std::fs::write(dir.path().join(&file), format!("a line\n{}\n", canary.prose))
            .expect("room");
        let (is_clean, said) = check(dir.path(), &[&file]);
        assert!(!is_clean && said.contains(&format!("{file}:")), "{canary:?}: {said}");
        assert!(!said.contains(&canary.secret), "{canary:?}");
    }
}
