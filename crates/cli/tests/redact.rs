//! `ringseal redact`, through the real binary.
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn ringseal() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.arg("redact");
    command
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = ringseal();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut to = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // It may end before it has read everything.
        let _ = to.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Exit code, standard output, standard error.
fn said(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run(arguments, input.as_bytes());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const LINE: &str = r#"{"event":"x","email":"john@doe.com","note":"card 4111 1111 1111 1111, call (402) 555-1212","token":"ABCDEF1234567890ABCDEF"}"#;

#[test]
fn json_is_masked_by_keys_and_values() {
    let (code, out, err) = said(&[], LINE);
    let want = r#"{"event":"x","email":"<email>","note":"card <card>, call <phone>","token":"***REDACTED***"}"#;
    assert_eq!((code, &*out, &*err), (Some(0), want, ""));
}

/// The keys email, phone and token hold `<email>`, `<phone>`, `<token>`; others `<redacted>`.
#[test]
fn structlog_masks_name_the_class() {
    let line =
        r#"{"email":"ann@example.com","phone":"(402) 555-1212","token":"abcdef","password":"x"}"#;
    let want = r#"{"email":"<email>","phone":"<phone>","token":"<token>","password":"<redacted>"}"#;
    assert_eq!(said(&["--profile", "structlog"], line).1, want);
}

#[test]
fn the_other_profiles_write_their_own_words() {
    let line =
        r#"{"customer_name":"John Doe","email":"user@example.com","amount":100,"api_key":"x"}"#;
    let ecs = r#"{"customer_name":"[PII_REDACTED]","email":"[PII_REDACTED]","amount":100,"api_key":"***REDACTED***"}"#;
    assert_eq!(said(&["--profile", "ecs"], line).1, ecs);
    let line =
        r#"{"monkey":"banana","author":"Ann","password":"x","note":"secret_key=abc123def456"}"#;
    let audit = r#"{"monkey":"banana","author":"Ann","password":"***REDACTED***","note":"secret_key=***REDACTED***"}"#;
    assert_eq!(said(&["--profile", "audit"], line).1, audit);
}

#[test]
fn presets_add_up_and_unknown_ones_fail() {
    let line = r#"{"udf1":"x","msg":"ann@example.com from 10.1.2.3","password":"x"}"#;
    let cases: [(&[&str], &str); 4] = [
        (
            &["--preset", "file_tools"],
            r#"{"udf1":"x","msg":"ann@example.com from 10.1.2.3","password":"***REDACTED***"}"#,
        ),
        (
            &["--preset", "file_tools", "--preset", "default"],
            r#"{"udf1":"x","msg":"<email> from 10.1.2.3","password":"***REDACTED***"}"#,
        ),
        (
            &["--preset", "payments", "--preset", "strict"],
            r#"{"udf1":"[PII_REDACTED]","msg":"<email> from 10.1.2.<ip>","password":"***REDACTED***"}"#,
        ),
        (&[], r#"{"udf1":"x","msg":"<email> from 10.1.2.3","password":"***REDACTED***"}"#),
    ];
    for (presets, want) in cases {
        assert_eq!(said(presets, line).1, want, "{presets:?}");
    }
    for wrong in [["--preset", "defaults"], ["--profile", "none"], ["--rules", "no/such/file"]] {
        let (code, out, err) = said(&wrong, line);
        assert_eq!((code, &*out), (Some(2), ""), "{wrong:?}");
        assert!(err.contains(wrong[1]), "{err}");
    }
}

#[test]
fn user_rules_are_read_and_errors_name_lines() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("rules.toml");
    let path = path.to_str().expect("UTF-8");
    fs::write(
        path,
        "keep = [\"email\"]\n[keys]\nref = \"secret\"\n[literals]\ndb = \"correct-horse\"\n",
    )
    .expect("room");
    let line = r#"{"ref":"a1","msg":"it is correct-horse of ann@example.com"}"#;
    let want = r#"{"ref":"***REDACTED***","msg":"it is ***REDACTED*** of ann@example.com"}"#;
    assert_eq!(said(&["--rules", path], line).1, want);
    fs::write(path, "keep = [\"email\"]\npreset = 1\n").expect("room");
    let (code, out, err) = said(&["--rules", path], line);
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.contains("line 2: preset: expected presets, profile"), "{err}");
    for (rules, want) in [
        ("[literals]\nx=\"\"\n", "line 2: literals.x: expected 4 bytes or more, found 0"),
        ("keep=[\"emial\"]", "line 1: keep: expected secret, token,"),
        ("keep=[\"emial\"]", "name, email, phone,"),
    ] {
        fs::write(path, rules).expect("room");
        let (code, out, err) = said(&["--rules", path], line);
        assert_eq!((code, &*out), (Some(2), ""), "{rules}");
        assert!(err.contains(&format!("{path}: redaction rule ")) && err.contains(want), "{err}");
    }
}

#[test]
fn clean_bytes_are_passed_through() {
    let mut input = b"\xfd\xfc\x00 {\"a\":\x00}\r\n\r\n{\"a\":\"\x00\xff\"}\n".repeat(3000);
    input.extend_from_slice(&[b'x'; 300_000]);
    input.extend_from_slice(b"\nno newline");
    let output = run(&[], &input);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == input);
    let short = run(&["--line-bytes-max", "100KiB"], &input);
    let text = String::from_utf8_lossy(&short.stdout);
    assert!(text.ends_with("\n***REDACTED***\nno newline"));
    assert!(!text.contains("xx"));
}

#[test]
fn the_report_counts_hits_by_rule() {
    let input = format!("{LINE}\n{LINE}\nclean\n");
    let (code, out, err) = said(&["--report"], &input);
    assert_eq!((code, out.lines().count()), (Some(0), 3));
    let rows: Vec<Vec<&str>> = err.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [&["4", "key"][..], &["2", "card"], &["2", "phone_nanp"], &["hits", "rule"]] {
        assert!(rows.iter().any(|found| found == row), "{row:?} in {err}");
    }
    assert!(err.contains("8  in all, in 2 of 3 lines"), "{err}");
    let hash = |err: &str| err.split("rules       ").nth(1).map(|rest| rest[..64].to_owned());
    assert!(hash(&err).is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let (_, _, strict) = said(&["--report", "--preset", "strict"], &input);
    assert_ne!(hash(&strict), hash(&err));
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("room");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn check_names_places_and_rules_not_values() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let a = write(dir.path(), "a.log", &format!("clean\n{LINE}\n"));
    let b = write(dir.path(), "b.log", "one\ntwo\npwd=hunter2");
    let (code, out, err) = said(&["--check", &a, &b], "");
    assert_eq!((code, &*out), (Some(1), ""));
    for place in [format!("{a}:2: key"), format!("{a}:2: phone_nanp, card"), format!("{b}:3: kv")] {
        assert!(err.contains(&place), "{place} in {err}");
    }
    assert!(err.contains("5 values would be masked, in 2 of 5 lines"), "{err}");
    for secret in ["hunter2", "john", "4111", "ABCDEF"] {
        assert!(!err.contains(secret), "{err}");
    }
    let (_, _, few) = said(&["--check", "--findings-max", "1", &a, &b], "");
    assert!(few.lines().count() == 2 && few.contains("(4 not named)"), "{few}");
    let clean = write(dir.path(), "clean.log", "nothing here\n");
    assert_eq!(said(&["--check", &clean], ""), (Some(0), String::new(), String::new()));
}

#[test]
fn check_counts_each_value_as_the_report_does() {
    let text = "ann@example.com, then bob@example.org pwd=hunter2\nbob@example.org\nclean\n";
    let input = format!("{text}{LINE}\n");
    let (code, _, err) = said(&["--check", "--report"], &input);
    assert_eq!(code, Some(1));
    assert!(err.contains("8  in all, in 3 of 4 lines"), "{err}");
    assert!(err.contains("8 values would be masked, in 3 of 4 lines\n"), "{err}");
    let (_, _, few) = said(&["--check", "--findings-max", "1"], &input);
    assert!(few.contains("8 values would be masked, in 3 of 4 lines (5 not named)"), "{few}");
}

#[test]
fn only_lines_past_the_limit_are_masked_whole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (five, most) = ("a".repeat(5_000), "b".repeat(200_000));
    let lines = ["pwd=hunter2 ann@example.com", &five, "short", &most, &five, "fits", &most];
    let path = write(dir.path(), "long.txt", &lines.join("\n"));
    let (code, out, err) = said(&["--line-bytes-max", "1000", &path], "");
    let mask = "***REDACTED***";
    let want = ["pwd=***REDACTED*** <email>", mask, "short", mask, mask, "fits", mask];
    assert_eq!((code, out), (Some(0), want.join("\n")));
    let told: String = [(2, "4.9"), (4, "195.3"), (5, "4.9"), (7, "195.3")]
        .map(|(line, long)| {
            format!("ringseal: {path}:{line}: overrun: {long} KiB long, masked whole\n")
        })
        .concat();
    assert_eq!(err, told);
    let (code, _, err) = said(&["--check", "--line-bytes-max", "1000", &path], "");
    assert_eq!(code, Some(1));
    for line in [2, 4, 5, 7] {
        assert!(err.contains(&format!("{path}:{line}: overrun\n")), "{err}");
    }
    assert!(err.contains("6 values would be masked, in 5 of 7 lines\n"), "{err}");
    // Far too many to name.
    let (_, _, err) = said(&["--line-bytes-max", "1"], &"long\n".repeat(50));
    assert!(err.lines().count() == 21 && err.contains("overrun: 30 more lines"), "{err}");
}

#[test]
fn unreadable_files_fail_and_others_are_read() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let fine = write(dir.path(), "fine.log", "pwd=hunter2\n");
    let missing = dir.path().join("missing.log");
    let missing = missing.to_str().expect("UTF-8");
    let (code, out, err) = said(&[missing, &fine], "");
    assert_eq!((code, &*out), (Some(2), "pwd=***REDACTED***\n"));
    assert!(err.contains("missing.log"), "{err}");
    let (code, _, _) = said(&["--check", missing, &fine], "");
    assert_eq!(code, Some(2), "an error outweighs findings");
}

#[test]
fn each_line_is_written_at_once() {
    let mut child =
        ringseal().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut to = child.stdin.take().expect("a pipe");
    let mut from = BufReader::new(child.stdout.take().expect("a pipe"));
    for _ in 0..3 {
        to.write_all(b"pwd=hunter2\n").expect("it reads");
        let mut line = String::new();
        from.read_line(&mut line).expect("it writes");
        assert_eq!(line, "pwd=***REDACTED***\n");
    }
    drop(to);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_closed_output_is_not_a_failure() {
    let mut child = ringseal()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let mut to = child.stdin.take().expect("a pipe");
    // It ends at the first line that it cannot pass on.
    let _ = to.write_all(&b"pwd=hunter2\n".repeat(100_000));
    drop(to);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
