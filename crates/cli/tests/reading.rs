//! `cat`, `pipe` and `redact` read the same lines in the same way, whatever precedes them and however they are encoded.
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A made-up secret.
const SECRET: &str = concat!("Hx92kd", "81LmN4");

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // A command that refuses its input closes the pipe early.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).expect("room");
    path
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The lines that `pipe` writes for `input`.
fn piped(options: &[&str], input: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().to_str().expect("UTF-8");
    let output = run(&[&["pipe", "--dir", path], options].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    fs::read_to_string(dir.path().join("app.log")).unwrap_or_default()
}

#[test]
fn redact_keeps_prefix_mark_and_structure() {
    let object = format!("{{\"level\":\"error\",\"pin\":{},\"password\":\"{SECRET}\"}}", 4711);
    let masked = "{\"level\":\"error\",\"pin\":\"***REDACTED***\",\"password\":\"***REDACTED***\"}";
    for prefix in [
        "",
        "\u{feff}",
        "2026-01-01T00:00:00.000000000Z stdout F ",
        "web-1  | ",
        "<14>Jun  1 12:00:00 host app: @cee: ",
        "<165>1 2026-01-01T00:00:00Z host app - - - ",
    ] {
        let output = run(&["redact"], format!("{prefix}{object}\r\n").as_bytes());
        assert_eq!(text(&output.stdout), format!("{prefix}{masked}\r\n"));
        let again = run(&["redact"], &output.stdout);
        assert_eq!(again.stdout, output.stdout);
    }
}

#[test]
fn near_misses_are_json_everywhere() {
    let lines = [
        &br#"{"level":"error","pin":4711,"agent":"Moz \x22q\x22"}"#[..],
        br#"{"level":"error","pin":4711,"dur":NaN}"#,
        br#"{"level":"error","pin":4711,"list":[1,2, ] , }"#,
        br#"{"level":"error","pin":4711,"path":"C:\Users\x"}"#,
        br#"{"level":"error","pin":4711,"cut":"\ud83d"}"#,
        b"{\"level\":\"error\",\"pin\":4711,\"name\":\"caf\xE9\"}",
    ];
    for line in lines {
        let redacted = text(&run(&["redact"], line).stdout);
        assert!(redacted.contains("\"pin\":\"***REDACTED***\""), "{redacted}");
        let event = piped(&[], line);
        assert!(event.contains("\"level\":\"error\"") && !event.contains("\"message\""), "{event}");
        let printed = run(&["cat", "--json", "-"], line).stdout;
        serde_json::from_slice::<serde_json::Value>(&printed).expect("JSON for any reader");
        let shown = text(&run(&["cat", "--level", "error", "-"], line).stdout);
        assert!(shown.contains("[ERROR   ]"), "{shown}");
    }
}

#[test]
fn encoded_input_is_searched_and_keeps_its_encoding() {
    let line = format!("{{\"msg\":\"x\",\"password\":\"{SECRET}\"}}\r\n");
    let masked = line.replace(SECRET, "***REDACTED***");
    for (input, want) in [
        (utf16(&format!("\u{feff}{line}")), utf16(&format!("\u{feff}{masked}"))),
        (utf16(&line), utf16(&masked)),
        (gzip(line.as_bytes()), masked.clone().into_bytes()),
        (gzip(&utf16(&line)), utf16(&masked)),
    ] {
        let output = run(&["redact"], &input);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), text(&want)));
        assert_eq!(run(&["redact", "--check"], &input).status.code(), Some(1));
        assert_eq!(run(&["redact", "--check"], &want).status.code(), Some(0));
        assert!(piped(&[], &input).contains("***REDACTED***"));
        assert!(text(&run(&["cat", "--json", "-"], &input).stdout).contains(SECRET));
    }
}

#[test]
fn what_cannot_be_searched_is_never_clean() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let whole = gzip(format!("password={SECRET}\n").repeat(50).as_bytes());
    let cases: [(&str, &[u8], &str); 5] = [
        ("x.xz", b"\xfd7zXZ\0\0\x04\xe6\xd6", "xz data: unpack it first"),
        ("x.bz2", b"BZh91AY&SY\x12\x34", "bzip2 data: unpack it first"),
        ("x.zip", b"PK\x03\x04\x14\0\0", "a zip archive"),
        ("x.bin", b"\x01\x02\x03\x04\x05\x06\x07\x10\x11\x12\x13\x14", "binary data"),
        ("x.gz", &whole[..whole.len() - 9], "x.gz: "),
    ];
    for (name, bytes, want) in cases {
        let path = write(dir.path(), name, bytes);
        let path = path.to_str().expect("UTF-8");
        for arguments in [&["redact", "--check", path][..], &["redact", path]] {
            let output = run(arguments, b"");
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name}: {said}");
            assert!(said.contains(want), "{said}");
        }
    }
}

#[test]
fn cat_reads_packed_and_wide_files() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let line = "{\"level\":\"warn\",\"ts\":1767366245,\"msg\":\"x\"}\n";
    for bytes in [gzip(line.as_bytes()), utf16(line)] {
        let path = write(dir.path(), "app.log", &bytes);
        let output = run(&["cat", path.to_str().expect("UTF-8")], b"");
        assert_eq!(text(&output.stdout), "2026-01-02T15:04:05.000Z [WARN    ] x\n");
    }
    let path = write(dir.path(), "app.log", b"\xfd7zXZ\0\0\x04\xe6\xd6");
    let output = run(&["cat", path.to_str().expect("UTF-8")], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("found xz data"), "{}", text(&output.stderr));
}

#[test]
fn pipe_masks_keys_that_span_lines() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let mark = |word: &str| format!("-----{word} PRIVATE {}-----", "KEY");
    let key = format!("start\n{}\n{body}\n{body}\n{}\nend\n", mark("BEGIN"), mark("END"));
    let log = piped(&[], key.as_bytes());
    assert!(!log.contains("MIIEvQ") && log.contains("\"message\":\"<private_key>\""), "{log}");
    assert!(log.contains("\"message\":\"end\""), "{log}");
    assert!(piped(&["--no-redact"], key.as_bytes()).contains("MIIEvQ"));
}

#[test]
fn pipe_masks_values_that_span_lines() {
    let dump =
        "User {\n    password: Some(\n        \"hunter2x\",\n    ),\n    n: \"3\",\n}\nend\n";
    let log = piped(&[], dump.as_bytes());
    assert!(!log.contains("hunter2x") && log.contains("***REDACTED***"), "{log}");
    assert!(log.contains("n: \\\"3\\\"") && log.contains("\"message\":\"end\""), "{log}");
    assert!(piped(&["--no-redact"], dump.as_bytes()).contains("hunter2x"));
}

#[test]
fn unknown_levels_survive_sampling() {
    let lines = b"{\"level\":\"loud\",\"msg\":\"a\"}\n{\"level\":12345678,\"msg\":\"b\"}\n{\"msg\":\"c\"}\n";
    let log = piped(&["--sample-levels", "info=0"], lines);
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(log.contains("\"original_level\":\"loud\"") && log.contains("\"level\":\"warn\""));
}

#[test]
fn text_lines_are_filtered_by_their_own_level() {
    let log = "2026-01-02 15:04:05 INFO a\n2026-01-02 15:04:06 ERROR b\n    at c\nJan  2 15:04:07 h app: d\n";
    let output = run(&["cat", "--level", "warn", "-"], log.as_bytes());
    assert_eq!(text(&output.stdout), "2026-01-02 15:04:06 ERROR b\n    at c\n");
    let output = run(
        &["cat", "--since", "2026-01-02T15:04:06Z", "--until", "2026-01-02T15:04:07Z", "-"],
        log.as_bytes(),
    );
    assert_eq!(text(&output.stdout), "2026-01-02 15:04:06 ERROR b\n    at c\n");
}
