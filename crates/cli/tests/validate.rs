//! `ringseal validate`, run as a process.
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const GOOD: &str = r#"{"@timestamp":"2026-01-31T10:00:00.000Z","log.level":"info","message":"m","ecs.version":"1.12.0"}"#;

fn ringseal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringseal"))
}

fn validate(path: &Path) -> Output {
    ringseal().arg("validate").arg(path).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn a_problem_names_file_line_and_field() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("app.log");
    fs::write(&path, format!("{GOOD}\n{{\"error\":\"x\"}}\n")).expect("to write");
    for of in [path.as_path(), dir.path()] {
        let output = validate(of);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let place = format!("{}:2: error: expected an object", path.display());
        assert!(said.contains(&place) && said.contains(", found \"x\"\n"), "{said}");
        assert!(said.ends_with("4 problems in 1 line of 2, in 1 file\n"), "{said}");
    }
}

#[test]
fn lines_that_fit_are_counted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("app.log"), format!("{GOOD}\n{GOOD}\n")).expect("to write");
    let sealed = fs::File::create(dir.path().join("app.log.000001.gz")).expect("to create");
    let mut gzip = flate2::write::GzEncoder::new(sealed, flate2::Compression::fast());
    writeln!(gzip, "{GOOD}").expect("to write");
    gzip.finish().expect("to write");
    let output = validate(dir.path());
    assert_eq!(said(&output), "3 lines in 2 files fit ECS 1.12.0\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn standard_input_is_read() {
    let mut child = ringseal()
        .args(["validate", "--format", "ecs", "--problems-max", "1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("a pipe");
    writeln!(input, "not JSON\n\n{GOOD}").expect("to write");
    drop(input);
    let output = child.wait_with_output().expect("to wait");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("standard input:1: the line: expected one JSON object, found "),
        "{said}"
    );
    assert!(said.contains("1 problem in 1 line of 2, in 1 file"), "{said}");
}

#[test]
fn what_cannot_be_read_is_no_success() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(validate(dir.path()).status.code(), Some(2), "a directory without logs");
    assert_eq!(validate(&dir.path().join("none.log")).status.code(), Some(2), "a missing file");
    let output = ringseal().args(["validate", "--format", "xml", "-"]).output();
    assert_eq!(output.expect("the binary runs").status.code(), Some(2), "an unknown format");
}

#[test]
fn lines_of_the_demo_fit() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let dir = guard.path().join("logs");
    let mut demo = ringseal();
    demo.args(["demo", "--seconds", "0.3", "--dir"]).arg(&dir).env("LOG_FORMAT", "ecs");
    let demo = demo.output().expect("the binary runs");
    assert_eq!(demo.status.code(), Some(0), "{}", said(&demo));
    let output = validate(&dir);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).ends_with(" fit ECS 1.12.0\n"), "{}", said(&output));
}

/// The problems of lines against a taxonomy, without the file's name.
fn problems(taxonomy: &str, lines: &str, options: &[&str]) -> (Option<i32>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let (log, page) = (dir.path().join("app.log"), dir.path().join(taxonomy));
    std::fs::write(&log, lines).unwrap();
    let text = match taxonomy {
        "events.json" => {
            r#"{"event_types": {"UPLOAD_FAILED": ["tracker", "meta.reason"], "BUILT_OK": ["asin|title"]}}"#
        }
        "events.md" => {
            "| Event Type | Required Fields |\n|---|---|\n| UPLOAD_FAILED | `tracker`, `meta.reason` |\n| BUILT_OK | `asin` or `title` |\n"
        }
        _ => {
            "domain_events! { names: any;\n event A = \"UPLOAD_FAILED\", Error, version 1 { tracker: &'static str; meta.reason: u8; }\n event B = \"BUILT_OK\", Info, version 1 { asin: Option<u8>; title: Option<u8>; require any(asin, title); } }"
        }
    };
    std::fs::write(&page, text).unwrap();
    let mut command = ringseal();
    let output =
        command.arg("validate").args(options).arg("--taxonomy").arg(&page).arg(&log).output();
    let output = output.expect("the binary runs");
    let text = String::from_utf8(output.stdout).unwrap();
    let of_log = |line: &str| line.split_once("app.log:").map(|(_, rest)| rest.to_owned());
    (output.status.code(), text.lines().filter_map(of_log).collect())
}

#[test]
fn events_have_the_fields_of_their_taxonomy() {
    let table = [
        ("complete", r#"{"event":"UPLOAD_FAILED","tracker":"red","meta.reason":3}"#, ""),
        ("nested", r#"{"event":"UPLOAD_FAILED","tracker":"red","meta":{"reason":3}}"#, ""),
        (
            "below extra",
            r#"{"message":"UPLOAD_FAILED","extra":{"tracker":"red","meta":{"reason":3}}}"#,
            "",
        ),
        ("labels", r#"{"message":"UPLOAD_FAILED","labels":{"tracker":"red","meta_reason":3}}"#, ""),
        (
            "one missing",
            r#"{"event":"UPLOAD_FAILED","tracker":"red"}"#,
            "1: meta.reason: expected this field, which UPLOAD_FAILED requires, found none",
        ),
        (
            "null",
            r#"{"event":"UPLOAD_FAILED","tracker":null,"meta.reason":1}"#,
            "1: tracker: expected this field, which UPLOAD_FAILED requires, found none",
        ),
        ("one of two", r#"{"event":"BUILT_OK","title":1}"#, ""),
        (
            "none of two",
            r#"{"event":"BUILT_OK"}"#,
            "1: asin|title: expected this field, which BUILT_OK requires, found none",
        ),
        (
            "type in small letters",
            r#"{"event":"domain","event_type":"built_ok"}"#,
            "1: asin|title: expected this field, which BUILT_OK requires, found none",
        ),
        (
            "unknown type",
            r#"{"event_type":"lost"}"#,
            r#"1: event_type: expected an event type of the taxonomy, found "lost""#,
        ),
        (
            "misspelt",
            r#"{"event":"UPLOAD_FAILD"}"#,
            r#"1: event: expected an event type of the taxonomy (UPLOAD_FAILED?), found "UPLOAD_FAILD""#,
        ),
        ("another event", r#"{"event":"request.completed"}"#, ""),
        ("no event", r#"{"a":1}"#, ""),
    ];
    for taxonomy in ["events.json", "events.md", "events.rs"] {
        for (name, line, problem) in table {
            let (code, found) = problems(taxonomy, line, &[]);
            let expected: Vec<&str> =
                Some(problem).into_iter().filter(|it| !it.is_empty()).collect();
            assert_eq!(found, expected, "{taxonomy}: {name}");
            assert_eq!(code, Some(i32::from(!problem.is_empty())), "{taxonomy}: {name}");
        }
    }
}

#[test]
fn lines_are_checked_against_both() {
    let (code, found) = problems("events.json", r#"{"message":"BUILT_OK"}"#, &["--format", "ecs"]);
    assert_eq!(
        (code, found.len()),
        (Some(1), 4),
        "three fields of the ECS, one of the event: {found:?}"
    );
    let (_, found) = problems("events.json", "{", &[]);
    assert!(found[0].starts_with("1: the line: expected one JSON object"), "{found:?}");
}
