//! `ringseal pipe`, run as a process: every line is accounted for.
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn ringseal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringseal"))
}

/// Starts `ringseal pipe --dir DIR ARGUMENTS…` with pipes on all sides.
fn start(dir: &Path, arguments: &[&str]) -> Child {
    let mut command = ringseal();
    command.arg("pipe").arg("--dir").arg(dir).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

fn feed(dir: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(dir, arguments);
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).expect("pipe reads to the end"));
        child.wait_with_output().expect("pipe ends")
    })
}

/// Every line of the log files in `dir`, oldest first.
fn raw_lines(dir: &Path) -> Vec<String> {
    let output = ringseal().args(["cat", "--json"]).arg(dir).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

fn lines(dir: &Path) -> Vec<Value> {
    raw_lines(dir).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn assert_fine(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(" 0 cut, 0 lost"), "{said}");
}

/// `ringseal pipe --help`, however wide the terminal is.
fn help() -> String {
    let output = ringseal().args(["pipe", "--help"]).output().expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let logs = dir.path().join("x-logs");
    (dir, logs)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| entry.path());
    named.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.')).collect()
}

#[test]
fn every_line_survives_rotations() {
    let (_guard, dir) = place();
    let mut input = Vec::new();
    for line in 0..6000 {
        match line % 4 {
            0 => writeln!(input, "2026-11-22 15:09:20 ERROR text {line} \u{1}\t\"quoted\" é"),
            1 => writeln!(input, r#"{{"level":"warn","event":"json","n":{line},"x":1.10}}"#),
            2 => input.write_all(b"\xFF\xFE garbage {\"a\": \x00\n"),
            _ => writeln!(input),
        }
        .expect("memory");
    }
    let arguments = ["--rotate-bytes", "100000", "--rotate-every", "never"];
    assert_fine(&feed(&dir, &arguments, &input));
    let lines = lines(&dir);
    assert_eq!(lines.len(), 6000);
    assert!(segments(&dir).len() > 5);
    for (index, line) in lines.iter().enumerate() {
        let (level, message) = match index % 4 {
            0 => {
                let text = format!("2026-11-22 15:09:20 ERROR text {index} \u{1}\t\"quoted\" é");
                ("error", Some(text))
            }
            1 => ("warn", None),
            2 => ("info", Some("\u{FFFD}\u{FFFD} garbage {\"a\": \0".to_owned())),
            _ => ("info", Some(String::new())),
        };
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["target"], "stdin");
        match message {
            Some(message) => assert_eq!(line["message"], message, "line {index}"),
            None => assert_eq!((&line["event"], &line["n"]), (&"json".into(), &index.into())),
        }
    }
    for path in segments(&dir) {
        assert!(fs::metadata(path).expect("a file").len() <= 100_000);
    }
}

#[test]
fn numbers_and_nested_values_stay_as_written() {
    let (_guard, dir) = place();
    let fields = concat!(
        r#""a":1.10,"b":-0,"c":1e400,"d":123456789012345678901234567890123456789012345,"#,
        r#""e":0.1e-2,"f":[1.0,[],{},[[2.50]],"x\u0000\né",null,true],"#,
        r#""g":{"h\"\n":{"":[{"i":-0.0}]}},"j":9007199254740993"#,
    );
    assert_fine(&feed(&dir, &[], format!("{{{fields}}}\n").as_bytes()));
    let [line] = &raw_lines(&dir)[..] else { panic!("one line") };
    let tail = line.rsplit_once("\"schema_version\":1,").expect("the engine's fields first").1;
    let expected: Value = serde_json::from_str(&format!("{{{fields}}}")).expect("JSON");
    let found: Value = serde_json::from_str(&format!("{{{tail}")).expect("JSON");
    assert_eq!(found, expected);
    for spelling in ["1.10", "-0,", "1e400", "0.1e-2", "[1.0,[],{},[[2.50]]", "-0.0"] {
        assert!(tail.contains(spelling), "{spelling} in {tail}");
    }
}

#[test]
fn worst_case_lines_of_maximum_length_fit() {
    const LEN: usize = 1 << 20;
    let numbers = format!("{{\"x\":[{}0]}}", "1,".repeat((LEN - 9) / 2));
    let empty_keys = format!("{{\"x\":[{}0]}}", "{\"\":0},".repeat((LEN - 9) / 7));
    let flat: String = (0..70_000).map(|key| format!("\"{key:x}\":1,")).collect();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(126), "]".repeat(126));
    let cases: [(&str, Vec<u8>); 7] = [
        ("numbers in an array", numbers.into_bytes()),
        ("empty keys", empty_keys.into_bytes()),
        ("many fields", format!("{{{}\"z\":0}}", flat).into_bytes()),
        ("deep", deep.into_bytes()),
        ("bytes that are not UTF-8", vec![0xFF; LEN]),
        ("control characters", vec![1; LEN]),
        ("text", vec![b'x'; LEN]),
    ];
    let (_guard, dir) = place();
    let mut input = Vec::new();
    for (_, line) in &cases {
        assert!(line.len() <= LEN);
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    assert_fine(&feed(&dir, &[], &input));
    let lines = lines(&dir);
    assert_eq!(lines.len(), cases.len());
    for ((case, input), line) in cases.iter().zip(&lines) {
        let text = String::from_utf8_lossy(input);
        match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(fields)) => {
                assert!(fields.iter().all(|(key, value)| &line[key] == value), "{case}");
            }
            _ => assert!(line["message"] == *text, "{case}"),
        }
    }
}

#[test]
fn an_overlong_line_is_cut_with_its_length() {
    let (_guard, dir) = place();
    let output = feed(&dir, &["--line-bytes-max", "10"], b"0123456789\n0123456789abc\nshort");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("1 cut at the limit") && said.contains(" 1 cut, 0 lost"), "{said}");
    assert!(!said.contains("truncated"), "{said}");
    let lines = lines(&dir);
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["0123456789", "0123456789", "short"]);
    let lengths: Vec<_> = lines.iter().map(|line| line.get("original_line_bytes")).collect();
    assert_eq!(lengths, [None, Some(&13.into()), None]);
}

#[test]
fn an_empty_input_is_an_empty_log() {
    let (_guard, dir) = place();
    assert_fine(&feed(&dir, &[], b""));
    assert_eq!(raw_lines(&dir).len(), 0);
}

#[test]
fn a_piped_file_keeps_its_number_of_lines() {
    let (guard, dir) = place();
    let path = guard.path().join("input");
    let text: String = (0..30_000).map(|line| format!("line {line} of a plain text\n")).collect();
    fs::write(&path, text).expect("room");
    let run = |_| {
        let mut command = ringseal();
        command.args(["pipe", "--quiet", "--rotate-bytes", "1000000", "--dir"]).arg(&dir);
        command.stdin(File::open(&path).expect("the file")).output().expect("the binary runs")
    };
    for output in [1, 2].map(run) {
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    }
    let output = ringseal().arg("cat").arg(&dir).output().expect("the binary runs");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 60_000);
    assert!(segments(&dir).len() > 8);
}

#[test]
fn compression_and_retention_work_as_asked() {
    let (_guard, dir) = place();
    let text: String = (0..5000).map(|line| format!("line {line}\n")).collect();
    let rotate = ["--rotate-bytes", "50000", "--compress"];
    assert_fine(&feed(&dir, &rotate, text.as_bytes()));
    assert_eq!(raw_lines(&dir).len(), 5000);
    let paths = segments(&dir);
    let plain = paths.iter().filter(|path| path.extension().is_none_or(|end| end != "gz"));
    assert_eq!((plain.count(), paths.len() > 5), (1, true), "all but the active file: {paths:?}");
    let (_guard, dir) = place();
    let keep = ["--rotate-bytes", "50000", "--keep", "2"];
    assert_fine(&feed(&dir, &keep, text.as_bytes()));
    assert_eq!(segments(&dir).len(), 3);
    let lines = lines(&dir);
    let last = lines.iter().rfind(|line| line["target"] == "stdin").expect("lines");
    assert_eq!(last["message"], "line 4999");
    let removed = lines.iter().filter(|line| line["event"] == "ringseal.segments_removed");
    // Once a minute, and at the end.
    assert!((1..=2).contains(&removed.count()), "what was removed is reported");
}

#[test]
fn every_segment_is_kept_by_default() {
    let (_guard, dir) = place();
    let text: String = (0..5000).map(|line| format!("line {line}\n")).collect();
    assert_fine(&feed(&dir, &["--rotate-bytes", "50000"], text.as_bytes()));
    assert!(segments(&dir).len() > 6, "more than a file sink keeps by default");
    assert_eq!(lines(&dir)[0]["message"], "line 0");
    let help = help();
    for default in ["[default: keep all]", "[default: no limit]", "[default: no age limit]"] {
        assert!(help.contains(default), "{default} in {help}");
    }
}

#[test]
fn fields_are_mapped_as_help_says() {
    let (_guard, dir) = place();
    let input = concat!(
        r#"{"time":"2020-05-01T00:00:00Z","level":30,"msg":"pino","target":"a"}"#,
        "\n",
        r#"{"event":"named","message":"stays"}"#,
    );
    assert_fine(&feed(&dir, &[], input.as_bytes()));
    let lines = lines(&dir);
    assert_eq!(lines[0]["original_timestamp"], "2020-05-01T00:00:00Z");
    assert!(lines[0]["timestamp"].as_str().expect("a time") > "2021");
    assert_eq!((&lines[0]["level"], &lines[0]["event"]), (&"info".into(), &"pino".into()));
    assert_eq!((&lines[0]["original_target"], lines[0].get("msg")), (&"a".into(), None));
    assert_eq!((&lines[1]["event"], &lines[1]["message"]), (&"named".into(), &"stays".into()));
    let count = |filter: &str| {
        let mut cat = ringseal();
        cat.args(["cat", "--json"]).arg(&dir).args(filter.split(' '));
        cat.output().expect("the binary runs").stdout.iter().filter(|b| **b == b'\n').count()
    };
    assert_eq!(count("--until 2021-01-01"), 0, "cat filters by the time of arrival");
    assert_eq!(count("--field original_timestamp=2020-05-01T00:00:00Z"), 1);
    let help = help();
    for word in ["original_timestamp", "original_", "`msg`", "30 info", "time of arrival"] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn an_email_is_masked_unless_rules_keep_it() {
    let input = b"mail from ann@example.com\n{\"email\":\"ann@example.com\"}\n";
    let rules = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(&rules, "keep = [\"email\"]").expect("room");
    let rules = rules.path().to_str().expect("UTF-8");
    for (arguments, written) in [
        (&[][..], "<email>"),
        (&["--no-redact"], "ann@example.com"),
        (&["--rules", rules], "ann@example.com"),
        (&["--profile", "audit"], "***REDACTED***"),
        (&["--profile", "ecs", "--preset", "payments"], "[PII_REDACTED]"),
    ] {
        let (_guard, dir) = place();
        assert_fine(&feed(&dir, arguments, input));
        let lines = lines(&dir);
        assert_eq!(lines[0]["message"], format!("mail from {written}"), "{arguments:?}");
        assert_eq!(lines[1]["email"], written, "{arguments:?}");
    }
}

#[test]
fn sampled_out_lines_are_counted_as_expected() {
    let input =
        "{\"event\":\"a_SUCCESS\"}\n{\"event\":\"b\",\"level\":\"debug\"}\n{\"event\":\"c\"}\n";
    let input = input.repeat(50);
    for (arguments, kept) in [
        (&["--sample-levels", "debug=0"][..], "100 lines"),
        (&["--sample-levels", "debug=0", "--sample-success", "100%"], "100 lines"),
        (&["--sample-levels", "debug=0,info=0"], "0 lines"),
        // The window is longer than the test.
        (&["--sample-limit", "10/24h"], "30 lines"),
    ] {
        let (_guard, dir) = place();
        let output = feed(&dir, arguments, input.as_bytes());
        assert_fine(&output);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(kept) && said.contains("dropped by sampling"), "{said}");
        let names = lines(&dir).into_iter().filter(|line| line["target"] == "stdin");
        assert_eq!(names.count().to_string(), kept.trim_end_matches(" lines"), "{arguments:?}");
    }
}

#[test]
fn wrong_usage_and_open_errors_exit_with_2() {
    let (guard, dir) = place();
    let file = guard.path().join("file");
    fs::write(&file, "x").expect("room");
    for (dir, arguments) in [
        (&dir, ["--rotate-bytes", "much"]),
        (&dir, ["--line-bytes-max", "0"]),
        (&dir, ["--name", "a/b"]),
        (&dir, ["--name", "service"]),
        (&dir, ["--profile", "pink"]),
        (&dir, ["--rules", "no/such/file"]),
        (&dir, ["--no-redact", "--preset=strict"]),
        (&dir, ["--sample-levels", "error=0.5"]),
        (&dir, ["--sample-limit", "many"]),
        (&file, ["--keep", "1"]),
    ] {
        let output = start(dir, &arguments).wait_with_output().expect("pipe ends");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

/// Waits until `dir` holds `count` lines.
fn wait_for_lines(dir: &Path, count: usize) {
    let start = Instant::now();
    let in_place = || {
        let text = fs::read(dir.join("app.log")).unwrap_or_default();
        text.iter().filter(|byte| **byte == b'\n').count()
    };
    while in_place() < count {
        assert!(start.elapsed() < Duration::from_secs(60), "{} of {count} lines", in_place());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn kill(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

#[cfg(unix)]
#[test]
fn a_line_is_written_while_input_stays_open() {
    let (_guard, dir) = place();
    let mut child = start(&dir, &[]);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"first\n").expect("room");
    wait_for_lines(&dir, 1);
    drop(stdin);
    assert_eq!(child.wait().expect("pipe ends").code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_signal_loses_nothing_already_in_the_pipe() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
        let (_guard, dir) = place();
        let mut child = start(&dir, &[]);
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(b"the handlers are in place when this is written\n").expect("room");
        wait_for_lines(&dir, 1);
        for line in 0..2000 {
            writeln!(stdin, "line {line}").expect("room");
        }
        stdin.write_all(b"without a newline").expect("room");
        // The pipe stays open: only the signal can end it.
        kill(&child, signal);
        assert_eq!(child.wait().expect("pipe ends").code(), Some(code));
        drop(stdin);
        let mut said = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
        assert!(said.contains("2002 lines in, 2002 events out"), "{said}");
        let lines = lines(&dir);
        assert_eq!(lines.len(), 2002);
        assert_eq!(lines[2001]["message"], "without a newline");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_endless_input_without_losing_lines() {
    let (_guard, dir) = place();
    let mut child = start(&dir, &["--rotate-bytes", "0"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || while writeln!(stdin, "on and on").is_ok() {});
    wait_for_lines(&dir, 1000);
    kill(&child, "-TERM");
    let output = child.wait_with_output().expect("pipe ends");
    writer.join().expect("the pipe breaks");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{said}");
    assert!(said.contains(&format!("{} lines in", raw_lines(&dir).len())), "{said}");
}

/// A file size limit with its signal ignored simulates a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_retried_until_a_signal() {
    let (_guard, dir) = place();
    let script = r#"trap "" XFSZ; ulimit -f 64; exec "$0" pipe --rotate-bytes 0 --dir "$1""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_ringseal")]).arg(&dir);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the shell runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let text = "a line that will not fit with all the others\n".repeat(3000);
    stdin.write_all(text.as_bytes()).expect("room");
    drop(stdin);
    let mut stderr = child.stderr.take().expect("a pipe");
    let mut said = String::new();
    while !said.contains("waiting") {
        let mut some = [0; 1024];
        let len = stderr.read(&mut some).expect("standard error");
        assert!(len > 0, "ended instead of waiting: {said}");
        said.push_str(&String::from_utf8_lossy(&some[..len]));
    }
    // It still waits after the end of input: only the signal ends it.
    assert!(child.try_wait().expect("a child").is_none());
    kill(&child, "-TERM");
    stderr.read_to_string(&mut said).expect("UTF-8");
    assert_eq!(child.wait().expect("pipe ends").code(), Some(1), "{said}");
    let in_place = raw_lines(&dir).len();
    assert!(in_place > 0 && in_place < 3000);
    assert!(said.contains(&format!("{in_place} are in place")), "{said}");
}

/// Keys that `pipe` makes never replace a field of the line, also when it reads its own output again.
#[test]
fn keys_that_pipe_makes_replace_no_field() {
    let input = concat!(
        r#"{"timestamp":"2020-05-01T00:00:00Z","level":"warn","event":"e","target":"a","original_target":"b","#,
        r#""original_target_2":"c","seq":1,"original_seq":2,"run_id":"r","sample_rate":0.5,"#,
        r#""original_timestamp":"earlier","line_prefix":"p","k":"v"}"#,
        "\n"
    );
    let mut text = format!("<14>1 2021-01-01T00:00:00Z host app - - - {input}");
    let (_dir, logs) = place();
    let mut targets = vec!["a", "b", "c"];
    for round in 0..4 {
        let logs = logs.join(round.to_string());
        let target = ["first", "second", "third", "fourth"][round];
        assert_fine(&feed(&logs, &["--target", target], text.as_bytes()));
        let line = lines(&logs).remove(0);
        let fields = line.as_object().expect("an object");
        let count = |value: &str| fields.values().filter(|found| *found == value).count();
        for value in ["2020-05-01T00:00:00Z", "earlier", "v", "r", "p"].iter().chain(&targets) {
            assert_eq!(count(value), 1, "round {round}, {value}: {line}");
        }
        assert_eq!((&line["k"], &line["target"]), (&"v".into(), &target.into()));
        let numbers =
            |wanted: f64| fields.values().filter(|value| value.as_f64() == Some(wanted)).count();
        assert_eq!((numbers(0.5), numbers(2.0)), (1, 1), "round {round}: {line}");
        text = raw_lines(&logs).remove(0) + "\n";
        targets.push(target);
    }
}

#[cfg(unix)]
#[test]
fn modes_are_as_asked() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
    for (arguments, file, dir) in [
        ("", 0o644, 0o700),
        ("--file-mode 640 --dir-mode 0750", 0o640, 0o750),
        ("--file-mode umask --dir-mode umask", 0o640, 0o750),
    ] {
        let (_dir, logs) = place();
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 027; echo x | exec \"$0\" \"$@\""]);
        shell.arg(env!("CARGO_BIN_EXE_ringseal")).arg("pipe").arg("--dir").arg(&logs);
        assert_fine(&shell.args(arguments.split_whitespace()).output().expect("a shell"));
        assert_eq!((mode(&logs.join("app.log")), mode(&logs)), (file, dir), "{arguments:?}");
        assert_eq!(mode(&logs.join(".app.log.lock")), 0o600, "{arguments:?}");
    }
}

#[test]
fn the_longest_line_has_a_unit() {
    let (_dir, logs) = place();
    let input = format!("{}\n", "x".repeat(5000));
    feed(&logs, &["--line-bytes-max", "2KiB", "--format", "text"], input.as_bytes());
    assert_eq!(lines(&logs)[0]["message"].as_str().map(str::len), Some(2048));
    for wrong in ["0", "17MiB", "much"] {
        let output = feed(&logs, &["--line-bytes-max", wrong], b"");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}
