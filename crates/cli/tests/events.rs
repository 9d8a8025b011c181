//! `ringseal events`: the examples' declarations are described, and a page that is not current is found.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn events(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    command
        .arg("events")
        .args(arguments)
        .current_dir(repository)
        .output()
        .expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn examples_have_a_schema() {
    let output = events(&["schema", "examples"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let built = &schema["$defs"]["TORRENT_BUILT_SUCCESS"];
    assert_eq!(built["properties"]["infohash"]["pattern"], "^[0-9A-Fa-f]+$");
    assert_eq!(built["x-ringseal-version"], 1);
}

#[test]
fn page_is_checked_against_sources() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("events.md");
    let page = events(&["docs", "examples"]);
    assert_eq!(page.status.code(), Some(0), "{}", text(&page.stderr));
    std::fs::write(&path, &page.stdout).unwrap();
    let check = || events(&["docs", "examples", "--check", path.to_str().unwrap()]);
    let output = check();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), ""));
    let older = text(&page.stdout).replace("UPLOAD_FAILED", "UPLOAD_BROKEN");
    std::fs::write(&path, older).unwrap();
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("differs from what the sources say"));
}

#[test]
fn mistakes_and_missing_sources_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("events.rs");
    let wrong =
        "domain_events! {\n    event A = \"A_DONE\", Info, version 1 { a: u8 where even; }\n}";
    std::fs::write(&source, wrong).unwrap();
    let output = events(&["schema", source.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("events.rs:2:55: expected a rule"),
        "{}",
        text(&output.stderr)
    );
    std::fs::write(&source, "fn main() {}").unwrap();
    assert_eq!(events(&["docs", source.to_str().unwrap()]).status.code(), Some(2));
    assert_eq!(events(&["docs", "no/such/dir"]).status.code(), Some(2));
}
