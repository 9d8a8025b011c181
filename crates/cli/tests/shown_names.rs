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
