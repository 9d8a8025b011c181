//! Names and values from logs, and names of files, as people see them: none forges another field or message.
use std::fs;
use std::process::Command;

fn ringseal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringseal"))
}

#[test]
fn no_name_forges_a_field_or_hides() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rows = [
        (r#""event":"e","ip=10.0.0.1 user":"root""#, r#"e "ip=10.0.0.1 user"=root"#),
        (r#""event":"e","a\tb":1"#, r#"e "a\tb"=1"#),
        (r#""event":"e","a b":1"#, r#"e "a b"=1"#),
        (r#""event":"e","a\u0062":1"#, "e ab=1"),
        (r#""event":"e","":1"#, r#"e ""=1"#),
        (r#""event":"e user=root","k":1"#, r#""e user=root" k=1"#),
        (r#""event":"[ERROR   ] e","k":1"#, r#""[ERROR   ] e" k=1"#),
        (r#""event":"User registered","k":1"#, "User registered k=1"),
        ("\"event\":\"e\u{2028}f\",\"k\":\"a\u{200b}b\u{feff}\"", "e\\u2028f k=a\\u200bb\\ufeff"),
        ("\"event\":\"e\",\"k\":\"a\u{a0}admin\"", "e k=\"a\u{a0}admin\""),
        ("\"event\":\"e\",\"k\u{202e}\":\"\u{e0041}\"", "e k\\u202e=\\udb40\\udc41"),
    ];
    for (fields, shown) in rows {
        let line =
            format!("{{\"timestamp\":\"2026-11-22T15:09:20Z\",\"level\":\"info\",{fields}}}\n");
        fs::write(dir.path().join("app.log"), line).expect("to write");
        let output = ringseal().arg("cat").arg(dir.path()).output().expect("the binary runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(
            text.trim_end(),
            format!("2026-11-22T15:09:20.000Z [INFO    ] {shown}"),
            "{fields}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_file_name_cannot_control_the_terminal() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let name = "a\u{1b}[2J\nringseal: all is well\u{202e}.log";
    for arguments in [&["cat"][..], &["redact"], &["redact", "--check"], &["audit", "verify"]] {
        let output = ringseal().args(arguments).arg(dir.path().join(name)).output();
        let output = output.expect("the binary runs");
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {said:?}");
        assert!(
            !said.lines().any(|line| line.starts_with("ringseal: all")),
            "{arguments:?}: {said}"
        );
        assert!(said.contains("\\u001b[2J"), "{arguments:?}: {said}");
    }
}

fn shown(dir: &std::path::Path, arguments: &[&str]) -> String {
    let mut cat = ringseal();
    cat.arg("cat").args(arguments).arg(dir).env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3");
    let output = cat.output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn last_lines_local_times_and_field_tests() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = |number: u32, more: &str| {
        format!(
            "{{\"timestamp\":\"2026-11-22T15:09:0{number}Z\",\"level\":\"info\",\"event\":\"e{number}\"{more}}}\n"
        )
    };
    let text = line(0, "")
        + &line(
            1,
            r#","error":{"type":"io::Error","message":"cannot pay","chain":["no answer"],"stack_hash":"a1"}"#,
        )
        + &line(2, r#","path":"/api/v1/pay""#)
        + &line(3, r#","http":{"status":503},"path":"/api/v2/refund""#);
    fs::write(dir.path().join("app.log"), text).expect("to write");
    let events = |arguments: &[&str]| {
        let text = shown(dir.path(), arguments);
        let name = |line: &str| line.split_whitespace().nth(3).unwrap_or_default().to_owned();
        text.lines().map(name).collect::<Vec<_>>().join(" ")
    };
    for (arguments, expected) in [
        (&["--last", "2"][..], "e2 e3"),
        (&["-n", "9"], "e0 e1 e2 e3"),
        (&["-n", "0"], ""),
        (&["-n", "1", "--field", "path"], "e3"),
        (&["--field", "path"], "e2 e3"),
        (&["--field", "error"], "e1"),
        (&["--field", "http.status~=5*"], "e3"),
        (&["--field", "path~=/api/*/pay"], "e2"),
        (&["--field", "path~=pay"], ""),
        (&["--field", "path=/api/v1/pay"], "e2"),
    ] {
        assert_eq!(events(arguments), expected, "{arguments:?}");
    }
    let error = shown(dir.path(), &["--local", "--field", "error"]);
    assert_eq!(
        error.trim_end(),
        "2026-11-22T16:09:01.000+01:00 [INFO    ] e1 error=\"cannot pay: no answer\" error.type=io::Error"
    );
}
