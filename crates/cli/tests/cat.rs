//! `ringseal cat`, run as a process.
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const LINES: [&str; 4] = [
    r#"{"timestamp":"2026-11-22T15:09:20.123456Z","level":"info","target":"app","event":"started","run_id":"r","schema_version":1,"seq":1,"port":8080}"#,
    r#"{"timestamp":"2026-11-22T15:09:21.5Z","level":"warn","target":"app","event":"User registered","run_id":"r","schema_version":1,"seq":2,"user_id":"u 7","trace_id":"abc123"}   "#,
    r#"{"timestamp":"2026-11-22T15:09:22Z","level":"error","target":"app","event":"failed","run_id":"r","schema_version":1,"seq":3,"http":{"status":500},"user.id":42,"tags":["a","b"]}"#,
    "not JSON at all",
];

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, lines: &[&str]) -> PathBuf {
        let path = self.path(name);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&path, text).expect("to write");
        path
    }

    fn write_gz(&self, name: &str, lines: &[&str]) {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for line in lines {
            writeln!(gz, "{line}").expect("to compress");
        }
        fs::write(self.path(name), gz.finish().expect("to compress")).expect("to write");
    }
}

fn ringseal() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    command
}

fn cat(arguments: &[&str]) -> Output {
    ringseal().arg("cat").args(arguments).output().expect("the binary runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Standard output of a run that must succeed.
fn shown(arguments: &[&str]) -> String {
    let output = cat(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_default_format_shows_time_level_event_fields() {
    let place = Place::new();
    let path = place.write("app.log", &LINES);
    let expected = "\
2026-11-22T15:09:20.123Z [INFO    ] started target=app port=8080
2026-11-22T15:09:21.500Z [WARN    ] User registered target=app user_id=\"u 7\" trace_id=abc123
2026-11-22T15:09:22.000Z [ERROR   ] failed target=app http={\"status\":500} user.id=42 tags=[\"a\",\"b\"]
not JSON at all
";
    assert_eq!(shown(&[text(&path)]), expected);
    assert!(shown(&["--all", text(&path)]).contains("seq=1"));
}

#[test]
fn raw_and_json_print_lines_without_padding() {
    let place = Place::new();
    let path = place.write("app.log", &LINES);
    let trimmed = |lines: &[&str]| -> String {
        lines.iter().map(|line| format!("{}\n", line.trim())).collect()
    };
    assert_eq!(shown(&["--raw", text(&path)]), trimmed(&LINES));
    let output = cat(&["--json", text(&path)]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), trimmed(&LINES[..3]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "ringseal: skipped lines that are not JSON (--raw shows them): 1\n");
    assert_eq!(cat(&["--json", "--raw", text(&path)]).status.code(), Some(2));
}

/// Standard output and standard error of a run that found something.
fn found(arguments: &[&str]) -> (String, String) {
    let output = cat(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn a_line_of_twenty_million_bytes_is_whole() {
    let place = Place::new();
    let long = "x".repeat(20_000_000);
    let json = format!("{{\"event\":\"{long}\",\"n\":7}}");
    let path = place.write("app.log", &[&long, &json]);
    assert!(shown(&["--raw", text(&path)]) == format!("{long}\n{json}\n"));
    assert!(shown(&["--json", "--field", "n=7", text(&path)]) == format!("{json}\n"));
}

#[test]
fn an_overlong_line_is_reported_never_broken_json() {
    let place = Place::new();
    let long = format!("{{\"level\":\"error\",\"event\":\"{}\"}}", "y".repeat(300));
    place.write("app.log.000001", &[LINES[0], LINES[0]]);
    place.write("app.log", &[LINES[2], &long, LINES[0]]);
    let at = format!("{}:2: longer than 256 B", text(&place.path("app.log")));
    let run = |arguments: &[&str]| {
        let dir = text(place.dir.path());
        found(&[arguments, &["--line-bytes-max", "256", dir]].concat())
    };
    let (out, err) = run(&["--raw"]);
    let beginning = &long[..256];
    let (info, error) = (LINES[0], LINES[2]);
    assert_eq!(out, format!("{info}\n{info}\n{error}\n{beginning}\n{info}\n"));
    assert!(err.contains(&at) && err.contains("only its beginning is shown"), "{err}");
    for (filter, shown) in [
        (&["--json"][..], format!("{info}\n{info}\n{error}\n{info}\n")),
        (&["--json", "--level", "error"], format!("{error}\n")),
        (&["--raw", "--field", "seq=3"], format!("{error}\n")),
    ] {
        let (out, err) = run(filter);
        assert_eq!(out, shown, "{filter:?}");
        assert!(err.contains(&at) && err.contains("not shown"), "{err}");
    }
    // Several logs are read ahead; the reported place is still that of the line.
    place.write("b.log", &[LINES[1]]);
    assert!(run(&["--json"]).1.contains(&at));
    assert_eq!(cat(&["--line-bytes-max", "2GiB", "x"]).status.code(), Some(2));
}

#[test]
fn trailing_blanks_do_not_count_as_length() {
    let place = Place::new();
    let path = place.path("app.log");
    let json = format!("{{\"event\":\"{}\"}}", "y".repeat(219));
    assert_eq!(json.len(), 231);
    // (line, limit, whether it is shown whole)
    let cases = [
        (format!("{json}{}", " ".repeat(2020)), 700, true),
        (format!("{json}{}", " ".repeat(2020)), 231, true),
        (format!("{json}{}", " ".repeat(2020)), 230, false),
        (format!("{json}{}", " ".repeat(4096)), 231, true),
        // More blanks than padding can have: what follows them is not read.
        (format!("{json}{}", " ".repeat(4097)), 231, false),
        (format!("{json}{}x", " ".repeat(4096)), 231, false),
        (format!("{json}{}x", " ".repeat(10)), 231, false),
        ("{\"a\":123}\r".to_owned(), 9, true),
        ("{\"a\":123}\r".to_owned(), 8, false),
    ];
    for (line, limit, is_whole) in cases {
        let what = format!("{} bytes, limit {limit}", line.len());
        for end in ["\n", ""] {
            fs::write(&path, format!("{line}{end}")).expect("to write");
            let limit = limit.to_string();
            for form in ["--raw", "--json"] {
                let arguments = [form, "--line-bytes-max", &limit, text(&path)];
                if is_whole {
                    assert_eq!(shown(&arguments), format!("{}\n", line.trim()), "{what}");
                } else {
                    let (out, err) = found(&arguments);
                    assert!(err.contains(":1: longer than "), "{what}: {err}");
                    assert_eq!(out.is_empty(), form == "--json", "{what}: {out}");
                }
            }
        }
    }
}

#[test]
fn an_overlong_line_is_cut_between_characters() {
    let place = Place::new();
    let path = place.path("app.log");
    let cases: [(&[u8], &str, &[u8]); 6] = [
        ("ééééé".as_bytes(), "3", "é".as_bytes()),
        ("ééééé".as_bytes(), "4", "éé".as_bytes()),
        ("ééééé".as_bytes(), "1", b""),
        ("a\u{1f980}b".as_bytes(), "4", b"a"),
        ("a\u{1f980}b".as_bytes(), "5", "a\u{1f980}".as_bytes()),
        // Not UTF-8: there is no character to keep whole.
        (b"\x80\x80\x80\x80\x80\x80\x80\x80", "5", b"\x80\x80\x80\x80\x80"),
    ];
    for (line, limit, expected) in cases {
        fs::write(&path, [line, b"\n"].concat()).expect("to write");
        let output = cat(&["--raw", "--line-bytes-max", limit, text(&path)]);
        assert_eq!(output.status.code(), Some(1), "{line:?} {limit}");
        assert_eq!(output.stdout, [expected, b"\n"].concat(), "{line:?} {limit}");
    }
}

#[test]
fn filters_select_the_lines_asked_for() {
    let place = Place::new();
    let path = place.write("app.log", &LINES[..3]);
    let cases: [(&[&str], &[usize]); 14] = [
        (&["--level", "warn"], &[1, 2]),
        (&["--level", "CRITICAL"], &[]),
        (&["--since", "2026-11-22T15:09:21Z"], &[1, 2]),
        (&["--until", "2026-11-22T15:09:21Z"], &[0]),
        (&["--since", "2026-11-22"], &[0, 1, 2]),
        (&["--until", "2026-11-22"], &[]),
        (&["--grep", "registered"], &[1]),
        (&["--field", "port=8080"], &[0]),
        (&["--field", "user.id=42"], &[2]),
        (&["--field", "http.status=500"], &[2]),
        (&["--field", "http.status=500", "--field", "seq=3"], &[2]),
        (&["--field", "http.status=404"], &[]),
        (&["--field", "tags=b"], &[2]),
        (&["--field", "user_id=u 7", "--grep", "abc"], &[1]),
    ];
    for (filter, kept) in cases {
        let expected: String = kept.iter().map(|&at| format!("{}\n", LINES[at].trim())).collect();
        let arguments = [filter, &["--json", text(&path)]].concat();
        assert_eq!(shown(&arguments), expected, "{filter:?}");
    }
}

#[test]
fn a_duration_is_counted_back_from_now() {
    let place = Place::new();
    let path = place.write("app.log", &LINES[..1]);
    assert_eq!(shown(&["--json", "--until", "0s", text(&path)]).lines().count(), {
        let now = std::time::SystemTime::now();
        let line_written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_360_161);
        usize::from(now > line_written)
    });
}

#[test]
fn text_lines_follow_the_json_line_before() {
    let place = Place::new();
    let path =
        place.write("app.log", &[LINES[0], "  of info", LINES[2], "  at main.rs:1", LINES[0]]);
    let expected = format!("{}\nat main.rs:1\n", LINES[2]);
    for filter in [["--level", "error"], ["--field", "seq=3"]] {
        assert_eq!(shown(&[&["--raw"], &filter[..], &[text(&path)]].concat()), expected);
    }
    // Each log has its own line before.
    place.write("b.log", &[LINES[1], "of warn"]);
    let both = ["--raw", "--level", "error", text(place.dir.path())];
    assert_eq!(shown(&both), expected);
}

#[test]
fn a_line_without_the_filtered_field_is_hidden() {
    let place = Place::new();
    let bare = r#"{"event":"neither level nor time"}"#;
    let path = place.write("app.log", &["not json line", bare, "after it"]);
    let filters = ["--level=trace", "--level=critical", "--field=level=info"];
    let by_time = ["--since=1970-01-01", "--since=2030-01-01", "--until=2030-01-01"];
    for filter in filters.iter().chain(&by_time) {
        for form in [&[][..], &["--json"], &["--raw"]] {
            let output = cat(&[form, &[filter, text(&path)]].concat());
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && output.stdout.is_empty(), "{filter}");
            assert_eq!(said.contains("their time is missing"), by_time.contains(filter), "{said}");
        }
    }
    assert_eq!(shown(&["--grep", "not json", text(&path)]), "not json line\n");
    let fields = shown(&["--raw", "--field", "event=neither level nor time", text(&path)]);
    assert_eq!(fields, format!("{bare}\nafter it\n"));
}

#[test]
fn a_directory_is_read_oldest_segment_first() {
    let place = Place::new();
    place.write_gz("app.log.000001.gz", &["one"]);
    place.write("app.log.000002", &["two"]);
    place.write("app.log", &["three"]);
    assert_eq!(shown(&[text(place.dir.path())]), "one\ntwo\nthree\n");
    assert_eq!(shown(&[text(&place.path("app.log"))]), "three\n");
    assert_eq!(shown(&["--sealed", text(&place.path("app.log"))]), "one\ntwo\nthree\n");
    assert_eq!(shown(&[text(&place.path("app.log.000001.gz"))]), "one\n");
}

#[test]
fn several_logs_are_merged_by_time() {
    let place = Place::new();
    place.write("a.log", &[LINES[0], "belongs to the first", LINES[2]]);
    place.write("b.log.000001", &[LINES[1]]);
    let both = shown(&["--raw", text(place.dir.path())]);
    let expected =
        format!("{}\nbelongs to the first\n{}\n{}\n", LINES[0], LINES[1].trim(), LINES[2]);
    assert_eq!(both, expected);
}

#[test]
fn colours_need_a_terminal_or_the_option() {
    let place = Place::new();
    let path = place.write("app.log", &LINES);
    assert!(!shown(&[text(&path)]).contains('\x1b'));
    assert!(!shown(&["--color", "never", text(&path)]).contains('\x1b'));
    assert!(shown(&["--color", "always", text(&path)]).contains("\x1b[31mERROR   \x1b[0m"));
}

#[test]
fn control_characters_never_reach_the_output() {
    let place = Place::new();
    let line = r#"{"level":"info","event":"a\u001b[2Jb\nc","k\u0007":"x\u009by"}"#;
    let raw = "{\"level\":\"info\",\"event\":\"e\",\"k\":\"\u{9b}31m\u{202e}\"}";
    let path = place.write("app.log", &[line, raw]);
    let shown = shown(&[text(&path)]);
    assert!(!shown.chars().any(|char| char.is_control() && char != '\n'), "{shown:?}");
    assert!(shown.contains(r"a\u001b[2Jb\nc"), "{shown}");
    assert!(shown.contains(r"\u009b31m\u202e"), "{shown}");
}

#[test]
fn standard_input_is_read_as_a_log() {
    let mut child = ringseal()
        .args(["cat", "--raw", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(b"one\ntwo").expect("to write");
    let output = child.wait_with_output().expect("to end");
    assert_eq!(output.stdout, b"one\ntwo\n");
}

#[test]
fn wrong_usage_and_missing_logs_exit_with_2() {
    let place = Place::new();
    let nothing = place.path("none.log");
    let cases: [&[&str]; 9] = [
        &[],
        &["--level", "off", "x"],
        &["--no-such-option", "x"],
        &["--level", "loud", "x"],
        &["--since", "yesterday", "x"],
        &["--field", "novalue", "x"],
        &["--color", "maybe", "x"],
        &[text(&nothing)],
        &[text(place.dir.path())],
    ];
    for arguments in cases {
        let output = cat(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_empty_time_range_is_wrong_usage() {
    let place = Place::new();
    let path = place.write("app.log", &LINES);
    let path = text(&path);
    for (since, until, expected) in [
        ("2h", "3h", "is after"),
        ("2026-11-23", "2026-11-22", "--since (2026-11-23T00:00:00.000Z) is after --until (2026"),
        ("2026-11-22", "2026-11-22", "equals"),
    ] {
        let output = cat(&["--since", since, "--until", until, path]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]));
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn help_lists_the_accepted_levels() {
    let levels = "trace, debug, info, warn, error";
    let help = String::from_utf8(cat(&["--help"]).stdout).expect("UTF-8");
    let joined = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined.contains(&format!("{levels}, critical")), "{help}");
    let said = String::from_utf8(cat(&["--level", "off", "x"]).stderr).expect("UTF-8");
    assert!(said.contains(&format!("{levels} or critical")), "{said}");
}

#[cfg(unix)]
#[test]
fn following_ends_when_the_reader_closes() {
    let place = Place::new();
    let path = place.write("app.log", &LINES);
    let mut child = ringseal()
        .args(["cat", "-f", text(&path)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    out.read_line(&mut String::new()).expect("a line");
    drop(out);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn unwritable_help_exits_with_2() {
    for arguments in [&["--help"][..], &["--version"], &["cat", "--help"], &["help", "pipe"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let output = ringseal().args(arguments).stdout(full).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("cannot write to standard output"), "{said}");
    }
    assert_eq!(ringseal().arg("--no-such").output().expect("it runs").status.code(), Some(2));
}

#[test]
fn a_damaged_segment_exits_with_1() {
    let place = Place::new();
    fs::write(place.path("app.log.000001.gz"), b"\x1f\x8bnonsense").expect("to write");
    place.write("app.log", &["two"]);
    let output = cat(&[text(place.dir.path())]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"two\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("app.log.000001.gz"));
}

#[test]
fn a_closed_reader_is_not_an_error() {
    let place = Place::new();
    let many = vec![LINES[0]; 20_000];
    let path = place.write("app.log", &many);
    let mut child = ringseal()
        .args(["cat", "--json", text(&path)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    out.read_line(&mut first).expect("a line");
    drop(out);
    let output = child.wait_with_output().expect("to end");
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
}

#[test]
fn following_continues_through_rotations() {
    let place = Place::new();
    let path = place.write("app.log", &["one"]);
    let mut child = ringseal()
        .args(["cat", "-f", "--raw", text(&path)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut next = || {
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        line
    };
    assert_eq!(next(), "one\n");
    for (number, line) in [(1, "two"), (2, "three"), (3, "four")] {
        fs::hard_link(&path, place.path(&format!("app.log.{number:06}"))).expect("to link");
        let prepared = place.write(".app.log.next", &[line]);
        fs::rename(prepared, &path).expect("to rename");
    }
    assert_eq!([next(), next(), next()].concat(), "two\nthree\nfour\n");
    child.kill().expect("to stop it");
    child.wait().expect("to end");
}

#[test]
fn following_a_directory_finds_new_logs() {
    let place = Place::new();
    let mut child = ringseal()
        .args(["cat", "-f", text(place.dir.path())])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    for name in ["a.log", "b.log", "c.log.000001"] {
        place.write(name, &[name]);
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert_eq!(line.trim_end(), name);
    }
    child.kill().expect("to stop it");
    child.wait().expect("to end");
}

#[test]
fn help_has_examples_and_exit_codes() {
    let output = cat(&["--help"]);
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    let output = ringseal().arg("--help").output().expect("the binary runs");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
}
